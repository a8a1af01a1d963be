//! Fetch: up to version 12 topics have names, from 13 on ids, and then next to nothing is rewritten.

use kafka_protocol::messages::{FetchRequest, FetchResponse};

use super::api::{Api, Scope};
use super::record::{first_error, list, partitions};

/// The first version with ids in place of names.
const BY_ID: i16 = 13;

impl Api for FetchRequest {
    fn to_broker(&mut self, scope: &Scope) {
        scope
            .names()
            .put_all(self.topics.iter_mut().map(|topic| &mut topic.topic));
        let forgotten = self.forgotten_topics_data.iter_mut();
        scope.names().put_all(forgotten.map(|topic| &mut topic.topic));
    }

    fn to_client(&self, answer: &mut FetchResponse, scope: &Scope) {
        for node in &mut answer.node_endpoints {
            scope.endpoint(node.node_id, &mut node.host, &mut node.port);
        }
        let mut has_records = false;
        for topic in &mut answer.responses {
            scope.take(&mut topic.topic);
            let mut records = topic
                .partitions
                .iter()
                .filter_map(|partition| partition.records.as_ref());
            has_records |= records.any(|records| !records.is_empty());
        }
        if has_records {
            scope.wire.timeline.ring();
        }
    }

    fn error(answer: &FetchResponse) -> i16 {
        let partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
        let codes = partitions.map(|partition| partition.error_code);
        first_error([answer.error_code].into_iter().chain(codes))
    }

    fn about(&self, scope: &Scope) -> String {
        list(self.topics.iter().map(|topic| {
            let numbers = topic.partitions.iter().map(|partition| partition.partition);
            if topic.topic_id.is_nil() {
                return partitions(&topic.topic, numbers);
            }
            scope.seen(|seen| {
                let known = seen.members.name_of(&topic.topic_id);
                let name = known.map_or_else(|| topic.topic_id.to_string(), str::to_owned);
                partitions(&name, numbers)
            })
        }))
    }

    fn passes(&self, version: i16) -> bool {
        version >= BY_ID
    }

    fn answer_passes(answer: &FetchResponse, version: i16) -> bool {
        version >= BY_ID && answer.node_endpoints.is_empty()
    }
}
