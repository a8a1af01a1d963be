//! `run --keep`, `status` and `down`: what failed can be looked at, for a while.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod market;
mod scratch;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use scratch::{Said, Scratch};

const DATABASE: &str = "datastores: { shop-db: { postgres: {} } }\n";
const FAILS: &str = "    Then GET \"/readyz\" from shop has\n      | status | 500 |\n\n  Scenario: another\n    Then GET \"/readyz\" from shop has\n      | status | 501 |\n";
/// How long what is given up may take to be gone.
const LIMIT: Duration = Duration::from_secs(10);

/// The market with a cache of its own.
struct Market(Scratch);

impl Market {
    fn new(steps: &str) -> Self {
        let shop = ", DATABASE_URL: '${edge.shop-db.url}'";
        let mesh = market::mesh("", shop, &format!("    depends_on: [shop-db]\n{DATABASE}"));
        Self(market::market(&mesh, steps))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.0.command(arguments);
        command.env("MOMUS_CACHE", self.0.path().join("cache"));
        command
    }

    fn momus(&self, arguments: &[&str]) -> Said {
        Said::of(&self.command(arguments).output().unwrap())
    }

    /// The folders of runs.
    fn runs(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path().join("cache/runs"))
            .into_iter()
            .flatten();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    /// Waits until nothing of any run is left.
    fn is_clean(&self) {
        let began = Instant::now();
        while !self.runs().is_empty() {
            assert!(began.elapsed() < LIMIT, "left: {:?}", self.runs());
            std::thread::yield_now();
        }
    }
}

/// The addresses of a thing, in the order of the sandboxes that `status` lists.
fn addresses(status: &str, name: &str) -> Vec<String> {
    let of_thing = |line: &str| {
        let (thing, address) = line.trim().split_once("  ")?;
        (thing == name).then(|| address.trim().to_owned())
    };
    status.lines().filter_map(of_thing).collect()
}

fn answers(url: &str) -> bool {
    let host = url.strip_prefix("http://").unwrap();
    let Ok(mut socket) = TcpStream::connect(host) else {
        return false;
    };
    let mut answer = String::new();
    let asked =
        socket.write_all(format!("GET /readyz HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes());
    asked.is_ok() && socket.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
}

#[test]
fn what_failed_is_kept_found_and_removed() {
    let market = Market::new(FAILS);
    let ran = market.momus(&["run", "--keep"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let [run] = market.runs().try_into().unwrap();
    let kept = ran.out.split_once("kept for").unwrap().1;
    let hint = format!("hint: `momus status` tells where its services are, `momus down {run}` removes it\n");
    assert_eq!(
        kept,
        format!(" 30 min: s0 of features/sale.feature:3\nkept for 30 min: s1 of features/sale.feature:7\n{hint}")
    );

    let status = market.momus(&["status"]).out;
    assert!(
        status.starts_with(&format!("run {run}: mesh market, kept for 30 min more")),
        "{status}"
    );
    assert!(
        status.contains("\n  s1: failed at features/sale.feature:7  another\n"),
        "{status}"
    );
    let shops = addresses(&status, "shop");
    assert!(shops.len() == 2 && shops.iter().all(|shop| answers(shop)), "{status}");
    let databases = addresses(&status, "shop-db");
    assert!(
        databases.len() == 2 && databases[0].starts_with("postgres://"),
        "{status}"
    );
    let logs = status
        .lines()
        .find_map(|line| line.trim().strip_prefix("logs: "))
        .unwrap();
    assert!(std::path::Path::new(logs).join("shop.log").exists());

    for wrong in [format!("{run}/s7"), "s0".to_owned()] {
        let refused = market.momus(&["down", &wrong]);
        let told = format!("error: `{wrong}` is not kept; hint: what is: {run}/s0, {run}/s1\n");
        assert_eq!((refused.code, refused.error), (Some(2), told));
    }
    let one = market.momus(&["down", &format!("{run}/s0")]);
    assert_eq!((one.code, one.out), (Some(0), format!("removed: {run}/s0\n")));
    assert_eq!([&shops[0], &shops[1]].map(|shop| answers(shop)), [false, true]);
    assert_eq!(addresses(&market.momus(&["status"]).out, "shop"), shops[1..]);
    let all = market.momus(&["down"]);
    assert_eq!((all.code, all.out), (Some(0), format!("removed: run {run}\n")));
    assert!(market.runs().is_empty() && !answers(&shops[1]));
    assert_eq!(market.momus(&["status"]).out, "no run\n");
    assert_eq!(market.momus(&["down"]).out, "nothing is kept\n");
}

#[test]
fn what_passes_is_not_kept_and_a_lease_ends() {
    let market = Market::new(market::SALE);
    let passed = market.momus(&["run", "--keep"]);
    assert_eq!(
        (passed.code, passed.out.contains("kept")),
        (Some(0), false),
        "{passed:?}"
    );
    assert!(market.runs().is_empty());

    market
        .0
        .write("features/sale.feature", &format!("Feature: f\n  Scenario: s\n{FAILS}"));
    let failed = market.momus(&["run", "--keep=1 s", "-n", "s"]);
    assert!(failed.out.contains("kept for 1 s: s0"), "{failed:?}");
    market.is_clean();
}

#[test]
fn a_command_that_is_killed_or_stopped_keeps_nothing() {
    let market =
        Market::new("    Then GET \"/readyz\" from shop eventually has within 100 seconds\n      | status | 500 |\n");
    for (signal, code) in [("KILL", None), ("INT", Some(130))] {
        let mut command = market.command(&["run", "--keep", "--no-early"]);
        let mut run = command.stdout(Stdio::null()).spawn().unwrap();
        let report = market.0.path().join("cache/runs");
        let began = Instant::now();
        let is_ready = || {
            let logs = std::fs::read_dir(&report).into_iter().flatten().flatten();
            let log = |run: std::fs::DirEntry| run.path().join("sandboxes/s0/logs/shop.log");
            logs.map(log).any(|log| log.exists())
        };
        while !is_ready() {
            assert!(began.elapsed() < Duration::from_secs(60), "the shop never started");
            std::thread::yield_now();
        }
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), &run.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        assert_eq!(run.wait().unwrap().code(), code);
        market.is_clean();
    }
}
