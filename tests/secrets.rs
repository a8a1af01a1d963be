//! Secrets, black box: no output of a run tells them, in whatever form a service does.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod scratch;

use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use scratch::{Said, Scratch};

/// A value with what JSON, URLs and shells write otherwise.
const TOKEN: &str = "s3cr\"et/+ wört&7=x";
/// A value that the mesh itself writes down.
const KEY: &str = "key-in-the-mesh-42";
/// What stands at places that are always secret, or are by the mesh's word.
const AT_PLACES: [&str; 4] = [
    "token-of-the-client",
    "cookie-of-the-session",
    "4111-2222-3333",
    "api-key-of-the-bank",
];

const MESH: &str = "\
mesh: leaky
services:
  shop:
    build: echo \"building with $TOKEN\"
    command: [python3, shop.py]
    environment: { PORT: '${port.http}', TOKEN: '${TOKEN}', KEY: key-in-the-mesh-42, BANK: '${edge.bank}' }
    ports: { http: 8080 }
    depends_on: [bank]
    healthcheck: { http: /readyz }
partners: { bank: { rules: bank.yaml } }
secrets: [KEY]
redact: [header x-api-key, $.card.number]
";

const BANK: &str = "\
routes:
  - method: POST
    path: /charges
    answers: [{ answer: { status: 201, json: { status: accepted } } }]
";

const FEATURE: &str = "\
Feature: leaks

  Scenario: a leak of key-in-the-mesh-42
    When I send GET \"/leak?token=${TOKEN}\" to shop
      | header authorization | Bearer token-of-the-client |
      | header x-own         | ${TOKEN}                   |
    Then the response has
      | $.forms            | ${TOKEN}           |
      | $.card.number      | 0                  |
      | header set-cookie  | none               |
    And the response has
      | $.forms[0] | key-in-the-mesh-42 |
    And partner bank receives no calls
      | header authorization | #present |
";

/// The leaky mesh with this feature.
fn leaky(feature: &str) -> Scratch {
    Scratch::new(&[
        ("mesh.yaml", MESH),
        ("bank.yaml", BANK),
        ("shop.py", include_str!("leaky/shop.py")),
        ("features/leaks.feature", feature),
        ("momus.toml", "mesh = \"mesh.yaml\"\n"),
    ])
}

fn command(scratch: &Scratch, arguments: &[&str]) -> Command {
    let mut command = scratch.command(arguments);
    let cache = scratch.path().join("cache");
    command.env("TOKEN", TOKEN).env("MOMUS_CACHE", cache);
    command
}

/// The forms in which a text would tell a value.
fn forms(value: &str) -> Vec<String> {
    let json = serde_json::json!(value).to_string();
    let ascii: String = value
        .chars()
        .map(|c| match c {
            '"' => "\\\"".to_owned(),
            c if c.is_ascii() => c.to_string(),
            c => format!("\\u{:04x}", c as u32),
        })
        .collect();
    let percent: String = value
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect();
    let mut forms = vec![
        value.to_owned(),
        json.trim_matches('"').to_owned(),
        ascii,
        percent.replace("%20", "+"),
        percent.to_lowercase(),
        percent,
        STANDARD.encode(value),
        URL_SAFE_NO_PAD.encode(value),
    ];
    // The digits that the value alone decides, behind nothing, one byte or two.
    for before in 0..3 {
        let encoded = STANDARD.encode([&vec![b'x'; before], value.as_bytes()].concat());
        let decided = (before * 8).div_ceil(6)..(before + value.len()) * 8 / 6;
        forms.push(encoded[decided].to_owned());
    }
    forms
}

/// Every file below a folder, with its text.
fn files(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            found.push((path.display().to_string(), text));
        }
    }
}

/// Looks for the values in all that a run wrote: standard output and error, its report's folder, the formats.
fn assert_untold(scratch: &Scratch, said: &Said, values: &[&str]) -> Vec<(String, String)> {
    let mut artefacts = vec![
        ("standard output".to_owned(), said.out.clone()),
        ("standard error".to_owned(), said.error.clone()),
    ];
    for folder in ["momus-report", "out"] {
        files(&scratch.path().join(folder), &mut artefacts);
    }
    for (name, text) in &artefacts {
        for form in values.iter().flat_map(|value| forms(value)) {
            let told = text.lines().find(|line| line.contains(&form));
            assert!(told.is_none(), "{name} tells `{form}`: {}", told.unwrap_or_default());
        }
    }
    artefacts
}

const FORMATS: [&str; 8] = [
    "--format",
    "junit:out/junit.xml",
    "--format",
    "cucumber-json:out/cucumber.json",
    "--format",
    "timeline:out/timeline.ndjson",
    "--format",
    "github",
];

