//! Access control lists, which a whole server has once: DescribeAcls, CreateAcls, DeleteAcls.

use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::delete_acls_response::DeleteAclsFilterResult;
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

/// The types of resources, each with a name of its own (`ResourceType`).
const TYPES: std::ops::RangeInclusive<i8> = 2..=7;
/// A filter's type of resources: whichever.
const ANY_TYPE: i8 = 1;

/// A filter of whatever has a name: of some types the broker has it behind the sandbox's prefix, of others as it is. So it is
/// asked for each type on its own, where it may be asked for several things.
fn is_of_every_type(kind: i8, name: Option<&StrBytes>) -> bool {
    kind == ANY_TYPE && name.is_some()
}

/// Whether a filter's name is that of such a resource (`ResourcePatternFilter.matches`).
fn is_meant(filter: (i8, &str), pattern: (i8, &str)) -> bool {
    const ANY: i8 = 1;
    const MATCH: i8 = 2;
    const LITERAL: i8 = 3;
    let ((wanted, name), (kind, resource)) = (filter, pattern);
    match wanted {
        MATCH if kind == LITERAL => resource == name || resource == ALL,
        MATCH => name.starts_with(resource),
        _ => (wanted == ANY || wanted == kind) && resource == name,
    }
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
        if is_of_every_type(self.resource_type_filter, self.resource_name_filter.as_ref()) {
            // There is one filter only: of all names the wanted ones are left in the answer.
            self.resource_name_filter = None;
        }
        if let Some(name) = &mut self.resource_name_filter {
            put(self.resource_type_filter, name, scope);
        }
    }

    fn to_client(&self, answer: &mut DescribeAclsResponse, scope: &Scope) {
        scope.names().take_from_text(&mut answer.error_message);
        let sought = self
            .resource_name_filter
            .as_ref()
            .filter(|_| self.resource_type_filter == ANY_TYPE);
        answer.resources.retain_mut(|resource| {
            take(resource.resource_type, &mut resource.resource_name, scope)
                && sought.is_none_or(|name| {
                    let pattern = (resource.pattern_type, resource.resource_name.as_str());
                    is_meant((self.pattern_type_filter, name), pattern)
                })
        });
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

fn is_of(filter: &DeleteAclsFilter) -> bool {
    is_of_every_type(filter.resource_type_filter, filter.resource_name_filter.as_ref())
}

/// What became of two filters that a client sent as one.
fn both(mut one: DeleteAclsFilterResult, other: DeleteAclsFilterResult) -> DeleteAclsFilterResult {
    if one.error_code == 0 {
        (one.error_code, one.error_message) = (other.error_code, other.error_message);
    }
    one.matching_acls.extend(other.matching_acls);
    one
}

impl Api for DeleteAclsRequest {
    const OF_SERVER: bool = true;

    fn to_broker(&mut self, scope: &Scope) {
        let each = |filter: DeleteAclsFilter| match is_of(&filter) {
            true => TYPES
                .map(|kind| filter.clone().with_resource_type_filter(kind))
                .collect(),
            false => vec![filter],
        };
        self.filters = std::mem::take(&mut self.filters).into_iter().flat_map(each).collect();
        for filter in &mut self.filters {
            if let Some(name) = &mut filter.resource_name_filter {
                put(filter.resource_type_filter, name, scope);
            }
        }
    }

    fn to_client(&self, answer: &mut DeleteAclsResponse, scope: &Scope) {
        let mut results = std::mem::take(&mut answer.filter_results).into_iter();
        for filter in &self.filters {
            let count = if is_of(filter) { TYPES.count() } else { 1 };
            answer.filter_results.extend(results.by_ref().take(count).reduce(both));
        }
        answer.filter_results.extend(results);
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

#[cfg(test)]
mod tests {
    use super::is_meant;

    #[test]
    fn a_filter_means_what_the_broker_has_it_mean() {
        let (any, matching, literal, prefixed) = (1, 2, 3, 4);
        for (filter, pattern, meant) in [
            ((any, "orders"), (literal, "orders"), true),
            ((any, "orders"), (prefixed, "orders"), true),
            ((any, "orders"), (prefixed, "ord"), false),
            ((any, "orders"), (literal, "*"), false),
            ((matching, "orders"), (literal, "orders"), true),
            ((matching, "orders"), (literal, "*"), true),
            ((matching, "orders"), (prefixed, "ord"), true),
            ((matching, "orders"), (prefixed, "orders.v1"), false),
            ((matching, "orders"), (literal, "ord"), false),
            ((literal, "orders"), (literal, "orders"), true),
            ((literal, "orders"), (prefixed, "orders"), false),
            ((prefixed, "ord"), (prefixed, "ord"), true),
        ] {
            assert_eq!(is_meant(filter, pattern), meant, "{filter:?} {pattern:?}");
        }
    }
}
