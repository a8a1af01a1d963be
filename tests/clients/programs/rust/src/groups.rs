//! Groups: what is read and committed in one, and how partitions go from one member to another.

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::place::{LONG, New, Place, Result, assigned, read, turn, until};
use crate::records::show;

pub async fn read_and_commit(place: &Place, protocol: &str) -> Result {
    let (topic, group) = (place.name("orders"), place.name("g"));
    place.create(&topic, 3, &[]).await?;
    let texts: Vec<_> = (0..30).map(|n| (n % 3, format!("k{n}"), format!("v{n}"))).collect();
    let records: Vec<_> = texts
        .iter()
        .map(|(partition, key, value)| New::plain(*partition, key, value))
        .collect();
    place.produce(&topic, &records, &[]).await?;
    let first = place.consumer(&group, protocol, &[])?;
    first.subscribe(&[&topic])?;
    show(&read(&first, 30)?);
    first.commit_consumer_state(CommitMode::Sync)?;
    drop(first);
    place.produce(&topic, &[New::plain(1, "later", "x")], &[]).await?;
    let second = place.consumer(&group, protocol, &[])?;
    second.subscribe(&[&format!("^{}-ord.*", place.names)])?;
    show(&read(&second, 1)?);
    let mut wanted = TopicPartitionList::new();
    wanted.add_partition_range(&topic, 0, 2);
    for each in second.committed_offsets(wanted, LONG)?.elements() {
        println!("committed {} {} {:?}", each.topic(), each.partition(), each.offset());
    }
    println!("{:?}", second.fetch_watermarks(&topic, 1, LONG)?);
    describe(&second, &group)
}

pub async fn rebalance(place: &Place, protocol: &str) -> Result {
    let (topic, group) = (place.name("orders"), place.name("g"));
    place.create(&topic, 4, &[]).await?;
    let member = || {
        let member = place.consumer(&group, protocol, &[])?;
        member.subscribe(&[&topic])?;
        Ok::<_, Box<dyn std::error::Error>>(member)
    };
    let mut members = vec![member()?];
    shared(&members, &[4])?;
    members.push(member()?);
    shared(&members, &[2, 2])?;
    describe(&members[0], &group)?;
    // It has what it was given: a consumer that is dropped while it is being assigned waits for ever.
    members.pop();
    shared(&members, &[4])
}

/// Turns until each member has so many partitions.
fn shared(members: &[BaseConsumer], counts: &[usize]) -> Result {
    let mut all = until(&format!("assignment of {counts:?}"), || {
        let shared = turn(members).and_then(|()| assigned(members));
        match shared {
            Ok(shared) => shared
                .iter()
                .map(Vec::len)
                .eq(counts.iter().copied())
                .then_some(Ok(shared.concat())),
            Err(error) => Some(Err(error)),
        }
    })??;
    all.sort();
    println!("{counts:?} {all:?}");
    Ok(())
}

/// What the broker says of a group by the classic calls, which are all that rdkafka has.
fn describe(member: &BaseConsumer, group: &str) -> Result {
    let listed = member.fetch_group_list(Some(group), LONG)?;
    for group in listed.groups() {
        let (state, protocol) = (group.state(), group.protocol());
        println!(
            "{} {state} {protocol} {} {}",
            group.name(),
            group.protocol_type(),
            group.members().len()
        );
    }
    Ok(())
}
