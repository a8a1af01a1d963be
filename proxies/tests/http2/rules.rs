//! Requests of HTTP/2 that a rule answers in place of the upstream.

use bytes::Bytes;
use h2::Reason;
use http::{HeaderMap, Method, Request};
use momus_engine::event::Happening;
use momus_proxies::edge::Purpose;
use tokio::process::Command;
use tokio::time::timeout;

use crate::TRACE;
use crate::peers::{Bench, SOON, Way, ask, body};

#[tokio::test]
async fn one_stream_is_answered_by_a_rule_while_the_others_go_on() {
    let bench = Bench::new(Purpose::Calls).await;
    let client = bench.client().await;
    let request = |method: Method, path: &str| {
        let traced = format!("00-{TRACE}-b7ad6b7169203331-01");
        let builder = Request::builder().method(method).uri(format!("http://billing{path}"));
        builder
            .header("traceparent", traced)
            .header("x-same", "always")
            .body(())
            .unwrap()
    };
    let before = ask(client.clone(), request(Method::POST, "/echo/1"), Bytes::from("1"))
        .await
        .unwrap();
    assert_eq!(before.body, "1");
    let (rule, strikes) = bench.answer("POST", "/charges/*", 3, true);
    // One whose body is still to come, and larger than all windows together.
    let large = Bytes::from(vec![b'7'; 3 << 20]);
    let mut ready = client.clone().ready().await.unwrap();
    let (answer, mut sending) = ready.send_request(request(Method::POST, "/charges/1"), false).unwrap();
    for number in 2..5 {
        // Headers that the upstream hears of for the first time stand in the client's table already.
        let headed = |path: &str| {
            let mut request = request(Method::POST, path);
            request
                .headers_mut()
                .insert("x-new", number.to_string().parse().unwrap());
            request
        };
        let content = Bytes::from(vec![b'x'; 40_000]);
        let path = if number < 4 {
            format!("/charges/{number}")
        } else {
            "/echo/4".to_owned()
        };
        let (struck, passed) = tokio::join!(
            ask(client.clone(), headed(&path), content.clone()),
            ask(client.clone(), headed("/echo/2"), content.clone())
        );
        let (struck, passed) = (struck.unwrap(), passed.unwrap());
        assert_eq!((passed.status, &passed.body), (200, &content));
        assert_eq!(passed.headers["x-seen"], format!("always {number}"));
        assert_eq!(struck.status, if number < 4 { 503 } else { 200 });
        assert_eq!(struck.body.is_empty(), number < 4);
    }
    sending.send_data(large.clone(), false).unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "7".parse().unwrap());
    sending.send_trailers(trailers).unwrap();
    let (head, _) = timeout(SOON, answer).await.unwrap().unwrap().into_parts();
    assert_eq!(head.status, 503);
    assert_eq!(strikes.count(), 3);
    rule.heal();
    let after = ask(client, request(Method::POST, "/charges/9"), large.clone())
        .await
        .unwrap();
    assert_eq!(
        (after.status, after.headers["x-seen"].to_str().unwrap()),
        (404, "always -")
    );
    let calls = bench.look(|happening| match happening {
        Happening::PartnerCall {
            path,
            status,
            body,
            headers,
            ..
        } => Some((
            path.clone(),
            *status,
            body.as_str().map_or(0, str::len),
            headers[0].clone(),
        )),
        _ => None,
    });
    let host = ("host".to_owned(), "billing".to_owned());
    let shortened = (1 << 20) + " … (shortened to its first 1048576 bytes)".len();
    let expected = [
        ("/charges/2".to_owned(), 503, 40_000, host.clone()),
        ("/charges/3".to_owned(), 503, 40_000, host.clone()),
        ("/charges/1".to_owned(), 503, shortened, host),
    ];
    assert_eq!(calls, expected);
    assert!(bench.exchanges().contains(&format!("503 POST /charges/1 {TRACE}")));
    let mut passed = bench.seen_by_server();
    passed.sort();
    assert_eq!(
        passed,
        ["/charges/9", "/echo/1", "/echo/2", "/echo/2", "/echo/2", "/echo/4"]
    );
}

#[tokio::test]
async fn a_client_that_takes_a_struck_request_back_is_answered_no_more_and_the_rest_goes_on() {
    let bench = Bench::new(Purpose::Calls).await;
    let client = bench.client().await;
    let (_rule, strikes) = bench.answer("POST", "/charges", 1, true);
    let mut ready = client.clone().ready().await.unwrap();
    let request = Request::post("http://billing/charges").body(()).unwrap();
    let (answer, mut sending) = ready.send_request(request, false).unwrap();
    bench.soon(1).await;
    sending.send_data(Bytes::from("[1"), false).unwrap();
    sending.send_reset(Reason::CANCEL);
    drop(answer);
    bench.soon(2).await;
    let early = Request::get("http://billing/early").body(()).unwrap();
    assert_eq!(ask(client, early, Bytes::new()).await.unwrap().status, 204);
    assert_eq!(strikes.count(), 1);
    let expected = [
        "? POST /charges -",
        "None POST /charges -",
        "? GET /early -",
        "204 GET /early -",
    ];
    assert_eq!(bench.exchanges(), expected);
}

