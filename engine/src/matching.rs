//! Which sentence a step's text means, one of the vocabulary or a phrase: each compiled when first needed, indexed by
//! its first word, and every answer remembered, for features say the same sentence often.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cucumber_expressions::Expression;
use regex::Regex;

use crate::parameter::{PARAMETER_TYPES, ParameterType, Value};
use crate::phrase::sentence::{Argument, Sentence};
use crate::timing::Timing;

/// The expressions of all step definitions, and the sentences of all phrases.
pub struct Expressions {
    /// Definitions first, then phrases.
    all: Vec<Entry>,
    definitions: usize,
    /// Sentences whose first word is literal, by that word.
    by_word: HashMap<String, Vec<usize>>,
    /// Sentences that begin with a parameter or an alternative.
    rest: Vec<usize>,
    known: Mutex<HashMap<String, Arc<Match>>>,
}

enum Entry {
    Definition(Definition),
    Phrase(Sentence),
}

struct Definition {
    expression: &'static str,
    parameters: Vec<&'static ParameterType>,
    compiled: OnceLock<Regex>,
}

/// What a step's text means.
#[derive(Clone, Debug, PartialEq)]
pub enum Match {
    /// One definition, by its index, with the arguments in order.
    One(usize, Vec<Value>),
    /// One phrase, by its index, with what is given for its placeholders, in order.
    Phrase(usize, Vec<Argument>),
    /// Neither; the sentences that come nearest, best first.
    None(Vec<String>),
    /// Several definitions and phrases, by index; those of phrases follow those of definitions.
    Several(Vec<usize>),
    /// One definition or phrase whose argument cannot be read, by index as above.
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
            definitions: 0,
            by_word: HashMap::new(),
            rest: Vec::new(),
            known: Mutex::default(),
        };
        for expression in expressions {
            let parameters = parameters(expression)?;
            new.index(expression, &['{', '(', '/', '\\']);
            new.all.push(Entry::Definition(Definition {
                expression,
                parameters,
                compiled: OnceLock::new(),
            }));
        }
        new.definitions = new.all.len();
        Ok(new)
    }

    /// Adds the sentences of phrases, in their order.
    pub fn add_phrases<'s>(&mut self, names: impl IntoIterator<Item = &'s str>) {
        for name in names {
            self.index(name, &['<']);
            self.all.push(Entry::Phrase(Sentence::new(name)));
        }
        self.known = Mutex::default();
    }

    /// Files what comes next by its first word, unless that has one of the characters that make it stand for several.
    fn index(&mut self, sentence: &str, special: &[char]) {
        let first = sentence.split(' ').next().unwrap_or_default();
        if first.contains(special) {
            self.rest.push(self.all.len());
        } else {
            self.by_word.entry(first.to_owned()).or_default().push(self.all.len());
        }
    }

    /// The regular expression of a definition, or of a phrase behind all definitions; both are anchored.
    pub(crate) fn pattern(&self, index: usize) -> Option<String> {
        match self.all.get(index)? {
            Entry::Definition(definition) => definition.regex().map(|regex| regex.as_str().to_owned()),
            Entry::Phrase(sentence) => Some(sentence.pattern()),
        }
    }

    /// What every text that a definition or a phrase matches begins with, as far as whole words of it are sure.
    pub(crate) fn beginning(&self, index: usize) -> &str {
        let (text, special): (&str, &[char]) = match self.all.get(index) {
            Some(Entry::Definition(definition)) => (definition.expression, &['{', '(', '/', '\\']),
            Some(Entry::Phrase(sentence)) => (sentence.name(), &['<']),
            None => ("", &[]),
        };
        let sure = text.find(special).map_or(text, |at| &text[..at]);
        sure.rfind(' ').map_or("", |at| &sure[..at])
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
            [index] => match &self.all[index] {
                Entry::Definition(definition) => definition.read(text).map(|values| Match::One(index, values)),
                Entry::Phrase(sentence) => sentence
                    .arguments(text)
                    .map(|arguments| Match::Phrase(index - self.definitions, arguments)),
            }
            .unwrap_or_else(|message| Match::Unreadable(index, message)),
            _ => Match::Several(matching),
        }
    }

    /// The three sentences that come nearest to a text: likeness of their literal words, best first.
    fn nearest(&self, text: &str) -> Vec<String> {
        const ALIKE: f64 = 0.4;
        let words: Vec<&str> = text.split_whitespace().collect();
        let mut scored: Vec<(f64, &str)> = self
            .all
            .iter()
            .map(|entry| (likeness(&words, entry.told()), entry.told()))
            .filter(|(score, _)| *score >= ALIKE)
            .collect();
        scored.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        scored.into_iter().take(3).map(|(_, told)| told.to_owned()).collect()
    }
}

/// How many of a sentence's literal words occur in a text, spelling mistakes aside: 0 to 1.
fn likeness(words: &[&str], sentence: &str) -> f64 {
    let literal: Vec<&str> = sentence
        .split_whitespace()
        .filter(|word| !word.starts_with(['{', '<']))
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

impl Entry {
    /// As a person says it.
    fn told(&self) -> &str {
        match self {
            Self::Definition(definition) => definition.expression,
            Self::Phrase(sentence) => sentence.name(),
        }
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Definition(definition) => definition.regex().is_some_and(|regex| regex.is_match(text)),
            Self::Phrase(sentence) => sentence.matches(text),
        }
    }
}

impl Definition {
    fn regex(&self) -> Option<&Regex> {
        if self.compiled.get().is_none() {
            let patterns: HashMap<&str, &str> = self.parameters.iter().map(|each| (each.name, each.pattern)).collect();
            // The expression was parsed and its parameters found when it was registered.
            let regex = Expression::regex_with_parameters(self.expression, &patterns).ok()?;
            return Some(self.compiled.get_or_init(|| regex));
        }
        self.compiled.get()
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
            matches!(&*found, Match::None(nearest) if nearest.first().is_some_and(|first| first == SENTENCES[1])),
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
    fn phrases_are_found_beside_definitions() {
        let mut both = expressions();
        both.add_phrases(["a user <name>", "<name> is there"]);
        let argument = |text: &str| Argument {
            text: text.to_owned(),
            quoted: false,
        };
        assert_eq!(*both.find("a user ada"), Match::Phrase(0, vec![argument("ada")]));
        assert_eq!(*both.find("ada is there"), Match::Phrase(1, vec![argument("ada")]));
        assert!(matches!(&*both.find("shop is killed"), Match::One(2, _)));
        assert_eq!(*both.find("a usr ada"), Match::None(vec!["a user <name>".to_owned()]));
        assert!(
            matches!(&*both.find(r#"a user "\q""#), Match::Unreadable(4, message) if message.contains("no escape"))
        );
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
