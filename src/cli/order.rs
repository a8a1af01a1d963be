//! `--order`: in which order scenarios begin.

use momus_engine::run::Order;

/// The order that the user asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderChoice {
    /// As the files have them.
    Defined,
    /// Shuffled by this seed, else by the run's.
    Random(Option<u64>),
}

impl OrderChoice {
    /// The order in a run with this seed.
    pub fn seeded(self, seed: u64) -> Order {
        match self {
            Self::Defined => Order::Defined,
            Self::Random(own) => Order::Random(own.unwrap_or(seed)),
        }
    }
}

/// Reads `defined`, `random` or `random:SEED`.
///
/// # Errors
/// A message for anything else.
pub fn order(text: &str) -> Result<OrderChoice, String> {
    let wrong = || format!("`{text}` is no order; hint: `defined`, `random` or `random:SEED`, the seed a whole number");
    match text.split_once(':') {
        None if text == "defined" => Ok(OrderChoice::Defined),
        None if text == "random" => Ok(OrderChoice::Random(None)),
        Some(("random", seed)) => seed
            .parse()
            .map(|seed| OrderChoice::Random(Some(seed)))
            .map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_shuffled_by_its_own_seed_or_by_the_runs() {
        let read = |text: &str| order(text).map(|order| order.seeded(7));
        assert_eq!(read("defined"), Ok(Order::Defined));
        assert_eq!(read("random"), Ok(Order::Random(7)));
        assert_eq!(read("random:42"), Ok(Order::Random(42)));
        for text in ["", "reverse", "random:", "random:x", "defined:7"] {
            assert!(read(text).is_err_and(|error| error.contains("; hint: ")), "{text}");
        }
    }
}
