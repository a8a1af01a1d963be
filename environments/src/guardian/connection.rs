//! The conversation with the guardian: requests, their answers, and the exits of what it started.

use std::{
    collections::HashMap,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    net::UnixStream,
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

use super::{
    client::GuardianError,
    command::Exit,
    process::ProcessId,
    wire::{Incoming, Reply, Request, send},
};

/// The socket, shared by the guardian's handle and its children's.
#[derive(Debug)]
pub(super) struct Connection {
    outgoing: mpsc::UnboundedSender<(Request, Vec<OwnedFd>)>,
    state: Arc<Mutex<State>>,
    tasks: [JoinHandle<()>; 2],
}

#[derive(Debug, Default)]
struct State {
    last_id: u64,
    gone: bool,
    waiting: HashMap<u64, oneshot::Sender<Result<Answer, String>>>,
    closing: Option<oneshot::Sender<Vec<String>>>,
    exits: HashMap<ProcessId, watch::Sender<Option<Exit>>>,
}

/// What a request came to.
#[derive(Debug)]
pub(super) enum Answer {
    Spawned(ProcessId, watch::Receiver<Option<Exit>>),
    Done(()),
}

impl Connection {
    pub(super) fn new(stream: UnixStream, incoming: Incoming) -> Self {
        let stream = Arc::new(stream);
        let state = Arc::new(Mutex::new(State::default()));
        let (outgoing, requests) = mpsc::unbounded_channel();
        let writer = tokio::spawn(write(Arc::clone(&stream), requests));
        let reader = tokio::spawn(read(stream, incoming, Arc::clone(&state), outgoing.clone()));
        Self {
            outgoing,
            state,
            tasks: [writer, reader],
        }
    }

    /// Asks for something that is answered with success or failure alone.
    pub(super) async fn ask(&self, request: impl FnOnce(u64) -> Request) -> Result<(), GuardianError> {
        self.request(request, Vec::new()).await.map(drop)
    }

    pub(super) async fn request(
        &self,
        request: impl FnOnce(u64) -> Request,
        descriptors: Vec<OwnedFd>,
    ) -> Result<Answer, GuardianError> {
        let (sender, answer) = oneshot::channel();
        let id = {
            let mut state = lock(&self.state);
            if state.gone {
                return Err(GuardianError::Gone);
            }
            state.last_id += 1;
            let id = state.last_id;
            state.waiting.insert(id, sender);
            id
        };
        self.outgoing
            .send((request(id), descriptors))
            .map_err(|_| GuardianError::Gone)?;
        answer
            .await
            .map_err(|_| GuardianError::Gone)?
            .map_err(GuardianError::Refused)
    }

    pub(super) async fn close(&self) -> Result<Vec<String>, GuardianError> {
        let (sender, closed) = oneshot::channel();
        {
            let mut state = lock(&self.state);
            if state.gone {
                return Err(GuardianError::Gone);
            }
            state.closing = Some(sender);
        }
        self.outgoing
            .send((Request::Close, Vec::new()))
            .map_err(|_| GuardianError::Gone)?;
        closed.await.map_err(|_| GuardianError::Gone)
    }

    pub(super) fn kill_unheard(&self, process: ProcessId) {
        let _ = self.outgoing.send((kill(process), Vec::new()));
    }
}

/// The guardian sees the end of the conversation when nobody holds the socket any more.
impl Drop for Connection {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// A kill whose answer nobody waits for: request numbers begin with 1.
fn kill(process: ProcessId) -> Request {
    Request::Signal {
        id: 0,
        process,
        signal: rustix::process::Signal::KILL.as_raw(),
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A task of its own, so that a request is written whole even if the one who asks is cancelled.
async fn write(stream: Arc<UnixStream>, mut requests: mpsc::UnboundedReceiver<(Request, Vec<OwnedFd>)>) {
    while let Some((request, descriptors)) = requests.recv().await {
        if send(&stream, &request, &descriptors).await.is_err() {
            return;
        }
    }
}

async fn read(
    stream: Arc<UnixStream>,
    mut incoming: Incoming,
    state: Arc<Mutex<State>>,
    outgoing: mpsc::UnboundedSender<(Request, Vec<OwnedFd>)>,
) {
    while let Ok(Some(reply)) = incoming.next(&stream).await {
        let mut state = lock(&state);
        match reply {
            Reply::Ready | Reply::Failed { .. } => {}
            Reply::Spawned { id, process } => {
                let (sender, exit) = watch::channel(None);
                state.exits.insert(process.clone(), sender);
                let answer = Ok(Answer::Spawned(process.clone(), exit));
                // Whoever asked was cancelled: then nobody has a handle on it.
                if state
                    .waiting
                    .remove(&id)
                    .is_none_or(|waiting| waiting.send(answer).is_err())
                {
                    let _ = outgoing.send((kill(process), Vec::new()));
                }
            }
            Reply::Done { id, error } => {
                if let Some(waiting) = state.waiting.remove(&id) {
                    let _ = waiting.send(error.map_or(Ok(Answer::Done(())), Err));
                }
            }
            Reply::Exited { process, exit } => {
                if let Some(sender) = state.exits.remove(&process) {
                    sender.send_replace(Some(exit));
                }
            }
            Reply::Closed { killed } => {
                if let Some(closing) = state.closing.take() {
                    let _ = closing.send(killed);
                }
            }
        }
    }
    let mut state = lock(&state);
    state.gone = true;
    state.waiting.clear();
    state.closing = None;
    for (_, sender) in state.exits.drain() {
        sender.send_replace(Some(Exit::Unknown));
    }
}
