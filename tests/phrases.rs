//! Phrases, black box: where they are found, what is told of them, and how a run shows their steps.

mod market;
mod scratch;

use insta::assert_snapshot;
use market::{market, mesh};
use scratch::{Said, Scratch};

const ORDERS: &str = "\
Feature: phrases of orders

  @phrase
  Scenario: an order of <amount> as <name>
    When I send POST \"/orders\" to shop as <name>
      | $.amount | <amount> |
      | <table>  |          |

  @phrase
  Scenario: an invoice for <name>
    Then topic invoices.v1 eventually has a record
      | key | ${<name>.id} |
";

const FEATURE: &str = "\
Feature: orders

  Scenario: one
    Given an order of 12.50 as first
      | $.sku | a-1 |
    Then an invoice for first
";

/// What `check` says of a feature beside phrases, over the foreign mesh.
fn checked(feature: &str, phrases: &str) -> Said {
    let files = [("features/a.feature", feature), ("features/steps/p.feature", phrases)];
    Scratch::foreign(&files).momus(&["check", "-f", "mesh.yaml"])
}

/// What `check` tells of a feature in error.
fn told(feature: &str, phrases: &str) -> String {
    let said = checked(feature, phrases);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{}", said.error);
    said.error
}

#[test]
fn phrases_are_called_and_are_no_scenarios() {
    let said = checked(FEATURE, ORDERS);
    assert_eq!((said.code, said.error.as_str()), (Some(0), ""));
    assert_eq!(said.out, "3 files: 1 scenario, no error\n");
}

#[test]
fn a_mistake_in_a_phrase_is_drawn_on_its_line_and_on_the_callers() {
    let phrases = ORDERS
        .replace("to shop", "to <name>")
        .replace("invoices.v1", "invoces.v1");
    assert_snapshot!(told(FEATURE, &phrases));
}

#[test]
fn a_mistake_in_the_callers_table_is_drawn_there_and_on_the_lines_that_led_to_it() {
    assert_snapshot!(told(&FEATURE.replace("$.sku", "sku"), ORDERS));
}

#[test]
fn a_misspelt_call_is_told_with_the_phrase() {
    assert_snapshot!(told(&FEATURE.replace("an invoice for", "an invoce for"), ORDERS));
}

#[test]
fn phrases_that_mean_the_same_are_drawn_both_and_so_is_a_phrase_that_calls_itself() {
    let more = "\n  @phrase\n  Scenario: an invoice <how> first\n    Given an invoice <how> first\n\n  @phrase\n  Scenario: shop is <what>\n    Given an order of 1 as <what>\n";
    assert_snapshot!(told(FEATURE, &format!("{ORDERS}{more}")));
}

#[test]
fn what_is_no_phrase_is_told() {
    let wrong = "\
Feature: wrong

  @phrase
  Scenario Outline: an order of <amount>
    When I send POST \"/orders\" to shop
    Examples:
      | amount |
      | 1      |

  @phrase
  Scenario: no order
    Whn I send nothing

  @phrase
  Scenario: a customer <name> of <age>
    When I send POST \"/<nam>\" to shop
";
    assert_snapshot!(told(
        "Feature: f\n  Scenario: s\n    Then shop is eventually ready\n",
        wrong
    ));
}

#[test]
fn a_phrase_that_nothing_calls_is_a_warning() {
    let said = checked(
        &FEATURE.replace("an invoice for first", "shop is eventually ready"),
        ORDERS,
    );
    assert_eq!(said.code, Some(0));
    assert_eq!(said.out, "3 files: 1 scenario, no error, 1 warning\n");
    assert_snapshot!(said.error);
}

