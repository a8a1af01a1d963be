//! Quotas and SCRAM users, which a whole server has once: DescribeClientQuotas, AlterClientQuotas,
//! DescribeUserScramCredentials, AlterUserScramCredentials. Nothing in them has a name of the sandbox.

use kafka_protocol::messages::{
    AlterClientQuotasRequest, AlterClientQuotasResponse, AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsResponse, DescribeClientQuotasRequest, DescribeClientQuotasResponse,
    DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::api::Api;
use super::bearing::Bearing;
use super::record::{first_error, list};
use super::scope::Scope;

/// `user alice`, `default client-id`
fn entity(kind: &str, name: Option<&StrBytes>) -> String {
    match name {
        Some(name) => format!("{kind} {}", name.as_str()),
        None => format!("default {kind}"),
    }
}

impl Api for DescribeClientQuotasRequest {
    const OF_SERVER: bool = true;

    fn to_broker(&mut self, _: &Scope) {}

    fn to_client(&self, _: &mut DescribeClientQuotasResponse, _: &Scope) {}

    fn error(answer: &DescribeClientQuotasResponse) -> i16 {
        answer.error_code
    }

    fn about(&self, _: &Scope) -> String {
        list(
            self.components
                .iter()
                .map(|it| entity(&it.entity_type, it._match.as_ref())),
        )
    }
}

impl Api for AlterClientQuotasRequest {
    const OF_SERVER: bool = true;

    fn to_broker(&mut self, _: &Scope) {}

    fn to_client(&self, _: &mut AlterClientQuotasResponse, _: &Scope) {}

    fn error(answer: &AlterClientQuotasResponse) -> i16 {
        first_error(answer.entries.iter().map(|entry| entry.error_code))
    }

    fn about(&self, _: &Scope) -> String {
        let entities = self.entries.iter().flat_map(|entry| &entry.entity);
        list(entities.map(|it| entity(&it.entity_type, it.entity_name.as_ref())))
    }

    fn bearing(&self) -> Bearing {
        Bearing::Effect
    }

    fn has_effect(&self) -> bool {
        !self.validate_only
    }
}

impl Api for DescribeUserScramCredentialsRequest {
    const OF_SERVER: bool = true;

    fn to_broker(&mut self, _: &Scope) {}

    fn to_client(&self, _: &mut DescribeUserScramCredentialsResponse, _: &Scope) {}

    fn error(answer: &DescribeUserScramCredentialsResponse) -> i16 {
        answer.error_code
    }

    fn about(&self, _: &Scope) -> String {
        match &self.users {
            Some(users) => list(users.iter().map(|user| format!("user {}", user.name.as_str()))),
            None => "all users".to_owned(),
        }
    }
}

impl Api for AlterUserScramCredentialsRequest {
    const OF_SERVER: bool = true;

    fn to_broker(&mut self, _: &Scope) {}

    fn to_client(&self, _: &mut AlterUserScramCredentialsResponse, _: &Scope) {}

    fn error(answer: &AlterUserScramCredentialsResponse) -> i16 {
        first_error(answer.results.iter().map(|result| result.error_code))
    }

    fn about(&self, _: &Scope) -> String {
        let deleted = self.deletions.iter().map(|it| &it.name);
        let names = deleted.chain(self.upsertions.iter().map(|it| &it.name));
        list(names.map(|name| format!("user {}", name.as_str())))
    }

    fn bearing(&self) -> Bearing {
        Bearing::Effect
    }

    fn has_effect(&self) -> bool {
        true
    }
}
