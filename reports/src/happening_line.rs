//! An event in one line, for a person.

use std::time::Duration;

use momus_engine::event::{Event, FaultPhase, Happening, ServiceState};
use momus_engine::failure::in_words;
use serde_json::Value as Json;

use crate::scenarios::said;

/// How many characters of a value a line shows.
const LONGEST_VALUE: usize = 120;

/// The event in one line: the time since the run began, then what happened:
/// `+1.203 s  shop → billing  POST /charges 503 (12 ms)`.
pub fn in_one_line(event: &Event) -> String {
    let line = format!("+{:.3} s  {}", event.elapsed.as_secs_f64(), happening(&event.happening));
    line.replace(['\n', '\r'], " ")
}

fn happening(happening: &Happening) -> String {
    match happening {
        Happening::RunStarted {
            version,
            seed,
            mesh,
            scenarios,
        } => {
            let mesh = mesh.as_ref().map(|mesh| format!(" · mesh {mesh}")).unwrap_or_default();
            format!(
                "momus {version}{mesh} · {} · seed {seed}",
                counted(*scenarios, "scenario")
            )
        }
        Happening::Notice { text } => format!("notice: {text}"),
        Happening::FileError {
            file, line, message, ..
        } => {
            let line = line.map(|line| format!(":{line}")).unwrap_or_default();
            format!("{file}{line}: {message}")
        }
        Happening::Progress { text } => text.clone(),
        Happening::ServerReady { server, version, took } => format!("{server} ready: {version} ({})", in_words(*took)),
        Happening::ScenarioStarted { place, attempt } => {
            let again = if *attempt > 1 {
                format!(" (try {attempt})")
            } else {
                String::new()
            };
            format!("scenario {}:{}  {}{again}", place.file, place.line, place.name)
        }
        Happening::SandboxReady { parts } => format!("sandbox ready: {}", parts_in_words(parts)),
        Happening::SandboxClaimed { waited } => format!("sandbox claimed, waited for {}", in_words(*waited)),
        Happening::StepStarted { step: _, place } => said(place),
        Happening::StepFinished {
            step,
            outcome,
            took,
            failure,
        } => {
            let why = failure.as_ref().map(|failure| format!(": {}", failure.message));
            format!(
                "step {} {} ({}){}",
                step + 1,
                outcome.word(),
                in_words(*took),
                why.unwrap_or_default()
            )
        }
        Happening::Request {
            caller,
            dependency,
            method,
            path,
            ..
        } => format!("{caller} → {dependency}  {method} {path}"),
        Happening::Response {
            caller,
            dependency,
            method,
            path,
            status,
            grpc_status,
            took,
            ..
        } => {
            let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            let grpc = grpc_status
                .map(|code| format!(" grpc-status {code}"))
                .unwrap_or_default();
            format!(
                "{caller} → {dependency}  {method} {path} {status}{grpc} ({})",
                in_words(*took)
            )
        }
        Happening::Connection {
            caller,
            dependency,
            what,
        } => format!("{caller} → {dependency}  connection {what}"),
        Happening::Beyond { service, to, what } => format!("{service} → {to}  {what}"),
        Happening::KafkaCall {
            caller,
            broker,
            api,
            about,
            error,
        } => {
            let error = error.map(|error| format!(" error {error}")).unwrap_or_default();
            format!("{caller} → {broker}  {api} {about}{error}")
        }
        Happening::DatabaseSession {
            caller,
            datastore,
            role,
        } => format!("{caller} → {datastore}  session of {role}"),
        Happening::Statement {
            caller,
            datastore,
            text,
            rows,
            sqlstate,
            took,
            ..
        } => {
            let error = sqlstate.as_ref().map(|code| format!(" error {code}"));
            let rows = rows.map(|rows| format!(" {}", counted(usize::try_from(rows).unwrap_or(usize::MAX), "row")));
            let ended = error.or(rows).unwrap_or_default();
            let text = cut(text);
            format!("{caller} → {datastore}  {text}{ended} ({})", in_words(*took))
        }
        Happening::Record {
            topic,
            partition,
            offset,
            key,
            value,
            ..
        } => {
            let key = key.as_ref().map(|key| format!(" {key}:")).unwrap_or_default();
            format!("{topic}[{partition}]@{offset}{key} {}", shortened(value))
        }
        Happening::Rows { datastore, table, rows } => format!("{datastore}  {table}: {}", counted(*rows, "row")),
        Happening::Objects { bucket, names } => {
            format!(
                "{bucket}  {}: {}",
                counted(names.len(), "object"),
                cut(&names.join(", "))
            )
        }
        Happening::PartnerCall {
            partner,
            method,
            path,
            status,
            ..
        } => format!("→ {partner}  {method} {path} {status}"),
        Happening::Log {
            service,
            level,
            message,
            document: _,
        } => {
            let level = level.as_ref().map(|level| format!("{level}: ")).unwrap_or_default();
            format!("{service}  {level}{message}")
        }
        Happening::Metric {
            service,
            name,
            kind,
            value,
            rate,
            tags,
        } => {
            let rate = if *rate < 1.0 {
                format!("|@{rate}")
            } else {
                String::new()
            };
            format!("{service}  metric {name}:{value}|{kind}{rate}{}", tagged(tags))
        }
        Happening::AgentEvent {
            service,
            title,
            text,
            fields: _,
            tags,
        } => format!("{service}  event {title}: {text}{}", tagged(tags)),
        Happening::ServiceCheck {
            service,
            name,
            status,
            message,
            host: _,
            tags,
        } => {
            let message = message
                .as_ref()
                .map(|message| format!(": {message}"))
                .unwrap_or_default();
            format!("{service}  check {name} {status}{message}{}", tagged(tags))
        }
        Happening::Service { service, state } => format!("{service}  {}", state_in_words(state)),
        Happening::Fault { fault, phase } => format!("fault {fault} {}", phase_in_words(*phase)),
        Happening::Expectation {
            expected,
            seen,
            held,
            looks,
        } => {
            let verdict = if *held { "held" } else { "did not hold" };
            format!(
                "expected {expected}, seen {seen}: {verdict} ({})",
                counted(*looks as usize, "look")
            )
        }
        Happening::ScenarioFinished {
            outcome, took, failure, ..
        } => {
            let why = failure.as_ref().map(|failure| format!(": {}", failure.message));
            format!(
                "scenario {} ({}){}",
                outcome.word(),
                in_words(*took),
                why.unwrap_or_default()
            )
        }
        Happening::RunFinished { summary } => format!("run finished: {}", counted(summary.scenarios(), "scenario")),
    }
}

