//! Events without what must not be told.

use std::borrow::Cow;
use std::sync::Arc;

use regex::Regex;
use serde_json::Value as Json;

use super::{Learned, MASK, Masks, learned};
use crate::event::{Event, Frame, Happening, ScenarioPlace, ServiceState, StepPlace};
use crate::failure::Failure;

/// What masks the texts of one scenario: the values that are known, and those that were learned in it.
pub struct Masker<'m> {
    masks: &'m Masks,
    learned: Option<Regex>,
}

impl Masks {
    /// What masks the texts of a scenario in which this was learned.
    pub fn with(&self, learned: &Learned) -> Masker<'_> {
        Masker {
            masks: self,
            learned: learned.expression(),
        }
    }

    /// Masks an event of the run as a whole.
    pub fn event(&self, event: &mut Event) {
        self.events(std::slice::from_mut(event), &mut Learned::default());
    }

    /// Masks the events of the run, or of one scenario in which `learned` stood at secret places; what stands there in the
    /// events themselves is learned besides.
    pub(crate) fn events(&self, events: &mut [Event], learned: &mut Learned) {
        for event in events.iter() {
            if let Some((headers, body)) = message(&event.happening) {
                let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                learned.message(self, headers, Some(body));
            }
        }
        let masker = self.with(learned);
        for event in events {
            masker.happening(&mut event.happening);
        }
    }
}

/// The headers and the body of a happening that has such.
fn message(happening: &Happening) -> Option<(&[(String, String)], &Json)> {
    match happening {
        Happening::PartnerCall { headers, body, .. } => Some((headers, body)),
        Happening::Record { headers, value, .. } => Some((headers, value)),
        Happening::Log {
            document: Some(document),
            ..
        } => Some((&[], document)),
        _ => None,
    }
}

