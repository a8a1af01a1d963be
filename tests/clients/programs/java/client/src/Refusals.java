import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.FeatureUpdate;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UpdateFeaturesOptions;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/** What is a whole server's, and so no sandbox's. */
final class Refusals {
    static void run(Place place) throws Exception {
        var admin = place.admin();
        place.attempt("quotas", admin.describeClientQuotas(ClientQuotaFilter.all()).entities());
        var quota = new ClientQuotaAlteration(new ClientQuotaEntity(Map.of("user", "ann")), List.of(new ClientQuotaAlteration.Op("request_percentage", 50.0)));
        place.attempt("a quota", admin.alterClientQuotas(List.of(quota)).all());
        place.attempt("SCRAM users", admin.describeUserScramCredentials().all());
        var user = new UserScramCredentialUpsertion("ann", new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), "secret");
        place.attempt("a SCRAM user", admin.alterUserScramCredentials(List.of(user)).all());
        place.attempt("ACLs", admin.describeAcls(AclBindingFilter.ANY).values());
        var pattern = new ResourcePattern(ResourceType.TOPIC, "orders", PatternType.LITERAL);
        var entry = new AccessControlEntry("User:ann", "*", AclOperation.READ, AclPermissionType.ALLOW);
        place.attempt("an ACL", admin.createAcls(List.of(new AclBinding(pattern, entry))).all());
        place.attempt("the quorum", admin.describeMetadataQuorum().quorumInfo());
        place.attempt("a broker's end", admin.unregisterBroker(7).all());
        var update = new FeatureUpdate((short) 0, FeatureUpdate.UpgradeType.SAFE_DOWNGRADE);
        place.attempt("features", admin.updateFeatures(Map.of("group.version", update), new UpdateFeaturesOptions().validateOnly(true)).all());
        place.attempt("tokens", admin.describeDelegationToken().delegationTokens());
        for (var type : List.of(ConfigResource.Type.BROKER, ConfigResource.Type.BROKER_LOGGER, ConfigResource.Type.CLIENT_METRICS)) {
            var set = new AlterConfigOp(new ConfigEntry("log.cleaner.threads", "2"), AlterConfigOp.OpType.SET);
            place.attempt("configuration of a " + type, admin.incrementalAlterConfigs(Map.of(new ConfigResource(type, "1"), List.of(set))).all());
        }
        place.attempt("a share group", admin.describeShareGroups(List.of("g")).all());
        place.attempt("a streams group", admin.describeStreamsGroups(List.of("g")).all());
    }
}
