//! Cucumber JSON, which Jenkins' Cucumber reports and many others read; written by the `cucumber` crate.

mod steps;

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::io::{self, Write};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use cucumber::event::{
    Cucumber, Event as Timed, Feature as FeatureEvent, HookType, RetryableScenario, Rule as RuleEvent,
    Scenario as ScenarioEvent, Source, StepError,
};
use cucumber::{Writer, cli, gherkin, writer};
use momus_engine::event::Event;
use momus_engine::masks::Masks;
use momus_engine::outcome::Outcome;
use regex::Regex;
use serde_json::Value as Json;

use self::steps::Row;
use crate::again::Again;
use crate::explanation;
use crate::feature_files::FeatureFiles;
use crate::reporter::Reporter;
use crate::scenarios::Finished;

/// The tag of a scenario that passed when it was tried again: the format has no word for it, and its readers count tags.
const FLAKY: &str = "@momus:flaky";

/// What the `cucumber` crate puts before the message of every step that failed; none of ours panicked.
const PANICKED: &str = "Step panicked. Captured output: ";

/// Writes Cucumber JSON when the run is finished: features and scenarios in the plan's order, an outline's row as a
/// scenario of its own, a Background's steps as the scenario's first ones.
///
/// The format knows neither refused nor unknown: both are failed, with their reason. What is no step's failure is that
/// of a hook, before the first step or after the last. A failed step carries the last happenings as an attachment. A
/// scenario that was tried several times is what its last try was, the others are attachments of its first step, and the
/// tag `@momus:flaky` tells one that passed in the end.
pub struct CucumberJson<W> {
    out: W,
    again: Again,
    files: FeatureFiles,
    ended: Vec<Finished>,
}

impl<W: Write> CucumberJson<W> {
    /// A report that is written to `out`; each failure tells the command that runs its scenario again.
    pub fn new(out: W, again: Again) -> Self {
        Self {
            out,
            again,
            files: FeatureFiles::default(),
            ended: Vec::new(),
        }
    }

    /// The same report, which tells no step of a feature file without these masks.
    pub fn masking(mut self, masks: Arc<Masks>) -> Self {
        self.files = FeatureFiles::masked(masks);
        self
    }
}

impl<W: Write> Reporter for CucumberJson<W> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.again.event(event);
        Ok(())
    }

    fn scenario(&mut self, finished: &Finished) -> io::Result<()> {
        let mut finished = finished.clone();
        if !finished.did_not_pass() {
            finished.tail.clear();
        }
        self.ended.push(finished);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let mut ended = std::mem::take(&mut self.ended);
        ended.sort_by_key(|finished| finished.index);
        let mut adapter = Adapter::new()?;
        let mut written = Vec::new();
        let mut json = writer::Json::raw(&mut written);
        for finished in &ended {
            adapter.scenario(&mut json, finished, &mut self.files, &self.again);
        }
        handle(&mut json, Timed::new(Cucumber::Finished));
        drop(json);
        let mut features: Json = serde_json::from_slice(&written)?;
        without_panics(&mut features);
        self.out.write_all(&serde_json::to_vec(&features)?)?;
        self.out.flush()
    }
}

/// The world that the writer wants; no step of ours runs in it.
#[derive(Debug)]
struct NoWorld;

impl cucumber::World for NoWorld {
    type Error = Infallible;

    async fn new() -> Result<Self, Infallible> {
        Ok(Self)
    }
}

/// Hands one event to the writer, which never waits.
fn handle<W: Writer<NoWorld, Cli = cli::Empty>>(writer: &mut W, event: Timed<Cucumber<NoWorld>>) {
    let mut handled = pin!(writer.handle_event(Ok(event), &cli::Empty));
    while handled.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Pending {}
}

/// Makes of our scenarios the events that the `cucumber` crate's writers read.
struct Adapter {
    features: HashMap<String, Source<gherkin::Feature>>,
    captures: regex::CaptureLocations,
}

impl Adapter {
    fn new() -> io::Result<Self> {
        Ok(Self {
            features: HashMap::new(),
            captures: Regex::new("").map_err(io::Error::other)?.capture_locations(),
        })
    }

