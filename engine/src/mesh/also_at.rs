//! `also_at`: further addresses under which a service finds what it depends on.

use super::error::MeshError;
use super::model::Service;
use super::nearest::did_you_mean;
use super::node::Node;
use super::place::Located;
use super::reader::{Fields, Reader};
use indexmap::IndexMap;

/// An address as a program has it built in: `localhost:5432`, `db.internal:5432`, `10.0.0.7:5432`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A host name or an IPv4 address.
    pub host: String,
    /// A TCP or UDP port.
    pub port: u16,
}

/// Further addresses by dependency.
pub type AlsoAt = IndexMap<String, Vec<Located<Address>>>;

impl Reader<'_> {
    pub(super) fn also_at(&mut self, service: &str, fields: &Fields<'_>) -> AlsoAt {
        let of = format!("`also_at` of service `{service}`");
        let named = fields.get("also_at");
        let named = named.and_then(|node| self.map(node, &of));
        let mut also_at = AlsoAt::new();
        for (dependency, (_, node)) in named.into_iter().flatten() {
            let addresses = self.addresses(node, &format!("`{dependency}` in {of}"));
            also_at.insert(dependency.clone(), addresses);
        }
        also_at
    }

    fn addresses(&mut self, node: &Node, of: &str) -> Vec<Located<Address>> {
        let mut addresses = Vec::new();
        for word in self.words(node, of) {
            match address(&word.value) {
                Some(value) => addresses.push(Located {
                    value,
                    place: word.place,
                }),
                None => {
                    let error = MeshError::at(&word.place, format!("`{}` in {of} is no address", word.value));
                    self.errors
                        .push(error.hint("write `HOST:PORT`, such as `localhost:5432`"));
                }
            }
        }
        addresses
    }
}

fn address(text: &str) -> Option<Address> {
    let (host, port) = text.rsplit_once(':')?;
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let port = port.parse().ok().filter(|port| *port != 0)?;
    (!host.is_empty() && host.chars().all(letters)).then(|| Address {
        host: host.to_owned(),
        port,
    })
}

impl Service {
    /// The names in `also_at` that the service does not depend on.
    pub(super) fn check_also_at(&self, name: &str, errors: &mut Vec<MeshError>) {
        let edges = self.dependencies();
        for (dependency, addresses) in &self.also_at {
            if edges.contains(&dependency.as_str()) {
                continue;
            }
            let place = addresses.first().map_or(&self.place, |address| &address.place);
            let error = MeshError::at(place, format!("service `{name}` does not depend on `{dependency}`"));
            let hint = did_you_mean(dependency, edges.iter().copied())
                .unwrap_or_else(|| format!("add it: `depends_on: [{dependency}]`"));
            errors.push(error.hint(hint));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        let read = |text| address(text).map(|address| (address.host, address.port));
        assert_eq!(read("localhost:5432"), Some(("localhost".to_owned(), 5432)));
        assert_eq!(read("10.0.0.7:80"), Some(("10.0.0.7".to_owned(), 80)));
        for wrong in ["localhost", ":80", "db:0", "db:65536", "http://db:80", "a b:1"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
