//! What stands behind the mesh's brokers: real ones, or the mock cluster.

use std::time::Instant;

use momus_engine::event::Happening;
use momus_engine::failure::StepError;
use momus_engine::mesh::Mesh;
use momus_engine::run::Teller;
use momus_proxies::edge::Upstream;

use super::Options;
use super::broker_choice::{Brokers, beyond_the_mock, choose};
use super::servers::{failure, told};
use crate::cache::Progress;
use crate::guardian::Guardian;
use crate::servers::kafka::{Distribution, KafkaServer, NewTopic, Node, Unmade};
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
    Real { distribution: Distribution, nodes: usize },
    /// librdkafka's mock cluster.
    Mock { nodes: usize },
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
        let nodes = nodes_of(mesh, name);
        match choose(mesh, options)? {
            Brokers::Mock(why) => {
                tell_of_mock(name, &why, teller).await;
                Ok(Self::Mock { nodes })
            }
            Brokers::Real => {
                let distribution = Distribution::get(guardian, &options.cache, progress).await;
                let distribution = distribution.map_err(|error| failure(&error))?;
                Ok(Self::Real { distribution, nodes })
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
        let (began, nodes) = (Instant::now(), nodes_of(mesh, name));
        let why = match choose(mesh, options)? {
            Brokers::Mock(why) => why,
            Brokers::Real => {
                progress(&format!("starting Kafka ({name})"));
                // The folders of a run have names of their own: a broker may be called as one of them.
                let folder = format!("broker-{name}");
                match KafkaServer::start_nodes(guardian, &options.cache, &folder, nodes, progress).await {
                    Ok(server) => {
                        told(teller, name, &version("Apache Kafka 4.4.0", nodes), began).await;
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
        let mock = MockKafka::start_nodes(nodes).await.map_err(|error| failure(&error))?;
        told(teller, name, &version("librdkafka's mock cluster", nodes), began).await;
        Ok(Self::Mock(mock))
    }

    /// Starts one in this folder of the run's, and tells nobody.
    pub(super) async fn start_from(
        prepared: &PreparedBroker,
        guardian: &Guardian,
        folder: &str,
    ) -> Result<Self, StepError> {
        let started = match prepared {
            PreparedBroker::Mock { nodes } => MockKafka::start_nodes(*nodes).await.map(Self::Mock),
            PreparedBroker::Real { distribution, nodes } => {
                let started = KafkaServer::start_from(guardian, distribution, folder, *nodes).await;
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

    /// The nodes that are processes of their own.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node> {
        let real = match self {
            Self::Real(server) => Some(server),
            Self::Mock(_) => None,
        };
        real.into_iter().flat_map(KafkaServer::nodes)
    }

    /// Where edges lead.
    pub(super) fn upstream(&self) -> Option<Upstream> {
        let addresses: Vec<String> = match self {
            Self::Real(server) => server.nodes().map(Node::address).collect(),
            Self::Mock(mock) => mock.addresses().map(str::to_owned).collect(),
        };
        let addresses = addresses.iter().map(|address| address.parse().ok());
        addresses.collect::<Option<Vec<_>>>().map(Upstream::Nodes)
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

    /// Returns once clients can find these topics, with so many partitions each.
    pub(super) async fn until_known(&self, topics: &[(String, u32)]) -> Result<(), StepError> {
        match self {
            Self::Mock(_) => Ok(()),
            Self::Real(server) => server.until_known(topics).await.map_err(|error| failure(&error)),
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

/// How many nodes the broker has that the mesh calls so.
fn nodes_of(mesh: &Mesh, name: &str) -> usize {
    mesh.brokers.get(name).map_or(1, |broker| broker.nodes as usize)
}

fn version(server: &str, nodes: usize) -> String {
    match nodes {
        1 => server.to_owned(),
        _ => format!("{server}, {nodes} nodes"),
    }
}

async fn tell_of_mock(name: &str, why: &str, teller: &Teller) {
    let text = format!(
        "the broker {name} is librdkafka's mock cluster, not Apache Kafka: {}",
        why.lines().next().unwrap_or_default()
    );
    teller.tell(Happening::Notice { text }).await;
}
