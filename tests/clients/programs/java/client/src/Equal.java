import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.config.ConfigResource;

/** All that there is, in a sandbox beside another with equal names: what is written is told apart by who wrote it. */
final class Equal {
    private static final String WHO = System.getenv("WHO");

    static void write(Place place) throws Exception {
        place.create("orders", 2, Map.of());
        place.create("only-" + WHO, 1, Map.of());
        for (int n = 0; n < 5; n++) {
            place.produce(List.of(Place.record("orders", n % 2, WHO, WHO + n)), Map.of());
        }
        for (String protocol : List.of("classic", "consumer")) {
            try (var reader = place.consumer("billing-" + protocol, protocol, Map.of())) {
                reader.subscribe(List.of("orders"));
                place.show(place.read(reader, 5));
                reader.commitSync();
            }
        }
        KafkaProducer<String, String> left = place.producer(Map.of("transactional.id", "tx", "transaction.timeout.ms", 600_000));
        left.initTransactions();
        left.beginTransaction();
        left.send(Place.record("only-" + WHO, 0, WHO, "left open")).get();
        // It is left as it is: closing it would end its transaction.
    }

    static void look(Place place) throws Exception {
        var admin = place.admin();
        place.say("topics", new TreeSet<>(admin.listTopics().names().get()));
        var groups = new TreeSet<String>();
        admin.listGroups().all().get().forEach(each -> groups.add(each.groupId()));
        place.say("groups", groups);
        admin.listTransactions().all().get().forEach(each -> place.say("transaction", each.transactionalId(), each.state()));
        for (String group : groups) {
            place.say(group, new java.util.TreeMap<>(Map.of("offsets", admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().size())));
        }
        for (var folder : admin.describeLogDirs(List.of(1)).allDescriptions().get().get(1).values()) {
            var logs = new TreeSet<String>();
            folder.replicaInfos().keySet().forEach(each -> logs.add(each.toString()));
            place.say("logs", logs);
        }
        var configured = new TreeSet<String>();
        admin.listConfigResources(java.util.Set.of(ConfigResource.Type.TOPIC, ConfigResource.Type.GROUP), new org.apache.kafka.clients.admin.ListConfigResourcesOptions())
            .all().get().forEach(each -> configured.add(each.name()));
        place.say("configured", configured);
        try (var reader = place.consumer("all", "classic", Map.of())) {
            reader.subscribe(java.util.regex.Pattern.compile(".*"));
            place.show(place.read(reader, 6));
        }
    }
}
