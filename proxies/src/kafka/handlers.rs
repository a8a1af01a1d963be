//! The list of the APIs that are handled.

use std::io;

use bytes::Bytes;
use kafka_protocol::messages;
use kafka_protocol::protocol::VersionRange;

use super::Broker;
use super::api::{Api, Asked, ask};
use super::scope::Scope;

/// A handled API.
pub(crate) struct Handler {
    pub key: i16,
    /// The versions whose layout is known.
    pub versions: VersionRange,
    /// Whether a client of the mock cluster may call it even if that lacks it.
    pub is_refusable: bool,
    /// Whether it is about what a server has only once.
    pub is_of_server: bool,
    pub ask: fn(&Scope, Bytes) -> io::Result<Asked>,
    #[cfg(any(test, feature = "fuzzing"))]
    pub layout: super::made::Layout,
}

const fn handler<R: Api>() -> Handler {
    Handler {
        key: R::KEY,
        // `ApiKey::valid_versions` is wrong for some; those of an answer may go further than those of its request.
        versions: R::VERSIONS,
        is_refusable: R::REFUSED.is_some(),
        is_of_server: R::OF_SERVER,
        ask: ask::<R>,
        #[cfg(any(test, feature = "fuzzing"))]
        layout: super::made::Layout::of::<R>(),
    }
}

/// All that are handled, ApiVersions aside.
pub(crate) const HANDLERS: &[Handler] = &[
    handler::<messages::ProduceRequest>(),
    handler::<messages::FetchRequest>(),
    handler::<messages::ListOffsetsRequest>(),
    handler::<messages::MetadataRequest>(),
    handler::<messages::OffsetCommitRequest>(),
    handler::<messages::OffsetFetchRequest>(),
    handler::<messages::FindCoordinatorRequest>(),
    handler::<messages::JoinGroupRequest>(),
    handler::<messages::HeartbeatRequest>(),
    handler::<messages::LeaveGroupRequest>(),
    handler::<messages::SyncGroupRequest>(),
    handler::<messages::DescribeGroupsRequest>(),
    handler::<messages::ListGroupsRequest>(),
    handler::<messages::CreateTopicsRequest>(),
    handler::<messages::DeleteTopicsRequest>(),
    handler::<messages::DeleteRecordsRequest>(),
    handler::<messages::InitProducerIdRequest>(),
    handler::<messages::OffsetForLeaderEpochRequest>(),
    handler::<messages::AddPartitionsToTxnRequest>(),
    handler::<messages::AddOffsetsToTxnRequest>(),
    handler::<messages::EndTxnRequest>(),
    handler::<messages::TxnOffsetCommitRequest>(),
    handler::<messages::DescribeConfigsRequest>(),
    handler::<messages::AlterConfigsRequest>(),
    handler::<messages::CreatePartitionsRequest>(),
    handler::<messages::DeleteGroupsRequest>(),
    handler::<messages::IncrementalAlterConfigsRequest>(),
    handler::<messages::OffsetDeleteRequest>(),
    handler::<messages::DescribeClusterRequest>(),
    handler::<messages::ConsumerGroupHeartbeatRequest>(),
    handler::<messages::ConsumerGroupDescribeRequest>(),
    handler::<messages::DescribeTopicPartitionsRequest>(),
    handler::<messages::DescribeLogDirsRequest>(),
    handler::<messages::DescribeProducersRequest>(),
    handler::<messages::DescribeTransactionsRequest>(),
    handler::<messages::ListTransactionsRequest>(),
    handler::<messages::ListPartitionReassignmentsRequest>(),
    handler::<messages::AlterPartitionReassignmentsRequest>(),
    handler::<messages::ElectLeadersRequest>(),
    handler::<messages::ListConfigResourcesRequest>(),
    handler::<messages::WriteTxnMarkersRequest>(),
    handler::<messages::DescribeAclsRequest>(),
    handler::<messages::CreateAclsRequest>(),
    handler::<messages::DeleteAclsRequest>(),
    handler::<messages::DescribeClientQuotasRequest>(),
    handler::<messages::AlterClientQuotasRequest>(),
    handler::<messages::DescribeUserScramCredentialsRequest>(),
    handler::<messages::AlterUserScramCredentialsRequest>(),
];

/// The handler of the API with this key, which clients of such a broker have.
pub(crate) fn handler_of(key: i16, broker: Broker) -> Option<&'static Handler> {
    let is_had = |handler: &&Handler| !handler.is_of_server || broker == Broker::Own;
    HANDLERS.iter().find(|handler| handler.key == key).filter(is_had)
}
