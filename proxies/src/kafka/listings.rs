//! Groups as admin clients see them: ListGroups, DescribeGroups, DeleteGroups.

use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::DescribedGroup;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse, ListGroupsRequest,
    ListGroupsResponse,
};

use super::api::Api;
use super::bearing::Bearing;
use super::embedded::{self, CONSUMER, Way};
use super::record::{first_error, list};
use super::scope::Scope;

impl Api for ListGroupsRequest {
    const REFUSED: Option<fn(&Self, i16) -> ListGroupsResponse> =
        Some(|_, error| ListGroupsResponse::default().with_error_code(error));

    fn to_broker(&mut self, _: &Scope) {}

    fn to_client(&self, answer: &mut ListGroupsResponse, scope: &Scope) {
        answer
            .groups
            .retain_mut(|group| scope.names().take(&mut group.group_id));
    }

    fn error(answer: &ListGroupsResponse) -> i16 {
        answer.error_code
    }

    fn about(&self, _: &Scope) -> String {
        "all groups".to_owned()
    }
}

impl Api for DescribeGroupsRequest {
    const REFUSED: Option<fn(&Self, i16) -> DescribeGroupsResponse> = Some(|asked, error| {
        let groups = asked.groups.iter().map(|group| {
            DescribedGroup::default()
                .with_group_id(group.clone())
                .with_error_code(error)
        });
        DescribeGroupsResponse::default().with_groups(groups.collect())
    });

    fn to_broker(&mut self, scope: &Scope) {
        scope.names().put_all(&mut self.groups);
    }

    fn to_client(&self, answer: &mut DescribeGroupsResponse, scope: &Scope) {
        for group in &mut answer.groups {
            scope.take(&mut group.group_id);
            scope.names().take_from_text(&mut group.error_message);
            if &*group.protocol_type != CONSUMER {
                continue;
            }
            for member in &mut group.members {
                embedded::subscription(&mut member.member_metadata, Way::ToClient, scope.names());
                embedded::assignment(&mut member.member_assignment, Way::ToClient, scope.names());
            }
        }
    }

    fn error(answer: &DescribeGroupsResponse) -> i16 {
        first_error(answer.groups.iter().map(|group| group.error_code))
    }

    fn about(&self, _: &Scope) -> String {
        format!("group {}", list(self.groups.iter().map(|group| group.as_str())))
    }
}

impl Api for DeleteGroupsRequest {
    const REFUSED: Option<fn(&Self, i16) -> DeleteGroupsResponse> = Some(|asked, error| {
        let results = asked.groups_names.iter().map(|group| {
            DeletableGroupResult::default()
                .with_group_id(group.clone())
                .with_error_code(error)
        });
        DeleteGroupsResponse::default().with_results(results.collect())
    });

    fn to_broker(&mut self, scope: &Scope) {
        scope.names().put_all(&mut self.groups_names);
    }

    fn to_client(&self, answer: &mut DeleteGroupsResponse, scope: &Scope) {
        for result in &mut answer.results {
            scope.take(&mut result.group_id);
        }
    }

    fn error(answer: &DeleteGroupsResponse) -> i16 {
        first_error(answer.results.iter().map(|result| result.error_code))
    }

    fn about(&self, _: &Scope) -> String {
        format!("group {}", list(self.groups_names.iter().map(|group| group.as_str())))
    }

    fn bearing(&self) -> Bearing {
        Bearing::Effect
    }

    fn answered(&self, answer: &DeleteGroupsResponse, scope: &Scope) -> Option<String> {
        for result in answer.results.iter().filter(|result| result.error_code == 0) {
            scope.progress().group_ends(&result.group_id);
        }
        None
    }

    fn has_effect(&self) -> bool {
        true
    }
}
