//! `momus-report/`: what every run leaves for whoever looks into it afterwards.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use momus_engine::masks::{Masker, Masks};
use momus_engine::outcome::Outcome;

use crate::report_file::{at, create};
use crate::reporter::Reporter;
use crate::rerun::Rerun;
use crate::scenarios::Finished;
use crate::timeline::Timeline;

/// The folder's name.
pub const NAME: &str = "momus-report";

/// How many characters of a scenario's name its folder bears.
const LONGEST_SLUG: usize = 60;

/// Writes the report's folder: `timeline.ndjson`, `rerun.txt`, and `logs/SCENARIO-LINE/SERVICE.log` of every scenario
/// that did not pass, or not at once: then `logs/SCENARIO-LINE-try-2/` and so on are those of later tries.
pub struct Folder {
    logs: PathBuf,
    masks: Arc<Masks>,
    timeline: Timeline<File>,
    rerun: Rerun<File>,
    /// The folders of scenarios that have been made; names may be the same in two files.
    made: HashSet<String>,
}

impl Folder {
    /// Creates the folder, and replaces what an earlier run left in it. Other files in it stay.
    ///
    /// # Errors
    /// Where it cannot be written; the text names the path.
    pub fn create(folder: &Path, masks: Arc<Masks>) -> io::Result<Self> {
        let logs = folder.join("logs");
        match fs::remove_dir_all(&logs) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&logs)(error)),
            Ok(()) | Err(_) => {}
        }
        let file = |name: &str| {
            let path = folder.join(name);
            create(&path).map_err(at(&path))
        };
        Ok(Self {
            timeline: Timeline::new(file("timeline.ndjson")?),
            rerun: Rerun::new(file("rerun.txt")?),
            logs,
            masks,
            made: HashSet::new(),
        })
    }

    /// Copies the logs of the scenario's services, each `SERVICE.log` in the folder that its end tells, without what must not
    /// be told.
    fn copy_logs(&mut self, finished: &Finished) -> io::Result<()> {
        let to_compare = finished.outcome == Outcome::Flaky;
        let wanted = finished.did_not_pass() || to_compare;
        let Some(from) = finished.logs.as_deref().filter(|_| wanted) else {
            return Ok(());
        };
        let files = match fs::read_dir(from) {
            // Nothing was started, so nothing was said.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            files => files.map_err(at(from))?,
        };
        let masker = Arc::clone(&self.masks);
        let masker = masker.with(&finished.learned);
        let name = self.folder_of(finished);
        let to = self.logs.join(name);
        fs::create_dir_all(&to).map_err(at(&to))?;
        for file in files {
            let file = file.map_err(at(from))?.path();
            if let Some(name) = file
                .file_name()
                .filter(|_| file.extension().is_some_and(|end| end == "log"))
            {
                let to = to.join(name);
                copy(&file, &to, &masker)?;
            }
        }
        Ok(())
    }

    fn folder_of(&mut self, finished: &Finished) -> String {
        let place = &finished.place;
        let mut name = format!("{}-{}", slug(&place.name), place.line);
        if finished.attempt > 1 {
            name.push_str(&format!("-try-{}", finished.attempt));
        }
        let others = (2..).map(|number| format!("{name}-{number}"));
        let free = std::iter::once(name.clone())
            .chain(others)
            .find(|name| !self.made.contains(name))
            .unwrap_or(name);
        self.made.insert(free.clone());
        free
    }
}

/// Copies a log, masked line by line; bytes that are no UTF-8 are replaced by U+FFFD.
fn copy(from: &Path, to: &Path, masker: &Masker<'_>) -> io::Result<()> {
    let mut lines = BufReader::new(File::open(from).map_err(at(from))?);
    let mut copied = BufWriter::new(File::create(to).map_err(at(to))?);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).map_err(at(from))? > 0 {
        let text = String::from_utf8_lossy(&line);
        copied.write_all(masker.text(&text).as_bytes()).map_err(at(to))?;
        line.clear();
    }
    copied.flush().map_err(at(to))
}

impl Reporter for Folder {
    fn lines(&mut self, lines: &[u8]) -> io::Result<()> {
        self.timeline.lines(lines)
    }

    fn scenario(&mut self, finished: &Finished) -> io::Result<()> {
        self.rerun.scenario(finished)?;
        finished.tries().try_for_each(|each| self.copy_logs(each))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.timeline.flush()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.timeline.finish()?;
        self.rerun.finish()
    }
}

/// The text as a folder's name: letters and digits in lower case, a dash for all between them.
fn slug(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    let slug = words.collect::<Vec<_>>().join("-");
    let slug: String = slug.chars().take(LONGEST_SLUG).collect();
    if slug.is_empty() { "scenario".into() } else { slug }
}

#[cfg(test)]
mod tests {
    use momus_engine::event::{Event, Happening};
    use momus_engine::outcome::Outcome;
    use momus_engine::piece::Piece;

    use super::*;
    use crate::reports::{Reports, report};
    use crate::sample;

    /// A run whose scenarios have logs.
    fn events(logs: &Path) -> Vec<Event> {
        let mut events = sample::failing_run("a.feature");
        for event in &mut events {
            if let Happening::ScenarioFinished { logs: folder, .. } = &mut event.happening {
                *folder = Some(logs.to_owned());
            }
        }
        events
    }

    fn write(folder: &Path, events: &[Event]) {
        report(Folder::create(folder, Arc::default()).unwrap(), events);
    }

