//! All edges of a sandbox.

use std::collections::BTreeMap;

use crate::edge::Edge;

/// All edges of a sandbox, by caller and dependency.
#[derive(Default)]
pub struct Edges {
    edges: BTreeMap<(String, String), Edge>,
}

impl Edges {
    /// Puts an edge in.
    pub fn insert(&mut self, caller: impl Into<String>, dependency: impl Into<String>, edge: Edge) {
        self.edges.insert((caller.into(), dependency.into()), edge);
    }

    /// The edge from a caller to a dependency.
    pub fn get(&self, caller: &str, dependency: &str) -> Option<&Edge> {
        self.edges.get(&(caller.to_owned(), dependency.to_owned()))
    }

    /// Every edge to a dependency.
    pub fn to<'e>(&'e self, dependency: &'e str) -> impl Iterator<Item = &'e Edge> {
        let to = move |((_, other), _): &(&(String, String), &Edge)| other == dependency;
        self.edges.iter().filter(to).map(|(_, edge)| edge)
    }

    /// Every edge from or to a service.
    pub fn of<'e>(&'e self, service: &'e str) -> impl Iterator<Item = &'e Edge> {
        let of =
            move |((caller, dependency), _): &(&(String, String), &Edge)| caller == service || dependency == service;
        self.edges.iter().filter(of).map(|(_, edge)| edge)
    }

    /// The callers and dependencies that have an edge.
    pub fn ends(&self) -> impl Iterator<Item = (&str, &str)> {
        self.edges
            .keys()
            .map(|(caller, dependency)| (caller.as_str(), dependency.as_str()))
    }
}
