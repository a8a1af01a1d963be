//! How a run is run.

use std::time::Duration;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::keep::Keep;

/// How a run is run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Version of Momus, for the reports.
    pub version: String,
    /// Seed of everything that is drawn, and of the order in which failed scenarios are tried again.
    pub seed: u64,
    /// How many scenarios run at a time; at least 1.
    pub parallel: usize,
    /// How many sandboxes are made ahead for the scenarios that come next, at the most.
    pub pool: usize,
    /// In which order scenarios begin.
    pub order: Order,
    /// How long `eventually` waits where the step says nothing.
    pub deadline: Duration,
    /// Whether expectations end once the mesh is quiet; else their deadlines count.
    pub early: bool,
    /// How long a scenario may take, its sandbox included.
    pub timeout: Duration,
    /// How many times a scenario that failed is tried again, when all have been tried.
    pub retry: usize,
    /// Whether scenarios that have not begun are skipped, and none is tried again, once one failed or nothing could be told
    /// of it.
    pub fail_fast: bool,
    /// Whether a scenario that the environment refuses is skipped; else it is refused.
    pub allow_refused: bool,
    /// Where sandboxes of scenarios that did not pass are kept; in the default none is.
    pub keep: Keep,
}

impl Default for Settings {
    /// What a run is where nothing is said.
    fn default() -> Self {
        Self {
            version: String::new(),
            seed: 0,
            parallel: 1,
            pool: 0,
            order: Order::Defined,
            deadline: Duration::from_secs(10),
            early: true,
            timeout: Duration::from_secs(120),
            retry: 0,
            fail_fast: false,
            allow_refused: false,
            keep: Keep::default(),
        }
    }
}

/// In which order scenarios begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As the files have them.
    Defined,
    /// Shuffled; the same seed gives the same order of the same scenarios.
    Random(u64),
}

impl Order {
    /// The scenarios in this order.
    pub(super) fn of(self, mut scenarios: Vec<usize>) -> Vec<usize> {
        if let Self::Random(seed) = self {
            scenarios.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        }
        scenarios
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_an_order_of_its_own() {
        let of = |order: Order| order.of((0..20).collect());
        assert_eq!(of(Order::Defined), (0..20).collect::<Vec<_>>());
        assert_eq!(of(Order::Random(7)), of(Order::Random(7)));
        assert_ne!(of(Order::Random(7)), of(Order::Random(8)));
        let mut sorted = of(Order::Random(7));
        sorted.sort_unstable();
        assert_eq!(sorted, of(Order::Defined));
    }
}
