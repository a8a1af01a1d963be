//! What is accepted held against what came to a stage: missing, doubled, phantom, out of order.

use std::collections::{BTreeMap, HashMap, HashSet};

use momus_engine::count::Count;
use momus_engine::eventually::{Look, Verdict};

use super::eye::Seen;
use super::sequence::sequence;
use super::sighting::{Order, Sighting};

/// What is expected of the things of a ledger at one of its stages.
pub(super) struct Account<'a> {
    /// What the things are called.
    pub thing: &'a str,
    pub ledger: &'a str,
    pub first: &'a str,
    pub stage: &'a str,
    pub times: Count,
    pub ordered: bool,
    /// Whether what came to the stage stays there for good, and no more can begin but with an answer.
    pub for_good: bool,
}

/// What one look told.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Balance {
    /// How many things began for sure.
    pub begun: usize,
    /// How many of them came to the stage.
    pub came: usize,
    /// What began and did not come.
    pub missing: Vec<String>,
    /// What came more than once, and how often.
    pub doubled: Vec<(String, usize)>,
    /// What came and never began.
    pub phantoms: Vec<String>,
    /// Where something is without an id, at either stage.
    pub nameless: Vec<String>,
    /// What is not in order.
    pub disorder: Vec<Disorder>,
    /// How many requests may have come to something or to nothing, for all that their answers tell.
    pub unanswered: usize,
    /// Whether any two things of one key had an order at all.
    pub compared: bool,
    /// Whether more can begin without another request.
    pub under_way: bool,
}

/// A breach of the order.
#[derive(Debug, PartialEq)]
pub(super) struct Disorder {
    /// What is wrong, in words.
    pub told: String,
    /// The things that it is about.
    pub ids: Vec<String>,
}

/// A thing that began.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Begun {
    pub key: Option<String>,
    pub order: Order,
    pub certain: bool,
}

/// So many ids are listed in a row.
const LISTED: usize = 10;
/// So many breaches of the order are told.
const TOLD: usize = 3;

impl Account<'_> {
    /// What is expected, in a line.
    pub fn expected(&self) -> String {
        let times = if self.times.most.is_some() {
            "exactly once"
        } else {
            "at least once"
        };
        let ordered = if self.ordered { ", in order per key" } else { "" };
        let Self {
            thing, ledger, stage, ..
        } = self;
        format!("ledger {ledger}: every {thing} {stage} {times}{ordered}")
    }

    /// Holds what began against what came.
    pub fn balance(&self, begun: &Seen, came: &Seen) -> Balance {
        let all = merged(&begun.sightings);
        let mut arrived: HashMap<&str, Vec<&Sighting>> = HashMap::new();
        for sighting in &came.sightings {
            if let Some(id) = &sighting.id {
                arrived.entry(id).or_default().push(sighting);
            }
        }
        let certain = || all.iter().filter(|(_, begun)| begun.certain);
        let mut balance = Balance {
            begun: certain().count(),
            came: certain().filter(|(id, _)| arrived.contains_key(id)).count(),
            missing: certain()
                .filter(|(id, _)| !arrived.contains_key(id))
                .map(|(id, _)| (*id).to_owned())
                .collect(),
            nameless: nameless(&begun.sightings, self.first),
            unanswered: begun.unanswered,
            under_way: begun.under_way,
            ..Balance::default()
        };
        balance.nameless.extend(nameless(&came.sightings, self.stage));
        let mut seen = HashSet::new();
        let ids = came.sightings.iter().filter_map(|sighting| sighting.id.as_deref());
        let known: HashSet<&str> = all.iter().map(|(id, _)| *id).collect();
        for id in ids.filter(|id| seen.insert(*id)) {
            let times = arrived[id].len();
            if !known.contains(id) {
                balance.phantoms.push(id.to_owned());
            } else if times > 1 && self.times.most.is_some() {
                balance.doubled.push((id.to_owned(), times));
            }
        }
        // Any of these may be what a request without an answer came to.
        if balance.phantoms.len() <= begun.unnamed {
            balance.phantoms.clear();
        }
        if self.ordered {
            let things = all
                .iter()
                .filter_map(|(id, begun)| Some((*id, begun, *arrived.get(id)?.first()?)));
            let (disorder, compared) = sequence(self.stage, things);
            balance.disorder = disorder;
            balance.compared = compared;
        }
        balance
    }

    /// What the balance says of what is expected.
    pub fn look(&self, balance: &Balance) -> Look {
        let Balance {
            missing,
            doubled,
            phantoms,
            nameless,
            disorder,
            ..
        } = balance;
        let vacuous = balance.begun == 0 || (self.ordered && !balance.compared && disorder.is_empty());
        let wrong = doubled.len() + phantoms.len() + nameless.len() + disorder.len();
        let never = self.for_good && !balance.under_way && wrong > 0;
        let verdict = match missing.len() + wrong {
            0 if !vacuous => Verdict::HeldSoFar,
            _ if never => Verdict::Impossible,
            _ => Verdict::NotYet,
        };
        Look {
            verdict,
            seen: self.seen(balance),
            distance: (missing.len() + wrong) as u64 + u64::from(vacuous),
        }
    }

    fn seen(&self, balance: &Balance) -> String {
        let Self {
            ledger, first, stage, ..
        } = self;
        let mut lines = vec![match balance.begun {
            0 => format!("ledger {ledger}: nothing is {first}"),
            begun => format!("ledger {ledger}: {begun} {first}, {} of them {stage}", balance.came),
        }];
        let mut list = |what: &str, ids: Vec<String>| {
            if !ids.is_empty() {
                let more = ids.len().saturating_sub(LISTED);
                let more = if more > 0 {
                    format!(", and {more} more")
                } else {
                    String::new()
                };
                let few = ids.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
                lines.push(format!("  {what}, {}: {few}{more}", ids.len()));
            }
        };
        list("missing", balance.missing.clone());
        let times = |(id, times): &(String, usize)| format!("{id} ({times} times)");
        list("doubled", balance.doubled.iter().map(times).collect());
        list(&format!("phantom (never {first})"), balance.phantoms.clone());
        list("without an id", balance.nameless.clone());
        if balance.unanswered > 0 {
            let requests = match balance.unanswered {
                1 => "1 request".to_owned(),
                several => format!("{several} requests"),
            };
            lines.push(format!(
                "  {requests} without an answer, or with one of 5xx, may have come to something"
            ));
        }
        if !balance.disorder.is_empty() {
            lines.push(format!("  out of order, {}:", balance.disorder.len()));
            lines.extend(
                balance
                    .disorder
                    .iter()
                    .take(TOLD)
                    .map(|breach| format!("    {}", breach.told)),
            );
            if balance.disorder.len() > TOLD {
                lines.push(format!("    … and {} more", balance.disorder.len() - TOLD));
            }
        } else if self.ordered && !balance.compared && balance.begun > 0 {
            lines.push(format!(
                "  no two of one key are {stage} of which one was {first} before the other: nothing is in order"
            ));
        }
        lines.join("\n")
    }
}

