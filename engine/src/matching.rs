//! Which definition a step's text means: expressions compiled when first needed, indexed by their first word, and
//! every answer remembered, for features say the same sentence often.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cucumber_expressions::Expression;
use regex::Regex;

use crate::parameter::{PARAMETER_TYPES, ParameterType, Value};
use crate::timing::Timing;

/// The expressions of all step definitions.
pub struct Expressions {
    all: Vec<Sentence>,
    /// Expressions whose first word is literal, by that word.
    by_word: HashMap<String, Vec<usize>>,
    /// Expressions that begin with a parameter or an alternative.
    rest: Vec<usize>,
    known: Mutex<HashMap<String, Arc<Match>>>,
}

struct Sentence {
    expression: &'static str,
    parameters: Vec<&'static ParameterType>,
    compiled: OnceLock<Regex>,
}

/// What a step's text means.
#[derive(Clone, Debug, PartialEq)]
pub enum Match {
    /// One definition, by its index, with the arguments in order.
    One(usize, Vec<Value>),
    /// No definition; the expressions that come nearest, best first.
    None(Vec<&'static str>),
    /// Several definitions, by index.
    Several(Vec<usize>),
    /// One definition whose argument cannot be read.
    Unreadable(usize, String),
}

impl Expressions {
    /// The expressions in the order of their definitions.
    ///
    /// # Errors
    /// A message for an expression that is not well formed or names an unknown parameter type.
    pub fn new(expressions: impl IntoIterator<Item = &'static str>) -> Result<Self, String> {
        let mut new = Self {
            all: Vec::new(),
            by_word: HashMap::new(),
            rest: Vec::new(),
            known: Mutex::default(),
        };
        for (index, expression) in expressions.into_iter().enumerate() {
            let parameters = parameters(expression)?;
            let first = expression.split(' ').next().unwrap_or_default();
            if first.contains(['{', '(', '/', '\\']) {
                new.rest.push(index);
            } else {
                new.by_word.entry(first.to_owned()).or_default().push(index);
            }
            new.all.push(Sentence {
                expression,
                parameters,
                compiled: OnceLock::new(),
            });
        }
        Ok(new)
    }

    /// What a text means.
    pub fn find(&self, text: &str) -> Arc<Match> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(text) {
            return found.clone();
        }
        let found = Arc::new(self.look(text));
        known.insert(text.to_owned(), found.clone());
        found
    }

    fn look(&self, text: &str) -> Match {
        let word = text.split(' ').next().unwrap_or_default();
        let by_word = self.by_word.get(word).into_iter().flatten();
        let mut matching: Vec<usize> = by_word
            .chain(&self.rest)
            .copied()
            .filter(|&index| self.all[index].matches(text))
            .collect();
        matching.sort_unstable();
        match matching[..] {
            [] => Match::None(self.nearest(text)),
            [index] => match self.all[index].read(text) {
                Ok(values) => Match::One(index, values),
                Err(message) => Match::Unreadable(index, message),
            },
            _ => Match::Several(matching),
        }
    }

    /// The three expressions that come nearest to a text: likeness of their literal words, best first.
    fn nearest(&self, text: &str) -> Vec<&'static str> {
        const ALIKE: f64 = 0.4;
        let words: Vec<&str> = text.split_whitespace().collect();
        let mut scored: Vec<(f64, &'static str)> = self
            .all
            .iter()
            .map(|sentence| (likeness(&words, sentence.expression), sentence.expression))
            .filter(|(score, _)| *score >= ALIKE)
            .collect();
        scored.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        scored.into_iter().take(3).map(|(_, expression)| expression).collect()
    }
}

/// How many of an expression's literal words occur in a text, spelling mistakes aside: 0 to 1.
fn likeness(words: &[&str], expression: &str) -> f64 {
    let literal: Vec<&str> = expression
        .split_whitespace()
        .filter(|word| !word.starts_with('{'))
        .collect();
    let total: f64 = literal
        .iter()
        .map(|literal| {
            words
                .iter()
                .map(|word| strsim::jaro_winkler(word, literal))
                .fold(0.0, f64::max)
        })
        .map(|best| if best >= 0.85 { best } else { 0.0 })
        .sum();
    total / literal.len().max(1) as f64
}

