import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;

/** Topics, their configurations and their records, as an administrator has them. */
final class Topics {
    static void run(Place place) throws Exception {
        String a = place.names + "-a";
        String b = place.names + "-b";
        place.create(a, 2, Map.of("retention.ms", "3600000"));
        place.create(b, 1, Map.of());
        make(place, a, b);
        describe(place, a, b);
        configure(place, a);
        partitions(place, b);
        records(place, a);
        remove(place, a, b);
    }

    private static NewTopic topic(String name, int partitions) {
        return new NewTopic(name, Optional.of(partitions), Optional.empty());
    }

    private static void make(Place place, String a, String b) throws Exception {
        String wrong = place.names + "-wrong";
        for (NewTopic each : List.of(topic(a, 1), topic("not/allowed", 1), topic(wrong, 0), topic(wrong, 1).configs(Map.of("nonsense", "1")),
            topic(place.names + "x".repeat(250), 1))) {
            place.attempt("create", place.admin().createTopics(List.of(each)).all());
        }
        var tried = place.admin().createTopics(List.of(topic(place.names + "-c", 5)), new CreateTopicsOptions().validateOnly(true));
        place.say("it would have", tried.numPartitions(place.names + "-c").get());
        place.say(new TreeSet<>(named(place)));
    }

    private static Collection<String> named(Place place) throws Exception {
        return place.admin().listTopics().names().get().stream().filter(name -> name.startsWith(place.names)).toList();
    }

    private static void describe(Place place, String a, String b) throws Exception {
        List<Uuid> ids = new ArrayList<>();
        for (String name : List.of(a, b, "absent")) {
            TopicDescription told = place.attempt(name, place.admin().describeTopics(List.of(name)).topicNameValues().get(name));
            if (told != null) {
                ids.add(told.topicId());
                place.say(told.name(), told.isInternal());
                told.partitions().forEach(each -> place.say(each.partition(), each.leader().id(), each.replicas().size(), each.isr().size()));
            }
        }
        for (var described : place.admin().describeTopics(TopicCollection.ofTopicIds(ids)).topicIdValues().entrySet()) {
            place.say("by id", ids.indexOf(described.getKey()) >= 0, described.getValue().get().topicId().equals(described.getKey()));
        }
        Uuid nobodys = new Uuid(0x1234567812344678L, 0x8234567812345678L);
        place.attempt("nobody's", place.admin().describeTopics(TopicCollection.ofTopicIds(List.of(nobodys))).topicIdValues().get(nobodys));
        place.attempt("nobody's", place.admin().deleteTopics(TopicCollection.ofTopicIds(List.of(nobodys))).topicIdValues().get(nobodys));
    }

    private static void configure(Place place, String a) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, a);
        retention(place, resource, "3600000");
        var set = new AlterConfigOp(new ConfigEntry("retention.ms", "7200000"), AlterConfigOp.OpType.SET);
        var delete = new AlterConfigOp(new ConfigEntry("retention.ms", null), AlterConfigOp.OpType.DELETE);
        var append = new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.APPEND);
        var nonsense = new AlterConfigOp(new ConfigEntry("nonsense", "1"), AlterConfigOp.OpType.SET);
        place.attempt("set", place.admin().incrementalAlterConfigs(Map.of(resource, List.of(set, append))).all());
        retention(place, resource, "7200000");
        place.attempt("delete", place.admin().incrementalAlterConfigs(Map.of(resource, List.of(delete))).all());
        retention(place, resource, "604800000");
        place.attempt("nonsense", place.admin().incrementalAlterConfigs(Map.of(resource, List.of(nonsense))).all());
        ConfigResource absent = new ConfigResource(ConfigResource.Type.TOPIC, "absent");
        place.attempt("absent", place.admin().describeConfigs(List.of(absent)).all());
    }

    /** The broker shows a change a little after it took it. */
    private static void retention(Place place, ConfigResource resource, String becomes) throws Exception {
        Place.until("retention of " + becomes, () -> {
            var told = place.admin().describeConfigs(List.of(resource)).all().get().get(resource);
            ConfigEntry entry = told.get("retention.ms");
            boolean is = entry.value().equals(becomes);
            if (is) {
                place.say(resource.name(), told.entries().size(), entry.value(), entry.source(), told.get("cleanup.policy").value());
            }
            return is;
        });
    }

    private static void partitions(Place place, String b) throws Exception {
        place.attempt("more", place.admin().createPartitions(Map.of(b, NewPartitions.increaseTo(3))).all());
        place.attempt("fewer", place.admin().createPartitions(Map.of(b, NewPartitions.increaseTo(2))).all());
        place.attempt("absent", place.admin().createPartitions(Map.of("absent", NewPartitions.increaseTo(2))).all());
        Place.until("three partitions", () -> place.admin().describeTopics(List.of(b)).allTopicNames().get().get(b).partitions().size() == 3);
    }

    private static void records(Place place, String a) throws Exception {
        long now = System.currentTimeMillis();
        List<ProducerRecord<String, String>> records = new ArrayList<>();
        for (int n = 0; n < 10; n++) {
            records.add(new ProducerRecord<>(a, n % 2, now + n, "k", "v" + n));
        }
        place.produce(records, Map.of());
        var before = Map.of(new TopicPartition(a, 0), RecordsToDelete.beforeOffset(3), new TopicPartition(a, 1), RecordsToDelete.beforeOffset(99));
        for (int number = 0; number < 2; number++) {
            var partition = new TopicPartition(a, number);
            var low = place.attempt("delete", place.admin().deleteRecords(Map.of(partition, before.get(partition))).lowWatermarks().get(partition));
            place.say(partition, low == null ? null : low.lowWatermark());
        }
        for (var spec : List.of(OffsetSpec.earliest(), OffsetSpec.latest(), OffsetSpec.maxTimestamp(), OffsetSpec.forTimestamp(now + 5))) {
            for (int partition = 0; partition < 2; partition++) {
                var one = new TopicPartition(a, partition);
                var found = place.admin().listOffsets(Map.of(one, spec)).partitionResult(one).get();
                place.say(spec.getClass().getSimpleName(), one, found.offset(), found.timestamp() < 0 ? "-" : found.timestamp() - now);
            }
        }
    }

    private static void remove(Place place, String a, String b) throws Exception {
        place.attempt("remove", place.admin().deleteTopics(Set.of("absent")).all());
        Uuid id = place.admin().describeTopics(List.of(b)).allTopicNames().get().get(b).topicId();
        place.attempt("remove", place.admin().deleteTopics(List.of(a)).all());
        place.attempt("remove", place.admin().deleteTopics(TopicCollection.ofTopicIds(List.of(id))).all());
        Place.until("no topics", () -> named(place).isEmpty());
        place.say("removed");
    }
}