/// A number with its noun: `1 row`, `2 rows`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Tags as DogStatsD writes them, behind a blank; nothing where there are none.
fn tagged(tags: &[String]) -> String {
    if tags.is_empty() {
        String::new()
    } else {
        format!(" #{}", tags.join(","))
    }
}

fn parts_in_words(parts: &[(String, Duration)]) -> String {
    let parts: Vec<_> = parts
        .iter()
        .map(|(name, took)| format!("{name} {}", in_words(*took)))
        .collect();
    parts.join(", ")
}

fn state_in_words(state: &ServiceState) -> String {
    match state {
        ServiceState::Started => "started".into(),
        ServiceState::Ready => "ready".into(),
        ServiceState::Stopping => "told to stop".into(),
        ServiceState::Killed => "killed".into(),
        ServiceState::Paused => "paused".into(),
        ServiceState::Resumed => "resumed".into(),
        ServiceState::Left => "left running for another sandbox".into(),
        ServiceState::Reused => "reused".into(),
        ServiceState::NotReusable { why } => format!("not reusable: {why}"),
        ServiceState::Exited { status, told: true } => format!("exited: {status}"),
        ServiceState::Exited { status, told: false } => format!("exited untold: {status}"),
    }
}

fn phase_in_words(phase: FaultPhase) -> &'static str {
    match phase {
        FaultPhase::Injected => "injected",
        FaultPhase::Struck => "struck",
        FaultPhase::Healed => "healed",
    }
}

fn shortened(value: &Json) -> String {
    cut(&value.to_string())
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_response_tells_who_asked_whom_what_came_and_how_long_it_took() {
        let events = sample::failing_run("a.feature");
        assert_eq!(
            in_one_line(&events[7]),
            "+1.203 s  shop → billing  POST /charges 503 (12 ms)"
        );
        let mut call = events[7].clone();
        if let Happening::Response { grpc_status, .. } = &mut call.happening {
            *grpc_status = Some(5);
        }
        assert_eq!(
            in_one_line(&call),
            "+1.203 s  shop → billing  POST /charges 503 grpc-status 5 (12 ms)"
        );
    }

    #[test]
    fn a_log_of_several_lines_stays_one_line_and_a_long_record_is_cut() {
        let log = Happening::Log {
            service: "shop".into(),
            level: Some("error".into()),
            message: "a\nb".into(),
            document: None,
        };
        assert_eq!(in_one_line(&sample::event(10, None, log)), "+0.010 s  shop  error: a b");
        let record = Happening::Record {
            topic: "orders.v1".into(),
            partition: 0,
            offset: 7,
            key: None,
            headers: Vec::new(),
            value: "ü".repeat(500).into(),
        };
        let line = in_one_line(&sample::event(10, None, record));
        assert!(line.starts_with("+0.010 s  orders.v1[0]@7 \"üü"), "{line}");
        assert!(line.ends_with('…') && line.chars().count() < 160, "{line}");
    }
}
