//! GitHub Actions: annotations on the lines of feature files, and the job's summary.

mod command;
mod summary;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use momus_engine::event::{Event, Happening};
use momus_engine::outcome::{Outcome, Summary};

use self::command::{Annotation, Level};
use crate::again::Again;
use crate::explanation;
use crate::report_file::at;
use crate::reporter::Reporter;
use crate::scenarios::Finished;

/// How many annotations of a level GitHub shows of a step.
const SHOWN: usize = 10;

/// Writes an annotation of each scenario that did not pass as it ends, errors of those that are red and warnings of flaky
/// ones, at most ten of each, for GitHub shows no more; and when the run is finished the job's summary, with all of them.
pub struct Github<W> {
    out: W,
    /// `$GITHUB_STEP_SUMMARY`, which other steps write to as well.
    summary: Option<File>,
    /// `$GITHUB_WORKSPACE`: annotations name files from there.
    workspace: Option<PathBuf>,
    again: Again,
    errors: usize,
    warnings: usize,
    told: Vec<summary::Entry>,
    counts: Option<Summary>,
}

impl Github<io::Stdout> {
    /// Standard output, where GitHub reads annotations, and the summary's file that the environment names.
    ///
    /// # Errors
    /// Where that file cannot be written.
    pub fn of_job(again: Again) -> io::Result<Self> {
        let path = |name: &str| {
            std::env::var_os(name)
                .filter(|path| !path.is_empty())
                .map(PathBuf::from)
        };
        Self::new(
            io::stdout(),
            path("GITHUB_STEP_SUMMARY").as_deref(),
            path("GITHUB_WORKSPACE"),
            again,
        )
    }
}

impl<W: Write> Github<W> {
    /// A report that is written to `out`, and appended to the summary's file where there is one.
    ///
    /// # Errors
    /// Where that file cannot be written.
    pub fn new(out: W, summary: Option<&Path>, workspace: Option<PathBuf>, again: Again) -> io::Result<Self> {
        let open = |path: &Path| {
            OpenOptions::new()
                .create(true)
                .append(true)
                .open(path)
                .map_err(at(path))
        };
        Ok(Self {
            out,
            summary: summary.map(open).transpose()?,
            workspace,
            again,
            errors: 0,
            warnings: 0,
            told: Vec::new(),
            counts: None,
        })
    }

    fn annotate_scenario(&mut self, finished: &Finished) -> io::Result<()> {
        let level = match finished.outcome {
            Outcome::Passed | Outcome::Skipped => return Ok(()),
            Outcome::Flaky => Level::Warning,
            Outcome::Failed | Outcome::Refused | Outcome::Unknown | Outcome::Undefined | Outcome::Ambiguous => {
                Level::Error
            }
        };
        self.told.push(summary::Entry::of_scenario(finished, &self.again));
        let first = finished.tries().next().unwrap_or(finished);
        // A phrase's step stands under the scenario's own, which the change that broke it is more likely to be about.
        let call = first.step().and_then(|step| step.place.within.first());
        let line = call.map(|call| call.line).or(first.step().map(|step| step.place.line));
        let told = match finished.outcome {
            Outcome::Failed => String::new(),
            Outcome::Flaky => format!(" (flaky: passed at try {})", finished.attempt),
            other => format!(" ({})", other.word()),
        };
        self.annotate(&Annotation {
            level,
            file: &self.in_repository(&finished.place.file),
            line: Some(line.unwrap_or(finished.place.line)),
            title: &format!("{}{told}", finished.name()),
            message: &message(first),
        })
    }

    fn annotate(&mut self, annotation: &Annotation<'_>) -> io::Result<()> {
        let count = match annotation.level {
            Level::Error => &mut self.errors,
            Level::Warning => &mut self.warnings,
        };
        *count += 1;
        if *count > SHOWN {
            return Ok(());
        }
        writeln!(self.out, "{annotation}")?;
        self.out.flush()
    }

    /// A file as the repository names it.
    fn in_repository(&self, file: &str) -> String {
        let within = || {
            let whole = std::path::absolute(file).ok()?;
            let within = whole.strip_prefix(self.workspace.as_ref()?).ok()?;
            Some(within.display().to_string())
        };
        within().unwrap_or_else(|| file.to_owned())
    }
}

impl<W: Write> Reporter for Github<W> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.again.event(event);
        if let Happening::FileError {
            file,
            line,
            message,
            hint,
        } = &event.happening
        {
            let hint = hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
            let text = format!("{message}{hint}");
            self.told.push(summary::Entry::of_file(file, *line, &text));
            let file = self.in_repository(file);
            self.annotate(&Annotation {
                level: Level::Error,
                file: &file,
                line: *line,
                title: "momus: nothing was started",
                message: &text,
            })?;
        }
        if let Happening::RunFinished { summary } = &event.happening {
            self.counts = Some(summary.clone());
        }
        Ok(())
    }

    fn scenario(&mut self, finished: &Finished) -> io::Result<()> {
        self.annotate_scenario(finished)
    }

    fn finish(&mut self) -> io::Result<()> {
        let left_out = self.errors.saturating_sub(SHOWN) + self.warnings.saturating_sub(SHOWN);
        if left_out > 0 {
            writeln!(
                self.out,
                "{left_out} more are not annotated, for GitHub shows {SHOWN} of a step: the job's summary has all"
            )?;
        }
        self.out.flush()?;
        if let Some(file) = &mut self.summary {
            let counts = self.counts.clone().unwrap_or_default();
            file.write_all(summary::markdown(&counts, &self.told).as_bytes())?;
            file.flush()?;
        }
        Ok(())
    }
}

