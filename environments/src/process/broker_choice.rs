//! Which broker stands behind the mesh's: decided before anything starts, so that what follows from it is told in time.

use momus_engine::failure::StepError;
use momus_engine::mesh::Mesh;

use super::{BrokerChoice, Options, refused};
use crate::servers::kafka::KafkaServer;

/// What a mesh's brokers are in this run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Brokers {
    /// Apache Kafka.
    Real,
    /// librdkafka's mock cluster, and why.
    Mock(String),
}

/// Decides. The mock is chosen by itself only outside of a CI, where a person reads that it was.
///
/// # Errors
/// The refusal of every scenario that needs the mesh: no broker is to be had, or the mock cannot bear what the mesh declares.
pub(super) fn choose(mesh: &Mesh, options: &Options) -> Result<Brokers, StepError> {
    if mesh.brokers.is_empty() {
        return Ok(Brokers::Real);
    }
    let lacking = KafkaServer::lacking(&options.cache);
    let why = match (options.broker, lacking) {
        (Some(BrokerChoice::Mock), _) => "as `--broker mock` says".to_owned(),
        (_, None) => return Ok(Brokers::Real),
        (Some(BrokerChoice::Real), Some(lacking)) => {
            return Err(refused(lacking.to_string())
                .hint("the real broker needs Java 17 or later, and Maven to fetch it; `--broker mock` does without"));
        }
        (None, Some(lacking)) if options.ci => {
            let message =
                format!("{lacking}, and in a CI (the variable CI is set) the mock cluster is never chosen by itself");
            return Err(refused(message).hint("install Java 17 or later and Maven, or say `--broker mock`"));
        }
        (None, Some(lacking)) => lacking.to_string(),
    };
    beyond_the_mock(mesh).map_or(Ok(Brokers::Mock(why)), Err)
}

/// Why the mock cluster cannot bear what the mesh declares, if it cannot: it knows no settings of topics.
pub(super) fn beyond_the_mock(mesh: &Mesh) -> Option<StepError> {
    let topics = mesh.brokers.values().flat_map(|broker| &broker.topics);
    let (name, topic, setting) = topics
        .filter_map(|(name, topic)| Some((name, topic, topic.config.keys().next()?)))
        .next()?;
    let message = format!(
        "topic {name} sets `{setting}` ({}), and librdkafka's mock cluster knows no settings of topics: it neither compacts nor expires",
        topic.place
    );
    Some(refused(message).hint("install Java 17 or later and Maven: then the broker is Apache Kafka"))
}