impl Masker<'_> {
    /// The text without what must not be told.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let masked = self.masks.text(text);
        let Some(found) = &self.learned else { return masked };
        let mut owned = masked.into_owned();
        learned::mask(found, &mut owned);
        Cow::Owned(owned)
    }

    fn mask(&self, text: &mut String) {
        self.masks.in_place(text);
        if let Some(found) = &self.learned {
            learned::mask(found, text);
        }
    }

    fn all<'t>(&self, texts: impl IntoIterator<Item = &'t mut String>) {
        texts.into_iter().for_each(|text| self.mask(text));
    }

    fn headers(&self, headers: &mut [(String, String)]) {
        for (name, value) in headers {
            if self.masks.places.has_header(name) {
                MASK.clone_into(value);
            }
            self.all([name, value]);
        }
    }

    fn body(&self, body: &mut Json) {
        self.masks.places.mask_body(body);
        self.json(body);
    }

    fn json(&self, json: &mut Json) {
        match json {
            Json::String(text) => self.mask(text),
            Json::Number(number) => {
                let text = number.to_string();
                if let Cow::Owned(masked) = self.text(&text)
                    && masked != text
                {
                    *json = Json::String(masked);
                }
            }
            Json::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Json::Object(members) => {
                let has_secret = |name: &String| self.text(name) != *name;
                if members.keys().any(has_secret) {
                    let named = std::mem::take(members).into_iter();
                    *members = named
                        .map(|(name, value)| (self.text(&name).into_owned(), value))
                        .collect();
                }
                members.values_mut().for_each(|value| self.json(value));
            }
            Json::Null | Json::Bool(_) => {}
        }
    }

    fn failure(&self, failure: &mut Failure) {
        let Failure {
            outcome: _,
            message,
            expected,
            seen,
            nearest,
            looks: _,
            hint,
            output,
        } = failure;
        self.mask(message);
        self.all([expected, seen, nearest, hint].into_iter().flatten());
        self.all(output);
    }

    fn place(&self, place: &mut ScenarioPlace) {
        let ScenarioPlace {
            file,
            line: _,
            feature,
            rule,
            name,
            tags,
            is_example_row: _,
        } = place;
        self.all([file, feature, name]);
        self.all(rule);
        self.all(tags);
    }

    /// Whether there is a text that it would change.
    fn has_texts(&self) -> bool {
        self.masks.forms.is_some() || self.learned.is_some()
    }

    /// Masks every text that a happening has.
    fn happening(&self, happening: &mut Happening) {
        match happening {
            // Their places are shared with the plan.
            Happening::ScenarioStarted { .. } | Happening::StepStarted { .. } if !self.has_texts() => {}
            Happening::RunStarted {
                version: _,
                seed: _,
                mesh,
                scenarios: _,
            } => self.all(mesh),
            Happening::Notice { text } | Happening::Progress { text } => self.mask(text),
            Happening::FileError {
                file,
                line: _,
                message,
                hint,
            } => {
                self.all([file, message]);
                self.all(hint);
            }
            Happening::ServerReady {
                server,
                version,
                took: _,
            } => self.all([server, version]),
            Happening::ScenarioStarted { place, attempt: _ } => self.place(Arc::make_mut(place)),
            Happening::SandboxReady { parts } => self.all(parts.iter_mut().map(|(name, _)| name)),
            Happening::SandboxClaimed { waited: _ } => {}
            Happening::StepStarted { step: _, place } => {
                let StepPlace {
                    file,
                    line: _,
                    text,
                    within,
                } = Arc::make_mut(place);
                self.all(file);
                self.mask(text);
                for Frame { file, line: _, text } in within {
                    self.all([file, text]);
                }
            }
            Happening::StepFinished {
                step: _,
                outcome: _,
                took: _,
                failure,
            } => failure.iter_mut().for_each(|failure| self.failure(failure)),
            Happening::Request {
                exchange: _,
                caller,
                dependency,
                method,
                path,
            }
            | Happening::Response {
                exchange: _,
                caller,
                dependency,
                method,
                path,
                status: _,
                grpc_status: _,
                took: _,
            } => self.all([caller, dependency, method, path]),
            Happening::Connection {
                caller,
                dependency,
                what,
            } => self.all([caller, dependency, what]),
            Happening::Beyond { service, to, what } => self.all([service, to, what]),
            Happening::KafkaCall {
                caller,
                broker,
                api,
                about,
                error: _,
            } => self.all([caller, broker, api, about]),
            Happening::DatabaseSession {
                caller,
                datastore,
                role,
            } => self.all([caller, datastore, role]),
            Happening::Statement {
                caller,
                datastore,
                text,
                tables,
                parameters,
                rows: _,
                sqlstate: _,
                took: _,
            } => {
                self.all([caller, datastore, text]);
                // Tables are shared with what knows the statement; values do not stand in names.
                let has_secret = |tables: &&mut Arc<[String]>| tables.iter().any(|table| self.text(table) != *table);
                if let Some(tables) = tables.as_mut().filter(has_secret) {
                    *tables = tables.iter().map(|table| self.text(table).into_owned()).collect();
                }
                self.all(parameters.iter_mut().flatten().flatten());
            }
            Happening::Record {
                topic,
                partition: _,
                offset: _,
                key,
                headers,
                value,
            } => {
                self.mask(topic);
                self.all(key);
                self.headers(headers);
                self.body(value);
            }
            Happening::Rows {
                datastore,
                table,
                rows: _,
            } => self.all([datastore, table]),
            Happening::Objects { bucket, names } => {
                self.mask(bucket);
                self.all(names);
            }
            Happening::PartnerCall {
                partner,
                method,
                path,
                headers,
                status: _,
                body,
            } => {
                self.all([partner, method, path]);
                self.headers(headers);
                self.body(body);
            }
            Happening::Log {
                service,
                level,
                message,
                document,
            } => {
                self.all([service, message]);
                self.all(level);
                document.iter_mut().for_each(|document| self.body(document));
            }
            Happening::Metric {
                service,
                name,
                kind,
                value,
                rate: _,
                tags,
            } => {
                self.all([service, name, kind, value]);
                self.all(tags);
            }
            Happening::AgentEvent {
                service,
                title,
                text,
                fields,
                tags,
            } => {
                self.all([service, title, text]);
                self.all(fields.iter_mut().flat_map(|(name, value)| [name, value]));
                self.all(tags);
            }
            Happening::ServiceCheck {
                service,
                name,
                status,
                message,
                host,
                tags,
            } => {
                self.all([service, name, status]);
                self.all([message, host].into_iter().flatten());
                self.all(tags);
            }
            Happening::Service { service, state } => {
                self.mask(service);
                match state {
                    ServiceState::Exited { status, told: _ } => self.mask(status),
                    ServiceState::Started
                    | ServiceState::Ready
                    | ServiceState::Stopping
                    | ServiceState::Killed
                    | ServiceState::Paused
                    | ServiceState::Resumed
                    | ServiceState::Left
                    | ServiceState::Reused => {}
                    ServiceState::NotReusable { why } => self.mask(why),
                }
            }
            Happening::Fault { fault, phase: _ } => self.mask(fault),
            Happening::Expectation {
                expected,
                seen,
                held: _,
                looks: _,
            } => self.all([expected, seen]),
            Happening::ScenarioFinished {
                outcome: _,
                will_be_retried: _,
                took: _,
                failure,
                logs: _,
                learned: _,
            } => failure.iter_mut().for_each(|failure| self.failure(failure)),
            Happening::RunFinished { summary: _ } => {}
        }
    }
}

#[cfg(test)]
mod tests;
