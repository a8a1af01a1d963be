//! What was sent of a metric.

use std::collections::BTreeSet;

use momus_engine::event::Happening;
use momus_engine::failure::{Failure, StepError};
use momus_engine::timeline::Timeline;

use super::source::Source;

/// The types of metrics, by the letters that a datagram has for them.
const KINDS: [(&str, &str); 6] = [
    ("c", "counter"),
    ("g", "gauge"),
    ("ms", "timing"),
    ("h", "histogram"),
    ("d", "distribution"),
    ("s", "set"),
];

/// So many other metrics are named where the one that was asked for was not sent.
const NAMED: usize = 8;

/// One line of a datagram: a metric's value, or several.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sent {
    /// Who sent it.
    pub source: Source,
    /// Its type, as the datagram has it.
    pub kind: String,
    /// Its value, several with a `:` between them, as they stood in the datagram.
    pub value: String,
    /// The share of measurements that were sent.
    pub rate: f64,
}

impl Sent {
    /// All that was sent of a metric since the scenario began, in order.
    pub fn all(timeline: &Timeline, metric: &str) -> Vec<Self> {
        timeline.look(|events| {
            let sent = events.iter().filter_map(|event| match &event.happening {
                Happening::Metric {
                    service,
                    name,
                    kind,
                    value,
                    rate,
                    tags,
                } if name == metric => Some(Self {
                    source: Source::new(service, tags),
                    kind: kind.clone(),
                    value: value.clone(),
                    rate: *rate,
                }),
                _ => None,
            });
            sent.collect()
        })
    }

    /// All that was sent of a metric of this type, as above.
    ///
    /// # Errors
    /// When it was sent as one of another type.
    pub fn of_kind(timeline: &Timeline, metric: &str, kind: &str) -> Result<Vec<Self>, StepError> {
        let all = Self::all(timeline, metric);
        match all.iter().find(|sent| sent.kind != kind) {
            None => Ok(all),
            Some(other) => {
                let (is, of) = (word(&other.kind), word(kind));
                let hint = match other.kind.as_str() {
                    "c" => format!("`metric {metric} rises by …` tells of counters"),
                    "g" => format!("`metric {metric} is …` tells of gauges"),
                    _ => format!("`metric {metric} has … values` tells of whatever was sent"),
                };
                let message = format!("{} sends the {is} {metric}, and this step is about {of}s", other.source);
                Err(Failure::failed(message).hint(hint))
            }
        }
    }

    /// The numbers that it says.
    pub fn numbers(&self) -> impl Iterator<Item = f64> {
        self.value.split(':').filter_map(|number| number.parse().ok())
    }
}

fn word(kind: &str) -> &str {
    KINDS
        .iter()
        .find(|(letters, _)| *letters == kind)
        .map_or(kind, |(_, word)| word)
}

/// That a metric was not sent, and which others were.
pub(super) fn not_sent(timeline: &Timeline, metric: &str) -> String {
    let names: BTreeSet<String> = timeline.look(|events| {
        let names = events.iter().filter_map(|event| match &event.happening {
            Happening::Metric { name, .. } => Some(name.clone()),
            _ => None,
        });
        names.collect()
    });
    if names.is_empty() {
        return format!("metric {metric} was not sent, nor any other");
    }
    let more = names.len().saturating_sub(NAMED);
    let named: Vec<String> = names.into_iter().take(NAMED).collect();
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!(
        "metric {metric} was not sent; those that were are {}{more}",
        named.join(", ")
    )
}