    #[test]
    fn it_holds_the_timeline_what_to_run_again_and_the_logs_of_what_did_not_pass() {
        let scratch = tempfile::tempdir().unwrap();
        let (logs, folder) = (scratch.path().join("sandbox"), scratch.path().join("out").join(NAME));
        fs::create_dir(&logs).unwrap();
        fs::write(logs.join("billing.log"), "no connection\n").unwrap();
        fs::write(logs.join("billing.pid"), "7").unwrap();
        let events = events(&logs);
        write(&folder, &events);
        let timeline = fs::read_to_string(folder.join("timeline.ndjson")).unwrap();
        assert_eq!(timeline.lines().count(), events.len());
        assert_eq!(fs::read_to_string(folder.join("rerun.txt")).unwrap(), "a.feature:6\n");
        let scenarios: Vec<_> = fs::read_dir(folder.join("logs")).unwrap().collect();
        assert_eq!(scenarios.len(), 1);
        let copied = folder.join("logs").join("the-bank-the-shop-6");
        assert_eq!(
            fs::read_to_string(copied.join("billing.log")).unwrap(),
            "no connection\n"
        );
        assert!(!copied.join("billing.pid").exists());
    }

    #[test]
    fn a_run_replaces_what_the_one_before_it_left_and_nothing_else() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join(NAME);
        let old = folder.join("logs").join("old-1");
        fs::create_dir_all(&old).unwrap();
        fs::write(folder.join("rerun.txt"), "old.feature:1\nolder.feature:2\n").unwrap();
        fs::write(folder.join("junit.xml"), "mine").unwrap();
        write(&folder, &sample::failing_run("a.feature"));
        assert!(!old.exists());
        assert_eq!(fs::read_to_string(folder.join("rerun.txt")).unwrap(), "a.feature:6\n");
        assert_eq!(fs::read_to_string(folder.join("junit.xml")).unwrap(), "mine");
    }

    #[test]
    fn lines_are_in_the_file_as_soon_as_nothing_else_is_told() {
        let scratch = tempfile::tempdir().unwrap();
        let mut reports = Reports::of(Folder::create(scratch.path(), Arc::default()).unwrap());
        let events = sample::failing_run("a.feature");
        let ended = &events[..10];
        assert!(reports.piece(&Piece::new(ended.to_vec())).is_empty());
        reports.flush().unwrap();
        let timeline = fs::read_to_string(scratch.path().join("timeline.ndjson")).unwrap();
        assert_eq!(timeline.lines().count(), 10);
        assert!(timeline.ends_with("}\n"));
        assert_eq!(
            fs::read_to_string(scratch.path().join("rerun.txt")).unwrap(),
            "a.feature:6\n"
        );
    }

    #[test]
    fn each_try_of_a_scenario_that_passed_only_then_has_its_logs() {
        let scratch = tempfile::tempdir().unwrap();
        let mut events = sample::tried_again("a.feature", Outcome::Flaky);
        for event in &mut events {
            if let Happening::ScenarioFinished { logs, took, .. } = &mut event.happening {
                let folder = scratch.path().join(format!("sandbox-{}", took.as_millis()));
                fs::create_dir(&folder).unwrap();
                fs::write(folder.join("shop.log"), format!("{took:?}")).unwrap();
                *logs = Some(folder);
            }
        }
        let folder = scratch.path().join(NAME);
        write(&folder, &events);
        let log = |name: &str| fs::read_to_string(folder.join("logs").join(name).join("shop.log")).unwrap();
        assert_eq!(log("the-bank-the-shop-6"), "1.308s");
        assert_eq!(log("the-bank-the-shop-6-try-2"), "300ms");
        assert_eq!(fs::read_dir(folder.join("logs")).unwrap().count(), 2);
        assert_eq!(fs::read_to_string(folder.join("rerun.txt")).unwrap(), "");
    }

    #[test]
    fn logs_are_copied_without_secrets() {
        let scratch = tempfile::tempdir().unwrap();
        let logs = scratch.path().join("sandbox");
        fs::create_dir(&logs).unwrap();
        fs::write(logs.join("billing.log"), b"key open-sesame-7\nno key \xff\nlast").unwrap();
        let masks = Masks::new(["open-sesame-7".to_owned()], []).unwrap();
        report(Folder::create(scratch.path(), Arc::new(masks)).unwrap(), &events(&logs));
        let copied = scratch
            .path()
            .join("logs")
            .join("the-bank-the-shop-6")
            .join("billing.log");
        assert_eq!(fs::read_to_string(copied).unwrap(), "key ***\nno key \u{fffd}\nlast");
    }

    #[test]
    fn two_scenarios_of_one_name_and_line_have_a_folder_each() {
        let scratch = tempfile::tempdir().unwrap();
        let logs = scratch.path().join("sandbox");
        fs::create_dir(&logs).unwrap();
        fs::write(logs.join("shop.log"), "said\n").unwrap();
        let mut events = Vec::new();
        for file in ["a.feature", "b.feature"] {
            let place = sample::place(file, 3, None, "…");
            let mut finished = sample::finished(Outcome::Failed, 0, None);
            if let Happening::ScenarioFinished { logs: folder, .. } = &mut finished {
                *folder = Some(logs.clone());
            }
            events.push(sample::event(0, Some(0), sample::started(place, 1)));
            events.push(sample::event(1, Some(0), finished));
        }
        write(scratch.path(), &events);
        for folder in ["scenario-3", "scenario-3-2"] {
            assert!(scratch.path().join("logs").join(folder).join("shop.log").exists());
        }
    }
}
