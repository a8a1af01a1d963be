//! What of HTTP/2 passes an edge, and what is recorded of it.

use bytes::Bytes;
use h2::Reason;
use http::Request;
use momus_engine::activity::Quiet;
use momus_engine::event::Happening;
use momus_proxies::edge::Purpose;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::TRACE;
use crate::peers::{Bench, SOON, Way, ask};

#[tokio::test]
async fn many_streams_at_once_are_recorded_each_with_its_own_answer() {
    let bench = Bench::new(Purpose::Calls).await;
    let client = bench.client().await;
    let asked = (0..100).map(|number| {
        let client = client.clone();
        async move {
            let content = Bytes::from(vec![b'0' + number % 10; 3000 * usize::from(number)]);
            let request = Request::post(format!("http://billing/echo/{number}")).body(()).unwrap();
            let answered = ask(client, request, content.clone()).await.unwrap();
            assert_eq!((answered.status, answered.body), (200, content), "{number}");
            assert_eq!(answered.trailers["x-length"], (3000 * usize::from(number)).to_string());
        }
    });
    futures::future::join_all(asked).await;
    let mut seen = bench.exchanges();
    assert_eq!(seen.len(), 200);
    seen.sort();
    let mut expected: Vec<_> = (0..100)
        .flat_map(|number| [format!("200 POST /echo/{number} -"), format!("? POST /echo/{number} -")])
        .collect();
    expected.sort();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_request_has_its_trace_and_its_interim_answers_are_none() {
    let bench = Bench::new(Purpose::Calls).await;
    let client = bench.client().await;
    let request = Request::get("http://billing/early?x=1")
        .header("traceparent", format!("00-{TRACE}-b7ad6b7169203331-01"))
        .body(())
        .unwrap();
    assert_eq!(ask(client, request, Bytes::new()).await.unwrap().status, 204);
    let expected = [
        format!("? GET /early?x=1 {TRACE}"),
        format!("204 GET /early?x=1 {TRACE}"),
    ];
    assert_eq!(bench.exchanges(), expected);
}

#[tokio::test]
async fn large_bodies_pass_both_ways_within_the_windows_of_the_peers() {
    const LARGE: usize = 24 << 20;
    let bench = Bench::new(Purpose::Calls).await;
    let client = bench.client().await;
    let content = Bytes::from((0..LARGE).map(|at| (at / 7) as u8).collect::<Vec<_>>());
    let request = Request::post("http://billing/echo/large").body(()).unwrap();
    let other = Request::get("http://billing/early").body(()).unwrap();
    let (large, small) = tokio::join!(
        ask(client.clone(), request, content.clone()),
        ask(client, other, Bytes::new())
    );
    assert!(large.unwrap().body == content);
    assert_eq!(small.unwrap().status, 204);
}

/// What goes over a connection in which there is something of everything.
async fn something_of_everything(bench: &Bench, way: Way) -> Vec<String> {
    let client = bench.client_by(way).await;
    for number in 0..3 {
        let request = Request::post(format!("http://billing/echo/{number}"))
            .header("traceparent", format!("00-{TRACE}-b7ad6b7169203331-01"))
            .header("x-long", "l".repeat(if number == 1 { 17_000 } else { 10 }))
            .body(())
            .unwrap();
        let answered = ask(client.clone(), request, Bytes::from(vec![b'x'; 2000]))
            .await
            .unwrap();
        assert_eq!(answered.body.len(), 2000);
    }
    for path in ["early", "reset", "grpc", "early"] {
        let request = Request::get(format!("http://billing/{path}")).body(()).unwrap();
        drop(ask(client.clone(), request, Bytes::new()).await);
    }
    bench.exchanges()
}

#[tokio::test]
async fn the_record_is_the_same_however_the_bytes_are_cut() {
    let expected = something_of_everything(&Bench::new(Purpose::Calls).await, Way::Whole).await;
    assert_eq!(expected.len(), 14);
    for size in [1, 7, 10, 1000] {
        let bench = Bench::cut(Purpose::Calls, size).await;
        assert_eq!(
            something_of_everything(&bench, Way::Cut(size)).await,
            expected,
            "in pieces of {size}"
        );
        assert!(!matches!(bench.activity().quiet(), Quiet::Hidden { .. }));
    }
}

#[tokio::test]
async fn a_stream_that_either_side_resets_has_no_status_and_the_others_go_on() {
    let bench = Bench::new(Purpose::Calls).await;
    let client = bench.client().await;
    let request = |path: &str| Request::get(format!("http://billing/{path}")).body(()).unwrap();
    let error = ask(client.clone(), request("reset"), Bytes::new()).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::REFUSED_STREAM));
    let mut ready = client.clone().ready().await.unwrap();
    let (answer, mut sending) = ready.send_request(request("silent"), false).unwrap();
    bench.soon(3).await;
    sending.send_reset(Reason::CANCEL);
    drop(answer);
    bench.soon(4).await;
    assert_eq!(ask(client, request("early"), Bytes::new()).await.unwrap().status, 204);
    let expected = [
        "? GET /reset -",
        "None GET /reset -",
        "? GET /silent -",
        "None GET /silent -",
        "? GET /early -",
        "204 GET /early -",
    ];
    assert_eq!(bench.exchanges(), expected);
}

