//! Configurations: DescribeConfigs, IncrementalAlterConfigs, AlterConfigs, ListConfigResources.
//!
//! Those of brokers, of their loggers and of what clients report of themselves are the whole server's: only a sandbox that has
//! a server of its own changes them.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{
    AlterConfigsRequest, AlterConfigsResponse, DescribeConfigsRequest, DescribeConfigsResponse,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, ListConfigResourcesRequest,
    ListConfigResourcesResponse, alter_configs_response, describe_configs_response, incremental_alter_configs_response,
};
use kafka_protocol::protocol::StrBytes;

use super::Broker;
use super::api::Api;
use super::bearing::Bearing;
use super::record::{first_error, list};
use super::scope::Scope;

/// Whether resources of this type have names of the sandbox: topics and groups (`ConfigResource.Type`).
fn is_named(kind: i8) -> bool {
    matches!(kind, 2 | 32)
}

/// Whether a sandbox changes the configuration of resources of this type.
fn is_its_own(kind: i8, scope: &Scope) -> bool {
    is_named(kind) || scope.broker() == Broker::Own
}

/// What one is told that changes what is the whole server's.
const SHARED: StrBytes =
    StrBytes::from_static_str("this configuration is the whole server's, which other sandboxes share");

/// The type of what clients report of themselves (`ConfigResource.Type.CLIENT_METRICS`).
const CLIENT_METRICS: i8 = 16;

/// The type of nodes (`ConfigResource.Type.BROKER`).
const BROKER: i8 = 4;

/// What of a node's configuration tells where nodes are: a list, with the address behind `://` or `@`.
const ADDRESSES: [&str; 4] = [
    "listeners",
    "advertised.listeners",
    "controller.quorum.voters",
    "controller.quorum.bootstrap.servers",
];

/// Puts the edge's address for the node where the configuration tells addresses.
fn hide_addresses(node: &mut describe_configs_response::DescribeConfigsResult, scope: &Scope) {
    let address = scope.address_of(node.resource_name.parse().unwrap_or_default());
    let hidden = |value: &mut Option<StrBytes>| {
        let Some(told) = value.as_ref().filter(|told| !told.is_empty()) else {
            return;
        };
        let each = told.split(',').map(|each| {
            let at = each.rfind(['/', '@']).map_or(0, |at| at + 1);
            match each.split_at(at) {
                // As Kafka's default has it: no address.
                (_, port) if port.starts_with(':') => each.to_owned(),
                (before, _) => format!("{before}{address}"),
            }
        });
        *value = Some(StrBytes::from_string(each.collect::<Vec<_>>().join(",")));
    };
    let configs = node.configs.iter_mut();
    for config in configs.filter(|config| ADDRESSES.contains(&config.name.as_str())) {
        hidden(&mut config.value);
        config.synonyms.iter_mut().for_each(|other| hidden(&mut other.value));
    }
}

/// `AlterConfigOp.OpType.DELETE`
const DELETE: i8 = 1;

fn put(kind: i8, name: &mut StrBytes, scope: &Scope) {
    if is_named(kind) {
        scope.names().put(name);
    }
}

fn take(kind: i8, name: &mut StrBytes, message: &mut Option<StrBytes>, scope: &Scope) {
    if is_named(kind) {
        scope.take(name);
    }
    scope.names().take_from_text(message);
}

/// `topic orders.v1`
fn about(kind: i8, name: &str) -> String {
    match kind {
        2 => format!("topic {name}"),
        4 => format!("broker {name}"),
        8 => format!("logger of broker {name}"),
        32 => format!("group {name}"),
        _ => format!("resource {name} of type {kind}"),
    }
}

impl Api for DescribeConfigsRequest {
    const REFUSED: Option<fn(&Self, i16) -> DescribeConfigsResponse> = Some(|asked, error| {
        let results = asked.resources.iter().map(|resource| {
            describe_configs_response::DescribeConfigsResult::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone())
                .with_error_code(error)
        });
        DescribeConfigsResponse::default().with_results(results.collect())
    });

    fn to_broker(&mut self, scope: &Scope) {
        for resource in &mut self.resources {
            put(resource.resource_type, &mut resource.resource_name, scope);
        }
    }

    fn to_client(&self, answer: &mut DescribeConfigsResponse, scope: &Scope) {
        for result in &mut answer.results {
            let (name, message) = (&mut result.resource_name, &mut result.error_message);
            take(result.resource_type, name, message, scope);
            if result.resource_type == BROKER {
                hide_addresses(result, scope);
            }
        }
    }

    fn error(answer: &DescribeConfigsResponse) -> i16 {
        first_error(answer.results.iter().map(|result| result.error_code))
    }

    fn about(&self, _: &Scope) -> String {
        let resources = self.resources.iter();
        list(resources.map(|resource| about(resource.resource_type, &resource.resource_name)))
    }
}

