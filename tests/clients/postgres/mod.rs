//! Clients of PostgreSQL, against a real server.

mod ground;
mod library;
mod tap;

use std::path::Path;

use futures::future::join_all;
use tokio::process::Command;

use self::ground::{Ground, said};
use crate::table::{Cell, judge};
use crate::tools::{go, node_path, programs, python};

const PYTHON: [&str; 14] = [
    "startup",
    "encryption",
    "password",
    "simple",
    "extended",
    "prepared",
    "pipeline",
    "copy",
    "notify",
    "cancel",
    "transactions",
    "errors",
    "large",
    "cursor",
];
const NODE: [&str; 13] = [
    "startup",
    "encryption",
    "password",
    "simple",
    "extended",
    "prepared",
    "queue",
    "notify",
    "cancel",
    "transactions",
    "errors",
    "large",
    "cursor",
];

/// What psql is told: it goes on behind an error, which it prints.
const PSQL: [(&str, &str); 8] = [
    ("startup", "SHOW application_name; SHOW client_encoding; \\encoding"),
    (
        "simple",
        "SELECT 1 \\; SELECT 'two'; \\d items\n\\df twice\n\\dT+ state",
    ),
    (
        "prepared",
        "PREPARE p AS SELECT twice($1); EXECUTE p (21); DEALLOCATE p;",
    ),
    (
        "copy",
        "\\copy copies FROM STDIN\n1\ta\n2\tb\n\\.\nCOPY copies TO STDOUT;\n\\copy copies TO STDOUT csv",
    ),
    ("notify", "LISTEN news; NOTIFY news, 'one';"),
    (
        "transactions",
        "BEGIN; INSERT INTO steps VALUES (1); SAVEPOINT s; INSERT INTO steps VALUES (1); ROLLBACK TO s; COMMIT; TABLE steps;",
    ),
    (
        "errors",
        "\\set VERBOSITY verbose\nSELECT 1/0; SELECT * FROM nowhere; SELEC 1; \\echo :LAST_ERROR_SQLSTATE",
    ),
    (
        "cursor",
        "\\set FETCH_COUNT 100\nSELECT n, md5(n::text) FROM generate_series(1, 2000) n;",
    ),
];

/// The run of one feature: what to start for a URL.
struct Try<'t> {
    client: &'t str,
    feature: &'t str,
    command: Box<dyn Fn(&str) -> Command + Send + Sync + 't>,
}

fn tries(go: &Path) -> Vec<Try<'_>> {
    let mut tries = Vec::new();
    for feature in PYTHON.into_iter().chain(["replication"]) {
        let command = move |url: &str| {
            let mut command = Command::new(python());
            command.arg(programs().join("python/postgres.py")).args([url, feature]);
            command
        };
        tries.push(Try {
            client: "psycopg 3.3.9",
            feature,
            command: Box::new(command),
        });
    }
    for feature in NODE {
        let command = move |url: &str| {
            let mut command = Command::new("node");
            command.env("NODE_PATH", node_path());
            command.arg(programs().join("node/postgres.js")).args([url, feature]);
            command
        };
        tries.push(Try {
            client: "pg 8.23.1",
            feature,
            command: Box::new(command),
        });
    }
    for feature in PYTHON {
        let command = move |url: &str| {
            let mut command = Command::new(go);
            command.args([url, feature]);
            command
        };
        tries.push(Try {
            client: "pgx 5.13.0",
            feature,
            command: Box::new(command),
        });
    }
    for (feature, script) in PSQL {
        let command = move |url: &str| {
            let mut command = Command::new("bash");
            let run = "command -v psql > /dev/null || exit 127; printf '%s\\n' \"$2\" | psql \"$1\" -X -f - 2>&1 | sed 's/ with PID.*//'";
            command.args(["-o", "pipefail", "-c", run, "bash", url, script]);
            command
        };
        tries.push(Try {
            client: "psql",
            feature,
            command: Box::new(command),
        });
    }
    for (feature, arguments) in [
        ("schema", "--schema-only"),
        ("all", "--inserts"),
        ("data, copied", "--data-only"),
    ] {
        let command = move |url: &str| {
            let mut command = Command::new("bash");
            // Newer ones draw a key for their first and last line.
            let run = "pg_dump \"$1\" \"$2\" > dump.$$ && grep -v restrict dump.$$; done=$?; rm dump.$$; exit $done";
            command.args(["-o", "pipefail", "-c", run, "bash", arguments, url]);
            command.current_dir(env!("CARGO_TARGET_TMPDIR"));
            command
        };
        tries.push(Try {
            client: "pg_dump",
            feature,
            command: Box::new(command),
        });
    }
    let command = |url: &str| {
        let mut command = Command::new("bash");
        let run = "url=$1 && psql -qX \"$url\" -c \"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots \
            WHERE slot_name = 'received'\" > /dev/null && pg_recvlogical -d \"$url\" --slot received --create-slot && \
            psql -qX \"$url\" -c \"INSERT INTO lines (id, item, note) VALUES (78, 1, 'received')\" && \
            end=$(psql -XAt \"$url\" -c 'SELECT pg_current_wal_insert_lsn()') && \
            pg_recvlogical -d \"$url\" --slot received --start --endpos $end -o include-xids=0 -f - && \
            pg_recvlogical -d \"$url\" --slot received --drop-slot";
        command.args(["-o", "pipefail", "-c", run, "bash", url]);
        command
    };
    tries.push(Try {
        client: "pg_recvlogical",
        feature: "replication",
        command: Box::new(command),
    });
    tries
}

