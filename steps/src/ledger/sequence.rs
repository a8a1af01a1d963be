//! The order of things, key by key.

use std::collections::BTreeMap;

use super::account::{Begun, Disorder};
use super::sighting::{Order, Sighting};

/// A thing that came to a stage, as it began.
#[derive(Clone, Copy)]
struct Thing<'a> {
    id: &'a str,
    order: Order,
    came: &'a Sighting,
}

/// What is not in order of the things that came to a stage, and whether any two of one key had an order when they began.
///
/// A thing's key is the one that it began with, else the one that it came with.
pub(super) fn sequence<'a>(
    stage: &str,
    things: impl Iterator<Item = (&'a str, &'a Begun, &'a Sighting)>,
) -> (Vec<Disorder>, bool) {
    let mut keys: BTreeMap<&str, Vec<Thing<'a>>> = BTreeMap::new();
    let mut disorder = Vec::new();
    for (id, begun, came) in things {
        match begun.key.as_deref().or(came.key.as_deref()) {
            Some(key) => keys.entry(key).or_default().push(Thing {
                id,
                order: begun.order,
                came,
            }),
            None => disorder.push(Disorder {
                told: format!("{id} has no key, {stage} {}", came.place),
                ids: vec![id.to_owned()],
            }),
        }
    }
    let mut compared = false;
    for (key, things) in keys {
        compared |= has_order(&things);
        disorder.extend(of_key(key, things));
    }
    (disorder, compared)
}

/// Whether one of them began before another.
fn has_order(things: &[Thing<'_>]) -> bool {
    let mut pairs = things.iter().enumerate();
    pairs.any(|(at, one)| {
        let others = things[at + 1..].iter();
        others
            .map(|other| (one.order, other.order))
            .any(|(one, other)| one.precedes(other) || other.precedes(one))
    })
}

/// What is out of order among the things of one key.
fn of_key(key: &str, mut things: Vec<Thing<'_>>) -> Vec<Disorder> {
    let mut disorder = Vec::new();
    let breach = |told: String, ids: &[&str]| Disorder {
        told,
        ids: ids.iter().map(|&id| id.to_owned()).collect(),
    };
    let at = |thing: &Thing<'_>| match thing.came.order {
        Order::At { lane, rank } => Some((lane, rank)),
        Order::None | Order::Between { .. } => None,
    };
    if let Some(lost) = things.iter().find(|thing| at(thing).is_none()) {
        disorder.push(breach(
            format!("key {key}: {} has no place in the order, {}", lost.id, lost.came.place),
            &[lost.id],
        ));
        return disorder;
    }
    things.sort_by_key(at);
    let lane = |thing: &Thing<'_>| at(thing).map(|(lane, _)| lane);
    if let Some(other) = things.iter().find(|thing| lane(thing) != lane(&things[0])) {
        let first = &things[0];
        let told = format!(
            "key {key} is in two partitions: {} at {}, and {} at {}",
            first.id, first.came.place, other.id, other.came.place
        );
        disorder.push(breach(told, &[first.id, other.id]));
        return disorder;
    }
    for (behind, thing) in things.iter().enumerate() {
        // The nearest before it that should be behind it.
        let before = things[..behind].iter().rev().filter(|before| at(before) < at(thing));
        let wrong = before.clone().find(|before| thing.order.precedes(before.order));
        if let Some(before) = wrong {
            let told = format!(
                "key {key}: {} at {} comes after {} at {}",
                thing.id, thing.came.place, before.id, before.came.place
            );
            disorder.push(breach(told, &[thing.id, before.id]));
        }
    }
    disorder
}
