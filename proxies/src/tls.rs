//! TLS on an edge: it ends there, with a certificate of the run's own CA, and begins anew towards an upstream that speaks it.

mod authority;
mod upstream;

pub use self::authority::{Authority, AuthorityError, Identity};
pub(crate) use self::upstream::agree;
pub use self::upstream::{Roots, TlsUpstream};
