//! The reference of the vocabulary, written out of the definitions themselves.

use std::path::Path;

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
    ("faults", "Faults"),
];

/// What stands for each parameter in a sentence.
const PARAMETERS: &[(&str, &str)] = &[
    ("service", "the bare name of a service in the mesh"),
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
    ("text", "a text in double quotes; `\\\"`, `\\\\`, `\\n` and `\\t` are escapes, `${…}` is filled in"),
    ("count", "`a`, `no`, `once`, `exactly 1`, `at least 2`, `at most 3`, `2 to 4`"),
    ("times", "`exactly once` or `at least once`"),
    ("number", "a whole number"),
    ("ordinal", "`1st`, `2nd`, `3rd`, `4th`, …"),
    ("status", "an HTTP status, `100` to `599`"),
    ("duration", "a number and its unit: `200 ms`, `5 seconds`, `2 minutes`"),
    ("eventually", "`eventually`, or nothing: then it must hold now"),
    ("within", "`within 5 seconds` at the end, or nothing: then `--deadline` counts"),
    ("only", "`, and no other`, or nothing: then others may be there"),
    ("ordered", "`, in order per key`, or nothing: then in whatever order"),
    ("percent", "a share: `1 %`, `0.5 %`"),
    ("new_traffic", "the name that the steps behind it call the traffic"),
    ("traffic", "the name of a traffic that a step before began"),
    ("as", "`as NAME`, or nothing: what was produced can be read later, as `${NAME.member}`"),
    ("fault", "the name of a fault, as its own entry tells it"),
];

/// A line a sentence; with all that is said of it where that is asked for.
pub fn text(definitions: &[&StepDefinition], documented: bool) -> String {
    let mut text = String::new();
    for definition in definitions {
        text.push_str(definition.expression);
        text.push('\n');
        if documented {
            for line in documentation(definition).lines() {
                text.push_str(format!("    {line}").trim_end());
                text.push('\n');
            }
            text.push('\n');
        }
    }
    text
}

/// The sentences as JSON.
pub fn json(definitions: &[&StepDefinition]) -> String {
    let all: Vec<_> = definitions
        .iter()
        .map(|definition| {
            json!({
                "expression": definition.expression,
                "noun": title(definition),
                "documentation": documentation(definition),
            })
        })
        .collect();
    format!("{:#}\n", serde_json::Value::from(all))
}

/// The reference in Markdown, as it is committed.
pub fn markdown(definitions: &[&StepDefinition]) -> String {
    let mut text = String::from(INTRODUCTION);
    let mut noun = "";
    for definition in definitions {
        let title = title(definition);
        if title != noun {
            noun = title;
            text.push_str(&format!("\n## {title}\n"));
        }
        text.push_str(&format!("\n### `{}`\n\n{}\n", definition.expression, documentation(definition)));
    }
    text.push_str("\n## Parameters\n\n| in a sentence | what stands there |\n|---|---|\n");
    for (name, meaning) in PARAMETERS {
        text.push_str(&format!("| `{{{name}}}` | {meaning} |\n"));
    }
    text.push_str("\n## Markers\n\nWhat a cell says where no exact value can be told; `\\#` begins a text with `#`.\n\n");
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
";

fn title(definition: &StepDefinition) -> &'static str {
    let path = Path::new(definition.file);
    let folders = path.iter().filter_map(|part| part.to_str());
    let known = |folder: &str| TITLES.iter().find(|(name, _)| *name == folder);
    folders.rev().find_map(known).map_or("", |(_, title)| title)
}

/// What is said of a sentence, without the blank that `///` leaves before each line.
fn documentation(definition: &StepDefinition) -> String {
    let lines = definition.doc.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
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
