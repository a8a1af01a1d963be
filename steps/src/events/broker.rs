//! A broker for the tests of these sentences: librdkafka's mock cluster, in process.

use momus_engine::sandbox::Endpoint;
use momus_proxies::edge::{Protocol, Upstream};
use momus_proxies::kafka::{Broker, Namespace};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use crate::testing::Scenario;

/// The mock cluster, which ends when this is dropped.
pub(crate) type Cluster = MockCluster<'static, DefaultProducerContext>;

/// A mock cluster with the topics of the foreign mesh.
pub(crate) fn cluster(prefix: &str) -> Cluster {
    let cluster = MockCluster::new(1).expect("the mock starts");
    for topic in ["orders.v1", "invoices.v1"] {
        let made = cluster.create_topic(&format!("{prefix}{topic}"), 3, 1);
        made.expect("the topic is made");
    }
    cluster
}

/// A scenario whose test client finds the broker at this address.
pub(super) fn scenario_at(address: &str) -> Scenario {
    let scenario = Scenario::begin();
    lead(&scenario, address);
    scenario
}

/// Has the test client find the broker at this address.
pub(crate) fn lead(scenario: &Scenario, address: &str) {
    let endpoint = Endpoint {
        address: address.to_owned(),
        url: address.to_owned(),
        ..Endpoint::default()
    };
    scenario.endpoint("kafka", endpoint);
}

/// A scenario with a broker of its own.
pub(super) fn scenario() -> (Scenario, Cluster) {
    let cluster = cluster("");
    (scenario_at(&cluster.bootstrap_servers()), cluster)
}

/// A scenario whose test client reaches its broker over an edge that knows Kafka.
pub(super) async fn scenario_behind_an_edge() -> (Scenario, Cluster) {
    let cluster = cluster("s0.");
    let address = cluster.bootstrap_servers().parse().expect("an address");
    let mut scenario = Scenario::begin();
    let activity = scenario.world.timeline.activity().clone();
    let protocol = Protocol::Kafka(Namespace::new("client", "s0.", Broker::Mock, activity));
    let edge = scenario.edge("kafka", Upstream::Tcp(address), protocol).await.address();
    let endpoint = Endpoint {
        address: edge.to_string(),
        url: edge.to_string(),
        ..Endpoint::default()
    };
    scenario.endpoint("kafka", endpoint);
    (scenario, cluster)
}
