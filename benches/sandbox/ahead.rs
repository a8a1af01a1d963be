//! Scenarios one after another, whose sandboxes are made ahead.

use std::sync::Arc;
use std::time::Duration;

use momus_engine::event::{Event, Happening};
use momus_engine::mesh::Mesh;
use momus_engine::plan::{Feature, Planner, Selection};
use momus_engine::run::{Settings, Teller, Told, run};
use momus_engine::sandbox::Environment;
use momus_engine::step;
use momus_engine::step::BlockShape;
use momus_engine::timeline::Clock;
use momus_engine::vocabulary::Vocabulary;
use tokio::sync::watch;

use crate::{ROUNDS, Result};

/// How long a scenario runs: longer than the making of a sandbox takes.
const LASTS: Duration = Duration::from_millis(1500);

step! {
    /// Takes some time.
    "{service} is at work", BlockShape::Nothing;
    pub fn at_work(_world, _service: String; _block) {
        drop(tokio::time::timeout(LASTS, std::future::pending::<()>()).await);
        Ok(())
    }
}

/// From the end of each scenario's last step to the beginning of the next one's first.
pub(super) async fn waits(mesh: &Arc<Mesh>, environment: impl Environment + 'static) -> Result<Vec<Duration>> {
    let scenarios: String = (0..=ROUNDS)
        .map(|number| format!("Scenario: {number}\n* iris is at work\n"))
        .collect();
    let source = format!("Feature: one after another\n{scenarios}");
    let document = momus_gherkin::parse(&source).map_err(|errors| format!("{errors:?}"))?;
    let feature = Feature {
        file: "ahead.feature".into(),
        name: "one after another".into(),
        pickles: momus_gherkin::pickles(&document, "ahead.feature"),
        lines: Vec::new(),
    };
    let planner = Planner {
        vocabulary: &Vocabulary::new(vec![at_work()]).map_err(|error| format!("{error:?}"))?,
        mesh: Some(Arc::clone(mesh)),
        variables: Arc::default(),
    };
    let plan = planner
        .plan([feature], &Selection::default())
        .map_err(|errors| format!("{errors:?}"))?;
    let (teller, mut told) = Teller::new(Clock::start());
    let reading = tokio::spawn(async move {
        let mut all: Vec<Event> = Vec::new();
        while let Some(told) = told.recv().await {
            match told {
                Told::Events(piece) => all.extend(piece.events),
                Told::Reported(answer) => drop(answer.send(())),
            }
        }
        all
    });
    let settings = Settings {
        pool: 1,
        ..Settings::default()
    };
    let (_stop, stopped) = watch::channel(false);
    let summary = run(plan, Arc::new(environment), settings, teller, stopped).await;
    if summary.exit_code(false) != 0 {
        return Err(format!("{summary:?}").into());
    }
    let mut events = reading.await?;
    events.sort_by_key(|event| event.elapsed);
    let mut ended = None;
    let mut waits = Vec::new();
    for event in events {
        match event.happening {
            Happening::StepFinished { .. } => ended = Some(event.elapsed),
            Happening::StepStarted { .. } => waits.extend(ended.map(|ended| event.elapsed.saturating_sub(ended))),
            _ => {}
        }
    }
    Ok(waits)
}
