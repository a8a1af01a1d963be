//! `momus run`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use momus_engine::masks::Masks;
use momus_engine::mesh::Mesh;
use momus_engine::run::{Keep, Settings, Teller};
use momus_engine::sandbox::Environment;
use momus_engine::timeline::Clock;
use momus_engine::timing::duration;
use momus_environments::cache::Cache;
use momus_environments::guardian::Launcher;
use momus_environments::process::{Options, ProcessEnvironment};
use momus_reports::again::Again;
use momus_reports::formats::{self, Format};
use momus_reports::reports::Reports;
use momus_reports::terminal::Terminal;
use tokio::sync::watch;

use super::broker::Broker;
use super::keep::Foreground;
use super::order::{OrderChoice, order};
use super::settings_file::SettingsFile;
use super::sources::{Errors, Planned, Sources, plural};
use super::stopping::Stopping;
use super::telling::{Telling, not_begun};
use super::{exit, guardian, keep};

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
    /// How many sandboxes are made ahead, while scenarios run, for those that come next; 0 for none (default: one, and one more
    /// for each core that no scenario has, but no more than run at a time; none where more run than there are cores).
    #[arg(long, value_name = "N")]
    pool: Option<usize>,
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
    /// Begin no other scenario, and try none again, once one has failed or is unknown.
    #[arg(long)]
    fail_fast: bool,
    /// Plan, and tell what would run; nothing is started.
    #[arg(long)]
    dry_run: bool,
    /// A report: junit:PATH, cucumber-json:PATH, timeline:PATH, or github for the annotations and the summary of a job there;
    /// beside the terminal's, which is always there.
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
    /// Run services as plain processes, without namespaces of their own; so they run, said aloud, where the system forbids these.
    /// Of `also_at`, host names of what speaks HTTP are reached by a forward proxy then (HTTPS_PROXY); others need walls.
    #[arg(long)]
    no_walls: bool,
    /// What stands behind the mesh's brokers (default: Apache Kafka; without Java or Maven the mock, said aloud).
    #[arg(long, value_enum, value_name = "KIND")]
    broker: Option<Broker>,
    /// Keep the sandboxes of the first scenarios that do not pass, with their servers, for a look: `momus status` lists them,
    /// `momus down` removes them, and so does the end of this time (default: 30 min).
    #[arg(long, value_name = "TIME", value_parser = duration, num_args = 0..=1, require_equals = true, default_missing_value = "30 min")]
    keep: Option<Duration>,
    /// This process is the run that `--keep` started.
    #[arg(long, hide = true)]
    kept: bool,
}

impl Run {
    /// Runs, and tells the exit code.
    pub fn run(&self) -> ExitCode {
        if self.keep.is_some() && !self.kept && !self.dry_run {
            return keep::relay("--kept").unwrap_or_else(|error| {
                eprintln!("error: {error}");
                ExitCode::from(exit::UNKNOWN)
            });
        }
        let foreground = match self.kept.then(Foreground::meet).transpose() {
            Ok(foreground) => foreground,
            Err(error) => {
                eprintln!("error: nothing can be kept: {error}");
                return ExitCode::from(exit::UNKNOWN);
            }
        };
        let planned = self.sources.plan();
        if self.dry_run
            && let Ok(planned) = &planned
            && !planned.plan.scenarios.is_empty()
        {
            return dry(planned);
        }
        // Behind the plan: a list of scenarios to run again may lie in the report's folder.
        let begins = planned.as_ref().is_ok_and(|planned| !planned.plan.scenarios.is_empty());
        let (settings, masks) = match &planned {
            Ok(planned) => (&planned.settings, Arc::clone(&planned.masks)),
            Err(errors) => (&errors.settings, Arc::clone(&errors.masks)),
        };
        let reports = match self.reports(begins, settings, &masks) {
            Ok(reports) => reports,
            Err(error) => {
                eprintln!("error: {}", masks.text(&error));
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
            Ok(planned) => match self.live(planned, reports, seed, foreground) {
                Ok(code) => ExitCode::from(code),
                Err(error) => {
                    eprintln!("error: {}", masks.text(&error));
                    ExitCode::from(exit::UNKNOWN)
                }
            },
        }
    }

    /// The reports; the terminal's only of a run that begins, for what keeps one from it is drawn in place of it.
    fn reports(&self, begins: bool, settings: &SettingsFile, masks: &Arc<Masks>) -> Result<Reports<'static>, String> {
        let formats = match self.formats.is_empty() {
            true => &settings.format,
            false => &self.formats,
        };
        let mut formats = formats::parse(formats).map_err(|error| error.to_string())?;
        formats.retain(|format| begins || *format != Format::Terminal);
        let again = self.again(masks);
        let terminal = Terminal::on_stdout(again.clone()).masking(Arc::clone(masks));
        let folder = Path::new(momus_reports::folder::NAME);
        Reports::open(&formats, folder, terminal, &again, masks).map_err(|error| error.to_string())
    }

    /// What a command says that runs one of the scenarios again: all that matters to one scenario, and no secret.
    fn again(&self, masks: &Masks) -> Again {
        let mut words = vec!["momus".to_owned(), "run".to_owned()];
        words.extend(self.sources.words());
        let mut flag = |name: &str, value: Option<String>| {
            words.extend(value.into_iter().flat_map(|value| [name.to_owned(), value]));
        };
        flag("--deadline", self.deadline.map(in_milliseconds));
        flag("--timeout", self.timeout.map(in_milliseconds));
        flag("--broker", self.broker.map(|broker| broker.name().to_owned()));
        words.extend(self.no_early.then(|| "--no-early".to_owned()));
        words.extend(self.no_walls.then(|| "--no-walls".to_owned()));
        Again::new(words.iter().map(|word| masks.text(word)))
    }

