//! Phrases: what goes into them, what comes out, and what is told of their steps.

use momus_engine::event::Happening;
use momus_engine::failure::Failure;
use momus_engine::outcome::Outcome;
use momus_engine::step;
use momus_engine::step::{BlockShape, StepDefinition};
use momus_engine::values::Kept;

use super::testbed::{Ran, ran};

/// What the last step that said something said.
struct Said(String);

pub(super) fn definitions() -> Vec<StepDefinition> {
    vec![says(), last(), is()]
}

step! {
    /// Says something, and keeps it.
    "I say {text}{as}", BlockShape::Nothing;
    pub fn says(world, text: String, name: Option<String>; _block) {
        let text = world.text(&text)?;
        if let Some(name) = name {
            world.values.keep(name, Kept { json: text.clone().into(), ..Kept::default() });
        }
        world.scopes.insert(Said(text));
        Ok(())
    }
}
step! {
    /// Judges what was said last.
    "the last word is {text}", BlockShape::Nothing;
    pub fn last(world, expected: String; _block) {
        match world.scopes.get::<Said>() {
            Some(said) if said.0 == expected => Ok(()),
            Some(said) => Err(Failure::failed(format!("the last word is {}", said.0))),
            None if world.scopes.ended_with::<Said>() => Err(Failure::failed("a phrase has the last word")),
            None => Err(Failure::failed("nothing was said")),
        }
    }
}
step! {
    /// Judges a text.
    "{text} reads {text}", BlockShape::Nothing;
    pub fn is(world, text: String, expected: String; _block) {
        match world.text(&text)? {
            text if text == expected => Ok(()),
            text => Err(Failure::failed(format!("it reads {text}"))),
        }
    }
}

const GREETING: &str = "@phrase\nScenario: <who> greets <whom>\n* \"${<whom>}\" reads \"Bob\"\n* I say \"hello ${<whom>}\" as <who>\n* the last word is \"hello Bob\"\n";

fn failures(ran: &Ran) -> Vec<String> {
    let told = ran.events.iter().filter_map(|event| match &event.happening {
        Happening::StepFinished {
            step, outcome, failure, ..
        } if *outcome != Outcome::Passed => {
            let why = failure.as_ref().map_or("", |failure| failure.message.as_str());
            Some(format!("{step} {}: {why}", outcome.word()))
        }
        _ => None,
    });
    told.collect()
}

#[tokio::test]
async fn a_phrase_reads_its_callers_values_and_hands_out_what_it_names() {
    let scenario = "Scenario: s\n* I say \"Bob\" as bob\n* ada greets bob\n* \"${ada}\" reads \"hello Bob\"\n";
    let ran = ran(&format!("{scenario}{GREETING}")).await;
    assert_eq!((ran.ends(), failures(&ran)), (vec!["s passed".to_owned()], Vec::new()));
    assert_eq!(ran.summary.steps, 5);
}

#[tokio::test]
async fn what_a_phrase_does_not_name_it_keeps_to_itself() {
    let quiet =
        "@phrase\nScenario: ada mumbles\n* the last word is \"loud\"\n* I say \"psst\"\n* the last word is \"psst\"\n";
    let ran = ran(&format!("Scenario: s\n* I say \"loud\"\n* ada mumbles\n* the last word is \"loud\"\nScenario: t\n* I say \"loud\"\n* ada mumbles\n* the last word is \"psst\"\n{quiet}")).await;
    assert_eq!(ran.ends(), ["s passed", "t failed: the last word is loud"]);
}

#[tokio::test]
async fn what_a_phrase_that_is_over_said_last_is_no_ones_word() {
    let quiet = "@phrase\nScenario: ada mumbles\n* I say \"psst\"\n";
    let ran = ran(&format!(
        "Scenario: s\n* ada mumbles\n* the last word is \"psst\"\nScenario: t\n* the last word is \"psst\"\n{quiet}"
    ))
    .await;
    assert_eq!(
        ran.ends(),
        ["s failed: a phrase has the last word", "t failed: nothing was said"]
    );
}

#[tokio::test]
async fn its_steps_are_told_under_the_call_and_expectations_in_it_are_soft_where_the_call_is_one() {
    let phrase = "@phrase\nScenario: all goes <how>\n* it fails\nAnd \"a\" reads \"<how>\"\nWhen I say \"it\"\n* \"a\" reads \"a\"\n";
    let ran = ran(&format!(
        "Scenario: s\nGiven nothing happens\nThen all goes well\nThen nothing happens\n{phrase}"
    ))
    .await;
    assert_eq!(
        failures(&ran),
        [
            "1 failed: it failed",
            "2 failed: it reads a",
            "3 skipped: ",
            "4 skipped: ",
            "5 skipped: "
        ]
    );
    let told: Vec<String> = ran
        .events
        .iter()
        .filter_map(|event| match &event.happening {
            Happening::StepStarted { step, place } => {
                let calls: Vec<String> = place
                    .within
                    .iter()
                    .map(|call| format!("{}:{} {}", call.file, call.line, call.text))
                    .collect();
                let (file, line, text) = (&place.file, place.line, &place.text);
                Some(format!("{step} {file:?} {line} {text} {calls:?}"))
            }
            _ => None,
        })
        .collect();
    assert_eq!(told[0], "0 None 3 Given nothing happens []");
    assert_eq!(
        told[2],
        "2 Some(\"a.feature\") 9 And \"a\" reads \"well\" [\"a.feature:4 Then all goes well\"]"
    );
    assert_eq!(told[5], "5 None 5 Then nothing happens []");
}
