//! The reference of the vocabulary, written out of the definitions themselves.

use std::path::Path;

use momus_engine::phrase::Phrase;
use momus_engine::step::StepDefinition;
use momus_steps::selection::MARKERS;
use serde_json::json;

/// What a noun's sentences stand under, by the folder that they are written in.
const TITLES: &[(&str, &str)] = &[
    ("http", "Requests and responses"),
    ("events", "Topics"),
    ("database", "Tables"),
    ("storage", "Buckets"),
    ("partners", "Partners"),
    ("logs", "Logs"),
    ("metrics", "Metrics"),
    ("ledger", "Ledgers"),
    ("services", "Services"),
    ("traffic", "Traffic"),
    ("faults", "Faults"),
];

/// What stands for each parameter in a sentence.
const PARAMETERS: &[(&str, &str)] = &[
    (
        "service",
        "the bare name of a service in the mesh, or of a role, which the service that fills it stands for",
    ),
    ("topic", "the bare name of a topic"),
    ("datastore", "the bare name of a datastore"),
    ("bucket", "the bare name of a bucket"),
    ("partner", "the bare name of a partner"),
    ("dependency", "the bare name of anything that a service can depend on"),
    ("ledger", "the bare name of a ledger"),
    ("stage", "the bare name of a stage of that ledger, but its first"),
    ("thing", "what the ledger's things are called: any word"),
    ("table", "the bare name of a table, `schema.table` where it needs one"),
    ("method", "`GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE` or `OPTIONS`"),
    (
        "text",
        "a text in double quotes; `\\\"`, `\\\\`, `\\n` and `\\t` are escapes, `${…}` is filled in",
    ),
    (
        "file",
        "the name of a file in double quotes, relative to the feature or phrase in which the step is written",
    ),
    (
        "count",
        "`a`, `no`, `once`, `exactly 1`, `at least 2`, `at most 3`, `2 to 4`",
    ),
    ("metric", "the bare name of a metric"),
    (
        "quantity",
        "`exactly 1`, `at least 2.5`, `at most 3`, `2 to 4`: a measure, which may have fractions",
    ),
    ("times", "`exactly once` or `at least once`"),
    ("number", "a whole number"),
    ("ordinal", "`1st`, `2nd`, `3rd`, `4th`, …"),
    ("status", "an HTTP status, `100` to `599`"),
    ("duration", "a number and its unit: `200 ms`, `5 seconds`, `2 minutes`"),
    ("eventually", "`eventually`, or nothing: then it must hold now"),
    (
        "within",
        "`within 5 seconds` at the end, or nothing: then `--deadline` counts",
    ),
    ("only", "`, and no other`, or nothing: then others may be there"),
    ("ordered", "`, in order per key`, or nothing: then in whatever order"),
    (
        "if_reached",
        "`if it is reached`, or nothing: then a fault that strikes too seldom fails the scenario",
    ),
    ("percent", "a share: `1 %`, `0.5 %`"),
    (
        "tolerance",
        "`, give or take 20 %`, or nothing: then the sentence says how much is given",
    ),
    ("new_traffic", "the name that the steps behind it call the traffic"),
    ("traffic", "the name of a traffic that a step before began"),
    (
        "redirects",
        "`, and follow no redirect`, or nothing: then those that answer GET and HEAD are followed",
    ),
    (
        "as",
        "`as NAME`, or nothing: what was produced can be read later, as `${NAME.member}`",
    ),
    ("fault", "the name of a fault, as its own entry tells it"),
];

/// A sentence, as the reference tells it.
pub struct Entry<'v> {
    /// What a step says.
    pub sentence: &'v str,
    /// What it stands under.
    pub noun: &'static str,
    /// All that is said of it.
    pub documentation: String,
    /// Where it is written, of a phrase.
    place: Option<String>,
}

impl<'v> Entry<'v> {
    /// A sentence of the vocabulary.
    pub fn of_definition(definition: &'v StepDefinition) -> Self {
        Self {
            sentence: definition.expression,
            noun: title(definition),
            documentation: documentation(definition),
            place: None,
        }
    }

    /// A phrase: what its file says of it, and its steps.
    pub fn of_phrase(phrase: &'v Phrase) -> Self {
        let description = phrase.description.lines().map(str::trim).collect::<Vec<_>>().join("\n");
        let mut parts = vec![format!("A phrase, in {}:{}.", phrase.file, phrase.location.line)];
        parts.extend(Some(description.trim().to_owned()).filter(|text| !text.is_empty()));
        let steps = phrase
            .steps
            .iter()
            .map(|inner| format!("{}{}\n", inner.step.keyword, inner.step.text));
        parts.push(format!("```gherkin\n{}```", steps.collect::<String>()));
        Self {
            sentence: phrase.sentence.name(),
            noun: PHRASES,
            documentation: parts.join("\n\n"),
            place: Some(format!("{}:{}", phrase.file, phrase.location.line)),
        }
    }
}

/// What phrases stand under.
const PHRASES: &str = "Phrases";

