//! Fetch: up to version 12 topics have names, from 13 on ids, and then next to nothing is rewritten.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::fetch_response::FetchableTopicResponse;
use kafka_protocol::messages::{FetchRequest, FetchResponse};

use super::api::Api;
use super::batches::Fetched;
use super::foreign::{is_veiled, unveil};
use super::log::Isolation;
use super::record::{first_error, list, partitions};
use super::scope::Scope;

/// The first version with ids in place of names.
const BY_ID: i16 = 13;

/// What a node says of a partition that another leads.
const MOVED: [i16; 2] = [
    ResponseError::NotLeaderOrFollower.code(),
    ResponseError::FencedLeaderEpoch.code(),
];

impl Api for FetchRequest {
    fn to_broker(&mut self, scope: &Scope) {
        scope
            .names()
            .put_all(self.topics.iter_mut().map(|topic| &mut topic.topic));
        let forgotten = self.forgotten_topics_data.iter_mut();
        scope.names().put_all(forgotten.map(|topic| &mut topic.topic));
        scope.veil(self.topics.iter_mut().map(|topic| &mut topic.topic_id));
        scope.veil(self.forgotten_topics_data.iter_mut().map(|topic| &mut topic.topic_id));
    }

    fn to_client(&self, answer: &mut FetchResponse, scope: &Scope) {
        for node in &mut answer.node_endpoints {
            scope.endpoint(node.node_id, &mut node.host, &mut node.port);
        }
        for topic in &mut answer.responses {
            scope.take(&mut topic.topic);
            unveil(&mut topic.topic_id);
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
            partitions(&scope.topic(&topic.topic, &topic.topic_id), numbers)
        }))
    }

    /// The test client's places are nobody's lag.
    fn asked(&self, scope: &Scope) {
        if scope.is_own() {
            return;
        }
        for topic in &self.topics {
            let name = scope.topic(&topic.topic, &topic.topic_id);
            let mut progress = scope.progress();
            for partition in &topic.partitions {
                let place = (name.clone(), partition.partition);
                progress.fetches(scope.caller(), &place, partition.fetch_offset, isolation(self));
            }
        }
    }

    fn answered(&self, answer: &FetchResponse, scope: &Scope) -> Option<String> {
        let (mut has_records, mut handed) = (false, Vec::new());
        for topic in &answer.responses {
            let name = scope.topic(&topic.topic, &topic.topic_id);
            let mut numbers = Vec::new();
            let led_elsewhere = topic.partitions.iter().filter(|it| MOVED.contains(&it.error_code));
            for partition in led_elsewhere {
                let place = (name.clone(), partition.partition_index);
                scope.progress().moves(scope.caller(), &place);
            }
            for partition in topic.partitions.iter().filter(|partition| partition.error_code == 0) {
                let from = offset(self, topic, partition.partition_index);
                let aborted = match isolation(self) {
                    Isolation::Committed => Some(partition.aborted_transactions.as_deref().unwrap_or_default()),
                    Isolation::Uncommitted => None,
                };
                let records = partition.records.as_ref();
                has_records |= records.is_some_and(|records| !records.is_empty());
                let fetched = Fetched::read(from, records, aborted);
                let seen = fetched.as_ref().and_then(|fetched| match isolation(self) {
                    Isolation::Committed => fetched.stable,
                    Isolation::Uncommitted => fetched.data,
                });
                if seen.is_some() {
                    numbers.push(partition.partition_index);
                }
                let bounds = (partition.log_start_offset, partition.high_watermark);
                let place = (name.clone(), partition.partition_index);
                scope.progress().fetched(&place, bounds, fetched.as_ref());
            }
            if !numbers.is_empty() {
                handed.push(partitions(&name, numbers));
            }
        }
        if has_records {
            scope.ring();
        }
        (!handed.is_empty()).then(|| list(handed))
    }

    fn passes(&self, version: i16, scope: &Scope) -> bool {
        let asked = self.topics.iter().map(|topic| &topic.topic_id);
        let forgotten = self.forgotten_topics_data.iter().map(|topic| &topic.topic_id);
        version >= BY_ID && scope.knows_all(asked.chain(forgotten))
    }

    fn answer_passes(answer: &FetchResponse, version: i16) -> bool {
        let is_another = answer.responses.iter().any(|topic| is_veiled(&topic.topic_id));
        version >= BY_ID && answer.node_endpoints.is_empty() && !is_another
    }
}

fn isolation(asked: &FetchRequest) -> Isolation {
    Isolation::of(asked.isolation_level)
}

/// From where a partition is fetched. In a session that is said only where it changed (KIP-227).
fn offset(asked: &FetchRequest, topic: &FetchableTopicResponse, partition: i32) -> Option<i64> {
    let mut topics = asked.topics.iter();
    let asked = topics.find(|each| each.topic == topic.topic && each.topic_id == topic.topic_id)?;
    let mut partitions = asked.partitions.iter();
    let asked = partitions.find(|each| each.partition == partition)?;
    Some(asked.fetch_offset)
}
