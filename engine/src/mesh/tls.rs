//! What speaks TLS: `tls: true` and `tls: passthrough` of a dependency.

use super::Mesh;
use super::error::MeshError;
use super::node::Value;
use super::reader::{Fields, Reader};

/// How the edges to a dependency treat TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// It ends at the edge, which has a certificate of the run's own CA.
    Ended,
    /// It passes as bytes.
    Passed,
}

impl Mesh {
    /// How the edges to a service, datastore, broker, bucket or partner treat TLS; nothing where its callers speak none.
    pub fn tls(&self, name: &str) -> Option<Tls> {
        let said = self.services.get(name).map(|it| it.tls);
        let said = said.or_else(|| self.datastores.get(name).map(|it| it.tls));
        let said = said.or_else(|| self.brokers.get(name).map(|it| it.tls));
        let said = said.or_else(|| self.buckets.get(name).map(|it| it.tls));
        said.or_else(|| self.partners.get(name).map(|it| it.tls)).flatten()
    }

    /// Whether a service has an edge at which TLS ends.
    pub fn trusts(&self, service: &str) -> bool {
        let service = self.services.get(service);
        service.is_some_and(|service| {
            let mut names = service.dependencies().into_iter();
            names.any(|name| self.tls(name) == Some(Tls::Ended))
        })
    }

    /// A reference to the run's CA where there is none.
    pub(super) fn ca_mistake(&self, name: &str) -> Option<(String, Option<String>)> {
        let hint = "say `tls: true` of something that it depends on";
        (!self.trusts(name)).then(|| {
            let message = format!("service `{name}` has no edge at which TLS ends, so no CA");
            (message, Some(hint.to_owned()))
        })
    }
}

impl Reader<'_> {
    /// The key `tls` of a thing; only a service's TLS can pass as bytes, for what Momus plays itself speaks none.
    pub(super) fn tls(&mut self, fields: &Fields<'_>, of: &str, passes: bool) -> Option<Tls> {
        let (place, node) = fields.entry("tls")?;
        let text = match &node.value {
            Value::Text { text, .. } => text.as_str(),
            _ => "",
        };
        match text {
            "true" => return Some(Tls::Ended),
            "passthrough" if passes => return Some(Tls::Passed),
            "passthrough" => {
                let message = format!("`tls` of {of} cannot be `passthrough`: what stands there speaks no TLS");
                self.errors
                    .push(MeshError::at(place, message).hint("write `tls: true`"));
            }
            "false" => {}
            _ if passes => self.unfit(node, &format!("`tls` of {of}"), "`true`, `false` or `passthrough`"),
            _ => self.unfit(node, &format!("`tls` of {of}"), "`true` or `false`"),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(text: &str) -> Result<Mesh, Vec<String>> {
        let text = format!("mesh: m\n{text}");
        let mesh = Mesh::parse(&text, Path::new("m.yaml"));
        mesh.map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn whoever_depends_on_what_ends_tls_trusts_the_ca() {
        let mesh = read(
            "services:\n  shop: {command: [a, '${ca}'], depends_on: [db, bank]}\n  bank: {url: 'https://b', tls: passthrough}\n  idle: {command: [a], depends_on: [bank]}\ndatastores: {db: {postgres: {}, tls: true}}\nbrokers: {kafka: {tls: false}}\n",
        )
        .unwrap();
        let tls = ["db", "bank", "kafka", "shop"].map(|name| mesh.tls(name));
        assert_eq!(tls, [Some(Tls::Ended), Some(Tls::Passed), None, None]);
        assert_eq!(["shop", "idle"].map(|name| mesh.trusts(name)), [true, false]);
    }

    #[test]
    fn what_momus_plays_itself_passes_nothing_through() {
        for (text, message) in [
            (
                "buckets: {b: {tls: passthrough}}",
                "m.yaml:2:15: `tls` of bucket `b` cannot be `passthrough`: what stands there speaks no TLS\n  hint: write `tls: true`",
            ),
            (
                "services: {a: {command: ['${ca}']}}",
                "m.yaml:2:27: service `a` has no edge at which TLS ends, so no CA\n  hint: say `tls: true` of something that it depends on",
            ),
        ] {
            assert_eq!(read(text).unwrap_err(), [message]);
        }
        assert!(read("services: {a: {url: 'http://b', tls: maybe}}").unwrap_err()[0].contains("passthrough"));
    }
}
