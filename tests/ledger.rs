//! A ledger over a mesh of processes, black box: what a shop that forgets or doubles is told.

mod market;
mod scratch;

use market::{market, mesh};
use scratch::Said;

const BANK: &str = "routes:\n  - { method: POST, path: /charges, answers: [{ answer: { status: 201 } }] }\n";

const SALES: &str = "    When I send 6 POST \"/orders\" to shop
      | $.id       | o-${ordinal} |
      | $.customer | ada          |
    Then every order in ledger orders is eventually charged exactly once, in order per key
";

fn run(mood: &str) -> Said {
    let more = "    depends_on: [bank]
    settle: 200ms
partners: { bank: { rules: bank.yaml } }
ledgers:
  orders:
    placed: { request: POST /orders, of: shop, in: request, id: $.id, key: $.customer }
    charged: { partner: bank, id: $.order }
";
    let market = market(&mesh(mood, ", BANK: '${edge.bank}'", more), SALES);
    market.write("bank.yaml", BANK);
    let said = market.momus(&["run", "--seed", "7"]);
    Said {
        out: market.steady(&said.out),
        ..said
    }
}

/// What is said of the expectation.
fn told(said: &Said) -> String {
    assert_eq!(said.code, Some(1), "{}", said.out);
    let from = said.out.find("  expected:").unwrap_or_default();
    let to = said.out.find("    looks:").unwrap_or(said.out.len());
    said.out[from..to].trim_end().to_owned()
}

#[test]
fn what_comes_once_and_in_order_passes() {
    let said = run("");
    assert_eq!(said.code, Some(0), "{}", said.out);
}

#[test]
fn what_is_forgotten_is_missing_and_what_is_doubled_is_told() {
    insta::assert_snapshot!(told(&run("forgets")), @r"
    expected:  ledger orders: every order charged exactly once, in order per key
      last seen: ledger orders: 6 placed, 5 of them charged
                   missing, 1: o-4
                 o-4: placed TIME (POST /orders 202), not charged
    ");
    insta::assert_snapshot!(told(&run("doubles")), @r"
    expected:  ledger orders: every order charged exactly once, in order per key
      last seen: ledger orders: 6 placed, 6 of them charged
                   doubled, 3: o-2 (2 times), o-4 (2 times), o-6 (2 times)
                 o-2: placed TIME (POST /orders 202), charged 2 times: TIME (POST /charges 201) and TIME (POST /charges 201)
                 o-4: placed TIME (POST /orders 202), charged 2 times: TIME (POST /charges 201) and TIME (POST /charges 201)
                 o-6: placed TIME (POST /orders 202), charged 2 times: TIME (POST /charges 201) and TIME (POST /charges 201)
    ");
}
