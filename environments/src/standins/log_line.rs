//! One line that a service logged, read in whichever common form it has.

use momus_engine::dotted::at;
use regex::Regex;
use serde_json::{Map, Value};

/// The form in which a line was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Elastic Common Schema: JSON with `@timestamp` or `ecs.version`, and `log.level`.
    Ecs,
    /// A JSON object of another schema.
    Json,
    /// Text.
    Plain,
}

/// How serious a line is, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Finer than debug.
    Trace,
    /// For developers.
    Debug,
    /// Normal work.
    Info,
    /// Odd, and coped with.
    Warn,
    /// Something failed.
    Error,
    /// The service cannot go on.
    Fatal,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogLine {
    /// The form in which it was written.
    pub form: Form,
    /// The level, where the line names one that is known. A plain line has none.
    pub level: Option<Level>,
    /// The message; the whole line where it has none of its own.
    pub message: String,
    /// The trace that it belongs to.
    pub trace: Option<String>,
    /// The whole JSON object; of a plain line the fields that its pattern gives it, if it has one.
    pub fields: Map<String, Value>,
}

/// Reads one line, without its line end. Whatever is not a JSON object is plain.
#[must_use]
pub fn parse(line: &str) -> LogLine {
    match serde_json::from_str::<Map<String, Value>>(line) {
        Ok(fields) => from_fields(fields, line),
        Err(_) => plain(line),
    }
}

/// Takes one line for text, whatever it looks like.
#[must_use]
pub fn plain(line: &str) -> LogLine {
    LogLine {
        form: Form::Plain,
        level: None,
        message: line.to_owned(),
        trace: None,
        fields: Map::new(),
    }
}

/// Reads a line of text by a pattern whose groups are its fields; one that is not like it is plain.
#[must_use]
pub fn like(pattern: &Regex, line: &str) -> LogLine {
    let Some(captures) = pattern.captures(line) else {
        return plain(line);
    };
    let groups = pattern.capture_names().flatten();
    let fields = groups.filter_map(|name| Some((name.to_owned(), captures.name(name)?.as_str().into())));
    LogLine {
        form: Form::Plain,
        ..from_fields(fields.collect(), line)
    }
}

/// Reads a line that is already JSON; `line` is what stands for a message where it has none.
pub(crate) fn from_fields(fields: Map<String, Value>, line: &str) -> LogLine {
    let first = |names: &[&str]| names.iter().find_map(|name| at(&fields, name));
    // https://www.elastic.co/guide/en/ecs-logging/overview/current/intro.html: `@timestamp`,
    // `log.level` and `ecs.version` are what makes a line ECS; keys are dotted or nested.
    let ecs = at(&fields, "log.level").is_some_and(Value::is_string)
        && (fields.contains_key("@timestamp") || at(&fields, "ecs.version").is_some());
    let level = first(&["log.level", "level", "severity", "lvl", "levelname"]).and_then(Level::of);
    let message = first(&["message", "msg", "event"])
        .and_then(Value::as_str)
        .unwrap_or(line)
        .to_owned();
    let trace = first(&["trace.id", "trace_id", "traceId", "dd.trace_id"]).and_then(|id| match id {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    });
    LogLine {
        form: if ecs { Form::Ecs } else { Form::Json },
        level,
        message,
        trace,
        fields,
    }
}

impl Level {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(name) => Self::named(name),
            // The numbers of pino and bunyan (10 trace … 60 fatal), the common ones among JSON logs.
            Value::Number(number) => match number.as_u64()? {
                10 => Some(Self::Trace),
                20 => Some(Self::Debug),
                30 => Some(Self::Info),
                40 => Some(Self::Warn),
                50 => Some(Self::Error),
                60 => Some(Self::Fatal),
                _ => None,
            },
            _ => None,
        }
    }

    /// The level of a name, in any case; syslog's names count as the nearest.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "trace" | "finest" => Self::Trace,
            "debug" | "fine" => Self::Debug,
            "info" | "information" | "notice" | "informational" => Self::Info,
            "warn" | "warning" => Self::Warn,
            "error" | "err" | "severe" => Self::Error,
            "fatal" | "critical" | "crit" | "alert" | "emerg" | "emergency" | "panic" | "dpanic" => Self::Fatal,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ecs_is_read_with_dotted_and_with_nested_keys() {
        for line in [
            r#"{"@timestamp":"2026-11-24T06:00:00Z","log.level":"error","message":"no route","ecs.version":"8.11","trace.id":"4bf9"}"#,
            r#"{"@timestamp":"2026-11-24T06:00:00Z","log":{"level":"ERROR"},"message":"no route","trace":{"id":"4bf9"}}"#,
        ] {
            let read = parse(line);
            assert_eq!((read.form, read.level), (Form::Ecs, Some(Level::Error)), "{line}");
            assert_eq!(
                (read.message.as_str(), read.trace.as_deref()),
                ("no route", Some("4bf9")),
                "{line}"
            );
            assert!(read.fields.contains_key("@timestamp"));
        }
    }

    #[test]
    fn other_json_is_read_by_the_usual_names() {
        let table = [
            (r#"{"level":"warn","msg":"slow"}"#, Some(Level::Warn), "slow", None),
            (
                r#"{"severity":"CRITICAL","message":"gone","trace_id":"a1"}"#,
                Some(Level::Fatal),
                "gone",
                Some("a1"),
            ),
            (r#"{"lvl":"dbug","msg":"x"}"#, None, "x", None),
            (
                r#"{"level":50,"msg":"boom","dd":{"trace_id":17}}"#,
                Some(Level::Error),
                "boom",
                Some("17"),
            ),
            (
                r#"{"level":"info","traceId":""}"#,
                Some(Level::Info),
                r#"{"level":"info","traceId":""}"#,
                None,
            ),
        ];
        for (line, level, message, trace) in table {
            let read = parse(line);
            assert_eq!(
                (read.form, read.level, read.message.as_str(), read.trace.as_deref()),
                (Form::Json, level, message, trace),
                "{line}"
            );
        }
    }

    #[test]
    fn a_plain_line_is_read_by_its_pattern() {
        let pattern = Regex::new(r"^\[(?<level>\w+)\] (?:(?<thread>\w+): )?(?<message>.*)$").unwrap();
        let read = like(&pattern, "[WARNING] main: no bank");
        assert_eq!(
            (read.form, read.level, read.message.as_str()),
            (Form::Plain, Some(Level::Warn), "no bank")
        );
        assert_eq!(read.fields["thread"], "main");
        assert!(!like(&pattern, "[INFO] open").fields.contains_key("thread"));
        assert_eq!(like(&pattern, "Traceback"), plain("Traceback"));
    }

    #[test]
    fn what_is_no_json_object_is_plain() {
        for line in ["ERROR no route", "", "42", "[1]", "null", r#"{"message":"cut o"#] {
            let read = parse(line);
            assert_eq!(
                (read.form, read.level, read.message.as_str()),
                (Form::Plain, None, line)
            );
            assert!(read.fields.is_empty());
        }
    }
}
