//! SIGINT and SIGTERM: the first stops the run in order, the second at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::exit;

/// The signals that stop a run.
pub struct Stopping {
    interrupt: Signal,
    terminate: Signal,
}

impl Stopping {
    /// From now on the signals do not end this process by themselves.
    ///
    /// # Errors
    /// When the system does not let them be watched.
    pub fn watch() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// The exit code of the next signal.
    pub async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => exit::INTERRUPTED,
            _ = self.terminate.recv() => exit::TERMINATED,
        }
    }

    /// Does `work`; the first signal makes `stop` true, so that the work ends in order, the second gives it up.
    ///
    /// Returns what the work came to, unless it was given up, and the exit code of the first signal.
    pub async fn during<T>(
        mut self,
        work: impl Future<Output = T>,
        stop: &watch::Sender<bool>,
    ) -> (Option<T>, Option<u8>) {
        let mut work = std::pin::pin!(work);
        let mut stopped = None;
        loop {
            tokio::select! {
                done = &mut work => return (Some(done), stopped),
                code = self.next() => match stopped {
                    None => {
                        eprintln!("stopping: open scenarios are healed and reported; once more stops at once");
                        stop.send_replace(true);
                        stopped = Some(code);
                    }
                    Some(_) => return (None, stopped),
                },
            }
        }
    }
}
