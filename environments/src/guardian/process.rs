//! Processes as `/proc` shows them, and signals that never reach a process which only reuses a number.

use std::{
    collections::HashSet,
    fmt, fs, io,
    os::fd::OwnedFd,
    sync::LazyLock,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid},
};
use serde::{Deserialize, Serialize};

use super::{command::Exit, shared_memory::SharedMemory};

/// The environment variable that every process of a run carries; its value is the run's identifier.
pub const RUN_MARKER: &str = "MOMUS_RUN";

/// The environment variable by which the processes that came of one child of the guardian are known, wherever they went: its value is
/// the run's identifier and the number of the child.
pub const CHILD_MARKER: &str = "MOMUS_CHILD";

/// The boot of the system that all process numbers seen here belong to.
static BOOT: LazyLock<String> = LazyLock::new(|| {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .unwrap_or_default()
        .trim()
        .to_owned()
});

/// A process, told apart from a later one that was given the same number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProcessId {
    /// The number the system knows it by.
    pub pid: i32,
    /// When it started, in clock ticks since boot (field 22 of `/proc/PID/stat`, proc(5)).
    pub start_time: u64,
    /// The boot it was started in (`/proc/sys/kernel/random/boot_id`).
    pub boot_id: String,
}

impl ProcessId {
    /// The process that has this number now.
    pub(super) fn of(pid: i32) -> Option<Self> {
        Stat::read(pid).map(|stat| stat.id())
    }

    /// Whether this very process is still there and not merely waiting to be reaped.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.boot_id == *BOOT
            && Stat::read(self.pid).is_some_and(|stat| stat.start_time == self.start_time && !stat.is_dead())
    }

    /// When it started, in seconds since 1970, rounded down; `None` for a process of an earlier boot.
    pub(super) fn began(&self) -> Option<u64> {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        let booted = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
        let booted: u64 = booted.trim().parse().ok()?;
        (self.boot_id == *BOOT).then(|| booted + self.start_time / rustix::param::clock_ticks_per_second())
    }

    /// A handle on this very process; `None` when it is gone.
    fn open(&self) -> Option<OwnedFd> {
        let handle = pidfd_open(Pid::from_raw(self.pid)?, PidfdFlags::empty()).ok()?;
        // The handle holds whichever process had the number when it was opened; only if it started when ours did is it ours.
        (Self::of(self.pid)? == *self).then_some(handle)
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.pid)
    }
}

/// What `/proc/PID/stat` tells of a process, as far as it is needed here.
#[derive(Clone, Debug)]
pub(super) struct Stat {
    pub(super) pid: i32,
    pub(super) name: String,
    pub(super) state: char,
    pub(super) parent: i32,
    /// The number of its process group.
    pub(super) group: i32,
    start_time: u64,
}

impl Stat {
    fn read(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The name stands in brackets and may hold brackets and blanks itself, so the fields after it are counted from its last bracket.
    fn parse(line: &str) -> Option<Self> {
        let (pid, rest) = line.split_once(" (")?;
        let (name, rest) = rest.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        Some(Self {
            pid: pid.parse().ok()?,
            name: name.to_owned(),
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            start_time: fields.get(19)?.parse().ok()?,
        })
    }

    pub(super) fn id(&self) -> ProcessId {
        ProcessId {
            pid: self.pid,
            start_time: self.start_time,
            boot_id: BOOT.clone(),
        }
    }

    pub(super) fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }

    fn carries(&self, marker: &[u8]) -> bool {
        fs::read(format!("/proc/{}/environ", self.pid))
            .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(|variable| variable == marker))
    }
}

