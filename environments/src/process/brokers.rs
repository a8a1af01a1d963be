//! What stands behind the mesh's brokers: real ones, or the mock cluster.

use std::time::Instant;

use momus_engine::event::Happening;
use momus_engine::failure::StepError;
use momus_engine::mesh::Mesh;
use momus_engine::run::Teller;

use super::Options;
use super::broker_choice::{Brokers, beyond_the_mock, choose};
use super::servers::{failure, told};
use crate::cache::Progress;
use crate::guardian::{Child, Guardian};
use crate::servers::kafka::{Distribution, KafkaServer, NewTopic, Unmade};
use crate::servers::mock::MockKafka;

/// A broker.
pub(super) enum BrokerServer {
    /// Apache Kafka.
    Real(KafkaServer),
    /// librdkafka's mock cluster.
    Mock(MockKafka),
}

/// What a broker is started from that a sandbox has for itself.
pub(super) enum PreparedBroker {
    /// Apache Kafka.
    Real(Distribution),
    /// librdkafka's mock cluster.
    Mock,
}

impl PreparedBroker {
    /// Has ready what stands behind the broker that the mesh calls so, and tells where that is the mock cluster.
    pub(super) async fn get(
        name: &str,
        mesh: &Mesh,
        options: &Options,
        guardian: &Guardian,
        progress: &Progress,
        teller: &Teller,
    ) -> Result<Self, StepError> {
        match choose(mesh, options)? {
            Brokers::Mock(why) => {
                tell_of_mock(name, &why, teller).await;
                Ok(Self::Mock)
            }
            Brokers::Real => {
                let distribution = Distribution::get(guardian, &options.cache, progress).await;
                distribution.map(Self::Real).map_err(|error| failure(&error))
            }
        }
    }
}

impl BrokerServer {
    /// Starts what stands behind the broker that the mesh calls so.
    pub(super) async fn start(
        name: &str,
        mesh: &Mesh,
        options: &Options,
        guardian: &Guardian,
        progress: &Progress,
        teller: &Teller,
    ) -> Result<Self, StepError> {
        let began = Instant::now();
        let why = match choose(mesh, options)? {
            Brokers::Mock(why) => why,
            Brokers::Real => {
                progress(&format!("starting Kafka ({name})"));
                // The folders of a run have names of their own: a broker may be called as one of them.
                let folder = format!("broker-{name}");
                match KafkaServer::start(guardian, &options.cache, &folder, progress).await {
                    Ok(server) => {
                        told(teller, name, "Apache Kafka 4.4.0", began).await;
                        return Ok(Self::Real(server));
                    }
                    // It could not be fetched.
                    Err(error) if error.is_absence() && options.broker.is_none() && !options.ci => {
                        beyond_the_mock(mesh).map_or(Ok(()), Err)?;
                        error.to_string()
                    }
                    Err(error) => return Err(failure(&error)),
                }
            }
        };
        tell_of_mock(name, &why, teller).await;
        let mock = MockKafka::start().await.map_err(|error| failure(&error))?;
        told(teller, name, "librdkafka's mock cluster", began).await;
        Ok(Self::Mock(mock))
    }

    /// Starts one in this folder of the run's, and tells nobody.
    pub(super) async fn start_from(
        prepared: &PreparedBroker,
        guardian: &Guardian,
        folder: &str,
    ) -> Result<Self, StepError> {
        let started = match prepared {
            PreparedBroker::Mock => MockKafka::start().await.map(Self::Mock),
            PreparedBroker::Real(distribution) => {
                let started = KafkaServer::start_from(guardian, distribution, folder).await;
                started.map(Self::Real)
            }
        };
        started.map_err(|error| failure(&error))
    }

    /// Ends it, and removes its data.
    pub(super) async fn stop(&self) -> Result<(), StepError> {
        match self {
            Self::Real(server) => server.stop().await.map_err(|error| failure(&error)),
            // It ends with its last client.
            Self::Mock(_) => Ok(()),
        }
    }

    /// Its process, if it is one.
    pub(super) fn child(&self) -> Option<&Child> {
        match self {
            Self::Real(server) => Some(server.child()),
            Self::Mock(_) => None,
        }
    }

    /// Where clients connect.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Real(server) => server.address(),
            Self::Mock(mock) => mock.address().to_owned(),
        }
    }

    /// Makes topics, and tells which of them could not be made.
    pub(super) async fn create_topics(&self, topics: Vec<NewTopic>) -> Result<Vec<Unmade>, StepError> {
        match self {
            Self::Mock(mock) => {
                for topic in topics {
                    let partitions = i32::try_from(topic.partitions).unwrap_or(i32::MAX);
                    let made = mock.create_topic(&topic.name, partitions).await;
                    made.map_err(|error| failure(&error))?;
                }
                Ok(Vec::new())
            }
            Self::Real(server) => server.create_topics(topics).await.map_err(|error| failure(&error)),
        }
    }

    /// Removes these topics and all other topics and groups whose names begin so; those of the mock cluster go with it.
    pub(super) async fn remove_all(&self, topics: Vec<String>, prefix: &str) -> Result<(), StepError> {
        let Self::Real(server) = self else { return Ok(()) };
        // The groups first: a group that consumes a removed topic would rebalance.
        let groups = server.delete_groups(prefix).await;
        let topics = server.delete_topics(topics, prefix).await;
        groups.and(topics).map_err(|error| failure(&error))
    }
}

async fn tell_of_mock(name: &str, why: &str, teller: &Teller) {
    let text = format!(
        "the broker {name} is librdkafka's mock cluster, not Apache Kafka: {}",
        why.lines().next().unwrap_or_default()
    );
    teller.tell(Happening::Notice { text }).await;
}
