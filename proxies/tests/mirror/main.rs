//! An edge is a mirror: one script, direct and through an edge, and what both peers see of it side by side.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../secured/mod.rs"]
mod secured;
mod way;

use momus_proxies::edge::{Protocol, Purpose};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use self::secured::Secured;
use self::way::{A_WHILE, SOON, Way, hear, kind, mirrored, protocols, reset, say, seen, timeline};

const ASK: &str = "POST /charges HTTP/1.1\r\nHost: bank\r\nContent-Length: 3\r\n\r\n[1]";
const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[tokio::test]
async fn a_server_that_resets_before_and_after_it_said_something() {
    let seen = mirrored(|way| async move {
        let (mut client, server) = way.both().await;
        reset(server);
        let before = hear("client", &mut client, ANSWER).await;
        let (mut client, mut server) = way.both().await;
        say(&mut client, ASK).await;
        let asked = hear("server", &mut server, ASK).await;
        say(&mut server, ANSWER).await;
        let answered = hear("client", &mut client, ANSWER).await;
        reset(server);
        vec![before, asked, answered, hear("client", &mut client, ANSWER).await]
    });
    let expected = ["client: reset", "server hears it", "client hears it", "client: reset"];
    assert_eq!(seen.await, expected);
}

#[tokio::test]
async fn a_server_that_resets_amid_an_answer() {
    let seen = mirrored(|way| async move {
        let (mut client, mut server) = way.both().await;
        say(&mut client, ASK).await;
        let asked = hear("server", &mut server, ASK).await;
        let (some, _) = ANSWER.split_at(ANSWER.len() - 1);
        say(&mut server, some).await;
        let answered = hear("client", &mut client, some).await;
        reset(server);
        vec![asked, answered, hear("client", &mut client, "k").await]
    });
    assert_eq!(seen.await, ["server hears it", "client hears it", "client: reset"]);
}

#[tokio::test]
async fn a_server_that_ends_with_something_unread() {
    let seen = mirrored(|way| async move {
        let (mut client, server) = way.both().await;
        say(&mut client, ASK).await;
        timeout(SOON, server.peek(&mut [0])).await.unwrap().unwrap();
        drop(server);
        vec![hear("client", &mut client, ANSWER).await]
    });
    assert_eq!(seen.await, ["client: reset"]);
}

#[tokio::test]
async fn a_client_that_resets() {
    let seen = mirrored(|way| async move {
        let (client, mut server) = way.both().await;
        reset(client);
        let before = hear("server", &mut server, ASK).await;
        let (mut client, mut server) = way.both().await;
        say(&mut client, ASK).await;
        let asked = hear("server", &mut server, ASK).await;
        reset(client);
        vec![before, asked, hear("server", &mut server, ASK).await]
    });
    assert_eq!(seen.await, ["server: reset", "server hears it", "server: reset"]);
}

#[tokio::test]
async fn an_end_of_either_direction_leaves_the_other_open() {
    let seen = mirrored(|way| async move {
        let (mut client, mut server) = way.both().await;
        say(&mut client, ASK).await;
        client.shutdown().await.unwrap();
        let mut seen = vec![
            hear("server", &mut server, ASK).await,
            hear("server", &mut server, ASK).await,
        ];
        say(&mut server, ANSWER).await;
        seen.push(hear("client", &mut client, ANSWER).await);
        drop(server);
        seen.push(hear("client", &mut client, ANSWER).await);

        let (mut client, mut server) = way.both().await;
        server.shutdown().await.unwrap();
        seen.push(hear("client", &mut client, ANSWER).await);
        say(&mut client, ASK).await;
        seen.push(hear("server", &mut server, ASK).await);
        client.shutdown().await.unwrap();
        seen.push(hear("server", &mut server, ASK).await);
        seen
    });
    let expected = [
        "server hears it",
        "server: end",
        "client hears it",
        "client: end",
        "client: end",
        "server hears it",
        "server: end",
    ];
    assert_eq!(seen.await, expected);
}

