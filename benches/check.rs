//! How long `momus check` takes over 10,000 scenarios: `just bench-check`.
//!
//! Writes features about the foreign mesh into a temporary folder, lets the release binary check them several times, and
//! prints the median: first in sentences of the vocabulary alone, then with phrases that begin with a placeholder, which
//! have to be compared with every sentence there is. It judges nothing: how fast a machine is, and what else runs on it,
//! is not the program's doing.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const FILES: usize = 200;
/// Scenarios of a file, a third of them rows of an outline.
const SCENARIOS: usize = 50;
const ROWS: usize = 17;
const STEPS: usize = 5;
const RUNS: usize = 11;

fn main() -> Result<(), Box<dyn Error>> {
    let scenarios = FILES * SCENARIOS;
    for phrases in [false, true] {
        let folder = tempfile::tempdir()?;
        let size = write(folder.path(), phrases)?;
        let said = if phrases { "with phrases" } else { "without phrases" };
        println!(
            "{scenarios} scenarios of {STEPS} steps {said} in {FILES} files, {} KB",
            size / 1000
        );
        let mut times = Vec::new();
        for _ in 0..RUNS {
            times.push(check(folder.path(), scenarios)?);
        }
        times.sort_unstable();
        let median = times[RUNS / 2];
        println!(
            "median of {RUNS} runs {median:.0?} ({:.0?} to {:.0?}), {:.0} scenarios per second",
            times[0],
            times[RUNS - 1],
            scenarios as f64 / median.as_secs_f64()
        );
    }
    Ok(())
}

/// Writes mesh and features into a folder. How many bytes the features have.
fn write(folder: &Path, phrases: bool) -> Result<usize, Box<dyn Error>> {
    let foreign = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/foreign");
    for name in ["mesh.yaml", "partners/bank.yaml", "sql/billing/001_invoices.sql"] {
        let to = folder.join(name);
        fs::create_dir_all(to.parent().unwrap_or(folder))?;
        fs::copy(foreign.join(name), to)?;
    }
    let features = folder.join("features");
    fs::create_dir_all(features.join("steps"))?;
    if phrases {
        fs::write(features.join("steps/orders.feature"), PHRASES)?;
    }
    let mut size = 0;
    for file in 0..FILES {
        let text = feature(file, phrases)?;
        size += text.len();
        fs::write(features.join(format!("district-{file:03}.feature")), text)?;
    }
    Ok(size)
}

/// The phrases that the scenarios call.
const PHRASES: &str = "Feature: orders in a team's own words

  @phrase
  Scenario: <who> orders <what> for <amount> as <order>
    When I send POST \"/orders\" to shop as <order>
      | $.customer | <who>    |
      | $.sku      | <what>   |
      | $.amount   | <amount> |

  @phrase
  Scenario: <order> is charged once
    Then partner bank eventually receives exactly 1 call
      | $.order | ${<order>.id} |

  @phrase
  Scenario: an order of <what> in district <district>
    When I send POST \"/districts/<district>/orders\" to shop
      | $.sku   | <what> |
      | <table> |        |
";

/// How long one `check` takes, from its start to its end.
fn check(folder: &Path, scenarios: usize) -> Result<Duration, Box<dyn Error>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_momus"));
    command
        .args(["check", "-f", "mesh.yaml"])
        .current_dir(folder)
        .stdin(Stdio::null());
    let began = Instant::now();
    let output = command.output()?;
    let took = began.elapsed();
    let said = String::from_utf8_lossy(&output.stdout);
    if !said.contains(&format!("{scenarios} scenarios, no error")) {
        let error = String::from_utf8_lossy(&output.stderr);
        let first: Vec<&str> = error.lines().take(20).collect();
        return Err(format!("`momus check` said {said}{}", first.join("\n")).into());
    }
    Ok(took)
}