impl Api for IncrementalAlterConfigsRequest {
    const REFUSED: Option<fn(&Self, i16) -> IncrementalAlterConfigsResponse> = Some(|asked, error| {
        let responses = asked.resources.iter().map(|resource| {
            incremental_alter_configs_response::AlterConfigsResourceResponse::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone())
                .with_error_code(error)
        });
        IncrementalAlterConfigsResponse::default().with_responses(responses.collect())
    });

    fn to_broker(&mut self, scope: &Scope) {
        self.resources
            .retain(|resource| is_its_own(resource.resource_type, scope));
        for resource in &mut self.resources {
            put(resource.resource_type, &mut resource.resource_name, scope);
        }
    }

    fn to_client(&self, answer: &mut IncrementalAlterConfigsResponse, scope: &Scope) {
        for result in &mut answer.responses {
            let (name, message) = (&mut result.resource_name, &mut result.error_message);
            take(result.resource_type, name, message, scope);
        }
        let shared = self
            .resources
            .iter()
            .filter(|each| !is_its_own(each.resource_type, scope));
        answer.responses.extend(shared.map(|resource| {
            let response = incremental_alter_configs_response::AlterConfigsResourceResponse::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone());
            // Nobody here can have set it, so there is nothing to remove: `kafka-reassign-partitions` does so of itself.
            if resource.configs.iter().all(|each| each.config_operation == DELETE) {
                return response;
            }
            response
                .with_error_code(ResponseError::PolicyViolation.code())
                .with_error_message(Some(SHARED))
        }));
    }

    fn error(answer: &IncrementalAlterConfigsResponse) -> i16 {
        first_error(answer.responses.iter().map(|result| result.error_code))
    }

    fn about(&self, _: &Scope) -> String {
        let resources = self.resources.iter();
        list(resources.map(|resource| about(resource.resource_type, &resource.resource_name)))
    }

    fn bearing(&self) -> Bearing {
        Bearing::Effect
    }

    fn has_effect(&self) -> bool {
        !self.validate_only
    }
}

impl Api for AlterConfigsRequest {
    const REFUSED: Option<fn(&Self, i16) -> AlterConfigsResponse> = Some(|asked, error| {
        let responses = asked.resources.iter().map(|resource| {
            alter_configs_response::AlterConfigsResourceResponse::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone())
                .with_error_code(error)
        });
        AlterConfigsResponse::default().with_responses(responses.collect())
    });

    fn to_broker(&mut self, scope: &Scope) {
        self.resources
            .retain(|resource| is_its_own(resource.resource_type, scope));
        for resource in &mut self.resources {
            put(resource.resource_type, &mut resource.resource_name, scope);
        }
    }

    fn to_client(&self, answer: &mut AlterConfigsResponse, scope: &Scope) {
        for result in &mut answer.responses {
            let (name, message) = (&mut result.resource_name, &mut result.error_message);
            take(result.resource_type, name, message, scope);
        }
        let shared = self
            .resources
            .iter()
            .filter(|each| !is_its_own(each.resource_type, scope));
        answer.responses.extend(shared.map(|resource| {
            alter_configs_response::AlterConfigsResourceResponse::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone())
                .with_error_code(ResponseError::PolicyViolation.code())
                .with_error_message(Some(SHARED))
        }));
    }

    fn error(answer: &AlterConfigsResponse) -> i16 {
        first_error(answer.responses.iter().map(|result| result.error_code))
    }

    fn about(&self, _: &Scope) -> String {
        let resources = self.resources.iter();
        list(resources.map(|resource| about(resource.resource_type, &resource.resource_name)))
    }

    fn bearing(&self) -> Bearing {
        Bearing::Effect
    }

    fn has_effect(&self) -> bool {
        !self.validate_only
    }
}

/// In version 0 it is ListClientMetricsResources, and of these a sandbox has none on a server that it shares.
impl Api for ListConfigResourcesRequest {
    fn to_broker(&mut self, _: &Scope) {}

    fn to_client(&self, answer: &mut ListConfigResourcesResponse, scope: &Scope) {
        answer.config_resources.retain_mut(|resource| {
            let kind = resource.resource_type;
            let is_hidden = kind == CLIENT_METRICS && scope.broker() != Broker::Own;
            !is_hidden && (!is_named(kind) || scope.names().take(&mut resource.resource_name))
        });
    }

    fn error(answer: &ListConfigResourcesResponse) -> i16 {
        answer.error_code
    }

    fn about(&self, _: &Scope) -> String {
        "all resources".to_owned()
    }
}
