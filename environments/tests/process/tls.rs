//! A service whose dependencies are reached over TLS, by programs that nobody here wrote.

use momus_engine::activity::Quiet;
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
      java Ask.java $BANK/charges;
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

/// Java's own HTTP client, told of nothing.
const JAVA: &str = r#"
import java.net.URI;
import java.net.http.*;

public final class Ask {
    public static void main(String[] arguments) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(arguments[0])).POST(HttpRequest.BodyPublishers.noBody()).build();
        var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.discarding());
        System.out.println("java " + answer.statusCode());
    }
}
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
    std::fs::write(run.folder.path().join("Ask.java"), JAVA).unwrap();
    run.prepare().await.unwrap();
    let (sandbox, timeline) = run.sandbox("s0").await;
    for text in [
        "curl 201",
        "python 201",
        "node 201",
        "java 201",
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

/// A service that speaks TLS itself, and one that knows it by the certificate that it has.
const PASSED: &str = r#"mesh: small
services:
  vault:
    command: [python3, -u, vault.py]
    environment: { PORT: "${port.https}" }
    ports: { https: 8443 }
    healthcheck: { tcp: https }
    tls: passthrough
  shop:
    command: [bash, -c, "
      curl -sS --cacert vault.pem -w 'curl %{http_code}\n' $VAULT/secret;
      curl -sS $VAULT/secret; echo untrusted $?; exec sleep 600"]
    environment: { VAULT: "${edge.vault}" }
    depends_on: [vault]
    logs: plain
"#;

const VAULT: &str = r#"
import http.server, os, ssl

class Vault(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(203)
        self.send_header("Content-Length", "0")
        self.end_headers()

server = http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Vault)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("vault.pem", "vault.key")
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_that_passes_is_between_the_two_programs_alone() {
    let run = Run::new(PASSED);
    std::fs::write(run.folder.path().join("vault.py"), VAULT).unwrap();
    let mut openssl = std::process::Command::new("openssl");
    openssl.args([
        "req",
        "-x509",
        "-nodes",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
    ]);
    openssl.args([
        "-subj",
        "/CN=vault",
        "-addext",
        "subjectAltName=DNS:vault,IP:127.0.0.1",
        "-days",
        "2",
    ]);
    openssl.args(["-keyout", "vault.key", "-out", "vault.pem"]);
    let made = openssl.current_dir(run.folder.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    run.prepare().await.unwrap();
    let (sandbox, timeline) = run.sandbox("s0").await;
    for text in ["curl 203", "untrusted 60"] {
        comes(&timeline, || async { said(&timeline, text).then_some(()) }).await;
    }
    let shops = |it: &Happening| match it {
        Happening::Connection { caller, dependency, .. } => caller == "shop" && dependency == "vault",
        _ => false,
    };
    assert!(happened(&timeline, shops));
    assert!(!happened(&timeline, |it| matches!(it, Happening::Request { .. })));
    // Nobody can tell what passes.
    let quiet = timeline.activity().quiet();
    assert!(matches!(quiet, Quiet::Hidden { .. }), "{quiet:?}");
    sandbox.close().await.unwrap();
    assert_eq!(run.close().await.unwrap(), Vec::<String>::new());
}
