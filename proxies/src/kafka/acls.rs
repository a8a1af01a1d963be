//! Access control lists, which a whole server has once: DescribeAcls, CreateAcls, DeleteAcls.

use kafka_protocol::messages::{
    CreateAclsRequest, CreateAclsResponse, DeleteAclsRequest, DeleteAclsResponse, DescribeAclsRequest,
    DescribeAclsResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::api::Api;
use super::bearing::Bearing;
use super::record::{first_error, list};
use super::scope::Scope;

/// The name of all resources of a type (`ResourcePattern.WILDCARD_RESOURCE`).
const ALL: &str = "*";

/// Whether resources of this type have names of the sandbox: topics, groups and transactional ids (`ResourceType`).
fn is_named(kind: i8) -> bool {
    matches!(kind, 2 | 3 | 5)
}

fn put(kind: i8, name: &mut StrBytes, scope: &Scope) {
    if is_named(kind) && name.as_str() != ALL {
        scope.names().put(name);
    }
}

/// Whether it is the sandbox's.
fn take(kind: i8, name: &mut StrBytes, scope: &Scope) -> bool {
    !is_named(kind) || name.as_str() == ALL || scope.names().take(name)
}

/// `topic orders.v1`
fn about(kind: i8, name: Option<&StrBytes>) -> String {
    let kind = match kind {
        2 => "topic",
        3 => "group",
        4 => "cluster",
        5 => "transactional id",
        6 => "delegation token",
        7 => "user",
        _ => "resource",
    };
    match name {
        Some(name) => format!("{kind} {}", name.as_str()),
        None => format!("every {kind}"),
    }
}

impl Api for DescribeAclsRequest {
    const OF_SERVER: bool = true;

    fn to_broker(&mut self, scope: &Scope) {
        if let Some(name) = &mut self.resource_name_filter {
            put(self.resource_type_filter, name, scope);
        }
    }

    fn to_client(&self, answer: &mut DescribeAclsResponse, scope: &Scope) {
        scope.names().take_from_text(&mut answer.error_message);
        answer
            .resources
            .retain_mut(|resource| take(resource.resource_type, &mut resource.resource_name, scope));
    }

    fn error(answer: &DescribeAclsResponse) -> i16 {
        answer.error_code
    }

    fn about(&self, _: &Scope) -> String {
        about(self.resource_type_filter, self.resource_name_filter.as_ref())
    }
}

impl Api for CreateAclsRequest {
    const OF_SERVER: bool = true;

    fn to_broker(&mut self, scope: &Scope) {
        for creation in &mut self.creations {
            put(creation.resource_type, &mut creation.resource_name, scope);
        }
    }

    fn to_client(&self, answer: &mut CreateAclsResponse, scope: &Scope) {
        for result in &mut answer.results {
            scope.names().take_from_text(&mut result.error_message);
        }
    }

    fn error(answer: &CreateAclsResponse) -> i16 {
        first_error(answer.results.iter().map(|result| result.error_code))
    }

    fn about(&self, _: &Scope) -> String {
        let creations = self.creations.iter();
        list(creations.map(|creation| about(creation.resource_type, Some(&creation.resource_name))))
    }

    fn bearing(&self) -> Bearing {
        Bearing::Effect
    }

    fn has_effect(&self) -> bool {
        true
    }
}

impl Api for DeleteAclsRequest {
    const OF_SERVER: bool = true;

    fn to_broker(&mut self, scope: &Scope) {
        for filter in &mut self.filters {
            if let Some(name) = &mut filter.resource_name_filter {
                put(filter.resource_type_filter, name, scope);
            }
        }
    }

    fn to_client(&self, answer: &mut DeleteAclsResponse, scope: &Scope) {
        for result in &mut answer.filter_results {
            scope.names().take_from_text(&mut result.error_message);
            result.matching_acls.retain_mut(|acl| {
                scope.names().take_from_text(&mut acl.error_message);
                take(acl.resource_type, &mut acl.resource_name, scope)
            });
        }
    }

    fn error(answer: &DeleteAclsResponse) -> i16 {
        first_error(answer.filter_results.iter().map(|result| result.error_code))
    }

    fn about(&self, _: &Scope) -> String {
        let filters = self.filters.iter();
        list(filters.map(|filter| about(filter.resource_type_filter, filter.resource_name_filter.as_ref())))
    }

    fn bearing(&self) -> Bearing {
        Bearing::Effect
    }

    fn has_effect(&self) -> bool {
        true
    }
}
