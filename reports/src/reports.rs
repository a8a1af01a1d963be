//! All the reports of a run.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use momus_engine::event::{Event, Happening};
use momus_engine::masks::Masks;
use momus_engine::piece::Piece;

use crate::again::Again;
use crate::cucumber_json::CucumberJson;
use crate::folder::{self, Folder};
use crate::formats::Format;
use crate::github::Github;
use crate::junit::Junit;
use crate::report_file::create;
use crate::reporter::Reporter;
use crate::scenarios::{Ended, Scenarios};
use crate::timeline::Timeline;

/// All the reports of a run: what `--format` names, and the folder that every run leaves.
pub struct Reports<'r> {
    reports: Vec<Report<'r>>,
    scenarios: Scenarios,
}

type BoxedReporter<'r> = Box<dyn Reporter + Send + 'r>;

struct Report<'r> {
    named: Named,
    /// None once it could not be written: that is told once, and it gets no more events.
    reporter: Option<BoxedReporter<'r>>,
}

/// What a report is called and where it is written.
#[derive(Clone, Debug)]
struct Named {
    name: &'static str,
    path: Option<PathBuf>,
}

/// A report that cannot be written.
#[derive(Debug)]
pub struct ReportError {
    report: Named,
    source: io::Error,
}

impl<'r> Reports<'r> {
    /// Creates every file, so that what cannot be written is told before anything starts.
    ///
    /// `folder` is where the report's folder is made; `terminal` is what [`Format::Terminal`] stands for; `masks` is for what
    /// reports read besides events.
    ///
    /// # Errors
    /// The first report that cannot be written.
    pub fn open(
        formats: &[Format],
        folder: &Path,
        terminal: impl Reporter + Send + 'r,
        again: &Again,
        masks: &Arc<Masks>,
    ) -> Result<Self, ReportError> {
        let mut terminal: Option<BoxedReporter<'r>> = Some(Box::new(terminal));
        let mut reports = Vec::new();
        for format in formats {
            let reporter = match format {
                Format::Terminal => Ok(terminal.take()),
                Format::Github => Github::of_job(again.clone()).map(boxed),
                Format::Junit(path) => create(path).map(|file| boxed(Junit::new(file, again.clone()))),
                Format::CucumberJson(path) => {
                    create(path).map(|file| boxed(CucumberJson::new(file, again.clone()).masking(Arc::clone(masks))))
                }
                Format::Timeline(path) => create(path).map(|file| boxed(Timeline::new(file))),
            };
            let named = Named {
                name: format.name(),
                path: format.path().map(Path::to_owned),
            };
            reports.push(Report::new(named, reporter)?);
        }
        let named = Named {
            name: folder::NAME,
            path: Some(folder.to_owned()),
        };
        reports.push(Report::new(
            named,
            Folder::create(folder, Arc::clone(masks)).map(boxed),
        )?);
        Ok(Self {
            reports,
            scenarios: Scenarios::default(),
        })
    }

    /// Hands the next events to every report, and what ends with them. Gives those reports that could not be written: they get
    /// no more, the others have had all.
    pub fn piece(&mut self, piece: &Piece) -> Vec<ReportError> {
        let mut errors: Vec<ReportError> = self
            .each(|reporter| reporter.lines(&piece.lines))
            .err()
            .into_iter()
            .collect();
        errors.extend(piece.events.iter().filter_map(|event| self.event(event).err()));
        errors
    }

    fn event(&mut self, event: &Event) -> Result<(), ReportError> {
        let mut unfinished = Ok(());
        if matches!(event.happening, Happening::RunFinished { .. }) {
            unfinished = self.unfinished();
        }
        let ended = self.scenarios.event(event);
        unfinished.and(self.each(|reporter| {
            reporter.event(event)?;
            match &ended {
                Some(Ended::Scenario(finished)) => reporter.scenario(finished),
                Some(Ended::Try(failed)) => reporter.failed_try(failed),
                None => Ok(()),
            }
        }))
    }

    /// Has every report write what it keeps back; called when nothing else is to be told at the moment.
    ///
    /// # Errors
    /// The first report that could not be written.
    pub fn flush(&mut self) -> Result<(), ReportError> {
        self.each(|reporter| reporter.flush())
    }

    /// Ends every report; called once, after the last event, however the run ended.
    ///
    /// # Errors
    /// The first report that could not be written; the others are whole.
    pub fn finish(&mut self) -> Result<(), ReportError> {
        self.unfinished().and(self.each(|reporter| reporter.finish()))
    }

    /// Hands the scenarios to every report that began and did not end.
    fn unfinished(&mut self) -> Result<(), ReportError> {
        let unfinished = self.scenarios.unfinished();
        self.each(|reporter| unfinished.iter().try_for_each(|finished| reporter.scenario(finished)))
    }

