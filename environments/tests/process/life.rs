//! What is done to services, and what happens to them by themselves.

use std::time::Duration;

use momus_engine::event::{Happening, ServiceState};
use momus_engine::outcome::Outcome;
use momus_engine::timeline::Timeline;

use crate::run::{MESH, Run, comes, endpoint, happened, processes};

/// What became of a service, in order.
pub fn states(timeline: &Timeline, of: &str) -> Vec<String> {
    let state = |happening: &Happening| match happening {
        Happening::Service { service, state } if service == of => Some(match state {
            ServiceState::Exited { status, told } => format!("{status}, told: {told}"),
            ServiceState::NotReusable { why } => format!("not reusable: {why}"),
            other => format!("{other:?}").to_lowercase(),
        }),
        _ => None,
    };
    timeline.look(|events| events.iter().filter_map(|event| state(&event.happening)).collect())
}

async fn status(url: &str) -> Option<u16> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_millis(500))
        .build()
        .unwrap();
    client.get(url).send().await.ok().map(|answer| answer.status().as_u16())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_killed_started_paused_resumed_and_restarted() {
    let run = Run::new(MESH);
    run.prepare().await.unwrap();
    let (sandbox, timeline) = run.sandbox("s0").await;
    let ready = format!("{}/readyz", endpoint(&sandbox, "billing").url);
    assert_eq!(status(&ready).await, Some(200));

    sandbox.kill("billing").await.unwrap();
    assert_eq!(status(&ready).await, None, "the edge mirrors that nobody listens");
    let again = sandbox.kill("billing").await.unwrap_err();
    assert_eq!(
        run.read(&again),
        ["failed: billing does not run", "hint: `… is started` starts it"]
    );
    assert_eq!(
        sandbox.pause("billing").await.unwrap_err().message,
        "billing does not run"
    );
    sandbox.start("billing").await.unwrap();
    assert_eq!(
        sandbox.start("billing").await.unwrap_err().message,
        "billing runs already"
    );
    sandbox.ready("billing").await.unwrap();
    assert_eq!(status(&ready).await, Some(200), "its caller finds it where it was");

    sandbox.pause("billing").await.unwrap();
    assert_eq!(status(&ready).await, None, "no answer");
    sandbox.resume("billing").await.unwrap();
    assert_eq!(comes(&timeline, || status(&ready)).await, 200);

    sandbox.restart("billing").await.unwrap();
    assert_eq!(status(&ready).await, Some(200));
    let told = comes(&timeline, || async {
        let states = states(&timeline, "billing");
        (states.iter().filter(|state| state.contains("told")).count() == 2).then_some(states)
    });
    let mut told = told.await;
    // An end is noted once all is read that the process wrote: at any time after it.
    told.retain(|state| !state.contains("told"));
    assert_eq!(
        told,
        [
            "started", "ready", "killed", "started", "ready", "paused", "resumed", "stopping", "started", "ready"
        ]
    );
    assert!(sandbox.incident().borrow().is_none(), "all of this was told");
    assert!(sandbox.ready("nobody").await.is_err());
    sandbox.close().await.unwrap();
    run.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_ends_by_itself_is_an_incident_with_its_last_lines() {
    let run = Run::new(MESH);
    run.prepare().await.unwrap();
    let (sandbox, _) = run.sandbox("s0").await;
    let mut incident = sandbox.incident();
    let exit = format!("{}/exit", endpoint(&sandbox, "billing").url);
    assert_eq!(status(&exit).await, None);
    let seen = tokio::time::timeout(Duration::from_secs(10), incident.wait_for(Option::is_some)).await;
    let failure = seen.unwrap().unwrap().clone().unwrap();
    assert_eq!(failure.outcome, Outcome::Failed);
    assert_eq!(failure.message, "billing ended with SIGABRT, and no step told it to");
    assert_eq!(failure.output.last().unwrap(), "the till is empty");
    let log = std::fs::read_to_string(sandbox.logs().unwrap().join("billing.log")).unwrap();
    assert!(
        log.contains("listening\n") && log.contains("the till is empty\n"),
        "{log}"
    );
    sandbox.close().await.unwrap();
    run.close().await.unwrap();
}

/// A service that shares its port with nobody, and ignores SIGTERM.
const STUBBORN: &str = r#"mesh: small
services:
  stubborn:
    command: ["SERVICE", --exact, "service::service", --nocapture]
    environment: { VARIABLE: stubborn, PORT: "${port.http}" }
    ports: { http: 8080 }
    healthcheck: { http: /readyz }
    stop_grace_period: 300ms
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_whose_port_was_taken_is_started_again_on_another() {
    let run = Run::without_walls(STUBBORN);
    run.prepare().await.unwrap();
    let (sandbox, timeline) = run.sandbox("s0").await;
    let ready = format!("{}/readyz", endpoint(&sandbox, "stubborn").url);
    assert_eq!(status(&ready).await, Some(200));
    let said =
        |it: &Happening| matches!(it, Happening::Log { message, .. } if message.contains("Address already in use"));
    assert!(happened(&timeline, said));
    assert!(sandbox.incident().borrow().is_none());
    // Of the next one it is known.
    let (next, timeline) = run.sandbox("s1").await;
    assert!(!happened(&timeline, said));
    assert_eq!(states(&timeline, "stubborn"), ["started", "ready"]);
    next.close().await.unwrap();
    // A restart does not wait longer than it is told to.
    sandbox.restart("stubborn").await.unwrap();
    let folder = run.run_folder();
    sandbox.close().await.unwrap();
    run.close().await.unwrap();
    assert_eq!(processes(&folder), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_half_way_is_an_incident_of_every_sandbox() {
    let run = Run::new(MESH);
    run.prepare().await.unwrap();
    let ((one, _), (other, _)) = tokio::join!(run.sandbox("s0"), run.sandbox("s1"));
    let folder = run.run_folder();
    let broker = std::fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).into_owned();
        let ours = line.contains("kafka.Kafka") && line.contains(folder.to_str().unwrap());
        ours.then(|| entry.file_name().into_string().unwrap().parse::<i32>().unwrap())
    });
    let broker = rustix::process::Pid::from_raw(broker.unwrap()).unwrap();
    rustix::process::kill_process(broker, rustix::process::Signal::KILL).unwrap();
    for sandbox in [&one, &other] {
        let mut incident = sandbox.incident();
        let seen = tokio::time::timeout(Duration::from_secs(10), incident.wait_for(Option::is_some)).await;
        let failure = seen.unwrap().unwrap().clone().unwrap();
        let hint = "hint: it is shared by all scenarios; a machine out of memory or disk is the usual cause";
        assert_eq!(
            run.read(&failure)[..2],
            ["unknown: the broker kafka died unasked: SIGKILL", hint]
        );
    }
    let late = run.try_sandbox("s2").await.err().unwrap();
    assert_eq!(late.message, "the broker kafka died unasked: SIGKILL");
    one.close().await.unwrap();
    other.close().await.unwrap();
    assert_eq!(
        run.close().await.unwrap(),
        Vec::<String>::new(),
        "what died took its data along"
    );
    assert_eq!(processes(&folder), Vec::<String>::new());
}
