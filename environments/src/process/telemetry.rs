//! What services tell of themselves, as the timeline tells it: log lines, and what is sent to the metrics agent.

use momus_engine::activity::Telemetry;
use momus_engine::event::Happening;
use momus_engine::timeline::Timeline;
use serde_json::Value as Json;

use crate::standins::log_line::{Form, LogLine};
use crate::standins::statsd::message::Tag;
use crate::standins::statsd::{Event, Kind, Message, Metric, Received, ServiceCheck};

/// Tells the timeline a log line.
pub(super) fn log(timeline: &Timeline, service: &str, line: &LogLine) {
    let happening = Happening::Log {
        service: service.to_owned(),
        level: line.level.map(|level| format!("{level:?}").to_lowercase()),
        message: line.message.clone(),
        document: (line.form != Form::Plain || !line.fields.is_empty()).then(|| Json::Object(line.fields.clone())),
    };
    timeline.record_traced(line.trace.clone(), happening);
    let (trace, what) = (line.trace.as_deref(), format!("{service} logs `{}`", line.message));
    timeline.activity().tells(Telemetry::Logs, service, trace, what);
}

/// What a service sent to the metrics agent.
pub(super) fn sent(service: &str, received: Received) -> Happening {
    let Received { line, message, .. } = received;
    match message {
        Ok(Message::Metric(sent)) => metric(service, &line, sent),
        Ok(Message::Event(sent)) => event(service, sent),
        Ok(Message::ServiceCheck(sent)) => check(service, sent),
        Err(malformed) => Happening::Notice {
            text: format!("{service} sent `{line}` to statsd, which says nothing: {malformed}"),
        },
    }
}

fn metric(service: &str, line: &str, metric: Metric) -> Happening {
    let value = line.split('|').next().unwrap_or_default();
    Happening::Metric {
        service: service.to_owned(),
        value: value
            .strip_prefix(&metric.name)
            .unwrap_or(value)
            .trim_start_matches(':')
            .to_owned(),
        name: metric.name,
        kind: match metric.kind {
            Kind::Counter => "c",
            Kind::Gauge => "g",
            Kind::Timing => "ms",
            Kind::Histogram => "h",
            Kind::Set => "s",
            Kind::Distribution => "d",
        }
        .to_owned(),
        rate: metric.rate,
        tags: tags(metric.tags),
    }
}

fn event(service: &str, event: Event) -> Happening {
    let fields = [
        ("alert_type", event.alert_type),
        ("priority", event.priority),
        ("host", event.host),
        ("source_type_name", event.source),
        ("aggregation_key", event.aggregation_key),
    ];
    let fields = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Happening::AgentEvent {
        service: service.to_owned(),
        title: event.title,
        text: event.text,
        fields: fields.collect(),
        tags: tags(event.tags),
    }
}

fn check(service: &str, check: ServiceCheck) -> Happening {
    let status = match check.status {
        0 => "ok",
        1 => "warning",
        2 => "critical",
        _ => "unknown",
    };
    Happening::ServiceCheck {
        service: service.to_owned(),
        name: check.name,
        status: status.to_owned(),
        message: check.message,
        host: check.host,
        tags: tags(check.tags),
    }
}

/// Tags as they are written: `key:value`, or the key alone.
fn tags(tags: Vec<Tag>) -> Vec<String> {
    let written = tags.into_iter().map(|(key, value)| match value {
        Some(value) => format!("{key}:{value}"),
        None => key,
    });
    written.collect()
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::time::SystemTime;

    use momus_engine::timeline::Clock;
    use serde_json::json;

    use super::*;
    use crate::standins::log_line;
    use crate::standins::statsd::datagram;

    fn told(line: &str) -> Json {
        let received = Received {
            at: SystemTime::UNIX_EPOCH,
            from: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
            line: line.to_owned(),
            message: datagram::parse_line(line),
        };
        serde_json::to_value(sent("shop", received)).unwrap()
    }

    #[test]
    fn each_kind_of_message_is_told_with_all_that_it_says() {
        assert_eq!(
            told("orders:1:2.5|c|@0.5|#env:dev,urgent"),
            json!({
                "event": "metric", "service": "shop", "name": "orders", "kind": "c", "value": "1:2.5", "rate": 0.5,
                "tags": ["env:dev", "urgent"],
            })
        );
        assert_eq!(
            told(r"_e{4,7}:sold|all\ngo|t:error|h:web|s:cron|#env:dev"),
            json!({
                "event": "agent_event", "service": "shop", "title": "sold", "text": "all\ngo",
                "fields": [["alert_type", "error"], ["host", "web"], ["source_type_name", "cron"]], "tags": ["env:dev"],
            })
        );
        assert_eq!(
            told("_sc|till.open|2|m:no key"),
            json!({
                "event": "service_check", "service": "shop", "name": "till.open", "status": "critical",
                "message": "no key", "host": null, "tags": [],
            })
        );
        assert_eq!(
            told("orders")["text"],
            "shop sent `orders` to statsd, which says nothing: a metric is `name:value|type`; no `:` follows a name"
        );
    }

    #[test]
    fn a_log_line_that_is_json_is_told_whole() {
        let timeline = Timeline::new(Clock::start(), 0, "s0");
        for line in [r#"{"level":"error","msg":"no route","order":7}"#, "no route"] {
            log(&timeline, "shop", &log_line::parse(line));
        }
        let told: Vec<Json> = timeline
            .drain()
            .into_iter()
            .map(|event| serde_json::to_value(event.happening).unwrap())
            .collect();
        let document = json!({"level": "error", "msg": "no route", "order": 7});
        assert_eq!(
            told,
            [
                json!({"event": "log", "service": "shop", "level": "error", "message": "no route", "document": document}),
                json!({"event": "log", "service": "shop", "level": null, "message": "no route", "document": null}),
            ]
        );
    }
}
