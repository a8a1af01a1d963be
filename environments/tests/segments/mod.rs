//! System V segments as the system tells of them (sysvipc(7)).
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeSet;

/// A segment: its identifier, and the number of the process that made it.
pub type Segment = (String, i32);

/// All that there are.
pub fn all() -> BTreeSet<Segment> {
    let table = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
    let lines = table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    // key, shmid, perms, size, cpid
    lines
        .map(|fields| (fields[1].to_owned(), fields[4].parse().unwrap()))
        .collect()
}

/// Those that a process has made since `earlier` (an earlier process may have had its number).
pub fn made_by(pid: i32, earlier: &BTreeSet<Segment>) -> BTreeSet<Segment> {
    all()
        .difference(earlier)
        .filter(|(_, maker)| *maker == pid)
        .cloned()
        .collect()
}
