//! psql.

use tokio::process::Command;

use super::cells::shown;
use super::ground::Way;

const FEATURES: &[&str] = &[
    "startup",
    "simple",
    "prepared",
    "copy",
    "notify",
    "transactions",
    "errors",
    "cursor",
];

/// What it is told: it goes on behind an error, which it prints.
fn script(feature: &str) -> &'static str {
    match feature {
        "startup" => "SHOW application_name; SHOW client_encoding; \\encoding",
        "simple" => "SELECT 1 \\; SELECT 'two'; \\d items\n\\df twice\n\\dT+ state",
        "prepared" => "PREPARE p AS SELECT twice($1); EXECUTE p (21); DEALLOCATE p;",
        "copy" => "\\copy copies FROM STDIN\n1\ta\n2\tb\n\\.\nCOPY copies TO STDOUT;\n\\copy copies TO STDOUT csv",
        "notify" => "LISTEN news; NOTIFY news, 'one';",
        "transactions" => {
            "BEGIN; INSERT INTO steps VALUES (1); SAVEPOINT s; INSERT INTO steps VALUES (1); ROLLBACK TO s; COMMIT; TABLE steps;"
        }
        "errors" => "\\set VERBOSITY verbose\nSELECT 1/0; SELECT * FROM nowhere; SELEC 1; \\echo :LAST_ERROR_SQLSTATE",
        _ => "\\set FETCH_COUNT 100\nSELECT n, md5(n::text) FROM generate_series(1, 2000) n;",
    }
}

#[tokio::test]
async fn psql() {
    // Process ids, and lines of the server's sources, which each version of it has elsewhere, are left out.
    let run = "command -v psql > /dev/null || exit 127; \
        printf '%s\\n' \"$2\" | psql \"$1\" -X -f - 2>&1 | sed 's/ with PID.*//; /^LOCATION:/d'";
    let says = async |feature: &str, way: &Way<'_>| {
        let mut command = Command::new("bash");
        command.args(["-o", "pipefail", "-c", run, "bash", &way.url, script(feature)]);
        way.said(command).await
    };
    shown("psql", "psql", FEATURES, says).await;
}
