//! The gate that every byte of a connection passes: closed while the edge is cut.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;

use momus_engine::activity::{Activity, UnderWay};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

use crate::rule::Rules;

/// One direction's view of the edge's rules.
#[derive(Clone)]
pub(crate) struct Gate {
    rules: watch::Receiver<Rules>,
    activity: Activity,
    /// The cuts that this direction has struck already.
    struck: BTreeSet<u64>,
    /// Whether nothing cut the edge when this direction looked last.
    was_open: bool,
}

impl Gate {
    pub fn new(rules: watch::Receiver<Rules>, activity: &Activity) -> Self {
        Self {
            rules,
            activity: activity.clone(),
            struck: BTreeSet::new(),
            was_open: false,
        }
    }

    /// Returns when nothing cuts the edge. Every cut that holds the caller back here is struck, once a direction; what it
    /// holds is under way, for it passes once the cut is healed.
    pub async fn pass(&mut self) {
        if self.was_open && matches!(self.rules.has_changed(), Ok(false)) {
            return;
        }
        let mut held: Option<UnderWay> = None;
        loop {
            {
                // A rule strikes under the lock, so that it never does once it is healed.
                let rules = self.rules.borrow_and_update();
                self.was_open = rules.cuts.is_empty();
                if self.was_open {
                    break;
                }
                for (number, strikes) in &rules.cuts {
                    if self.struck.insert(*number) {
                        strikes.strike();
                    }
                    held.get_or_insert_with(|| self.activity.begins(format!("bytes held by the {}", strikes.fault())));
                }
            }
            if self.rules.changed().await.is_err() {
                break;
            }
        }
        if held.is_some() {
            self.activity.stirs("bytes that a cut held");
        }
    }

    /// Returns when a rule refuses the edge's connections, having struck it where `noticed` says that the caller
    /// cannot but notice.
    pub async fn refused(&mut self, noticed: impl Fn() -> bool) {
        // A cut that comes meanwhile is not looked at.
        self.was_open = false;
        if let Ok(rules) = self.rules.wait_for(|rules| !rules.refusals.is_empty()).await {
            let struck = noticed();
            rules
                .refusals
                .iter()
                .filter(|_| struck)
                .for_each(|(_, strikes)| strikes.strike());
            return;
        }
        std::future::pending().await
    }

    /// Writes all of `bytes`, and nothing while the edge is cut.
    pub async fn write(&mut self, writer: &mut (impl AsyncWrite + Unpin), mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.pass().await;
            // Mostly there is room, and nothing to wait for.
            let at_once = poll_fn(|context| Poll::Ready(Pin::new(&mut *writer).poll_write(context, bytes))).await;
            let written = match at_once {
                Poll::Ready(written) => written,
                Poll::Pending => {
                    let mut cut = self.rules.clone();
                    tokio::select! {
                        biased;
                        Ok(_) = cut.wait_for(|rules| !rules.cuts.is_empty()) => continue,
                        written = writer.write(bytes) => written,
                    }
                }
            };
            match written? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => bytes = &bytes[count..],
            }
        }
        // TLS keeps what its socket does not take at once.
        writer.flush().await
    }
}
