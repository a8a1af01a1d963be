//! Readiness: the healthcheck passes, and the service holds every partition that it consumes.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use momus_engine::failure::{Failure, StepError, in_words};
use momus_engine::mesh::{Healthcheck, Mesh, Service, Source};
use momus_engine::timeline::{OpenWait, Timeline};
use momus_proxies::kafka::{Namespace, Partition};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::running::Running;

/// How soon one try of a healthcheck follows another: when something happened in the sandbox, not before the first of
/// these, and at the second for certain.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(50));
/// How long one try may take.
const TRY_LIMIT: Duration = Duration::from_secs(2);
/// How long a try may go on when the time is over: it is not cut off, for the service would tell of a caller that is gone.
const LAST_TRY: Duration = Duration::from_millis(200);
/// How long the rest of an answer is read whose status is known: a service must not take its end for a broken connection.
const REST_LIMIT: Duration = Duration::from_millis(200);

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

/// What is waited for, and what was seen last.
struct Wait<'a> {
    name: &'a str,
    open: OpenWait,
    lacks: Mutex<Option<String>>,
}

impl Wait<'_> {
    fn say(&self, lacks: String) {
        self.open.say(format!("{} to become ready: {lacks}", self.name));
        *self.lacks.lock().unwrap_or_else(PoisonError::into_inner) = Some(lacks);
    }

    fn lacks(&self) -> String {
        let lacks = self.lacks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        lacks.map_or_else(String::new, |lacks| format!(": {lacks}"))
    }
}

impl Candidate<'_> {
    /// Returns when it is ready.
    ///
    /// # Errors
    /// When it exits before, or is not ready in time; the caller adds what it wrote.
    pub(super) async fn ready(&self, timeline: &Timeline, limit: Duration) -> Result<(), StepError> {
        let wait = Wait {
            name: self.name,
            open: timeline.wait_for(format!("{} to become ready", self.name)),
            lacks: Mutex::default(),
        };
        let until = Instant::now() + limit;
        let ready = async {
            self.healthy(timeline, &wait, until).await && timeout_at(until, self.assigned(&wait)).await.is_ok()
        };
        tokio::select! {
            biased;
            exit = exited(self.running) => {
                let failure = Failure::unknown(format!("{} ended with {exit} before it was ready", self.name));
                Err(match &self.service.source {
                    Source::Command(command) => failure.hint(format!("its `command` stands at {}", command.place)),
                    Source::Url(_) => failure,
                })
            }
            in_time = ready => match in_time {
                true => Ok(()),
                false => {
                    let message = format!("{} was not ready within {}{}", self.name, in_words(limit), wait.lacks());
                    Err(Failure::unknown(message).hint(self.what_makes_ready()))
                }
            },
        }
    }

    fn what_makes_ready(&self) -> String {
        let check = self.service.healthcheck.as_ref();
        let check = check.map(|check| format!("its `healthcheck` ({}) passes", check.place));
        let consumes = self.service.consumes.first();
        let consumes = consumes.map(|topic| format!("it holds every partition that it `consumes` ({})", topic.place));
        let conditions: Vec<String> = check.into_iter().chain(consumes).collect();
        format!("{} is ready when {}", self.name, conditions.join(" and "))
    }

    /// Whether its healthcheck passes in time.
    async fn healthy(&self, timeline: &Timeline, wait: &Wait<'_>, until: Instant) -> bool {
        let Some(check) = self.service.healthcheck.as_deref() else {
            return true;
        };
        let mut bell = timeline.bell();
        loop {
            bell.mark_unchanged();
            let patience = TRY_LIMIT.min(until.saturating_duration_since(Instant::now()) + LAST_TRY);
            let tried = timeout(patience, self.check(check)).await;
            match tried.unwrap_or_else(|_| Err(format!("no answer within {}", in_words(patience)))) {
                Ok(()) => return true,
                Err(why) => wait.say(why),
            }
            let tried = Instant::now();
            if tried >= until {
                return false;
            }
            sleep_until(until.min(tried + PAUSES.0)).await;
            tokio::select! {
                _ = bell.changed() => {}
                () = sleep_until(until.min(tried + PAUSES.1)) => {}
            }
        }
    }

    async fn check(&self, check: &Healthcheck) -> Result<(), String> {
        match check {
            Healthcheck::Tcp { port } => {
                let address = self.address(Some(port))?;
                let connected = self.connect(&address).await;
                connected.map(drop).map_err(|error| format!("port `{port}`: {error}"))
            }
            Healthcheck::Http { path, port } => {
                let address = self.address(port.as_deref())?;
                let told = |why: String| format!("GET {path}: {why}");
                let stream = self.connect(&address).await.map_err(|error| told(error.to_string()))?;
                let status = get(stream, &address, path).await.map_err(told)?;
                if status < 400 {
                    return Ok(());
                }
                Err(format!("GET {path} was answered {status}"))
            }
        }
    }

    fn address(&self, port: Option<&str>) -> Result<String, String> {
        match (&self.service.source, self.running, port) {
            (Source::Url(url), _, _) if url.starts_with("https://") => {
                Err("a healthcheck cannot ask `https://`: leave it out".into())
            }
            (Source::Url(url), _, _) => {
                let authority = url.trim_start_matches("http://").split('/').next().unwrap_or_default();
                Ok(if authority.contains(':') {
                    authority.to_owned()
                } else {
                    format!("{authority}:80")
                })
            }
            (_, Some(running), Some(port)) => {
                let address = running.ports.address(port);
                let address = address.ok_or_else(|| format!("there is no port `{port}`"))?;
                Ok(address.to_string())
            }
            _ => Err("it does not run".into()),
        }
    }

    async fn connect(&self, address: &str) -> std::io::Result<TcpStream> {
        match (self.running, address.parse()) {
            (Some(running), Ok(address)) => running.connect(address).await,
            _ => TcpStream::connect(address).await,
        }
    }

    async fn assigned(&self, wait: &Wait<'_>) {
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
                wait.say(format!("it does not hold {}", missing.join(", ")));
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

/// The status that a GET is answered with.
async fn get(stream: TcpStream, address: &str, path: &str) -> Result<u16, String> {
    let told = |error: hyper::Error| error.to_string();
    let handshake = hyper::client::conn::http1::handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(told)?;
    let request = hyper::Request::get(path)
        .header(hyper::header::HOST, address)
        .header(hyper::header::CONNECTION, "close")
        .body(Empty::new());
    let request = request.map_err(|error| error.to_string())?;
    let exchange = async {
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        drop(timeout(REST_LIMIT, response.into_body().collect()).await);
        Ok(status)
    };
    tokio::select! {
        status = exchange => status,
        Err(error) = connection => Err(error),
    }
    .map_err(told)
}
