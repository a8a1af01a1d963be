//! The command in the foreground, and the run that it has started.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process, setsid};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use tokio::io::AsyncReadExt;

use super::super::exit;
use super::super::stopping::Stopping;

/// Starts this program again with the argument `as_run`, in the background, and returns with its exit code once it has
/// told one or ended.
///
/// # Errors
/// When it cannot be started.
pub fn relay(as_run: &str) -> Result<ExitCode, String> {
    let cannot = |error: io::Error| format!("the run cannot be started in the background: {error}");
    let (ours, its) = UnixStream::pair().map_err(cannot)?;
    let program = std::env::current_exe().map_err(cannot)?;
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1)).arg(as_run);
    let mut child = command.stdin(Stdio::from(OwnedFd::from(its))).spawn().map_err(cannot)?;
    // Its end of the socket is its own now: what is left of the command would hold it open.
    drop(command);
    let run = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let told = runtime.map_err(cannot)?.block_on(told(ours, run)).map_err(cannot)?;
    if let Some(code) = told {
        return Ok(ExitCode::from(code));
    }
    let ended = child.wait().map_err(cannot)?;
    let code = ended.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(exit::UNKNOWN)))
}

/// The exit code that the run tells; none when it ended without one. Signals are passed on to it meanwhile.
async fn told(socket: UnixStream, run: Option<Pid>) -> io::Result<Option<u8>> {
    let mut stopping = Stopping::watch()?;
    socket.set_nonblocking(true)?;
    let mut socket = tokio::net::UnixStream::from_std(socket)?;
    loop {
        tokio::select! {
            code = socket.read_u8() => return Ok(code.ok()),
            signal = stopping.next() => {
                let signal = if signal == exit::INTERRUPTED { Signal::INT } else { Signal::TERM };
                // It may have ended in this moment: then that is told.
                if let Some(Err(error)) = run.map(|run| kill_process(run, signal))
                    && error != Errno::SRCH
                {
                    return Err(error.into());
                }
            }
        }
    }
}

/// The command in the foreground, as the run sees it.
pub struct Foreground {
    socket: UnixStream,
    /// Whether this process goes on without it.
    left: Arc<AtomicBool>,
}

impl Foreground {
    /// This process is the run: it has a session of its own from now on, and the command at the other end of its standard
    /// input. When the command is killed this process ends as if it had been, and the guardian ends what it started.
    ///
    /// # Errors
    /// When the system refuses that.
    pub fn meet() -> io::Result<Self> {
        setsid()?;
        let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        dup2_stdin(OpenOptions::new().read(true).open("/dev/null")?)?;
        let (mut its_end, left) = (socket.try_clone()?, Arc::new(AtomicBool::new(false)));
        let goes_on = Arc::clone(&left);
        std::thread::spawn(move || {
            // It never says anything.
            drop(its_end.read(&mut [0]));
            if !goes_on.load(Ordering::SeqCst) {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "it ends as if it were killed: nobody is there for whom to heal or flush"
                )]
                std::process::exit(exit::UNKNOWN.into());
            }
        });
        Ok(Self { socket, left })
    }

    /// The command ends with this code, and this process goes on; what it says from here on nobody hears.
    ///
    /// # Errors
    /// When the command is gone, or the system refuses it.
    pub fn leave(self, code: u8) -> io::Result<()> {
        io::stdout().flush()?;
        let nowhere = OpenOptions::new().write(true).open("/dev/null")?;
        dup2_stdout(&nowhere)?;
        dup2_stderr(&nowhere)?;
        self.left.store(true, Ordering::SeqCst);
        (&self.socket).write_all(&[code])
    }
}
