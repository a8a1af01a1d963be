//! Traffic in the background of a scenario, black box.

mod market;
mod scratch;

use market::{market, mesh};

fn run(steps: &str) -> (scratch::Scratch, scratch::Said) {
    let market = market(&mesh("", "", ""), steps);
    let said = market.momus(&["run", "--seed", "7"]);
    (market, said)
}

#[test]
fn every_request_stands_on_the_timeline_and_what_goes_well_passes() {
    let (market, said) = run("    When 50 GET \"/text\" per second are sent to shop as reads
    And I send 5 POST \"/orders\" to shop
      | $.amount | 12.5 |
    Then no request of reads fails
    And every response of reads has
      | $ | all is well |
");
    assert_eq!(said.code, Some(0), "{}", said.out);
    let timeline = market.read("momus-report/timeline.ndjson");
    let lines = |event: &str| {
        let line = format!("\"event\":\"{event}\"");
        let lines = timeline
            .lines()
            .filter(|each| each.contains(&line) && each.contains("\"path\":\"/text\""));
        lines.count()
    };
    assert!(lines("request") >= 2, "{timeline}");
    assert_eq!(lines("request"), lines("response"), "{timeline}");
}

#[test]
fn a_restart_that_is_noticed_is_told_with_what_was_noticed() {
    let (market, said) = run("    When 50 GET \"/text\" per second are sent to shop as reads
    And shop is restarted
    Then no request of reads fails
");
    assert_eq!(said.code, Some(1), "{}", said.out);
    let told = market.steady(&said.out);
    for line in [
        "no request of reads fails (50 GET /text per second to shop)",
        "failed: no answer ×",
        "GET /text: no answer after TIME: the connection was refused",
        "around then:",
        "shop is told to stop",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
}

#[test]
fn one_that_nobody_asks_about_is_an_error_before_the_start() {
    let (_, said) = run("    When 50 GET \"/text\" per second are sent to shop as reads\n");
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    insta::assert_snapshot!(said.error, @r#"
    error: no step asks how the traffic `reads` went, so it would pass whatever came of it
     --> features/sale.feature:4:5
      |
    4 |     When 50 GET "/text" per second are sent to shop as reads
      |     ^
    hint: such as `Then no request of reads fails`

    2 files: 1 error
    "#);
}