    fn each(&mut self, mut act: impl FnMut(&mut dyn Reporter) -> io::Result<()>) -> Result<(), ReportError> {
        let mut first = Ok(());
        for report in &mut self.reports {
            let Some(reporter) = report.reporter.as_deref_mut() else {
                continue;
            };
            if let Err(source) = act(reporter) {
                report.reporter = None;
                let report = report.named.clone();
                first = first.and(Err(ReportError { report, source }));
            }
        }
        first
    }
}

impl<'r> Report<'r> {
    fn new(named: Named, reporter: io::Result<Option<BoxedReporter<'r>>>) -> Result<Self, ReportError> {
        match reporter {
            Ok(reporter) => Ok(Self { named, reporter }),
            Err(source) => Err(ReportError { report: named, source }),
        }
    }
}

fn boxed<'r>(reporter: impl Reporter + Send + 'r) -> Option<BoxedReporter<'r>> {
    Some(Box::new(reporter))
}

/// What one report writes of a run with these events.
#[cfg(test)]
pub(crate) fn report<'r>(reporter: impl Reporter + Send + 'r, events: &[Event]) {
    let mut reports = Reports::of(reporter);
    assert!(reports.piece(&Piece::new(events.to_vec())).is_empty());
    reports.finish().unwrap();
}

#[cfg(test)]
impl<'r> Reports<'r> {
    /// One report alone.
    pub(crate) fn of(reporter: impl Reporter + Send + 'r) -> Self {
        let named = Named {
            name: "only",
            path: None,
        };
        Self {
            reports: vec![Report {
                named,
                reporter: boxed(reporter),
            }],
            scenarios: Scenarios::default(),
        }
    }
}

impl fmt::Display for ReportError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Named { name, path } = &self.report;
        write!(formatter, "the {name} report cannot be written")?;
        if let Some(path) = path {
            write!(formatter, " to `{}`", path.display())?;
        }
        write!(formatter, ": {}", self.source)
    }
}

impl std::error::Error for ReportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::{formats, sample};

    /// Counts events, and cannot be written from the third on.
    #[derive(Clone, Default)]
    struct Full {
        events: Arc<Mutex<usize>>,
    }

    impl Reporter for Full {
        fn event(&mut self, _: &Event) -> io::Result<()> {
            let mut events = self.events.lock().unwrap();
            *events += 1;
            if *events > 2 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Ok(())
        }

        fn finish(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn open(folder: &Path, formats: &[String], terminal: Full) -> Result<Reports<'static>, ReportError> {
        let formats = formats::parse(formats).unwrap();
        Reports::open(
            &formats,
            &folder.join("momus-report"),
            terminal,
            &Again::new(["momus", "run"]),
            &Arc::default(),
        )
    }

    #[test]
    fn every_report_is_written_and_one_that_cannot_be_is_told_once() {
        let scratch = tempfile::tempdir().unwrap();
        let path = |name: &str| scratch.path().join("out").join(name);
        let formats = ["junit", "cucumber-json", "timeline"].map(|name| format!("{name}:{}", path(name).display()));
        let full = Full::default();
        let mut reports = open(scratch.path(), &formats, full.clone()).unwrap();
        let events = sample::failing_run("a.feature");
        let errors: Vec<_> = events
            .iter()
            .flat_map(|event| reports.piece(&Piece::new(vec![event.clone()])))
            .collect();
        reports.finish().unwrap();
        assert_eq!(errors.len(), 1);
        assert_eq!(
            errors[0].to_string(),
            "the terminal report cannot be written: no storage space"
        );
        assert_eq!(*full.events.lock().unwrap(), 3);
        let read = |name: &str| fs::read_to_string(path(name)).unwrap();
        assert!(read("junit").contains("<testsuite "));
        assert!(read("cucumber-json").starts_with("[{"));
        assert_eq!(read("timeline").lines().count(), events.len());
        assert!(scratch.path().join("momus-report").join("rerun.txt").exists());
    }

    #[test]
    fn what_cannot_be_written_is_told_before_the_run() {
        let scratch = tempfile::tempdir().unwrap();
        fs::write(scratch.path().join("file"), "").unwrap();
        let path = scratch.path().join("file").join("junit.xml");
        let Err(error) = open(scratch.path(), &[format!("junit:{}", path.display())], Full::default()) else {
            panic!("it was opened");
        };
        let error = error.to_string();
        let told = format!("the junit report cannot be written to `{}`: ", path.display());
        assert!(error.starts_with(&told), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_with_the_report_that_it_befell() {
        let scratch = tempfile::tempdir().unwrap();
        let mut reports = open(scratch.path(), &["junit:/dev/full".into()], Full::default()).unwrap();
        assert_eq!(
            reports.finish().unwrap_err().to_string(),
            "the junit report cannot be written to `/dev/full`: No space left on device (os error 28)"
        );
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_told_before_the_run() {
        let scratch = tempfile::tempdir().unwrap();
        fs::write(scratch.path().join("momus-report"), "a file").unwrap();
        let Err(error) = open(scratch.path(), &[], Full::default()) else {
            panic!("it was opened");
        };
        assert!(
            error
                .to_string()
                .starts_with("the momus-report report cannot be written to `"),
            "{error}"
        );
    }
}
