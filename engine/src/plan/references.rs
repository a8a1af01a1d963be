//! `${…}` in steps: each must get a value from somewhere.

use super::line::{Line, Spot};
use super::{Planner, Reason};
use crate::draw::FAKES;
use crate::mesh::Kind;
use crate::parameter::Value;
use crate::sandbox::CLIENT;
use crate::template::{Key, Reference, Template};
use crate::values::BUILT_IN_NAMES;

impl Planner<'_> {
    /// Checks every text of a step; `kept` are the names that steps before it give.
    pub(super) fn references(
        &self,
        values: &[Value],
        line: &Line<'_>,
        kept: &[String],
        errors: &mut Vec<(Spot, Reason)>,
    ) {
        for value in values {
            match value {
                Value::Text(text) | Value::File(text) => self.text(text, Spot::Step, kept, errors),
                Value::Alias(Some(name)) if BUILT_IN_NAMES.contains(&name.as_str()) => {
                    let reason =
                        Reason::invalid(format!("`{name}` means something already; hint: choose another name"));
                    errors.push((Spot::Step, reason));
                }
                _ => {}
            }
        }
        for (spot, cell) in line.cells() {
            self.text(cell, spot, kept, errors);
        }
        if let Some(doc) = line.doc() {
            self.text(&doc.content, Spot::Doc, kept, errors);
        }
    }

    fn text(&self, text: &str, spot: Spot, kept: &[String], errors: &mut Vec<(Spot, Reason)>) {
        match Template::parse(text) {
            Err(message) => errors.push((spot, Reason::invalid(message))),
            Ok(template) => errors.extend(
                template
                    .references()
                    .filter_map(|reference| self.reference(reference, kept).err())
                    .map(|reason| (spot, reason)),
            ),
        }
    }

    fn reference(&self, reference: &Reference, kept: &[String]) -> Result<(), Reason> {
        let head = reference.head.as_str();
        if kept.iter().any(|name| name == head) || reference.default.is_some() {
            return Ok(());
        }
        let path: Vec<&str> = reference
            .path
            .iter()
            .map(|key| match key {
                Key::Member(name) => name.as_str(),
                Key::Element(_) => "",
            })
            .collect();
        match (head, path.as_slice()) {
            ("uuid" | "now" | "ordinal", []) => Ok(()),
            ("fake", [kind]) if FAKES.contains(kind) => Ok(()),
            ("fake", _) => Err(Reason::invalid(format!(
                "`{reference}` is nothing that can be made up; hint: `${{fake.KIND}}` with one of {}",
                FAKES.join(", ")
            ))),
            ("service", [service, part]) => {
                self.name(&[Kind::Service], service)?;
                part_is_known(reference, part)
            }
            ("edge", [caller, dependency, rest @ ..]) if rest.len() <= 1 => {
                if *caller != CLIENT {
                    self.name(&[Kind::Service], caller)?;
                }
                self.name(&Kind::EDGES, dependency)?;
                rest.first().map_or(Ok(()), |part| part_is_known(reference, part))
            }
            ("service" | "edge", _) => Err(Reason::invalid(format!(
                "`{reference}` is no part of the mesh; hint: `${{service.NAME.url}}` or `${{edge.CALLER.NAME.host}}`"
            ))),
            _ if self.variables.contains_key(head) => Ok(()),
            _ => {
                let near = kept
                    .iter()
                    .map(String::as_str)
                    .chain(self.variables.keys().map(String::as_str))
                    .chain(BUILT_IN_NAMES.iter().copied())
                    .filter(|each| strsim::jaro_winkler(each, head) > 0.85)
                    .max_by(|one, other| strsim::jaro_winkler(one, head).total_cmp(&strsim::jaro_winkler(other, head)));
                Err(Reason::invalid(match near {
                    Some(near) => format!("nothing gives `{reference}` a value; hint: did you mean `{near}`?"),
                    None => format!(
                        "nothing gives `{reference}` a value; hint: keep it with `as {head}` in a step before, pass `--variable {head}=…`, or write `${{{head}:-default}}`"
                    ),
                }))
            }
        }
    }
}

/// The names that a step reads of those that steps before it give.
pub(super) fn reads(values: &[Value], line: &Line<'_>, kept: &[String]) -> Vec<String> {
    let texts = values.iter().filter_map(|value| match value {
        Value::Text(text) | Value::File(text) => Some(text.as_str()),
        _ => None,
    });
    let cells = line.cells().map(|(_, cell)| cell);
    let mut names: Vec<String> = texts
        .chain(cells)
        .chain(line.doc().map(|doc| doc.content.as_str()))
        .filter_map(|text| Template::parse(text).ok())
        .flat_map(|template| {
            template
                .references()
                .map(|reference| reference.head.clone())
                .collect::<Vec<_>>()
        })
        .filter(|head| kept.contains(head))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn part_is_known(reference: &Reference, part: &str) -> Result<(), Reason> {
    const PARTS: [&str; 6] = ["url", "host", "port", "user", "password", "database"];
    if PARTS.contains(&part) {
        return Ok(());
    }
    Err(Reason::invalid(format!(
        "`{reference}` asks for a part that nothing has; hint: parts are {}",
        PARTS.join(", ")
    )))
}
