//! What goes wrong before the first step: told at once, by name and place, and nothing of it is left.

use std::fs;
use std::time::{Duration, Instant};

use momus_engine::outcome::Outcome;

use crate::run::{MESH, Run, processes};

/// A mesh of one service, whose lines these are.
fn one(lines: &str) -> String {
    let lines: Vec<String> = lines.lines().map(|line| format!("    {line}")).collect();
    format!("mesh: small\nservices:\n  shop:\n{}\n", lines.join("\n"))
}

/// What a sandbox of this mesh fails of, and that nothing is left once the run is closed.
async fn fails(mesh: &str) -> Vec<String> {
    let run = Run::new(mesh);
    run.prepare().await.unwrap();
    let failure = run.try_sandbox("s0").await.err().unwrap();
    assert_eq!(failure.outcome, Outcome::Unknown);
    assert_eq!(run.close().await.unwrap(), Vec::<String>::new());
    run.read(&failure)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_dies_at_its_start_is_told_at_once_with_its_last_lines() {
    let began = Instant::now();
    let mesh = one(
        "command: [sh, -c, 'echo no such table: prices >&2; exit 3']\nports: { http: 1 }\nhealthcheck: { http: /readyz }",
    );
    let told = fails(&mesh).await;
    assert_eq!(
        told,
        [
            "unknown: shop ended with exit code 3 before it was ready",
            "hint: its `command` stands at FOLDER/mesh.yaml:4:14",
            "| no such table: prices"
        ]
    );
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "at once: {:?}",
        began.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_never_ready_is_told_with_what_it_lacks() {
    let mesh = one("command: [sh, -c, 'echo thinking; sleep 600']\nports: { http: 1 }\nhealthcheck: { http: /readyz }");
    let run = Run::limited(&mesh, Duration::from_millis(700));
    run.prepare().await.unwrap();
    let failure = run.try_sandbox("s0").await.err().unwrap();
    assert_eq!(
        run.read(&failure),
        [
            "unknown: shop was not ready within 700 ms: GET /readyz: Connection refused (os error 111)",
            "hint: shop is ready when its `healthcheck` (FOLDER/mesh.yaml:6:18) passes",
            "| thinking"
        ]
    );
    run.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_consumes_nothing_is_told_with_the_partitions_that_it_lacks() {
    let mesh = "mesh: small\nservices:\n  shop: { command: [sleep, \"600\"], environment: { K: \"${edge.kafka}\" }, depends_on: [kafka], consumes: [orders.v1] }\n\
                brokers: { kafka: { topics: { orders.v1: { partitions: 2 } } } }\n";
    let run = Run::limited(mesh, Duration::from_millis(300));
    run.prepare().await.unwrap();
    let failure = run.try_sandbox("s0").await.err().unwrap();
    assert_eq!(
        run.read(&failure),
        [
            "unknown: shop was not ready within 300 ms: it does not hold orders.v1 [0], orders.v1 [1]",
            "hint: shop is ready when it holds every partition that it `consumes` (FOLDER/mesh.yaml:3:105)",
        ]
    );
    assert_eq!(run.close().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_not_there_is_told_with_its_place() {
    assert_eq!(
        fails(&one("command: [bin/shop]")).await,
        [
            "unknown: shop cannot be started: `bin/shop`: No such file or directory (os error 2)",
            "hint: its `command` stands at FOLDER/mesh.yaml:4:14, and runs in FOLDER"
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_that_fails_is_told_with_its_last_lines_and_ends_what_was_started_beside_it() {
    let mesh = MESH.replace(
        "  shop:\n",
        "  shop:\n    build: \"echo 'cannot find shop.c' >&2; exit 2\"\n",
    );
    let run = Run::new(&mesh);
    let began = Instant::now();
    let failure = run.prepare().await.unwrap_err();
    assert_eq!(
        run.read(&failure),
        [
            "unknown: the build of shop ended with exit code 2: `echo 'cannot find shop.c' >&2; exit 2`",
            "hint: it stands at FOLDER/mesh.yaml:4:12, and runs in FOLDER",
            "| cannot find shop.c"
        ]
    );
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "nobody waits for the broker: {:?}",
        began.elapsed()
    );
    let folder = run.run_folder();
    assert_eq!(
        run.try_sandbox("s0").await.err().unwrap().message,
        "the environment is not prepared"
    );
    assert_eq!(run.close().await.unwrap(), Vec::<String>::new());
    assert!(!folder.exists());
    assert_eq!(processes(&folder), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_that_is_no_sql_is_told_with_file_and_line_before_a_long_build_ends() {
    let run = Run::new(&MESH.replace("  shop:\n", "  shop:\n    build: sleep 600\n"));
    fs::write(
        run.folder.path().join("sql/001_invoices.sql"),
        "CREATE TABLE invoices (\n  id txt\n);\n",
    )
    .unwrap();
    let failure = run.prepare().await.unwrap_err();
    assert_eq!(
        run.read(&failure),
        [
            "unknown: FOLDER/sql/001_invoices.sql:2:6: type \"txt\" does not exist (SQLSTATE 42704)",
            "hint: it is the schema of datastore billing-db, at FOLDER/mesh.yaml:30:44"
        ]
    );
    run.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_cannot_be_made_is_told_as_the_mesh_calls_it_and_leaves_no_database() {
    let mesh = MESH.replace(
        "orders.v1: { partitions: 2 }",
        "orders.v1: { partitions: 2, config: { retention.ms: long } }",
    );
    assert_eq!(
        fails(&mesh).await,
        [
            "unknown: topic orders.v1 cannot be made: Invalid value long for configuration retention.ms: Not a number of type LONG",
            "hint: it is declared at FOLDER/mesh.yaml:31:22"
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sandbox_that_fails_half_way_leaves_nothing_and_the_next_one_works() {
    let run = Run::new(MESH);
    run.prepare().await.unwrap();
    let rules = run.folder.path().join("bank.yaml");
    let right = fs::read_to_string(&rules).unwrap();
    fs::write(&rules, "routes: 7\n").unwrap();
    let failure = run.try_sandbox("s0").await.err().unwrap();
    assert_eq!(failure.outcome, Outcome::Unknown);
    assert!(
        run.steady(&failure.message).contains("FOLDER/bank.yaml:1:9"),
        "{failure:?}"
    );
    fs::write(&rules, right).unwrap();
    // Under the same name: nothing of the first is in its way.
    let (sandbox, _) = run.sandbox("s0").await;
    sandbox.close().await.unwrap();
    assert_eq!(run.close().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sandbox_whose_making_is_given_up_leaves_nothing() {
    let run = Run::new(&MESH.replace(
        "healthcheck: { http: /readyz }\ndatastores",
        "healthcheck: { http: /never }\ndatastores",
    ));
    run.prepare().await.unwrap();
    // From before anything is made of it until its services are started.
    for (number, moment) in [0, 1, 5, 20, 60, 150, 400, 900].into_iter().enumerate() {
        let name = format!("s{number}");
        let given_up = tokio::time::timeout(Duration::from_millis(moment), run.try_sandbox(&name)).await;
        assert!(given_up.is_err(), "billing is never ready");
    }
    let folder = run.run_folder();
    assert_eq!(run.close().await.unwrap(), Vec::<String>::new());
    assert!(!folder.exists());
    assert_eq!(processes(&folder), Vec::<String>::new());
}
