//! What operators and the standard tools ask of partitions and transactions: DescribeLogDirs, DescribeProducers,
//! DescribeTransactions, ListTransactions, ListPartitionReassignments.

use kafka_protocol::messages::{
    DescribeLogDirsRequest, DescribeLogDirsResponse, DescribeProducersRequest, DescribeProducersResponse,
    DescribeTransactionsRequest, DescribeTransactionsResponse, ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse, ListTransactionsRequest, ListTransactionsResponse,
};

use super::api::Api;
use super::record::{first_error, list, partitions};
use super::scope::Scope;

impl Api for DescribeLogDirsRequest {
    fn to_broker(&mut self, scope: &Scope) {
        let topics = self.topics.iter_mut().flatten();
        scope.names().put_all(topics.map(|topic| &mut topic.topic));
    }

    fn to_client(&self, answer: &mut DescribeLogDirsResponse, scope: &Scope) {
        for dir in &mut answer.results {
            dir.topics.retain_mut(|topic| scope.names().take(&mut topic.name));
        }
    }

    fn error(answer: &DescribeLogDirsResponse) -> i16 {
        let dirs = answer.results.iter().map(|dir| dir.error_code);
        first_error([answer.error_code].into_iter().chain(dirs))
    }

    fn about(&self, _: &Scope) -> String {
        match &self.topics {
            None => "all topics".to_owned(),
            Some(topics) => list(topics.iter().map(|topic| topic.topic.as_str())),
        }
    }
}

impl Api for DescribeProducersRequest {
    fn to_broker(&mut self, scope: &Scope) {
        scope
            .names()
            .put_all(self.topics.iter_mut().map(|topic| &mut topic.name));
    }

    fn to_client(&self, answer: &mut DescribeProducersResponse, scope: &Scope) {
        for topic in &mut answer.topics {
            scope.take(&mut topic.name);
            for partition in &mut topic.partitions {
                scope.names().take_from_text(&mut partition.error_message);
            }
        }
    }

    fn error(answer: &DescribeProducersResponse) -> i16 {
        let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
        first_error(partitions.map(|partition| partition.error_code))
    }

    fn about(&self, _: &Scope) -> String {
        let topics = self.topics.iter();
        list(topics.map(|topic| partitions(&topic.name, topic.partition_indexes.iter().copied())))
    }
}

impl Api for DescribeTransactionsRequest {
    fn to_broker(&mut self, scope: &Scope) {
        scope.names().put_all(&mut self.transactional_ids);
    }

    fn to_client(&self, answer: &mut DescribeTransactionsResponse, scope: &Scope) {
        for state in &mut answer.transaction_states {
            scope.take(&mut state.transactional_id);
            state.topics.retain_mut(|topic| scope.names().take(&mut topic.topic));
        }
    }

    fn error(answer: &DescribeTransactionsResponse) -> i16 {
        first_error(answer.transaction_states.iter().map(|state| state.error_code))
    }

    fn about(&self, _: &Scope) -> String {
        let ids = self.transactional_ids.iter();
        format!("transaction {}", list(ids.map(|id| id.as_str())))
    }
}

impl Api for ListTransactionsRequest {
    fn to_broker(&mut self, scope: &Scope) {
        scope.names().put_into_regex(&mut self.transactional_id_pattern);
    }

    fn to_client(&self, answer: &mut ListTransactionsResponse, scope: &Scope) {
        answer
            .transaction_states
            .retain_mut(|state| scope.names().take(&mut state.transactional_id));
    }

    fn error(answer: &ListTransactionsResponse) -> i16 {
        answer.error_code
    }

    fn about(&self, _: &Scope) -> String {
        "all transactions".to_owned()
    }
}

impl Api for ListPartitionReassignmentsRequest {
    fn to_broker(&mut self, scope: &Scope) {
        let topics = self.topics.iter_mut().flatten();
        scope.names().put_all(topics.map(|topic| &mut topic.name));
    }

    fn to_client(&self, answer: &mut ListPartitionReassignmentsResponse, scope: &Scope) {
        scope.names().take_from_text(&mut answer.error_message);
        answer.topics.retain_mut(|topic| scope.names().take(&mut topic.name));
    }

    fn error(answer: &ListPartitionReassignmentsResponse) -> i16 {
        answer.error_code
    }

    fn about(&self, _: &Scope) -> String {
        match &self.topics {
            None => "all topics".to_owned(),
            Some(topics) => list(topics.iter().map(|topic| topic.name.as_str())),
        }
    }
}
