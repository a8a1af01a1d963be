//! A group's offsets: OffsetCommit, OffsetFetch, OffsetDelete.

use kafka_protocol::messages::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest, OffsetDeleteResponse, OffsetFetchRequest,
    OffsetFetchResponse,
};

use super::api::{Api, Scope};
use super::record::{first_error, list, partitions};

impl Api for OffsetCommitRequest {
    fn to_broker(&mut self, scope: &Scope) {
        scope.names().put(&mut self.group_id);
        scope
            .names()
            .put_all(self.topics.iter_mut().map(|topic| &mut topic.name));
    }

    fn to_client(&self, answer: &mut OffsetCommitResponse, scope: &Scope) {
        for topic in &mut answer.topics {
            scope.take(&mut topic.name);
        }
    }

    fn error(answer: &OffsetCommitResponse) -> i16 {
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
        format!("group {}: {}", self.group_id.as_str(), list(topics))
    }

    fn has_effect(&self) -> bool {
        true
    }
}

impl Api for OffsetFetchRequest {
    fn to_broker(&mut self, scope: &Scope) {
        scope.names().put(&mut self.group_id);
        let topics = self.topics.iter_mut().flatten();
        scope.names().put_all(topics.map(|topic| &mut topic.name));
        for group in &mut self.groups {
            scope.names().put(&mut group.group_id);
            let topics = group.topics.iter_mut().flatten();
            scope.names().put_all(topics.map(|topic| &mut topic.name));
        }
    }

    fn to_client(&self, answer: &mut OffsetFetchResponse, scope: &Scope) {
        answer.topics.retain_mut(|topic| scope.names().take(&mut topic.name));
        for group in &mut answer.groups {
            scope.take(&mut group.group_id);
            group.topics.retain_mut(|topic| scope.names().take(&mut topic.name));
        }
    }

    fn error(answer: &OffsetFetchResponse) -> i16 {
        let old = answer.topics.iter().flat_map(|topic| &topic.partitions);
        let groups = answer.groups.iter();
        let topics = groups.clone().flat_map(|group| &group.topics);
        let new = topics.flat_map(|topic| &topic.partitions);
        first_error(
            [answer.error_code]
                .into_iter()
                .chain(old.map(|partition| partition.error_code))
                .chain(groups.map(|group| group.error_code))
                .chain(new.map(|partition| partition.error_code)),
        )
    }

    fn about(&self, _: &Scope) -> String {
        let groups = self.groups.iter().map(|group| group.group_id.as_str());
        let named = [self.group_id.as_str()].into_iter().chain(groups);
        format!("group {}", list(named.filter(|group| !group.is_empty())))
    }
}

impl Api for OffsetDeleteRequest {
    const REFUSED: Option<fn(&Self, i16) -> OffsetDeleteResponse> =
        Some(|_, error| OffsetDeleteResponse::default().with_error_code(error));

    fn to_broker(&mut self, scope: &Scope) {
        scope.names().put(&mut self.group_id);
        scope
            .names()
            .put_all(self.topics.iter_mut().map(|topic| &mut topic.name));
    }

    fn to_client(&self, answer: &mut OffsetDeleteResponse, scope: &Scope) {
        for topic in &mut answer.topics {
            scope.take(&mut topic.name);
        }
    }

    fn error(answer: &OffsetDeleteResponse) -> i16 {
        let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
        let codes = partitions.map(|partition| partition.error_code);
        first_error([answer.error_code].into_iter().chain(codes))
    }

    fn about(&self, _: &Scope) -> String {
        let topics = self.topics.iter().map(|topic| {
            let numbers = topic.partitions.iter().map(|partition| partition.partition_index);
            partitions(&topic.name, numbers)
        });
        format!("group {}: {}", self.group_id.as_str(), list(topics))
    }

    fn has_effect(&self) -> bool {
        true
    }
}
