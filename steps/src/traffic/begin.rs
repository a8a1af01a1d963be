//! Beginning a traffic.

use std::sync::Mutex;

use momus_engine::mesh::Mesh;
use momus_engine::parameter::Value;
use momus_engine::step;
use momus_engine::step::BlockShape;
use tokio::sync::watch;
use tokio::time::Instant;

use super::flow::Traffic;
use super::log::Log;
use super::sender::{Sender, Sending};
use crate::http::client::Client;
use crate::http::cookies::Cookies;
use crate::http::request;
use crate::ledger::sent::Sent;

/// The test client sends no more requests a second.
const FASTEST: u64 = 1_000;

step! {
    /// Sends requests at a steady rate from now on, while the steps behind it run: each when it is due, whether or not
    /// those before it have an answer. They are made as `I send` makes them, and filled in anew each time: `${uuid}` and
    /// `${fake.…}` are drawn again, `${ordinal}` counts from 1.
    ///
    /// The first step that asks about the traffic ends it: it goes on until a request was sent after the last step that
    /// acted, then the answers to all are waited for, for as long as `--deadline` says. While it flows the mesh is not
    /// quiet, so what waits for that asks afterwards. A traffic that no step asks about is an error, for it would pass
    /// whatever came of it. Up to 200 requests can be without an answer; what is due beyond that is not sent.
    ///
    /// ```gherkin
    /// When 20 GET "/orders/o-1" per second are sent to shop as reads
    /// And 5 POST "/orders" per second are sent to shop as writes
    ///   | $.number | ${ordinal} |
    /// And billing is restarted
    /// Then no request of reads fails
    /// And at most 1 % of the requests of writes fail
    /// And every order in ledger orders is eventually published exactly once
    /// ```
    "{number} {method} {text} per second are sent to {service} as {new_traffic}", BlockShape::Optional(request::check),
    check: check;
    pub fn begin(world, rate: u64, method: String, path: String, service: String, name: String; block) {
        let what = format!("{rate} {method} {path} per second to {service}");
        let sending = Sending { service, method, path, block, rate };
        let mut beside = world.beside();
        beside.state.insert(Sent::of(world));
        // As many clients that all have what the scenario has so far.
        beside.state.insert(Cookies::of(world).apart());
        // What is wrong with the first request is told here and now.
        let first = sending.request(&mut beside, 1)?;
        let client = Client::new(&mut beside)?;
        let log = Log::new(world.timeline.clone());
        let flows = world.timeline.activity().begins(format!("the traffic {name} ({what})"));
        let period = sending.period();
        let sender = Sender { sending, world: beside, client, log: log.clone(), patience: world.deadline };
        let stop = watch::Sender::new(false);
        let sending = tokio::spawn(sender.send(first, stop.subscribe())).abort_handle();
        let flows = Mutex::new(Some(flows));
        Traffic { name, what, period, log, began: Instant::now(), stop, sending, flows }.keep(world);
        Ok(())
    }
}

fn check(mesh: &Mesh, values: &[Value]) -> Result<(), String> {
    match values.first() {
        Some(Value::Number(0)) => Err("no request is sent; hint: the rate is at least 1 per second".to_owned()),
        Some(Value::Number(rate)) if *rate > FASTEST => Err(format!(
            "{rate} per second are more than the test client sends; hint: it sends up to {FASTEST}, and is no load generator"
        )),
        _ => request::check_path(mesh, values),
    }
}
