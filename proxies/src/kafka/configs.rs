//! Configurations: DescribeConfigs, IncrementalAlterConfigs, AlterConfigs.

use kafka_protocol::messages::{
    AlterConfigsRequest, AlterConfigsResponse, DescribeConfigsRequest, DescribeConfigsResponse,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, alter_configs_response, describe_configs_response,
    incremental_alter_configs_response,
};
use kafka_protocol::protocol::StrBytes;

use super::api::Api;
use super::bearing::Bearing;
use super::record::{first_error, list};
use super::scope::Scope;

/// Whether resources of this type have names of the sandbox: topics and groups (`ConfigResource.Type`).
fn is_named(kind: i8) -> bool {
    matches!(kind, 2 | 32)
}

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
        for resource in &mut self.resources {
            put(resource.resource_type, &mut resource.resource_name, scope);
        }
    }

    fn to_client(&self, answer: &mut IncrementalAlterConfigsResponse, scope: &Scope) {
        for result in &mut answer.responses {
            let (name, message) = (&mut result.resource_name, &mut result.error_message);
            take(result.resource_type, name, message, scope);
        }
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
        for resource in &mut self.resources {
            put(resource.resource_type, &mut resource.resource_name, scope);
        }
    }

    fn to_client(&self, answer: &mut AlterConfigsResponse, scope: &Scope) {
        for result in &mut answer.responses {
            let (name, message) = (&mut result.resource_name, &mut result.error_message);
            take(result.resource_type, name, message, scope);
        }
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
