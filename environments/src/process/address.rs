//! Addresses as services are given them.

use std::collections::BTreeMap;

use momus_engine::mesh::{Part, Reference, Segment, Template};
use momus_engine::sandbox::Endpoint;

/// What a service's values are filled in from.
pub(super) struct Addresses<'a> {
    /// Where the service finds each of its dependencies.
    pub(super) endpoints: &'a BTreeMap<(String, String), Endpoint>,
    /// The service.
    pub(super) service: &'a str,
    /// Its own ports.
    pub(super) ports: &'a BTreeMap<String, u16>,
    /// The mesh's folder of programs.
    pub(super) bin: Option<&'a std::path::Path>,
    /// The certificate of the run's CA.
    pub(super) ca: Option<&'a std::path::Path>,
}

impl Addresses<'_> {
    /// A value of the service, filled in.
    ///
    /// # Errors
    /// A message for an address that has no such part.
    pub(super) fn fill(&self, template: &Template) -> Result<String, String> {
        let mut filled = String::new();
        for segment in &template.segments {
            match segment {
                Segment::Text(text) => filled.push_str(text),
                Segment::Reference(reference) => filled.push_str(&self.reference(reference)?),
            }
        }
        Ok(filled)
    }

    fn reference(&self, reference: &Reference) -> Result<String, String> {
        match reference {
            Reference::Bin => Ok(self.bin.map(|bin| bin.display().to_string()).unwrap_or_default()),
            Reference::Ca => match self.ca {
                Some(ca) => Ok(ca.display().to_string()),
                None => Err("the run has no CA".to_owned()),
            },
            Reference::Port(name) => self
                .ports
                .get(name)
                .map(u16::to_string)
                .ok_or_else(|| format!("{} has no port `{name}`", self.service)),
            Reference::Edge { name, part } => {
                let endpoint = self.endpoints.get(&(self.service.to_owned(), name.clone()));
                let endpoint = endpoint.ok_or_else(|| format!("{} has no edge to {name}", self.service))?;
                let (word, value) = match part {
                    Part::Address => return Ok(endpoint.address.clone()),
                    Part::Url => return Ok(endpoint.url.clone()),
                    Part::Host => return Ok(endpoint.host.clone()),
                    Part::Port => return Ok(endpoint.port.to_string()),
                    Part::User => ("user", &endpoint.user),
                    Part::Password => ("password", &endpoint.password),
                    Part::Database => ("database", &endpoint.database),
                };
                value
                    .clone()
                    .ok_or_else(|| format!("the edge from {} to {name} has no {word}", self.service))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use momus_engine::mesh::{Mesh, Source};

    use super::*;

    #[test]
    fn a_service_is_given_its_own_addresses() {
        let text = "mesh: m\nbin: out\nservices:\n  shop:\n    command: ['${bin}/shop', '${port.http}']\n    ports: {http: 1}\n    depends_on: [db]\n    environment: {A: 'x=${edge.db.host}:${edge.db.port}/${edge.db.database}', B: '${edge.db}'}\ndatastores: {db: {postgres: {}}}\n";
        let mesh = Mesh::parse(text, Path::new("/m/mesh.yaml")).unwrap();
        let endpoint = Endpoint {
            address: "postgres://db".into(),
            host: "127.0.0.1".into(),
            port: 7,
            database: Some("db".into()),
            ..Endpoint::default()
        };
        let endpoints = BTreeMap::from([(("shop".to_owned(), "db".to_owned()), endpoint)]);
        let ports = BTreeMap::from([("http".to_owned(), 8)]);
        let addresses = Addresses {
            endpoints: &endpoints,
            service: "shop",
            ports: &ports,
            bin: mesh.bin.as_deref(),
            ca: None,
        };
        let shop = &mesh.services["shop"];
        let filled = |name: &str| addresses.fill(&shop.environment[name]).unwrap();
        assert_eq!(
            (filled("A").as_str(), filled("B").as_str()),
            ("x=127.0.0.1:7/db", "postgres://db")
        );
        let Source::Command(command) = &shop.source else {
            panic!("it has a command")
        };
        let command: Vec<String> = command.iter().map(|each| addresses.fill(each).unwrap()).collect();
        assert_eq!(command, ["/m/out/shop", "8"]);
    }
}
