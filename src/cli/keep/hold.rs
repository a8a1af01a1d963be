//! The lease of what is kept.

use std::path::Path;
use std::time::{Duration, SystemTime};

use momus_engine::mesh::Mesh;
use momus_engine::run::Kept;
use momus_engine::sandbox::Environment;
use momus_environments::process::ProcessEnvironment;
use tokio::time::{Instant, interval, sleep_until};

use super::control::{Control, Order, Ordered};
use super::foreground::Foreground;
use super::record::{KeptSandbox, Record, lasting};
use crate::cli::stopping::Stopping;

/// How often what goes on in kept sandboxes is forgotten: nobody reads it.
const FORGETS: Duration = Duration::from_secs(10);

/// Keeps the sandboxes for as long as the lease lasts, or until it is told to give them up; then ends everything. The
/// command in the foreground ends with this code as soon as they can be found.
///
/// # Errors
/// Why nothing can be kept. Everything has ended then as well.
pub async fn hold(
    kept: Vec<Kept>,
    environment: &ProcessEnvironment,
    mesh: &Mesh,
    lease: Duration,
    foreground: Foreground,
    code: u8,
) -> Result<(), String> {
    let mut held = Held {
        record: Record {
            mesh: mesh.name.clone(),
            until: SystemTime::now() + lease,
            lacks_walls: environment.lacks_walls().map(str::to_owned),
            sandboxes: kept.iter().map(|kept| KeptSandbox::of(kept, mesh)).collect(),
        },
        kept,
    };
    let held_until = held.until(environment.run_folder(), lease, foreground, code).await;
    held.give_up_all().await;
    // Nobody is there to be told what is left; a next run sweeps it.
    drop(environment.close().await);
    held_until
}

/// What is kept.
struct Held {
    kept: Vec<Kept>,
    record: Record,
}

impl Held {
    async fn until(
        &mut self,
        folder: Option<&Path>,
        lease: Duration,
        foreground: Foreground,
        code: u8,
    ) -> Result<(), String> {
        let until = Instant::now() + lease;
        let folder = folder.ok_or("nothing of this mesh outlives a run: there is nothing to keep")?;
        let cannot = |error: std::io::Error| format!("nothing can be kept: {error}");
        let control = Control::listen(folder).map_err(cannot)?;
        let mut stopping = Stopping::watch().map_err(cannot)?;
        self.record.write(folder).map_err(cannot)?;
        self.tell(folder, lease);
        foreground.leave(code).map_err(cannot)?;
        let mut forgets = interval(FORGETS);
        loop {
            tokio::select! {
                ordered = control.next() => if self.carry_out(ordered, folder).await { return Ok(()) },
                _ = stopping.next() => return Ok(()),
                () = sleep_until(until) => return Ok(()),
                _ = forgets.tick() => self.kept.iter().for_each(|kept| drop(kept.timeline.drain())),
            }
        }
    }

    /// Tells the user where to look.
    fn tell(&self, folder: &Path, lease: Duration) {
        for sandbox in &self.record.sandboxes {
            println!("kept for {}: {} of {}", lasting(lease), sandbox.name, sandbox.place);
        }
        let run = folder.file_name().unwrap_or_default().to_string_lossy();
        println!("hint: `momus status` tells where its services are, `momus down {run}` removes it");
    }

    /// Carries out an order: whether nothing is left then.
    async fn carry_out(&mut self, ordered: Ordered, folder: &Path) -> bool {
        match &ordered.order {
            Order::All => {
                self.give_up_all().await;
                ordered.answer(Ok(())).await;
                return true;
            }
            Order::Sandbox(name) => {
                let at = self.kept.iter().position(|kept| kept.timeline.sandbox() == name);
                let Some(at) = at else {
                    let known: Vec<_> = self.kept.iter().map(|kept| kept.timeline.sandbox()).collect();
                    let message = format!("it keeps no sandbox {name}; hint: it keeps {}", known.join(", "));
                    ordered.answer(Err(message)).await;
                    return false;
                };
                let kept = self.kept.remove(at);
                self.record.sandboxes.retain(|sandbox| sandbox.name != *name);
                let closed = kept.sandbox.close().await.map_err(|failure| failure.message);
                let written = self.record.write(folder).map_err(|error| error.to_string());
                ordered.answer(closed.and(written)).await;
            }
        }
        self.kept.is_empty()
    }

    async fn give_up_all(&mut self) {
        for kept in self.kept.drain(..) {
            // What cannot be removed goes with the servers.
            drop(kept.sandbox.close().await);
        }
    }
}