impl Balance {
    /// The things that something is wrong with, a few of each kind.
    pub fn wrong(&self) -> Vec<String> {
        const FEW: usize = 3;
        let few = |ids: &mut dyn Iterator<Item = String>| ids.take(FEW).collect::<Vec<_>>();
        let disorder = self
            .disorder
            .iter()
            .take(TOLD)
            .flat_map(|breach| breach.ids.iter().cloned());
        let mut wrong = [
            few(&mut self.missing.iter().cloned()),
            few(&mut self.doubled.iter().map(|(id, _)| id.clone())),
            few(&mut self.phantoms.iter().cloned()),
            disorder.collect(),
        ]
        .concat();
        let mut told = HashSet::new();
        wrong.retain(|id| told.insert(id.clone()));
        wrong
    }
}

/// Each thing that began once, by id, in the order of their first sightings. What was tried again began at the first try
/// that may have come to something, and no later than at the end of the first that did.
fn merged(sightings: &[Sighting]) -> Vec<(&str, Begun)> {
    let mut at: BTreeMap<&str, usize> = BTreeMap::new();
    let mut all: Vec<(&str, Begun)> = Vec::new();
    for sighting in sightings {
        let Some(id) = sighting.id.as_deref() else { continue };
        let Some((_, begun)) = at.get(id).map(|at| &mut all[*at]) else {
            at.insert(id, all.len());
            let begun = Begun {
                key: sighting.key.clone(),
                order: sighting.order,
                certain: sighting.certain,
            };
            all.push((id, begun));
            continue;
        };
        if begun.key.is_none() {
            begun.key.clone_from(&sighting.key);
        }
        if sighting.certain && !begun.certain {
            begun.order = spanned(begun.order, sighting.order);
            begun.certain = true;
        }
    }
    all
}

/// From the beginning of one to the end of another.
fn spanned(one: Order, other: Order) -> Order {
    match (one, other) {
        (
            Order::Between { from, .. },
            Order::Between {
                until, request, number, ..
            },
        ) => Order::Between {
            from,
            until,
            request,
            number,
        },
        (one, _) => one,
    }
}

fn nameless(sightings: &[Sighting], stage: &str) -> Vec<String> {
    let without = sightings.iter().filter(|sighting| sighting.id.is_none());
    without.map(|sighting| format!("{stage} {}", sighting.place)).collect()
}
