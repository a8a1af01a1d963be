//! What a client's program says.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long a program may take, on a loaded machine.
const LIMIT: Duration = Duration::from_secs(120);

/// How many programs run at once.
static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// What a program says; an error with all that it wrote when it fails or does not end.
pub async fn said(command: &mut Command) -> Result<String, String> {
    let _turn = AT_ONCE.acquire().await.unwrap();
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = match timeout(LIMIT, command.output()).await {
        Ok(output) => output.map_err(|error| format!("{command:?}: {error}"))?,
        Err(_) => return Err(format!("it did not end within {LIMIT:?}")),
    };
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    match output.status.success() {
        true => Ok(out.into_owned()),
        false => Err(format!("{}\n{out}{err}", output.status)),
    }
}
