//! Processes that serve one sandbox after another.

use std::path::Path;
use std::time::Duration;

use momus_engine::event::Happening;
use momus_engine::injection::Strikes;
use momus_engine::timeline::Timeline;
use momus_proxies::edges::Edges;

use crate::life::states;
use crate::run::{MESH, Run, comes, found, happened, processes};
use crate::sandboxes::{order, rows, topics};

fn mesh() -> String {
    MESH.replace("healthcheck:", "settle: 300ms\n    reuse: true\n    healthcheck:")
}

/// The numbers of the processes that are services.
fn services(run_folder: &Path) -> Vec<String> {
    let of_services = found(run_folder)
        .into_iter()
        .filter(|(_, line)| line.contains("service::service"));
    of_services.map(|(pid, _)| pid).collect()
}

/// Why a service cannot be reused, if it was said.
fn refused(timeline: &Timeline, of: &str) -> Option<String> {
    let states = states(timeline, of);
    states
        .iter()
        .find_map(|state| Some(state.strip_prefix("not reusable: ")?.to_owned()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_sandbox_has_data_of_its_own_and_the_process_of_another() {
    let run = Run::new(&mesh());
    run.prepare().await.unwrap();
    let folder = run.run_folder();
    for round in 0..3 {
        let (name, id) = (format!("s{round}"), format!("o-{round}"));
        let (sandbox, timeline) = run.sandbox(&name).await;
        assert_eq!(services(&folder).len(), 2);
        assert_eq!(order(&sandbox, &timeline, &id).await, "201");
        assert_eq!(rows(&sandbox).await, [id.as_str()]);
        assert_eq!(topics(&sandbox).await, [("orders.v1".to_owned(), 1)]);
        let calls = |event: &Happening| matches!(event, Happening::PartnerCall { partner, .. } if partner == "bank");
        assert_eq!(
            timeline.look(|events| events.iter().filter(|it| calls(&it.happening)).count()),
            1
        );
        sandbox.close().await.unwrap();
        let begun = if round == 0 { "started" } else { "reused" };
        for service in ["shop", "billing"] {
            assert_eq!(
                states(&timeline, service),
                [begun, "ready", "left"],
                "{service} of {name}"
            );
        }
        let log = std::fs::read_to_string(sandbox.logs().unwrap().join("billing.log"));
        assert_eq!(log.unwrap().contains("listening\n"), round == 0);
    }
    let ((one, first), (other, second)) = tokio::join!(run.sandbox("s3"), run.sandbox("s4"));
    assert_eq!(services(&folder).len(), 4, "none serves two at once");
    let (own, foreign) = tokio::join!(order(&one, &first, "o-3"), order(&other, &second, "o-4"));
    assert_eq!((own.as_str(), foreign.as_str()), ("201", "201"));
    assert_eq!(
        (rows(&one).await, rows(&other).await),
        (vec!["o-3".to_owned()], vec!["o-4".to_owned()])
    );
    let closed = tokio::join!(one.close(), other.close());
    assert!(closed.0.is_ok() && closed.1.is_ok());
    assert_eq!(run.close().await.unwrap(), Vec::<String>::new());
    assert_eq!(processes(&folder), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_harmed_or_is_at_work_or_ended_is_not_reused() {
    let run = Run::new(&mesh());
    run.prepare().await.unwrap();
    let folder = run.run_folder();

    let (sandbox, timeline) = run.sandbox("s0").await;
    sandbox.kill("billing").await.unwrap();
    sandbox.start("billing").await.unwrap();
    sandbox.ready("billing").await.unwrap();
    sandbox.close().await.unwrap();
    assert_eq!(
        refused(&timeline, "billing").unwrap(),
        "a step ended, paused or started it"
    );
    assert_eq!(refused(&timeline, "shop"), None);

    let (sandbox, timeline) = run.sandbox("s1").await;
    assert_eq!(states(&timeline, "billing"), ["started", "ready"]);
    assert_eq!(states(&timeline, "shop"), ["reused", "ready"]);
    let edges = sandbox.extensions().get::<Edges>().unwrap();
    drop(
        edges
            .get("shop", "kafka")
            .unwrap()
            .cut(Strikes::new("cut", timeline.clone())),
    );
    sandbox.close().await.unwrap();
    let why = "a fault struck one of its edges, or could have";
    assert_eq!(
        (refused(&timeline, "shop").as_deref(), refused(&timeline, "billing")),
        (Some(why), None)
    );

    let (sandbox, timeline) = run.sandbox("s2").await;
    assert_eq!(states(&timeline, "billing"), ["reused", "ready"]);
    let _open = timeline.activity().begins("a transaction of billing");
    sandbox.close().await.unwrap();
    let why = refused(&timeline, "billing").unwrap();
    assert!(
        why.starts_with("its sandbox was not quiet within 800 ms: a transaction of billing"),
        "{why}"
    );

    let (sandbox, _) = run.sandbox("s3").await;
    sandbox.close().await.unwrap();
    let pids = services(&folder);
    assert_eq!(pids.len(), 2);
    for pid in &pids {
        assert!(
            std::process::Command::new("kill")
                .args(["-9", pid])
                .status()
                .unwrap()
                .success()
        );
    }
    let timeline = Timeline::new(momus_engine::timeline::Clock::start(), 0, "none");
    comes(&timeline, || async { services(&folder).is_empty().then_some(()) }).await;
    let (sandbox, timeline) = run.sandbox("s4").await;
    for service in ["shop", "billing"] {
        assert_eq!(states(&timeline, service), ["started", "ready"]);
    }
    assert!(!happened(&timeline, |it| matches!(it, Happening::Notice { .. })));
    sandbox.close().await.unwrap();
    assert_eq!(run.close().await.unwrap(), Vec::<String>::new());
    assert_eq!(processes(&folder), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_does_not_become_ready_again_is_started_anew() {
    // It never looks for its database again, so that it shows no more than that it lives.
    let mesh = mesh().replace("VARIABLE: billing", "VARIABLE: billing\n      ONCE: yes");
    let run = Run::limited(&mesh, Duration::from_secs(5));
    run.prepare().await.unwrap();
    let (sandbox, _) = run.sandbox("s0").await;
    sandbox.close().await.unwrap();
    let (sandbox, timeline) = run.sandbox("s1").await;
    assert_eq!(states(&timeline, "shop"), ["reused", "ready"]);
    comes(&timeline, || async {
        let states = states(&timeline, "billing");
        (states
            .iter()
            .filter(|state| !state.contains("told"))
            .eq(["reused", "started", "ready"]))
        .then_some(())
    })
    .await;
    let told = |it: &Happening| matches!(it, Happening::Notice { text } if text.starts_with("billing was not ready within 5 s"));
    assert!(happened(&timeline, told));
    assert!(sandbox.incident().borrow().is_none());
    sandbox.close().await.unwrap();
    run.close().await.unwrap();
}
