//! Counting what a table selects.

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use momus_engine::count::{Count, Standing};
use momus_engine::eventually::{Look, Verdict};
use momus_engine::failure::StepError;
use momus_engine::step::StepResult;
use momus_engine::timing::Timing;
use momus_engine::world::World;

use crate::selection::{Judgement, Selection, Subject};

/// How many things of a kind are expected.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a> {
    /// The things, in the plural, with their place: `records in topic orders.v1`.
    pub what: &'a str,
    /// How many of them are to be selected.
    pub count: Count,
    /// Whether nothing else may be there.
    pub only: bool,
    /// What can become of them.
    pub lasting: Lasting,
    /// Which of them.
    pub selection: &'a Selection,
}

/// What can become of things that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// They stay as they are, and more come: records, calls, responses. One too many is one too many for good.
    Grows,
    /// They come, go and change: rows, objects.
    Changes,
}

/// So many things of a kind are shown one by one.
const SHOWN: usize = 3;

impl Counted<'_> {
    /// Looks until the count is judged.
    ///
    /// # Errors
    /// The failed expectation, or the first error of `look`.
    pub async fn expect<T, F, L>(&self, world: &World, timing: Timing, look: F) -> StepResult
    where
        T: Subject,
        F: FnMut() -> L,
        L: Future<Output = Result<Vec<T>, StepError>>,
    {
        self.expect_one(world, timing, look).await.map(drop)
    }

    /// Looks until the count is judged: the first that was selected when it was.
    ///
    /// # Errors
    /// The failed expectation, or the first error of `look`.
    pub async fn expect_one<T, F, L>(&self, world: &World, timing: Timing, mut look: F) -> Result<Option<T>, StepError>
    where
        T: Subject,
        F: FnMut() -> L,
        L: Future<Output = Result<Vec<T>, StepError>>,
    {
        let first = Mutex::new(None);
        let look = || {
            let looking = look();
            async {
                let judged = self.judged(looking.await?);
                let told = self.judge(&judged);
                let selected = judged.into_iter().find(|(_, judgement)| judgement.selected());
                *first.lock().unwrap_or_else(PoisonError::into_inner) = selected.map(|(subject, _)| subject);
                Ok(told)
            }
        };
        world.expect(timing, &self.expected(), look).await?;
        Ok(first.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks until the count is judged, where `look` tells itself what is selected.
    ///
    /// # Errors
    /// The failed expectation, or the first error of `look`.
    pub async fn expect_judged<T, F, L>(&self, world: &World, timing: Timing, mut look: F) -> StepResult
    where
        T: Subject,
        F: FnMut() -> L,
        L: Future<Output = Result<Vec<(T, Judgement)>, StepError>>,
    {
        let look = || {
            let looking = look();
            async { Ok(self.judge(&looking.await?)) }
        };
        world.expect(timing, &self.expected(), look).await
    }

    /// What is expected, the count first and then a line for each row of the table.
    pub fn expected(&self) -> String {
        let Self { what, count, only, .. } = self;
        let only = if *only { ", and no other" } else { "" };
        let mut lines = vec![format!("{what}: {count}{only}")];
        lines.extend(self.selection.lines().into_iter().map(|line| format!("  {line}")));
        lines.join("\n")
    }

    fn judged<T: Subject>(&self, subjects: Vec<T>) -> Vec<(T, Judgement)> {
        let judged = subjects.into_iter().map(|subject| {
            let judgement = self.selection.judge(&subject);
            (subject, judgement)
        });
        judged.collect()
    }

    /// What one look at all that is there tells.
    fn judge<T: Subject>(&self, judged: &[(T, Judgement)]) -> Look {
        let (selected, others): (Vec<_>, Vec<_>) = judged.iter().partition(|(_, judgement)| judgement.selected());
        let found = selected.len() as u64;
        let disturbed = self.only && !others.is_empty();
        let standing = self.count.judge(found);
        let verdict = match (standing, self.lasting) {
            (Standing::TooMany, Lasting::Grows) => Verdict::Impossible,
            _ if disturbed && self.lasting == Lasting::Grows => Verdict::Impossible,
            (Standing::TooFew | Standing::TooMany, _) => Verdict::NotYet,
            _ if disturbed => Verdict::NotYet,
            (Standing::HeldSoFar, _) => Verdict::HeldSoFar,
            (Standing::Held, _) if self.only => Verdict::HeldSoFar,
            (Standing::Held, _) => Verdict::Held,
        };
        Look {
            verdict,
            seen: self.seen(&selected, &others, standing, disturbed),
            distance: self.distance(found, &others, disturbed),
        }
    }

    /// How many are missing or too many; among equals, how many rows of the table the nearest misses.
    fn distance<T>(&self, found: u64, others: &[&(T, Judgement)], disturbed: bool) -> u64 {
        const A_WHOLE_ONE: u64 = 1_000;
        let missing = self.count.least.saturating_sub(found);
        let beyond = self.count.most.map_or(0, |most| found.saturating_sub(most));
        let disturbing = if disturbed { others.len() as u64 } else { 0 };
        let nearest = others.iter().map(|(_, judgement)| judgement.misses.len() as u64).min();
        let rows = if missing > 0 {
            nearest.unwrap_or(A_WHOLE_ONE - 1).min(A_WHOLE_ONE - 1)
        } else {
            0
        };
        (missing + beyond + disturbing) * A_WHOLE_ONE + rows
    }

    fn seen<T: Subject>(
        &self,
        selected: &[&(T, Judgement)],
        others: &[&(T, Judgement)],
        standing: Standing,
        disturbed: bool,
    ) -> String {
        let what = self.what;
        let all = selected.len() + others.len();
        if all == 0 {
            return format!("{what}: none at all");
        }
        let mut lines = vec![match (self.selection.is_empty(), others.len()) {
            (true, 0) => format!("{what}: {all}"),
            (_, 0) => format!("{what}: {}, and no other", selected.len()),
            (_, _) => format!("{what}: {}, and {} other", selected.len(), others.len()),
        }];
        if standing == Standing::TooMany {
            lines.extend(some(selected.iter().map(|(subject, _)| subject.shown())));
        }
        if standing == Standing::TooFew && !disturbed {
            // The last of the nearest: what was expected last came last.
            let nearest = others.iter().rev().min_by_key(|(_, judgement)| judgement.misses.len());
            if let Some((subject, judgement)) = nearest {
                lines.push(format!("the nearest other: {}", subject.shown()));
                lines.extend(judgement.misses.iter().map(|miss| format!("  {miss}")));
            }
        }
        if disturbed {
            for (subject, judgement) in others.iter().take(SHOWN) {
                lines.push(format!("other: {}", subject.shown()));
                lines.extend(judgement.misses.iter().map(|miss| format!("  {miss}")));
            }
            if others.len() > SHOWN {
                lines.push(format!("… and {} more", others.len() - SHOWN));
            }
        }
        lines.join("\n")
    }
}

/// The first few of several things, and how many more there are.
fn some(things: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = things.len().saturating_sub(SHOWN);
    let mut lines: Vec<String> = things.take(SHOWN).map(|thing| format!("  {thing}")).collect();
    if more > 0 {
        lines.push(format!("  … and {more} more"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::selection::tests::{Thing, selection};

    fn look(count: &str, only: bool, lasting: Lasting, values: &[u64]) -> Look {
        let selection = selection(&[["$.n", "1"], ["$.kind", "order"]]);
        let things: Vec<Thing> = values
            .iter()
            .map(|n| Thing(json!({"n": n, "kind": if *n > 8 { "note" } else { "order" }})))
            .collect();
        let counted = Counted {
            what: "records in topic orders.v1",
            count: Count::parse(count).unwrap(),
            only,
            lasting,
            selection: &selection,
        };
        counted.judge(&counted.judged(things))
    }

    #[test]
    fn a_lower_bound_is_held_at_once_and_an_upper_one_so_far() {
        let verdict = |count, only, values: &[u64]| look(count, only, Lasting::Grows, values).verdict;
        assert_eq!(verdict("a", false, &[]), Verdict::NotYet);
        assert_eq!(verdict("a", false, &[2, 1]), Verdict::Held);
        assert_eq!(verdict("a", true, &[1]), Verdict::HeldSoFar);
        assert_eq!(verdict("exactly 1", false, &[2, 1]), Verdict::HeldSoFar);
        assert_eq!(verdict("no", false, &[2]), Verdict::HeldSoFar);
        assert_eq!(verdict("at most 1", false, &[]), Verdict::HeldSoFar);
    }

    #[test]
    fn one_too_many_is_for_good_only_where_nothing_goes_away() {
        for (count, only, values) in [("exactly 1", false, [1, 1]), ("no", false, [1, 2]), ("a", true, [1, 2])] {
            assert_eq!(look(count, only, Lasting::Grows, &values).verdict, Verdict::Impossible);
            assert_eq!(look(count, only, Lasting::Changes, &values).verdict, Verdict::NotYet);
        }
    }

    #[test]
    fn too_few_are_told_with_the_nearest_and_what_it_misses() {
        insta::assert_snapshot!(look("exactly 2", false, Lasting::Grows, &[9, 2, 1, 3, 9]).seen, @r#"
        records in topic orders.v1: 1, and 4 other
        the nearest other: {"n":3,"kind":"order"}
          $.n: expected 1, was 3
        "#);
        assert_eq!(
            look("a", false, Lasting::Grows, &[]).seen,
            "records in topic orders.v1: none at all"
        );
    }

    #[test]
    fn too_many_and_others_are_shown() {
        insta::assert_snapshot!(look("exactly 1", false, Lasting::Grows, &[1, 1, 1, 1, 1, 2]).seen, @r#"
        records in topic orders.v1: 5, and 1 other
          {"n":1,"kind":"order"}
          {"n":1,"kind":"order"}
          {"n":1,"kind":"order"}
          … and 2 more
        "#);
        insta::assert_snapshot!(look("exactly 1", true, Lasting::Grows, &[1, 2]).seen, @r#"
        records in topic orders.v1: 1, and 1 other
        other: {"n":2,"kind":"order"}
          $.n: expected 1, was 2
        "#);
    }

    #[test]
    fn what_comes_nearer_has_a_smaller_distance() {
        let distance = |values: &[u64]| look("exactly 2", false, Lasting::Grows, values).distance;
        assert_eq!(distance(&[1, 1, 9]), 0);
        assert!(distance(&[1, 2]) < distance(&[1, 9]));
        assert!(distance(&[1, 9]) < distance(&[1]));
        assert!(distance(&[1]) < distance(&[2, 2]));
    }
}
