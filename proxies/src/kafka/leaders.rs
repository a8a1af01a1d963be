//! Where partitions live and who leads them: ElectLeaders, AlterPartitionReassignments.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ElectLeadersRequest, ElectLeadersResponse,
    TopicName,
};

use super::api::Api;
use super::bearing::Bearing;
use super::record::{first_error, list, partitions};
use super::scope::Scope;

impl Api for ElectLeadersRequest {
    fn to_broker(&mut self, scope: &Scope) {
        let topics = self.topic_partitions.iter_mut().flatten();
        scope.names().put_all(topics.map(|topic| &mut topic.topic));
    }

    fn is_about_all_topics(&self) -> bool {
        self.topic_partitions.is_none()
    }

    fn narrow(&mut self, topics: Vec<(TopicName, Vec<i32>)>) {
        let topics = topics
            .into_iter()
            .map(|(topic, partitions)| TopicPartitions::default().with_topic(topic).with_partitions(partitions));
        self.topic_partitions = Some(topics.collect());
    }

    /// Asked about all partitions, the broker is silent about those that need no election.
    fn to_client(&self, answer: &mut ElectLeadersResponse, scope: &Scope) {
        for topic in &mut answer.replica_election_results {
            scope.take(&mut topic.topic);
            if self.is_about_all_topics() {
                let needless = ResponseError::ElectionNotNeeded.code();
                topic.partition_result.retain(|each| each.error_code != needless);
            }
            for partition in &mut topic.partition_result {
                scope.names().take_from_text(&mut partition.error_message);
            }
        }
        if self.is_about_all_topics() {
            answer
                .replica_election_results
                .retain(|topic| !topic.partition_result.is_empty());
        }
    }

    fn error(answer: &ElectLeadersResponse) -> i16 {
        let topics = answer.replica_election_results.iter();
        let partitions = topics.flat_map(|topic| &topic.partition_result);
        let codes = partitions.map(|partition| partition.error_code);
        first_error([answer.error_code].into_iter().chain(codes))
    }

    fn about(&self, _: &Scope) -> String {
        match &self.topic_partitions {
            None => "all topics".to_owned(),
            Some(topics) => list(topics.iter().map(|topic| {
                let numbers = topic.partitions.iter().copied();
                partitions(&topic.topic, numbers)
            })),
        }
    }

    fn bearing(&self) -> Bearing {
        Bearing::UnderWay
    }

    fn has_effect(&self) -> bool {
        true
    }
}

impl Api for AlterPartitionReassignmentsRequest {
    fn to_broker(&mut self, scope: &Scope) {
        scope
            .names()
            .put_all(self.topics.iter_mut().map(|topic| &mut topic.name));
    }

    fn to_client(&self, answer: &mut AlterPartitionReassignmentsResponse, scope: &Scope) {
        scope.names().take_from_text(&mut answer.error_message);
        for topic in &mut answer.responses {
            scope.take(&mut topic.name);
            for partition in &mut topic.partitions {
                scope.names().take_from_text(&mut partition.error_message);
            }
        }
    }

    fn error(answer: &AlterPartitionReassignmentsResponse) -> i16 {
        let partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
        let codes = partitions.map(|partition| partition.error_code);
        first_error([answer.error_code].into_iter().chain(codes))
    }

    fn about(&self, _: &Scope) -> String {
        list(self.topics.iter().map(|topic| {
            let numbers = topic.partitions.iter().map(|partition| partition.partition_index);
            partitions(&topic.name, numbers)
        }))
    }

    fn bearing(&self) -> Bearing {
        Bearing::UnderWay
    }

    fn has_effect(&self) -> bool {
        true
    }
}
