//! Events and service checks: texts by name, and tags.

use serde_json::Value as Json;

use super::source::Source;
use crate::selection::{Place, Subject, Typing};

/// What a service told the metrics agent beside metrics.
#[derive(Debug)]
pub(super) struct Told {
    /// Who told it, and its tags.
    pub source: Source,
    /// What it says, by the names of its places; the first two are shown.
    pub texts: Vec<(String, String)>,
}

impl Subject for Told {
    fn read(&self, place: &Place) -> Vec<Json> {
        let Place::Part(part) = place else { return Vec::new() };
        match self.texts.iter().find(|(name, _)| name == part) {
            Some((_, text)) => vec![text.clone().into()],
            None => self.source.read(place),
        }
    }

    fn shown(&self) -> String {
        let shown: Vec<&str> = self.texts.iter().take(2).map(|(_, text)| text.as_str()).collect();
        format!("{}: {}", shown.join(", "), self.source)
    }

    fn typing(&self, _place: &Place) -> Typing {
        Typing::Text
    }

    fn absence(&self, place: &Place) -> String {
        match place {
            Place::Part(part) if part.starts_with("tag ") => self.source.absence(place),
            _ => "absent".to_owned(),
        }
    }
}
