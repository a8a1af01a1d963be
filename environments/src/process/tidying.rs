//! What is made and removed in the background: the end of the run waits for it.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;

/// How long the end of the run waits; what is not removed by then is named among what is left.
const LIMIT: Duration = Duration::from_secs(15);

/// Counts the tasks that make and remove sandboxes. Clones count together.
#[derive(Clone, Default)]
pub(super) struct Tidying {
    open: watch::Sender<usize>,
}

/// A task that is not done yet.
struct Open(Tidying);

impl Tidying {
    /// Has work done whether or not somebody waits for it.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.open.send_modify(|open| *open += 1);
        let open = Open(self.clone());
        tokio::spawn(async move {
            work.await;
            drop(open);
        });
    }

    /// Returns when all of it is done, or has taken too long.
    pub(super) async fn done(&self) {
        let mut open = self.open.subscribe();
        drop(tokio::time::timeout(LIMIT, open.wait_for(|open| *open == 0)).await);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}
