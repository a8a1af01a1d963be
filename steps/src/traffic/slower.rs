//! How slow the answers to a traffic may be.

use std::time::Duration;

use momus_engine::failure::in_words;
use momus_engine::step;
use momus_engine::step::BlockShape;

use super::flow::Traffic;
use super::log::{Came, Sent};
use super::verdict::{Expected, Wrong};

step! {
    /// Expects that of the requests of a traffic no more than a share took longer than this, from sending to the end of
    /// the answer. A request without an answer is slower than anything; whether an answer is a failure does not count.
    ///
    /// The first step that asks about a traffic ends it. Where the test client could not keep the rate, and more are slow
    /// than may be, the outcome is unknown: what it measured may be its own slowness.
    ///
    /// ```gherkin
    /// When 20 GET "/orders/o-1" per second are sent to shop as traffic
    /// And billing is restarted
    /// Then at most 1 % of the requests of traffic are slower than 200 ms
    /// ```
    "at most {percent} of the requests of {traffic} are slower than {duration}", BlockShape::Nothing, drives: false;
    pub fn slower(world, most: f64, name: String, longest: Duration; _block) {
        let traffic = Traffic::ended(world, &name).await?;
        let longest_told = in_words(longest);
        let expected = Expected {
            told: format!("at most {most} % of the requests of {name} are slower than {longest_told}"),
            most,
            rows: Vec::new(),
            wrong: "were slower",
            timed: true,
        };
        let slow = |sent: &Sent| match &sent.came {
            Some(Came::Response(_)) => (sent.took > longest).then(|| Wrong::of(format!("over {longest_told}"))),
            Some(Came::NoAnswer(_)) | None => Some(Wrong::of("no answer")),
        };
        expected.judge(world, &traffic, slow).await
    }
}
