//! A feature's broker, and what its names begin with.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Message, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};

/// What went wrong; the program ends with it.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How long anything may take.
pub const LONG: Duration = Duration::from_secs(60);
/// How long a call waits for news before it looks again.
const TURN: Duration = Duration::from_millis(100);

/// A record to be produced.
pub struct New<'a> {
    pub partition: i32,
    pub key: &'a str,
    pub value: Option<&'a str>,
    pub headers: Option<OwnedHeaders>,
}

impl<'a> New<'a> {
    pub fn plain(partition: i32, key: &'a str, value: &'a str) -> Self {
        let (value, headers) = (Some(value), None);
        Self {
            partition,
            key,
            value,
            headers,
        }
    }
}

pub struct Place {
    pub names: String,
    bootstrap: String,
}

impl Place {
    pub fn new(bootstrap: &str, names: &str) -> Self {
        let (bootstrap, names) = (bootstrap.to_owned(), names.to_owned());
        Self { names, bootstrap }
    }

    /// A name of this feature.
    pub fn name(&self, end: &str) -> String {
        format!("{}-{end}", self.names)
    }

    pub fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap);
        if let Ok(protocol) = std::env::var("SECURITY_PROTOCOL") {
            // librdkafka reads no variable itself.
            let trusted = std::env::var("SSL_CERT_FILE").unwrap_or_default();
            config
                .set("security.protocol", protocol)
                .set("ssl.ca.location", trusted);
        }
        config
    }

    pub fn admin(&self) -> Result<AdminClient<DefaultClientContext>> {
        Ok(self.config().create()?)
    }

    /// Makes a topic, and waits until the broker has heard of it from its controller.
    pub async fn create(&self, topic: &str, partitions: i32, configs: &[(&str, &str)]) -> Result {
        let admin = self.admin()?;
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let new = configs.iter().fold(new, |new, (key, value)| new.set(key, value));
        for made in admin.create_topics([&new], &options()).await? {
            made.map_err(|(topic, error)| format!("{topic}: {error}"))?;
        }
        let is_there = || {
            let told = admin.inner().fetch_metadata(None, LONG).ok()?;
            told.topics().iter().any(|each| each.name() == topic).then_some(())
        };
        until(&format!("topic {topic}"), is_there)
    }

    pub async fn produce(&self, topic: &str, records: &[New<'_>], more: &[(&str, &str)]) -> Result {
        let mut config = self.config();
        config.set("enable.idempotence", "true");
        for (key, value) in more {
            config.set(*key, *value);
        }
        let producer: FutureProducer = config.create()?;
        send(&producer, topic, records).await
    }

    pub fn consumer(&self, group: &str, protocol: &str, more: &[(&str, &str)]) -> Result<BaseConsumer> {
        let mut config = self.config();
        config
            .set("group.id", group)
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false");
        match protocol {
            "classic" => config.set("heartbeat.interval.ms", "300"),
            other => config.set("group.protocol", other),
        };
        for (key, value) in more {
            config.set(*key, *value);
        }
        Ok(config.create()?)
    }
}

/// Gives records to a producer, and waits until the broker has them.
pub async fn send(producer: &FutureProducer, topic: &str, records: &[New<'_>]) -> Result {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let mut sent = Vec::new();
    for (later, new) in (0..).zip(records) {
        let mut record = FutureRecord::to(topic)
            .partition(new.partition)
            .key(new.key)
            .timestamp(now + later);
        (record.payload, record.headers) = (new.value, new.headers.clone());
        sent.push(producer.send_result(record).map_err(|(error, _)| error)?);
    }
    producer.flush(LONG)?;
    for each in sent {
        each.await?.map_err(|(error, _)| error)?;
    }
    Ok(())
}

pub fn options() -> AdminOptions {
    AdminOptions::new()
        .operation_timeout(Some(LONG))
        .request_timeout(Some(LONG))
}

/// Turns until something is there, or fails.
pub fn until<T>(what: &str, mut is: impl FnMut() -> Option<T>) -> Result<T> {
    let end = Instant::now() + LONG;
    while Instant::now() < end {
        if let Some(found) = is() {
            return Ok(found);
        }
    }
    Err(format!("no {what} within {LONG:?}").into())
}

/// The next messages, so many of them, in the order of their places.
pub fn read(reader: &BaseConsumer, count: usize) -> Result<Vec<OwnedMessage>> {
    let mut messages = Vec::new();
    let end = Instant::now() + LONG;
    while messages.len() < count {
        if Instant::now() > end {
            return Err(format!("no {count} messages within {LONG:?}, only {}", messages.len()).into());
        }
        if let Some(message) = reader.poll(TURN) {
            messages.push(message?.detach());
        }
    }
    messages.sort_by_key(|message| (message.partition(), message.offset()));
    Ok(messages)
}

/// Has each of these take what came, so that it takes part in its group.
pub fn turn(members: &[BaseConsumer]) -> Result {
    for member in members {
        if let Some(message) = member.poll(TURN) {
            message?;
        }
    }
    Ok(())
}

/// The partitions that each member has.
pub fn assigned(members: &[BaseConsumer]) -> Result<Vec<Vec<(String, i32)>>> {
    let of = |member: &BaseConsumer| {
        let all = member.assignment()?;
        let all = all
            .elements()
            .into_iter()
            .map(|it| (it.topic().to_owned(), it.partition()));
        Ok(all.collect())
    };
    members.iter().map(of).collect()
}
