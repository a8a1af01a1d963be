//! The traffics of a scenario.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use momus_engine::activity::UnderWay;
use momus_engine::failure::{Failure, StepError};
use momus_engine::world::World;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use super::log::{Log, Record};

/// For so long at least one more request is waited for at the end.
const ONE_MORE: Duration = Duration::from_secs(1);

/// The traffics of a scenario, by name; they end with its world.
#[derive(Default)]
struct Traffics(HashMap<String, Arc<Traffic>>);

/// A traffic that has ended.
pub(super) struct Ended {
    pub name: String,
    /// What it was, as the step has it.
    pub what: String,
    pub record: Record,
}

/// A traffic.
pub(super) struct Traffic {
    pub name: String,
    /// What it is, as the step has it: `20 GET /orders per second to shop`.
    pub what: String,
    pub period: Duration,
    pub log: Log,
    /// When it began.
    pub began: Instant,
    pub stop: watch::Sender<bool>,
    pub sending: AbortHandle,
    /// While it flows the mesh is not quiet.
    pub flows: Mutex<Option<UnderWay>>,
}

impl Traffic {
    /// Makes it one of the scenario's.
    pub fn keep(self, world: &mut World) {
        let traffics = world.state.get_or_default::<Traffics>();
        traffics.0.insert(self.name.clone(), Arc::new(self));
    }

    /// The scenario's traffic of this name, ended: what it came to.
    ///
    /// The first step that asks ends it: it goes on until a request was sent since the last step that acted, and the
    /// answers to all that was sent are waited for.
    ///
    /// # Errors
    /// When it could not be sent, or nothing of it was sent since the last step that acted.
    pub async fn ended(world: &mut World, name: &str) -> Result<Ended, StepError> {
        let traffic = world.state.get_or_default::<Traffics>().0.get(name).cloned();
        let traffic =
            traffic.ok_or_else(|| Failure::failed(format!("no step of this scenario has begun a traffic {name}")))?;
        let acted = world.acted.unwrap_or(traffic.began);
        if traffic.log.has_ended() && !traffic.log.has_sent_since(acted) {
            let message = format!("the traffic {name} had ended before the last step that acted");
            return Err(
                Failure::failed(message).hint("the first step that asks about a traffic ends it: begin another")
            );
        }
        let covered = traffic.end(acted).await;
        let record = traffic.log.record();
        if let Some(failure) = &record.broken {
            return Err(failure.clone());
        }
        if !covered {
            let withheld = match record.withheld {
                0 => String::new(),
                some => format!(": {some} were due and not sent, so many others having no answer"),
            };
            return Err(Failure::failed(format!(
                "no request of {name} was sent after the last step that acted{withheld}"
            )));
        }
        Ok(Ended {
            name: traffic.name.clone(),
            what: traffic.what.clone(),
            record,
        })
    }

    /// Ends it, if it has not ended yet. Whether a request was sent since.
    async fn end(&self, acted: Instant) -> bool {
        let mut news = self.log.news();
        if !self.log.has_ended() {
            let until = Instant::now() + ONE_MORE.max(self.period * 3);
            let sent = async { while !self.log.has_sent_since(acted) && news.changed().await.is_ok() {} };
            drop(timeout_at(until, sent).await);
            self.stop.send_replace(true);
            while !self.log.has_ended() && news.changed().await.is_ok() {}
            self.flows.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
        self.log.has_sent_since(acted)
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.sending.abort();
    }
}
