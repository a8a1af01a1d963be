//! `momus run`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use momus_engine::mesh::Mesh;
use momus_engine::plan::Plan;
use momus_engine::run::{Settings, Teller};
use momus_engine::timeline::Clock;
use momus_engine::timing::duration;
use momus_environments::cache::Cache;
use momus_environments::guardian::Launcher;
use momus_environments::process::{BrokerChoice, Options, ProcessEnvironment};
use momus_reports::again::Again;
use momus_reports::formats::{self, Format};
use momus_reports::reports::Reports;
use momus_reports::terminal::Terminal;
use tokio::sync::watch;

use super::order::{OrderChoice, order};
use super::sources::{Errors, Planned, Sources, plural};
use super::stopping::Stopping;
use super::telling::{Telling, not_begun};
use super::{exit, guardian};

/// How long a service may take until it is ready.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// Run scenarios, each in a sandbox of its own.
///
/// Exit codes: 0 all passed (flaky ones too, unless `--fail-on-flaky`), 1 something failed, 2 an error in usage or a file (nothing was started), 3 Momus could not run
/// or could not tell, 4 no scenario selected, 130 and 143 stopped by SIGINT and SIGTERM.
#[derive(Args)]
pub struct Run {
    #[command(flatten)]
    sources: Sources,
    /// How many scenarios run at a time (default: as many as there are cores).
    #[arg(long, value_name = "N")]
    parallel: Option<NonZeroUsize>,
    /// Seed of everything that is drawn (default: a random one, which is printed).
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Try scenarios that failed again when all have been tried, each up to N times, in a fresh sandbox and with the same
    /// draws; one that passes then is flaky.
    #[arg(long, value_name = "N")]
    retry: Option<usize>,
    /// Exit with 1 when a scenario is flaky.
    #[arg(long)]
    fail_on_flaky: bool,
    /// Skip scenarios that the environment lacks something for; else they are refused, and the exit code is 3.
    #[arg(long)]
    allow_refused: bool,
    /// The order in which scenarios begin: `defined` (as the files have them) or `random`, which the run's seed decides, or
    /// `random:SEED` (default: defined). Reports for machines keep the files' order.
    #[arg(long, value_name = "ORDER", value_parser = order)]
    order: Option<OrderChoice>,
    /// Begin no other scenario, and try none again, once one has failed.
    #[arg(long)]
    fail_fast: bool,
    /// Plan, and tell what would run; nothing is started.
    #[arg(long)]
    dry_run: bool,
    /// A report: junit:PATH, cucumber-json:PATH or timeline:PATH; beside the terminal's, which is always there.
    #[arg(long = "format", value_name = "NAME[:PATH]")]
    formats: Vec<String>,
    /// How long `eventually` waits where the step says nothing (default: 10 s).
    #[arg(long, value_name = "TIME", value_parser = duration)]
    deadline: Option<Duration>,
    /// How long a scenario may take, its sandbox included (default: 2 min).
    #[arg(long, value_name = "TIME", value_parser = duration)]
    timeout: Option<Duration>,
    /// Wait for deadlines also when the mesh is quiet before; the verdicts are the same.
    #[arg(long)]
    no_early: bool,
    /// What stands behind the mesh's brokers (default: Apache Kafka; without Java or Maven the mock, said aloud).
    #[arg(long, value_enum, value_name = "KIND")]
    broker: Option<Broker>,
}

/// What stands behind the mesh's brokers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Broker {
    /// Apache Kafka, on the installed Java.
    Real,
    /// librdkafka's mock cluster.
    Mock,
}

