//! The DogStatsD datagram format, protocol 1.0 to 1.3
//! (<https://docs.datadoghq.com/developers/dogstatsd/datagram_shell/>). Sections that a newer
//! protocol adds are passed over, as the agent does.

use super::message::{Event, Kind, Message, Metric, ServiceCheck, Tag, Values};

/// Why a line could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

fn malformed<T>(reason: impl Into<String>) -> Result<T, Malformed> {
    Err(Malformed(reason.into()))
}

/// Reads every line of a datagram; empty lines are none.
#[must_use]
pub fn parse(datagram: &[u8]) -> Vec<(String, Result<Message, Malformed>)> {
    let lines = datagram
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines
        .filter(|line| !line.is_empty())
        .map(|line| match std::str::from_utf8(line) {
            Ok(text) => (text.to_owned(), parse_line(text)),
            Err(_) => (
                String::from_utf8_lossy(line).into_owned(),
                malformed("the line is not UTF-8"),
            ),
        })
        .collect()
}

/// Reads one line, without its line end.
///
/// # Errors
/// The line is none of the three kinds, or one of its parts is not what the format asks for.
pub fn parse_line(line: &str) -> Result<Message, Malformed> {
    if let Some(rest) = line.strip_prefix("_e{") {
        event(rest).map(Message::Event)
    } else if let Some(rest) = line.strip_prefix("_sc|") {
        service_check(rest).map(Message::ServiceCheck)
    } else {
        metric(line).map(Message::Metric)
    }
}

fn metric(line: &str) -> Result<Metric, Malformed> {
    let mut sections = line.split('|');
    let head = sections.next().unwrap_or_default();
    let Some((name, values)) = head.split_once(':') else {
        return malformed("a metric is `name:value|type`; no `:` follows a name");
    };
    if name.is_empty() {
        return malformed("the metric has no name");
    }
    let kind = match sections.next() {
        Some("c") => Kind::Counter,
        Some("g") => Kind::Gauge,
        Some("ms") => Kind::Timing,
        Some("h") => Kind::Histogram,
        Some("s") => Kind::Set,
        Some("d") => Kind::Distribution,
        Some(other) => return malformed(format!("the type `{other}` is none of c, g, ms, h, s, d")),
        None => return malformed("the type is missing after the value"),
    };
    let values = match kind {
        Kind::Set => Values::Member(values.to_owned()),
        _ => Values::Numbers(values.split(':').map(number).collect::<Result<_, _>>()?),
    };
    let mut metric = Metric {
        name: name.to_owned(),
        kind,
        values,
        rate: 1.0,
        tags: Vec::new(),
        container: None,
        timestamp: None,
    };
    for section in sections {
        if let Some(rate) = section.strip_prefix('@') {
            metric.rate = number(rate)?;
            if !(metric.rate > 0.0 && metric.rate <= 1.0) {
                return malformed(format!("the sample rate `{rate}` is not over 0 and at most 1"));
            }
        } else if let Some(list) = section.strip_prefix('#') {
            metric.tags = tags(list);
        } else if let Some(container) = section.strip_prefix("c:") {
            metric.container = Some(container.to_owned());
        } else if let Some(seconds) = section.strip_prefix('T') {
            metric.timestamp = Some(timestamp(seconds)?);
        }
    }
    Ok(metric)
}

fn event(rest: &str) -> Result<Event, Malformed> {
    let header = rest.split_once("}:").and_then(|(lengths, body)| {
        let (title, text) = lengths.split_once(',')?;
        Some((title.parse::<usize>().ok()?, text.parse::<usize>().ok()?, body))
    });
    let Some((title_length, text_length, body)) = header else {
        return malformed("an event begins `_e{<title bytes>,<text bytes>}:`");
    };
    let short = || {
        Malformed(format!(
            "the event's title of {title_length} and text of {text_length} bytes do not fit it"
        ))
    };
    let title = body.get(..title_length).ok_or_else(short)?;
    let rest = body[title_length..].strip_prefix('|').ok_or_else(short)?;
    let text = rest.get(..text_length).ok_or_else(short)?;
    let sections = match &rest[text_length..] {
        "" => "",
        more => more.strip_prefix('|').ok_or_else(short)?,
    };
    if title.is_empty() {
        return malformed("the event has no title");
    }
    let mut event = Event {
        title: title.to_owned(),
        text: text.replace("\\n", "\n"),
        ..Event::default()
    };
    for section in sections.split('|') {
        let own = |value: &str| Some(value.to_owned());
        match section.split_once(':') {
            _ if section.starts_with('#') => event.tags = tags(&section[1..]),
            Some(("d", value)) => event.timestamp = Some(timestamp(value)?),
            Some(("h", value)) => event.host = own(value),
            Some(("k", value)) => event.aggregation_key = own(value),
            Some(("p", value)) => event.priority = own(value),
            Some(("s", value)) => event.source = own(value),
            Some(("t", value)) => event.alert_type = own(value),
            _ => {}
        }
    }
    Ok(event)
}