#[tokio::test]
async fn a_reset_after_an_end_is_noticed_when_something_is_said() {
    let [direct, tcp, http] = seen(|way| async move {
        let (mut client, mut server) = way.both().await;
        say(&mut client, ASK).await;
        client.shutdown().await.unwrap();
        let mut seen = vec![
            hear("server", &mut server, ASK).await,
            hear("server", &mut server, ASK).await,
        ];
        reset(client);
        // Directly the server knows by now; through an edge once it says something that cannot be passed on.
        let at_once = timeout(A_WHILE, server.ready(tokio::io::Interest::ERROR)).await.is_ok();
        seen.push(
            if at_once {
                "server knows"
            } else {
                "server does not know"
            }
            .to_owned(),
        );
        while server.write_all(ANSWER.as_bytes()).await.is_ok() {
            tokio::task::yield_now().await;
        }
        seen.push("server cannot go on".to_owned());
        seen
    })
    .await;
    let told = |third: &str| ["server hears it", "server: end", third, "server cannot go on"].map(str::to_owned);
    assert_eq!(direct, told("server knows"));
    assert_eq!(tcp, told("server does not know"));
    assert_eq!(http, told("server does not know"));
}

/// Outside of walls the port of an edge accepts before its upstream is asked: refused shows as reset. Within walls refused is
/// refused (`environments/tests`).
#[tokio::test]
async fn a_refused_connection_is_one_that_is_reset_at_once_outside_of_walls() {
    let [direct, tcp, http] = seen(|way| async move {
        drop(way.listener);
        match timeout(SOON, TcpStream::connect(way.address)).await.unwrap() {
            // Whether it hears that it is connected depends on when the reset comes.
            Ok(mut client) => vec![hear("client", &mut client, ANSWER).await],
            Err(error) => vec![format!("client: {}", kind(&error))],
        }
    })
    .await;
    assert_eq!(direct, ["client: refused"]);
    assert_eq!(tcp, ["client: reset"]);
    assert_eq!(http, ["client: reset"]);
}

/// Outside of walls a caller of an edge is connected before its upstream is; it waits for the first answer in place of the
/// connection.
#[tokio::test]
async fn a_server_that_does_not_accept_makes_its_caller_wait() {
    let mut seen = Vec::new();
    for protocol in protocols() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let way = Way::to(socket.listen(1).unwrap(), protocol).await;
        let mut waiting = Vec::new();
        let address = way.listener.local_addr().unwrap();
        // Until the queue is full, and the system answers nobody any more.
        while let Ok(connected) = timeout(A_WHILE, TcpStream::connect(address)).await {
            waiting.push(connected.unwrap());
            assert!(waiting.len() < 100, "the queue has no end");
        }
        let client = TcpStream::connect(way.address);
        tokio::pin!(client);
        let mut lines = Vec::new();
        let early = match timeout(A_WHILE, &mut client).await {
            Ok(connected) => {
                lines.push("client is connected");
                let mut connected = connected.unwrap();
                say(&mut connected, ASK).await;
                assert!(timeout(A_WHILE, connected.read_u8()).await.is_err());
                Some(connected)
            }
            Err(_) => None,
        };
        lines.push("client waits");
        let server = async {
            loop {
                let (mut server, _) = way.listener.accept().await.unwrap();
                let mut asked = vec![0; ASK.len()];
                // Those who filled the queue say nothing.
                if waiting.pop().is_none() && server.read_exact(&mut asked).await.is_ok() {
                    say(&mut server, ANSWER).await;
                    return server;
                }
            }
        };
        let client = async {
            let mut client = match early {
                Some(client) => client,
                None => {
                    let mut client = client.await.unwrap();
                    say(&mut client, ASK).await;
                    client
                }
            };
            hear("client", &mut client, ANSWER).await
        };
        let (heard, server) = timeout(SOON, async { tokio::join!(client, server) }).await.unwrap();
        drop(server);
        assert_eq!(heard, "client hears it");
        seen.push(lines);
    }
    let early = vec!["client is connected", "client waits"];
    assert_eq!(seen, [vec!["client waits"], early.clone(), early]);
}

