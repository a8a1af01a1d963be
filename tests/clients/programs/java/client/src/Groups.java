import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/** Groups of consumers, by either protocol. */
final class Groups {
    static void group(Place place, String protocol) throws Exception {
        String topic = place.names + "-orders";
        String group = place.names + "-g";
        place.create(topic, 3, Map.of());
        List<ProducerRecord<String, String>> records = new ArrayList<>();
        for (int n = 0; n < 30; n++) {
            records.add(Place.record(topic, n % 3, "k" + n, "v" + n));
        }
        place.produce(records, Map.of());
        try (var first = place.consumer(group, protocol, Map.of())) {
            first.subscribe(List.of(topic));
            place.show(place.read(first, 30));
            first.commitSync();
        }
        place.produce(List.of(Place.record(topic, 1, "later", "x")), Map.of());
        try (var second = place.consumer(group, protocol, Map.of())) {
            second.subscribe(Pattern.compile("^" + place.names + "-ord.*"));
            place.show(place.read(second, 1));
            Set<TopicPartition> all = new TreeSet<>(Groups::order);
            all.addAll(second.assignment());
            var committed = second.committed(all);
            var begins = second.beginningOffsets(all);
            var ends = second.endOffsets(all);
            for (TopicPartition one : all) {
                place.say(one, "committed", committed.get(one).offset(), "from", begins.get(one), "to", ends.get(one));
            }
        }
        var offsets = place.admin().listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
        offsets.entrySet().stream().sorted((a, b) -> order(a.getKey(), b.getKey())).forEach(each -> place.say("offset", each.getKey(), each.getValue().offset()));
    }

    /** A subscription by a regular expression that the broker matches (KIP-848). */
    static void regex(Place place) throws Exception {
        for (String topic : List.of("-orders", "-ordinary", "-other")) {
            place.create(place.names + topic, 1, Map.of());
            place.produce(List.of(Place.record(place.names + topic, 0, "k", topic)), Map.of());
        }
        String[] patterns = {place.names + "-ord.*", "(" + place.names + "-other|nothing)"};
        for (int n = 0; n < patterns.length; n++) {
            try (var reader = place.consumer(place.names + "-g" + n, "consumer", Map.of())) {
                reader.subscribe(new SubscriptionPattern(patterns[n]));
                place.show(place.read(reader, 2 - n));
                place.say(sorted(reader.assignment()));
            }
        }
        try (var reader = place.consumer(place.names + "-wrong", "consumer", Map.of())) {
            reader.subscribe(new SubscriptionPattern("a["));
            Place.until("refusal", () -> {
                reader.poll(Duration.ofMillis(100));
                return false;
            });
        } catch (org.apache.kafka.common.KafkaException error) {
            place.failed("wrong", error);
        }
    }

    static void rebalance(Place place, String protocol) throws Exception {
        String topic = place.names + "-orders";
        String group = place.names + "-g";
        place.create(topic, 4, Map.of());
        var first = place.consumer(group, protocol, Map.of());
        var second = place.consumer(group, protocol, Map.of());
        var members = List.of(first, second);
        for (var member : members) {
            member.subscribe(List.of(topic));
        }
        until(place, members, 2, 2);
        var described = place.admin().describeConsumerGroups(List.of(group)).all().get().get(group);
        place.say(described.groupId(), described.groupState(), described.type(), described.members().size(), described.coordinator().id());
        Set<TopicPartition> assigned = new TreeSet<>(Groups::order);
        described.members().forEach(member -> assigned.addAll(member.assignment().topicPartitions()));
        place.say(assigned);
        second.close();
        until(place, List.of(first), 4);
        first.close();
    }

    private static void until(Place place, List<KafkaConsumer<String, String>> members, Integer... counts) throws Exception {
        List<Integer> wanted = List.of(counts);
        Place.until("assignment of " + wanted, () -> {
            for (var member : members) {
                member.poll(Duration.ofMillis(50));
            }
            return members.stream().map(member -> member.assignment().size()).toList().equals(wanted);
        });
        Set<TopicPartition> all = new TreeSet<>(Groups::order);
        members.forEach(member -> all.addAll(member.assignment()));
        place.say(wanted, all);
    }

    static Set<TopicPartition> sorted(Set<TopicPartition> partitions) {
        Set<TopicPartition> sorted = new TreeSet<>(Groups::order);
        sorted.addAll(partitions);
        return sorted;
    }

    static int order(TopicPartition a, TopicPartition b) {
        int topics = a.topic().compareTo(b.topic());
        return topics != 0 ? topics : Integer.compare(a.partition(), b.partition());
    }
}
