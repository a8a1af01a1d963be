//! What a service says to DogStatsD: metrics, events, service checks.

/// What one line says.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// `name:1:2|c|@0.5|#tag:value`
    Metric(Metric),
    /// `_e{5,4}:title|text`
    Event(Event),
    /// `_sc|name|0`
    ServiceCheck(ServiceCheck),
}

/// The type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `c`
    Counter,
    /// `g`
    Gauge,
    /// `ms`, in milliseconds
    Timing,
    /// `h`
    Histogram,
    /// `s`
    Set,
    /// `d`
    Distribution,
}

/// The values of a metric: a set's is text, every other's are finite numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// One or more, packed in one line since protocol 1.1.
    Numbers(Vec<f64>),
    /// A set's member; sets cannot be packed.
    Member(String),
}

/// A tag: its key, and what follows the first colon.
pub type Tag = (String, Option<String>);

/// One metric line.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// What was measured.
    pub values: Values,
    /// The share of measurements that were sent, over 0 and at most 1: a counter of 1 at 0.1 counts 10.
    pub rate: f64,
    /// Its tags, as they came.
    pub tags: Vec<Tag>,
    /// The sender's container (protocol 1.2).
    pub container: Option<String>,
    /// When it was measured, in seconds since 1970 (protocol 1.3).
    pub timestamp: Option<u64>,
}

/// One event line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event {
    /// Its title.
    pub title: String,
    /// Its text, line breaks restored.
    pub text: String,
    /// When it happened, in seconds since 1970.
    pub timestamp: Option<u64>,
    /// The host.
    pub host: Option<String>,
    /// What events are grouped by.
    pub aggregation_key: Option<String>,
    /// `normal` or `low`.
    pub priority: Option<String>,
    /// The type of source.
    pub source: Option<String>,
    /// `error`, `warning`, `info` or `success`.
    pub alert_type: Option<String>,
    /// Its tags.
    pub tags: Vec<Tag>,
}

/// One service check line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ServiceCheck {
    /// Its name.
    pub name: String,
    /// 0 fine, 1 warning, 2 critical, 3 unknown.
    pub status: u8,
    /// When it was made, in seconds since 1970.
    pub timestamp: Option<u64>,
    /// The host.
    pub host: Option<String>,
    /// Its message, line breaks restored.
    pub message: Option<String>,
    /// Its tags.
    pub tags: Vec<Tag>,
}