/// The most that the system keeps for the two sockets of a connection, in bytes.
fn kept_by_the_system() -> usize {
    let most = |name: &str| -> usize {
        let limits = std::fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).unwrap();
        limits.split_whitespace().last().unwrap().parse().unwrap()
    };
    most("tcp_rmem") + most("tcp_wmem")
}

/// How much a writer gets rid of while nobody reads.
async fn stopped(writer: &mut TcpStream) -> usize {
    let (block, mut sent) = (vec![b'x'; 1 << 16], 0);
    while let Ok(count) = timeout(A_WHILE, writer.write(&block)).await {
        sent += count.unwrap();
        assert!(sent < 1 << 28, "nobody held the writer back");
    }
    sent
}

#[tokio::test]
async fn a_reader_that_stops_holds_its_writer_back_in_either_direction() {
    // What an edge holds itself: a buffer each direction, and as much on its way out.
    const HELD: usize = 2 * 64 * 1024;
    for protocol in protocols() {
        let connections = if protocol.is_some() { 2 } else { 1 };
        let bound = connections * kept_by_the_system() + HELD;
        let way = Way::new(protocol).await;
        let (mut client, mut server) = way.both().await;
        let head = format!("POST /large HTTP/1.1\r\nContent-Length: {}\r\n\r\n", 1_u64 << 30);
        say(&mut client, &head).await;
        let sent = stopped(&mut client).await;
        assert!(sent <= bound, "{sent} of at most {bound}, through {connections}");
        assert_eq!(hear("server", &mut server, &head).await, "server hears it");
        let answer = "HTTP/1.1 200 OK\r\n\r\n";
        say(&mut server, answer).await;
        let answered = stopped(&mut server).await;
        assert!(
            answered <= bound,
            "{answered} of at most {bound}, through {connections}"
        );
        // Nothing of it is lost.
        client.shutdown().await.unwrap();
        server.shutdown().await.unwrap();
        let (mut asked, mut heard) = (Vec::new(), Vec::new());
        let both = async { tokio::try_join!(server.read_to_end(&mut asked), client.read_to_end(&mut heard)) };
        timeout(SOON, both).await.unwrap().unwrap();
        assert_eq!((asked.len(), heard.len()), (sent, answer.len() + answered));
    }
}

#[tokio::test]
async fn what_is_truncated_within_tls_stays_truncated() {
    for protocol in [Protocol::Tcp, Protocol::Http(Purpose::Calls)] {
        let bench = Secured::new(protocol, timeline()).await;
        let mut seen = Vec::new();
        for way in bench.ways() {
            let mut lines = Vec::new();
            for clean in [true, false] {
                let (client, server) = tokio::join!(bench.connect(way, &["http/1.1"]), bench.accept(&["http/1.1"]));
                let (mut client, mut server) = (client.unwrap(), server.unwrap());
                say(&mut client, ASK).await;
                if clean {
                    client.shutdown().await.unwrap();
                } else {
                    client.get_mut().0.shutdown().await.unwrap();
                }
                lines.push(hear("server", &mut server, ASK).await);
                lines.push(hear("server", &mut server, ASK).await);
                say(&mut server, ANSWER).await;
                if clean {
                    server.shutdown().await.unwrap();
                } else {
                    server.get_mut().0.shutdown().await.unwrap();
                }
                lines.push(hear("client", &mut client, ANSWER).await);
                lines.push(hear("client", &mut client, ANSWER).await);
            }
            seen.push(lines);
        }
        let expected = [
            ["server hears it", "server: end", "client hears it", "client: end"],
            [
                "server hears it",
                "server: truncated",
                "client hears it",
                "client: truncated",
            ],
        ];
        assert_eq!(seen[0], expected.concat());
        assert_eq!(seen[1], seen[0]);
    }
}
