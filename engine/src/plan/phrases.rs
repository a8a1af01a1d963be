//! Plans with phrases in them.

use std::path::Path;
use std::sync::Arc;

use momus_gherkin::StepType;

use super::{Feature, Plan, PlanError, Planner, Selection, Unplanned};
use crate::mesh::Mesh;
use crate::phrase::Phrase;
use crate::step;
use crate::step::{Block, BlockError, BlockShape};
use crate::vocabulary::Vocabulary;

fn check(block: &Block) -> Result<(), BlockError> {
    match block.rows().iter().position(|row| row[0] == "colour") {
        Some(row) => Err(BlockError::cell(row, 0, "there is no place `colour`")),
        None => Ok(()),
    }
}

step! {
    /// Sends something.
    "I send {text} to {service}{as}", BlockShape::Optional(check);
    pub fn send(_world, _what: String, _service: String, _name: Option<String>; _block) { Ok(()) }
}
step! {
    /// Expects something.
    "it has", BlockShape::Required(check);
    pub fn has(_world; _block) { Ok(()) }
}
step! {
    /// Kills a service.
    "{service} is killed", BlockShape::Nothing;
    pub fn killed(_world, _service: String; _block) { Ok(()) }
}

fn read(vocabulary: Vocabulary, files: &[(&str, &str)]) -> (Vocabulary, Vec<Feature>) {
    let mut phrases = Vec::new();
    let mut features = Vec::new();
    for (file, text) in files {
        let source = format!("Feature: f\n{text}");
        let document = momus_gherkin::parse(&source).expect("it is well formed");
        phrases.extend(Phrase::all(&document, file));
        features.push(Feature {
            file: (*file).into(),
            name: "f".into(),
            pickles: momus_gherkin::pickles(&document, file),
            lines: Vec::new(),
        });
    }
    (vocabulary.with_phrases(phrases), features)
}

