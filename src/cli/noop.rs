//! A sentence that does nothing, for benchmarks alone: bound, called and told like any other.

use momus_engine::step;
use momus_engine::step::BlockShape;

step! {
    /// Does nothing.
    ///
    /// ```gherkin
    /// When step 1 does nothing
    /// ```
    "step {number} does nothing", BlockShape::Nothing;
    pub fn nothing(_world, _number: u64; _block) {
        Ok(())
    }
}
