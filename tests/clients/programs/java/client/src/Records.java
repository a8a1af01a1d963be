import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/** What records carry. */
final class Records {
    static void codecs(Place place) throws Exception {
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            String topic = place.names + "-" + codec;
            place.create(topic, 1, Map.of());
            List<ProducerRecord<String, String>> records = new ArrayList<>();
            for (int n = 0; n < 100; n++) {
                records.add(Place.record(topic, 0, "k" + n, (n + " ").repeat(300)));
            }
            place.produce(records, Map.of("compression.type", codec, "linger.ms", 50));
            try (var reader = place.consumer(place.names + "-g", "classic", Map.of())) {
                reader.assign(List.of(new TopicPartition(topic, 0)));
                MessageDigest digest = MessageDigest.getInstance("SHA-256");
                for (var record : place.read(reader, 100)) {
                    digest.update((record.key() + record.value()).getBytes(StandardCharsets.UTF_8));
                }
                place.say(codec, HexFormat.of().formatHex(digest.digest()));
            }
        }
    }

    static void headers(Place place) throws Exception {
        String topic = place.names + "-orders";
        place.create(topic, 1, Map.of("cleanup.policy", "compact"));
        var first = Place.record(topic, 0, "a", "1");
        first.headers().add("trace", new byte[] {0, -1}).add("trace", "again".getBytes(StandardCharsets.UTF_8)).add("none", null);
        var empty = Place.record(topic, 0, "b", "");
        empty.headers().add("empty", new byte[0]);
        place.produce(List.of(first, Place.record(topic, 0, "a", null), empty), Map.of());
        try (var reader = place.consumer(place.names + "-g", "classic", Map.of())) {
            reader.assign(List.of(new TopicPartition(topic, 0)));
            place.show(place.read(reader, 3));
        }
        try (var producer = place.producer(Map.of())) {
            producer.send(new ProducerRecord<>(topic, 0, null, "without a key")).get();
            place.say("kept");
        } catch (java.util.concurrent.ExecutionException error) {
            place.failed("a compacted topic's record without a key:", error.getCause());
        }
    }
}