/// The first failure, in few lines.
fn message(finished: &Finished) -> String {
    let mut lines: Vec<String> = explanation::in_one_line(finished).into_iter().collect();
    if let Some(failure) = finished.failure() {
        let parts = [
            ("expected", &failure.expected),
            ("last seen", &failure.seen),
            ("hint", &failure.hint),
        ];
        lines.extend(
            parts
                .iter()
                .filter_map(|(name, part)| part.as_ref().map(|part| format!("{name}: {part}"))),
        );
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use momus_engine::event::Event;
    use momus_engine::failure::Failure;

    use super::*;
    use crate::reports::report;
    use crate::sample;

    /// What is written to standard output, and the summary.
    fn written(events: &[Event], workspace: Option<PathBuf>) -> (String, String) {
        let scratch = tempfile::tempdir().unwrap();
        let summary = scratch.path().join("summary.md");
        std::fs::write(&summary, "# of another step\n").unwrap();
        let mut out = Vec::new();
        let again = Again::new(["momus", "run"]);
        report(Github::new(&mut out, Some(&summary), workspace, again).unwrap(), events);
        (
            String::from_utf8(out).unwrap(),
            std::fs::read_to_string(summary).unwrap(),
        )
    }

    #[test]
    fn a_failure_is_annotated_on_its_line_and_stands_in_the_summary() {
        let (out, summary) = written(&sample::failing_run("features/a.feature"), None);
        assert_eq!(
            out,
            "::error file=features/a.feature,line=8,title=The bank / the bank & the shop::When shop charges 5: the status is another%0Aexpected: status 201%0Alast seen: status 503%0Ahint: is billing up?\n"
        );
        insta::assert_snapshot!(summary);
    }

    #[test]
    fn a_flaky_scenario_is_a_warning() {
        let (out, summary) = written(&sample::tried_again("a.feature", Outcome::Flaky), None);
        assert!(
            out.starts_with(
                "::warning file=a.feature,line=8,title=The bank / the bank & the shop (flaky%3A passed at try 2)::When"
            ),
            "{out}"
        );
        assert!(summary.contains("1 passed, 1 flaky"), "{summary}");
        assert!(summary.contains("flaky"), "{summary}");
    }

    #[test]
    fn an_error_of_a_file_is_annotated() {
        let error = Happening::FileError {
            file: "mesh.yaml".into(),
            line: Some(4),
            message: "unknown key `servces`".into(),
            hint: Some("did you mean `services`?".into()),
        };
        let (out, summary) = written(&[sample::event(0, None, error)], None);
        assert_eq!(
            out,
            "::error file=mesh.yaml,line=4,title=momus%3A nothing was started::unknown key `servces`%0Ahint: did you mean `services`?\n"
        );
        assert!(summary.contains("unknown key `servces`"), "{summary}");
    }

    #[test]
    fn a_file_is_named_as_the_repository_names_it() {
        let here = std::env::current_dir().unwrap();
        let workspace = here.parent().unwrap().to_owned();
        let (out, _) = written(&sample::failing_run("a.feature"), Some(workspace));
        let folder = here.file_name().unwrap().to_str().unwrap();
        assert!(
            out.starts_with(&format!("::error file={folder}/a.feature,line=8,")),
            "{out}"
        );
    }

    #[test]
    fn ten_are_annotated_and_all_stand_in_the_summary() {
        let failed = |index: usize| {
            let place = sample::place("a.feature", index + 1, None, &format!("number {index}"));
            let why = Some(Failure::failed("it failed"));
            [
                sample::event(0, Some(index), sample::started(place, 1)),
                sample::event(1, Some(index), sample::finished(Outcome::Failed, 1, why)),
            ]
        };
        let events: Vec<Event> = (0..12).flat_map(failed).collect();
        let (out, summary) = written(&events, None);
        assert_eq!(out.matches("::error").count(), 10);
        assert!(out.ends_with("2 more are not annotated, for GitHub shows 10 of a step: the job's summary has all\n"));
        assert!(
            summary.contains("number 0") && summary.contains("number 11"),
            "{summary}"
        );
    }

    #[test]
    fn what_passed_and_what_was_left_out_is_no_annotation() {
        let place = sample::place("a.feature", 3, None, "any");
        let ended = |outcome| {
            let started = sample::event(0, Some(0), sample::started(place.clone(), 1));
            written(
                &[started, sample::event(1, Some(0), sample::finished(outcome, 1, None))],
                None,
            )
            .0
        };
        assert_eq!(
            (ended(Outcome::Passed), ended(Outcome::Skipped)),
            (String::new(), String::new())
        );
        assert!(ended(Outcome::Unknown).contains("title=any (unknown)::"));
    }
}
