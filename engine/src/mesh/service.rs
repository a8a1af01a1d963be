//! From the tree to one service of the model.

use super::error::MeshError;
use super::model::{Healthcheck, Service, Source, http_port};
use super::nearest::did_you_mean;
use super::node::{Node, Value};
use super::place::{Located, Place};
use super::reader::{Fields, Reader};
use super::schema;
use indexmap::IndexMap;
use std::path::Path;
use std::time::Duration;

impl Reader<'_> {
    pub(super) fn service(&mut self, name: &str, place: &Place, node: &Node, base: &Path) -> Service {
        let fields = self.fields::<schema::Service>(node, &format!("service `{name}`"));
        let of = |key: &str| format!("`{key}` of service `{name}`");
        let source = self.source(name, place, &fields);
        let build = fields.get("build");
        let build = build.and_then(|node| self.text(node, &of("build")));
        let working_dir = fields
            .get("working_dir")
            .and_then(|node| self.path(node, &of("working_dir")))
            .map_or_else(|| base.to_owned(), |folder| folder.value);
        let mut environment = IndexMap::new();
        let variables = fields.get("environment");
        let variables = variables.and_then(|node| self.map(node, &of("environment")));
        for (variable, (at, node)) in variables.into_iter().flatten() {
            if variable.is_empty() || variable.contains(['=', '\0']) {
                self.error(at, format!("`{variable}` cannot be an environment variable"));
            }
            if let Some(value) = self.template(node, &format!("`{variable}` of service `{name}`")) {
                environment.insert(variable.clone(), value);
            }
        }
        let mut ports = IndexMap::new();
        let named = fields.get("ports");
        let named = named.and_then(|node| self.map(node, &of("ports")));
        for (port, (at, node)) in named.into_iter().flatten() {
            self.thing_name(port, at);
            let number = self.count(node, &format!("port `{port}` of service `{name}`"), 65_535);
            let number = number.and_then(|number| u16::try_from(number).ok());
            ports.insert(port.clone(), number.unwrap_or_default());
        }
        let mut words = |key: &str| match fields.get(key) {
            Some(node) => self.words(node, &of(key)),
            None => Vec::new(),
        };
        let depends_on = words("depends_on");
        let consumes = words("consumes");
        let provides = words("provides");
        for role in &provides {
            self.thing_name(&role.value, &role.place);
        }
        let also_at = self.also_at(name, &fields);
        let served = matches!(source, Source::Url(_));
        let healthcheck = fields
            .get("healthcheck")
            .and_then(|node| self.healthcheck(name, node, &ports, served));
        let logs = fields.get("logs");
        let (logs, log_pattern) = logs.map_or((None, None), |node| self.logs(node, &of("logs")));
        let tls = self.tls(&fields, &format!("service `{name}`"), true);
        let reuse = self.reuse(&fields, &of("reuse"));
        let mut duration = |key: &str| fields.get(key).and_then(|node| self.duration(node, &of(key)));
        Service {
            place: place.clone(),
            build,
            source,
            working_dir,
            environment,
            depends_on,
            also_at,
            consumes,
            provides,
            healthcheck,
            ports,
            tls,
            settle: duration("settle"),
            reuse,
            stop_grace_period: duration("stop_grace_period").unwrap_or(Duration::from_secs(10)),
            logs,
            log_pattern,
        }
    }

    fn source(&mut self, name: &str, place: &Place, fields: &Fields<'_>) -> Source {
        let of = |key: &str| format!("`{key}` of service `{name}`");
        if let Some((at, node)) = fields.entry("url") {
            if let Some((command, _)) = fields.entry("command") {
                let message = format!("service `{name}` has both `url` and `command`");
                let hint = format!("keep one of them: `command` stands at {command}");
                self.errors.push(MeshError::at(at, message).hint(hint));
            }
            let started = ["build", "working_dir", "environment", "ports"];
            let watched = ["depends_on", "also_at", "consumes", "stop_grace_period", "reuse"];
            for key in started.iter().chain(&watched) {
                if let Some((at, _)) = fields.entry(key) {
                    let message = format!("service `{name}` has a `url`, so `{key}` says nothing");
                    let hint = "it is for services that are started with `command`";
                    self.errors.push(MeshError::at(at, message).hint(hint));
                }
            }
            let url = self.text(node, &of("url"));
            if let Some(url) = &url
                && !url.starts_with("http://")
                && !url.starts_with("https://")
            {
                let message = format!("{} must begin with `http://` or `https://`", of("url"));
                self.error(&url.place, message);
            }
            return Source::Url(url.unwrap_or(Located {
                value: String::new(),
                place: node.place.clone(),
            }));
        }
        let mut command = Vec::new();
        let mut stands = place;
        match fields.get("command") {
            Some(node) => {
                stands = &node.place;
                let items = self.list(node, &of("command"));
                if items.is_some_and(<[Node]>::is_empty) {
                    self.error(&node.place, format!("{} names no program", of("command")));
                }
                for item in items.unwrap_or_default() {
                    command.extend(self.template(item, &of("command")).map(|t| t.value));
                }
            }
            None => self.errors.push(
                MeshError::at(place, format!("service `{name}` has neither `command` nor `url`"))
                    .hint("give it `command: [\"PROGRAM\", …]`, or the `url` that it is served at"),
            ),
        }
        Source::Command(Located {
            value: command,
            place: stands.clone(),
        })
    }

    fn healthcheck(
        &mut self,
        name: &str,
        node: &Node,
        ports: &IndexMap<String, u16>,
        served: bool,
    ) -> Option<Located<Healthcheck>> {
        let of = format!("`healthcheck` of service `{name}`");
        let fields = self.fields::<schema::Healthcheck>(node, &of);
        let tcp = fields.entry("tcp");
        let http = fields.entry("http");
        let check = match (http, tcp) {
            (Some((_, node)), None) => {
                let path = self.word(node, &format!("`http` in {of}"))?;
                if !path.starts_with('/') {
                    let message = format!("the path `{}` does not begin with `/`", path.value);
                    let hint = format!("did you mean `/{}`?", path.value);
                    let error = MeshError::at(&path.place, message).hint(hint);
                    self.errors.push(error);
                }
                let port = match fields.get("port") {
                    Some(node) => Some(self.port(name, node, ports)?),
                    None if served => None,
                    None => Some(self.http_port(name, &path.place, ports)?),
                };
                Healthcheck::Http { path: path.value, port }
            }
            (None, Some((_, node))) => {
                if let Some((at, _)) = fields.entry("port") {
                    self.error(at, "`port` goes with `http`; `tcp` names its port itself");
                }
                Healthcheck::Tcp {
                    port: self.port(name, node, ports)?,
                }
            }
            (Some(_), Some((at, _))) => {
                self.error(at, format!("{of} has both `http` and `tcp`"));
                return None;
            }
            (None, None) => {
                if matches!(node.value, Value::Map(_)) {
                    let error = MeshError::at(&node.place, format!("{of} checks nothing"));
                    self.errors
                        .push(error.hint("write `{ http: /PATH }` or `{ tcp: PORT }`"));
                }
                return None;
            }
        };
        Some(Located {
            value: check,
            place: node.place.clone(),
        })
    }

    fn port(&mut self, name: &str, node: &Node, ports: &IndexMap<String, u16>) -> Option<String> {
        let port = self.word(node, "a port's name")?;
        if ports.contains_key(&port.value) {
            return Some(port.value);
        }
        let message = format!("service `{name}` has no port `{}`", port.value);
        let hint = did_you_mean(&port.value, ports.keys().map(String::as_str))
            .unwrap_or_else(|| format!("add it: `ports: {{ {}: NUMBER }}`", port.value));
        let error = MeshError::at(&port.place, message).hint(hint);
        self.errors.push(error);
        None
    }

    fn http_port(&mut self, name: &str, place: &Place, ports: &IndexMap<String, u16>) -> Option<String> {
        let port = http_port(ports);
        if port.is_none() {
            let (message, hint) = if ports.is_empty() {
                ("has no port for its healthcheck", "add `ports: { http: NUMBER }`")
            } else {
                ("has several ports", "say which: `{ http: /PATH, port: NAME }`")
            };
            let message = format!("service `{name}` {message}");
            self.errors.push(MeshError::at(place, message).hint(hint));
        }
        port.map(str::to_owned)
    }
}
