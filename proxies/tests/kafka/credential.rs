//! An edge to a broker that takes only connections with a credential presents it before its caller's first word.

use kafka_protocol::messages::{
    HeartbeatRequest, HeartbeatResponse, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest,
    SaslHandshakeResponse,
};
use kafka_protocol::protocol::{Request, StrBytes};
use momus_engine::event::Happening;
use momus_engine::timeline::{Clock, Timeline};
use momus_proxies::edge::{Edge, Protocol, Upstream};
use momus_proxies::kafka::{Broker, Credential, Namespace};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::caller::SOON;
use crate::frames::{frame, request, response};

const PASSWORD: &str = "s3cr3t";
/// The codes of a broker that asks for no credential, and of one that does not take it.
const ILLEGAL_STATE: i16 = 34;
const FAILED: i16 = 58;

/// An edge with a credential before a broker that the test plays.
struct Between {
    broker: TcpListener,
    edge: Edge,
    timeline: Timeline,
}

impl Between {
    async fn new() -> Self {
        let broker = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Upstream::Tcp(broker.local_addr().unwrap());
        let timeline = Timeline::new(Clock::start(), 0, "m1");
        let namespace = Namespace::new("other", "m1-", Broker::Real, timeline.activity().clone());
        let namespace = namespace
            .with_credential(Credential::new("momus", PASSWORD))
            .beside("shop");
        let listened = Edge::listen("shop", "kafka", upstream, Protocol::Kafka(namespace), timeline.clone());
        let edge = listened.await.unwrap();
        Self { broker, edge, timeline }
    }

    async fn connect(&self) -> (TcpStream, TcpStream) {
        let client = TcpStream::connect(self.edge.address()).await.unwrap();
        let (broker, _) = timeout(SOON, self.broker.accept()).await.unwrap().unwrap();
        (client, broker)
    }

    /// What connections came to, once it is the end of one.
    async fn end(&self) -> String {
        let mut bell = self.timeline.bell();
        let what = |happening| match happening {
            Happening::Connection { what, .. } if what != "opened" => Some(what),
            _ => None,
        };
        let ended = async {
            loop {
                let mut events = self.timeline.snapshot().into_iter();
                if let Some(what) = events.find_map(|event| what(event.happening)) {
                    return what;
                }
                bell.changed().await.unwrap();
            }
        };
        timeout(SOON, ended).await.unwrap()
    }
}

/// The next request's API, version and correlation id, and what comes behind them.
async fn asked(broker: &mut TcpStream) -> (i16, i16, i32, Vec<u8>) {
    let bytes = timeout(SOON, frame(broker)).await.unwrap();
    let number = |at: usize| i16::from_be_bytes([bytes[at], bytes[at + 1]]);
    let correlation = i32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
    (number(0), number(2), correlation, bytes[8..].to_vec())
}

/// Hears the credential, and gives the correlation ids of its two requests.
async fn credential(broker: &mut TcpStream) -> (i32, i32) {
    let (key, version, first, body) = asked(broker).await;
    assert_eq!((key, version), (SaslHandshakeRequest::KEY, 1));
    assert!(body.ends_with(b"\0\x05PLAIN"), "{body:?}");
    let (key, version, second, body) = asked(broker).await;
    assert_eq!((key, version), (SaslAuthenticateRequest::KEY, 2));
    let message = [b"\0momus\0", PASSWORD.as_bytes()].concat();
    assert!(
        body.windows(message.len()).any(|window| window == message),
        "as RFC 4616 has it: {body:?}"
    );
    (first, second)
}

fn taken((first, second): (i32, i32)) -> Vec<u8> {
    let both = [
        response(&SaslHandshakeResponse::default(), 1, first),
        response(&SaslAuthenticateResponse::default(), 2, second),
    ];
    both.concat()
}

