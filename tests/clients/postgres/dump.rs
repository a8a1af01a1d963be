//! pg_dump.

use tokio::process::Command;

use super::cells::shown;
use super::ground::Way;

const FEATURES: &[&str] = &["schema", "all", "data, copied"];

#[tokio::test]
async fn pg_dump() {
    // Newer ones draw a key for their first and last line. Comments name the version, and each version sets other things.
    let run = "pg_dump \"$1\" \"$2\" > dump.$$ && grep -v restrict dump.$$ | sed '/^--/d; /^SET /d; /^$/d'; \
        done=$?; rm dump.$$; exit $done";
    let says = async |feature: &str, way: &Way<'_>| {
        let argument = match feature {
            "schema" => "--schema-only",
            "all" => "--inserts",
            _ => "--data-only",
        };
        let mut command = Command::new("bash");
        command.args(["-o", "pipefail", "-c", run, "bash", argument, &way.url]);
        command.current_dir(env!("CARGO_TARGET_TMPDIR"));
        way.said(command).await
    };
    shown("pg_dump", "pg_dump", FEATURES, says).await;
}
