//! Membership of classic groups: JoinGroup, SyncGroup, Heartbeat, LeaveGroup.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse,
    SyncGroupRequest, SyncGroupResponse,
};

use super::api::Api;
use super::assigned::Topic;
use super::embedded::{self, CONSUMER, Way};
use super::record::first_error;
use super::scope::Scope;

impl Api for JoinGroupRequest {
    fn to_broker(&mut self, scope: &Scope) {
        scope.seen(|seen| {
            let kind = self.protocol_type.to_string();
            seen.protocol_types.insert(self.group_id.to_string(), kind);
            seen.members.leave(&self.group_id, &self.member_id);
        });
        scope.members_changed();
        scope.names().put(&mut self.group_id);
        if &*self.protocol_type == CONSUMER {
            for protocol in &mut self.protocols {
                embedded::subscription(&mut protocol.metadata, Way::ToBroker, scope.names());
            }
        }
    }

    fn to_client(&self, answer: &mut JoinGroupResponse, scope: &Scope) {
        if &*self.protocol_type == CONSUMER {
            for member in &mut answer.members {
                embedded::subscription(&mut member.metadata, Way::ToClient, scope.names());
            }
        }
    }

    /// It waits until every member has joined, for as long as one that died may take to be missed.
    fn asked(&self, scope: &Scope) {
        if !scope.is_own() {
            scope.progress().joins(scope.caller(), &self.group_id);
        }
    }

    fn answered(&self, answer: &JoinGroupResponse, scope: &Scope) -> Option<String> {
        if answer.error_code != 0 && !joins_again(answer.error_code) {
            scope.progress().joined(scope.caller(), &self.group_id);
        }
        None
    }

    fn error(answer: &JoinGroupResponse) -> i16 {
        answer.error_code
    }

    fn about(&self, _: &Scope) -> String {
        format!("group {}", self.group_id.as_str())
    }

    fn has_effect(&self) -> bool {
        true
    }
}

/// Whether the members of a group speak the consumer protocol: the message says so, else its JoinGroup did.
fn is_consumer(group: &str, said: Option<&str>, scope: &Scope) -> bool {
    said.map_or_else(
        || scope.seen(|seen| seen.protocol_types.get(group).is_none_or(|kind| kind == CONSUMER)),
        |kind| kind == CONSUMER,
    )
}

/// Whether a member whom the coordinator answers with this joins again at once.
fn joins_again(error: i16) -> bool {
    let again = [
        ResponseError::MemberIdRequired,
        ResponseError::UnknownMemberId,
        ResponseError::IllegalGeneration,
        ResponseError::RebalanceInProgress,
        ResponseError::CoordinatorLoadInProgress,
        ResponseError::CoordinatorNotAvailable,
        ResponseError::NotCoordinator,
    ];
    again.iter().any(|each| each.code() == error)
}

impl Api for SyncGroupRequest {
    fn to_broker(&mut self, scope: &Scope) {
        if is_consumer(&self.group_id, self.protocol_type.as_deref(), scope) {
            for member in &mut self.assignments {
                embedded::assignment(&mut member.assignment, Way::ToBroker, scope.names());
            }
        }
        scope.names().put(&mut self.group_id);
    }

    fn to_client(&self, answer: &mut SyncGroupResponse, scope: &Scope) {
        if answer.error_code != 0 || !is_consumer(&self.group_id, self.protocol_type.as_deref(), scope) {
            return;
        }
        let assigned = embedded::assignment(&mut answer.assignment, Way::ToClient, scope.names());
        let assigned = assigned.into_iter().map(|(topic, number)| (Topic::Name(topic), number));
        scope.seen(|seen| seen.members.assign(&self.group_id, &self.member_id, assigned.collect()));
        scope.members_changed();
    }

    fn answered(&self, answer: &SyncGroupResponse, scope: &Scope) -> Option<String> {
        if !joins_again(answer.error_code) {
            scope.progress().joined(scope.caller(), &self.group_id);
        }
        None
    }

    fn error(answer: &SyncGroupResponse) -> i16 {
        answer.error_code
    }

    fn about(&self, _: &Scope) -> String {
        format!("group {}", self.group_id.as_str())
    }
}

impl Api for HeartbeatRequest {
    fn to_broker(&mut self, scope: &Scope) {
        scope.names().put(&mut self.group_id);
    }

    fn to_client(&self, answer: &mut HeartbeatResponse, scope: &Scope) {
        let ended = [
            ResponseError::RebalanceInProgress,
            ResponseError::IllegalGeneration,
            ResponseError::UnknownMemberId,
            ResponseError::FencedInstanceId,
        ];
        if ended.iter().any(|error| error.code() == answer.error_code) {
            scope.seen(|seen| seen.members.leave(&self.group_id, &self.member_id));
            scope.members_changed();
        }
    }

    fn error(answer: &HeartbeatResponse) -> i16 {
        answer.error_code
    }

    fn about(&self, _: &Scope) -> String {
        format!("group {}", self.group_id.as_str())
    }
}

impl Api for LeaveGroupRequest {
    fn to_broker(&mut self, scope: &Scope) {
        scope.names().put(&mut self.group_id);
    }

    fn to_client(&self, _: &mut LeaveGroupResponse, scope: &Scope) {
        let members = self.members.iter().map(|member| &member.member_id);
        scope.seen(|seen| {
            for member in members.chain([&self.member_id]) {
                seen.members.leave(&self.group_id, member);
            }
        });
        scope.members_changed();
    }

    fn answered(&self, _: &LeaveGroupResponse, scope: &Scope) -> Option<String> {
        scope.progress().joined(scope.caller(), &self.group_id);
        None
    }

    fn error(answer: &LeaveGroupResponse) -> i16 {
        let members = answer.members.iter().map(|member| member.error_code);
        first_error([answer.error_code].into_iter().chain(members))
    }

    fn about(&self, _: &Scope) -> String {
        format!("group {}", self.group_id.as_str())
    }

    fn has_effect(&self) -> bool {
        true
    }
}