    /// Runs what is planned.
    ///
    /// # Errors
    /// A message for what this program itself cannot be given: a runtime, its own path, a folder for the cache.
    fn live(
        &self,
        planned: Planned,
        reports: Reports<'static>,
        seed: u64,
        foreground: Option<Foreground>,
    ) -> Result<u8, String> {
        let keep = foreground
            .as_ref()
            .map_or_else(Keep::default, |_| Keep::up_to(keep::MOST));
        let (usual, wanted) = (Settings::default(), &planned.settings);
        let parallel = self.parallel.or(wanted.parallel).map_or_else(cores, NonZeroUsize::get);
        let settings = Settings {
            version: env!("CARGO_PKG_VERSION").into(),
            seed,
            parallel,
            pool: self.pool.or(wanted.pool).unwrap_or_else(|| pool(cores(), parallel)),
            deadline: self.deadline.or(wanted.deadline).unwrap_or(usual.deadline),
            timeout: self.timeout.or(wanted.timeout).unwrap_or(usual.timeout),
            fail_fast: self.fail_fast || wanted.fail_fast.unwrap_or(false),
            early: !(self.no_early || wanted.no_early.unwrap_or(false)),
            retry: self.retry.or(wanted.retry).unwrap_or(usual.retry),
            order: self.order.or(wanted.order).unwrap_or(OrderChoice::Defined).seeded(seed),
            allow_refused: self.allow_refused || wanted.allow_refused.unwrap_or(false),
            keep: keep.clone(),
        };
        let fail_on_flaky = self.fail_on_flaky || wanted.fail_on_flaky.unwrap_or(false);
        let mesh = planned.plan.mesh.clone();
        let mesh = mesh.unwrap_or_else(|| Arc::new(Mesh::empty(PathBuf::new())));
        let options = self.options(settings.timeout, wanted)?;
        let environment = Arc::new(ProcessEnvironment::new(Arc::clone(&mesh), options));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("the asynchronous runtime does not start: {error}"))?;
        let (teller, told) = Teller::new(Clock::start());
        let teller = teller.masking(Arc::clone(&planned.masks));
        let telling = Telling::begin(reports, told);
        let (stop, stopped) = watch::channel(false);
        let of_run: Arc<dyn Environment> = Arc::clone(&environment) as _;
        let ran = runtime.block_on(async {
            let stopping = Stopping::watch().map_err(|error| format!("signals cannot be watched: {error}"))?;
            let run = momus_engine::run::run(planned.plan, of_run, settings, teller, stopped);
            Ok::<_, String>(stopping.during(run, &stop).await)
        });
        // Of a run that is stopped nothing is kept.
        let keeps = !keep.is_empty() && matches!(ran, Ok((_, None)));
        let runtime = if keeps {
            Some(runtime)
        } else {
            // What a second signal gave up does not hold the program back; the guardian ends what it started.
            runtime.shutdown_background();
            None
        };
        let (summary, signal) = ran?;
        let whole = telling.end();
        let code = match (signal, summary.map(|summary| summary.exit_code(fail_on_flaky))) {
            (Some(code), _) => code,
            (None, Some(0)) if !whole => exit::UNKNOWN,
            (None, code) => code.unwrap_or(exit::UNKNOWN),
        };
        if let (Some(runtime), Some(foreground), Some(lease)) = (runtime, foreground, self.keep) {
            runtime.block_on(keep::hold(keep.take(), &environment, &mesh, lease, foreground, code))?;
        }
        Ok(code)
    }

    fn options(&self, timeout: Duration, wanted: &SettingsFile) -> Result<Options, String> {
        let program =
            std::env::current_exe().map_err(|error| format!("this program's own path is unknown: {error}"))?;
        Ok(Options {
            launcher: Launcher {
                program,
                arguments: vec![guardian::NAME.into()],
            },
            cache: Cache::of_user().map_err(|error| error.to_string())?,
            broker: self.broker.or(wanted.broker).map(Broker::choice),
            ci: std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false")),
            walls: !(self.no_walls || wanted.no_walls.unwrap_or(false)),
            // Before the scenario's own time is over: then the service's last lines can be shown.
            ready_limit: READY_LIMIT.min(timeout * 3 / 4),
        })
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// How many sandboxes are made ahead where nothing is said. To make one takes a core: where all are taken, it would cost those
/// that run what it saves those that come.
fn pool(cores: usize, parallel: usize) -> usize {
    cores.saturating_add(1).saturating_sub(parallel).min(parallel)
}

fn in_milliseconds(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

/// Tells what a run would run.
fn dry(planned: &Planned) -> ExitCode {
    let mut steps = 0;
    for scenario in &planned.plan.scenarios {
        let place = &scenario.place;
        let line = format!("{}:{}  {}", place.file, place.line, place.name);
        println!("{}", planned.masks.text(&line));
        steps += scenario.steps.len();
    }
    let scenarios = plural(planned.plan.scenarios.len(), "scenario");
    println!("{scenarios} planned, nothing started · {}", plural(steps, "step"));
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::pool;

    #[test]
    fn sandboxes_are_made_ahead_as_there_are_cores_for_it() {
        assert_eq!([1, 2, 8].map(|parallel| pool(2, parallel)), [1, 1, 0]);
        assert_eq!([1, 4, 8, 16, 17].map(|parallel| pool(16, parallel)), [1, 4, 8, 1, 0]);
        assert_eq!(pool(1, 1), 1);
    }
}