#[tokio::test]
async fn a_server_that_goes_away_ends_what_it_does_not_take_and_answers_the_rest() {
    let bench = Bench::new(Purpose::Calls).await;
    let client = bench.client().await;
    let request = |path: &str| Request::get(format!("http://billing/{path}")).body(()).unwrap();
    let mut ready = client.clone().ready().await.unwrap();
    let (slow, _sending) = ready.send_request(request("slow"), true).unwrap();
    bench.soon(1).await;
    let answered = ask(client, request("goodbye"), Bytes::new()).await.unwrap();
    assert_eq!(answered.status, 204);
    bench.go_on();
    assert_eq!(timeout(SOON, slow).await.unwrap().unwrap().status(), 204);
    let expected = [
        "? GET /slow -",
        "? GET /goodbye -",
        "204 GET /goodbye -",
        "204 GET /slow -",
    ];
    assert_eq!(bench.soon(4).await, expected);
    bench.tells("closed").await;
}

#[tokio::test]
async fn an_open_stream_is_under_way_and_a_call_an_effect_twice() {
    let bench = Bench::new(Purpose::Calls).await;
    let client = bench.client().await;
    let early = Request::get("http://billing/early").body(()).unwrap();
    ask(client.clone(), early, Bytes::new()).await.unwrap();
    bench.is_over().await;
    assert_eq!(bench.activity().effects(), 2);
    let slow = Request::post("http://billing/slow").body(()).unwrap();
    let mut ready = client.ready().await.unwrap();
    let (answer, _) = ready.send_request(slow, true).unwrap();
    bench.soon(3).await;
    assert_eq!(bench.under_way().as_deref(), Some("shop → billing  POST /slow"));
    bench.go_on();
    timeout(SOON, answer).await.unwrap().unwrap();
    bench.is_over().await;
    assert_eq!(bench.activity().effects(), 4);
    assert_eq!(bench.counts_from().as_deref(), Some("shop → billing  POST /slow 204"));
}

#[tokio::test]
async fn what_grpc_says_of_a_call_is_told() {
    let bench = Bench::new(Purpose::Calls).await;
    let client = bench.client().await;
    let mut effects = Vec::new();
    for path in ["grpc", "grpc/whole", "grpc/none"] {
        let request = Request::post(format!("http://billing/{path}")).body(()).unwrap();
        assert_eq!(ask(client.clone(), request, Bytes::new()).await.unwrap().status, 200);
        bench.is_over().await;
        effects.push(bench.counts_from().unwrap_or_default());
    }
    let expected = [
        "shop → billing  POST /grpc 200 (grpc-status 5)",
        "shop → billing  POST /grpc/whole 200 (grpc-status 0)",
        "shop → billing  POST /grpc/none 200",
    ];
    assert_eq!(effects, expected);
    let told = bench.look(|happening| match happening {
        Happening::Response { grpc_status, .. } => Some(*grpc_status),
        _ => None,
    });
    assert_eq!(told, [Some(5), Some(0), None]);
}

#[tokio::test]
async fn an_object_that_is_read_again_is_an_effect_where_it_changed() {
    let bench = Bench::new(Purpose::Objects).await;
    let client = bench.client().await;
    let mut effects = Vec::new();
    for path in ["early", "early", "count", "count"] {
        let before = bench.activity().effects();
        let request = Request::get(format!("http://billing/{path}")).body(()).unwrap();
        ask(client.clone(), request, Bytes::new()).await.unwrap();
        bench.is_over().await;
        effects.push(bench.activity().effects() - before);
    }
    assert_eq!(effects, [1, 0, 1, 1]);
}

#[tokio::test]
async fn a_server_of_http_1_alone_is_passed_on_and_hides_the_sandbox() {
    let (listener, bench) = Bench::before_a_listener(Purpose::Calls).await;
    let mut client = TcpStream::connect(bench.edge.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    client.write_all(preface).await.unwrap();
    let mut asked = [0; 33];
    timeout(SOON, server.read_exact(&mut asked)).await.unwrap().unwrap();
    assert_eq!(&asked, preface);
    let answer = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    server.write_all(answer).await.unwrap();
    drop(server);
    let mut answered = Vec::new();
    timeout(SOON, client.read_to_end(&mut answered)).await.unwrap().unwrap();
    assert_eq!(answered, answer);
    let why = "what passes between shop and billing is neither HTTP/1.1 nor HTTP/2";
    assert_eq!(bench.hidden().as_deref(), Some(why));
}

#[tokio::test]
async fn what_only_begins_like_http_2_passes_as_it_came() {
    for (asked, told) in [
        (
            &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nHELO there, how are you?"[..],
            &b"\0\0\0\x04\0\0\0\0\0"[..],
        ),
        (b"PRI * HTTP/2.0\r\n\r\nGET / HTTP/1.1\r\n\r\n", b"\0\0\0\x04\0\0\0\0\0"),
        (
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x01\x01\x05\0\0\0\x01\xff",
            b"\0\0\0\x04\0",
        ),
        (b"EHLO", b"\0\0\0\x04\0\0\0\0\0\0\0\0\x09\0\0\0\0\0"),
    ] {
        let (listener, bench) = Bench::before_a_listener(Purpose::Calls).await;
        let mut client = TcpStream::connect(bench.edge.address()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        for (from, to, bytes) in [(&mut server, &mut client, told)] {
            from.write_all(bytes).await.unwrap();
            // What may be the beginning of a frame's head is held.
            let mut seen = vec![0; bytes.len() - bytes.len() % 9];
            timeout(SOON, to.read_exact(&mut seen)).await.unwrap().unwrap();
        }
        for byte in asked.chunks(5) {
            client.write_all(byte).await.unwrap();
        }
        client.shutdown().await.unwrap();
        let mut seen = Vec::new();
        timeout(SOON, server.read_to_end(&mut seen)).await.unwrap().unwrap();
        assert_eq!(seen, asked);
        server.write_all(b"bye").await.unwrap();
        drop(server);
        seen.clear();
        timeout(SOON, client.read_to_end(&mut seen)).await.unwrap().unwrap();
        assert!(seen.ends_with(b"bye"), "{seen:?}");
        assert!(bench.hidden().is_some());
    }
}
