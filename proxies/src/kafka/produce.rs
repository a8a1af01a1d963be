//! Produce: names around the record batches, which are not looked into but for their number of records.

use kafka_protocol::messages::produce_request::TopicProduceData;
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

use super::api::{Api, Scope};
use super::record::{first_error, list, record_count};

impl Api for ProduceRequest {
    fn to_broker(&mut self, scope: &Scope) {
        if let Some(id) = &mut self.transactional_id {
            scope.names().put(id);
        }
        scope
            .names()
            .put_all(self.topic_data.iter_mut().map(|topic| &mut topic.name));
    }

    fn to_client(&self, answer: &mut ProduceResponse, scope: &Scope) {
        for node in &mut answer.node_endpoints {
            scope.endpoint(node.node_id, &mut node.host, &mut node.port);
        }
        for topic in &mut answer.responses {
            scope.take(&mut topic.name);
            for partition in &mut topic.partition_responses {
                scope.names().take_from_text(&mut partition.error_message);
                for record in &mut partition.record_errors {
                    scope.names().take_from_text(&mut record.batch_index_error_message);
                }
            }
        }
    }

    fn error(answer: &ProduceResponse) -> i16 {
        let partitions = answer.responses.iter().flat_map(|topic| &topic.partition_responses);
        first_error(partitions.map(|partition| partition.error_code))
    }

    fn about(&self, scope: &Scope) -> String {
        list(self.topic_data.iter().flat_map(|topic| {
            let name = name_of(topic, scope);
            topic.partition_data.iter().map(move |partition| {
                let count = record_count(partition.records.as_ref());
                format!("{name} ×{count} [partition {}]", partition.index)
            })
        }))
    }

    fn has_effect(&self) -> bool {
        true
    }

    fn is_answered(&self) -> bool {
        self.acks != 0
    }

    fn passes(&self, version: i16) -> bool {
        version >= 13 && self.transactional_id.is_none()
    }
}

/// A topic's name, which version 13 has only by id.
fn name_of(topic: &TopicProduceData, scope: &Scope) -> String {
    if topic.topic_id.is_nil() {
        return topic.name.to_string();
    }
    scope.seen(|seen| {
        let known = seen.members.name_of(&topic.topic_id);
        known.map_or_else(|| topic.topic_id.to_string(), str::to_owned)
    })
}