/// Every process that this one may see.
pub(super) fn all() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| Stat::read(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

/// The processes that descend from this one, and those that carry the run's marker, with their descendants; without this one itself.
pub(super) fn of_run(run: &str) -> Vec<Stat> {
    let marker = marker(RUN_MARKER, run);
    families(|stat| stat.pid == own_pid() || stat.carries(&marker))
}

/// What is behind the outer process of walls.
pub(super) struct Within {
    /// Number 1 inside: with it ends whatever is inside.
    pub(super) inner: ProcessId,
    /// The first of its children; the rest are orphans that came of it. None as long as none was started.
    pub(super) program: Option<ProcessId>,
}

impl Within {
    /// Behind this outer process; none as long as it has not begun the inner one.
    pub(super) fn of(outer: &ProcessId) -> Option<Self> {
        let processes = all();
        let inner = processes.iter().find(|stat| stat.parent == outer.pid)?;
        let children = processes.iter().filter(|stat| stat.parent == inner.pid);
        Some(Self {
            inner: inner.id(),
            program: children.min_by_key(|stat| (stat.start_time, stat.pid)).map(Stat::id),
        })
    }
}

/// The processes whose environment has this variable with this value, and their descendants: some write over their environment (Postgres
/// sets its children's titles there). Without this one itself.
pub(super) fn marked_families(variable: &str, value: &str) -> Vec<Stat> {
    let marker = marker(variable, value);
    families(|stat| stat.pid != own_pid() && stat.carries(&marker))
}

/// The processes that are one of these heads, or descend from one, without this one itself.
fn families(is_head: impl Fn(&Stat) -> bool) -> Vec<Stat> {
    let processes = all();
    let heads = processes.iter().filter(|stat| is_head(stat));
    let mut members: HashSet<i32> = heads.map(|stat| stat.pid).collect();
    while processes
        .iter()
        .any(|stat| members.contains(&stat.parent) && members.insert(stat.pid))
    {}
    let of_them = processes.into_iter().filter(|stat| members.contains(&stat.pid));
    of_them.filter(|stat| stat.pid != own_pid()).collect()
}

/// What these processes and their descendants have in memory for themselves, in bytes: what they have mapped of files, and
/// may share with others, is not counted (`statm`, proc_pid_statm(5)).
#[must_use]
pub fn own_memory(heads: &[ProcessId]) -> u64 {
    let of_one = |stat: Stat| {
        let pages = fs::read_to_string(format!("/proc/{}/statm", stat.pid)).ok()?;
        let mut pages = pages.split(' ').skip(1).map(|pages| pages.parse::<u64>().ok());
        Some(pages.next()??.saturating_sub(pages.next()??))
    };
    let pages: u64 = families(|stat| heads.contains(&stat.id()))
        .into_iter()
        .filter_map(of_one)
        .sum();
    pages * rustix::param::page_size() as u64
}

/// The processes whose environment has this variable with this value, without this one itself.
pub(super) fn marked(variable: &str, value: &str) -> Vec<Stat> {
    let marker = marker(variable, value);
    all()
        .into_iter()
        .filter(|stat| stat.pid != own_pid() && stat.carries(&marker))
        .collect()
}

/// A variable as it stands in an environment.
fn marker(variable: &str, value: &str) -> Vec<u8> {
    format!("{variable}={value}").into_bytes()
}

/// Kills what `find` finds, again and again until it finds nothing alive and all that was killed has ended, and tells what was killed; what
/// shared memory it had is noted in `shared`. `reap` is called before each look. Gives up after `limit`, and on processes that may not be
/// signalled.
///
/// All of it is stopped before any of it is killed. Else what is killed first is missed by the rest: a Postgres server whose child dies starts
/// itself anew, with other shared memory, and what it starts when it is killed itself is nobody's child and carries no marker.
pub(super) fn kill_all(
    find: impl Fn() -> Vec<Stat>,
    mut reap: impl FnMut(),
    shared: &mut SharedMemory,
    limit: Duration,
) -> Vec<String> {
    let deadline = Instant::now() + limit;
    let mut killed = Vec::new();
    let mut known = HashSet::new();
    // A process that ends has let go of what it is found by before it has let go of the rest: it is waited for by its handle.
    let mut ending: Vec<OwnedFd> = Vec::new();
    loop {
        reap();
        let mut stopped = Vec::new();
        loop {
            let before = stopped.len();
            for stat in find().into_iter().filter(|stat| !stat.is_dead()) {
                let id = stat.id();
                let Some(handle) = known.insert(id.clone()).then(|| id.open()).flatten() else {
                    continue;
                };
                if pidfd_send_signal(&handle, Signal::STOP) != Err(rustix::io::Errno::PERM) {
                    stopped.push((stat, handle));
                }
            }
            if stopped.len() == before || Instant::now() > deadline {
                break;
            }
        }
        stopped.iter().for_each(|(stat, _)| shared.note(stat.pid));
        for (stat, handle) in stopped {
            let _ = pidfd_send_signal(&handle, Signal::KILL);
            killed.push(format!("{} ({})", stat.name, stat.pid));
            ending.push(handle);
        }
        if ending.is_empty() || Instant::now() > deadline {
            return killed;
        }
        let mut events: Vec<PollFd<'_>> = ending.iter().map(|handle| PollFd::new(handle, PollFlags::IN)).collect();
        // One death is enough to look again; the time bounds the wait for a process that the system will not let go of.
        let _ = poll(
            &mut events,
            Some(&Timespec {
                tv_sec: 0,
                tv_nsec: 100_000_000,
            }),
        );
        let has_ended: Vec<bool> = events.iter().map(|event| !event.revents().is_empty()).collect();
        let mut has_ended = has_ended.into_iter();
        ending.retain(|_| has_ended.next() != Some(true));
    }
}

/// Waits until all of these have ended, or `limit` is over.
pub(super) fn await_end(processes: &[ProcessId], limit: Duration) {
    let deadline = Instant::now() + limit;
    for handle in processes.iter().filter_map(ProcessId::open) {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec {
            tv_sec: left.as_secs().cast_signed(),
            tv_nsec: left.subsec_nanos().into(),
        };
        let _ = poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&left));
    }
}

