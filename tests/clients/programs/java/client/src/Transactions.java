import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.AbortTransactionSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

/** Transactions: what is read of them, whom they shut out, and what an operator sees. */
final class Transactions {
    static void run(Place place) throws Exception {
        String topic = place.names + "-orders";
        String group = place.names + "-g";
        String id = place.names + "-tx";
        TopicPartition partition = new TopicPartition(topic, 0);
        place.create(topic, 1, Map.of());
        place.produce(List.of(Place.record(topic, 0, "in", "in0"), Place.record(topic, 0, "in", "in1")), Map.of());
        Map<String, Object> settings = Map.of("transactional.id", id);
        KafkaProducer<String, String> producer = place.producer(settings);
        producer.initTransactions();
        try (var source = place.consumer(group, "classic", Map.of("isolation.level", "read_committed"))) {
            source.subscribe(List.of(topic));
            place.read(source, 2);
            for (String end : List.of("commit", "abort")) {
                producer.beginTransaction();
                for (int n = 0; n < 2; n++) {
                    producer.send(Place.record(topic, 0, end, end + n)).get();
                }
                look(place, id, partition);
                long offset = end.equals("commit") ? 2 : 3;
                producer.sendOffsetsToTransaction(Map.of(partition, new OffsetAndMetadata(offset, end)), source.groupMetadata());
                if (end.equals("commit")) {
                    producer.commitTransaction();
                } else {
                    producer.abortTransaction();
                }
                var committed = source.committed(java.util.Set.of(partition)).get(partition);
                place.say(end, "leaves", committed.offset(), committed.metadata());
            }
        }
        producer.beginTransaction();
        producer.send(Place.record(topic, 0, "f", "fenced")).get();
        KafkaProducer<String, String> other = place.producer(settings);
        other.initTransactions();
        try {
            producer.commitTransaction();
            place.say("not fenced");
        } catch (KafkaException error) {
            place.failed("fenced", error);
        }
        producer.close();
        other.beginTransaction();
        other.send(Place.record(topic, 0, "c", "other")).get();
        other.commitTransaction();
        place.admin().fenceProducers(List.of(id)).all().get();
        other.beginTransaction();
        try {
            other.send(Place.record(topic, 0, "c", "too late")).get();
            place.say("not fenced");
        } catch (java.util.concurrent.ExecutionException error) {
            place.failed("fenced by an operator", error.getCause());
        }
        other.close();
        read(place, partition, "read_committed", 5);
        read(place, partition, "read_uncommitted", 8);
    }

    private static void look(Place place, String id, TopicPartition partition) throws Exception {
        var admin = place.admin();
        var described = admin.describeTransactions(List.of(id)).description(id).get();
        place.say("transaction", id, described.state(), described.topicPartitions(), described.coordinatorId());
        admin.listTransactions().all().get().stream().filter(each -> each.transactionalId().startsWith(place.names))
            .forEach(each -> place.say("listed", each.transactionalId(), each.state()));
        var active = admin.describeProducers(List.of(partition)).partitionResult(partition).get().activeProducers();
        active.stream().map(each -> each.currentTransactionStartOffset()).filter(start -> start.isPresent())
            .forEach(start -> place.say("open from", start.getAsLong()));
    }

    private static void read(Place place, TopicPartition partition, String isolation, int count) throws Exception {
        try (var reader = place.consumer(place.names + isolation, "classic", Map.of("isolation.level", isolation))) {
            reader.assign(List.of(partition));
            place.say(isolation, place.read(reader, count).stream().map(record -> record.value()).toList());
            place.say("to", reader.endOffsets(List.of(partition)).get(partition));
        }
    }
}
