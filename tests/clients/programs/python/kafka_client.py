"""Features of Kafka through confluent-kafka (librdkafka): BOOTSTRAP FEATURE NAMES. What it prints differs only by a fault."""

import hashlib
import os
import sys
import time

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaException,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

BOOTSTRAP, FEATURE, NAMES = sys.argv[1:4]
COMMON = {"bootstrap.servers": BOOTSTRAP}
if protocol := os.environ.get("SECURITY_PROTOCOL"):
    # librdkafka reads no variable itself.
    COMMON |= {"security.protocol": protocol, "ssl.ca.location": os.environ["SSL_CERT_FILE"]}
admin = AdminClient(COMMON)


def within(what, seconds=60):
    """Turns until something is the case, or fails."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
    raise SystemExit(f"no {what} within {seconds} s")


def create(topic, partitions, config=None):
    new = NewTopic(topic, num_partitions=partitions, replication_factor=1, config=config or {})
    admin.create_topics([new])[topic].result()
    # The broker learns of its controller's changes a little later.
    for _ in within(f"topic {topic}"):
        if topic in admin.list_topics(timeout=30).topics:
            return


def produce(topic, records, **config):
    producer = Producer({**COMMON, "enable.idempotence": True, **config})
    failed = []
    now = int(time.time() * 1000)
    for later, (partition, key, value, headers) in enumerate(records):
        producer.produce(
            topic, partition=partition, key=key, value=value, headers=headers, timestamp=now + later,
            on_delivery=lambda error, _: failed.append(error) if error else None,
        )
    producer.flush(30)
    assert not failed, failed


def consumer(group, protocol="classic", **config):
    config = {**COMMON, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False, **config}
    if protocol == "classic":
        config["heartbeat.interval.ms"] = 300
    else:
        config["group.protocol"] = "consumer"
    return Consumer(config)


def read(reader, count):
    messages = []
    for _ in within(f"{count} messages"):
        message = reader.poll(0.2)
        if message is not None:
            if message.error():
                raise KafkaException(message.error())
            messages.append(message)
        if len(messages) >= count:
            return sorted(messages, key=lambda m: (m.partition(), m.offset()))


def show(messages):
    for m in messages:
        print(m.topic(), m.partition(), m.offset(), m.key(), m.value(), m.headers())


def group(protocol):
    topic = f"{NAMES}-orders"
    create(topic, 3)
    produce(topic, [(n % 3, f"k{n}", f"v{n}", None) for n in range(30)])
    first = consumer(f"{NAMES}-g", protocol)
    first.subscribe([topic])
    show(read(first, 30))
    first.commit(asynchronous=False)
    first.close()
    produce(topic, [(1, "later", "x", None)])
    second = consumer(f"{NAMES}-g", protocol)
    second.subscribe([f"^{NAMES}-ord.*"])
    show(read(second, 1))
    wanted = [TopicPartition(topic, n) for n in range(3)]
    print([(p.topic, p.partition, p.offset) for p in second.committed(wanted, 30)])
    print(second.get_watermark_offsets(TopicPartition(topic, 1), 30))
    second.close()


def rebalance(protocol):
    topic = f"{NAMES}-orders"
    create(topic, 4)
    members = [consumer(f"{NAMES}-g", protocol) for _ in range(2)]

    def until(*counts):
        for _ in within(f"assignment of {counts}"):
            for member in members:
                member.poll(0.1)
            assigned = [member.assignment() for member in members]
            if tuple(len(partitions) for partitions in assigned) == counts:
                print(counts, sorted((p.topic, p.partition) for all in assigned for p in all))
                return

    members[0].subscribe([topic])
    members[1].subscribe([topic])
    until(2, 2)
    described = admin.describe_consumer_groups([f"{NAMES}-g"])[f"{NAMES}-g"].result()
    print(described.group_id, described.state.name, described.type.name)
    print(sorted((p.topic, p.partition) for m in described.members for p in m.assignment.topic_partitions))
    members.pop().close()
    until(4)
    members.pop().close()


def transactions():
    topic = f"{NAMES}-orders"
    create(topic, 1)
    produce(topic, [(0, "in", f"in{n}", None) for n in range(3)])
    config = {**COMMON, "transactional.id": f"{NAMES}-tx"}
    producer = Producer(config)
    producer.init_transactions(30)
    source = consumer(f"{NAMES}-g")
    source.subscribe([topic])
    read(source, 3)
    for name, end in [("a", producer.commit_transaction), ("b", producer.abort_transaction)]:
        producer.begin_transaction()
        for n in range(2):
            producer.produce(topic, key=name, value=f"{name}{n}", partition=0)
        producer.flush(30)
        if name == "a":
            producer.send_offsets_to_transaction(source.position(source.assignment()), source.consumer_group_metadata(), 30)
        end(30)
    print([(p.topic, p.offset) for p in source.committed([TopicPartition(topic, 0)], 30)])
    source.close()
    other = Producer(config)
    other.init_transactions(30)
    try:
        producer.begin_transaction()
        producer.produce(topic, key="fenced", value="fenced")
        producer.commit_transaction(30)
        print("not fenced")
    except KafkaException as error:
        print("fenced", error.args[0].name(), error.args[0].fatal())
    other.begin_transaction()
    other.produce(topic, key="c", value="c0", partition=0)
    other.commit_transaction(30)
    for isolation, count in [("read_committed", 6), ("read_uncommitted", 8)]:
        reader = consumer(f"{NAMES}-{isolation}", **{"isolation.level": isolation})
        reader.assign([TopicPartition(topic, 0, 0)])
        print(isolation, [m.value() for m in read(reader, count)])
        reader.close()


def codecs():
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
        topic = f"{NAMES}-{codec}"
        create(topic, 1)
        produce(topic, [(0, f"k{n}", f"{n} " * 300, None) for n in range(100)], **{"compression.type": codec, "linger.ms": 50})
        reader = consumer(f"{NAMES}-g")
        reader.assign([TopicPartition(topic, 0, 0)])
        messages = read(reader, 100)
        reader.close()
        digest = hashlib.sha256(b"".join(m.key() + m.value() for m in messages)).hexdigest()
        print(codec, len(messages), digest)


def headers():
    topic = f"{NAMES}-orders"
    create(topic, 1, {"cleanup.policy": "compact"})
    produce(topic, [
        (0, "a", "1", [("trace", b"\x00\xff"), ("trace", b"again"), ("none", None)]),
        (0, "a", None, None),
        (0, "b", "", [("empty", b"")]),
    ])
    reader = consumer(f"{NAMES}-g")
    reader.assign([TopicPartition(topic, 0, 0)])
    show(read(reader, 3))
    reader.close()


def attempt(name, future):
    try:
        return future.result(30)
    except KafkaException as error:
        print(name, "error", error.args[0].name(), error.args[0].str())


def administrate():
    a, b = f"{NAMES}-a", f"{NAMES}-b"
    create(a, 2, {"retention.ms": "3600000"})
    create(b, 1)
    print("created again")
    attempt("create", admin.create_topics([NewTopic(a, 1, 1)])[a])
    attempt("create", admin.create_topics([NewTopic("not/allowed", 1, 1)])["not/allowed"])
    attempt("create", admin.create_topics([NewTopic(f"{NAMES}-x", 1, 1, config={"nonsense": "1"})])[f"{NAMES}-x"])
    for name, future in sorted(admin.describe_topics(TopicCollection([a, b, "absent"])).items()):
        if described := attempt(name, future):
            print(described.name, described.is_internal, [(p.id, p.leader.id, len(p.replicas), len(p.isr)) for p in described.partitions])
    print(sorted(name for name in admin.list_topics(timeout=30).topics if name.startswith(NAMES)))
    week = "604800000"
    for operation, value, becomes in [(AlterConfigOpType.SET, "7200000", "7200000"), (AlterConfigOpType.DELETE, None, week)]:
        entry = ConfigEntry("retention.ms", value, incremental_operation=operation)
        resource = ConfigResource(ResourceType.TOPIC, a, incremental_configs=[entry])
        admin.incremental_alter_configs([resource])[resource].result(30)
        # The broker shows a change a little after it took it.
        for _ in within(f"retention of {becomes} ms"):
            described = admin.describe_configs([ConfigResource(ResourceType.TOPIC, a)])
            (entries,) = [config.result(30) for config in described.values()]
            if entries["retention.ms"].value == becomes:
                break
        print(len(entries), entries["retention.ms"].value, entries["retention.ms"].is_default)
    attempt("configs", list(admin.describe_configs([ConfigResource(ResourceType.TOPIC, "absent")]).values())[0])
    admin.create_partitions([NewPartitions(b, 3)])[b].result(30)
    attempt("partitions", admin.create_partitions([NewPartitions(b, 2)])[b])
    for _ in within("three partitions"):
        if len(admin.list_topics(b, timeout=30).topics[b].partitions) == 3:
            break
    produce(a, [(n % 2, "k", f"{n}", None) for n in range(10)])
    for spec in [OffsetSpec.earliest(), OffsetSpec.latest(), OffsetSpec.max_timestamp()]:
        found = admin.list_offsets({TopicPartition(a, n): spec for n in range(2)}, isolation_level=IsolationLevel.READ_COMMITTED)
        print(sorted((p.topic, p.partition, f.result(30).offset) for p, f in found.items()))
    deleted = admin.delete_records([TopicPartition(a, 0, 3)])
    print([(p.topic, p.partition, f.result(30).low_watermark) for p, f in deleted.items()])
    g = f"{NAMES}-g"
    member = consumer(g)
    member.subscribe([a])
    read(member, 7)
    member.commit(asynchronous=False)
    member.close()
    listed = admin.list_consumer_groups().result(30)
    print(sorted((found.group_id, found.state.name) for found in listed.valid if found.group_id.startswith(NAMES)), listed.errors)
    described = admin.describe_consumer_groups([g])[g].result(30)
    print(described.group_id, described.state.name, len(described.members), described.coordinator.id)
    for request in [ConsumerGroupTopicPartitions(g), ConsumerGroupTopicPartitions(g, [TopicPartition(a, 0)])]:
        offsets = admin.list_consumer_group_offsets([request])[g].result(30)
        print(offsets.group_id, sorted((p.topic, p.partition, p.offset) for p in offsets.topic_partitions))
    altered = ConsumerGroupTopicPartitions(g, [TopicPartition(a, 1, 1)])
    print([(p.topic, p.partition, p.offset) for p in admin.alter_consumer_group_offsets([altered])[g].result(30).topic_partitions])
    attempt("delete", admin.delete_consumer_groups(["absent"])["absent"])
    attempt("delete", admin.delete_consumer_groups([g])[g])
    cluster = admin.describe_cluster().result(30)
    print(cluster.controller.id, [node.id for node in cluster.nodes], cluster.cluster_id is not None)
    attempt("topics", admin.delete_topics(["absent"])["absent"])
    for topic, future in sorted(admin.delete_topics([a, b]).items()):
        attempt(topic, future)
    for _ in within("no topic"):
        if not any(name.startswith(NAMES) for name in admin.list_topics(timeout=30).topics):
            print("deleted")
            return


{
    "group": lambda: group("classic"),
    "group-848": lambda: group("consumer"),
    "rebalance": lambda: rebalance("classic"),
    "rebalance-848": lambda: rebalance("consumer"),
    "transactions": transactions,
    "codecs": codecs,
    "headers": headers,
    "admin": administrate,
}[FEATURE]()
