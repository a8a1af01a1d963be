//! A group's offsets: OffsetCommit, OffsetFetch, OffsetDelete.

use kafka_protocol::messages::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest, OffsetDeleteResponse, OffsetFetchRequest,
    OffsetFetchResponse,
};

use super::api::Api;
use super::bearing::Bearing;
use super::record::{first_error, list, partitions};
use super::scope::Scope;

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

    fn bearing(&self) -> Bearing {
        Bearing::UnderWay
    }

    fn answered(&self, answer: &OffsetCommitResponse, scope: &Scope) -> Option<String> {
        for topic in answer.topics.iter().filter(|_| !scope.is_own()) {
            let sent = self.topics.iter().filter(|each| each.name == topic.name);
            let sent = sent.flat_map(|each| &each.partitions);
            for partition in topic.partitions.iter().filter(|partition| partition.error_code == 0) {
                let mut sent = sent.clone();
                let Some(sent) = sent.find(|each| each.partition_index == partition.partition_index) else {
                    continue;
                };
                let (place, offset) = (
                    (topic.name.to_string(), partition.partition_index),
                    sent.committed_offset,
                );
                let mut progress = scope.progress();
                progress.commit(scope.caller().caller, &self.group_id, &place, offset);
            }
        }
        None
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

    fn answered(&self, answer: &OffsetFetchResponse, scope: &Scope) -> Option<String> {
        if scope.is_own() {
            return None;
        }
        let old = answer.topics.iter().flat_map(|topic| {
            let partitions = topic.partitions.iter().filter(|each| each.error_code == 0);
            partitions.map(|each| (&self.group_id, &topic.name, each.partition_index, each.committed_offset))
        });
        let new = answer.groups.iter().flat_map(|group| {
            group.topics.iter().flat_map(move |topic| {
                let partitions = topic.partitions.iter().filter(|each| each.error_code == 0);
                partitions.map(|each| {
                    (
                        &group.group_id,
                        &topic.name,
                        each.partition_index,
                        each.committed_offset,
                    )
                })
            })
        });
        let mut progress = scope.progress();
        for (group, topic, partition, offset) in old.chain(new) {
            let offset = (offset >= 0).then_some(offset);
            progress.told(scope.caller().caller, group, &(topic.to_string(), partition), offset);
        }
        None
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

    fn bearing(&self) -> Bearing {
        Bearing::Effect
    }

    fn answered(&self, answer: &OffsetDeleteResponse, scope: &Scope) -> Option<String> {
        for topic in &answer.topics {
            for partition in topic.partitions.iter().filter(|partition| partition.error_code == 0) {
                let place = (topic.name.to_string(), partition.partition_index);
                scope.progress().place_ends(&self.group_id, &place);
            }
        }
        None
    }

    fn has_effect(&self) -> bool {
        true
    }
}
