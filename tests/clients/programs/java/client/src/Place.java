import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** A feature's broker, what its names begin with, and what it says. */
final class Place implements AutoCloseable {
    private static final Duration SOON = Duration.ofSeconds(60);

    final String names;
    private final String bootstrap;
    private final StringBuilder said = new StringBuilder();
    private Admin admin;

    Place(String bootstrap, String names) {
        this.bootstrap = bootstrap;
        this.names = names;
    }

    void say(Object... words) {
        List<String> texts = new ArrayList<>();
        for (Object word : words) {
            texts.add(String.valueOf(word));
        }
        said.append(String.join(" ", texts)).append('\n');
    }

    String said() {
        return said.toString();
    }

    private Map<String, Object> settings(Map<String, ?> more) {
        Map<String, Object> settings = new HashMap<>(more);
        settings.put("bootstrap.servers", bootstrap);
        String security = System.getenv("SECURITY_PROTOCOL");
        if (security != null) {
            settings.put("security.protocol", security);
        }
        return settings;
    }

    synchronized Admin admin() {
        if (admin == null) {
            admin = Admin.create(settings(Map.of()));
        }
        return admin;
    }

    KafkaProducer<String, String> producer(Map<String, ?> more) {
        return new KafkaProducer<>(settings(more), new StringSerializer(), new StringSerializer());
    }

    KafkaConsumer<String, String> consumer(String group, String protocol, Map<String, ?> more) {
        Map<String, Object> settings = settings(more);
        settings.put("group.id", group);
        settings.put("group.protocol", protocol);
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", false);
        if (protocol.equals("classic")) {
            settings.put("heartbeat.interval.ms", 300);
        }
        return new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
    }

    void create(String topic, int partitions, Map<String, String> configs) throws Exception {
        admin().createTopics(List.of(new NewTopic(topic, Optional.of(partitions), Optional.empty()).configs(configs))).all().get();
        // The broker learns of its controller's changes a little later.
        until("topic " + topic, () -> admin().listTopics().names().get().contains(topic));
    }

    void produce(Collection<ProducerRecord<String, String>> records, Map<String, ?> more) throws Exception {
        try (KafkaProducer<String, String> producer = producer(more)) {
            var sent = records.stream().map(producer::send).toList();
            for (var each : sent) {
                each.get();
            }
        }
    }

    static ProducerRecord<String, String> record(String topic, int partition, String key, String value) {
        return new ProducerRecord<>(topic, partition, key, value);
    }

    List<ConsumerRecord<String, String>> read(KafkaConsumer<String, String> reader, int count) throws Exception {
        List<ConsumerRecord<String, String>> records = new ArrayList<>();
        until(count + " records", () -> {
            reader.poll(Duration.ofMillis(100)).forEach(records::add);
            return records.size() >= count;
        });
        records.sort(Comparator.comparing((ConsumerRecord<?, ?> r) -> r.topic()).thenComparing(r -> r.partition()).thenComparing(r -> r.offset()));
        return records;
    }

    void show(List<ConsumerRecord<String, String>> records) {
        for (ConsumerRecord<String, String> record : records) {
            List<String> headers = new ArrayList<>();
            record.headers().forEach(header -> {
                byte[] value = header.value();
                headers.add(header.key() + "=" + (value == null ? null : java.util.HexFormat.of().formatHex(value)));
            });
            String value = record.value() == null ? "null" : "'" + record.value() + "'";
            say(record.topic(), record.partition(), record.offset(), record.key(), value, headers);
        }
    }

    /** Turns until something is the case, or fails. */
    static void until(String what, Callable<Boolean> is) throws Exception {
        long end = System.nanoTime() + SOON.toNanos();
        while (!is.call()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("no " + what + " within " + SOON);
            }
            Thread.sleep(5);
        }
    }

    /** What comes of it, or null when it failed, which is said. */
    <T> T attempt(String name, KafkaFuture<T> future) throws Exception {
        try {
            return future.get();
        } catch (ExecutionException error) {
            failed(name, error.getCause());
            return null;
        }
    }

    /** Says an error: its kind, and what it tells a human. */
    void failed(String name, Throwable error) {
        say(name, error.getClass().getSimpleName(), error.getMessage());
    }

    @Override
    public void close() {
        if (admin != null) {
            admin.close(Duration.ofSeconds(5));
        }
    }
}