/// A file as a team might have it: single scenarios, and an outline with its rows.
fn feature(file: usize, phrases: bool) -> Result<String, std::fmt::Error> {
    let mut text =
        format!("# Written for a benchmark.\n@orders @district-{file}\nFeature: orders of district {file}\n\n");
    for number in 0..SCENARIOS - ROWS {
        match number % 3 {
            0 if phrases => told(&mut text, file, number)?,
            0 => accepted(&mut text, file, number)?,
            1 => charged(&mut text, file, number)?,
            _ => faulty(&mut text, file, number)?,
        }
    }
    text.push_str("  Scenario Outline: <count> orders of <amount> are told once each\n");
    text.push_str("    When I send <count> POST \"/orders\" to shop as last\n      | $.amount | <amount> |\n");
    text.push_str("    Then every response has\n      | status | 202 |\n");
    text.push_str(
        "    And topic orders.v1 eventually has exactly <count> records, and no other\n      | $.amount | <amount> |\n",
    );
    text.push_str("    And partner bank eventually receives exactly <count> calls\n      | $.amount | <amount> |\n");
    text.push_str("    And GET \"/orders/${last.id}\" from shop eventually has within <limit> seconds\n      | status | 200 |\n\n");
    text.push_str("    Examples:\n      | count | amount | limit |\n");
    for row in 0..ROWS {
        writeln!(text, "      | {} | {}.50 | {} |", row + 2, file + row, row % 5 + 1)?;
    }
    Ok(text)
}

/// A scenario in the words of `PHRASES`.
fn told(text: &mut String, file: usize, number: usize) -> std::fmt::Result {
    writeln!(
        text,
        "  Scenario: order {file}-{number} in a team's own words
    Given an order of sku-{number} in district {file}
      | $.amount | 1.50 |
    When customer-{number} orders sku-{file} for {number}.50 as order
    Then the response has
      | status | 202 |
    And order is charged once
    And topic invoices.v1 eventually has exactly 1 record
      | $.order | ${{order.id}} |
"
    )
}

fn accepted(text: &mut String, file: usize, number: usize) -> std::fmt::Result {
    writeln!(
        text,
        "  @smoke
  Scenario: order {file}-{number} is accepted and told
    When I send POST \"/districts/{file}/orders\" to shop as order
      | $.customer.email       | ${{fake.email}} |
      | $.lines[0].sku         | sku-{number}    |
      | $.lines[0].amount      | {number}.50     |
      | header idempotency-key | ${{uuid}}       |
    Then the response has
      | status | 202   |
      | $.id   | #uuid |
    And topic orders.v1 eventually has exactly 1 record, and no other
      | key               | ${{order.id}} |
      | $.lines[0].amount | {number}.50   |
    And GET \"/orders/${{order.id}}\" from shop eventually has
      | status  | 200      |
      | $.state | accepted |
    And the records in topic orders.v1 are eventually in order of \"$.number\" per key
"
    )
}

fn charged(text: &mut String, file: usize, number: usize) -> std::fmt::Result {
    writeln!(
        text,
        "  Scenario: order {file}-{number} is charged
    Given partner bank answers POST \"/charges\" with 201
    When I send POST \"/customers/{number}/orders\" to shop as order
      | $.amount | {file}.25 |
      # The bank's own rounding.
      | $.rate   | 1.{number} |
    Then partner bank eventually receives exactly 1 call within {} seconds
      | $.order | ${{order.id}} |
    And topic invoices.v1 eventually has exactly 1 record
      | $.order | ${{order.id}} |
    And GET \"/invoices?district={file}\" from billing eventually has
      | status | 200 |
",
        number % 9 + 1
    )
}

fn faulty(text: &mut String, file: usize, number: usize) -> std::fmt::Result {
    writeln!(
        text,
        "  Scenario: order {file}-{number} outlives a bank that is down
    Given the first {} POST \"/charges\" from billing to bank are answered 503
    When I send {} POST \"/orders\" to shop
      \"\"\"json
      {{\"district\": {file}, \"amount\": {number}, \"id\": \"${{uuid}}\"}}
      \"\"\"
    And billing is restarted
    Then billing is eventually ready within {} seconds
    And partner bank eventually receives at least {} calls
",
        number % 4 + 2,
        number % 7 + 2,
        number % 20 + 5,
        number % 4 + 3
    )
}
