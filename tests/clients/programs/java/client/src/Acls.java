import java.util.Collection;
import java.util.List;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AccessControlEntryFilter;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourcePatternFilter;
import org.apache.kafka.common.resource.ResourceType;

/** Access control lists, of whatever has the names that there are. */
final class Acls {
    private static final AccessControlEntry ANN = new AccessControlEntry("User:ann", "*", AclOperation.READ, AclPermissionType.ALLOW);

    static void run(Place place) throws Exception {
        place.create("orders", 1, java.util.Map.of());
        for (ResourceType type : List.of(ResourceType.TOPIC, ResourceType.GROUP, ResourceType.TRANSACTIONAL_ID)) {
            for (String name : List.of("orders", "orders.v1", "bills", "*")) {
                create(place, type, name, PatternType.LITERAL);
            }
            create(place, type, "ord", PatternType.PREFIXED);
        }
        create(place, ResourceType.CLUSTER, "kafka-cluster", PatternType.LITERAL);
        Place.until("16 ACLs", () -> found(place, ResourceType.ANY, null, PatternType.ANY).size() == 16);
        for (ResourceType type : List.of(ResourceType.ANY, ResourceType.TOPIC)) {
            for (PatternType pattern : List.of(PatternType.ANY, PatternType.MATCH, PatternType.LITERAL, PatternType.PREFIXED)) {
                for (String name : new String[] {null, "orders", "ord", "*", "kafka-cluster"}) {
                    place.say(type, pattern, name, shown(found(place, type, name, pattern)));
                }
            }
        }
        place.produce(List.of(Place.record("orders", 0, "k", "it may still do everything")), java.util.Map.of());
        for (ResourcePatternFilter filter : List.of(new ResourcePatternFilter(ResourceType.ANY, "orders", PatternType.MATCH),
            new ResourcePatternFilter(ResourceType.GROUP, "bills", PatternType.LITERAL), new ResourcePatternFilter(ResourceType.ANY, "kafka-cluster", PatternType.ANY))) {
            var gone = place.admin().deleteAcls(List.of(new AclBindingFilter(filter, AccessControlEntryFilter.ANY))).all().get();
            place.say("deleted", shown(gone));
        }
        Place.until("5 ACLs", () -> found(place, ResourceType.ANY, null, PatternType.ANY).size() == 5);
        place.say("left", shown(found(place, ResourceType.ANY, null, PatternType.ANY)));
    }

    private static void create(Place place, ResourceType type, String name, PatternType pattern) throws Exception {
        place.attempt(type + " " + name, place.admin().createAcls(List.of(new AclBinding(new ResourcePattern(type, name, pattern), ANN))).all());
    }

    private static Collection<AclBinding> found(Place place, ResourceType type, String name, PatternType pattern) throws Exception {
        var filter = new AclBindingFilter(new ResourcePatternFilter(type, name, pattern), AccessControlEntryFilter.ANY);
        return place.admin().describeAcls(filter).values().get();
    }

    private static List<String> shown(Collection<AclBinding> all) {
        return all.stream().map(AclBinding::pattern).map(it -> it.resourceType() + " " + it.name() + " " + it.patternType()).sorted().toList();
    }
}
