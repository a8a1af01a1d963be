//! Whether there is memory for another sandbox. Linux promises more than it has and kills whom it likes when it runs out:
//! who waits for a refusal waits in vain.

use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use momus_engine::failure::{Failure, StepError};

use super::sandbox::ProcessSandbox;
use crate::guardian::{ProcessId, own_memory};

/// What has to be available for another sandbox, in shares of what the first one's processes took when they were ready: at
/// work they take more.
const SHARES: u64 = 2;

/// The memory of the sandboxes of a run. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Memory(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// What the processes of the first one took, in bytes.
    taken: OnceLock<u64>,
    /// One clone for each that is there.
    there: Arc<()>,
}

impl Memory {
    /// Room for one, which is there until what this returns is dropped.
    ///
    /// # Errors
    /// When there are others and too little memory is available; told as the system's own refusal.
    pub(super) fn room(&self) -> Result<Arc<()>, StepError> {
        let others = Arc::strong_count(&self.0.there) - 1;
        if others > 0
            && let Some(taken) = self.0.taken.get()
            && let Some(available) = available(Path::new("/"))
            && let Some(refusal) = refused(*taken, available)
        {
            return Err(refusal);
        }
        Ok(Arc::clone(&self.0.there))
    }

    /// Notes what a sandbox takes, if it is the first that is ready.
    pub(super) async fn note(&self, sandbox: &ProcessSandbox) {
        if self.0.taken.get().is_some() {
            return;
        }
        let processes = sandbox.processes.values().filter_map(|process| process.latest().ok());
        let services = processes.map(|running| running.child.process().clone());
        let heads: Vec<ProcessId> = services.chain(sandbox.data.own_servers()).collect();
        if let Ok(taken) = tokio::task::spawn_blocking(move || own_memory(&heads)).await {
            let _ = self.0.taken.set(taken);
        }
    }
}

fn refused(taken: u64, available: u64) -> Option<StepError> {
    const MEGABYTE: u64 = 1024 * 1024;
    let none = std::io::Error::from(rustix::io::Errno::NOMEM);
    let (has, takes) = (available / MEGABYTE, taken.div_ceil(MEGABYTE));
    let message = format!("{has} MB of memory are available and a sandbox takes {takes} MB: {none}");
    (available < taken * SHARES).then(|| Failure::unknown(message))
}

/// The bytes that can be had without swapping: what the system estimates (`MemAvailable`, proc_meminfo(5)), or less where the
/// control group of this process or one above it has a limit (cgroup v2: `memory.max`, less what is used and would not be
/// given back by itself, as Kubernetes counts it). None where the system does not say.
fn available(root: &Path) -> Option<u64> {
    let said = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let kilobytes = field(&said, "MemAvailable:")?;
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"));
    let top = root.join("sys/fs/cgroup");
    let own = own.map(|own| top.join(own));
    let groups = own
        .iter()
        .flat_map(|own| own.ancestors().take_while(|group| group.starts_with(&top)));
    groups.filter_map(left_in).chain([kilobytes * 1024]).min()
}

/// What is left of the limit of a control group; none where it has no limit.
fn left_in(group: &Path) -> Option<u64> {
    let read = |name: &str| fs::read_to_string(group.join(name)).ok();
    let number = |name: &str| read(name)?.trim().parse::<u64>().ok();
    let used = number("memory.current")?.saturating_sub(field(&read("memory.stat")?, "inactive_file")?);
    Some(number("memory.max")?.saturating_sub(used))
}

/// The number behind a name, at the beginning of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().map(str::split_whitespace);
    lines.find_map(|mut words| (words.next()? == name).then(|| words.next()?.parse().ok())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_that_is_left_of_any_limit_is_available() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = root.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        assert_eq!(available(root.path()), None);
        write("proc/meminfo", "MemTotal:    9000 kB\nMemAvailable:    4000 kB\n");
        assert_eq!(available(root.path()), Some(4000 * 1024));
        write("proc/self/cgroup", "3:cpu:/other\n0::/ci/job\n");
        write("sys/fs/cgroup/ci/job/memory.max", "max\n");
        write("sys/fs/cgroup/ci/job/memory.current", "500000\n");
        write("sys/fs/cgroup/ci/job/memory.stat", "anon 1\ninactive_file 300000\n");
        assert_eq!(available(root.path()), Some(4000 * 1024));
        write("sys/fs/cgroup/ci/memory.max", "1000000\n");
        write("sys/fs/cgroup/ci/memory.current", "900000\n");
        write("sys/fs/cgroup/ci/memory.stat", "anon 1\ninactive_file 300000\n");
        assert_eq!(available(root.path()), Some(400_000));
    }

    #[test]
    fn another_sandbox_is_refused_where_it_might_not_fit_and_the_first_never() {
        let memory = Memory::default();
        memory.0.taken.set(u64::MAX / SHARES).unwrap();
        // Whoever makes sandboxes has a handle.
        let _handles = [memory.clone(), memory.clone()];
        let first = memory.room().unwrap();
        let why = memory.room().unwrap_err();
        assert!(
            why.message.ends_with("Cannot allocate memory (os error 12)"),
            "{}",
            why.message
        );
        drop(first);
        assert!(memory.room().is_ok());
        assert!(refused(100, 200).is_none() && refused(100, 199).is_some());
    }

    #[test]
    fn this_system_says_what_is_available() {
        assert!(available(Path::new("/")).is_some_and(|bytes| bytes > 0));
    }
}