impl Run {
    /// Runs, and tells the exit code.
    pub fn run(&self) -> ExitCode {
        let planned = self.sources.plan();
        if self.dry_run
            && let Ok(planned) = &planned
            && !planned.plan.scenarios.is_empty()
        {
            return dry(&planned.plan);
        }
        // Behind the plan: a list of scenarios to run again may lie in the report's folder.
        let begins = planned.as_ref().is_ok_and(|planned| !planned.plan.scenarios.is_empty());
        let reports = match self.reports(begins) {
            Ok(reports) => reports,
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::from(exit::USAGE);
            }
        };
        let seed = self.seed.unwrap_or_else(rand::random);
        match planned {
            Err(errors) => {
                errors.show();
                not_begun(reports, seed, &errors);
                ExitCode::from(exit::USAGE)
            }
            Ok(planned) if planned.plan.scenarios.is_empty() => {
                not_begun(reports, seed, &Errors::default());
                eprint!("{}", exit::nothing_selected(planned.files));
                ExitCode::from(exit::NOTHING_SELECTED)
            }
            Ok(planned) => match self.live(planned, reports, seed) {
                Ok(code) => ExitCode::from(code),
                Err(error) => {
                    eprintln!("error: {error}");
                    ExitCode::from(exit::UNKNOWN)
                }
            },
        }
    }

    /// The reports; the terminal's only of a run that begins, for what keeps one from it is drawn in place of it.
    fn reports(&self, begins: bool) -> Result<Reports, String> {
        let mut formats = formats::parse(&self.formats).map_err(|error| error.to_string())?;
        formats.retain(|format| begins || *format != Format::Terminal);
        let again = self.again();
        let terminal = Terminal::on_stdout(again.clone());
        let folder = Path::new(momus_reports::folder::NAME);
        Reports::open(&formats, folder, terminal, &again, &Arc::default()).map_err(|error| error.to_string())
    }

    /// What a command says that runs one of the scenarios again: all but the paths, the selection and the reports.
    fn again(&self) -> Again {
        let mut words = vec!["momus".to_owned(), "run".to_owned()];
        words.extend(self.sources.words());
        let mut flag = |name: &str, value: Option<String>| {
            words.extend(value.into_iter().flat_map(|value| [name.to_owned(), value]));
        };
        flag("--deadline", self.deadline.map(in_milliseconds));
        flag("--timeout", self.timeout.map(in_milliseconds));
        let broker = self.broker.and_then(|broker| broker.to_possible_value());
        flag("--broker", broker.map(|broker| broker.get_name().to_owned()));
        Again::new(words)
    }

    /// Runs what is planned.
    ///
    /// # Errors
    /// A message for what this program itself cannot be given: a runtime, its own path, a folder for the cache.
    fn live(&self, planned: Planned, reports: Reports, seed: u64) -> Result<u8, String> {
        let usual = Settings::default();
        let settings = Settings {
            version: env!("CARGO_PKG_VERSION").into(),
            seed,
            parallel: self
                .parallel
                .or(planned.settings.parallel)
                .map_or_else(cores, NonZeroUsize::get),
            deadline: self.deadline.or(planned.settings.deadline).unwrap_or(usual.deadline),
            timeout: self.timeout.or(planned.settings.timeout).unwrap_or(usual.timeout),
            fail_fast: self.fail_fast,
            early: !self.no_early,
            retry: self.retry.unwrap_or(0),
            order: self.order.unwrap_or(OrderChoice::Defined).seeded(seed),
            allow_refused: self.allow_refused,
        };
        let environment = Arc::new(ProcessEnvironment::new(
            planned
                .plan
                .mesh
                .clone()
                .unwrap_or_else(|| Arc::new(Mesh::empty(PathBuf::new()))),
            self.options(settings.timeout)?,
        ));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("the asynchronous runtime does not start: {error}"))?;
        let (teller, told) = Teller::new(Clock::start());
        let telling = Telling::begin(reports, told);
        let (stop, stopped) = watch::channel(false);
        let ran = runtime.block_on(async {
            let stopping = Stopping::watch().map_err(|error| format!("signals cannot be watched: {error}"))?;
            let run = momus_engine::run::run(planned.plan, environment, settings, teller, stopped);
            Ok::<_, String>(stopping.during(run, &stop).await)
        });
        // What a second signal gave up does not hold the program back; the guardian ends what it started.
        runtime.shutdown_background();
        let (summary, signal) = ran?;
        let whole = telling.end();
        Ok(
            match (signal, summary.map(|summary| summary.exit_code(self.fail_on_flaky))) {
                (Some(code), _) => code,
                (None, Some(0)) if !whole => exit::UNKNOWN,
                (None, code) => code.unwrap_or(exit::UNKNOWN),
            },
        )
    }

    fn options(&self, timeout: Duration) -> Result<Options, String> {
        let program =
            std::env::current_exe().map_err(|error| format!("this program's own path is unknown: {error}"))?;
        Ok(Options {
            launcher: Launcher {
                program,
                arguments: vec![guardian::NAME.into()],
            },
            cache: Cache::of_user().map_err(|error| error.to_string())?,
            broker: self.broker.map(|broker| match broker {
                Broker::Real => BrokerChoice::Real,
                Broker::Mock => BrokerChoice::Mock,
            }),
            ci: std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false")),
            // Before the scenario's own time is over: then the service's last lines can be shown.
            ready_limit: READY_LIMIT.min(timeout * 3 / 4),
        })
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

fn in_milliseconds(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

/// Tells what a run would run.
fn dry(plan: &Plan) -> ExitCode {
    let mut steps = 0;
    for scenario in &plan.scenarios {
        let place = &scenario.place;
        println!("{}:{}  {}", place.file, place.line, place.name);
        steps += scenario.steps.len();
    }
    let scenarios = plural(plan.scenarios.len(), "scenario");
    println!("{scenarios} planned, nothing started · {}", plural(steps, "step"));
    ExitCode::SUCCESS
}
