//! What goes wrong in a sandbox without a step: a server's death, a call that the mock broker lacks, an exit untold.

use std::collections::BTreeMap;

use momus_engine::failure::{Failure, StepError};
use momus_engine::timeline::Timeline;
use momus_proxies::kafka::Namespace;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The first thing that went wrong. Clones are the same.
#[derive(Clone)]
pub(super) struct Incident {
    first: watch::Sender<Option<StepError>>,
}

impl Incident {
    /// Nothing went wrong yet.
    pub(super) fn none() -> Self {
        Self {
            first: watch::Sender::new(None),
        }
    }

    /// Something went wrong; only the first thing counts, for what follows may come of it.
    pub(super) fn happens(&self, failure: StepError) {
        self.first.send_if_modified(|first| {
            let is_first = first.is_none();
            first.get_or_insert(failure);
            is_first
        });
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Option<StepError>> {
        self.first.subscribe()
    }

    /// Watches the servers and what is called on the edges, as long as the set is there.
    pub(super) fn watch(
        &self,
        mut died: watch::Receiver<Option<StepError>>,
        timeline: &Timeline,
        namespaces: &BTreeMap<(String, String), Namespace>,
    ) -> JoinSet<()> {
        let mut watching = JoinSet::new();
        let incident = self.clone();
        watching.spawn(async move {
            let death = died.wait_for(Option::is_some).await.ok().and_then(|died| died.clone());
            if let Some(death) = death {
                incident.happens(death);
            }
        });
        let (mut bell, incident) = (timeline.bell(), self.clone());
        let namespaces = namespaces.clone();
        watching.spawn(async move {
            while bell.changed().await.is_ok() {
                if let Some(failure) = lacking(&namespaces) {
                    return incident.happens(failure);
                }
            }
        });
        watching
    }
}

/// The first call that a service made and the mock broker lacks.
pub(super) fn lacking(namespaces: &BTreeMap<(String, String), Namespace>) -> Option<StepError> {
    let ((caller, broker), api) = namespaces
        .iter()
        .find_map(|(edge, namespace)| Some((edge, namespace.lacking().into_iter().next()?)))?;
    let message = format!("{caller} called {api} of {broker}, which the mock cluster lacks");
    Some(Failure::unknown(message).hint("with Java and Maven installed, the real broker is used"))
}