#[test]
fn no_artefact_of_a_failing_run_tells_a_secret() {
    let scratch = leaky(FEATURE);
    let copy = format!("COPY={TOKEN}");
    let flags = [
        &[
            "run",
            "--seed",
            "7",
            "--secret",
            "TOKEN",
            "--variable",
            &copy,
            "--retry",
            "1",
        ],
        &FORMATS[..],
    ]
    .concat();
    let mut command = command(&scratch, &flags);
    command.env("GITHUB_STEP_SUMMARY", scratch.path().join("out/summary.md"));
    std::fs::create_dir(scratch.path().join("out")).unwrap();
    let said = Said::of(&command.output().unwrap());
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.error);
    let values = [&[TOKEN, KEY], &AT_PLACES[..]].concat();
    let artefacts = assert_untold(&scratch, &said, &values);
    // Everything that would tell them was written.
    let named = |part: &str| -> String {
        let of_part = artefacts.iter().filter(|(name, _)| name.contains(part));
        of_part.map(|(_, text)| text.as_str()).collect()
    };
    for part in [
        "standard output",
        "junit.xml",
        "cucumber.json",
        "out/timeline.ndjson",
        "momus-report/timeline.ndjson",
        "summary.md",
        "shop.log",
    ] {
        assert!(named(part).contains("***"), "{part}: {}", named(part));
    }
    assert!(
        named("shop.log").contains("authorization was ***"),
        "{}",
        named("shop.log")
    );
    assert!(
        named("out/timeline.ndjson").contains("\"x-api-key\",\"***\""),
        "{}",
        named("out/timeline.ndjson")
    );
    // By name, never by value.
    let again = "run it again: momus run --variable 'COPY=***' --secret TOKEN features/leaks.feature:3 --seed 7";
    assert!(said.out.contains(again), "{}", said.out);
    assert!(said.out.contains("a leak of ***"), "{}", said.out);
}

#[test]
fn a_build_that_fails_and_files_in_error_tell_no_secret() {
    let scratch = leaky(FEATURE);
    scratch.write(
        "mesh.yaml",
        &MESH.replace("building with $TOKEN\"", "building with $TOKEN\"; exit 1"),
    );
    let flags = [&["run", "--secret", "TOKEN"], &FORMATS[..6]].concat();
    let said = Said::of(&command(&scratch, &flags).output().unwrap());
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.error);
    assert!(said.out.contains("building with ***"), "{}", said.out);
    assert_untold(&scratch, &said, &[TOKEN, KEY]);
    let wrong = FEATURE.replace(
        "the response has\n      | $.forms[0]",
        "the answer has\n      | $.forms[0]",
    );
    scratch.write(
        "features/leaks.feature",
        &wrong.replace("Then the", "Then key-in-the-mesh-42 and the"),
    );
    scratch.write("mesh.yaml", MESH);
    let said = Said::of(&command(&scratch, &flags).output().unwrap());
    assert_eq!(said.code, Some(2), "{}{}", said.out, said.error);
    assert_untold(&scratch, &said, &[TOKEN, KEY]);
    scratch.write(
        "mesh.yaml",
        &MESH.replace("depends_on", "key-in-the-mesh-42: ${TOKEN}\n    depends_on"),
    );
    let said = Said::of(&command(&scratch, &flags).output().unwrap());
    assert_eq!(said.code, Some(2), "{}{}", said.out, said.error);
    assert_untold(&scratch, &said, &[TOKEN, KEY]);
}

#[test]
fn a_secret_of_several_lines_comes_from_a_file() {
    let scratch = leaky(
        "Feature: f\n  Scenario: s\n    When I send GET \"/leak\" to shop\n    Then the response has\n      | status | 201 |\n",
    );
    let key = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA7\n-----END KEY-----";
    scratch.write("token.pem", &format!("{key}\n"));
    let mut command = command(
        &scratch,
        &[&["run", "--secret", "TOKEN=@token.pem"], &FORMATS[..6]].concat(),
    );
    command.env_remove("TOKEN");
    let said = Said::of(&command.output().unwrap());
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.error);
    assert_untold(&scratch, &said, &["MIIEowIBAAKCAQEA7", key]);
    assert!(said.out.contains("--secret TOKEN=@token.pem"), "{}", said.out);
}

#[test]
fn what_cannot_be_a_secret_is_refused_and_not_told() {
    let scratch = leaky(FEATURE);
    for (secret, message) in [
        ("ABSENT", "the environment has no secret `ABSENT`"),
        (
            "SHORT",
            "the secret `SHORT` is too short: it has 3 characters, and a secret has at least 4",
        ),
        (
            "TOKEN=open-sesame-7",
            "the value of the secret `TOKEN` stands on the command line",
        ),
    ] {
        let mut command = command(&scratch, &["run", "--secret", secret]);
        let said = Said::of(&command.env("SHORT", "x7z").output().unwrap());
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
        assert!(said.error.starts_with(&format!("error: {message}")), "{}", said.error);
        assert!(
            !said.error.contains("x7z") && !said.error.contains("open-sesame"),
            "{}",
            said.error
        );
    }
    scratch.write("mesh.yaml", &MESH.replace("KEY: key-in-the-mesh-42", "KEY: x7z"));
    let said = Said::of(&command(&scratch, &["check", "--secret", "TOKEN"]).output().unwrap());
    assert_eq!(said.code, Some(2), "{}", said.out);
    assert!(
        said.error.contains("the secret `KEY` of service `shop` is too short"),
        "{}",
        said.error
    );
}
