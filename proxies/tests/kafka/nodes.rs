//! An edge to a cluster of several nodes has an address for each, and is one edge.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::metadata_response::MetadataResponseBroker;
use kafka_protocol::messages::{
    BrokerId, DescribeClusterRequest, DescribeClusterResponse, FindCoordinatorRequest, FindCoordinatorResponse,
    MetadataRequest, MetadataResponse, ResponseHeader,
};
use kafka_protocol::protocol::{Decodable, HeaderVersion, StrBytes};
use momus_engine::injection::Strikes;
use momus_engine::timeline::{Clock, Timeline};
use momus_proxies::edge::{Edge, Protocol, Upstream};
use momus_proxies::kafka::{Broker, Namespace};
use momus_proxies::tls::{Authority, Identity};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::caller::{Caller, SOON, mock_of, next};
use crate::frames::{frame, request, response};
use crate::trust::{connector, roots_of};

const NODES: i32 = 3;

async fn send_to_all(producer: &FutureProducer, payload: &str) {
    for partition in 0..2 * NODES {
        let payload = format!("{payload} {partition}");
        let record = FutureRecord::to("orders.v1").key("k").payload(&payload);
        producer.send(record.partition(partition), SOON).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_is_led_to_each_node_by_the_edges_own_addresses() {
    let mock = mock_of(NODES, &["m1-"]);
    let shop = Caller::new(&mock, "m1-").await;
    let client: BaseConsumer = shop.config().create().unwrap();
    let metadata = client.fetch_metadata(None, SOON).unwrap();
    let mut told: Vec<_> = metadata
        .brokers()
        .iter()
        .map(|node| (node.id(), format!("{}:{}", node.host(), node.port())))
        .collect();
    told.sort();
    let own: Vec<_> = (1..).zip(shop.edge.addresses().map(|at| at.to_string())).collect();
    assert_eq!(told, own);
    let leaders = metadata.topics()[0].partitions().iter().map(|it| it.leader());
    assert_eq!(leaders.collect::<BTreeSet<_>>(), (1..=NODES).collect());

    let consumer = shop.consumer("billing", &[]);
    send_to_all(&shop.producer(), "order").await;
    let mut received = BTreeSet::new();
    for _ in 0..2 * NODES {
        received.insert(next(&consumer).await);
    }
    assert_eq!(received.len(), 6, "{received:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_edge_is_cut_to_all_nodes_and_a_refusing_one_resets_at_each() {
    let mock = mock_of(NODES, &["m1-"]);
    let shop = Caller::new(&mock, "m1-").await;
    let producer = shop.producer();
    send_to_all(&producer, "before").await;
    let cut = shop.edge.cut(Strikes::new("a cut", shop.timeline.clone()));
    let mut held: Vec<_> = (0..2 * NODES)
        .map(|partition| {
            let producer = producer.clone();
            tokio::spawn(async move {
                let record = FutureRecord::to("orders.v1")
                    .key("k")
                    .payload("held")
                    .partition(partition);
                producer.send(record, SOON).await.unwrap();
            })
        })
        .collect();
    let any = timeout(Duration::from_millis(300), futures::future::select_all(&mut held)).await;
    assert!(any.is_err(), "it passed");
    cut.heal();
    for sent in held {
        timeout(SOON, sent).await.unwrap().unwrap();
    }
    let strikes = Strikes::new("a refusal", shop.timeline.clone());
    let open = {
        let mut open = Vec::new();
        for address in shop.edge.addresses() {
            open.push(TcpStream::connect(address).await.unwrap());
        }
        open
    };
    drop(producer);
    let before = strikes.count();
    let _refusal = shop.edge.refuse(strikes.clone());
    for mut stream in open {
        assert!(timeout(SOON, stream.read_u8()).await.unwrap().is_err());
    }
    for address in shop.edge.addresses() {
        // It may be reset before it is seen to be there.
        if let Ok(mut stream) = TcpStream::connect(address).await {
            assert!(timeout(SOON, stream.read_u8()).await.unwrap().is_err());
        }
    }
    assert!(strikes.count() >= before + 6, "{}", strikes.count());
}

/// The broker of a test's own: it answers each request with what `answer` gives.
async fn plays(listener: TcpListener, answers: Vec<bytes::Bytes>) {
    let (mut stream, _) = listener.accept().await.unwrap();
    for answer in answers {
        frame(&mut stream).await;
        stream.write_all(&answer).await.unwrap();
    }
}

async fn answer<T: Decodable + HeaderVersion>(stream: &mut (impl AsyncRead + Unpin), version: i16) -> T {
    let mut bytes = timeout(SOON, frame(stream)).await.unwrap();
    ResponseHeader::decode(&mut bytes, T::header_version(version)).unwrap();
    T::decode(&mut bytes, version).unwrap()
}

/// Where nobody is to be led.
fn far() -> StrBytes {
    StrBytes::from_static_str("far.example")
}

/// An edge to three nodes, of which the first answers; it names them in another order, and two more.
struct Told {
    edge: Edge,
    broker: TcpListener,
}

impl Told {
    async fn new(identity: Option<&Identity>) -> Self {
        let broker = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
        let timeline = Timeline::new(Clock::start(), 0, "m1");
        let namespace = Namespace::new("shop", "m1-", Broker::Real, timeline.activity().clone());
        let protocol = Protocol::Kafka(namespace);
        let upstream = Upstream::Nodes(vec![broker.local_addr().unwrap(), nowhere, nowhere]);
        let edge = match identity {
            Some(identity) => Edge::listen_tls("shop", "kafka", upstream, protocol, identity, timeline).await,
            None => Edge::listen("shop", "kafka", upstream, protocol, timeline).await,
        };
        let edge = edge.unwrap();
        Self { edge, broker }
    }

    /// Asks by a connection that has come to the first node's address.
    async fn leads_nobody_past_the_edge(self, mut client: impl AsyncRead + AsyncWrite + Unpin) {
        let addresses = self.edge.addresses();
        let own: Vec<(String, i32)> = addresses.map(|at| (at.ip().to_string(), at.port().into())).collect();
        let ids = [3, 1, 2, 4, i32::MIN];
        let wanted = [&own[2], &own[0], &own[1], &own[0], &own[0]].map(Clone::clone);
        let brokers = ids.map(|id| {
            let broker = MetadataResponseBroker::default().with_node_id(BrokerId(id));
            broker.with_host(far()).with_port(1)
        });
        let metadata = MetadataResponse::default().with_brokers(brokers.to_vec());
        let nodes = ids.map(|id| {
            let node = DescribeClusterBroker::default().with_broker_id(BrokerId(id));
            node.with_host(far()).with_port(1)
        });
        let cluster = DescribeClusterResponse::default().with_brokers(nodes.to_vec());
        let coordinator = FindCoordinatorResponse::default()
            .with_node_id(BrokerId(2))
            .with_host(far())
            .with_port(1);
        let answers = vec![
            response(&metadata, 12, 1),
            response(&cluster, 1, 2),
            response(&coordinator, 3, 3),
        ];
        let playing = tokio::spawn(plays(self.broker, answers));
        let asked = [
            request(&MetadataRequest::default(), 12, 1),
            request(&DescribeClusterRequest::default(), 1, 2),
            request(&FindCoordinatorRequest::default().with_key(far()), 3, 3),
        ];
        client.write_all(&asked.concat()).await.unwrap();
        client.flush().await.unwrap();
        let metadata: MetadataResponse = answer(&mut client, 12).await;
        let told = metadata.brokers.iter().map(|it| (it.host.to_string(), it.port));
        assert_eq!(told.collect::<Vec<_>>(), wanted);
        let cluster: DescribeClusterResponse = answer(&mut client, 1).await;
        let told = cluster.brokers.iter().map(|it| (it.host.to_string(), it.port));
        assert_eq!(told.collect::<Vec<_>>(), wanted);
        let coordinator: FindCoordinatorResponse = answer(&mut client, 3).await;
        assert_eq!((coordinator.host.to_string(), coordinator.port), own[1]);
        playing.await.unwrap();
    }
}

#[tokio::test]
async fn a_node_that_the_edge_does_not_know_leads_to_the_first_and_never_past_the_edge() {
    let told = Told::new(None).await;
    let client = TcpStream::connect(told.edge.address()).await.unwrap();
    told.leads_nobody_past_the_edge(client).await;
}

#[tokio::test]
async fn nodes_have_addresses_of_the_edge_within_tls_too() {
    let authority = Authority::new().unwrap();
    let told = Told::new(Some(&authority.identity(&[]).unwrap())).await;
    let stream = TcpStream::connect(told.edge.address()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let client = connector(roots_of(&authority), &[])
        .connect(name, stream)
        .await
        .unwrap();
    told.leads_nobody_past_the_edge(client).await;
}
