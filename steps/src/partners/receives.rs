//! The calls that a partner receives.

use momus_engine::count::Count;
use momus_engine::step;
use momus_engine::step::BlockShape;
use momus_engine::timing::Timing;

use super::call::Call;
use crate::counted::{Counted, Lasting};
use crate::selection::{Selection, check_call};

step! {
    /// Counts the calls that a partner's stand-in has received since the scenario began, those that the table selects:
    /// `method`, `path` (without its query), `status` (what the stand-in answered), `header NAME`, `query NAME`, and
    /// `$…` places of the body.
    ///
    /// ```gherkin
    /// Then partner bank eventually receives exactly 1 call, and no other
    ///   | method                 | POST     |
    ///   | path                   | /charges |
    ///   | $.amount               | 12.50    |
    ///   | header idempotency-key | #uuid    |
    /// ```
    "partner {partner} {eventually}receives {count} call(s){only}{within}", BlockShape::Optional(check_call);
    pub fn receives(world, partner: String, timing: Timing, count: Count, only: bool; block) {
        let selection = Selection::read(world, &block)?;
        let counted = Counted {
            what: &format!("calls to partner {partner}"),
            count,
            only,
            lasting: Lasting::Grows,
            selection: &selection,
        };
        counted.expect(world, timing, || async { Ok(Call::all(&world.timeline, &partner)) }).await
    }
}
