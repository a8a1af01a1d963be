//! What clients of Kafka have in common, whichever broker stands behind their edges.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use indexmap::IndexMap;
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};
use momus_environments::cache::{Cache, Progress};
use momus_environments::guardian::{Guardian, Launcher, RunId};
use momus_proxies::edge::Edge;
use rdkafka::ClientConfig;
use rdkafka::consumer::StreamConsumer;
use rdkafka::message::Message;
use tokio::time::timeout;

/// A guardian, and what a broker below it is started from and told by.
pub async fn guarded() -> (Guardian, Cache, Progress) {
    let cache = Cache::of_user().unwrap();
    let launcher = Launcher {
        program: env!("CARGO_BIN_EXE_momus-guardian").into(),
        arguments: Vec::new(),
    };
    let guardian = Guardian::start(&launcher, &cache, RunId::random()).await.unwrap();
    (guardian, cache, Arc::new(|text| eprintln!("{text}")))
}

/// The configuration of a client of the edge.
pub fn config(edge: &Edge, settings: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", edge.address().to_string());
    for (key, value) in settings {
        config.set(*key, *value);
    }
    config
}

/// The next record that a consumer receives in this time.
pub async fn next(consumer: &StreamConsumer, soon: Duration) -> String {
    let received = async {
        loop {
            match consumer.recv().await {
                Ok(message) => return String::from_utf8(message.payload().unwrap().to_vec()).unwrap(),
                // Of a connection or a rebalance, after which librdkafka goes on.
                Err(error) => eprintln!("{error}"),
            }
        }
    };
    timeout(soon, received).await.unwrap()
}

/// Runs blocking calls of librdkafka aside.
pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// A batch of one record.
pub fn batch() -> Bytes {
    let record = Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: 0,
        producer_id: -1,
        producer_epoch: -1,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence: -1,
        timestamp: 0,
        key: None,
        value: Some(Bytes::from_static(b"v")),
        headers: IndexMap::default(),
    };
    let mut batch = BytesMut::new();
    let options = RecordEncodeOptions {
        version: 2,
        compression: Compression::None,
    };
    RecordBatchEncoder::encode(&mut batch, &[record], &options).unwrap();
    batch.freeze()
}
