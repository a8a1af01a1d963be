//! What runner and guardian say to each other: one JSON object a line, over a Unix stream socket.
//!
//! A [`Request::Spawn`] is accompanied by two descriptors (standard output, standard error), and by a third where the program
//! gets walls (the socket to the process inside), sent with its first byte, so descriptors arrive in the order of the requests that use them, and never later than those.

use std::{
    collections::VecDeque,
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{io::Interest, net::UnixStream};

use super::{
    command::{Command, Exit},
    process::ProcessId,
};

/// From the runner to the guardian.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    Spawn { id: u64, command: Command, walls: bool },
    Signal { id: u64, process: ProcessId, signal: i32 },
    OwnFolder { id: u64, folder: PathBuf },
    Close,
}

/// From the guardian to the runner.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    /// The run's folder is there and leased.
    Ready,
    /// The guardian could not begin.
    Failed {
        error: String,
    },
    Spawned {
        id: u64,
        process: ProcessId,
    },
    /// A request done, or what prevented it.
    Done {
        id: u64,
        error: Option<String>,
    },
    Exited {
        process: ProcessId,
        exit: Exit,
    },
    /// Everything is ended; the programs that had to be killed.
    Closed {
        killed: Vec<String>,
    },
}

/// How many descriptors one message carries at most.
pub(super) const MOST_DESCRIPTORS: usize = 16;

/// One end of the socket, being read.
#[derive(Default)]
pub(super) struct Incoming {
    bytes: Vec<u8>,
    /// Descriptors that came and were not yet taken by a request.
    pub(super) descriptors: VecDeque<OwnedFd>,
}

impl Incoming {
    /// The next message; `None` when the other side has closed. Cancelling it loses nothing.
    pub(super) async fn next<T: DeserializeOwned>(&mut self, stream: &UnixStream) -> io::Result<Option<T>> {
        loop {
            if let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.bytes.drain(..=end).collect();
                return Ok(Some(serde_json::from_slice(&line)?));
            }
            let Self { bytes, descriptors } = self;
            let read = stream
                .async_io(Interest::READABLE, || receive(stream, bytes, descriptors))
                .await?;
            if read == 0 {
                return Ok(None);
            }
        }
    }
}

fn receive(stream: &UnixStream, bytes: &mut Vec<u8>, descriptors: &mut VecDeque<OwnedFd>) -> io::Result<usize> {
    let mut buffer = [0; 16 * 1024];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(
        stream.as_fd(),
        &mut [IoSliceMut::new(&mut buffer)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    bytes.extend_from_slice(&buffer[..received.bytes]);
    Ok(received.bytes)
}

/// Sends one message with its descriptors. Must not be cancelled: half a message spoils the stream.
pub(super) async fn send<T: Serialize>(stream: &UnixStream, message: &T, descriptors: &[OwnedFd]) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let mut sent = 0;
    while sent < line.len() {
        sent += stream
            .async_io(Interest::WRITABLE, || {
                let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
                let mut control = SendAncillaryBuffer::new(&mut space);
                let borrowed: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
                if sent == 0 && !borrowed.is_empty() {
                    control.push(SendAncillaryMessage::ScmRights(&borrowed));
                }
                Ok(sendmsg(
                    stream.as_fd(),
                    &[IoSlice::new(&line[sent..])],
                    &mut control,
                    SendFlags::NOSIGNAL,
                )?)
            })
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[tokio::test]
    async fn a_long_request_arrives_whole_with_its_descriptors() {
        let (runner, guardian) = UnixStream::pair().unwrap();
        let (mut pipe_out, pipe_in) = std::io::pipe().unwrap();
        let mut command = Command::new("sh");
        command.environment.push(("LONG".into(), "x".repeat(1_000_000)));
        let (request, descriptors) = (
            Request::Spawn {
                id: 7,
                command,
                walls: false,
            },
            [OwnedFd::from(pipe_in)],
        );
        let mut incoming = Incoming::default();
        let (sent, received) = tokio::join!(
            send(&runner, &request, &descriptors),
            incoming.next::<Request>(&guardian)
        );
        sent.unwrap();
        drop(descriptors);
        let Some(Request::Spawn { id: 7, command, .. }) = received.unwrap() else {
            panic!("not the request sent")
        };
        assert_eq!(command.environment[0].1.len(), 1_000_000);
        let mut end = std::fs::File::from(incoming.descriptors.pop_front().unwrap());
        end.write_all(b"through").unwrap();
        drop(end);
        let mut text = String::new();
        pipe_out.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
    }

    #[tokio::test]
    async fn the_other_side_closing_ends_the_messages() {
        let (runner, guardian) = UnixStream::pair().unwrap();
        drop(runner);
        assert!(Incoming::default().next::<Request>(&guardian).await.unwrap().is_none());
    }
}
