//! What responses are expected to be.

use momus_engine::eventually::{Look, Verdict};
use momus_engine::step;
use momus_engine::step::{BlockShape, StepDefinition};
use momus_engine::timing::Timing;

use super::response::Responses;
use crate::selection::{Selection, check_response};

/// The sentences that judge them.
pub(super) fn definitions() -> Vec<StepDefinition> {
    vec![response_has(), every_response_has()]
}

step! {
    /// Judges the last response: `status`, `header NAME`, and `$…` places of its JSON body; of a body that is not JSON,
    /// `$` is the text.
    ///
    /// ```gherkin
    /// When I send GET "/orders" to shop
    /// Then the response has
    ///   | status              | 200              |
    ///   | header content-type | application/json |
    ///   | $.orders            | #array           |
    /// ```
    "the response has", BlockShape::Required(check_response);
    pub fn response_has(world; block) {
        let responses = Responses::last(world)?;
        let selection = Selection::read(world, &block)?;
        let expected = expected(&format!("the response of {} has", responses.to), &selection);
        let look = || async {
            let Some(response) = responses.all.last() else {
                return Ok(looked(false, "no response".to_owned()));
            };
            let judgement = selection.judge(response);
            Ok(looked(judgement.selected(), response.judged(&judgement)))
        };
        world.expect(Timing::Now, &expected, look).await
    }
}

step! {
    /// Judges every response to the last step that sent something, as `the response has` does the last of them.
    ///
    /// ```gherkin
    /// When I send 50 POST "/orders" to shop
    ///   | $.amount | 12.50 |
    /// Then every response has
    ///   | status | 202   |
    ///   | $.id   | #uuid |
    /// ```
    "every response has", BlockShape::Required(check_response);
    pub fn every_response_has(world; block) {
        let responses = Responses::last(world)?;
        let selection = Selection::read(world, &block)?;
        let number = responses.all.len();
        let expected = expected(&format!("each of {number} responses of {} has", responses.to), &selection);
        let look = || async {
            let judged = responses.all.iter().map(|response| (response, selection.judge(response)));
            let missing: Vec<_> = judged.zip(1..).filter(|((_, judgement), _)| !judgement.selected()).collect();
            Ok(match missing.first() {
                None => looked(number > 0, format!("{number} of {number} have it")),
                Some(((response, judgement), ordinal)) => {
                    let missing = missing.len();
                    let first = response.judged(judgement);
                    looked(false, format!("{missing} of {number} do not have it; the first of these is number {ordinal}: {first}"))
                }
            })
        };
        world.expect(Timing::Now, &expected, look).await
    }
}

/// What is expected, a line for each row of the table.
pub(super) fn expected(what: &str, selection: &Selection) -> String {
    let lines = selection.lines().into_iter().map(|line| format!("\n  {line}"));
    format!("{what}{}", lines.collect::<String>())
}

fn looked(held: bool, seen: String) -> Look {
    Look {
        verdict: if held { Verdict::Held } else { Verdict::NotYet },
        seen,
        distance: u64::from(!held),
    }
}