/// The parameter types that an expression names, in order.
fn parameters(expression: &'static str) -> Result<Vec<&'static ParameterType>, String> {
    Expression::parse(expression).map_err(|error| format!("`{expression}`: {error}"))?;
    let mut parameters = Vec::new();
    let mut rest = expression;
    while let Some((_, after)) = rest.split_once('{') {
        let (name, after) = after
            .split_once('}')
            .ok_or_else(|| format!("`{expression}`: a brace is left open"))?;
        let parameter = PARAMETER_TYPES.iter().find(|parameter| parameter.name == name);
        parameters.push(parameter.ok_or_else(|| format!("`{expression}`: there is no parameter type `{name}`"))?);
        rest = after;
    }
    Ok(parameters)
}

impl Sentence {
    fn regex(&self) -> Option<&Regex> {
        if self.compiled.get().is_none() {
            let patterns: HashMap<&str, &str> = self.parameters.iter().map(|each| (each.name, each.pattern)).collect();
            // The expression was parsed and its parameters found when it was registered.
            let regex = Expression::regex_with_parameters(self.expression, &patterns).ok()?;
            return Some(self.compiled.get_or_init(|| regex));
        }
        self.compiled.get()
    }

    fn matches(&self, text: &str) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(text))
    }

    fn read(&self, text: &str) -> Result<Vec<Value>, String> {
        let captures = self.regex().and_then(|regex| regex.captures(text));
        let texts = captures.iter().flat_map(|captures| captures.iter().skip(1));
        let values = self
            .parameters
            .iter()
            .zip(texts)
            .map(|(parameter, text)| (parameter.read)(text.map_or("", |text| text.as_str())));
        timed(values.collect::<Result<_, _>>()?)
    }
}

/// Puts the timing that adverb and ending make together in the place of the first of them.
fn timed(mut values: Vec<Value>) -> Result<Vec<Value>, String> {
    let ending = values.iter().position(|value| matches!(value, Value::Ending(_)));
    let ending = ending.map(|index| (index, values.remove(index)));
    let adverb = values.iter().position(|value| matches!(value, Value::Adverb(_)));
    let timing = match (&adverb.map(|index| &values[index]), &ending) {
        (None, None) => return Ok(values),
        (Some(Value::Adverb(adverb)), Some((_, Value::Ending(ending)))) => Timing::parse(adverb, ending),
        (Some(Value::Adverb(adverb)), _) => Timing::parse(adverb, ""),
        (_, Some((_, Value::Ending(ending)))) => Timing::parse("", ending),
        _ => return Ok(values),
    }?;
    match (adverb, ending) {
        (Some(index), _) => values[index] = Value::Timing(timing),
        (None, Some((index, _))) => values.insert(index, Value::Timing(timing)),
        (None, None) => {}
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::Count;
    use crate::mesh::Kind;

    const SENTENCES: [&str; 4] = [
        "I send {method} {text} to {service}{as}",
        "topic {topic} {eventually}has {count} record(s){only}{within}",
        "{service} is killed",
        "the first {number} {method} {text} from {service} to {dependency} are answered {status}",
    ];

    fn expressions() -> Expressions {
        Expressions::new(SENTENCES).expect("they are well formed")
    }

    #[test]
    fn a_sentence_gives_its_arguments_in_order() {
        let found =
            expressions().find("topic orders.v1 eventually has exactly 1 record, and no other within 5 seconds");
        let expected = vec![
            Value::Name {
                kinds: &[Kind::Topic],
                name: "orders.v1".into(),
            },
            Value::Timing(Timing::Eventually {
                within: Some(std::time::Duration::from_secs(5)),
            }),
            Value::Count(Count {
                least: 1,
                most: Some(1),
            }),
            Value::Only(true),
        ];
        assert_eq!(*found, Match::One(1, expected));
    }

    #[test]
    fn what_may_be_left_out_may_be_left_out() {
        let found = expressions().find("topic orders.v1 has no records");
        assert!(
            matches!(&*found, Match::One(1, values) if values[3] == Value::Only(false)),
            "{found:?}"
        );
        let found = expressions().find(r#"I send POST "/orders" to shop"#);
        assert!(
            matches!(&*found, Match::One(0, values) if values[3] == Value::Alias(None)),
            "{found:?}"
        );
    }

    #[test]
    fn an_unknown_sentence_names_the_nearest() {
        let found = expressions().find("topic orders.v1 eventualy has exactly 1 recrd");
        assert!(
            matches!(&*found, Match::None(nearest) if nearest.first() == Some(&SENTENCES[1])),
            "{found:?}"
        );
        assert_eq!(*expressions().find("Olives are green"), Match::None(Vec::new()));
    }

    #[test]
    fn two_definitions_of_one_text_are_both_named() {
        let both = Expressions::new(["{service} is killed", "shop is killed"]).expect("they are well formed");
        assert_eq!(*both.find("shop is killed"), Match::Several(vec![0, 1]));
        assert!(matches!(&*both.find("billing is killed"), Match::One(0, _)));
    }

    #[test]
    fn an_argument_that_cannot_be_read_is_told() {
        let found = expressions().find("topic orders.v1 has 4 to 2 records");
        assert!(
            matches!(&*found, Match::Unreadable(1, message) if message.contains("empty range")),
            "{found:?}"
        );
    }

    #[test]
    fn an_expression_with_an_unknown_parameter_is_refused() {
        let error = Expressions::new(["a {colour} thing"]).err();
        assert_eq!(
            error.as_deref(),
            Some("`a {colour} thing`: there is no parameter type `colour`")
        );
    }
}
