//! What a Kafka edge costs: records produced and consumed by librdkafka, at the broker itself and through an edge.
//!
//! `bench/run --only proxies` shows its table; `cargo bench -p momus --bench kafka -- ROUNDS` runs it alone. Both ways lead to
//! one broker, in turns, and each round has topics of its own. It judges nothing: how fast a machine is, and what else runs
//! on it, is not the program's doing.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use momus_engine::timeline::{Clock, Timeline};
use momus_environments::cache::{Cache, Progress};
use momus_environments::guardian::{Guardian, Launcher, RunId};
use momus_environments::servers::kafka::{KafkaServer, NewTopic, Ports};
use momus_proxies::edge::{Edge, Protocol, Upstream};
use momus_proxies::kafka::{Broker, Namespace};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tokio::runtime::Runtime;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 5;
const RECORDS: usize = 400_000;
const SIZES: [usize; 2] = [200, 1000];
const PARTITIONS: i32 = 3;
/// How long anything may take that is no more than a part of a round.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much of a timeline is kept before it is taken, as the runner takes it when a scenario ends.
const SCENARIO: Duration = Duration::from_secs(1);

/// What each round came to, in records a second, by what was done.
type Rates = BTreeMap<String, Vec<f64>>;

fn main() -> Result<()> {
    let wanted = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let rounds: usize = wanted.unwrap_or(ROUNDS);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let cache = Cache::of_user()?;
    let launcher = Launcher {
        program: env!("CARGO_BIN_EXE_momus").into(),
        arguments: vec!["guardian".into()],
    };
    let silent: Progress = Arc::new(|_: &str| {});
    let guardian = runtime.block_on(Guardian::start(&launcher, &cache, RunId::random()))?;
    let started = KafkaServer::start_on(&guardian, &cache, "kafka", &silent, Ports::free_and_open);
    let server = runtime.block_on(started)?;
    let compared = compare(&runtime, &server, rounds);
    runtime.block_on(guardian.close())?;
    let (direct, edge) = compared?;
    println!("| {RECORDS} records | direct, records/s | Momus, Kafka edge | direct = 1 |\n|---|---|---|---|");
    for (what, rates) in &edge {
        let bare = direct.get(what).ok_or("nothing to compare with")?;
        let ratios = rates.iter().zip(bare).map(|(ours, bare)| ours / bare).collect();
        println!(
            "| {what} | {:.0} | {:.0} | {:.2} |",
            median(bare.clone()),
            median(rates.clone()),
            median(ratios)
        );
    }
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The rates at the broker itself, and through the edge.
fn compare(runtime: &Runtime, server: &KafkaServer, rounds: usize) -> Result<(Rates, Rates)> {
    let timeline = Timeline::new(Clock::start(), 0, "s0");
    let namespace = Namespace::new("caller", "s0-", Broker::Real, timeline.activity().clone())
        .with_credential(server.credential().clone());
    let direct = server
        .open_address()
        .ok_or("the broker asks everybody for its credential")?;
    let edge = runtime.block_on(Edge::listen(
        "caller",
        "kafka",
        Upstream::Tcp(server.address().parse()?),
        Protocol::Kafka(namespace),
        timeline.clone(),
    ))?;
    let (open, ended) = channel();
    let taker = std::thread::spawn(move || take(&timeline, &ended));
    // The names of a caller, and those that the broker has for them.
    let ways = [(direct, "direct-", "direct-"), (edge.address().to_string(), "", "s0-")];
    let mut rates = [Rates::new(), Rates::new()];
    for round in 0..=rounds {
        for size in SIZES {
            for turn in 0..ways.len() {
                let at = (turn + round) % ways.len();
                let (address, ours, brokers) = &ways[at];
                let name = format!("records-{size}-{round}");
                make(runtime, server, format!("{brokers}{name}"))?;
                let topic = format!("{ours}{name}");
                let produced = produce(address, &topic, size).map_err(|error| format!("{topic}: produce: {error}"))?;
                let consumed = consume(address, &topic, size).map_err(|error| format!("{topic}: consume: {error}"))?;
                runtime.block_on(server.delete_topics(vec![format!("{brokers}{name}")], brokers))?;
                // The first warms up.
                for (what, took) in [("produced", produced), ("consumed", consumed)]
                    .into_iter()
                    .filter(|_| round > 0)
                {
                    let rate = RECORDS as f64 / took.as_secs_f64();
                    rates[at].entry(format!("{what}, {size} B")).or_default().push(rate);
                }
            }
        }
    }
    drop(open);
    taker.join().map_err(|_| "the timeline could not be taken")?;
    let [direct, through] = rates;
    Ok((direct, through))
}

/// Takes the timeline again and again, beside the runtime as a run's reports stand beside it, until the other end is dropped.
fn take(timeline: &Timeline, ended: &Receiver<()>) {
    while ended.recv_timeout(SCENARIO) == Err(RecvTimeoutError::Timeout) {
        drop(timeline.drain());
    }
}

fn make(runtime: &Runtime, server: &KafkaServer, name: String) -> Result<()> {
    let topic = NewTopic {
        name,
        partitions: PARTITIONS.unsigned_abs(),
        config: Vec::new(),
    };
    match runtime.block_on(server.create_topics(vec![topic]))? {
        unmade if unmade.is_empty() => Ok(()),
        unmade => Err(format!("{unmade:?}").into()),
    }
}

fn config(address: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", address);
    config
}

/// How long all records take, once the topic is known to the producer.
fn produce(address: &str, topic: &str, size: usize) -> Result<Duration> {
    let producer: BaseProducer = config(address).create()?;
    let payload = vec![b'x'; size];
    let send = |number: usize| -> Result<()> {
        let partition = i32::try_from(number)? % PARTITIONS;
        let mut record = BaseRecord::<(), [u8]>::to(topic).payload(&payload).partition(partition);
        while let Err((error, refused)) = producer.send(record) {
            if !matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) {
                return Err(error.into());
            }
            producer.poll(Duration::from_millis(10));
            record = refused;
        }
        Ok(())
    };
    send(0)?;
    producer.flush(PATIENCE)?;
    let began = Instant::now();
    for number in 1..RECORDS {
        send(number)?;
    }
    producer.flush(PATIENCE)?;
    Ok(began.elapsed())
}

/// How long all records take from the first to the last of them.
fn consume(address: &str, topic: &str, size: usize) -> Result<Duration> {
    let consumer: BaseConsumer = config(address).set("group.id", topic).create()?;
    let mut partitions = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        partitions.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&partitions)?;
    let mut began = None;
    for number in 0..RECORDS {
        let message = consumer.poll(PATIENCE);
        let message = message.ok_or_else(|| format!("only {number} records came"))??;
        if message.payload().map(<[u8]>::len) != Some(size) {
            return Err(format!("record {number} is not of {size} B").into());
        }
        began.get_or_insert_with(Instant::now);
    }
    began
        .map(|began| began.elapsed())
        .ok_or_else(|| "no record came".into())
}
