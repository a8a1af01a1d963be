//! Partitions as admin clients see them: DescribeTopicPartitions.

use kafka_protocol::messages::describe_topic_partitions_request::Cursor;
use kafka_protocol::messages::{DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, TopicName};

use super::api::Api;
use super::record::{first_error, list};
use super::scope::Scope;

impl Api for DescribeTopicPartitionsRequest {
    /// With no topics it is about all from the cursor on, in the order of their names: it begins at the prefix.
    fn to_broker(&mut self, scope: &Scope) {
        scope
            .names()
            .put_all(self.topics.iter_mut().map(|topic| &mut topic.name));
        match &mut self.cursor {
            Some(cursor) => scope.names().put(&mut cursor.topic_name),
            None if self.topics.is_empty() => {
                let first = TopicName(scope.names().first());
                self.cursor = Some(Cursor::default().with_topic_name(first));
            }
            None => {}
        }
    }

    fn to_client(&self, answer: &mut DescribeTopicPartitionsResponse, scope: &Scope) {
        scope.seen(|seen| {
            answer.topics.retain_mut(|topic| {
                let Some(name) = &mut topic.name else { return false };
                let is_own = scope.names().take(name);
                if is_own {
                    seen.members.name(topic.topic_id, name);
                }
                is_own
            });
        });
        // What comes next is another's: the sandbox's topics are at their end.
        if let Some(next) = &mut answer.next_cursor
            && !scope.names().take(&mut next.topic_name)
        {
            answer.next_cursor = None;
        }
        scope.members_changed();
    }

    fn error(answer: &DescribeTopicPartitionsResponse) -> i16 {
        let codes = answer.topics.iter().map(|topic| topic.error_code);
        first_error(codes)
    }

    fn about(&self, _: &Scope) -> String {
        if self.topics.is_empty() {
            return "all topics".to_owned();
        }
        list(self.topics.iter().map(|topic| topic.name.as_str()))
    }
}