    fn scenario<W: Writer<NoWorld, Cli = cli::Empty>>(
        &mut self,
        json: &mut W,
        finished: &Finished,
        files: &mut FeatureFiles,
        again: &Again,
    ) {
        let feature = self.feature(finished, files);
        let rule = finished.place.rule.as_ref().map(|rule| {
            let rule = gherkin::Rule::builder()
                .keyword("Rule".into())
                .name(rule.clone())
                .scenarios(Vec::new());
            Source::new(rule.build())
        });
        let rows = steps::rows(finished, files);
        let scenario = Source::new(scenario(finished, files));
        let mut tell = |at: SystemTime, event: ScenarioEvent<NoWorld>| {
            let event = RetryableScenario { event, retries: None };
            let event = match &rule {
                Some(rule) => {
                    let event = RuleEvent::Scenario(scenario.clone(), event);
                    FeatureEvent::Rule(rule.clone(), event)
                }
                None => FeatureEvent::Scenario(scenario.clone(), event),
            };
            let mut timed = Timed::new(Cucumber::Feature(feature.clone(), event));
            timed.at = at;
            handle(json, timed);
        };
        let run_it_again = explanation::run_it_again(finished, again);
        let told = |text: String| Arc::new(format!("{text}\n{run_it_again}"));
        let broken_off = finished.step().filter(|step| step.failure.is_none()).is_some();
        let of_a_hook = finished.own_failure.is_some() || finished.failure().is_none();
        let hook = (finished.did_not_pass() && of_a_hook && !broken_off).then_some(if finished.steps.is_empty() {
            HookType::Before
        } else {
            HookType::After
        });
        let hook_failed = |tell: &mut dyn FnMut(SystemTime, ScenarioEvent<NoWorld>), kind, took| {
            tell(SystemTime::UNIX_EPOCH, ScenarioEvent::hook_started(kind));
            if finished.step().is_none() && !finished.tail.is_empty() {
                let tail = finished.tail.join("\n");
                tell(SystemTime::UNIX_EPOCH, ScenarioEvent::Log(tail));
            }
            let failed = ScenarioEvent::hook_failed(kind, None, told(explanation::of_own(finished)));
            tell(SystemTime::UNIX_EPOCH + took, failed);
        };
        if matches!(hook, Some(HookType::Before)) {
            hook_failed(&mut tell, HookType::Before, finished.took);
        }
        let mut earlier = finished.earlier.as_slice();
        let mut tail = Some(finished.tail.join("\n")).filter(|tail| !tail.is_empty());
        for Row { step, ended, run } in rows {
            let step = Source::new(step);
            let (outcome, took) = ended;
            tell(SystemTime::UNIX_EPOCH, ScenarioEvent::step_started(step.clone()));
            for failed in std::mem::take(&mut earlier) {
                tell(SystemTime::UNIX_EPOCH, ScenarioEvent::Log(earlier_try(failed)));
            }
            let ended = match outcome {
                Outcome::Passed => ScenarioEvent::step_passed(step, self.captures.clone(), None),
                Outcome::Skipped => ScenarioEvent::step_skipped(step),
                Outcome::Undefined => ScenarioEvent::step_failed(step, None, None, None, StepError::NotFound),
                // Readers of the format do not all know `ambiguous`.
                Outcome::Failed | Outcome::Flaky | Outcome::Refused | Outcome::Unknown | Outcome::Ambiguous => {
                    if let Some(tail) = tail.take() {
                        tell(SystemTime::UNIX_EPOCH, ScenarioEvent::Log(tail));
                    }
                    let failure = run.and_then(|run| run.failure.as_ref().map(|failure| (run, failure)));
                    let why = failure.map_or_else(
                        || explanation::of_own(finished),
                        |(run, failure)| explanation::of_step(finished, run, failure),
                    );
                    ScenarioEvent::step_failed(step, None, None, None, StepError::Panic(told(why)))
                }
            };
            tell(SystemTime::UNIX_EPOCH + took, ended);
        }
        if matches!(hook, Some(HookType::After)) {
            hook_failed(&mut tell, HookType::After, Duration::ZERO);
        }
    }

    /// The feature that the scenario stands in, without what the writer does not read.
    fn feature(&mut self, finished: &Finished, files: &mut FeatureFiles) -> Source<gherkin::Feature> {
        let place = &finished.place;
        let made = self.features.entry(place.file.clone()).or_insert_with(|| {
            let known = files.file(&place.file).document.feature.as_ref();
            let feature = gherkin::Feature::builder()
                .keyword(known.map_or("Feature", |feature| feature.keyword).to_owned())
                .name(place.feature.clone())
                .tags(known.map_or_else(Vec::new, |feature| {
                    feature.tags.iter().map(|tag| tag.name.clone()).collect()
                }))
                .position(at(known.map_or(1, |feature| feature.location.line as usize)))
                .path(Some(PathBuf::from(&place.file)));
            Source::new(feature.build())
        });
        made.clone()
    }
}

/// What became of a try before the last one.
fn earlier_try(failed: &Finished) -> String {
    let why = explanation::of_try(failed);
    let (attempt, tail) = (failed.attempt, failed.tail.join("\n"));
    format!("try {attempt} failed: {why}\n\n{tail}").trim_end().to_owned()
}

fn scenario(finished: &Finished, files: &mut FeatureFiles) -> gherkin::Scenario {
    let place = &finished.place;
    let file = files.file(&place.file);
    let keyword = file.pickle(place).and_then(|pickle| file.scenario_keyword(pickle));
    let mut tags = place.tags.clone();
    if finished.outcome == Outcome::Flaky {
        tags.push(FLAKY.to_owned());
    }
    gherkin::Scenario::builder()
        .keyword(keyword.unwrap_or("Scenario").to_owned())
        .name(place.name.clone())
        .steps(Vec::new())
        .tags(tags)
        .position(at(place.line))
        .build()
}

fn at(line: usize) -> gherkin::LineCol {
    gherkin::LineCol { line, col: 1 }
}

/// Takes [`PANICKED`] away wherever it stands before a message.
fn without_panics(json: &mut Json) {
    match json {
        Json::Object(fields) => {
            if let Some(Json::String(message)) = fields.get_mut("error_message")
                && let Some(told) = message.strip_prefix(PANICKED)
            {
                *message = told.to_owned();
            }
            fields.values_mut().for_each(without_panics);
        }
        Json::Array(items) => items.iter_mut().for_each(without_panics),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

#[cfg(test)]
mod tests;