/// How a child ended, if it has; it stays a zombie.
pub(super) fn ended(pid: i32) -> Option<Exit> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let status = waitid(WaitId::Pid(Pid::from_raw(pid)?), options).ok()??;
    status
        .exit_status()
        .map(Exit::Code)
        .or_else(|| status.terminating_signal().map(Exit::Signal))
}

/// Sends a signal to this process alone (a zombie counts).
pub(super) fn signal(process: &ProcessId, signal: Signal) -> io::Result<()> {
    let handle = process.open().ok_or(rustix::io::Errno::SRCH)?;
    Ok(pidfd_send_signal(&handle, signal)?)
}

/// Sends a signal to the group that `leader` leads, if `leader` is still that process (a zombie counts: it keeps the number taken).
pub(super) fn signal_group(leader: &ProcessId, signal: Signal) -> io::Result<()> {
    let gone = || io::Error::from(rustix::io::Errno::SRCH);
    if ProcessId::of(leader.pid).as_ref() != Some(leader) {
        return Err(gone());
    }
    Ok(rustix::process::kill_process_group(
        Pid::from_raw(leader.pid).ok_or_else(gone)?,
        signal,
    )?)
}

fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_does_not_shift_the_fields() {
        let line = "42 (a) b (c) S 1 42 42 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 777 0 0";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.pid, stat.name.as_str(), stat.state), (42, "a) b (c", 'S'));
        assert_eq!((stat.parent, stat.group, stat.start_time), (1, 42, 777));
    }

    #[test]
    fn what_starts_anew_what_is_killed_does_not_get_to_it() {
        let marker = uuid::Uuid::new_v4().to_string();
        let mut supervisor = std::process::Command::new("sh")
            .args(["-c", "while :; do sleep 600; done"])
            .env("MOMUS_TEST", &marker)
            .spawn()
            .unwrap();
        let pid = supervisor.id().cast_signed();
        let of_it = || {
            all()
                .into_iter()
                .filter(move |stat| stat.pid == pid || stat.parent == pid)
        };
        while of_it().filter(|stat| stat.name == "sleep").count() == 0 {
            std::thread::yield_now();
        }
        // The child first, and what nobody's child is any more is not found.
        let find = || {
            let mut found: Vec<Stat> = of_it().collect();
            found.sort_by_key(|stat| stat.pid == pid);
            found
        };
        let killed = kill_all(find, || {}, &mut SharedMemory::default(), Duration::from_secs(5));
        supervisor.wait().unwrap();
        let left = marked("MOMUS_TEST", &marker).into_iter().filter(|stat| !stat.is_dead());
        assert_eq!(left.count(), 0);
        assert_eq!(killed.len(), 2, "{killed:?}");
    }

    #[test]
    fn a_process_with_another_start_time_is_another_process() {
        let own = ProcessId::of(own_pid()).unwrap();
        assert!(own.is_alive());
        let reused = ProcessId {
            start_time: own.start_time + 1,
            ..own.clone()
        };
        assert!(!reused.is_alive());
        assert!(reused.open().is_none());
        assert!(signal_group(&reused, Signal::CONT).is_err());
        assert!(
            !ProcessId {
                boot_id: "another".into(),
                ..own
            }
            .is_alive()
        );
    }
}