#[tokio::test]
async fn a_server_that_ends_meanwhile_takes_no_answer_away() {
    let bench = Bench::new(Purpose::Calls).await;
    let client = bench.client().await;
    let (_rule, _) = bench.answer("POST", "/charges", 1, false);
    let mut ready = client.clone().ready().await.unwrap();
    let request = Request::post("http://billing/charges").body(()).unwrap();
    let (answer, mut sending) = ready.send_request(request, false).unwrap();
    bench.soon(1).await;
    bench.end_server();
    sending.send_data(Bytes::from("[1]"), true).unwrap();
    let answered = timeout(SOON, answer).await.unwrap().unwrap();
    assert_eq!(answered.status(), 503);
    assert_eq!(body(answered.into_body()).await.unwrap().0, "");
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on() {
    let bench = Bench::new(Purpose::Calls).await;
    let client = bench.client().await;
    let (_rule, _) = bench.answer("POST", "/charges", 1, true);
    let request = Request::post("http://billing/charges").header("expect", "100-continue");
    let mut ready = client.ready().await.unwrap();
    let (mut answer, mut sending) = ready.send_request(request.body(()).unwrap(), false).unwrap();
    let told = timeout(SOON, std::future::poll_fn(|cx| answer.poll_informational(cx)));
    assert_eq!(told.await.unwrap().unwrap().unwrap().status(), 100);
    assert_eq!(bench.exchanges(), ["? POST /charges -"]);
    sending.send_data(Bytes::from("[1]"), true).unwrap();
    assert_eq!(timeout(SOON, answer).await.unwrap().unwrap().status(), 503);
}

#[tokio::test]
async fn requests_are_answered_by_a_rule_however_the_bytes_are_cut() {
    for size in [1, 5, 100] {
        let bench = Bench::cut(Purpose::Calls, size).await;
        let client = bench.client_by(Way::Cut(size)).await;
        let (_rule, strikes) = bench.answer("POST", "/charges/{id}", 3, false);
        for number in 0..6 {
            let path = format!("http://billing/charges/{number}");
            let request = Request::post(path)
                .header("x-number", number.to_string())
                .body(())
                .unwrap();
            let answered = ask(client.clone(), request, Bytes::from(vec![b'x'; 3000]))
                .await
                .unwrap();
            assert_eq!(
                answered.status,
                if number < 3 { 503 } else { 404 },
                "in pieces of {size}"
            );
        }
        assert_eq!(strikes.count(), 3);
        assert_eq!(bench.seen_by_server(), ["/charges/3", "/charges/4", "/charges/5"]);
    }
}

#[tokio::test]
async fn a_client_with_a_small_table_understands_what_is_answered_in_the_servers_place() {
    let bench = Bench::new(Purpose::Calls).await;
    let client = bench
        .client_with(h2::client::Builder::new().header_table_size(0), Way::Whole)
        .await;
    let (_rule, _) = bench.answer("POST", "/charges", 1, false);
    for (path, status) in [("early", 204), ("charges", 503), ("early", 204)] {
        let request = Request::post(format!("http://billing/{path}")).body(()).unwrap();
        assert_eq!(ask(client.clone(), request, Bytes::new()).await.unwrap().status, status);
    }
}

/// Node's, of nghttp2, which takes a table that shrinks without a word for an error.
#[tokio::test]
async fn another_client_with_a_small_table_is_answered_by_a_rule_too() {
    const SCRIPT: &str = "
const session = require('http2').connect(process.argv[1], { settings: { headerTableSize: 0 } })
const ask = (path, size) => new Promise((done, failed) => {
  const stream = session.request({ ':method': 'POST', ':path': path, 'x-path': path })
  let status
  stream.on('response', head => { status = head[':status'] })
  stream.on('error', failed)
  stream.on('end', () => done(status))
  stream.resume()
  stream.end('x'.repeat(size))
})
session.on('error', error => { console.log(error.message); process.exit(1) })
session.on('remoteSettings', async () => {
  const statuses = []
  for (const round of [1, 2]) {
    const paths = ['/charges/1', '/echo/1', '/charges/2', '/echo/2', '/charges/3']
    statuses.push(...await Promise.all(paths.map(path => ask(path, 200000))))
  }
  console.log(statuses.join(' '))
  session.close()
})
";
    let bench = Bench::new(Purpose::Calls).await;
    let (_rule, strikes) = bench.answer("POST", "/charges/*", 4, true);
    let url = format!("http://{}", bench.edge.address());
    let node = Command::new("node")
        .args(["-e", SCRIPT, &url])
        .kill_on_drop(true)
        .output();
    let output = timeout(SOON, node).await.unwrap().unwrap();
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(told, "503 200 503 200 503 503 200 404 200 404\n");
    assert_eq!(strikes.count(), 4);
}
