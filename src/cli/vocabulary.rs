//! The vocabulary of this program: every sentence of every crate that has some.

use momus_engine::vocabulary::Vocabulary;

/// Every sentence, in the order of the reference.
///
/// # Errors
/// A message for an expression that is not well formed: a defect that the reference's test finds.
pub fn vocabulary() -> Result<Vocabulary, String> {
    let definitions = [momus_steps::definitions(), momus_faults::definitions()].concat();
    #[cfg(feature = "noops")]
    let definitions = [definitions, vec![super::noop::nothing()]].concat();
    Vocabulary::new(definitions)
}
