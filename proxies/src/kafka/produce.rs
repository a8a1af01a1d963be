//! Produce: names around the record batches, which are not looked into but for their number of records.

use kafka_protocol::messages::produce_request::TopicProduceData;
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

use super::api::Api;
use super::batches::{batches, record_count};
use super::bearing::Bearing;
use super::foreign::unveil;
use super::record::{first_error, list};
use super::scope::Scope;

impl Api for ProduceRequest {
    fn to_broker(&mut self, scope: &Scope) {
        if let Some(id) = &mut self.transactional_id {
            scope.names().put(id);
        }
        scope
            .names()
            .put_all(self.topic_data.iter_mut().map(|topic| &mut topic.name));
        scope.veil(self.topic_data.iter_mut().map(|topic| &mut topic.topic_id));
    }

    fn to_client(&self, answer: &mut ProduceResponse, scope: &Scope) {
        for node in &mut answer.node_endpoints {
            scope.endpoint(node.node_id, &mut node.host, &mut node.port);
        }
        for topic in &mut answer.responses {
            scope.take(&mut topic.name);
            unveil(&mut topic.topic_id);
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
            let name = scope.topic(&topic.name, &topic.topic_id);
            topic.partition_data.iter().map(move |partition| {
                let count = record_count(partition.records.as_ref());
                format!("{name} ×{count} [partition {}]", partition.index)
            })
        }))
    }

    fn bearing(&self) -> Bearing {
        Bearing::Effect
    }

    fn asked(&self, scope: &Scope) {
        if let Some(id) = &self.transactional_id {
            scope.progress().asks_in_transaction(scope.caller().caller, id);
        }
    }

    fn answered(&self, answer: &ProduceResponse, scope: &Scope) -> Option<String> {
        let transaction = self.transactional_id.as_ref().map(|id| id.as_str());
        if let Some(id) = transaction {
            let records = self.topic_data.iter().flat_map(|topic| &topic.partition_data);
            let producer = records.flat_map(|partition| batches(partition.records.as_ref()));
            let producer = producer.map(|batch| batch.producer).next();
            let is_done = Self::error(answer) == 0;
            scope
                .progress()
                .answers_in_transaction(scope.caller().caller, id, producer.filter(|_| is_done));
        }
        for topic in &answer.responses {
            let own = |each: &&TopicProduceData| each.name == topic.name && each.topic_id == topic.topic_id;
            let Some(sent) = self.topic_data.iter().find(own) else {
                continue;
            };
            let name = scope.topic(&topic.name, &topic.topic_id);
            for partition in &topic.partition_responses {
                let mut sent = sent.partition_data.iter();
                let sent = sent.find(|each| each.index == partition.index);
                let count = record_count(sent.and_then(|sent| sent.records.as_ref()));
                if partition.error_code == 0 && partition.base_offset >= 0 && count > 0 {
                    let (base, end) = (partition.base_offset, partition.base_offset.saturating_add(count));
                    let place = (name.clone(), partition.index);
                    scope.progress().produced(&place, base, end, transaction);
                }
            }
        }
        None
    }

    fn has_effect(&self) -> bool {
        true
    }

    fn is_answered(&self) -> bool {
        self.acks != 0
    }

    fn passes(&self, version: i16, scope: &Scope) -> bool {
        let ids = self.topic_data.iter().map(|topic| &topic.topic_id);
        version >= 13 && self.transactional_id.is_none() && scope.knows_all(ids)
    }
}