#[tokio::test]
async fn a_callers_requests_and_answers_do_not_mix_with_the_credentials() {
    let between = Between::new().await;
    let (mut client, mut broker) = between.connect().await;
    let ids = credential(&mut broker).await;
    // The caller may use the same ids, and need not wait.
    let heartbeat = HeartbeatRequest::default();
    let both = [request(&heartbeat, 4, ids.0), request(&heartbeat, 4, ids.1)];
    client.write_all(&both.concat()).await.unwrap();
    for id in [ids.0, ids.1] {
        let (key, _, correlation, _) = asked(&mut broker).await;
        assert_eq!((key, correlation), (HeartbeatRequest::KEY, id));
    }
    let answers = [ids.0, ids.1]
        .map(|id| response(&HeartbeatResponse::default(), 4, id))
        .concat();
    let all = [taken(ids), answers.clone()].concat();
    broker.write_all(&all).await.unwrap();
    let mut seen = vec![0; answers.len()];
    timeout(SOON, client.read_exact(&mut seen)).await.unwrap().unwrap();
    assert_eq!(seen, answers);
}

#[tokio::test]
async fn a_caller_that_says_nothing_sees_nothing_of_it() {
    let between = Between::new().await;
    let (mut client, mut broker) = between.connect().await;
    let ids = credential(&mut broker).await;
    client.shutdown().await.unwrap();
    assert_eq!(timeout(SOON, broker.read(&mut [0])).await.unwrap().unwrap(), 0);
    broker.write_all(&taken(ids)).await.unwrap();
    drop(broker);
    assert_eq!(timeout(SOON, client.read(&mut [0])).await.unwrap().unwrap(), 0);
    assert_eq!(between.end().await, "closed");
}

#[tokio::test]
async fn a_broker_that_ends_or_resets_before_it_answered_does_so_to_the_caller() {
    let between = Between::new().await;
    let (mut client, mut broker) = between.connect().await;
    credential(&mut broker).await;
    broker.shutdown().await.unwrap();
    assert_eq!(timeout(SOON, client.read(&mut [0])).await.unwrap().unwrap(), 0);
    let (mut client, mut broker) = between.connect().await;
    credential(&mut broker).await;
    broker.set_zero_linger().unwrap();
    drop(broker);
    let heard = timeout(SOON, client.read(&mut [0])).await.unwrap();
    assert_eq!(heard.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}

/// What is told where the broker answers so.
async fn told(answer: impl FnOnce((i32, i32)) -> Vec<u8>) -> String {
    let between = Between::new().await;
    let (mut client, mut broker) = between.connect().await;
    let ids = credential(&mut broker).await;
    broker.write_all(&answer(ids)).await.unwrap();
    let heard = timeout(SOON, client.read(&mut [0])).await.unwrap();
    assert_eq!(heard.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    let heard = timeout(SOON, broker.read(&mut [0])).await.unwrap();
    assert_eq!(heard.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    let told = format!("{:?}", between.timeline.snapshot());
    assert!(!told.contains(PASSWORD), "{told}");
    between.end().await
}

#[tokio::test]
async fn a_broker_that_does_not_take_it_is_told() {
    let refused = |text: Option<&'static str>| {
        told(move |(first, second)| {
            let refused = SaslAuthenticateResponse::default()
                .with_error_code(FAILED)
                .with_error_message(text.map(StrBytes::from_static_str));
            let both = [
                response(&SaslHandshakeResponse::default(), 1, first),
                response(&refused, 2, second),
            ];
            both.concat()
        })
    };
    assert_eq!(
        refused(Some("momus is not known by s3cr3t")).await,
        "reset: the broker refused the run's credential: momus is not known by ***"
    );
    assert_eq!(
        refused(None).await,
        "reset: the broker refused the run's credential: SaslAuthenticationFailed"
    );
}

#[tokio::test]
async fn a_broker_that_does_not_ask_for_it_is_told() {
    let told = told(|(first, _)| {
        let answer = SaslHandshakeResponse::default().with_error_code(ILLEGAL_STATE);
        response(&answer, 1, first).to_vec()
    });
    let told = told.await;
    assert!(
        told.starts_with("reset: the broker does not ask for the run's credential: "),
        "{told}"
    );
}

#[test]
fn a_credential_does_not_show_its_password() {
    let shown = format!("{:?}", Credential::new("momus", PASSWORD));
    assert_eq!(shown, "Credential { user: \"momus\", .. }");
}
