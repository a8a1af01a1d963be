//! Topics made and removed: CreateTopics, DeleteTopics, CreatePartitions.

use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse, DeleteTopicsRequest,
    DeleteTopicsResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::api::Api;
use super::bearing::Bearing;
use super::foreign::unveil;
use super::record::{first_error, list};
use super::scope::Scope;

/// The longest name of a topic that a broker takes, in bytes (`Topic.MAX_NAME_LENGTH`).
const LONGEST: usize = 249;

/// A name that is too long only because of the sandbox's prefix is told how long it may be.
fn tell_room(name: &str, message: &mut Option<StrBytes>, scope: &Scope) {
    let told = format!("max allowed length {LONGEST}");
    if let Some(text) = message
        && name.len() <= LONGEST
        && text.contains(&told)
    {
        let room = format!("max allowed length {}", LONGEST.saturating_sub(scope.names().length()));
        *text = StrBytes::from_string(text.replace(&told, &room));
    }
}

impl Api for CreateTopicsRequest {
    const REFUSED: Option<fn(&Self, i16) -> CreateTopicsResponse> = Some(|asked, error| {
        let topics = asked.topics.iter().map(|topic| {
            CreatableTopicResult::default()
                .with_name(topic.name.clone())
                .with_error_code(error)
        });
        CreateTopicsResponse::default().with_topics(topics.collect())
    });

    /// A mesh made for a larger cluster runs on this one: replicas beyond the brokers there are left out.
    fn to_broker(&mut self, scope: &Scope) {
        let most = i16::try_from(scope.brokers()).unwrap_or(i16::MAX);
        for topic in &mut self.topics {
            scope.names().put(&mut topic.name);
            topic.replication_factor = topic.replication_factor.min(most);
            for config in &mut topic.configs {
                let value = config.value.as_ref().and_then(|value| value.parse::<i16>().ok());
                if &*config.name == "min.insync.replicas" && value.is_some_and(|value| value > most) {
                    config.value = Some(StrBytes::from_string(most.to_string()));
                }
            }
        }
    }

    fn to_client(&self, answer: &mut CreateTopicsResponse, scope: &Scope) {
        for topic in &mut answer.topics {
            scope.take(&mut topic.name);
            scope.names().take_from_text(&mut topic.error_message);
            tell_room(&topic.name, &mut topic.error_message, scope);
            if topic.error_code == 0 && !self.validate_only {
                scope.seen(|seen| seen.members.name(topic.topic_id, &topic.name));
            }
        }
    }

    fn error(answer: &CreateTopicsResponse) -> i16 {
        first_error(answer.topics.iter().map(|topic| topic.error_code))
    }

    fn about(&self, _: &Scope) -> String {
        list(self.topics.iter().map(|topic| match topic.num_partitions {
            1 => format!("{} (1 partition)", topic.name.as_str()),
            2.. => format!("{} ({} partitions)", topic.name.as_str(), topic.num_partitions),
            _ => topic.name.to_string(),
        }))
    }

    fn bearing(&self) -> Bearing {
        Bearing::Effect
    }

    fn has_effect(&self) -> bool {
        !self.validate_only
    }
}

impl Api for DeleteTopicsRequest {
    const REFUSED: Option<fn(&Self, i16) -> DeleteTopicsResponse> = Some(|asked, error| {
        let by_name = asked
            .topic_names
            .iter()
            .map(|name| DeletableTopicResult::default().with_name(Some(name.clone())));
        let by_state = asked.topics.iter().map(|topic| {
            DeletableTopicResult::default()
                .with_name(topic.name.clone())
                .with_topic_id(topic.topic_id)
        });
        let topics = by_name.chain(by_state).map(|topic| topic.with_error_code(error));
        DeleteTopicsResponse::default().with_responses(topics.collect())
    });

    fn to_broker(&mut self, scope: &Scope) {
        scope.names().put_all(&mut self.topic_names);
        let topics = self.topics.iter_mut();
        scope.names().put_all(topics.filter_map(|topic| topic.name.as_mut()));
        scope.veil(self.topics.iter_mut().map(|topic| &mut topic.topic_id));
    }

    fn to_client(&self, answer: &mut DeleteTopicsResponse, scope: &Scope) {
        for topic in &mut answer.responses {
            if let Some(name) = &mut topic.name {
                scope.take(name);
            }
            unveil(&mut topic.topic_id);
            scope.names().take_from_text(&mut topic.error_message);
        }
    }

    fn error(answer: &DeleteTopicsResponse) -> i16 {
        first_error(answer.responses.iter().map(|topic| topic.error_code))
    }

    fn about(&self, scope: &Scope) -> String {
        let names = self.topic_names.iter().map(|name| name.to_string());
        let states = self.topics.iter();
        let states = states.map(|topic| scope.topic(&topic.name.clone().unwrap_or_default(), &topic.topic_id));
        list(names.chain(states))
    }

    fn bearing(&self) -> Bearing {
        Bearing::Effect
    }

    fn answered(&self, answer: &DeleteTopicsResponse, scope: &Scope) -> Option<String> {
        for topic in answer.responses.iter().filter(|topic| topic.error_code == 0) {
            let name = topic.name.clone().unwrap_or_default();
            scope.progress().topic_ends(&scope.topic(&name, &topic.topic_id));
        }
        None
    }

    fn has_effect(&self) -> bool {
        true
    }
}

impl Api for CreatePartitionsRequest {
    const REFUSED: Option<fn(&Self, i16) -> CreatePartitionsResponse> = Some(|asked, error| {
        let topics = asked.topics.iter().map(|topic| {
            CreatePartitionsTopicResult::default()
                .with_name(topic.name.clone())
                .with_error_code(error)
        });
        CreatePartitionsResponse::default().with_results(topics.collect())
    });

    fn to_broker(&mut self, scope: &Scope) {
        scope
            .names()
            .put_all(self.topics.iter_mut().map(|topic| &mut topic.name));
    }

    fn to_client(&self, answer: &mut CreatePartitionsResponse, scope: &Scope) {
        for topic in &mut answer.results {
            scope.take(&mut topic.name);
            scope.names().take_from_text(&mut topic.error_message);
        }
    }

    fn error(answer: &CreatePartitionsResponse) -> i16 {
        first_error(answer.results.iter().map(|topic| topic.error_code))
    }

    fn about(&self, _: &Scope) -> String {
        let topics = self.topics.iter();
        list(topics.map(|topic| format!("{} to {} partitions", topic.name.as_str(), topic.count)))
    }

    fn bearing(&self) -> Bearing {
        Bearing::Effect
    }

    fn has_effect(&self) -> bool {
        !self.validate_only
    }
}
