//! What the tests of these sentences share.

use std::path::Path;

use momus_engine::event::Happening;
use momus_engine::matching::Match;
use momus_engine::mesh::Mesh;
use momus_engine::timeline::Timeline;

use crate::testing::vocabulary;

/// A service sends a metric: a line of a datagram.
pub(super) fn sends(timeline: &Timeline, service: &str, line: &str) {
    let mut sections = line.split('|');
    let (name, value) = sections
        .next()
        .and_then(|head| head.split_once(':'))
        .expect("a name and a value");
    let kind = sections.next().expect("a type").to_owned();
    let (mut rate, mut tags) = (1.0, Vec::new());
    for section in sections {
        match section.split_at(1) {
            ("@", text) => rate = text.parse().expect("a rate"),
            ("#", text) => tags = text.split(',').map(str::to_owned).collect(),
            other => panic!("{other:?}"),
        }
    }
    timeline.record(Happening::Metric {
        service: service.to_owned(),
        name: name.to_owned(),
        kind,
        value: value.to_owned(),
        rate,
        tags,
    });
}

/// What a sentence is told while planning over a mesh without a metrics agent.
pub(super) fn without_agent(text: &str) -> String {
    let mesh = Mesh::parse(
        "mesh: m\nservices: {shop: {command: [shop]}}\n",
        Path::new("/m/mesh.yaml"),
    );
    let vocabulary = vocabulary();
    let Match::One(index, values) = &*vocabulary.expressions().find(text) else {
        panic!("`{text}` is one sentence")
    };
    let check = vocabulary.definitions()[*index].check.expect("it is checked");
    check(&mesh.expect("it is well formed"), values).unwrap_err()
}
