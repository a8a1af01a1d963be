//! The items of a call: which are taken, which were taken before, which are refused.

use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime},
};

use hyper::StatusCode;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    answer::Answer,
    call::{Item, ItemOutcome, Request, Ruling},
    condition::Condition,
    place::{self, Json, Place},
    quantity::Period,
    rate::{Rate, Window},
    rules,
};

/// What the items in a call must be like. They pass `at_most`, each entry of `reject`, `rate` and
/// `remember` in this order; the first that strikes makes the answer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Items {
    /// The JSONPath of the items, such as `$.events[*]`; `$` where the body is one.
    #[schemars(with = "String")]
    each: Json,
    /// The places that together are an item's id; `$` is the item. One that lacks a place has none.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) id: Vec<Place>,
    /// How many a call may have.
    at_most: Option<MostItems>,
    /// Which items are not taken.
    #[serde(default)]
    reject: Vec<Reject>,
    /// How many items are let through.
    rate: Option<Rate>,
    /// What becomes of the good items of a call in which some were not taken.
    #[serde(default)]
    others: Others,
    /// How long the id of an item that was taken makes another of it a duplicate.
    #[schemars(with = "Option<String>")]
    pub(super) remember: Option<Period>,
}

/// How many items a call may have.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MostItems {
    /// So many and no more.
    count: usize,
    /// The answer to more; 413 where it is not given.
    #[serde(default = "rules::too_large")]
    answer: Answer,
}

/// Items that are not taken: those that lack one of `missing`, and those of which `when` holds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Reject {
    /// Places that every item must have; `$` is the item.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    missing: Vec<Place>,
    /// Places of an item and what holds there of the ones that are not taken.
    #[serde(default)]
    when: Condition,
    /// The answer to a call with such an item; 400 where it is not given. With a status under 400
    /// the items are dropped without a word.
    #[serde(default = "bad_request")]
    answer: Answer,
}

/// What becomes of the good items of a call in which some were not taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Others {
    /// None is taken.
    #[default]
    Reject,
    /// They are taken all the same.
    Accept,
}

fn bad_request() -> Answer {
    Answer::bare(StatusCode::BAD_REQUEST)
}

/// What one route remembers of the items that it took.
#[derive(Debug, Default)]
pub(super) struct ItemMemory {
    taken: HashMap<String, Instant>,
    rates: Window,
}

/// What became of the items of one call.
#[derive(Debug)]
pub(super) struct Sorted<'r> {
    pub(super) items: Vec<Item>,
    /// The rule that struck first, and its answer.
    pub(super) struck: Option<(Ruling, &'r Answer)>,
    pub(super) fields: IndexMap<String, Vec<usize>>,
    pub(super) keys: IndexMap<String, usize>,
    pub(super) limit: Option<u64>,
    pub(super) wait: Option<Duration>,
}

impl Items {
    pub(super) fn answers(&self) -> Vec<&Answer> {
        let most = self.at_most.iter().map(|most| &most.answer);
        let reject = self.reject.iter().map(|reject| &reject.answer);
        most.chain(reject)
            .chain(self.rate.iter().map(|rate| &rate.answer))
            .collect()
    }

    pub(super) fn places(&self) -> Vec<&Place> {
        let reject = self
            .reject
            .iter()
            .flat_map(|reject| reject.missing.iter().chain(reject.when.0.keys()));
        self.id
            .iter()
            .chain(reject)
            .chain(self.rate.iter().filter_map(|rate| rate.key.as_ref()))
            .collect()
    }

    /// The items of a call that is refused as a whole.
    pub(super) fn all_rejected(&self, request: &Request) -> Vec<Item> {
        let rejected = |(index, item)| Item {
            index,
            id: self.id_of(request, item),
            outcome: ItemOutcome::Rejected,
        };
        self.found(request).into_iter().enumerate().map(rejected).collect()
    }

