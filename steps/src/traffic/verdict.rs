//! What the requests of a traffic say of an expectation.

use momus_engine::eventually::{Look, Verdict};
use momus_engine::failure::{Failure, StepError, in_words};
use momus_engine::step::StepResult;
use momus_engine::timing::Timing;
use momus_engine::world::World;

use super::around::around;
use super::flow::Ended;
use super::log::{Record, Sent};

/// So many requests are told one by one.
const TOLD: usize = 5;
/// One request in so many may be late or withheld: then the rate was kept.
const ONE_IN: usize = 20;

/// What is expected of the requests of a traffic.
pub(super) struct Expected<'a> {
    /// In words.
    pub told: String,
    /// The rows of the table below it.
    pub rows: Vec<String>,
    /// How many in a hundred may be wrong.
    pub most: f64,
    /// What those are that are wrong: `failed`.
    pub wrong: &'a str,
    /// Whether it is about time: what is sent late is then measured wrong.
    pub timed: bool,
}

/// What is wrong with a request.
pub(super) struct Wrong {
    /// In a word or two, to be counted.
    pub kind: String,
    /// What it misses of a table.
    pub misses: Vec<String>,
}

impl Wrong {
    /// Of a kind that says it all.
    pub fn of(kind: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            misses: Vec::new(),
        }
    }
}

impl Expected<'_> {
    /// Judges a traffic that has ended; `wrong` tells what is wrong with a request.
    ///
    /// # Errors
    /// The failed expectation. Unknown, when the rate was not kept, and so it cannot be told.
    pub async fn judge(&self, world: &World, traffic: &Ended, wrong: impl Fn(&Sent) -> Option<Wrong>) -> StepResult {
        let record = &traffic.record;
        let number = record.sent.len();
        let wrong: Vec<(usize, &Sent, Wrong)> = record
            .sent
            .iter()
            .enumerate()
            .filter_map(|(at, sent)| Some((at + 1, sent, wrong(sent)?)))
            .collect();
        let share = 100.0 * wrong.len() as f64 / number.max(1) as f64;
        let held = number > 0 && share <= self.most;
        // Fewer requests than were said show too little; one that the test client sent late, it may have measured late.
        let spoilt = match held {
            true => record.withheld,
            false if self.timed => record.late,
            false => 0,
        };
        if spoilt * ONE_IN > record.due() {
            return Err(not_kept(traffic));
        }
        let mut seen = vec![self.summary(traffic, &wrong)];
        if !held {
            for (number, sent, wrong) in wrong.iter().take(TOLD) {
                seen.push(format!("  {}", sent.told(*number)));
                seen.extend(wrong.misses.iter().map(|miss| format!("    {miss}")));
            }
            if wrong.len() > TOLD {
                seen.push(format!("  … and {} more", wrong.len() - TOLD));
            }
            let sent: Vec<&Sent> = wrong.iter().map(|(_, sent, _)| *sent).collect();
            seen.extend(around(&world.timeline, &sent));
        }
        let look = || async {
            Ok(Look {
                verdict: if held { Verdict::Held } else { Verdict::NotYet },
                seen: seen.join("\n"),
                distance: wrong.len() as u64,
            })
        };
        let rows = self.rows.iter().map(|row| format!("\n  {row}")).collect::<String>();
        let expected = format!("{} ({}){rows}", self.told, traffic.what);
        world.expect(Timing::Now, &expected, look).await
    }

    fn summary(&self, traffic: &Ended, wrong: &[(usize, &Sent, Wrong)]) -> String {
        let Ended { name, record, .. } = traffic;
        let number = record.sent.len();
        let lasted = in_words(record.lasted());
        let slowest = record.sent.iter().map(|sent| sent.took).max().unwrap_or_default();
        let slowest = in_words(slowest);
        let requests = if number == 1 { "request" } else { "requests" };
        let all = format!("{name}: {number} {requests} in {lasted}, the slowest took {slowest}");
        if wrong.is_empty() {
            return format!("{all}; none {}", self.wrong);
        }
        let mut kinds: Vec<(&str, usize)> = Vec::new();
        for Wrong { kind, .. } in wrong.iter().map(|(_, _, wrong)| wrong) {
            match kinds.iter_mut().find(|(known, _)| known == kind) {
                Some((_, count)) => *count += 1,
                None => kinds.push((kind, 1)),
            }
        }
        let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{kind} ×{count}")).collect();
        let share = 100.0 * wrong.len() as f64 / number.max(1) as f64;
        format!(
            "{all}; {} ({share:.1} %) {}: {}",
            wrong.len(),
            self.wrong,
            kinds.join(", ")
        )
    }
}

