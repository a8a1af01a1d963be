//! A line of a log.

use momus_engine::dotted;
use momus_engine::event::Happening;
use momus_engine::mesh::LogFormat;
use momus_engine::values::shortened;
use momus_engine::world::World;
use serde_json::Value as Json;

use crate::selection::{Place, Subject, Typing};

/// Where the name of a logger stands, by whom it is written.
const LOGGERS: [&str; 4] = ["log.logger", "logger", "logger_name", "name"];

/// A line that a service logged.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// The service.
    pub service: String,
    /// Its level, where the line tells.
    pub level: Option<String>,
    message: String,
    document: Option<Json>,
    /// What the mesh says of the format.
    format: Option<LogFormat>,
}

impl Line {
    /// Every line of every service since the scenario began, in order.
    pub fn all(world: &World) -> Vec<Self> {
        let format = |service: &str| world.mesh.as_ref()?.services.get(service)?.logs;
        world.timeline.look(|events| {
            let lines = events.iter().filter_map(|event| match &event.happening {
                Happening::Log {
                    service,
                    level,
                    message,
                    document,
                } => Some(Self {
                    service: service.clone(),
                    level: level.clone(),
                    message: message.clone(),
                    document: document.clone(),
                    format: format(service),
                }),
                _ => None,
            });
            lines.collect()
        })
    }

    /// Those of a service.
    pub fn of(world: &World, service: &str) -> Vec<Self> {
        let mut lines = Self::all(world);
        lines.retain(|line| line.service == service);
        lines
    }

    /// Whether it tells of something that failed.
    pub fn is_error(&self) -> bool {
        self.level
            .as_deref()
            .is_some_and(|level| matches!(level, "error" | "fatal"))
    }

    /// Whether a text stands in it, wherever: in its message, or in a field.
    pub fn tells(&self, text: &str) -> bool {
        self.message.contains(text) || self.document.as_ref().is_some_and(|document| is_in(document, text))
    }

    fn field(&self, name: &str) -> Option<&Json> {
        dotted::at(self.document.as_ref()?.as_object()?, name)
    }
}

fn is_in(json: &Json, text: &str) -> bool {
    match json {
        Json::String(value) => value.contains(text),
        Json::Number(number) => number.to_string().contains(text),
        Json::Array(items) => items.iter().any(|item| is_in(item, text)),
        Json::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains(text) || is_in(value, text)),
        Json::Null | Json::Bool(_) => false,
    }
}

impl Subject for Line {
    fn read(&self, place: &Place) -> Vec<Json> {
        let one = match place {
            Place::Part(part) => match part.as_str() {
                "level" => self.level.clone().map(Json::String),
                "message" => Some(self.message.clone().into()),
                "logger" => LOGGERS.iter().find_map(|name| self.field(name)).cloned(),
                field => self.field(field).cloned(),
            },
            place => {
                return self
                    .document
                    .iter()
                    .flat_map(|document| place.nodes(document))
                    .collect();
            }
        };
        one.into_iter().collect()
    }

    fn shown(&self) -> String {
        match &self.level {
            Some(level) => format!("{level}: {}", shortened(&self.message)),
            None => shortened(&self.message),
        }
    }

    fn typing(&self, place: &Place) -> Typing {
        match place {
            Place::Part(part) if matches!(part.as_str(), "level" | "message" | "logger") => Typing::Text,
            _ => Typing::Json,
        }
    }

    fn absence(&self, _place: &Place) -> String {
        let why = match (&self.document, self.format) {
            (Some(_), _) => return "absent".to_owned(),
            (None, None) => "the mesh file does not tell the format of this log",
            (None, Some(LogFormat::Plain)) => "this line is plain text",
            (None, Some(LogFormat::Ecs | LogFormat::Json)) => "this line is not JSON",
        };
        format!("absent: {why}")
    }
}
