//! Shared memory outlives the processes that have it: System V segments (sysvipc(7)) and files of `/dev/shm` (shm_overview(7)).
//! A process that is killed gives neither back.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::process::{self, ProcessId};

/// Where Linux has POSIX shared memory.
const FILES: &str = "/dev/shm";
/// Where it tells of System V segments.
const SEGMENTS: &str = "/proc/sysvipc/shm";
/// By how many seconds the clock may be told differently between the beginning of a process and the look at it.
const CLOCK_SLACK: u64 = 1;

/// Shared memory that processes have had.
#[derive(Debug, Default)]
pub(super) struct SharedMemory {
    /// Identifiers of System V segments.
    segments: BTreeSet<i32>,
    files: BTreeSet<PathBuf>,
}

impl SharedMemory {
    /// Notes down what a process has mapped now.
    pub(super) fn note(&mut self, pid: i32) {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
        for (inode, path) in maps.lines().filter_map(mapped) {
            // Of a segment the inode's number is the identifier, and the file is said to be deleted (proc(5)).
            if path.starts_with("/SYSV") && path.ends_with(" (deleted)") {
                self.segments.extend(inode.parse::<i32>());
            } else if Path::new(path).starts_with(FILES)
                && fs::metadata(path).is_ok_and(|metadata| metadata.ino().to_string() == inode)
            {
                self.files.insert(path.into());
            }
        }
    }

    /// Notes down the segments that a process has made. One that was killed from outside has nothing mapped any more; as long as it is not
    /// reaped its number is nobody else's, and a segment that is older than the process was made by one that had the number before.
    pub(super) fn note_made_by(&mut self, process: &ProcessId) {
        let is_no_older = |made: u64| process.began().is_some_and(|began| made + CLOCK_SLACK >= began);
        let table = fs::read_to_string(SEGMENTS).unwrap_or_default();
        let made = table.lines().filter_map(Segment::parse);
        let made = made.filter(|segment| segment.maker == process.pid && is_no_older(segment.made));
        self.segments.extend(made.map(|segment| segment.identifier));
    }

    /// Removes what no process has any more.
    pub(super) fn remove(&self) {
        if self.segments.is_empty() && self.files.is_empty() {
            return;
        }
        let mut in_use = Self::default();
        process::all().iter().for_each(|stat| in_use.note(stat.pid));
        for file in self.files.difference(&in_use.files) {
            let _ = fs::remove_file(file);
        }
        self.segments
            .difference(&in_use.segments)
            .copied()
            .for_each(remove_segment);
    }
}

/// A line of `/proc/sysvipc/shm`.
struct Segment {
    identifier: i32,
    maker: i32,
    /// When, in seconds since 1970.
    made: u64,
}

impl Segment {
    fn parse(line: &str) -> Option<Self> {
        // key, shmid, perms, size, cpid, lpid, nattch, uid, gid, cuid, cgid, atime, dtime, ctime
        let mut fields = line.split_ascii_whitespace();
        Some(Self {
            identifier: fields.nth(1)?.parse().ok()?,
            maker: fields.nth(2)?.parse().ok()?,
            made: fields.nth(8)?.parse().ok()?,
        })
    }
}

/// The inode and the path of a line of `/proc/PID/maps`.
fn mapped(line: &str) -> Option<(&str, &str)> {
    let (fields, path) = line.split_at(line.find('/')?);
    Some((fields.split_ascii_whitespace().next_back()?, path))
}

#[expect(unsafe_code, reason = "there is no other way to remove a segment")]
fn remove_segment(identifier: i32) {
    // SAFETY: IPC_RMID looks at no buffer (shmctl(2)).
    unsafe { libc::shmctl(identifier, libc::IPC_RMID, std::ptr::null_mut()) };
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 4096;

    fn exists(segment: i32) -> bool {
        let table = fs::read_to_string(SEGMENTS).unwrap();
        let mut segments = table.lines().filter_map(Segment::parse);
        segments.any(|each| each.identifier == segment)
    }

    #[test]
    #[expect(unsafe_code, reason = "shared memory as a program has it")]
    fn what_a_process_still_has_stays_and_what_nobody_has_goes() {
        let file = Path::new(FILES).join(format!("momus-test-{}", uuid::Uuid::new_v4()));
        fs::write(&file, [0; SIZE]).unwrap();
        let open = fs::File::open(&file).unwrap();
        let (anywhere, descriptor) = (std::ptr::null_mut(), std::os::fd::AsRawFd::as_raw_fd(&open));
        // SAFETY: the mappings are only made, and unmade below.
        let (segment, attached, mapping) = unsafe {
            let segment = libc::shmget(libc::IPC_PRIVATE, SIZE, libc::IPC_CREAT | 0o600);
            let attached = libc::shmat(segment, anywhere, 0);
            let mapping = libc::mmap(anywhere, SIZE, libc::PROT_READ, libc::MAP_SHARED, descriptor, 0);
            (segment, attached, mapping)
        };
        assert!(segment >= 0 && mapping != libc::MAP_FAILED);
        let mut shared = SharedMemory::default();
        shared.note(std::process::id().cast_signed());
        shared.remove();
        assert!(exists(segment) && file.exists());
        // SAFETY: nothing looks at them.
        unsafe {
            libc::shmdt(attached);
            libc::munmap(mapping, SIZE);
        }
        shared.remove();
        assert!(!exists(segment) && !file.exists());
    }

    #[test]
    #[expect(unsafe_code, reason = "shared memory as a program has it")]
    fn what_a_process_made_is_told_from_what_an_earlier_one_of_its_number_made() {
        // SAFETY: nothing attaches it.
        let segment = unsafe { libc::shmget(libc::IPC_PRIVATE, SIZE, libc::IPC_CREAT | 0o600) };
        let own = ProcessId::of(std::process::id().cast_signed()).unwrap();
        let an_hour = 3600 * rustix::param::clock_ticks_per_second();
        let later = ProcessId {
            start_time: own.start_time + an_hour,
            ..own.clone()
        };
        let mut shared = SharedMemory::default();
        shared.note_made_by(&later);
        shared.remove();
        assert!(exists(segment));
        shared.note_made_by(&own);
        shared.remove();
        assert!(!exists(segment));
    }

    #[test]
    fn a_path_with_blanks_is_read_whole() {
        let line = "7f00-7f01 rw-s 00000000 00:19 42                         /dev/shm/a b";
        assert_eq!(mapped(line), Some(("42", "/dev/shm/a b")));
        assert_eq!(mapped("7f00-7f01 rw-p 00000000 00:00 0 "), None);
        let line = "7f00-7f01 rw-s 00000000 00:01 7                          /SYSV0000002a (deleted)";
        assert_eq!(mapped(line), Some(("7", "/SYSV0000002a (deleted)")));
    }
}
