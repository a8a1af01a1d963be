//! The outer process: makes the namespaces, and ends as the program inside ended.

use std::{
    fs, io,
    io::Read,
    os::{fd::AsFd, unix::net::UnixStream, unix::process::CommandExt},
    process::{Child, Command, ExitCode, Stdio},
};

use nix::{
    sched::{CloneFlags, unshare},
    sys::signal::{SigSet, Signal, raise},
};
use rustix::{
    process::{Pid, Resource, Rlimit, WaitId, WaitIdOptions, getegid, geteuid, setrlimit, waitid},
    thread::{CapabilitySet, CapabilitySets, capabilities, configure_capability_in_ambient_set, set_capabilities},
};

use super::{Answer, INNER, WORD};
use crate::guardian::{command::Exit, wire::send};

/// Is the outer process until the inner one has ended. Its standard input is the socket to the runner.
pub(super) fn run(launcher: &[String]) -> ExitCode {
    let Ok(runner) = io::stdin().as_fd().try_clone_to_owned() else {
        return ExitCode::FAILURE;
    };
    let runner = UnixStream::from(runner);
    let begun = namespaces().and_then(|()| begin(launcher, runner.try_clone()?));
    match begun {
        Ok((child, told)) => end_as(child, told),
        Err(error) => {
            let failed = Answer::Failed(error.to_string());
            // Who cannot be told has gone.
            drop(blocking(async {
                runner.set_nonblocking(true)?;
                send(&tokio::net::UnixStream::from_std(runner)?, &failed, &[]).await
            }));
            ExitCode::FAILURE
        }
    }
}

fn blocking(work: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(work)
}

/// Puts what this process starts next into namespaces of its own.
///
/// # Errors
/// When the system forbids it.
pub(super) fn namespaces() -> io::Result<()> {
    let flags = CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS;
    // Root does without a user namespace, unless it is root in name only.
    if geteuid().is_root() && unshare(flags).is_ok() {
        return Ok(());
    }
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    unshare(flags | CloneFlags::CLONE_NEWUSER)
        .map_err(|error| io::Error::other(format!("namespaces are forbidden here: {}", io::Error::from(error))))?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
    // The inner process is started by exec, over which only ambient capabilities stay (capabilities(7)).
    let all = capabilities(None)?;
    set_capabilities(
        None,
        CapabilitySets {
            inheritable: all.permitted,
            ..all
        },
    )?;
    for capability in all.permitted.iter() {
        configure_capability_in_ambient_set(capability, true)?;
    }
    Ok(())
}

/// The program that stands around another, in this role.
pub(super) fn again(launcher: &[String], role: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("momus").args(launcher).args([WORD, role]);
    command
}

/// Starts the inner process and hands it the socket to the runner.
fn begin(launcher: &[String], runner: UnixStream) -> io::Result<(Child, UnixStream)> {
    // What is meant for the program's group is not meant for this process; the inner one, number 1, is immune by itself.
    SigSet::all().thread_block()?;
    let (ours, theirs) = UnixStream::pair()?;
    let child = again(launcher, INNER)
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)))
        .spawn()?;
    let told = ours.try_clone()?;
    blocking(async {
        ours.set_nonblocking(true)?;
        let stream = tokio::net::UnixStream::from_std(ours)?;
        send(&stream, &(), &[runner.into()]).await
    })?;
    told.set_nonblocking(false)?;
    Ok((child, told))
}

/// Waits for the inner process and ends as it says that the program ended.
fn end_as(child: Child, mut told: UnixStream) -> ExitCode {
    let mut line = String::new();
    drop(told.read_to_string(&mut line));
    // Not reaped: as long as this process is there, so is the inner one, dead or alive.
    let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    let _ = waitid(WaitId::Pid(Pid::from_child(&child)), ended);
    match serde_json::from_str(&line) {
        Ok(Exit::Code(code)) => ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1)),
        Ok(Exit::Signal(number)) => end_by(number),
        // Killed before it could say anything.
        Ok(Exit::Unknown) | Err(_) => end_by(Signal::SIGKILL as i32),
    }
}

/// Ends this process by a signal, as far as that goes.
fn end_by(number: i32) -> ExitCode {
    let nothing = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // This process is not worth a core dump.
    let _ = setrlimit(Resource::Core, nothing);
    if let Ok(signal) = Signal::try_from(number) {
        let mut set = SigSet::empty();
        set.add(signal);
        // Twice: the first is caught where a runtime looks for overflown stacks, and then left to the system.
        for _ in 0..2 {
            let _ = raise(signal);
            let _ = set.thread_unblock();
        }
    }
    ExitCode::from(u8::try_from(128 + number).unwrap_or(u8::MAX))
}

/// Forgets the capabilities that were handed on, so that the program does not have them.
pub(super) fn forget_capabilities() {
    for capability in CapabilitySet::all().iter() {
        let _ = configure_capability_in_ambient_set(capability, false);
    }
}
