//! A service without walls that has host names built in, in programs that nobody here wrote.

use momus_engine::event::Happening;
use momus_engine::timeline::Timeline;

use crate::run::{Run, comes, happened};

/// A shell script that says what each program made of it, and stays.
const MESH: &str = r#"mesh: small
services:
  shop:
    command: [bash, -c, "
      python3 shop.py;
      curl -sS -o /dev/null -w 'curl %{http_code}\n' -X POST https://API.bank.example/charges;
      curl -sS -o /dev/null -w 'curl plain %{http_code}\n' -X POST http://post.example/charges -d @shop.py;
      curl -sS -o /dev/null -w 'curl directly %{http_code}\n' -X POST $BANK/charges;
      curl -sS -o /dev/null -w 'curl by way of it %{http_code}\n' --noproxy none.example -X POST $BANK/charges;
      curl -sS -o /dev/null -w 'curl elsewhere %{http_code}\n' http://post.example:8080/charges;
      exec sleep 600"]
    environment: { BANK: "${edge.bank}", NO_PROXY: "127.0.0.1" }
    depends_on: [bank, post]
    also_at: { bank: ['api.bank.example:443'], post: ['post.example:80'] }
    logs: plain
  till:
    command: [bash, -c, "env | grep -ic proxy; exec sleep 600"]
    depends_on: [bank]
    logs: plain
partners:
  bank: { rules: bank.yaml, tls: true }
  post: { rules: bank.yaml }
"#;

const PYTHON: &str = "import os, urllib.request as it
def ask(what, url):
    try:
        print('python', what, it.urlopen(it.Request(url, method='POST')).status)
    except OSError as error:
        print('python', what, error)
ask('over TLS', 'https://api.bank.example/charges')
ask('plain', 'http://post.example/charges')
ask('elsewhere', 'https://api.other.example/charges')
print('python', 'no_proxy', os.environ['no_proxy'], os.environ['NO_PROXY'])
";

fn said(timeline: &Timeline, text: &str) -> bool {
    happened(
        timeline,
        |it| matches!(it, Happening::Log { message, .. } if message.trim() == text),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_without_walls_reaches_its_edges_under_the_names_that_it_has_built_in() {
    let run = Run::without_walls(MESH);
    std::fs::write(run.folder.path().join("shop.py"), PYTHON).unwrap();
    run.prepare().await.unwrap();
    let (sandbox, timeline) = run.sandbox("s0").await;
    for text in [
        "python over TLS 201",
        "python plain 201",
        "python elsewhere <urlopen error Tunnel connection failed: 403 Forbidden>",
        "python no_proxy localhost,127.0.0.1,::1 127.0.0.1",
        "curl 201",
        "curl plain 201",
        "curl directly 201",
        "curl by way of it 201",
        "curl elsewhere 403",
        // Who has no such name is told of no proxy.
        "0",
    ] {
        comes(&timeline, || async { said(&timeline, text).then_some(()) }).await;
    }
    let answered = |partner: &str| {
        let answers = |it: &Happening| matches!(it, Happening::Response { caller, dependency, status: Some(201), .. } if caller == "shop" && dependency == partner);
        timeline.look(|events| events.iter().filter(|event| answers(&event.happening)).count())
    };
    assert_eq!((answered("bank"), answered("post")), (4, 2));
    let beyond = |events: &[momus_engine::event::Event]| {
        let lines = events.iter().filter_map(|event| match &event.happening {
            Happening::Beyond { service, to, what } => Some(format!("{service} → {to}  {what}")),
            _ => None,
        });
        lines.collect::<Vec<_>>()
    };
    assert_eq!(
        timeline.look(beyond),
        [
            "shop → api.other.example:443  refused: no edge of it leads there",
            "shop → post.example:8080  refused: no edge of it leads there",
        ]
    );
    sandbox.close().await.unwrap();
    assert_eq!(run.close().await.unwrap(), Vec::<String>::new());
}
