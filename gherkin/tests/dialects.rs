//! The dialects: each is read with each of its keywords.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers are part of the tests")]

use momus_gherkin::{Dialect, FeatureChild, KeywordType, Location, RuleChild, Scenario, parse};

/// The first scenario of a text, and the language that the text is in.
fn scenario(source: &str) -> (Scenario, &'static str) {
    let feature = parse(source).unwrap().feature.unwrap();
    let found = feature.children.iter().find_map(|child| match child {
        FeatureChild::Scenario(scenario) => Some(scenario.clone()),
        FeatureChild::Background(_) | FeatureChild::Rule(_) => None,
    });
    (found.unwrap(), feature.language)
}

#[test]
fn every_keyword_of_every_dialect_is_read() {
    for dialect in Dialect::all() {
        for feature in &dialect.feature {
            every_keyword_is_read(dialect, feature);
        }
    }
}

/// Reads a feature in which every other keyword of a dialect stands.
fn every_keyword_is_read(dialect: &Dialect, title: &str) {
    let mut source = format!("# language: {}\n{title}: all\n", dialect.name);
    for background in &dialect.background {
        source += &format!("{}: r\n  {background}: b\n", dialect.rule[0]);
    }
    for rule in &dialect.rule {
        source += &format!("{rule}: r\n");
        for scenario in &dialect.scenario {
            source += &format!("  {scenario}: s\n");
            for (step, _) in &dialect.steps {
                source += &format!("    {step}x\n");
            }
            for examples in &dialect.examples {
                source += &format!("    {examples}: e\n      | a |\n");
            }
        }
    }
    let feature = parse(&source).unwrap().feature.unwrap();
    assert_eq!((feature.language, feature.keyword), (dialect.name, title));
    let (backgrounds, rules) = feature.children.split_at(dialect.background.len());
    for (child, expected) in backgrounds.iter().zip(&dialect.background) {
        let FeatureChild::Rule(rule) = child else {
            panic!("{}: {child:?}", dialect.name)
        };
        let RuleChild::Background(background) = &rule.children[0] else {
            panic!("{rule:?}")
        };
        assert_eq!(background.keyword, *expected);
    }
    assert_eq!(rules.len(), dialect.rule.len());
    for (child, expected) in rules.iter().zip(&dialect.rule) {
        let FeatureChild::Rule(rule) = child else {
            panic!("{}: {child:?}", dialect.name)
        };
        assert_eq!(rule.keyword, *expected);
        assert_eq!(rule.children.len(), dialect.scenario.len());
        for (child, expected) in rule.children.iter().zip(&dialect.scenario) {
            let RuleChild::Scenario(scenario) = child else {
                panic!("{child:?}")
            };
            assert_eq!(scenario.keyword, *expected);
            let steps: Vec<_> = scenario.steps.iter().map(|s| (s.keyword, s.keyword_type)).collect();
            assert_eq!(steps, dialect.steps, "{}", dialect.name);
            assert!(scenario.steps.iter().all(|step| step.text == "x"));
            let examples: Vec<_> = scenario.examples.iter().map(|e| e.keyword).collect();
            assert_eq!(examples, dialect.examples);
        }
    }
}

#[test]
fn keywords_may_have_spaces_and_be_part_of_each_other() {
    let (scenario, _) = scenario(
        "# language: fr\nFonctionnalité: f\n  Plan du Scénario: p\n    Étant donné que a\n    Étant donné b\n    Alors c\n",
    );
    assert_eq!(scenario.keyword, "Plan du Scénario");
    let steps: Vec<_> = scenario.steps.iter().map(|s| (s.keyword, s.text.as_str())).collect();
    assert_eq!(
        steps,
        [("Étant donné que ", "a"), ("Étant donné ", "b"), ("Alors ", "c")]
    );
}

#[test]
fn right_to_left_text_counts_its_columns_from_its_beginning() {
    let (scenario, language) =
        scenario("# language: ar\nخاصية: دفع\n  @سريع @بطيء\n  سيناريو: أول\n    متى دفع\n      | مبلغ | ١٠ |\n");
    assert_eq!(language, "ar");
    assert_eq!(scenario.steps[0].keyword_type, KeywordType::Action);
    let tags: Vec<_> = scenario.tags.iter().map(|tag| tag.location.column).collect();
    assert_eq!(tags, [3, 9]);
    let cells = &scenario.steps[0].data_table.as_ref().unwrap().rows[0].cells;
    assert_eq!(cells[1].location, Location::new(6, 16));
}

#[test]
fn australians_and_emoji_are_understood() {
    let (scenario, language) =
        scenario("#language:en-au\nPretty much: f\n  Awww, look mate: s\n    Y'know a\n    It's just unbelievable b\n");
    assert_eq!((language, scenario.keyword), ("en-au", "Awww, look mate"));
    let kinds: Vec<_> = scenario.steps.iter().map(|step| step.keyword_type).collect();
    assert_eq!(kinds, [KeywordType::Context, KeywordType::Action]);
    let (scenario, language) = self::scenario("# language: em\n📚: f\n  📕: s\n    😐💰\n    🙏 x\n");
    assert_eq!((language, scenario.keyword), ("em", "📕"));
    assert_eq!(scenario.steps[0].text, "💰");
    assert_eq!(scenario.steps[1].location, Location::new(5, 5));
}

#[test]
fn english_is_not_understood_in_french() {
    let errors = parse("# language: fr\nFeature: f\n").unwrap_err();
    assert_eq!(errors[0].location, Location::new(2, 1));
    assert_eq!(errors[0].message, "expected tags or a feature, found `Feature: f`");
}

#[test]
fn a_language_after_the_feature_is_a_comment() {
    let document = parse("Feature: f\n# language: fr\nScenario: s\n").unwrap();
    assert_eq!(document.comments[0].text, "# language: fr");
    assert_eq!(document.feature.unwrap().children.len(), 1);
}
