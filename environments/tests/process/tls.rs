//! A service whose dependencies are reached over TLS, by programs that nobody here wrote.

use momus_engine::event::Happening;
use momus_engine::timeline::Timeline;

use crate::run::{Run, comes, happened};

/// A shell script that says what each program made of its edge, and stays.
const MESH: &str = r#"mesh: small
services:
  shop:
    command: [bash, -c, "
      curl -sS -o /dev/null -w 'curl %{http_code}\n' -X POST $BANK/charges;
      python3 -c 'import os, ssl, urllib.request as it; print(\"python\", it.urlopen(it.Request(os.environ[\"BANK\"] + \"/charges\", method=\"POST\")).status)';
      node -e 'require(\"https\").request(process.env.BANK + \"/charges\", {method: \"POST\"}, it => { console.log(\"node\", it.statusCode); it.resume() }).end()';
      psql -Atc 'SELECT $$psql $$ || count(*) FROM invoices' $DATABASE_URL;
      keytool -list -keystore $${STORE%.pem}.p12 -storepass changeit | grep -i trustedCertEntry;
      echo options $JAVA_TOOL_OPTIONS; echo own $AWS_CA_BUNDLE; exec sleep 600"]
    environment:
      BANK: "${edge.bank}"
      DATABASE_URL: "${edge.billing-db.url}"
      STORE: "${ca}"
      AWS_CA_BUNDLE: mine
    depends_on: [billing-db, bank]
    logs: plain
datastores:
  billing-db: { postgres: { schema: { sql: sql } }, tls: true }
partners:
  bank: { rules: bank.yaml, tls: true }
"#;

fn said(timeline: &Timeline, text: &str) -> bool {
    happened(
        timeline,
        |it| matches!(it, Happening::Log { message, .. } if message.contains(text)),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_handed_the_ca_as_its_languages_read_it() {
    let run = Run::new(MESH);
    run.prepare().await.unwrap();
    let (sandbox, timeline) = run.sandbox("s0").await;
    for text in [
        "curl 201",
        "python 201",
        "node 201",
        "psql 0",
        "trustedCertEntry",
        "options -Djavax.net.ssl.trustStore=/",
        "own mine",
    ] {
        comes(&timeline, || async { said(&timeline, text).then_some(()) }).await;
    }
    assert!(happened(
        &timeline,
        |it| matches!(it, Happening::Response { caller, status: Some(201), .. } if caller == "shop")
    ));
    assert!(happened(
        &timeline,
        |it| matches!(it, Happening::DatabaseSession { caller, .. } if caller == "shop")
    ));
    sandbox.close().await.unwrap();
    assert_eq!(run.close().await.unwrap(), Vec::<String>::new());
}
