//! What there is of a run on this machine: its processes, and what they hold outside of its folders.
//!
//! A process is a run's when the run's folder stands in its environment. Postgres writes over its children's environment
//! (to set their titles): these are told by where they run.
#![expect(clippy::expect_used, reason = "a test stops where it cannot go on")]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often a watch looks.
const INTERVAL: Duration = Duration::from_millis(10);
/// A process that this many looks in a row do not tell for the run's own is none: between two looks it may just begin or end.
const MISSED: usize = 20;
/// Clock ticks a second as `/proc` tells them (`USER_HZ`, time(7)), on all machines that Momus runs on.
const TICKS: u64 = 100;

/// What a process is, by a part of its command line.
const KINDS: [(&str, &str); 12] = [
    ("runner", "momus\0run"),
    ("guardian", "momus\0guardian"),
    ("build", "build.sh"),
    ("the build's child", "sleep\x00601"),
    ("formatting", "kafka.tools.StorageTool"),
    ("archiving", "ArchiveClassesAtExit"),
    ("Kafka", "kafka.Kafka"),
    ("initdb", "/initdb\0"),
    ("Postgres", "/postgres\0-D"),
    ("the children of Postgres", "postgres: "),
    ("shop", "shop.py"),
    ("the shop's child", "sleep\x00602"),
];

/// A process.
#[derive(Clone, Debug)]
pub struct Process {
    pub pid: i32,
    parent: i32,
    /// When it started, in clock ticks since boot.
    started: u64,
    arguments: String,
    ours: bool,
}

impl Process {
    fn read(pid: i32, root: &Path) -> Option<Self> {
        let proc = PathBuf::from(format!("/proc/{pid}"));
        let stat = fs::read_to_string(proc.join("stat")).ok()?;
        let mut fields = stat.rsplit_once(") ")?.1.split(' ');
        let (state, parent) = (fields.next()?, fields.next()?.parse().ok()?);
        // Field 22 (proc_pid_stat(5)).
        let started = fields.nth(17)?.parse().ok()?;
        if matches!(state, "Z" | "X") {
            return None;
        }
        let marker = root.as_os_str().as_bytes();
        let environment = fs::read(proc.join("environ")).unwrap_or_default();
        let marked = environment.windows(marker.len()).any(|part| part == marker);
        let arguments = fs::read(proc.join("cmdline")).unwrap_or_default();
        Some(Self {
            pid,
            parent,
            started,
            arguments: String::from_utf8_lossy(&arguments).into_owned(),
            ours: marked || fs::read_link(proc.join("cwd")).is_ok_and(|folder| folder.starts_with(root)),
        })
    }

    /// Whether it is of this kind.
    pub fn is(&self, kind: &str) -> bool {
        KINDS
            .iter()
            .any(|(name, part)| *name == kind && self.arguments.contains(part))
    }

    /// Files that it holds open or mapped in these folders.
    fn holds(&self, folders: &[&str]) -> Vec<PathBuf> {
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.pid)).unwrap_or_default();
        let mapped = maps.lines().filter_map(|line| Some(line[line.find('/')?..].into()));
        let open = fs::read_dir(format!("/proc/{}/fd", self.pid))
            .into_iter()
            .flatten()
            .flatten();
        let open = open.filter_map(|entry| fs::read_link(entry.path()).ok());
        let held = mapped.chain(open);
        held.filter(|path| folders.iter().any(|folder| path.starts_with(folder)))
            .collect()
    }
}

/// When the system was started, in seconds since 1970.
fn booted() -> u64 {
    let stat = fs::read_to_string("/proc/stat").expect("/proc is there");
    let booted = stat.lines().find_map(|line| line.strip_prefix("btime ")?.parse().ok());
    booted.expect("the system was started")
}

fn all(root: &Path) -> Vec<Process> {
    let entries = fs::read_dir("/proc").expect("/proc is there").flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter_map(|pid| Process::read(pid, root)).collect()
}

/// The processes of the runs whose folders lie in `root`. With no process there is no port either that one listens on.
pub fn processes(root: &Path) -> Vec<Process> {
    all(root).into_iter().filter(|process| process.ours).collect()
}

