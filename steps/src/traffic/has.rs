//! What the responses to a traffic are.

use momus_engine::step;
use momus_engine::step::BlockShape;

use super::flow::Traffic;
use super::log::{Came, Sent};
use super::verdict::{Expected, Wrong};
use crate::selection::{Selection, check_response};

step! {
    /// Expects that every request of a traffic was answered, and with what the table says, as `the response has` judges
    /// a single one. The first step that asks about a traffic ends it.
    ///
    /// ```gherkin
    /// When 20 GET "/orders/o-1" per second are sent to shop as traffic
    /// And shop is restarted
    /// Then every response of traffic has
    ///   | status | 200 |
    ///   | $.id   | o-1 |
    /// ```
    "every response of {traffic} has", BlockShape::Required(check_response), drives: false;
    pub fn every_response_has(world, name: String; block) {
        let selection = Selection::read(world, &block)?;
        let traffic = Traffic::ended(world, &name).await?;
        let expected = Expected {
            told: format!("every response of {name} has"),
            rows: selection.lines(),
            most: 0.0,
            wrong: "differ",
            timed: false,
        };
        let misses = |sent: &Sent| match &sent.came {
            Some(Came::Response(response)) => {
                let judgement = selection.judge(&**response);
                (!judgement.selected()).then(|| Wrong {
                    kind: response.status.as_u16().to_string(),
                    misses: judgement.misses.iter().map(ToString::to_string).collect(),
                })
            }
            Some(Came::NoAnswer(_)) | None => Some(Wrong::of("no answer")),
        };
        expected.judge(world, &traffic, misses).await
    }
}