#[tokio::test(flavor = "multi_thread")]
async fn every_client_sees_what_it_sees_without_an_edge() {
    let ground = Ground::prepare().await;
    let go = tokio::task::spawn_blocking(|| {
        python();
        node_path();
        go("postgres")
    });
    let go = go.await.unwrap();
    let mut cells = Vec::new();
    // Four at a time: more have nothing to run on.
    for tries in tries(&go).chunks(4) {
        cells.extend(join_all(tries.iter().map(|one| tried(&ground, one))).await);
    }
    for feature in library::FEATURES {
        let (direct, proxied) = (ground.direct().await, ground.proxied().await);
        cells.push(Cell {
            client: "tokio-postgres 0.7".to_owned(),
            feature: feature.to_owned(),
            direct: Some(library::says(&direct.url, feature).await),
            proxied: library::says(&proxied.url, feature).await,
            tls: None,
            wire: proxied.tap.seen(),
        });
    }
    ground.end().await;
    judge("PostgreSQL", &cells);
}

async fn tried(ground: &Ground, one: &Try<'_>) -> Cell {
    let way = ground.direct().await;
    let direct = said(&mut (one.command)(&way.url)).await;
    let way = ground.proxied().await;
    let proxied = said(&mut (one.command)(&way.url)).await;
    if std::env::var_os("TABLE_SAYS").is_some() {
        eprintln!(
            "{}, {}: {}",
            one.client,
            one.feature,
            direct.as_deref().unwrap_or_default()
        );
    }
    Cell {
        client: one.client.to_owned(),
        feature: one.feature.to_owned(),
        direct: Some(direct),
        proxied,
        tls: None,
        wire: way.tap.seen(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sandboxes_see_nothing_of_each_other() {
    let ground = Ground::prepare().await;
    let (one, other) = (ground.proxied().await, ground.proxied().await);
    let (one, mut heard) = library::open(&one.url).await.unwrap();
    let (other, mut overheard) = library::open(&other.url).await.unwrap();
    for client in [&one, &other] {
        client.batch_execute("LISTEN news").await.unwrap();
    }
    one.batch_execute("CREATE TABLE own (); INSERT INTO steps VALUES (1); NOTIFY news, 'one'")
        .await
        .unwrap();
    assert_eq!(heard.recv().await.as_deref(), Some("news one"));
    let seen = other
        .query_one("SELECT count(*) FROM steps WHERE to_regclass('own') IS NULL", &[])
        .await
        .unwrap();
    assert_eq!(seen.get::<_, i64>(0), 0);
    // Its own comes, and nothing before it.
    other.batch_execute("NOTIFY news, 'other'").await.unwrap();
    assert_eq!(overheard.recv().await.as_deref(), Some("news other"));
    ground.end().await;
}