/// What processes of a run were seen to have, and would outlive them.
#[derive(Default)]
pub struct Trail {
    /// The processes by number, with when they started, in clock ticks since boot.
    started: HashMap<i32, u64>,
    shared_memory: BTreeSet<PathBuf>,
}

impl Trail {
    /// Looks at the processes of the runs whose folders lie in `root`.
    pub fn follow(&mut self, root: &Path) -> Vec<Process> {
        let processes = processes(root);
        for process in &processes {
            self.started.insert(process.pid, process.started);
            self.shared_memory.extend(process.holds(&["/dev/shm"]));
        }
        processes
    }

    /// The shared memory that is still there: System V segments by who made them (sysvipc(7)), and POSIX'. What was made before a process
    /// began was made by another one that had its number.
    pub fn left(&self) -> Vec<String> {
        let table = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
        let booted = booted();
        let made_by_one = |line: &&str| {
            let fields: Vec<u64> = line
                .split_whitespace()
                .map(|field| field.parse().unwrap_or(0))
                .collect();
            let started = i32::try_from(fields[4]).ok().and_then(|pid| self.started.get(&pid));
            // A second for the clock, which may be told differently then and now.
            started.is_some_and(|started| fields[13] + 1 >= booted + started / TICKS)
        };
        let segments = table.lines().skip(1).filter(made_by_one);
        let files = self
            .shared_memory
            .iter()
            .filter(|path| path.exists())
            .map(|path| path.display().to_string());
        segments
            .map(|line| format!("shared memory: {line}"))
            .chain(files)
            .collect()
    }
}

/// What a watch saw.
#[derive(Default)]
pub struct Sightings {
    kinds: BTreeSet<&'static str>,
    /// Command lines of descendants of the runner that were not told for the run's own.
    pub unmarked: BTreeSet<String>,
    /// Files that a killed process would leave outside of the run's folders, and who held them.
    pub strays: BTreeMap<PathBuf, String>,
}

impl Sightings {
    /// The kinds of processes that were not seen.
    pub fn unseen(&self) -> Vec<&'static str> {
        KINDS
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| !self.kinds.contains(name))
            .collect()
    }
}

/// Looks at a run from its beginning to its end.
pub struct Watch {
    stop: Sender<()>,
    thread: JoinHandle<Sightings>,
}

impl Watch {
    /// Watches what the process `runner` starts, its folders being in `root`.
    pub fn begin(root: &Path, runner: i32) -> Self {
        let (stop, stopped) = channel();
        let root = root.to_owned();
        // What this test was given itself (where its output goes) is inherited by all.
        let inherited: HashSet<PathBuf> = fs::read_dir("/proc/self/fd")
            .expect("/proc is there")
            .flatten()
            .filter_map(|entry| fs::read_link(entry.path()).ok())
            .collect();
        let thread = std::thread::spawn(move || {
            let mut seen = Sightings::default();
            let mut missed: HashMap<i32, usize> = HashMap::new();
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                let all = all(&root);
                let mut family = HashSet::from([runner]);
                while all
                    .iter()
                    .any(|process| family.contains(&process.parent) && family.insert(process.pid))
                {}
                for process in all {
                    if process.ours {
                        missed.remove(&process.pid);
                        seen.kinds
                            .extend(KINDS.iter().map(|(name, _)| *name).filter(|name| process.is(name)));
                        let held = process.holds(&["/tmp", "/var/tmp"]).into_iter();
                        let own =
                            |path: &PathBuf| path.starts_with(&root) || path.starts_with(env!("CARGO_MANIFEST_DIR"));
                        // What lies in a `/tmp` of its own, within walls, is not there for others, and goes with them.
                        let strays = held.filter(|path| !own(path) && !inherited.contains(path) && path.exists());
                        seen.strays.extend(strays.map(|path| (path, process.arguments.clone())));
                    } else if family.contains(&process.pid) {
                        let missed = missed.entry(process.pid).or_default();
                        *missed += 1;
                        if *missed == MISSED {
                            seen.unmarked.insert(process.arguments);
                        }
                    }
                }
            }
            seen
        });
        Self { stop, thread }
    }

    /// What was seen.
    pub fn end(self) -> Sightings {
        drop(self.stop);
        self.thread.join().expect("the watch ends")
    }
}
