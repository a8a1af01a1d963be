//! Bodies and headers of answers, with `${…}` filled in for each call.

use std::time::SystemTime;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    call::Request,
    place::{self, Place},
};

/// A JSON value, some of whose texts have `${…}` in them. A text that is one lone `${…}` becomes
/// that value and keeps its type; `$${` stands for `${`.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Value")]
pub(super) struct Template(Node);

#[derive(Debug, Clone)]
enum Node {
    Fixed(Value),
    Lone(Variable),
    Text(Vec<Part>),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

#[derive(Debug, Clone)]
enum Part {
    Literal(String),
    Variable(Variable),
}

#[derive(Debug, Clone)]
enum Variable {
    Request(Place),
    Fact(Fact),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fact {
    Items,
    Accepted,
    Duplicates,
    Rejected,
    RejectedIds,
    RejectedFields,
    RejectedKeys,
    Limit,
    RetryAfter,
    BodySize,
    Call,
    Now,
    NowMilliseconds,
    Uuid,
}

/// Every name but `request.PLACE`, and what it stands for.
const FACTS: [(&str, Fact); 14] = [
    ("items", Fact::Items),
    ("items.accepted", Fact::Accepted),
    ("items.duplicate", Fact::Duplicates),
    ("rejected", Fact::Rejected),
    ("rejected.ids", Fact::RejectedIds),
    ("rejected.fields", Fact::RejectedFields),
    ("rejected.keys", Fact::RejectedKeys),
    ("limit", Fact::Limit),
    ("retry_after", Fact::RetryAfter),
    ("body.size", Fact::BodySize),
    ("call", Fact::Call),
    ("now", Fact::Now),
    ("now.ms", Fact::NowMilliseconds),
    ("uuid", Fact::Uuid),
];

/// What a template is filled with.
#[derive(Debug, Clone)]
pub(super) struct Facts<'a> {
    pub(super) request: &'a Request,
    /// The call's number on this stand-in, from 1.
    pub(super) call: u64,
    pub(super) at: SystemTime,
    pub(super) items: usize,
    pub(super) accepted: usize,
    pub(super) duplicates: usize,
    /// Places of the rejected items, from 0, in order.
    pub(super) rejected: Vec<usize>,
    pub(super) rejected_ids: Vec<String>,
    /// Which field which items lack.
    pub(super) rejected_fields: IndexMap<String, Vec<usize>>,
    /// How many items of which key were over the rate.
    pub(super) rejected_keys: IndexMap<String, usize>,
    /// The limit that was passed.
    pub(super) limit: Option<u64>,
    /// Whole seconds until the rate allows the next.
    pub(super) retry_after: Option<u64>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(request: &'a Request, call: u64, at: SystemTime) -> Self {
        Self {
            request,
            call,
            at,
            items: 0,
            accepted: 0,
            duplicates: 0,
            rejected: Vec::new(),
            rejected_ids: Vec::new(),
            rejected_fields: IndexMap::new(),
            rejected_keys: IndexMap::new(),
            limit: None,
            retry_after: None,
        }
    }

    fn get(&self, fact: Fact) -> Value {
        let timestamp = || jiff::Timestamp::try_from(self.at).unwrap_or_default();
        match fact {
            Fact::Items => self.items.into(),
            Fact::Accepted => self.accepted.into(),
            Fact::Duplicates => self.duplicates.into(),
            Fact::Rejected => self.rejected.clone().into(),
            Fact::RejectedIds => self.rejected_ids.clone().into(),
            Fact::RejectedFields => json!(self.rejected_fields),
            Fact::RejectedKeys => json!(self.rejected_keys),
            Fact::Limit => self.limit.into(),
            Fact::RetryAfter => self.retry_after.into(),
            Fact::BodySize => self.request.body.len().into(),
            Fact::Call => self.call.into(),
            Fact::Now => format!("{:.3}", timestamp()).into(),
            Fact::NowMilliseconds => timestamp().as_millisecond().into(),
            Fact::Uuid => Uuid::new_v4().to_string().into(),
        }
    }
}

impl TryFrom<Value> for Template {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        node(value).map(Self)
    }
}

impl Template {
    pub(super) fn fill(&self, facts: &Facts<'_>) -> Value {
        self.0.fill(facts)
    }

