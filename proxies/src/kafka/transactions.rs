//! Transactions: InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, TxnOffsetCommit, EndTxn, WriteTxnMarkers.

use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse,
    EndTxnRequest, EndTxnResponse, InitProducerIdRequest, InitProducerIdResponse, TxnOffsetCommitRequest,
    TxnOffsetCommitResponse, WriteTxnMarkersRequest, WriteTxnMarkersResponse,
};

use super::api::Api;
use super::bearing::Bearing;
use super::open::Pending;
use super::record::{first_error, list, partitions};
use super::scope::Scope;

impl Api for InitProducerIdRequest {
    fn to_broker(&mut self, scope: &Scope) {
        if let Some(id) = &mut self.transactional_id {
            scope.names().put(id);
        }
    }

    fn to_client(&self, _: &mut InitProducerIdResponse, _: &Scope) {}

    fn error(answer: &InitProducerIdResponse) -> i16 {
        answer.error_code
    }

    fn about(&self, _: &Scope) -> String {
        match &self.transactional_id {
            Some(id) => format!("transactional id {}", id.as_str()),
            None => "an idempotent producer".to_owned(),
        }
    }

    /// It aborts the transaction that is open under the transactional id, if one is.
    fn bearing(&self) -> Bearing {
        match self.transactional_id {
            Some(_) => Bearing::UnderWay,
            None => Bearing::None,
        }
    }

    fn answered(&self, answer: &InitProducerIdResponse, scope: &Scope) -> Option<String> {
        if let Some(id) = &self.transactional_id
            && answer.error_code == 0
            && !self.keep_prepared_txn
        {
            scope.progress().transaction_ends(id, false);
        }
        None
    }

    /// It fences whoever had the transactional id.
    fn has_effect(&self) -> bool {
        self.transactional_id.is_some()
    }

    /// The mock cluster does not isolate transactions.
    fn is_lacking_from_mock(&self) -> bool {
        self.transactional_id.is_some()
    }
}

impl Api for AddPartitionsToTxnRequest {
    fn to_broker(&mut self, scope: &Scope) {
        scope.names().put(&mut self.v3_and_below_transactional_id);
        let topics = self.v3_and_below_topics.iter_mut();
        scope.names().put_all(topics.map(|topic| &mut topic.name));
        for transaction in &mut self.transactions {
            scope.names().put(&mut transaction.transactional_id);
            let topics = transaction.topics.iter_mut();
            scope.names().put_all(topics.map(|topic| &mut topic.name));
        }
    }

    fn to_client(&self, answer: &mut AddPartitionsToTxnResponse, scope: &Scope) {
        for topic in &mut answer.results_by_topic_v3_and_below {
            scope.take(&mut topic.name);
        }
        for transaction in &mut answer.results_by_transaction {
            scope.take(&mut transaction.transactional_id);
            for topic in &mut transaction.topic_results {
                scope.take(&mut topic.name);
            }
        }
    }

    fn error(answer: &AddPartitionsToTxnResponse) -> i16 {
        let transactions = answer.results_by_transaction.iter();
        let topics = transactions.flat_map(|transaction| &transaction.topic_results);
        let topics = topics.chain(&answer.results_by_topic_v3_and_below);
        let partitions = topics.flat_map(|topic| &topic.results_by_partition);
        let codes = partitions.map(|partition| partition.partition_error_code);
        first_error([answer.error_code].into_iter().chain(codes))
    }

    fn bearing(&self) -> Bearing {
        Bearing::UnderWay
    }

    /// Clients ask for one transaction, in a layout of its own; brokers, in later versions, for several.
    fn asked(&self, scope: &Scope) {
        let caller = scope.caller().caller;
        scope
            .progress()
            .asks_in_transaction(caller, &self.v3_and_below_transactional_id);
    }

    fn answered(&self, answer: &AddPartitionsToTxnResponse, scope: &Scope) -> Option<String> {
        let producer = Some(self.v3_and_below_producer_id.0).filter(|_| Self::error(answer) == 0);
        let (caller, id) = (scope.caller().caller, &self.v3_and_below_transactional_id);
        scope.progress().answers_in_transaction(caller, id, producer);
        None
    }

    fn about(&self, _: &Scope) -> String {
        let old = (&self.v3_and_below_transactional_id, &self.v3_and_below_topics);
        let new = self.transactions.iter();
        let new = new.map(|transaction| (&transaction.transactional_id, &transaction.topics));
        let all = new.chain([old]).filter(|(id, _)| !id.is_empty());
        list(all.map(|(id, topics)| {
            let topics = topics.iter();
            let topics = topics.map(|topic| partitions(&topic.name, topic.partitions.iter().copied()));
            format!("transactional id {}: {}", id.as_str(), list(topics))
        }))
    }
}

impl Api for AddOffsetsToTxnRequest {
    fn to_broker(&mut self, scope: &Scope) {
        scope.names().put(&mut self.transactional_id);
        scope.names().put(&mut self.group_id);
    }

    fn to_client(&self, _: &mut AddOffsetsToTxnResponse, _: &Scope) {}

    fn error(answer: &AddOffsetsToTxnResponse) -> i16 {
        answer.error_code
    }

