//! What is asked about the data of partitions: ListOffsets, OffsetForLeaderEpoch, DeleteRecords.

use kafka_protocol::messages::delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult};
use kafka_protocol::messages::{
    DeleteRecordsRequest, DeleteRecordsResponse, ListOffsetsRequest, ListOffsetsResponse, OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
};

use super::api::Api;
use super::bearing::Bearing;
use super::record::{first_error, list, partitions};
use super::scope::Scope;

impl Api for ListOffsetsRequest {
    fn to_broker(&mut self, scope: &Scope) {
        scope
            .names()
            .put_all(self.topics.iter_mut().map(|topic| &mut topic.name));
    }

    fn to_client(&self, answer: &mut ListOffsetsResponse, scope: &Scope) {
        for topic in &mut answer.topics {
            scope.take(&mut topic.name);
        }
    }

    fn error(answer: &ListOffsetsResponse) -> i16 {
        let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
        first_error(partitions.map(|partition| partition.error_code))
    }

    fn about(&self, _: &Scope) -> String {
        list(self.topics.iter().map(|topic| {
            let numbers = topic.partitions.iter().map(|partition| partition.partition_index);
            partitions(&topic.name, numbers)
        }))
    }

    /// A partition is asked for its end by the time -1 (`ListOffsetsRequest.LATEST_TIMESTAMP`).
    fn answered(&self, answer: &ListOffsetsResponse, scope: &Scope) -> Option<String> {
        for topic in &answer.topics {
            let asked = self.topics.iter().filter(|each| each.name == topic.name);
            let asked = asked.flat_map(|each| &each.partitions);
            for partition in topic.partitions.iter().filter(|partition| partition.error_code == 0) {
                let mut asked = asked
                    .clone()
                    .filter(|each| each.partition_index == partition.partition_index);
                if asked.any(|each| each.timestamp == -1) {
                    let place = (topic.name.to_string(), partition.partition_index);
                    scope.progress().ends_at(&place, partition.offset);
                }
            }
        }
        None
    }

    /// The mock cluster knows the first and the last offset (-2 and -1), and no time.
    fn is_lacking_from_mock(&self) -> bool {
        let mut partitions = self.topics.iter().flat_map(|topic| &topic.partitions);
        partitions.any(|partition| partition.timestamp >= 0)
    }
}

impl Api for OffsetForLeaderEpochRequest {
    fn to_broker(&mut self, scope: &Scope) {
        scope
            .names()
            .put_all(self.topics.iter_mut().map(|topic| &mut topic.topic));
    }

    fn to_client(&self, answer: &mut OffsetForLeaderEpochResponse, scope: &Scope) {
        for topic in &mut answer.topics {
            scope.take(&mut topic.topic);
        }
    }

    fn error(answer: &OffsetForLeaderEpochResponse) -> i16 {
        let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
        first_error(partitions.map(|partition| partition.error_code))
    }

    fn about(&self, _: &Scope) -> String {
        list(self.topics.iter().map(|topic| {
            let numbers = topic.partitions.iter().map(|partition| partition.partition);
            partitions(&topic.topic, numbers)
        }))
    }
}

impl Api for DeleteRecordsRequest {
    const REFUSED: Option<fn(&Self, i16) -> DeleteRecordsResponse> = Some(|asked, error| {
        let topics = asked.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                DeleteRecordsPartitionResult::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(error)
            });
            DeleteRecordsTopicResult::default()
                .with_name(topic.name.clone())
                .with_partitions(partitions.collect())
        });
        DeleteRecordsResponse::default().with_topics(topics.collect())
    });

    fn to_broker(&mut self, scope: &Scope) {
        scope
            .names()
            .put_all(self.topics.iter_mut().map(|topic| &mut topic.name));
    }

    fn to_client(&self, answer: &mut DeleteRecordsResponse, scope: &Scope) {
        for topic in &mut answer.topics {
            scope.take(&mut topic.name);
        }
    }

    fn error(answer: &DeleteRecordsResponse) -> i16 {
        let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
        first_error(partitions.map(|partition| partition.error_code))
    }

    fn about(&self, _: &Scope) -> String {
        list(self.topics.iter().flat_map(|topic| {
            let before = |partition: &kafka_protocol::messages::delete_records_request::DeleteRecordsPartition| {
                let name = partitions(&topic.name, [partition.partition_index]);
                format!("{name} before {}", partition.offset)
            };
            topic.partitions.iter().map(before)
        }))
    }

    fn bearing(&self) -> Bearing {
        Bearing::Effect
    }

    fn answered(&self, answer: &DeleteRecordsResponse, scope: &Scope) -> Option<String> {
        for topic in &answer.topics {
            for partition in topic.partitions.iter().filter(|partition| partition.error_code == 0) {
                let place = (topic.name.to_string(), partition.partition_index);
                scope.progress().starts_at(&place, partition.low_watermark);
            }
        }
        None
    }

    fn has_effect(&self) -> bool {
        true
    }
}
