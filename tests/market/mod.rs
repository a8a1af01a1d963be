//! A mesh of one service of a few lines, for the tests of the binary.
#![allow(dead_code, reason = "each test uses a part")]

use crate::scratch::Scratch;

const SHOP: &str = include_str!("shop.py");

/// The market's mesh file: a shop in this mood, and what else is declared.
pub fn mesh(mood: &str, of_shop: &str, more: &str) -> String {
    format!(
        "\
mesh: market
services:
  shop:
    command: [python3, shop.py]
    environment: {{ PORT: '${{port.http}}', MOOD: '{mood}'{of_shop} }}
    ports: {{ http: 8080 }}
    healthcheck: {{ http: /readyz }}
{more}"
    )
}

/// The market with this feature's steps in one scenario.
pub fn market(mesh: &str, steps: &str) -> Scratch {
    let feature = format!("Feature: the market\n\n  Scenario: a sale\n{steps}");
    Scratch::new(&[
        ("mesh.yaml", mesh),
        ("shop.py", SHOP),
        ("features/sale.feature", &feature),
        ("momus.toml", "mesh = \"mesh.yaml\"\n"),
    ])
}

/// A sale that passes.
pub const SALE: &str = "    When I send POST \"/orders\" to shop as order\n      | $.amount | 12.5 |\n    Then the response has\n      | status | 202 |\n      | $.id   | o-1 |\n";
