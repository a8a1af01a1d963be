//! What `momus run` tells when something is wrong with the mesh: each message names what, where, and what helps.

mod market;
mod scratch;

use market::{SALE, market, mesh};
use scratch::{Said, Scratch};

/// The run of a market whose mesh is in error, and what it told, with what differs from run to run taken out.
fn told(market: &Scratch, arguments: &[&str]) -> (Said, String) {
    let said = market.momus(&[&["run", "--seed", "7"], arguments].concat());
    let text = market.steady(&said.out);
    (said, text)
}

#[test]
fn a_program_that_is_not_there() {
    let market = market(&mesh("", "", "").replace("python3, shop.py", "./shop"), SALE);
    let (said, text) = told(&market, &[]);
    assert_eq!(said.code, Some(3), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_build_that_fails() {
    let building = mesh("", "", "").replace(
        "    command:",
        "    build: echo 'cannot find shop.c' >&2; exit 2\n    command:",
    );
    let (said, text) = told(&market(&building, SALE), &[]);
    assert_eq!(said.code, Some(3), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_service_that_dies_at_its_start_is_shown_at_once_with_its_last_lines() {
    let (said, text) = told(&market(&mesh("dies", "", ""), SALE), &[]);
    assert_eq!(said.code, Some(3), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_service_that_is_never_ready() {
    let (said, text) = told(&market(&mesh("never-ready", "", ""), SALE), &["--timeout", "2s"]);
    assert_eq!(said.code, Some(3), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_schema_that_is_no_sql() {
    let market = market(
        &mesh(
            "",
            "",
            "datastores: { stock: { postgres: { schema: { sql: sql } } } }\n",
        ),
        SALE,
    );
    market.write(
        "sql/001_prices.sql",
        "CREATE TABLE prices (\n  sku text,\n  price numric\n);\n",
    );
    let (said, text) = told(&market, &[]);
    assert_eq!(said.code, Some(3), "{text}");
    let text = regex::Regex::new("postgres: .*")
        .unwrap()
        .replace(&text, "postgres: …")
        .into_owned();
    insta::assert_snapshot!(text);
}