/// A line a sentence; with all that is said of it where that is asked for.
pub fn text(entries: &[Entry<'_>], documented: bool) -> String {
    let mut text = String::new();
    for entry in entries {
        text.push_str(entry.sentence);
        if let Some(place) = entry.place.as_ref().filter(|_| !documented) {
            text.push_str(&format!("  ({place})"));
        }
        text.push('\n');
        if documented {
            for line in entry.documentation.lines() {
                text.push_str(format!("    {line}").trim_end());
                text.push('\n');
            }
            text.push('\n');
        }
    }
    text
}

/// The sentences as JSON.
pub fn json(entries: &[Entry<'_>]) -> String {
    let all: Vec<_> = entries
        .iter()
        .map(|entry| {
            json!({
                "expression": entry.sentence,
                "noun": entry.noun,
                "documentation": entry.documentation,
            })
        })
        .collect();
    format!("{:#}\n", serde_json::Value::from(all))
}

/// The reference in Markdown, as it is committed.
pub fn markdown(entries: &[Entry<'_>]) -> String {
    let mut text = String::from(INTRODUCTION);
    let mut noun = "";
    for entry in entries {
        if entry.noun != noun {
            noun = entry.noun;
            text.push_str(&format!("\n## {noun}\n"));
        }
        text.push_str(&format!("\n### `{}`\n\n{}\n", entry.sentence, entry.documentation));
    }
    text.push_str("\n## Parameters\n\n| in a sentence | what stands there |\n|---|---|\n");
    for (name, meaning) in PARAMETERS {
        text.push_str(&format!("| `{{{name}}}` | {meaning} |\n"));
    }
    text.push_str(
        "\n## Markers\n\nWhat a cell says where no exact value can be told; `\\#` begins a text with `#`.\n\n",
    );
    text.push_str("| marker | what it expects |\n|---|---|\n");
    for (marker, meaning) in MARKERS {
        text.push_str(&format!("| `{marker}` | {meaning} |\n"));
    }
    text
}

const INTRODUCTION: &str = "<!-- Generated: `UPDATE=1 cargo test --locked -p momus --test reference` writes it anew. -->
# The vocabulary

What a feature can say. Given, When and Then share one vocabulary. Names of things stand bare and are checked against the
mesh before anything starts; texts are quoted; quantities carry their unit. A table of two columns selects: a place, and
what is expected there; the count of the sentence counts what is selected.

A cell that is a JSON number, boolean or null is that; `\"…\"` is text for sure; anything else is text; a lone `${x}` keeps its
type. `${name.member[0]}` reads what a step kept `as name`, `${name:status}`, `${name:key}` and `${name:header NAME}` the rest;
`${uuid}` and `${fake.email}` are drawn anew each time, `${ordinal}` is the number of a request or record within its step,
`${now}` the time, `${service.NAME.url}` and `${edge.CALLER.NAME.host}` addresses, any other `${NAME}` a `--variable`.

## Phrases

A scenario tagged `@phrase` is no scenario: its name is a sentence of your own, and its steps are what the sentence stands for.

```gherkin
@phrase
Scenario: a customer <name> with an order of <amount>
  When I send POST \"/customers\" to shop as <name>
    | $.name  | <name> |
    | <table> |        |
  And I send POST \"/orders\" to shop
    | $.customer | ${<name>.id} |
    | $.amount   | <amount>     |
```

`Given a customer ada with an order of 12.50` calls it. A placeholder takes one bare token or one quoted text. In a cell, in a doc
string and between quotes stands what the call says; elsewhere in a step it stands as the call has it, quotes included. A row
whose first cell is `<table>` and whose others are empty stands for the rows below the call (alone, `| <table> |`); a doc string
that is `<text>` for the doc string below it, and `<text>` anywhere else for its text. Below a call nothing need stand: then
nothing is passed on. What a text closes again, as in `<b>…</b>`, is no placeholder.

A phrase runs without its file's Background. It sees what its caller sees, and hands out what it names with `as`, and nothing
else: a response that it got is the last one in the phrase alone. At its beginning, `*` and `And` are what the call is. Phrases
call phrases, never themselves, and no step may mean two sentences. Reports show a phrase's steps under the call.

Phrases are taken from every file of the run and from all files that `features` in momus.toml names; where it names none, from
the folder `steps` beside each file. `momus steps` lists them, and `momus check` warns of those that nothing calls.

There are no hooks, and none are missed. What each scenario of a feature begins with is its Background; what several features
begin with is a phrase that their Backgrounds call. Nothing is cleaned up by hand: every scenario has data and processes of its
own, which end with it, and its faults are healed when it ends, whatever it comes to. What has to be waited for, a sentence with
`eventually` waits for.
";

fn title(definition: &StepDefinition) -> &'static str {
    let path = Path::new(definition.file);
    let folders = path.iter().filter_map(|part| part.to_str());
    let known = |folder: &str| TITLES.iter().find(|(name, _)| *name == folder);
    folders.rev().find_map(known).map_or("", |(_, title)| title)
}

/// What is said of a sentence, without the blank that `///` leaves before each line.
fn documentation(definition: &StepDefinition) -> String {
    let lines = definition
        .doc
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use momus_engine::parameter::PARAMETER_TYPES;

    use super::*;

    #[test]
    fn every_parameter_and_every_noun_is_told() {
        let told: Vec<&str> = PARAMETERS.iter().map(|(name, _)| *name).collect();
        let known: Vec<&str> = PARAMETER_TYPES.iter().map(|each| each.name).collect();
        for name in &known {
            assert!(told.contains(name), "{{{name}}} is not told");
        }
        for name in &told {
            assert!(known.contains(name), "there is no {{{name}}}");
        }
        let vocabulary = crate::cli::vocabulary::vocabulary().unwrap();
        for definition in vocabulary.definitions() {
            assert_ne!(title(definition), "", "{} has no title", definition.file);
        }
    }
}
