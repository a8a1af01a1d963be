//! Readiness: the healthcheck passes, and the service holds every partition that it consumes.

use std::collections::BTreeSet;
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::{Healthcheck, Mesh, Service, Source};
use momus_engine::timeline::{OpenWait, Timeline};
use momus_proxies::kafka::{Namespace, Partition};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::service::Running;

/// How often a healthcheck is tried: nothing tells when it would pass.
const EACH: Duration = Duration::from_millis(20);
/// How long one try may take.
const TRY_LIMIT: Duration = Duration::from_secs(2);

/// Who is to become ready.
pub(super) struct Candidate<'a> {
    pub(super) name: &'a str,
    pub(super) service: &'a Service,
    pub(super) mesh: &'a Mesh,
    /// Its process; none of a service that is served already.
    pub(super) running: Option<&'a Running>,
    /// What was seen of it on the edge to each broker.
    pub(super) namespaces: Vec<(&'a str, &'a Namespace)>,
}

impl Candidate<'_> {
    /// Returns when it is ready.
    ///
    /// # Errors
    /// When it exits before, or is not ready in time; the caller adds what it wrote.
    pub(super) async fn ready(&self, timeline: &Timeline, limit: Duration) -> Result<(), StepError> {
        let wait = timeline.wait_for(format!("{} to become ready", self.name));
        let ready = async {
            self.healthy(&wait).await;
            self.assigned(&wait).await;
        };
        tokio::select! {
            biased;
            exit = exited(self.running) => {
                Err(Failure::unknown(format!("{} ended with {exit} before it was ready", self.name)))
            }
            in_time = timeout(limit, ready) => in_time.map_err(|_| {
                let waits = timeline.open_waits();
                let what = waits.iter().find(|what| what.starts_with(self.name));
                let what = what.map_or("", |what| what.trim_start_matches(self.name).trim_start_matches(" to become ready"));
                let limit = momus_engine::failure::in_words(limit);
                Failure::unknown(format!("{} was not ready within {limit}{what}", self.name))
                    .hint("a service is ready when its `healthcheck` passes and it holds every partition that it `consumes`")
            }),
        }
    }

    async fn healthy(&self, wait: &OpenWait) {
        let Some(check) = self.service.healthcheck.as_deref() else {
            return;
        };
        let mut tries = interval(EACH);
        tries.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tries.tick().await;
            let tried = timeout(TRY_LIMIT, self.check(check)).await;
            match tried.unwrap_or_else(|_| Err(format!("no answer within {} s", TRY_LIMIT.as_secs()))) {
                Ok(()) => return,
                Err(why) => wait.say(format!("{} to become ready: {why}", self.name)),
            }
        }
    }

    async fn check(&self, check: &Healthcheck) -> Result<(), String> {
        match check {
            Healthcheck::Tcp { port } => {
                let address = self.address(Some(port))?;
                let connected = TcpStream::connect(&address).await;
                connected.map(drop).map_err(|error| format!("port `{port}`: {error}"))
            }
            Healthcheck::Http { path, port } => {
                let address = self.address(port.as_deref())?;
                let status = get(&address, path).await.map_err(|why| format!("GET {path}: {why}"))?;
                if status < 400 {
                    return Ok(());
                }
                Err(format!("GET {path} was answered {status}"))
            }
        }
    }

    fn address(&self, port: Option<&str>) -> Result<String, String> {
        match (&self.service.source, self.running, port) {
            (Source::Url(url), _, _) => {
                let authority = url.trim_start_matches("http://").split('/').next().unwrap_or_default();
                Ok(if authority.contains(':') {
                    authority.to_owned()
                } else {
                    format!("{authority}:80")
                })
            }
            (_, Some(running), Some(port)) => {
                let number = running
                    .ports
                    .get(port)
                    .ok_or_else(|| format!("there is no port `{port}`"))?;
                Ok(format!("127.0.0.1:{number}"))
            }
            _ => Err("it does not run".into()),
        }
    }

    async fn assigned(&self, wait: &OpenWait) {
        for (broker, namespace) in &self.namespaces {
            let topics = self.mesh.brokers.get(*broker).map(|broker| &broker.topics);
            let consumed = self.service.consumes.iter().filter_map(|name| {
                let topic = topics?.get(name.value.as_str())?;
                Some((name.value.clone(), topic.partitions))
            });
            let wanted: BTreeSet<Partition> = consumed
                .flat_map(|(name, partitions)| {
                    (0..i32::try_from(partitions).unwrap_or(i32::MAX)).map(move |partition| (name.clone(), partition))
                })
                .collect();
            let mut assigned = namespace.assigned();
            loop {
                let missing: Vec<String> = {
                    let assigned = assigned.borrow_and_update();
                    let missing = wanted.difference(&assigned);
                    missing
                        .map(|(topic, partition)| format!("{topic} [{partition}]"))
                        .collect()
                };
                if missing.is_empty() {
                    break;
                }
                wait.say(format!(
                    "{} to become ready: it does not hold {}",
                    self.name,
                    missing.join(", ")
                ));
                if assigned.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        }
    }
}

async fn exited(running: Option<&Running>) -> crate::guardian::Exit {
    match running {
        Some(running) => running.child.exited().await,
        None => std::future::pending().await,
    }
}

async fn get(address: &str, path: &str) -> Result<u16, String> {
    let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let handshake = hyper::client::conn::http1::handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| error.to_string())?;
    let request = hyper::Request::get(path)
        .header(hyper::header::HOST, address)
        .body(Empty::new());
    let request = request.map_err(|error| error.to_string())?;
    tokio::select! {
        response = sender.send_request(request) => response.map(|response| response.status().as_u16()),
        Err(error) = connection => Err(error),
    }
    .map_err(|error| error.to_string())
}
