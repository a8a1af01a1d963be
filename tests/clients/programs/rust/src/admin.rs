//! Topics, their configurations, records and groups, as an administrator has them.

use rdkafka::admin::{AdminClient, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::place::{LONG, New, Place, Result, options, read, until};

type Admin = AdminClient<DefaultClientContext>;

pub async fn run(place: &Place) -> Result {
    let admin = place.admin()?;
    let (a, b) = (place.name("a"), place.name("b"));
    place.create(&a, 2, &[("retention.ms", "3600000")]).await?;
    place.create(&b, 1, &[]).await?;
    refuse(place, &admin, &a).await?;
    describe(place, &admin)?;
    configure(&admin, &a).await?;
    partitions(&admin, &b).await?;
    records(place, &admin, &a).await?;
    groups(place, &admin, &a).await?;
    println!("{:?}", admin.delete_topics(&["absent"], &options()).await?);
    println!("{:?}", admin.delete_topics(&[&a, &b], &options()).await?);
    until("empty cluster", || {
        named(place, &admin).is_ok_and(|names| names.is_empty()).then_some(())
    })?;
    println!("deleted");
    Ok(())
}

/// The topics of this feature.
fn named(place: &Place, admin: &Admin) -> Result<Vec<String>> {
    let told = admin.inner().fetch_metadata(None, LONG)?;
    let names = told.topics().iter().map(|topic| topic.name().to_owned());
    let mut names: Vec<_> = names.filter(|name| name.starts_with(&place.names)).collect();
    names.sort();
    Ok(names)
}

async fn refuse(place: &Place, admin: &Admin, a: &str) -> Result {
    let wrong = place.name("x");
    for new in [
        NewTopic::new(a, 1, TopicReplication::Fixed(1)),
        NewTopic::new("not/allowed", 1, TopicReplication::Fixed(1)),
        NewTopic::new(&wrong, 1, TopicReplication::Fixed(1)).set("nonsense", "1"),
    ] {
        println!("create {:?}", admin.create_topics([&new], &options()).await?);
    }
    let tried = NewTopic::new(&wrong, 1, TopicReplication::Fixed(1));
    println!(
        "try {:?}",
        admin.create_topics([&tried], &options().validate_only(true)).await?
    );
    Ok(())
}

fn describe(place: &Place, admin: &Admin) -> Result {
    println!("{:?}", named(place, admin)?);
    let told = admin.inner().fetch_metadata(Some(&place.name("a")), LONG)?;
    for topic in told.topics() {
        for each in topic.partitions() {
            println!(
                "{} {} {} {:?} {:?}",
                topic.name(),
                each.id(),
                each.leader(),
                each.replicas(),
                each.isr()
            );
        }
    }
    let absent = admin.inner().fetch_metadata(Some("absent"), LONG)?;
    println!(
        "absent {:?}",
        absent.topics().iter().map(|topic| topic.error()).collect::<Vec<_>>()
    );
    let brokers: Vec<_> = told.brokers().iter().map(|broker| broker.id()).collect();
    println!("{brokers:?} {}", admin.inner().fetch_cluster_id(LONG).is_some());
    Ok(())
}

async fn configure(admin: &Admin, a: &str) -> Result {
    retention(admin, a, "3600000").await?;
    let change = AlterConfig::new(ResourceSpecifier::Topic(a)).set("retention.ms", "7200000");
    println!("alter {:?}", admin.alter_configs([&change], &options()).await?);
    retention(admin, a, "7200000").await?;
    let change = AlterConfig::new(ResourceSpecifier::Topic(a)).set("nonsense", "1");
    println!("alter {:?}", admin.alter_configs([&change], &options()).await?);
    let absent = admin
        .describe_configs([&ResourceSpecifier::Topic("absent")], &options())
        .await?;
    println!(
        "absent {:?}",
        absent.into_iter().map(|told| told.map(drop)).collect::<Vec<_>>()
    );
    Ok(())
}

/// The broker shows a change a little after it took it.
async fn retention(admin: &Admin, topic: &str, becomes: &str) -> Result {
    let end = std::time::Instant::now() + LONG;
    while std::time::Instant::now() < end {
        for told in admin
            .describe_configs([&ResourceSpecifier::Topic(topic)], &options())
            .await?
        {
            let told = told?;
            let entry = told.get("retention.ms").ok_or("no retention")?;
            if entry.value.as_deref() == Some(becomes) {
                println!("{} {becomes} {:?}", told.entries.len(), entry.source);
                return Ok(());
            }
        }
    }
    Err(format!("no retention of {becomes} within {LONG:?}").into())
}

async fn partitions(admin: &Admin, b: &str) -> Result {
    println!(
        "{:?}",
        admin.create_partitions([&NewPartitions::new(b, 3)], &options()).await?
    );
    println!(
        "{:?}",
        admin.create_partitions([&NewPartitions::new(b, 2)], &options()).await?
    );
    until("three partitions", || {
        let told = admin.inner().fetch_metadata(Some(b), LONG).ok()?;
        told.topics()
            .iter()
            .any(|topic| topic.partitions().len() == 3)
            .then_some(())
    })
}

async fn records(place: &Place, admin: &Admin, a: &str) -> Result {
    let values: Vec<_> = (0..10).map(|n| (n % 2, n.to_string())).collect();
    let records: Vec<_> = values
        .iter()
        .map(|(partition, value)| New::plain(*partition, "k", value))
        .collect();
    place.produce(a, &records, &[]).await?;
    let mut before = TopicPartitionList::new();
    before.add_partition_offset(a, 0, Offset::Offset(3))?;
    for each in admin.delete_records(&before, &options()).await?.elements() {
        println!(
            "low {} {} {:?} {:?}",
            each.topic(),
            each.partition(),
            each.offset(),
            each.error()
        );
    }
    let reader = place.consumer(&place.name("times"), "classic", &[])?;
    let mut wanted = TopicPartitionList::new();
    for partition in 0..2 {
        println!("{partition} {:?}", reader.fetch_watermarks(a, partition, LONG)?);
        wanted.add_partition_offset(a, partition, Offset::Offset(1))?;
    }
    for each in reader.offsets_for_times(wanted, LONG)?.elements() {
        println!("after 1 ms {} {} {:?}", each.topic(), each.partition(), each.offset());
    }
    Ok(())
}

async fn groups(place: &Place, admin: &Admin, a: &str) -> Result {
    let group = place.name("g");
    let member = place.consumer(&group, "classic", &[])?;
    member.subscribe(&[a])?;
    read(&member, 7)?;
    member.commit_consumer_state(CommitMode::Sync)?;
    drop(member);
    let listed = admin.inner().fetch_group_list(None, LONG)?;
    for found in listed
        .groups()
        .iter()
        .filter(|found| found.name().starts_with(&place.names))
    {
        println!("{} {} {}", found.name(), found.state(), found.members().len());
    }
    println!("{:?}", admin.delete_groups(&["absent"], &options()).await?);
    println!("{:?}", admin.delete_groups(&[&group], &options()).await?);
    Ok(())
}
