//! What keeps access control lists on a broker that a sandbox has for itself.

use momus_proxies::kafka::Credential;

/// Has the broker keep them. Its own principal, as which all edges come, may do everything, whatever they say; without any
/// so may everybody.
pub(super) fn properties(credential: &Credential) -> String {
    format!(
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
         allow.everyone.if.no.acl.found=true\n\
         super.users=User:{}\n",
        credential.user()
    )
}
