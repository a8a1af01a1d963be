//! The inner process: number 1 inside the walls.

use std::{
    io,
    net::{SocketAddrV4, TcpListener, UdpSocket},
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::{ExitCode, Stdio},
};

use nix::{
    errno::Errno,
    sys::{
        signal::SigSet,
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
};
use rustix::{
    net::{AddressFamily, SocketFlags, SocketType, bind, socket_with},
    process::{Pid, WaitOptions, wait, waitpid},
    system::sethostname,
};
use tokio::{
    net::UnixStream,
    signal::unix::{SignalKind, signal},
};

use super::{Answer, Ask, Inside, OWN, Socket, filter, mounts, network, outer, redirect};
use crate::guardian::{
    command::{Command, Exit},
    process::{self, CHILD_MARKER, RUN_MARKER},
    wire::{Incoming, MOST_DESCRIPTORS, send},
};

/// Is the inner process until its program has ended, or the runner has let go of it. Its standard input is the socket to the
/// outer one.
pub(super) fn run() -> ExitCode {
    // What the outer one blocks stays blocked over exec; number 1 is killed by no signal that it does not handle.
    let _ = SigSet::all().thread_unblock();
    let served = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .and_then(|runtime| runtime.block_on(serve()));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

async fn serve() -> io::Result<()> {
    let outer = stream(io::stdin().as_fd().try_clone_to_owned()?)?;
    let mut from_outer = Incoming::default();
    from_outer.next::<()>(&outer).await?;
    let Some(runner) = from_outer.descriptors.pop_front() else {
        return Err(io::Error::other("no socket came"));
    };
    let runner = stream(runner)?;
    let mut asked = Incoming::default();
    let mut child_ended = signal(SignalKind::child())?;
    let mut program = None;
    loop {
        tokio::select! {
            ask = asked.next(&runner) => {
                let answer = match ask? {
                    None => return Ok(()),
                    Some(Ask::Build(inside)) => build(&inside),
                    Some(Ask::Sockets(count)) => (0..count).map(|_| unconnected()).collect(),
                    Some(Ask::Listen(address)) => make(&Socket::Tcp(address)).map(|socket| vec![socket]),
                    Some(Ask::Run(command)) => start(&command).map(|pid| {
                        program = Some(pid);
                        Vec::new()
                    }),
                };
                hand_over(&runner, answer).await?;
            }
            _ = child_ended.recv() => {
                while let Some((pid, exit)) = dead(program) {
                    if program == Some(pid) {
                        // Not reaped: whoever finds no program inside may be sure that its end is told.
                        return send(&outer, &exit, &[]).await;
                    }
                    let _ = waitpid(Pid::from_raw(pid), WaitOptions::NOHANG);
                }
            }
        }
    }
}

/// A child that has ended, which is not reaped if it is the program.
fn dead(program: Option<i32>) -> Option<(i32, Exit)> {
    let options = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    match waitid(Id::All, options) {
        Ok(WaitStatus::Exited(pid, code)) => Some((pid.as_raw(), Exit::Code(code))),
        Ok(WaitStatus::Signaled(pid, signal, _)) => Some((pid.as_raw(), Exit::Signal(signal as i32))),
        // It ended by a real-time signal: those have no names, and whose end it was is not told.
        Err(Errno::EINVAL) => {
            let of_program = program.and_then(|pid| Some((pid, process::ended(pid)?)));
            of_program.or_else(|| {
                let (pid, status) = wait(WaitOptions::NOHANG).ok()??;
                let code = status.exit_status().map(Exit::Code);
                let signal = || status.terminating_signal().map(Exit::Signal);
                Some((pid.as_raw_nonzero().get(), code.or_else(signal)?))
            })
        }
        _ => None,
    }
}

fn stream(socket: OwnedFd) -> io::Result<UnixStream> {
    let socket = std::os::unix::net::UnixStream::from(socket);
    socket.set_nonblocking(true)?;
    UnixStream::from_std(socket)
}

async fn hand_over(runner: &UnixStream, answer: io::Result<Vec<OwnedFd>>) -> io::Result<()> {
    let descriptors = match answer {
        Ok(descriptors) => descriptors,
        Err(error) => return send(runner, &Answer::Failed(error.to_string()), &[]).await,
    };
    for some in descriptors.chunks(MOST_DESCRIPTORS) {
        send(runner, &Answer::Descriptors(some.len()), some).await?;
    }
    send(runner, &Answer::Done(descriptors.len()), &[]).await
}

/// Builds what is inside: the network, the mounts, the sockets.
pub(super) fn build(inside: &Inside) -> io::Result<Vec<OwnedFd>> {
    // Only a system without host names refuses.
    let _ = sethostname(inside.hostname.as_bytes());
    mounts::build(inside)?;
    network::build().map_err(|error| io::Error::other(format!("the network inside: {error}")))?;
    // A kernel that cannot do so leaves the address that is told of besides.
    drop(redirect::build(&inside.redirects));
    let made = inside.sockets.iter().map(make);
    let mut made = made.collect::<io::Result<Vec<_>>>()?;
    let refusals = filter::listen().map_err(|error| io::Error::other(format!("a packet socket inside: {error}")))?;
    made.push(refusals);
    Ok(made)
}

fn make(socket: &Socket) -> io::Result<OwnedFd> {
    let (address, made) = match socket {
        Socket::Tcp(address) => (address, TcpListener::bind(address).map(OwnedFd::from)),
        Socket::Udp(address) => (address, UdpSocket::bind(address).map(OwnedFd::from)),
    };
    made.map_err(|error| io::Error::other(format!("listen on {address} inside: {error}")))
}

fn unconnected() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
    bind(&socket, &SocketAddrV4::new(OWN, 0))?;
    Ok(socket)
}

/// Starts the program, without the capabilities of this process.
fn start(command: &Command) -> io::Result<i32> {
    outer::forget_capabilities();
    let mut prepared = command.prepare()?;
    let markers = [RUN_MARKER, CHILD_MARKER].into_iter();
    let markers = markers.filter_map(|name| Some((name, std::env::var_os(name)?)));
    prepared.env("TMPDIR", "/tmp").envs(command.variables()).envs(markers);
    // A group of its own, so that it can be signalled without this process.
    prepared.stdin(Stdio::null()).process_group(0);
    let child = prepared.spawn()?;
    i32::try_from(child.id()).map_err(io::Error::other)
}
