//! Where things are: Metadata, FindCoordinator, DescribeCluster.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{
    DescribeClusterRequest, DescribeClusterResponse, FindCoordinatorRequest, FindCoordinatorResponse, MetadataRequest,
    MetadataResponse,
};

use super::Broker;
use super::api::Api;
use super::record::{first_error, list};
use super::scope::Scope;

/// The mock cluster names a controller that it does not have (0, its brokers begin with 1), and an admin client would wait
/// for it and call nothing.
fn name_a_controller(answer: &mut MetadataResponse, scope: &Scope) {
    if scope.broker() == Broker::Mock
        && let Some(first) = answer.brokers.first()
        && !answer
            .brokers
            .iter()
            .any(|broker| broker.node_id == answer.controller_id)
    {
        answer.controller_id = first.node_id;
    }
}

impl Api for MetadataRequest {
    fn to_broker(&mut self, scope: &Scope) {
        let topics = self.topics.iter_mut().flatten();
        scope.names().put_all(topics.filter_map(|topic| topic.name.as_mut()));
    }

    /// A run's broker makes no topic of itself (`auto.create.topics.enable`); the mock does, unless the client forbids it (version 4).
    fn fit_mock(&mut self, version: i16) {
        if version >= 4 {
            self.allow_auto_topic_creation = false;
        }
    }

    fn to_client(&self, answer: &mut MetadataResponse, scope: &Scope) {
        for broker in &mut answer.brokers {
            scope.endpoint(broker.node_id, &mut broker.host, &mut broker.port);
        }
        name_a_controller(answer, scope);
        if let Some(cluster) = &mut answer.cluster_id {
            scope.names().put(cluster);
        }
        let by_id = self.topics.iter().flatten().any(|topic| !topic.topic_id.is_nil());
        scope.seen(|seen| {
            seen.brokers = Some(answer.brokers.len());
            answer.topics.retain_mut(|topic| {
                let Some(name) = &mut topic.name else {
                    return true;
                };
                if scope.names().take(name) {
                    seen.members.name(topic.topic_id, name);
                    return true;
                }
                topic.name = None;
                topic.error_code = ResponseError::UnknownTopicId.code();
                topic.partitions.clear();
                by_id
            });
        });
        scope.members_changed();
    }

    fn error(answer: &MetadataResponse) -> i16 {
        let topics = answer.topics.iter().map(|topic| topic.error_code);
        first_error([answer.error_code].into_iter().chain(topics))
    }

    fn about(&self, _: &Scope) -> String {
        match &self.topics {
            None => "all topics".to_owned(),
            Some(topics) => list(topics.iter().map(|topic| match &topic.name {
                Some(name) => name.to_string(),
                None => topic.topic_id.to_string(),
            })),
        }
    }
}

impl Api for FindCoordinatorRequest {
    fn to_broker(&mut self, scope: &Scope) {
        scope.names().put(&mut self.key);
        scope.names().put_all(&mut self.coordinator_keys);
    }

    fn to_client(&self, answer: &mut FindCoordinatorResponse, scope: &Scope) {
        scope.endpoint(answer.node_id, &mut answer.host, &mut answer.port);
        scope.names().take_from_text(&mut answer.error_message);
        for found in &mut answer.coordinators {
            scope.take(&mut found.key);
            scope.endpoint(found.node_id, &mut found.host, &mut found.port);
            scope.names().take_from_text(&mut found.error_message);
        }
    }

    fn error(answer: &FindCoordinatorResponse) -> i16 {
        let found = answer.coordinators.iter().map(|found| found.error_code);
        first_error([answer.error_code].into_iter().chain(found))
    }

    fn about(&self, _: &Scope) -> String {
        let kind = match self.key_type {
            0 => "group",
            1 => "transaction",
            _ => "share group",
        };
        let keys = [&self.key].into_iter().chain(&self.coordinator_keys);
        format!(
            "{kind} {}",
            list(keys.filter(|key| !key.is_empty()).map(|key| key.as_str()))
        )
    }
}

impl Api for DescribeClusterRequest {
    const REFUSED: Option<fn(&Self, i16) -> DescribeClusterResponse> =
        Some(|_, error| DescribeClusterResponse::default().with_error_code(error));

    fn to_broker(&mut self, _: &Scope) {}

    fn to_client(&self, answer: &mut DescribeClusterResponse, scope: &Scope) {
        scope.names().put(&mut answer.cluster_id);
        for broker in &mut answer.brokers {
            scope.endpoint(broker.broker_id, &mut broker.host, &mut broker.port);
        }
    }

    fn error(answer: &DescribeClusterResponse) -> i16 {
        answer.error_code
    }

    fn about(&self, _: &Scope) -> String {
        "the cluster".to_owned()
    }
}
