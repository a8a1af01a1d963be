import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

/** What an operator asks a cluster. */
final class Cluster {
    static void run(Place place) throws Exception {
        String topic = place.names + "-a";
        TopicPartition first = new TopicPartition(topic, 0);
        TopicPartition second = new TopicPartition(topic, 1);
        TopicPartition absent = new TopicPartition("absent", 0);
        place.create(topic, 2, Map.of());
        place.produce(List.of(Place.record(topic, 0, "k", "v")), Map.of());
        var cluster = place.admin().describeCluster();
        place.say(cluster.nodes().get().stream().map(node -> node.id()).toList(), cluster.controller().get().id(), !cluster.clusterId().get().isEmpty());
        var broker = new ConfigResource(ConfigResource.Type.BROKER, "1");
        place.say("broker", place.admin().describeConfigs(List.of(broker)).all().get().get(broker).get("auto.create.topics.enable").value());
        for (var folders : place.admin().describeLogDirs(List.of(1)).allDescriptions().get().values()) {
            for (var folder : folders.values()) {
                folder.replicaInfos().entrySet().stream().filter(each -> each.getKey().topic().startsWith(place.names))
                    .sorted((a, b) -> Groups.order(a.getKey(), b.getKey()))
                    .forEach(each -> place.say("log", each.getKey(), each.getValue().size(), each.getValue().isFuture()));
            }
        }
        place.say("moving", place.admin().listPartitionReassignments().reassignments().get().size());
        place.say("moving", place.admin().listPartitionReassignments(Set.of(first)).reassignments().get().size());
        move(place, first, Optional.of(new NewPartitionReassignment(List.of(1))));
        move(place, first, Optional.of(new NewPartitionReassignment(List.of(7))));
        move(place, first, Optional.empty());
        move(place, absent, Optional.empty());
        for (ElectionType type : ElectionType.values()) {
            var elected = new TreeMap<TopicPartition, Optional<Throwable>>(Groups::order);
            elected.putAll(place.admin().electLeaders(type, Set.of(first, second, absent)).partitions().get());
            elected.forEach((partition, error) -> place.say(type, partition, error.map(each -> each.getClass().getSimpleName() + " " + each.getMessage()).orElse("elected")));
        }
        // Every partition leads as it should: none is elected, and of the others' nothing is told.
        place.say("all", place.admin().electLeaders(ElectionType.PREFERRED, null).partitions().get().keySet().stream()
            .filter(each -> !each.topic().startsWith("__")).toList());
        resources(place);
    }

    private static void move(Place place, TopicPartition partition, Optional<NewPartitionReassignment> to) throws Exception {
        place.attempt("move", place.admin().alterPartitionReassignments(Map.of(partition, to)).values().get(partition));
        place.say("asked to move", partition, to.map(NewPartitionReassignment::targetReplicas));
    }

    /** Groups and topics have configurations; what a client reports of itself is a whole broker's. */
    private static void resources(Place place) throws Exception {
        var group = new ConfigResource(ConfigResource.Type.GROUP, place.names + "-g");
        var set = new AlterConfigOp(new ConfigEntry("consumer.session.timeout.ms", "50000"), AlterConfigOp.OpType.SET);
        place.attempt("group", place.admin().incrementalAlterConfigs(Map.of(group, List.of(set))).all());
        Place.until("configuration of a group", () -> place.admin().describeConfigs(List.of(group)).all().get().get(group)
            .get("consumer.session.timeout.ms").value().equals("50000"));
        for (var type : List.of(ConfigResource.Type.GROUP, ConfigResource.Type.TOPIC)) {
            var listed = new TreeSet<String>();
            place.admin().listConfigResources(Set.of(type), new org.apache.kafka.clients.admin.ListConfigResourcesOptions()).all().get().stream()
                .map(ConfigResource::name).filter(name -> name.startsWith(place.names)).forEach(listed::add);
            place.say(type, listed);
        }
    }
}
