//! The task that sends a traffic: a request each time that one is due, whatever became of those before it.

use std::time::Duration;

use momus_engine::failure::StepError;
use momus_engine::step::Block;
use momus_engine::world::World;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::log::Log;
use crate::http::client::Client;
use crate::http::request::Request;

/// So many requests may be without an answer: each holds a connection of the client and one of the edge.
const MOST_UNDER_WAY: usize = 200;
/// A request is late that is sent so long after it was due, or a whole period.
const LATE: Duration = Duration::from_millis(100);

/// What a traffic sends, `${…}` still in it.
pub(super) struct Sending {
    pub service: String,
    pub method: String,
    pub path: String,
    pub block: Block,
    /// Requests a second.
    pub rate: u64,
}

/// Sends a traffic.
pub(super) struct Sender {
    pub sending: Sending,
    /// A world of its own, of which each request is made.
    pub world: World,
    pub client: Client,
    pub log: Log,
    /// For so long answers are waited for at the end.
    pub patience: Duration,
}

impl Sending {
    /// The time from one request to the next.
    pub fn period(&self) -> Duration {
        Duration::from_secs(1) / u32::try_from(self.rate).unwrap_or(u32::MAX).max(1)
    }

    /// The request of this number, from 1.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn request(&self, world: &mut World, ordinal: u64) -> Result<Request, StepError> {
        world.values.count(Some(ordinal));
        let request = Request::read(world, &self.service, &self.method, &self.path, &self.block);
        world.values.count(None);
        request
    }
}

impl Sender {
    /// Sends, the first request at once, until `stop` says so; then waits for the answers that are due.
    pub async fn send(mut self, first: Request, mut stop: watch::Receiver<bool>) {
        let period = self.sending.period();
        let mut due = interval(period);
        due.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut first = Some(first);
        let mut under_way = JoinSet::new();
        for ordinal in 1.. {
            let at = tokio::select! {
                biased;
                // Whoever could say so is gone: so is the scenario.
                _ = stop.wait_for(|stop| *stop) => break,
                at = due.tick() => at,
            };
            let request = first
                .take()
                .map_or_else(|| self.sending.request(&mut self.world, ordinal), Ok);
            let request = match request {
                Ok(request) => request,
                Err(failure) => {
                    self.log.breaks(failure);
                    break;
                }
            };
            while under_way.try_join_next().is_some() {}
            if under_way.len() >= MOST_UNDER_WAY {
                self.log.withholds();
                continue;
            }
            let late = Instant::now().saturating_duration_since(at) > period.max(LATE);
            let number = self.log.sends(request.line(), late);
            let (client, log) = (self.client.clone(), self.log.clone());
            under_way.spawn(async move { log.comes(number, client.send(&request).await) });
        }
        let answered = async { while under_way.join_next().await.is_some() {} };
        // What is without an answer then stays so.
        drop(timeout(self.patience, answered).await);
        drop(under_way);
        self.log.ends();
    }
}