#[test]
fn phrases_are_found_beside_a_file_and_by_momus_toml() {
    let scratch = Scratch::foreign(&[("features/a.feature", FEATURE), ("features/steps/p.feature", ORDERS)]);
    let check = |arguments: &[&str]| scratch.momus(&[&["check", "-f", "mesh.yaml"], arguments].concat());
    let said = check(&["features/a.feature"]);
    assert_eq!((said.code, said.error.as_str()), (Some(0), ""));
    // Alone it is right, and who calls it is not known.
    let said = check(&["features/steps/p.feature"]);
    assert_eq!((said.code, said.error.as_str()), (Some(0), ""), "{}", said.out);
    assert_eq!(said.out, "2 files: 0 scenarios, no error\n");
    assert_eq!(check(&["features/steps/p.feature", "-t", "@none"]).code, Some(0));
    assert_eq!(check(&["features", "-t", "@none"]).code, Some(4));

    std::fs::rename(scratch.path().join("features/steps"), scratch.path().join("phrases")).unwrap();
    let said = check(&["features/a.feature"]);
    assert_eq!(said.code, Some(2));
    scratch.write("momus.toml", "features = [\"features\", \"phrases\"]\n");
    let said = check(&["features/a.feature"]);
    assert_eq!((said.code, said.error.as_str()), (Some(0), ""));
    // A file that cannot be read matters where a phrase is missed.
    scratch.write("phrases/q.feature", "@phrase\nScenario: lost\n");
    assert_eq!(check(&["features/a.feature"]).code, Some(0));
    scratch.write("features/b.feature", &FEATURE.replace("an order of", "a gift of"));
    let said = check(&["features/b.feature"]);
    assert_eq!(said.code, Some(2));
    assert!(said.error.contains("--> phrases/q.feature:2:1"), "{}", said.error);
}

#[test]
fn steps_lists_the_phrases_of_the_project() {
    let scratch = Scratch::foreign(&[("features/steps/p.feature", ORDERS)]);
    let all = scratch.momus(&["steps"]).out;
    assert!(
        all.ends_with("an invoice for <name>  (features/steps/p.feature:10)\n"),
        "{all}"
    );
    assert_snapshot!(scratch.momus(&["steps", "order of <amount>"]).out);
    let markdown = scratch.momus(&["steps", "--format", "markdown"]).out;
    assert!(
        markdown.contains("\n### `an order of <amount> as <name>`\n"),
        "{markdown}"
    );
}

#[test]
fn every_dialect_has_features_and_phrases() {
    let french = "\
# language: fr
Fonctionnalité: commandes

  Contexte:
    Soit shop est prêt

  @phrase
  Scénario: <service> est prêt
    Alors <service> is eventually ready

  Scénario: une commande
    Quand I send POST \"/orders\" to shop as commande
      | $.amount | 12.50 |
    Alors the response has
      | status | 202 |
    Et topic orders.v1 eventually has a record
      | key | ${commande.id} |
";
    let japanese = "\
# language: ja
機能: 注文

  @phrase
  シナリオ: <誰>が<額>円を注文する
    もしI send POST \"/orders\" to shop as <誰>
      | $.amount | <額> |

  シナリオ: 注文
    前提hanakoが\"12.50\"円を注文する
    ならばtopic orders.v1 eventually has a record
      | key | ${hanako.id} |
";
    let english = "Feature: f\n  Scenario: s\n    Given shop est prêt\n";
    let scratch = Scratch::foreign(&[
        ("features/en.feature", english),
        ("features/fr.feature", french),
        ("features/ja.feature", japanese),
    ]);
    let said = scratch.momus(&["check", "-f", "mesh.yaml"]);
    assert_eq!((said.code, said.error.as_str()), (Some(0), ""));
    assert_eq!(said.out, "4 files: 3 scenarios, no error\n");
    scratch.write("features/fr.feature", &french.replace("Alors the", "Alors teh"));
    let said = scratch.momus(&["check", "-f", "mesh.yaml"]);
    assert!(said.error.contains("    Alors teh response has\n"), "{}", said.error);
}