    /// Passes the items of a call through the rules, and remembers those that are taken.
    pub(super) fn sort(&self, memory: &mut ItemMemory, request: &Request, at: SystemTime, now: Instant) -> Sorted<'_> {
        let found = self.found(request);
        let mut sorted = Sorted {
            items: self.all_rejected(request),
            struck: None,
            fields: IndexMap::new(),
            keys: IndexMap::new(),
            limit: None,
            wait: None,
        };
        if let Some(most) = self.at_most.as_ref().filter(|most| found.len() > most.count) {
            sorted.limit = Some(most.count as u64);
            sorted.struck = Some((Ruling::TooManyItems, &most.answer));
            return sorted;
        }
        let mut good: Vec<usize> = (0..found.len()).collect();
        for (position, reject) in self.reject.iter().enumerate() {
            let before = good.len();
            good.retain(|index| !reject.strikes(*index, found[*index], request, at, &mut sorted.fields));
            if good.len() < before {
                sorted.strike(Ruling::RejectedItems(position), &reject.answer);
                if self.others == Others::Reject {
                    return sorted;
                }
            }
        }
        if let Some(rate) = &self.rate {
            let mut window = memory.rates.clone();
            good.retain(|index| {
                let key = rate.key.as_ref().and_then(|key| key.read(request, Some(found[*index])));
                let key = key.as_ref().map(place::text).unwrap_or_default();
                match window.take(rate, &key, now) {
                    Ok(()) => true,
                    Err(wait) => {
                        *sorted.keys.entry(key).or_default() += 1;
                        sorted.wait = sorted.wait.max(Some(wait));
                        false
                    }
                }
            });
            if sorted.wait.is_some() {
                sorted.limit = Some(rate.at_most);
                sorted.strike(Ruling::ItemRate, &rate.answer);
                if self.others == Others::Reject {
                    return sorted;
                }
            }
            memory.rates = window;
        }
        for index in good {
            let item = &mut sorted.items[index];
            item.outcome = self.take(memory, item.id.as_deref(), now);
        }
        sorted
    }

    fn take(&self, memory: &mut ItemMemory, id: Option<&str>, now: Instant) -> ItemOutcome {
        let (Some(id), Some(period)) = (id, self.remember) else {
            return ItemOutcome::Accepted;
        };
        match memory.taken.get(id) {
            Some(then) if now.duration_since(*then) < period.0 => ItemOutcome::Duplicate,
            _ => {
                memory.taken.insert(id.to_owned(), now);
                ItemOutcome::Accepted
            }
        }
    }

    fn found<'a>(&self, request: &'a Request) -> Vec<&'a Value> {
        request
            .json
            .as_ref()
            .map(|body| self.each.path.query(body).all())
            .unwrap_or_default()
    }

    fn id_of(&self, request: &Request, item: &Value) -> Option<String> {
        let parts = self
            .id
            .iter()
            .map(|place| place.read(request, Some(item)).filter(|part| !part.is_null()));
        let parts: Vec<Value> = parts.collect::<Option<_>>()?;
        match parts.as_slice() {
            [] => None,
            [one] => Some(place::text(one)),
            // As JSON, so that no two lists of parts read the same.
            several => Some(Value::from(several.to_vec()).to_string()),
        }
    }
}

impl<'r> Sorted<'r> {
    fn strike(&mut self, ruling: Ruling, answer: &'r Answer) {
        self.struck.get_or_insert((ruling, answer));
    }

    pub(super) fn count(&self, outcome: ItemOutcome) -> usize {
        self.items.iter().filter(|item| item.outcome == outcome).count()
    }
}

impl Reject {
    fn strikes(
        &self,
        index: usize,
        item: &Value,
        request: &Request,
        at: SystemTime,
        fields: &mut IndexMap<String, Vec<usize>>,
    ) -> bool {
        let lacking = self
            .missing
            .iter()
            .filter(|place| place.read(request, Some(item)).is_none_or(|v| v.is_null()));
        let mut strikes = false;
        for place in lacking {
            strikes = true;
            fields.entry(place.name().to_owned()).or_default().push(index);
        }
        if !self.when.is_always() && self.when.holds(request, Some(item), at) {
            strikes = true;
            for place in self.when.0.keys() {
                fields.entry(place.name().to_owned()).or_default().push(index);
            }
        }
        strikes
    }
}
