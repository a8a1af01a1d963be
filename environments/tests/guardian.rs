//! The guardian against real processes, and against the death of its runner at any moment.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use momus_environments::{
    cache::Cache,
    guardian::{
        CHILD_MARKER, Command, Exit, Guardian, GuardianError, Launcher, RUN_MARKER, RunId, Signal, SpawnError, sweep,
    },
};

fn launcher() -> Launcher {
    Launcher {
        program: env!("CARGO_BIN_EXE_momus-guardian").into(),
        arguments: Vec::new(),
    }
}

async fn start(cache: &Cache) -> Guardian {
    Guardian::start(&launcher(), cache, RunId::random()).await.unwrap()
}

fn shell(script: &str) -> Command {
    Command::new("sh")
        .argument("-c")
        .argument(script)
        .variable("PATH", std::env::var("PATH").unwrap())
}

/// The processes, dead ones aside, that carry a run's marker.
fn marked(run: &str) -> Vec<i32> {
    let marker = format!("{RUN_MARKER}={run}");
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else {
            continue;
        };
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment
            .split(|byte| *byte == 0)
            .any(|variable| variable == marker.as_bytes())
        {
            found.push(pid);
        }
    }
    found
}

/// Waits until `holds`, looking every 20 ms; panics after `limit`.
fn await_that(what: &str, limit: Duration, holds: impl Fn() -> bool) {
    let (never, begin) = (std::sync::mpsc::channel::<()>(), Instant::now());
    while !holds() {
        assert!(begin.elapsed() < limit, "{what} did not come true within {limit:?}");
        let _ = never.1.recv_timeout(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn a_child_has_the_environment_given_the_marker_and_a_folder_for_temporary_files() {
    let home = tempfile::tempdir().unwrap();
    let guardian = start(&Cache::at(home.path())).await;
    let command = Command::new("/usr/bin/env")
        .variable("ONE", "1")
        .working_dir(home.path());
    let finished = guardian.run(command, |_| {}).await.unwrap();
    let mut lines: Vec<&str> = finished.output.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            format!("{CHILD_MARKER}={}-1", guardian.run_id()),
            format!("{RUN_MARKER}={}", guardian.run_id()),
            "ONE=1".to_owned(),
            format!("TMPDIR={}", guardian.temporary_folder().display()),
        ]
    );
    assert!(guardian.temporary_folder().is_dir() && guardian.temporary_folder().starts_with(guardian.run_folder()));
    assert_eq!(finished.exit, Exit::Code(0));
    assert!(guardian.close().await.unwrap().is_empty());
}

#[tokio::test]
async fn output_comes_in_lines_and_the_end_is_told_to_everyone_who_waits() {
    let home = tempfile::tempdir().unwrap();
    let guardian = start(&Cache::at(home.path())).await;
    let (child, mut output) = guardian
        .spawn(shell("echo out; echo err >&2; kill -KILL $$").label("shop"))
        .await
        .unwrap();
    assert_eq!(child.name(), "shop");
    assert_eq!(output.stdout.next().await.unwrap(), "out");
    assert_eq!(output.stdout.next().await, None);
    assert_eq!(output.stderr.next().await.unwrap(), "err");
    let other = child.clone();
    assert_eq!(
        tokio::join!(child.exited(), other.exited()),
        (Exit::Signal(9), Exit::Signal(9))
    );
    assert!(matches!(
        child.signal(Signal::TERM).await,
        Err(GuardianError::Refused(_))
    ));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_an_error_with_its_name() {
    let home = tempfile::tempdir().unwrap();
    let guardian = start(&Cache::at(home.path())).await;
    let error = guardian.spawn(Command::new("no-such-program")).await.unwrap_err();
    assert!(matches!(&error, SpawnError::Refused { program, .. } if program == "no-such-program"));
    assert_eq!(
        error.to_string(),
        "cannot start `no-such-program`: No such file or directory (os error 2)"
    );
    let error = guardian.spawn(shell("true").working_dir("/no/such")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot start `sh`: its working directory /no/such is not there"
    );
    let error = guardian.spawn(Command::new("/etc/passwd")).await.unwrap_err();
    assert!(error.to_string().contains("Permission denied"), "{error}");
}

#[tokio::test]
async fn stop_asks_first_and_kills_when_the_grace_is_over() {
    let home = tempfile::tempdir().unwrap();
    let guardian = start(&Cache::at(home.path())).await;
    let (obedient, mut output) = guardian
        .spawn(shell("trap 'exit 7' TERM; echo up; while :; do sleep 0.01; done"))
        .await
        .unwrap();
    output.stdout.next().await.unwrap();
    assert_eq!(obedient.stop(Duration::from_secs(5)).await, Exit::Code(7));
    let (stubborn, mut output) = guardian
        .spawn(shell("trap '' TERM; echo up; while :; do sleep 0.01; done"))
        .await
        .unwrap();
    output.stdout.next().await.unwrap();
    assert_eq!(stubborn.stop(Duration::from_millis(100)).await, Exit::Signal(9));
    let (paused, mut output) = guardian.spawn(shell("echo up; exec sleep 600")).await.unwrap();
    output.stdout.next().await.unwrap();
    paused.signal(Signal::STOP).await.unwrap();
    assert_eq!(paused.stop(Duration::from_secs(5)).await, Exit::Signal(15));
}

#[tokio::test]
async fn what_a_child_forked_goes_with_it() {
    let home = tempfile::tempdir().unwrap();
    let guardian = start(&Cache::at(home.path())).await;
    // The pipe stays open as long as the one forked lives, so `run` returning tells that it is gone.
    let finished = guardian.run(shell("sleep 600 & exit 3"), |_| {}).await.unwrap();
    assert_eq!(finished.exit, Exit::Code(3));
    // What it put into a session of its own leaves its group, and goes as well.
    let finished = guardian
        .run(shell("setsid sh -c 'sleep 600 & sleep 600' & exit 4"), |_| {})
        .await
        .unwrap();
    assert_eq!(finished.exit, Exit::Code(4));
    let (killed, mut output) = guardian
        .spawn(shell("setsid sleep 600 & echo up; exec sleep 600"))
        .await
        .unwrap();
    output.stdout.next().await.unwrap();
    let (other, mut up) = guardian.spawn(shell("echo up; exec sleep 600")).await.unwrap();
    up.stdout.next().await.unwrap();
    assert_eq!(killed.kill().await, Exit::Signal(9));
    assert_eq!(output.stdout.next().await, None, "nobody holds its pipe any more");
    assert_eq!(other.exit(), None, "another child is not touched");
    other.kill().await;
    assert!(guardian.close().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_kills_its_program() {
    let home = tempfile::tempdir().unwrap();
    let guardian = start(&Cache::at(home.path())).await;
    let run = guardian.run(shell("echo up; exec sleep 600"), |_| {});
    assert!(tokio::time::timeout(Duration::from_millis(300), run).await.is_err());
    let id = guardian.run_id().clone();
    await_that("the program's death", Duration::from_secs(5), || {
        marked(id.as_str()).is_empty()
    });
}

#[tokio::test]
async fn close_ends_all_and_tells_what_it_killed() {
    let home = tempfile::tempdir().unwrap();
    let guardian = start(&Cache::at(home.path())).await;
    let owned = home.path().join("owned");
    guardian.own_folder(&owned).await.unwrap();
    fs::create_dir(&owned).unwrap();
    let (child, mut output) = guardian
        .spawn(shell("setsid sleep 600 & echo up; exec sleep 600"))
        .await
        .unwrap();
    output.stdout.next().await.unwrap();
    let killed = guardian.close().await.unwrap();
    // a child may still be on its way to the program that it becomes
    let known = |name: &String| {
        ["sleep (", "setsid (", "sh ("]
            .iter()
            .any(|program| name.starts_with(program))
    };
    assert!(killed.iter().all(known), "{killed:?}");
    assert_eq!(killed.len(), 2, "{killed:?}");
    assert!(!owned.exists() && !guardian.run_folder().exists());
    assert!(!child.process().is_alive());
    assert!(matches!(
        guardian.spawn(shell("true")).await,
        Err(SpawnError::Guardian(GuardianError::Gone))
    ));
}

#[tokio::test]
async fn shared_memory_of_what_was_killed_goes_with_the_run() {
    let home = tempfile::tempdir().unwrap();
    let guardian = start(&Cache::at(home.path())).await;
    let files = ["killed", "left"].map(|name| format!("/dev/shm/momus-{}-{name}", guardian.run_id()));
    let mut children = Vec::new();
    for file in &files {
        let script = format!(
            "import mmap, os, signal\nfile = os.open('{file}', os.O_CREAT | os.O_RDWR)\nos.ftruncate(file, 4096)\n\
             mapped = mmap.mmap(file, 4096)\nprint('up', flush=True)\nsignal.pause()"
        );
        let command = Command::new("python3").argument("-c").argument(script);
        let command = command.variable("PATH", std::env::var("PATH").unwrap());
        let (child, mut output) = guardian.spawn(command).await.unwrap();
        assert_eq!(output.stdout.next().await.as_deref(), Some("up"));
        children.push(child);
    }
    assert_eq!(children[0].kill().await, Exit::Signal(9));
    guardian.close().await.unwrap();
    for file in &files {
        assert!(!Path::new(file).exists(), "{file}");
    }
}

/// Not a test of its own: the runner that the tests below start and kill.
#[tokio::test]
async fn runner() {
    let Some(cache) = std::env::var_os("MOMUS_TEST_RUNNER") else {
        return;
    };
    let run = std::env::var("MOMUS_TEST_RUN").unwrap().parse().unwrap();
    let guardian = Guardian::start(&launcher(), &Cache::at(&cache), run).await.unwrap();
    let owned = Path::new(&cache).join("owned");
    guardian.own_folder(&owned).await.unwrap();
    fs::create_dir(&owned).unwrap();
    let mut children = Vec::new();
    for _ in 0..4 {
        children.push(
            guardian
                .spawn(shell(
                    "setsid sh -c 'sleep 600 & exec sleep 600' & sleep 600 & exec sleep 600",
                ))
                .await
                .unwrap(),
        );
        let (stopped, output) = guardian
            .spawn(shell("trap '' TERM; while :; do sleep 600; done"))
            .await
            .unwrap();
        stopped.signal(Signal::STOP).await.unwrap();
        children.push((stopped, output));
    }
    println!("{}", guardian.run_folder().display());
    fs::write(Path::new(&cache).join("up"), "").unwrap();
    std::future::pending::<()>().await;
}

fn start_runner(cache: &Cache, run: &RunId) -> std::process::Child {
    std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "runner", "--nocapture"])
        .env("MOMUS_TEST_RUNNER", cache.folder())
        .env("MOMUS_TEST_RUN", run.as_str())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn assert_nothing_left(cache: &Cache, run: &RunId, when: Duration) {
    let guardian = cache.runs().join(run.as_str()).display().to_string();
    let guardians = || {
        fs::read_dir("/proc").unwrap().flatten().any(|entry| {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            line.split(|byte| *byte == 0)
                .any(|argument| argument == guardian.as_bytes())
        })
    };
    await_that(
        &format!("the end of a run killed after {when:?}"),
        Duration::from_secs(5),
        || marked(run.as_str()).is_empty() && !guardians(),
    );
    let left: Vec<_> = fs::read_dir(cache.runs())
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    assert!(left.is_empty(), "killed after {when:?}: {left:?}");
    assert!(!cache.folder().join("owned").exists(), "killed after {when:?}");
}

#[test]
fn a_runner_killed_at_any_moment_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let wait = std::sync::mpsc::channel::<()>();
    // Moments that no clock hits twice: from before the guardian is started to after everything is up.
    for round in 0..25_u64 {
        let moment = Duration::from_micros(round * 4_300 + u64::from(RandomByte::draw().0) * 30);
        let cache = Cache::at(home.path().join(round.to_string()));
        let run = RunId::random();
        let mut runner = start_runner(&cache, &run);
        let _ = wait.1.recv_timeout(moment);
        runner.kill().unwrap();
        assert_eq!(runner.wait().unwrap().signal(), Some(9));
        assert_nothing_left(&cache, &run, moment);
    }
}

#[test]
fn a_runner_killed_when_all_is_up_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let (cache, run) = (Cache::at(home.path()), RunId::random());
    let mut runner = start_runner(&cache, &run);
    await_that("the runner being up", Duration::from_secs(20), || {
        home.path().join("up").exists()
    });
    assert!(marked(run.as_str()).len() >= 20);
    runner.kill().unwrap();
    runner.wait().unwrap();
    assert_nothing_left(&cache, &run, Duration::MAX);
}

#[test]
fn a_guardian_killed_with_its_runner_is_swept_by_the_next_run() {
    let home = tempfile::tempdir().unwrap();
    let (cache, run) = (Cache::at(home.path()), RunId::random());
    let mut runner = start_runner(&cache, &run);
    await_that("the runner being up", Duration::from_secs(20), || {
        home.path().join("up").exists()
    });
    assert!(sweep(&cache).unwrap().is_empty(), "a run that lives is left alone");
    let guardian = fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let ours = line
            .split(|byte| *byte == 0)
            .any(|argument| argument == run.as_str().as_bytes());
        ours.then(|| entry.file_name().into_string().unwrap().parse::<i32>().unwrap())
    });
    let guardian = rustix::process::Pid::from_raw(guardian.unwrap()).unwrap();
    rustix::process::kill_process(guardian, Signal::KILL).unwrap();
    runner.kill().unwrap();
    runner.wait().unwrap();
    await_that("the lease being free", Duration::from_secs(5), || {
        let told = sweep(&cache).unwrap();
        told.iter().any(|line| line.contains(run.as_str()))
    });
    await_that("the processes' death", Duration::from_secs(5), || {
        marked(run.as_str()).is_empty()
    });
    assert!(fs::read_dir(cache.runs()).unwrap().next().is_none() && !home.path().join("owned").exists());
}

/// A byte nobody can foretell, without a dependency for it.
struct RandomByte(u8);

impl RandomByte {
    fn draw() -> Self {
        Self(
            RunId::random()
                .as_str()
                .bytes()
                .fold(0, |sum, byte| sum ^ byte.wrapping_mul(31)),
        )
    }
}
