//! Asking a broker whether it serves.

use std::{io, time::Duration};

use kafka_protocol::messages::MetadataRequest;
use momus_proxies::kafka::Credential;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::conversation::Conversation;

/// Returns once the broker at this address lists so many in its metadata: they have joined the cluster and serve, itself among
/// them.
pub(super) async fn until_serving(address: &str, credential: &Credential, count: usize) {
    let mut looks = interval(Duration::from_millis(10));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let known = timeout(Duration::from_secs(1), brokers(address, credential)).await;
        if matches!(known, Ok(Ok(known)) if known >= count) {
            return;
        }
    }
}

/// How many brokers the one at this address knows of.
async fn brokers(address: &str, credential: &Credential) -> io::Result<usize> {
    let mut broker = Conversation::open_as(credential, address).await?;
    let no_topics = MetadataRequest::default().with_topics(Some(Vec::new()));
    Ok(broker.ask(&no_topics, 12).await?.brokers.len())
}
