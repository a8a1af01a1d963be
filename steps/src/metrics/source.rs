//! Who sent something to the metrics agent, and with which tags.

use std::fmt;

use momus_engine::step::{Block, BlockError};
use serde_json::Value as Json;

use crate::selection::{Judgement, Parts, Place, Places, Selection, Subject, Typing, check};

/// The places of a metric as a whole: of all that one service sends of it with the same tags.
const SERIES: Places = Places {
    of: "a metric",
    json: false,
    headers: false,
    query: false,
    parts: Parts::Tagged(&["service"]),
};

/// The sender of something, and its tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// The service.
    pub service: String,
    /// Its tags, `key:value` or a key alone, sorted.
    pub tags: Vec<String>,
}

impl Source {
    /// Who sent it, with these tags in whatever order.
    pub fn new(service: &str, tags: &[String]) -> Self {
        let mut tags = tags.to_vec();
        tags.sort_unstable();
        Self {
            service: service.to_owned(),
            tags,
        }
    }

    /// How it stands against a table.
    pub fn judge(&self, selection: &Selection) -> Judgement {
        selection.judge(self)
    }
}

impl Subject for Source {
    fn read(&self, place: &Place) -> Vec<Json> {
        let Place::Part(part) = place else { return Vec::new() };
        match part.strip_prefix("tag ") {
            Some(name) => {
                let values = self.tags.iter().filter_map(|tag| match tag.split_once(':') {
                    Some((key, value)) => (key == name.trim()).then(|| Json::from(value)),
                    // A tag without a value is there, and that is all.
                    None => (tag == name.trim()).then_some(Json::Null),
                });
                values.collect()
            }
            None if part == "service" => vec![self.service.clone().into()],
            None => Vec::new(),
        }
    }

    fn shown(&self) -> String {
        self.to_string()
    }

    fn typing(&self, _place: &Place) -> Typing {
        Typing::Text
    }

    fn absence(&self, _place: &Place) -> String {
        if self.tags.is_empty() {
            "absent: there are no tags".to_owned()
        } else {
            format!("absent: the tags are {}", self.tags.join(", "))
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.service)?;
        if self.tags.is_empty() {
            return Ok(());
        }
        write!(formatter, " #{}", self.tags.join(","))
    }
}

/// Checks a table that selects by `service` and `tag NAME`.
pub(super) fn check_source(block: &Block) -> Result<(), BlockError> {
    check(&SERIES, block)
}