    /// Filled in, and a text: what is none as JSON, and what is not there empty.
    pub(super) fn fill_text(&self, facts: &Facts<'_>) -> String {
        shown(&self.fill(facts))
    }

    /// Every place of the request that it reads.
    pub(super) fn places(&self) -> Vec<&Place> {
        let mut places = Vec::new();
        self.0.collect_places(&mut places);
        places
    }
}

impl Node {
    fn fill(&self, facts: &Facts<'_>) -> Value {
        match self {
            Self::Fixed(value) => value.clone(),
            Self::Lone(variable) => variable.get(facts),
            Self::Text(parts) => {
                let part = |part: &Part| match part {
                    Part::Literal(text) => text.clone(),
                    Part::Variable(variable) => shown(&variable.get(facts)),
                };
                parts.iter().map(part).collect::<String>().into()
            }
            Self::List(nodes) => nodes.iter().map(|node| node.fill(facts)).collect(),
            Self::Object(nodes) => Value::Object(
                nodes
                    .iter()
                    .map(|(key, node)| (key.clone(), node.fill(facts)))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    fn collect_places<'a>(&'a self, places: &mut Vec<&'a Place>) {
        let mut of = |variable: &'a Variable| match variable {
            Variable::Request(place) => places.push(place),
            Variable::Fact(_) => {}
        };
        match self {
            Self::Fixed(_) => {}
            Self::Lone(variable) => of(variable),
            Self::Text(parts) => parts.iter().for_each(|part| match part {
                Part::Literal(_) => {}
                Part::Variable(variable) => of(variable),
            }),
            Self::List(nodes) => nodes.iter().for_each(|node| node.collect_places(places)),
            Self::Object(nodes) => nodes.iter().for_each(|(_, node)| node.collect_places(places)),
        }
    }
}

impl Variable {
    fn get(&self, facts: &Facts<'_>) -> Value {
        match self {
            Self::Request(place) => place.read(facts.request, None).unwrap_or_default(),
            Self::Fact(fact) => facts.get(*fact),
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        other => place::text(other),
    }
}

fn node(value: Value) -> Result<Node, String> {
    Ok(match value {
        Value::String(text) if text.contains("${") => {
            let mut parts = parts(&text)?;
            match parts.pop() {
                Some(Part::Variable(lone)) if parts.is_empty() => Node::Lone(lone),
                Some(last) => {
                    parts.push(last);
                    Node::Text(parts)
                }
                None => Node::Fixed("".into()),
            }
        }
        Value::Array(values) => Node::List(values.into_iter().map(node).collect::<Result<_, _>>()?),
        Value::Object(entries) => {
            let entry = |(key, value)| Ok::<_, String>((key, node(value)?));
            Node::Object(entries.into_iter().map(entry).collect::<Result<_, _>>()?)
        }
        fixed => Node::Fixed(fixed),
    })
}

fn parts(text: &str) -> Result<Vec<Part>, String> {
    let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), text);
    while let Some(begin) = rest.find("${") {
        if rest[..begin].ends_with('$') {
            literal += &rest[..begin - 1];
            literal += "${";
            rest = &rest[begin + 2..];
            continue;
        }
        literal += &rest[..begin];
        let end = rest[begin..]
            .find('}')
            .ok_or_else(|| format!("`${{` in `{text}` has no `}}`"))?;
        if !literal.is_empty() {
            parts.push(Part::Literal(std::mem::take(&mut literal)));
        }
        parts.push(Part::Variable(variable(&rest[begin + 2..begin + end])?));
        rest = &rest[begin + end + 1..];
    }
    literal += rest;
    if !literal.is_empty() {
        parts.push(Part::Literal(literal));
    }
    Ok(parts)
}

fn variable(name: &str) -> Result<Variable, String> {
    if let Some(place) = name.strip_prefix("request.") {
        return Place::try_from(place.to_owned()).map(Variable::Request);
    }
    match FACTS.iter().find(|(known, _)| *known == name) {
        Some((_, fact)) => Ok(Variable::Fact(*fact)),
        None => {
            let known: Vec<_> = FACTS
                .iter()
                .map(|(known, _)| *known)
                .chain(["request.$.PLACE"])
                .collect();
            let hint = super::rules_error::did_you_mean(name, &known)
                .unwrap_or_else(|| format!("there are {}", known.join(", ")));
            Err(format!("nothing is called `${{{name}}}`\nhint: {hint}"))
        }
    }
}
