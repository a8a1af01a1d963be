//! What `momus.toml` says, and its profiles.

use super::*;

fn read(text: &str) -> SettingsFile {
    SettingsFile::parse(text, NAME).unwrap()
}

fn with(text: &str, profiles: &[&str]) -> Result<SettingsFile, String> {
    let names: Vec<String> = profiles.iter().map(|name| (*name).to_owned()).collect();
    read(text).with_profiles(&names).map_err(|error| error.to_string())
}

#[test]
fn it_is_searched_upward_and_its_paths_are_seen_from_below() {
    let scratch = tempfile::tempdir().unwrap();
    let below = scratch.path().join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    let text = "mesh = \"mesh.yaml\"\nfeatures = [\"features\", \"more\"]\ndeadline = \"5 s\"\nparallel = 3\n[profile.ci]\nformat = [\"junit:out/junit.xml\", \"github\"]\n";
    std::fs::write(scratch.path().join(NAME), text).unwrap();
    let read = SettingsFile::find(&below)
        .unwrap()
        .with_profiles(&["ci".into()])
        .unwrap();
    assert_eq!(read.mesh, [PathBuf::from("../../mesh.yaml")]);
    assert_eq!(read.features, ["../../features", "../../more"].map(PathBuf::from));
    assert_eq!((read.deadline, read.timeout), (Some(Duration::from_secs(5)), None));
    assert_eq!(read.format, ["junit:../../out/junit.xml", "github"]);
    assert_eq!(
        SettingsFile::find(scratch.path()).unwrap().mesh,
        [PathBuf::from("mesh.yaml")]
    );
}

const PROFILES: &str = r#"
mesh = "mesh.yaml"
retry = 1
variables = { REGION = "eu", STAGE = "test" }

[profile.ci]
tags = "not @slow"
retry = 2
order = "random:7"
fail-on-flaky = true
format = "github"
variables = { REGION = "us" }

[profile.nightly]
retry = 0
broker = "real"
"#;

#[test]
fn a_profile_comes_before_what_stands_outside_and_a_later_one_before_an_earlier_one() {
    let plain = with(PROFILES, &[]).unwrap();
    assert_eq!((plain.retry, plain.fail_on_flaky, plain.tags), (Some(1), None, None));
    let ci = with(PROFILES, &["ci"]).unwrap();
    assert_eq!((ci.retry, ci.fail_on_flaky), (Some(2), Some(true)));
    assert_eq!((ci.order, ci.broker), (Some(OrderChoice::Random(Some(7))), None));
    assert_eq!(
        (ci.mesh, ci.format),
        (vec!["mesh.yaml".into()], vec!["github".to_owned()])
    );
    let variables: Vec<_> = ci
        .variables
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(variables, ["REGION=us", "STAGE=test"]);
    let both = with(PROFILES, &["ci", "nightly"]).unwrap();
    assert_eq!((both.retry, both.broker), (Some(0), Some(Broker::Real)));
    assert_eq!(both.fail_on_flaky, Some(true));
}

#[test]
fn a_profile_that_is_not_there_is_told_with_what_was_meant() {
    insta::assert_snapshot!(with(PROFILES, &["nightyl"]).unwrap_err(), @r"
    error: there is no profile `nightyl`
     --> momus.toml
    hint: did you mean `nightly`?
    ");
    insta::assert_snapshot!(with(PROFILES, &["production"]).unwrap_err(), @r"
    error: there is no profile `production`
     --> momus.toml
    hint: it has ci, nightly
    ");
    insta::assert_snapshot!(with("", &["ci"]).unwrap_err(), @r"
    error: there is no profile `ci`
     --> momus.toml
    hint: a table `[profile.ci]` makes one
    ");
    let without = SettingsFile::default().with_profiles(&["ci".into()]).unwrap_err();
    insta::assert_snapshot!(without, @r"
    error: there is no momus.toml here or above, which has profiles
     --> --profile ci
    ");
}

#[test]
fn what_it_cannot_say_is_told_on_its_line() {
    let told = |text: &str| SettingsFile::parse(text, NAME).unwrap_err().to_string();
    insta::assert_snapshot!(told("features = \"features\"\nmehs = \"mesh.yaml\"\n"), @r#"
    error: unknown key `mehs`
     --> momus.toml:2:1
      |
    2 | mehs = "mesh.yaml"
      | ^
    hint: did you mean `mesh`?
    "#);
    insta::assert_snapshot!(told("deadline = \"soon\"\n"), @r#"
    error: `soon` is no duration
     --> momus.toml:1:12
      |
    1 | deadline = "soon"
      |            ^
    hint: a number and a unit, such as `200 ms`, `5 seconds` or `2 minutes`
    "#);
    insta::assert_snapshot!(told("[profile.ci]\nretyr = 2\n"), @r"
    error: unknown key `retyr`
     --> momus.toml:2:1
      |
    2 | retyr = 2
      | ^
    hint: did you mean `retry`?
    ");
    for (text, message) in [
        ("broker = \"rabbit\"", "`rabbit` is no broker"),
        ("order = \"reverse\"", "`reverse` is no order"),
        ("tags = \"smoke\"", "`smoke` is no tag expression"),
        ("[profile.ci.profile.more]", "the profile `ci` has profiles of its own"),
        ("surplus = 1", "unknown key `surplus`"),
    ] {
        assert!(told(text).starts_with(&format!("error: {message}")), "{}", told(text));
    }
}