fn not_kept(traffic: &Ended) -> StepError {
    let Record { late, withheld, .. } = &traffic.record;
    let due = traffic.record.due();
    let mut why = Vec::new();
    if *late > 0 {
        why.push(format!("{late} were sent late"));
    }
    if *withheld > 0 {
        why.push(format!("{withheld} were not sent, so many others having no answer"));
    }
    let message = format!(
        "the traffic {} could not keep its rate: of {due} requests that were due {}",
        traffic.name,
        why.join(", and ")
    );
    Failure::unknown(message).hint("give the machine less to do at a time, or send fewer per second")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::log::Came;
    use super::*;
    use crate::testing::{Scenario, told};

    /// A traffic of which so many had no answer, were late and were withheld.
    fn ended(sent: usize, failed: usize, (late, withheld): (usize, usize)) -> Ended {
        let unanswered = Sent {
            line: "GET /orders".into(),
            at: Duration::from_secs(1),
            took: Duration::from_millis(30),
            came: Some(Came::NoAnswer("the connection was reset".into())),
        };
        Ended {
            name: "reads".into(),
            what: "20 GET /orders per second to shop".into(),
            record: Record {
                sent: vec![unanswered; sent.max(failed)],
                late,
                withheld,
                broken: None,
            },
        }
    }

    async fn judged(traffic: &Ended, failed: usize, timed: bool) -> StepResult {
        let expected = Expected {
            told: "no request of reads fails".into(),
            most: 0.0,
            wrong: "failed",
            rows: Vec::new(),
            timed,
        };
        let left = std::cell::Cell::new(failed);
        let wrong = |_: &Sent| (left.replace(left.get().saturating_sub(1)) > 0).then(|| Wrong::of("no answer"));
        expected.judge(&Scenario::begin().world, traffic, wrong).await
    }

    #[tokio::test]
    async fn a_rate_that_was_not_kept_tells_nothing_but_failures() {
        judged(&ended(95, 0, (9, 4)), 0, true)
            .await
            .expect("one in twenty may be withheld");
        let unknown = [
            told(judged(&ended(94, 0, (4, 6)), 0, false).await),
            told(judged(&ended(94, 1, (6, 0)), 1, true).await),
        ];
        insta::assert_snapshot!(unknown.join("\n\n"), @r"
        Unknown: the traffic reads could not keep its rate: of 100 requests that were due 4 were sent late, and 6 were not sent, so many others having no answer
        hint: give the machine less to do at a time, or send fewer per second

        Unknown: the traffic reads could not keep its rate: of 94 requests that were due 6 were sent late
        hint: give the machine less to do at a time, or send fewer per second
        ");
        for (late_and_withheld, timed) in [((6, 6), false), ((0, 6), true)] {
            let failed = told(judged(&ended(94, 1, late_and_withheld), 1, timed).await);
            assert!(failed.starts_with("Failed: it does not hold"), "{failed}");
        }
    }

    #[tokio::test]
    async fn of_no_request_at_all_nothing_holds() {
        insta::assert_snapshot!(told(judged(&ended(0, 0, (0, 0)), 0, false).await), @r"
        Failed: it does not hold
        expected:
          no request of reads fails (20 GET /orders per second to shop)
        seen:
          reads: 0 requests in 0 ms, the slowest took 0 ms; none failed
        ");
    }
}
