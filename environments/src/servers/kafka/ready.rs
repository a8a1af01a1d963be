//! Asking a broker whether it serves.

use std::{io, net::Ipv4Addr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{MissedTickBehavior, interval, timeout},
};

/// A Metadata request (key 3) of version 1 for no topics, with its length in front (<https://kafka.apache.org/protocol>):
/// header version 1 (key, version, correlation 1, no client id), then an empty array of topics.
const METADATA_REQUEST: [u8; 18] = [0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0];
/// The longest answer that makes sense, in bytes.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Returns once the broker at this port of loopback lists itself in its metadata: it has joined the cluster and serves.
pub(super) async fn until_serving(port: u16) {
    let mut looks = interval(Duration::from_millis(10));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        if matches!(timeout(Duration::from_secs(1), brokers(port)).await, Ok(Ok(1..))) {
            return;
        }
    }
}

/// How many brokers the one at this port knows of.
async fn brokers(port: u16) -> io::Result<i32> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.write_all(&METADATA_REQUEST).await?;
    let length = stream.read_u32().await? as usize;
    if !(8..=LONGEST_ANSWER).contains(&length) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer).await?;
    // The correlation, then the array of brokers, which begins with its length.
    Ok(i32::from_be_bytes([answer[4], answer[5], answer[6], answer[7]]))
}
