//! The broker takes only connections with the run's own credential, which the edge adds.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kafka_protocol::messages::{ApiVersionsRequest, DescribeClusterRequest, MetadataRequest, MetadataResponse};
use momus_environments::servers::kafka::conversation::Conversation;
use momus_proxies::kafka::Credential;
use rdkafka::ClientConfig;
use rdkafka::admin::ResourceSpecifier;
use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio::time::timeout;

use crate::broker::{self, Caller};
use crate::clients::{SOON, admin, aside, options, with_topic};

/// How long a client that finds nothing looks.
const LOOKS: Duration = Duration::from_secs(2);
/// An endpoint of a controller, in DescribeCluster.
const CONTROLLER: i8 = 2;

async fn metadata(broker: &mut Conversation) -> std::io::Result<MetadataResponse> {
    let asked = MetadataRequest::default().with_topics(None);
    timeout(SOON, broker.ask(&asked, 12)).await.unwrap()
}

/// What an admin's client first asks of a controller.
fn cluster() -> DescribeClusterRequest {
    DescribeClusterRequest::default().with_endpoint_type(CONTROLLER)
}

async fn controller() -> String {
    format!("127.0.0.1:{}", broker::server().await.ports().controller)
}

fn wrong() -> Credential {
    Credential::new("momus", "wrong")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_dials_the_brokers_own_port_gets_nothing() {
    let caller = with_topic("credential1", "orders.v1").await;
    let address = broker::server().await.address();
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &address);
    let consumer: BaseConsumer = config.create().unwrap();
    let seen = aside(move || consumer.fetch_metadata(None, LOOKS).map(|seen| seen.topics().len())).await;
    assert!(seen.is_err(), "{seen:?}");

    let mut stranger = Conversation::open(&address).await.unwrap();
    let versions = stranger.ask(&ApiVersionsRequest::default(), 0).await.unwrap();
    assert_eq!(versions.error_code, 0, "which anybody may ask");
    let told = metadata(&mut stranger).await;
    assert!(told.is_err(), "{told:?}");

    let mut through = Conversation::open(&caller.edge.address().to_string()).await.unwrap();
    assert_eq!(metadata(&mut through).await.unwrap().topics.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_dials_the_controllers_port_gets_nothing() {
    let (server, address) = (broker::server().await, controller().await);
    let mut stranger = Conversation::open(&address).await.unwrap();
    let told = timeout(SOON, stranger.ask(&cluster(), 1)).await.unwrap();
    assert!(told.is_err(), "{told:?}");
    let mut own = Conversation::open_as(server.credential(), &address).await.unwrap();
    assert_eq!(own.ask(&cluster(), 1).await.unwrap().error_code, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_password_is_refused() {
    for address in [broker::server().await.address(), controller().await] {
        let error = Conversation::open_as(&wrong(), &address).await.unwrap_err().to_string();
        assert!(
            error.starts_with("the broker refused the run's credential: "),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_with_another_password_tells_why_nothing_passes() {
    let caller = Caller::with("credential2", wrong()).await;
    let mut client = Conversation::open(&caller.edge.address().to_string()).await.unwrap();
    let told = metadata(&mut client).await;
    assert!(told.is_err(), "{told:?}");
    let mut bell = caller.timeline.bell();
    while caller.calls().is_empty() {
        timeout(SOON, bell.changed()).await.unwrap().unwrap();
    }
    let reason = "Authentication failed: Invalid username or password";
    assert_eq!(
        caller.calls(),
        [format!("reset: the broker refused the run's credential: {reason}")]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_through_an_edge_is_not_asked_to_authenticate() {
    let caller = with_topic("credential3", "orders.v1").await;
    let mut client = Conversation::open(&caller.edge.address().to_string()).await.unwrap();
    let offered = client.ask(&ApiVersionsRequest::default(), 0).await.unwrap().api_keys;
    assert!(offered.iter().any(|api| api.api_key == 3), "{offered:?}");
    let asks = offered.iter().find(|api| [17, 36].contains(&api.api_key));
    assert_eq!(asks, None);
    let told = client.ask(&wrong().handshake(), 1).await;
    assert!(told.is_err(), "{told:?}");
    let mut bell = caller.timeline.bell();
    let why = "the client called SaslHandshake in version 1, which the edge does not handle and did not offer";
    while !caller.calls().contains(&format!("reset: {why}")) {
        timeout(SOON, bell.changed()).await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_password_stands_in_a_file_of_the_runs_user_alone() {
    let server = broker::server().await;
    let password = server.credential().password();
    assert_eq!(password.len(), 64, "256 bits");
    let process = format!("/proc/{}", server.child().pid());
    for file in ["cmdline", "environ"] {
        assert!(!holds(&Path::new(&process).join(file), password), "{file}");
    }
    let folder = fs::read_link(format!("{process}/cwd")).unwrap();
    let properties = folder.join("server.properties");
    assert!(holds(&properties, password));
    assert_eq!(fs::metadata(&properties).unwrap().permissions().mode() & 0o777, 0o600);
    let others = files(&folder).into_iter().filter(|file| *file != properties);
    let told: Vec<_> = others.filter(|file| holds(file, password)).collect();
    assert!(told.is_empty(), "{told:?}");
    assert!(!server.tail().contains(password));
    assert!(!format!("{server:?}").contains(password));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_brokers_description_does_not_tell_its_password() {
    let caller = Caller::new("credential4").await;
    let broker = [ResourceSpecifier::Broker(1)];
    let described = admin(&caller).describe_configs(&broker, &options()).await.unwrap();
    let told = format!("{:?}", described[0].as_ref().unwrap().entries);
    assert!(told.contains("sasl.enabled.mechanisms"), "{told}");
    assert!(!told.contains(broker::server().await.credential().password()), "{told}");
}

fn holds(file: &Path, text: &str) -> bool {
    let bytes = fs::read(file).unwrap_or_default();
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// All files within, those aside that say where in another a record stands: they are large, and hold numbers.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let is_index = path.extension().is_some_and(|it| it == "index" || it == "timeindex");
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files(&path)),
            Ok(_) if !is_index => found.push(path),
            _ => {}
        }
    }
    found
}
