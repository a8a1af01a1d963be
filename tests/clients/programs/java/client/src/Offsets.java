import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/** Groups and their offsets, as an administrator has them. */
final class Offsets {
    static void run(Place place) throws Exception {
        String topic = place.names + "-a";
        String g = place.names + "-g";
        TopicPartition first = new TopicPartition(topic, 0);
        TopicPartition second = new TopicPartition(topic, 1);
        place.create(topic, 2, Map.of());
        place.produce(List.of(Place.record(topic, 0, "k", "v0"), Place.record(topic, 1, "k", "v1")), Map.of());
        try (var reader = place.consumer(g, "classic", Map.of("group.instance.id", "one"))) {
            reader.subscribe(List.of(topic));
            place.read(reader, 2);
            reader.commitSync();
            groups(place);
            // A static member stays when it closes: it is removed.
        }
        place.attempt("with a member", place.admin().deleteConsumerGroups(List.of(g)).all());
        place.attempt("remove", place.admin().removeMembersFromConsumerGroup(g, new RemoveMembersFromConsumerGroupOptions()).all());
        groups(place);
        var described = place.admin().describeConsumerGroups(List.of(g, "absent")).describedGroups();
        for (String name : List.of(g, "absent")) {
            var told = place.attempt("describe", described.get(name));
            if (told != null) {
                place.say(told.groupId(), told.groupState(), told.type(), told.members().size());
            }
        }
        offsets(place, g, null);
        offsets(place, g, List.of(first));
        place.attempt("alter", place.admin().alterConsumerGroupOffsets(g, Map.of(first, new OffsetAndMetadata(0), second, new OffsetAndMetadata(1, "told"))).all());
        offsets(place, g, null);
        place.attempt("forget", place.admin().deleteConsumerGroupOffsets(g, Set.of(first)).all());
        offsets(place, g, null);
        place.attempt("delete", place.admin().deleteConsumerGroups(List.of("absent")).all());
        place.attempt("delete", place.admin().deleteConsumerGroups(List.of(g)).all());
        groups(place);
    }

    private static void groups(Place place) throws Exception {
        place.admin().listGroups().all().get().stream().filter(each -> each.groupId().startsWith(place.names))
            .forEach(each -> place.say("group", each.groupId(), each.groupState(), each.type(), each.protocol()));
        var none = place.admin().listGroups(ListGroupsOptions.forShareGroups()).all().get();
        place.say("share groups", none.stream().filter(each -> each.groupId().startsWith(place.names)).count());
    }

    private static void offsets(Place place, String group, List<TopicPartition> partitions) throws Exception {
        var asked = Map.of(group, new ListConsumerGroupOffsetsSpec().topicPartitions(partitions));
        var told = new TreeMap<TopicPartition, OffsetAndMetadata>(Groups::order);
        told.putAll(place.admin().listConsumerGroupOffsets(asked).partitionsToOffsetAndMetadata(group).get());
        told.forEach((partition, offset) -> place.say(partition, offset.offset(), "'" + offset.metadata() + "'"));
    }
}
