//! Transactions: what is read of them, and whom they shut out.

use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{FutureProducer, Producer};
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::place::{LONG, New, Place, Result, read, send};
use crate::records::reader;

pub async fn run(place: &Place) -> Result {
    let topic = place.name("orders");
    place.create(&topic, 1, &[]).await?;
    let given = ["in0", "in1", "in2"].map(|value| New::plain(0, "in", value));
    place.produce(&topic, &given, &[]).await?;
    let transactional = || {
        let producer: FutureProducer = place.config().set("transactional.id", place.name("tx")).create()?;
        producer.init_transactions(LONG)?;
        Ok::<_, Box<dyn std::error::Error>>(producer)
    };
    let producer = transactional()?;
    let source = place.consumer(&place.name("g"), "classic", &[])?;
    source.subscribe(&[&topic])?;
    read(&source, 3)?;
    for name in ["a", "b"] {
        producer.begin_transaction()?;
        let values = [format!("{name}0"), format!("{name}1")];
        let records: Vec<_> = values.iter().map(|value| New::plain(0, name, value)).collect();
        send(&producer, &topic, &records).await?;
        if name == "b" {
            producer.abort_transaction(LONG)?;
            continue;
        }
        let metadata = source.group_metadata().ok_or("no metadata of the group")?;
        producer.send_offsets_to_transaction(&source.position()?, &metadata, LONG)?;
        producer.commit_transaction(LONG)?;
    }
    let mut wanted = TopicPartitionList::new();
    wanted.add_partition(&topic, 0);
    for each in source.committed_offsets(wanted, LONG)?.elements() {
        println!("committed {} {:?}", each.topic(), each.offset());
    }
    drop(source);
    let other = transactional()?;
    producer.begin_transaction()?;
    let fenced = send(&producer, &topic, &[New::plain(0, "fenced", "fenced")]).await;
    let ended = producer.commit_transaction(LONG);
    println!(
        "fenced {} {:?}",
        fenced.is_err(),
        ended.err().as_ref().and_then(KafkaError::rdkafka_error_code)
    );
    other.begin_transaction()?;
    send(&other, &topic, &[New::plain(0, "c", "c0")]).await?;
    other.commit_transaction(LONG)?;
    for (isolation, count) in [("read_committed", 6), ("read_uncommitted", 8)] {
        let reader = reader(place, &topic, isolation, &[("isolation.level", isolation)])?;
        let messages = read(&reader, count)?;
        let values = messages
            .iter()
            .filter_map(|message| message.payload())
            .map(|value| value.escape_ascii().to_string());
        println!("{isolation} {:?}", values.collect::<Vec<_>>());
    }
    Ok(())
}