    fn bearing(&self) -> Bearing {
        Bearing::UnderWay
    }

    fn asked(&self, scope: &Scope) {
        let caller = scope.caller().caller;
        scope.progress().asks_in_transaction(caller, &self.transactional_id);
    }

    fn answered(&self, answer: &AddOffsetsToTxnResponse, scope: &Scope) -> Option<String> {
        let producer = Some(self.producer_id.0).filter(|_| answer.error_code == 0);
        let caller = scope.caller().caller;
        scope
            .progress()
            .answers_in_transaction(caller, &self.transactional_id, producer);
        None
    }

    fn about(&self, _: &Scope) -> String {
        let (id, group) = (self.transactional_id.as_str(), self.group_id.as_str());
        format!("transactional id {id}: group {group}")
    }
}

impl Api for TxnOffsetCommitRequest {
    fn to_broker(&mut self, scope: &Scope) {
        scope.names().put(&mut self.transactional_id);
        scope.names().put(&mut self.group_id);
        scope
            .names()
            .put_all(self.topics.iter_mut().map(|topic| &mut topic.name));
    }

    fn to_client(&self, answer: &mut TxnOffsetCommitResponse, scope: &Scope) {
        for topic in &mut answer.topics {
            scope.take(&mut topic.name);
        }
    }

    fn error(answer: &TxnOffsetCommitResponse) -> i16 {
        let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
        first_error(partitions.map(|partition| partition.error_code))
    }

    fn about(&self, _: &Scope) -> String {
        let topics = self.topics.iter().flat_map(|topic| {
            let name = topic.name.as_str();
            topic.partitions.iter().map(move |partition| {
                let place = partitions(name, [partition.partition_index]);
                format!("{place} at {}", partition.committed_offset)
            })
        });
        let (id, group) = (self.transactional_id.as_str(), self.group_id.as_str());
        format!("transactional id {id}, group {group}: {}", list(topics))
    }

    fn bearing(&self) -> Bearing {
        Bearing::UnderWay
    }

    fn asked(&self, scope: &Scope) {
        let caller = scope.caller().caller;
        scope.progress().asks_in_transaction(caller, &self.transactional_id);
    }

    fn answered(&self, answer: &TxnOffsetCommitResponse, scope: &Scope) -> Option<String> {
        let producer = Some(self.producer_id.0).filter(|_| Self::error(answer) == 0);
        let (caller, id) = (scope.caller().caller, &self.transactional_id);
        let mut progress = scope.progress();
        progress.answers_in_transaction(caller, id, producer);
        for topic in self.topics.iter().filter(|_| producer.is_some()) {
            for partition in &topic.partitions {
                let pending = Pending {
                    caller: caller.to_owned(),
                    group: self.group_id.to_string(),
                    partition: (topic.name.to_string(), partition.partition_index),
                    offset: partition.committed_offset,
                };
                progress.will_commit(id, pending);
            }
        }
        None
    }

    fn has_effect(&self) -> bool {
        true
    }
}

impl Api for EndTxnRequest {
    fn to_broker(&mut self, scope: &Scope) {
        scope.names().put(&mut self.transactional_id);
    }

    fn to_client(&self, _: &mut EndTxnResponse, _: &Scope) {}

    fn error(answer: &EndTxnResponse) -> i16 {
        answer.error_code
    }

    fn about(&self, _: &Scope) -> String {
        let end = if self.committed { "committed" } else { "aborted" };
        format!("transactional id {}, {end}", self.transactional_id.as_str())
    }

    fn bearing(&self) -> Bearing {
        Bearing::Effect
    }

    fn answered(&self, answer: &EndTxnResponse, scope: &Scope) -> Option<String> {
        if answer.error_code == 0 {
            scope
                .progress()
                .transaction_ends(&self.transactional_id, self.committed);
        }
        None
    }

    fn has_effect(&self) -> bool {
        true
    }
}

/// An operator ends a transaction that hangs in a partition (`kafka-transactions abort`).
impl Api for WriteTxnMarkersRequest {
    fn to_broker(&mut self, scope: &Scope) {
        let topics = self.markers.iter_mut().flat_map(|marker| &mut marker.topics);
        scope.names().put_all(topics.map(|topic| &mut topic.name));
    }

    fn to_client(&self, answer: &mut WriteTxnMarkersResponse, scope: &Scope) {
        for topic in answer.markers.iter_mut().flat_map(|marker| &mut marker.topics) {
            scope.take(&mut topic.name);
        }
    }

    fn error(answer: &WriteTxnMarkersResponse) -> i16 {
        let topics = answer.markers.iter().flat_map(|marker| &marker.topics);
        let partitions = topics.flat_map(|topic| &topic.partitions);
        first_error(partitions.map(|partition| partition.error_code))
    }

    fn about(&self, _: &Scope) -> String {
        let topics = self.markers.iter().flat_map(|marker| &marker.topics);
        list(topics.map(|topic| partitions(&topic.name, topic.partition_indexes.iter().copied())))
    }

    fn bearing(&self) -> Bearing {
        Bearing::Effect
    }

    fn has_effect(&self) -> bool {
        true
    }
}
