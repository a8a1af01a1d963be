use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// What kind of step a keyword begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum KeywordType {
    /// Given.
    Context,
    /// When.
    Action,
    /// Then.
    Outcome,
    /// And, But: what the step before it is.
    Conjunction,
    /// `*`, or a word that the dialect has for several kinds.
    Unknown,
}

/// The keywords of one language; those of a list mean the same.
#[derive(Debug)]
pub struct Dialect {
    /// The name in a `# language:` line, such as `en` or `zh-CN`.
    pub name: &'static str,
    /// Words for Feature, without the colon, as are all titles.
    pub feature: Vec<&'static str>,
    /// Words for Rule.
    pub rule: Vec<&'static str>,
    /// Words for Background.
    pub background: Vec<&'static str>,
    /// Words for Scenario and for Scenario Outline: the examples below make the difference.
    pub scenario: Vec<&'static str>,
    /// Words for Examples.
    pub examples: Vec<&'static str>,
    /// Words that begin a step, the longest first, with the space that follows where there is one.
    pub steps: Vec<(&'static str, KeywordType)>,
}

impl Dialect {
    /// The dialect of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        DIALECTS.get(name)
    }

    /// All dialects, by name.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        DIALECTS.values()
    }
}

/// The keywords as languages.json has them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Words {
    #[serde(borrow)]
    feature: Vec<&'static str>,
    background: Vec<&'static str>,
    rule: Vec<&'static str>,
    scenario: Vec<&'static str>,
    scenario_outline: Vec<&'static str>,
    examples: Vec<&'static str>,
    given: Vec<&'static str>,
    when: Vec<&'static str>,
    then: Vec<&'static str>,
    and: Vec<&'static str>,
    but: Vec<&'static str>,
}

static DIALECTS: LazyLock<BTreeMap<&'static str, Dialect>> = LazyLock::new(|| {
    let words = serde_json::from_str::<BTreeMap<&'static str, Words>>(include_str!("../languages.json"));
    #[expect(
        clippy::expect_used,
        reason = "languages.json is part of the crate, and the tests of this file read it"
    )]
    let words = words.expect("languages.json is well-formed");
    words
        .into_iter()
        .map(|(name, words)| (name, dialect(name, words)))
        .collect()
});

fn dialect(name: &'static str, words: Words) -> Dialect {
    let mut conjunctions = words.and;
    conjunctions.extend(words.but);
    conjunctions.sort_unstable();
    conjunctions.dedup();
    let kinds = [
        (words.given, KeywordType::Context),
        (words.when, KeywordType::Action),
        (words.then, KeywordType::Outcome),
        (conjunctions, KeywordType::Conjunction),
    ];
    let mut steps = Vec::<(&'static str, KeywordType)>::new();
    for (keywords, kind) in kinds {
        for keyword in keywords {
            match steps.iter_mut().find(|(known, _)| *known == keyword) {
                Some((_, known)) => *known = KeywordType::Unknown,
                None => steps.push((keyword, kind)),
            }
        }
    }
    steps.sort_by_key(|(keyword, _)| std::cmp::Reverse(keyword.chars().count()));
    let mut scenario = words.scenario;
    scenario.extend(words.scenario_outline);
    Dialect {
        name,
        feature: words.feature,
        rule: words.rule,
        background: words.background,
        scenario,
        examples: words.examples,
        steps,
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, KeywordType};

    #[test]
    fn every_dialect_has_a_word_for_everything() {
        assert!(Dialect::all().count() >= 80);
        for dialect in Dialect::all() {
            for words in [
                &dialect.feature,
                &dialect.rule,
                &dialect.background,
                &dialect.scenario,
                &dialect.examples,
            ] {
                assert!(!words.is_empty() && words.iter().all(|word| !word.is_empty()));
            }
            assert!(!dialect.steps.is_empty(), "{}", dialect.name);
        }
    }

    #[test]
    fn a_star_says_nothing_of_the_kind_and_given_does() {
        let english = Dialect::named("en").unwrap();
        assert!(english.steps.contains(&("* ", KeywordType::Unknown)));
        assert!(english.steps.contains(&("Given ", KeywordType::Context)));
        assert!(english.steps.contains(&("But ", KeywordType::Conjunction)));
    }

    #[test]
    fn the_longest_step_word_comes_first() {
        for dialect in Dialect::all() {
            for (at, (word, _)) in dialect.steps.iter().enumerate() {
                let earlier = &dialect.steps[..at];
                assert!(earlier.iter().all(|(long, _)| !word.starts_with(long)));
            }
        }
    }
}