/// A market whose scenario sells something by a phrase; the answer's status must be this.
fn sale(status: u16) -> Scratch {
    let steps = "    Given a sale of 12.5 as sold\n    Then the sale sold is taken\n    And the sale sold is taken\n";
    let phrases = format!(
        "Feature: p\n\n  @phrase\n  Scenario: a sale of <amount> as <name>\n    When I send POST \"/orders\" to shop as <name>\n      | $.amount | <amount> |\n    Then the response has\n      | status | {status} |\n\n  @phrase\n  Scenario: the sale <name> is taken\n    When I send POST \"/orders\" to shop\n      | $.of | ${{<name>.id}} |\n    Then the response has\n      | $.order.of | o-1 |\n"
    );
    let market = market(&mesh("", "", ""), steps);
    market.write("features/steps/sales.feature", &phrases);
    market
}

#[test]
fn a_run_does_the_steps_of_a_phrase_with_what_it_is_given_and_reads_what_it_hands_out() {
    let market = sale(202);
    let said = market.momus(&[
        "run",
        "features/sale.feature",
        "--seed",
        "7",
        "--format",
        "cucumber-json:out/c.json",
    ]);
    assert_eq!((said.code, said.error.as_str()), (Some(0), ""), "{}", said.out);
    assert!(said.out.contains("1 scenario: 1 passed · 6 steps"), "{}", said.out);
    let json: serde_json::Value = serde_json::from_str(&market.read("out/c.json")).unwrap();
    let steps = json[0]["elements"][0]["steps"].as_array().unwrap();
    let told = steps.iter().map(|step| {
        format!(
            "{}{}",
            step["keyword"].as_str().unwrap(),
            step["name"].as_str().unwrap()
        )
    });
    let told: Vec<String> = told.collect();
    assert_eq!(
        told[..4],
        [
            "Given a sale of 12.5 as sold",
            "When ↳ I send POST \"/orders\" to shop as sold",
            "Then ↳ the response has",
            "Then the sale sold is taken",
        ]
    );
    let timeline = market.read("momus-report/timeline.ndjson");
    let call = r#""file":"features/steps/sales.feature","line":5,"text":"When I send POST \"/orders\" to shop as sold","within":[{"file":"features/sale.feature","line":4,"text":"Given a sale of 12.5 as sold"}]"#;
    assert!(timeline.contains(call), "{timeline}");
}

#[test]
fn a_failure_in_a_phrase_is_drawn_on_both_lines() {
    let market = sale(201);
    let said = market.momus(&[
        "run",
        "features/sale.feature",
        "--seed",
        "7",
        "--format",
        "junit:out/junit.xml",
    ]);
    assert_eq!((said.code, said.error.as_str()), (Some(1), ""), "{}", said.out);
    assert_snapshot!(market.steady(&said.out));
    let junit = market.read("out/junit.xml");
    assert!(
        junit.contains("message=\"Given a sale of 12.5 as sold › Then the response has: "),
        "{junit}"
    );
    assert!(
        junit.contains("features/sale.feature:4\nGiven a sale of 12.5 as sold\nfeatures/steps/sales.feature:7\n"),
        "{junit}"
    );
    assert_eq!(market.read("momus-report/rerun.txt"), "features/sale.feature:3\n");
}

#[test]
fn the_response_that_a_phrase_got_is_its_own() {
    let market = sale(202);
    market.write(
        "features/sale.feature",
        "Feature: f\n  Scenario: s\n    Given a sale of 12.5 as sold\n    Then the response has\n      | status | 202 |\n",
    );
    let said = market.momus(&["run", "features/sale.feature"]);
    assert_eq!(said.code, Some(1));
    assert!(
        said.out
            .contains("there is no response here: what a phrase has sent, it keeps to itself"),
        "{}",
        said.out
    );
}

#[test]
fn a_plan_in_error_reaches_the_reports_under_the_call() {
    let market = sale(202);
    let phrases = market
        .read("features/steps/sales.feature")
        .replace("Then the response has", "Then the respond has");
    market.write("features/steps/sales.feature", &phrases);
    let said = market.momus(&["run", "--format", "junit:junit.xml"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{}", said.error);
    let junit = market.read("junit.xml");
    assert!(
        junit.contains("Given a sale of 12.5 as sold › Then the respond has: no step definition"),
        "{junit}"
    );
}