fn service_check(rest: &str) -> Result<ServiceCheck, Malformed> {
    let mut sections = rest.split('|');
    let name = sections.next().unwrap_or_default();
    if name.is_empty() {
        return malformed("the service check has no name");
    }
    let status = match sections.next() {
        Some("0") => 0,
        Some("1") => 1,
        Some("2") => 2,
        Some("3") => 3,
        other => {
            return malformed(format!(
                "the status `{}` is none of 0, 1, 2, 3",
                other.unwrap_or_default()
            ));
        }
    };
    let mut check = ServiceCheck {
        name: name.to_owned(),
        status,
        ..ServiceCheck::default()
    };
    for section in sections {
        match section.split_once(':') {
            _ if section.starts_with('#') => check.tags = tags(&section[1..]),
            Some(("d", value)) => check.timestamp = Some(timestamp(value)?),
            Some(("h", value)) => check.host = Some(value.to_owned()),
            Some(("m", value)) => check.message = Some(value.replace("\\n", "\n").replace("m\\:", "m:")),
            _ => {}
        }
    }
    Ok(check)
}

fn number(text: &str) -> Result<f64, Malformed> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => malformed(format!("`{text}` is not a number")),
    }
}

fn timestamp(text: &str) -> Result<u64, Malformed> {
    text.parse()
        .or_else(|_| malformed(format!("the timestamp `{text}` is not whole seconds since 1970")))
}

