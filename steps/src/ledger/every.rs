//! What becomes of every thing of a ledger.

use std::sync::{Mutex, PoisonError};

use momus_engine::count::Count;
use momus_engine::failure::Failure;
use momus_engine::mesh::{Mesh, Site, Stage};
use momus_engine::outcome::Outcome;
use momus_engine::parameter::Value;
use momus_engine::step;
use momus_engine::step::BlockShape;
use momus_engine::timing::{Timing, TimingKind};

use super::account::{Account, Balance};
use super::eye::Eye;
use super::way::ways;

step! {
    /// Holds a stage of a ledger against its first: every thing that began must be there `exactly once`, or
    /// `at least once`, and nothing may be there that never began (a phantom). The mesh file declares ledgers and their
    /// stages; the thing is called what one likes.
    ///
    /// A thing is known by its id. Where a ledger begins with a request, those of the test client count that were answered
    /// with 2xx, traffic included; a request without an answer, or with one of 5xx, may have come to something or to
    /// nothing. `, in order per key` demands besides that within each key the things stand in the order in which they
    /// began: requests that were sent one after another have one, those that overlap have none, and those of one request
    /// have that of its list. Of a thing that is there more than once the first counts.
    ///
    /// A ledger in which nothing began fails it, and so does an order of which there was nothing to see. What is missing,
    /// doubled, phantom or out of order is told by id, with its way through all the stages.
    ///
    /// ```gherkin
    /// When I send 50 POST "/orders" to shop
    ///   | $.customer | customer-1 |
    /// Then every order in ledger orders is eventually filed exactly once, in order per key
    /// And every order in ledger orders is charged at least once within 5 seconds
    /// ```
    "every {thing} in ledger {ledger} is {eventually}{stage} {times}{ordered}{within}", BlockShape::Nothing,
    check: check, timings: &[TimingKind::Now, TimingKind::Eventually, TimingKind::For];
    pub fn every(world, thing: String, ledger: String, timing: Timing, stage: String, times: Count, ordered: bool; _block) {
        let mesh = world.mesh.clone();
        let declared = mesh.as_ref().and_then(|mesh| mesh.ledgers.get(&ledger));
        let unknown = || Failure::unknown(format!("the mesh has no ledger {ledger} with a stage {stage}"));
        let declared = declared.ok_or_else(unknown)?;
        let ((first, begins), ends) = declared.first().zip(declared.stages.get(&stage)).ok_or_else(unknown)?;
        let account = Account {
            thing: &thing,
            ledger: &ledger,
            first,
            stage: &stage,
            times,
            ordered,
            for_good: for_good(begins, ends),
        };
        let (beginning, end) = (Eye::open(world, begins)?, Eye::open(world, ends)?);
        let last = Mutex::new(Balance::default());
        let look = || async {
            // What came is looked at first: whatever is there began before.
            let came = end.look(&world.timeline).await?;
            let balance = account.balance(&beginning.look(&world.timeline).await?, &came);
            let look = account.look(&balance);
            *last.lock().unwrap_or_else(PoisonError::into_inner) = balance;
            Ok(look)
        };
        let Err(mut failure) = world.expect(timing, &account.expected(), look).await else {
            return Ok(());
        };
        if failure.outcome == Outcome::Failed && let Some(seen) = &mut failure.seen {
            let wrong = last.into_inner().unwrap_or_else(PoisonError::into_inner).wrong();
            for way in ways(world, declared, &wrong).await {
                seen.push_str(&format!("\n{way}"));
            }
        }
        Err(failure)
    }
}

/// Whether what is wrong at the end of this way stays wrong.
fn for_good(begins: &Stage, ends: &Stage) -> bool {
    let grows = match ends.site {
        Site::Topic(_) | Site::Partner(_) => true,
        Site::Request { .. } | Site::Bucket { .. } | Site::Table { .. } => false,
    };
    grows && matches!(begins.site, Site::Request { .. })
}

fn check(mesh: &Mesh, values: &[Value]) -> Result<(), String> {
    let [
        Value::Word(_),
        Value::Name { name, .. },
        _,
        Value::Word(stage),
        _,
        Value::Ordered(ordered),
    ] = values
    else {
        return Ok(());
    };
    let Some(ledger) = mesh.ledgers.get(name) else {
        return Ok(());
    };
    let Some((first, begins)) = ledger.first() else {
        return Ok(());
    };
    let names = || ledger.stages.keys().skip(1).cloned().collect::<Vec<_>>().join(", ");
    let Some(ends) = ledger.stages.get(stage) else {
        let hint = match ledger.suggest(stage) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("what is {first} comes to {}", names()),
        };
        return Err(format!("ledger {name} has no stage `{stage}`; hint: {hint}"));
    };
    if stage == first {
        return Err(format!(
            "`{first}` is where the things of ledger {name} begin; hint: they come to {}",
            names()
        ));
    }
    if *ordered {
        orderable(begins, ends, (first, stage))
    } else {
        Ok(())
    }
}

/// Whether things can be in order per key from one stage to another.
fn orderable(begins: &Stage, ends: &Stage, names: (&str, &str)) -> Result<(), String> {
    for (stage, name) in [(begins, names.0), (ends, names.1)] {
        if matches!(&stage.site, Site::Table { order: None, .. }) {
            return Err(format!(
                "the rows of stage `{name}` have no order; hint: `order: COLUMN` of the stage in the mesh file tells it"
            ));
        }
    }
    let has_key = |stage: &Stage| stage.key.is_some() || matches!(stage.site, Site::Topic(_));
    if has_key(begins) || has_key(ends) {
        return Ok(());
    }
    Err(format!(
        "neither stage `{}` nor stage `{}` tells a key; hint: `key: …` of the stage in the mesh file tells where it stands",
        names.0, names.1
    ))
}
