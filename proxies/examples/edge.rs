//! One edge, kept until the standard input ends: `edge tcp|http UPSTREAM`, `edge postgres UPSTREAM DATABASE`,
//! `edge kafka UPSTREAM PREFIX`. It prints the address that a caller is given, and at its end how many events were recorded.
//!
//! `bench/run --only proxies` compares it with other proxies, and a profiler can be laid to it alone. Allocator and runtime
//! are those of the `momus` program.

use std::error::Error;
use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use momus_engine::timeline::{Clock, Timeline};
use momus_proxies::edge::{Databases, Edge, Protocol, Purpose, Upstream};
use momus_proxies::kafka::{Broker, Namespace};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "hint: edge tcp|http UPSTREAM, edge postgres UPSTREAM DATABASE, edge kafka UPSTREAM PREFIX";

/// How much of a timeline is kept before it is taken, as the runner takes it when a scenario ends.
const SCENARIO: Duration = Duration::from_secs(1);

fn main() -> Result<(), Box<dyn Error>> {
    let timeline = Timeline::new(Clock::start(), 0, "s0");
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (upstream, protocol) = match words[..] {
        ["tcp", upstream] => (upstream, Protocol::Tcp),
        ["http", upstream] => (upstream, Protocol::Http(Purpose::Calls)),
        ["postgres", upstream, database] => {
            let clones = [(database.to_owned(), database.to_owned())].into();
            let databases = Databases {
                clones,
                ..Databases::default()
            };
            (upstream, Protocol::Postgres(databases))
        }
        ["kafka", upstream, prefix] => {
            let activity = timeline.activity().clone();
            let namespace = Namespace::new("caller", prefix, Broker::Real, activity);
            (upstream, Protocol::Kafka(namespace))
        }
        _ => return Err(format!("not understood: `{}`; {USAGE}", words.join(" ")).into()),
    };
    let upstream = upstream
        .parse()
        .map_err(|error| format!("`{upstream}`: {error}; {USAGE}"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let edge = runtime.block_on(Edge::listen(
        "caller",
        "dependency",
        Upstream::Tcp(upstream),
        protocol,
        timeline.clone(),
    ))?;
    println!("{}", edge.address());
    std::io::stdout().flush()?;
    let (open, ended) = channel();
    let taker = std::thread::spawn(move || take(&timeline, &ended));
    std::io::stdin().read_to_end(&mut Vec::new())?;
    drop(open);
    let taken = taker.join().map_err(|_| "the timeline could not be taken")?;
    drop(edge);
    println!("{taken}");
    runtime.shutdown_background();
    Ok(())
}

/// Takes the timeline again and again, beside the runtime as a run's reports stand beside it, until the other end is dropped;
/// how many events there were.
fn take(timeline: &Timeline, ended: &Receiver<()>) -> usize {
    let mut taken = 0;
    while ended.recv_timeout(SCENARIO) == Err(RecvTimeoutError::Timeout) {
        taken += timeline.drain().len();
    }
    taken + timeline.drain().len()
}
