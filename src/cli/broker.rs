//! `--broker`: what stands behind the mesh's brokers.

use clap::ValueEnum;
use momus_environments::process::BrokerChoice;

/// What stands behind the mesh's brokers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Broker {
    /// Apache Kafka, on the installed Java.
    Real,
    /// librdkafka's mock cluster.
    Mock,
}

impl Broker {
    /// Reads its name.
    ///
    /// # Errors
    /// A message for another one.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::from_str(text, false).map_err(|_| format!("`{text}` is no broker; hint: `real` or `mock`"))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Mock => "mock",
        }
    }

    /// As the environment takes it.
    pub fn choice(self) -> BrokerChoice {
        match self {
            Self::Real => BrokerChoice::Real,
            Self::Mock => BrokerChoice::Mock,
        }
    }
}
