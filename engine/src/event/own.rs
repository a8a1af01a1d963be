//! What the test client does itself.

use super::Happening;
use crate::sandbox::CLIENT;

impl Happening {
    /// Whether the test client itself did it, by driving or by looking. Nobody waits for that but who did it: a look
    /// that its own traces wake would look without end.
    pub fn is_own(&self) -> bool {
        match self {
            Self::Request { caller, .. }
            | Self::Response { caller, .. }
            | Self::Connection { caller, .. }
            | Self::KafkaCall { caller, .. }
            | Self::DatabaseSession { caller, .. }
            | Self::Statement { caller, .. } => caller == CLIENT,
            Self::Rows { .. } | Self::Objects { .. } | Self::Expectation { .. } => true,
            Self::RunStarted { .. }
            | Self::Notice { .. }
            | Self::FileError { .. }
            | Self::Progress { .. }
            | Self::ServerReady { .. }
            | Self::ScenarioStarted { .. }
            | Self::SandboxReady { .. }
            | Self::SandboxClaimed { .. }
            | Self::StepStarted { .. }
            | Self::StepFinished { .. }
            | Self::Record { .. }
            | Self::PartnerCall { .. }
            | Self::Beyond { .. }
            | Self::Log { .. }
            | Self::Metric { .. }
            | Self::AgentEvent { .. }
            | Self::ServiceCheck { .. }
            | Self::Service { .. }
            | Self::Fault { .. }
            | Self::ScenarioFinished { .. }
            | Self::RunFinished { .. } => false,
        }
    }
}