fn tags(list: &str) -> Vec<Tag> {
    let tag = |tag: &str| match tag.split_once(':') {
        Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
        None => (tag.to_owned(), None),
    };
    list.split(',').filter(|tag| !tag.is_empty()).map(tag).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tagged(list: &[(&str, Option<&str>)]) -> Vec<Tag> {
        list.iter()
            .map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned)))
            .collect()
    }

    fn a_metric(kind: Kind, values: Values) -> Metric {
        Metric {
            name: "n".into(),
            kind,
            values,
            rate: 1.0,
            tags: vec![],
            container: None,
            timestamp: None,
        }
    }

    #[test]
    fn metrics_of_every_type_and_section_are_read() {
        let numbers = |list: &[f64]| Values::Numbers(list.to_vec());
        let table = [
            ("n:1|c", a_metric(Kind::Counter, numbers(&[1.0]))),
            ("n:-4.5|g", a_metric(Kind::Gauge, numbers(&[-4.5]))),
            ("n:+3|g", a_metric(Kind::Gauge, numbers(&[3.0]))),
            (
                "n:1:2.5:3e2|d",
                a_metric(Kind::Distribution, numbers(&[1.0, 2.5, 300.0])),
            ),
            (
                "n:320|ms|@0.1",
                Metric {
                    rate: 0.1,
                    ..a_metric(Kind::Timing, numbers(&[320.0]))
                },
            ),
            ("n:1|h|future:x|", a_metric(Kind::Histogram, numbers(&[1.0]))),
            ("n:user:7|s", a_metric(Kind::Set, Values::Member("user:7".into()))),
            (
                "n:1|c|@1|#env:dev,urgent,at:10:30|c:ci-83c0a99c|T1656581400",
                Metric {
                    tags: tagged(&[("env", Some("dev")), ("urgent", None), ("at", Some("10:30"))]),
                    container: Some("ci-83c0a99c".into()),
                    timestamp: Some(1_656_581_400),
                    ..a_metric(Kind::Counter, numbers(&[1.0]))
                },
            ),
        ];
        for (line, expected) in table {
            assert_eq!(parse_line(line), Ok(Message::Metric(expected)), "{line}");
        }
    }

    #[test]
    fn an_event_is_read_by_its_lengths_in_bytes() {
        // `Grüße!` has 8 bytes and 6 characters.
        let sections = r"Grüße!|a|b\nc: ok|d:5|h:web|k:all|p:low|s:cron|t:error|#env:dev,x";
        assert!(parse_line(&format!("_e{{6,10}}:{sections}")).is_err());
        let line = format!("_e{{8,10}}:{sections}");
        let Ok(Message::Event(event)) = parse_line(&line) else {
            panic!("{line}: {:?}", parse_line(&line))
        };
        let expected = Event {
            title: "Grüße!".into(),
            text: "a|b\nc: ok".into(),
            timestamp: Some(5),
            host: Some("web".into()),
            aggregation_key: Some("all".into()),
            priority: Some("low".into()),
            source: Some("cron".into()),
            alert_type: Some("error".into()),
            tags: tagged(&[("env", Some("dev")), ("x", None)]),
        };
        assert_eq!(event, expected);
    }

    #[test]
    fn a_service_check_is_read_with_all_its_sections() {
        let line = r"_sc|billing.up|2|d:7|h:web|#env:dev|m:no route\nto db";
        let expected = ServiceCheck {
            name: "billing.up".into(),
            status: 2,
            timestamp: Some(7),
            host: Some("web".into()),
            message: Some("no route\nto db".into()),
            tags: tagged(&[("env", Some("dev"))]),
        };
        assert_eq!(parse_line(line), Ok(Message::ServiceCheck(expected)));
    }

    #[test]
    fn each_malformed_line_says_what_is_wrong_with_it() {
        let table = [
            ("n", "a metric is `name:value|type`; no `:` follows a name"),
            (":1|c", "the metric has no name"),
            ("n:1", "the type is missing after the value"),
            ("n:1|x", "the type `x` is none of c, g, ms, h, s, d"),
            ("n:|c", "`` is not a number"),
            ("n:1:two|c", "`two` is not a number"),
            ("n:NaN|g", "`NaN` is not a number"),
            ("n:1|c|@0", "the sample rate `0` is not over 0 and at most 1"),
            ("n:1|c|T-1", "the timestamp `-1` is not whole seconds since 1970"),
            ("_e{1}:a|b", "an event begins `_e{<title bytes>,<text bytes>}:`"),
            (
                "_e{9,9}:a|b",
                "the event's title of 9 and text of 9 bytes do not fit it",
            ),
            ("_e{0,1}:|b", "the event has no title"),
            (
                "_e{1,1}:a|bc",
                "the event's title of 1 and text of 1 bytes do not fit it",
            ),
            ("_sc||0", "the service check has no name"),
            ("_sc|up|4", "the status `4` is none of 0, 1, 2, 3"),
            ("_sc|up", "the status `` is none of 0, 1, 2, 3"),
        ];
        for (line, reason) in table {
            assert_eq!(parse_line(line), malformed(reason), "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_datagram_makes_the_parser_panic(datagram in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&datagram);
        }

        #[test]
        fn no_line_near_the_format_makes_it_panic(
            head in "(_e\\{[0-9]{0,22},[0-9]{0,2}\\}:|_sc\\||[a-zé]{0,2}:)", rest in "[a-zé:|#,@T0-9.\\\\-]{0,30}",
        ) {
            let _ = parse_line(&(head + &rest));
        }

        #[test]
        fn a_metric_that_is_written_is_read_back(
            name in "[a-z][a-z._]{0,20}", values in proptest::collection::vec(-1e9..1e9_f64, 1..5), rate in 0.001..1.0_f64,
        ) {
            let packed: Vec<_> = values.iter().map(f64::to_string).collect();
            let line = format!("{name}:{}|d|@{rate}|#a:b", packed.join(":"));
            let read = parse_line(&line);
            prop_assert_eq!(read, Ok(Message::Metric(Metric {
                name, rate, tags: tagged(&[("a", Some("b"))]), ..a_metric(Kind::Distribution, Values::Numbers(values))
            })));
        }
    }
}
