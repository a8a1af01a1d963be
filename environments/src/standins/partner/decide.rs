//! The decision about one call: pure but for the route's memory.

use std::time::{Instant, SystemTime};

use super::{
    answer::Answer,
    call::{Answered, Item, ItemOutcome, Request, Ruling},
    items::{ItemMemory, Items},
    place,
    rate::{self, Window},
    rules::Route,
    template::Facts,
};

/// What one route remembers.
#[derive(Debug, Default)]
pub(super) struct RouteMemory {
    calls: u64,
    rates: Window,
    items: ItemMemory,
}

/// When a call came, and what only the wire knows of it.
#[derive(Debug)]
pub(super) struct Moment {
    /// Its number on the stand-in, from 1.
    pub(super) ordinal: u64,
    pub(super) at: SystemTime,
    pub(super) now: Instant,
    /// Its body was longer than what is kept of it.
    pub(super) cut: bool,
}

/// Decides a call in the order of [`Route`]'s rules.
pub(super) fn decide(
    route: &Route,
    memory: &mut RouteMemory,
    request: &Request,
    moment: &Moment,
) -> (Answered, Vec<Item>, Ruling) {
    memory.calls += 1;
    let mut facts = Facts::new(request, moment.ordinal, moment.at);
    if let Some((ruling, answer)) = refusal(route, memory, request, moment, &mut facts) {
        let items = route
            .items
            .as_ref()
            .map(|items| items.all_rejected(request))
            .unwrap_or_default();
        return made(answer, &mut facts, items, ruling);
    }
    let answers = route.answers.iter().enumerate();
    let Some((position, chosen)) = answers
        .clone()
        .find(|(_, answer)| answer.when.holds(request, None, moment.at))
        .or(answers.last())
    else {
        // Reading the rules has refused a route without answers.
        return (
            Answered::json(hyper::StatusCode::NOT_FOUND, &serde_json::Value::Null),
            Vec::new(),
            Ruling::NoRoute,
        );
    };
    let ruling = Ruling::Answer(position);
    match &route.items {
        None => made(&chosen.answer, &mut facts, Vec::new(), ruling),
        Some(items) if !chosen.answer.takes() => made(&chosen.answer, &mut facts, items.all_rejected(request), ruling),
        Some(items) => with_items(items, memory, moment, &mut facts, (ruling, &chosen.answer)),
    }
}

/// The rule that refuses a call whatever is in it.
fn refusal<'r>(
    route: &'r Route,
    memory: &mut RouteMemory,
    request: &Request,
    moment: &Moment,
    facts: &mut Facts<'_>,
) -> Option<(Ruling, &'r Answer)> {
    if let Some(failure) = route.failures.iter().find(|failure| memory.calls <= failure.first) {
        return Some((Ruling::Failure, &failure.answer));
    }
    if let Some(most) = &route.max_body
        && (moment.cut || request.body.len() > most.size.0)
    {
        facts.limit = Some(most.size.0 as u64);
        return Some((Ruling::BodySize, &most.answer));
    }
    let rate = route.rate.as_ref()?;
    let key = rate.key.as_ref().and_then(|key| key.read(request, None));
    let wait = memory
        .rates
        .take(rate, &key.as_ref().map(place::text).unwrap_or_default(), moment.now)
        .err()?;
    facts.limit = Some(rate.at_most);
    facts.retry_after = Some(rate::whole_seconds(wait));
    Some((Ruling::CallRate, &rate.answer))
}

fn with_items(
    items: &Items,
    memory: &mut RouteMemory,
    moment: &Moment,
    facts: &mut Facts<'_>,
    otherwise: (Ruling, &Answer),
) -> (Answered, Vec<Item>, Ruling) {
    let sorted = items.sort(&mut memory.items, facts.request, moment.at, moment.now);
    facts.accepted = sorted.count(ItemOutcome::Accepted);
    facts.duplicates = sorted.count(ItemOutcome::Duplicate);
    facts.limit = sorted.limit;
    facts.retry_after = sorted.wait.map(rate::whole_seconds);
    facts.rejected_fields = sorted.fields;
    facts.rejected_keys = sorted.keys;
    let (ruling, answer) = sorted.struck.unwrap_or(otherwise);
    made(answer, facts, sorted.items, ruling)
}

fn made(answer: &Answer, facts: &mut Facts<'_>, items: Vec<Item>, ruling: Ruling) -> (Answered, Vec<Item>, Ruling) {
    let rejected = || items.iter().filter(|item| item.outcome == ItemOutcome::Rejected);
    facts.items = items.len();
    facts.rejected = rejected().map(|item| item.index).collect();
    facts.rejected_ids = rejected().filter_map(|item| item.id.clone()).collect();
    (answer.make(facts), items, ruling)
}