fn planned<T>(files: &[(&str, &str)], judge: impl Fn(&Planner<'_>, &[Feature], Result<Plan, Unplanned>) -> T) -> T {
    let mesh = "mesh: m\nservices:\n  shop: {command: [shop]}\n";
    let mesh = Mesh::parse(mesh, Path::new("/m/mesh.yaml")).expect("it is well formed");
    let vocabulary = Vocabulary::new(vec![send(), has(), killed()]).expect("they are well formed");
    let (vocabulary, features) = read(vocabulary, files);
    let planner = Planner {
        vocabulary: &vocabulary,
        mesh: Some(Arc::new(mesh)),
        variables: Arc::default(),
    };
    let plan = planner.plan(features.clone(), &Selection::default());
    judge(&planner, &features, plan)
}

/// The steps of the one scenario, each with where it stands, under which calls, and what it is given.
fn steps(files: &[(&str, &str)]) -> Vec<String> {
    planned(files, |_, _, plan| {
        let plan = plan.unwrap_or_else(|unplanned| panic!("{unplanned:?}"));
        assert_eq!(plan.scenarios.len(), 1);
        let told = |step: &super::PlannedStep| {
            let place = &step.place;
            let calls = place
                .within
                .iter()
                .map(|call| format!("{}:{} > ", call.file, call.line));
            let file = place.file.as_deref().unwrap_or("=");
            let kind = match step.kind {
                StepType::Context => "given",
                StepType::Action => "when",
                StepType::Outcome => "then",
                StepType::Unknown => "any",
            };
            let block = match step.input().block {
                Block::Nothing => String::new(),
                Block::Table(rows) => rows.iter().map(|row| format!(" |{}|", row.join("|"))).collect(),
                Block::Text { content, media_type } => format!(" {}{content:?}", media_type.unwrap_or_default()),
            };
            let calls: String = calls.collect();
            format!("{calls}{file}:{} [{kind}] {}{block}", place.line, place.text)
        };
        plan.scenarios[0].steps.iter().map(told).collect()
    })
}

/// Every error, each as `FILE:LINE:COLUMN MESSAGE; HINT` and the other lines that it is about.
fn errors(files: &[(&str, &str)]) -> Vec<String> {
    planned(files, |_, _, plan| {
        let told = |error: &PlanError| {
            let hints = error.hints().into_iter().map(|hint| format!("; {hint}"));
            let also = error
                .also
                .iter()
                .map(|place| format!(" <{} {}:{}>", place.what, place.file, place.location.line));
            format!("{error}{}{}", hints.collect::<String>(), also.collect::<String>())
        };
        let unplanned = plan.err().expect("there are errors");
        unplanned.of_phrases.iter().chain(&unplanned.errors).map(told).collect()
    })
}

const SEND: &str = "@phrase\nScenario: <who> sends <what>\nWhen I send \"/<what>\" to shop as <who>\n";

#[test]
fn a_call_stands_for_the_steps_of_the_phrase() {
    let given = "Scenario: s\nGiven ada sends orders\nThen it has\n| key | ${ada.id} |\n";
    assert_eq!(
        steps(&[("a", given), ("p", SEND)]),
        [
            "a:3 > p:4 [when] When I send \"/orders\" to shop as ada",
            "=:4 [then] Then it has |key|${ada.id}|",
        ]
    );
}

#[test]
fn phrases_call_phrases_and_placeholders_compose_names() {
    let outer = "@phrase\nScenario: <who> orders <what> twice\nGiven <who> sends <what>\n* \"<who>2\" sends \"<what>\"\nThen it has\n| <who>.id | <what> |\n";
    let scenario = "Background:\nGiven shop is killed\nScenario: s\nWhen ada orders \"a b\" twice\n";
    let one = steps(&[
        ("a", scenario),
        ("p", outer),
        ("q", &SEND.replace(" as <who>", "\n| <who> | 1 |")),
    ]);
    assert_eq!(
        one,
        [
            "=:3 [given] Given shop is killed",
            "a:5 > p:4 > q:4 [when] When I send \"/a b\" to shop |ada|1|",
            "a:5 > p:5 > q:4 [when] When I send \"/a b\" to shop |ada2|1|",
            "a:5 > p:6 [then] Then it has |ada.id|a b|",
        ]
    );
}

#[test]
fn a_phrase_is_no_scenario_runs_without_its_background_and_knows_names_of_its_caller() {
    let file = "Background:\nGiven shop is killed\n@phrase\nScenario: it gets <what>\nThen it has\n| $.id | ${<what>.id} |\nScenario: s\nWhen I send \"x\" to shop as order\nThen it gets order\n";
    assert_eq!(
        steps(&[("a", file)]),
        [
            "=:3 [given] Given shop is killed",
            "=:9 [when] When I send \"x\" to shop as order",
            "a:10 > a:6 [then] Then it has |$.id|${order.id}|",
        ]
    );
}

#[test]
fn the_callers_table_and_doc_string_are_passed_on() {
    let table = "@phrase\nScenario: an order\nWhen I send \"x\" to shop\n| <table> |\nThen it has\n| $.b | 2 |\n| <table> | |\n";
    let given = "Scenario: s\nGiven an order\n| $.a | 1 |\n| $.c | 3 |\n";
    assert_eq!(
        steps(&[("a", given), ("p", table)]),
        [
            "a:3 > p:4 [when] When I send \"x\" to shop |$.a|1| |$.c|3|",
            "a:3 > p:6 [then] Then it has |$.b|2| |$.a|1| |$.c|3|",
        ]
    );
    assert_eq!(
        steps(&[("a", "Scenario: s\nGiven an order\n"), ("p", table)]),
        [
            "a:3 > p:4 [when] When I send \"x\" to shop",
            "a:3 > p:6 [then] Then it has |$.b|2|"
        ]
    );
    let text = "@phrase\nScenario: an order\nWhen I send \"<text>\" to shop\n\"\"\"\n<text>\n\"\"\"\nThen it has\n\"\"\"xml\n<a><b>1</b><text></a>\n\"\"\"\n";
    let given = "Scenario: s\nGiven an order\n\"\"\"json\nsay \"it\"\n\"\"\"\n";
    assert_eq!(
        steps(&[("a", given), ("p", text)]),
        [
            "a:3 > p:4 [when] When I send \"say \\\"it\\\"\" to shop json\"say \\\"it\\\"\"",
            "a:3 > p:8 [then] Then it has xml\"<a><b>1</b>say \\\"it\\\"</a>\"",
        ]
    );
}

#[test]
fn what_cannot_be_passed_on_is_told_on_both_lines() {
    let none = "Scenario: s\nGiven ada sends x\n| a | b |\nAnd bob sends y\n\"\"\"\nc\n\"\"\"\n";
    assert_eq!(
        errors(&[("a", none), ("p", SEND)]),
        [
            "a:3:1: the phrase that this step calls takes no table; where it has `<table>`, it passes one on",
            "a:5:1: the phrase that this step calls takes no doc string; where it has `<text>`, it passes one on",
        ]
    );
    let both = "@phrase\nScenario: an order\nThen it has\n| $.b | 2 |\n| <table> | |\nAnd it has\n| $.a | <text>! |\n";
    let wide = "Scenario: s\nGiven an order\n| a | b | c |\n";
    assert_eq!(
        errors(&[("a", wide), ("p", both)]),
        [
            "p:6:1: the rows that are passed on here and the phrase's own differ in width: 2 and 3 cells <called here a:3>",
            "p:8:9: `<text>` stands for the doc string below the step that calls the phrase, and it has none <called here a:3>",
        ]
    );
}

#[test]
fn an_error_in_a_phrases_step_is_told_on_its_line_and_on_those_that_call_it() {
    let phrase = "@phrase\nScenario: <who> sells <what>\nGiven olives of <who>\nWhen I send \"x\" to <who>\n| $.a | ${<what>} |\n";
    let outer = "@phrase\nScenario: a sale\nGiven shop sells <table>x\n".replace("<table>", "");
    let given = "Scenario: s\nGiven a sale\nScenario: t\nGiven a sale\nAnd shpo sells it\n";
    assert_eq!(
        errors(&[("a", given), ("o", &outer), ("p", phrase)]),
        [
            "p:4:1: no step definition matches this step; `momus steps` lists what can be said; the same is wrong under the call at a:5 <called here o:4> <called here a:3>",
            "p:4:1: no step definition matches this step; `momus steps` lists what can be said <called here a:6>",
            "p:5:1: the mesh has no service `shpo`; did you mean `shop`? <called here a:6>",
            "p:6:9: nothing gives `${it}` a value; keep it with `as it` in a step before, pass `--variable it=…`, or write `${it:-default}` <called here a:6>",
            "p:6:9: nothing gives `${x}` a value; keep it with `as x` in a step before, pass `--variable x=…`, or write `${x:-default}`; the same is wrong under the call at a:5 <called here o:4> <called here a:3>",
        ]
    );
}

#[test]
fn what_is_wrong_in_the_callers_table_is_told_there() {
    let phrase = "@phrase\nScenario: an order\nWhen I send \"x\" to shop\n| <table> |\n";
    let given = "Scenario: s\nGiven an order\n| $.a    | 1       |\n| colour | ${cart} |\n";
    let errors = errors(&[("a", given), ("p", phrase)]);
    assert_eq!(
        errors[0],
        "a:5:3: there is no place `colour` <passed on here p:4> <called here a:3>"
    );
    assert!(
        errors[1].starts_with("a:5:12: nothing gives `${cart}` a value"),
        "{errors:?}"
    );
    assert!(
        errors[1].ends_with(" <passed on here p:4> <called here a:3>"),
        "{errors:?}"
    );
}

#[test]
fn a_call_that_is_misspelt_is_told_with_the_phrase() {
    assert_eq!(
        errors(&[("a", "Scenario: s\nGiven ada sens orders\n"), ("p", SEND)]),
        ["a:3:1: no step definition matches this step; the nearest are;   <who> sends <what>"]
    );
}

#[test]
fn phrases_that_overlap_are_told_also_when_nothing_calls_them() {
    let one = "Scenario: s\nGiven shop is killed\n@phrase\nScenario: a user <name>\nGiven <name> is killed\n";
    let two = "@phrase\nScenario: a <kind> ada\nGiven <kind> is killed\n@phrase\nScenario: <what> is <how>\nGiven ${<what>} <how>\n";
    assert_eq!(
        errors(&[("p", one), ("q", two)]),
        [
            "q:3:1: this phrase and another are both meant by `a user ada`; say one of them in other words <the other one p:5>",
            "q:6:1: this phrase and a sentence of the vocabulary are both meant by `a is killed`; say it in other words than `{service} is killed`",
            "q:6:1: this phrase and another are both meant by `a is ada`; say one of them in other words <the other one q:3>",
            "p:3:1: 2 step definitions match this step; say it so that only one of these matches;   {service} is killed  (engine/src/plan/phrases.rs:32);   <what> is <how>  (q:6)",
        ]
    );
}

#[test]
fn recursion_is_told_where_it_closes_and_where_it_begins() {
    let itself = "Scenario: s\nGiven a loop\n@phrase\nScenario: a loop\nGiven shop is killed\nAnd a loop\n";
    assert_eq!(
        errors(&[("p", itself)]),
        ["p:7:1: the phrase `a loop` calls itself by this step, and would never end <the phrase that it calls p:5>"]
    );
    let by_way = "@phrase\nScenario: one <x>\nGiven two <x>\n@phrase\nScenario: two <x>\nGiven three <x>\n@phrase\nScenario: three <x>\nGiven one <x>\n";
    assert_eq!(
        errors(&[("p", by_way)]),
        [
            "p:10:1: the phrase `one <x>` calls itself by this step, and would never end <the phrase that it calls p:3> <which calls on here p:4> <which calls on here p:7>"
        ]
    );
    // Only what the call gives makes this one call itself.
    let given = "Scenario: s\nGiven I say loop\n@phrase\nScenario: I say <what>\nGiven I <what>\n@phrase\nScenario: I loop\nGiven I say loop\n";
    assert_eq!(
        errors(&[("p", given)]),
        [
            "p:9:1: the phrase `I say <what>` calls itself by this step, and would never end <called here p:6> <called here p:3>"
        ]
    );
}

#[test]
fn what_is_wrong_with_a_phrase_by_itself_is_told_once() {
    let given =
        "Scenario: s\nGiven a user ada\nAnd a user bob\n@phrase\nScenario: a user <name>\nGiven shop is killed\n";
    assert_eq!(errors(&[("p", given)]), ["p:6:1: no step of this phrase uses `<name>`"]);
}

#[test]
fn what_a_star_or_a_conjunction_is_at_a_phrases_beginning_the_call_decides() {
    let phrase = "@phrase\nScenario: all is well\nAnd it has\n| a | b |\n* it has\n| c | d |\nWhen I send \"x\" to shop\nAnd shop is killed\n* it has\n| e | f |\n";
    let given = "Scenario: s\nThen all is well\n";
    let kinds: Vec<String> = steps(&[("a", given), ("p", phrase)])
        .iter()
        .filter_map(|step| step.split(['[', ']']).nth(1).map(str::to_owned))
        .collect();
    assert_eq!(kinds, ["then", "then", "when", "when", "then"]);
}

#[test]
fn phrases_that_nobody_calls_are_known() {
    let two = format!(
        "{SEND}@phrase\nScenario: a sale\nGiven ada sends it\n@phrase\nScenario: never <x>\nGiven <x> sends it\n"
    );
    let unused = planned(
        &[("a", "Scenario: s\nGiven a sale\n"), ("p", &two)],
        |planner, features, _| {
            let unused = planner.unused(features);
            unused
                .iter()
                .map(|phrase| phrase.sentence.name().to_owned())
                .collect::<Vec<_>>()
        },
    );
    assert_eq!(unused, ["never <x>"]);
}
