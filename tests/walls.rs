//! Walls, black box: services with everything built in, side by side, as root and as a user who is not.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod scratch;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use scratch::{Said, Scratch};

const MESH: &str = "\
mesh: fixed
services:
  shop:
    command: [python3, shop.py]
    environment: { DB_USER: '${edge.shop-db.user}', DB_PASSWORD: '${edge.shop-db.password}' }
    ports: { http: 8080 }
    depends_on: [kafka, shop-db]
    also_at: { shop-db: ['localhost:5432'] }
    healthcheck: { http: /readyz }
    settle: 50ms
datastores:
  shop-db: { postgres: { schema: { sql: schema.sql } }, owner: shop }
brokers:
  kafka: { topics: { sales.v1: {} } }
";

/// Eight scenarios that are one.
const FEATURE: &str = "\
Feature: a shop with everything built in
  Scenario Outline: sandbox <number> is alone
    Then GET \"/mine\" from shop has
      | $.visits | 1              |
      | $.file   | 1              |
      | $.files  | 0              |
      | $.broker | 1 127.77.0.3:9092 |
      | $.host   | shop           |
      | $.user   | USER           |
    And no service reaches beyond its edges
    Examples:
      | number |
      | 1 |
      | 2 |
      | 3 |
      | 4 |
      | 5 |
      | 6 |
      | 7 |
      | 8 |
";

fn shop(feature: &str) -> Scratch {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let read = |name: &str| fs::read_to_string(tests.join(name)).unwrap();
    Scratch::new(&[
        ("mesh.yaml", MESH),
        ("momus.toml", "mesh = \"mesh.yaml\"\n"),
        ("schema.sql", "CREATE TABLE visits (at timestamptz DEFAULT now());\n"),
        ("shop.py", &read("walls/shop.py")),
        ("postgres.py", &read("quiet/postgres.py")),
        ("features/shop.feature", feature),
    ])
}

/// Processes that the shop left behind.
fn left() -> usize {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| line.ends_with(b"sleep\x00602.75\x00")).count()
}

/// Runs as the user `nobody`, who may write nowhere but in the folder; this process must be root's.
fn as_nobody(scratch: &Scratch, arguments: &[&str]) -> Said {
    let folder = scratch.path();
    let momus = folder.join("momus");
    // Where it lies may be closed to others. Not copied by this process: a child that is being started beside it would have the
    // copy open for writing, and what is open so cannot be executed.
    let mut copied = Command::new("cp");
    assert!(
        copied
            .arg(env!("CARGO_BIN_EXE_momus"))
            .arg(&momus)
            .status()
            .unwrap()
            .success()
    );
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"])
        .arg(momus)
        .args(arguments)
        .current_dir(folder)
        .env("MOMUS_CACHE", folder.join("cache"))
        .env("HOME", folder)
        .env("NO_COLOR", "1")
        .env_remove("CI");
    Said::of(&command.output().unwrap())
}

/// Held by each test: what one shop's child left would be another's.
static MACHINE: Mutex<()> = Mutex::new(());

fn machine() -> MutexGuard<'static, ()> {
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

const RUN: [&str; 5] = ["run", "--parallel", "8", "--broker", "mock"];

/// All eight passed, within walls, and left nothing.
fn eight_passed(said: &Said) {
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.error);
    assert!(said.out.contains("8 scenarios: 8 passed"), "{}", said.out);
    assert!(!said.out.contains("without walls"), "{}", said.out);
    assert_eq!(left(), 0);
}

#[test]
fn eight_sandboxes_at_once_have_the_same_ports_and_leave_nothing() {
    let _machine = machine();
    let user = user();
    let said = shop(&FEATURE.replace("USER", &user)).momus(&RUN);
    eight_passed(&said);
}

#[test]
fn so_have_those_of_a_user_who_is_not_root() {
    let _machine = machine();
    if user() != "0" {
        // The test above is that.
        return;
    }
    let scratch = shop(&FEATURE.replace("USER", "65534"));
    let said = as_nobody(&scratch, &RUN);
    eight_passed(&said);
}

#[test]
fn what_is_dialled_beyond_is_told_and_fails_the_scenario() {
    let _machine = machine();
    let feature = "\
Feature: f
  Scenario: s
    Then GET \"/beyond\" from shop has
      | $.tried | [\"ConnectionRefusedError\", \"gaierror\"] |
    And no service reaches beyond its edges
";
    let said = shop(feature).momus(&RUN);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.error);
    for told in [
        "shop → 10.1.2.3:5432  refused: no edge of it leads there",
        "shop → api.example.com  not found: no edge of it has this name",
    ] {
        assert!(said.out.contains(told), "{told}\n{}", said.out);
    }
}

#[test]
fn a_static_program_that_dials_what_it_likes_reaches_its_edges_and_nothing_else() {
    let _machine = machine();
    let mesh = "\
mesh: dials
services:
  dialler:
    command: [./dialler]
    ports: { http: 8080 }
    depends_on: [bank]
    also_at: { bank: ['10.0.0.7:8443', 'bank.example.com:80'] }
    healthcheck: { http: /readyz }
    settle: 50ms
partners:
  bank: { rules: bank.yaml }
";
    let mut feature = "Feature: f\n".to_owned();
    let dials = [
        ("tcp", "bank:80", "connected", ""),
        ("tcp", "bank.example.com:80", "connected", ""),
        ("tcp", "10.0.0.7:8443", "connected", ""),
        (
            "tcp",
            "10.0.0.7:5432",
            "refused",
            "10.0.0.7:5432  refused: no edge of it leads there",
        ),
        (
            "tcp",
            "[2001:db8::1]:443",
            "refused",
            "[2001:db8::1]:443  refused: no edge of it leads there",
        ),
        (
            "udp",
            "192.0.2.7:8125",
            "refused",
            "192.0.2.7:8125  a datagram, lost: no edge of it leads there",
        ),
        (
            "tcp",
            "api.example.com:443",
            "not found",
            "api.example.com  not found: no edge of it has this name",
        ),
    ];
    for (network, address, comes_to, _) in dials {
        feature.push_str(&format!(
            "  Scenario: {address}\n    Then GET \"/dial?network={network}&address={address}\" from dialler has\n      | $.it | {comes_to} |\n    And no service reaches beyond its edges\n"
        ));
    }
    let scratch = dialler(mesh, &feature);
    let said = scratch.momus(&["run", "--parallel", "4"]);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.error);
    assert!(said.out.contains("7 scenarios: 3 passed, 4 failed"), "{}", said.out);
    for (_, _, _, told) in dials.iter().filter(|(_, _, _, told)| !told.is_empty()) {
        let seen = format!("last seen: dialler → {told}");
        assert!(said.out.contains(&seen), "{seen}\n{}", said.out);
    }
}

/// A mesh whose services are a static program that dials what it is asked to.
fn dialler(mesh: &str, feature: &str) -> Scratch {
    let scratch = Scratch::new(&[
        ("momus.toml", "mesh = \"mesh.yaml\"\n"),
        ("mesh.yaml", mesh),
        ("bank.yaml", "routes: []\n"),
        ("dialler.go", include_str!("walls/dialler.go")),
        ("features/dials.feature", feature),
    ]);
    let mut build = Command::new("go");
    build
        .args(["build", "-o", "dialler", "dialler.go"])
        .current_dir(scratch.path());
    let built = build.env("CGO_ENABLED", "0").output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    scratch
}

#[test]
fn a_dependency_that_is_down_and_a_refusal_are_a_closed_port() {
    let _machine = machine();
    let mesh = "\
mesh: dials
services:
  shop: &dialler
    command: [./dialler]
    ports: { http: 8080 }
    healthcheck: { http: /readyz }
    settle: 50ms
  dialler:
    <<: *dialler
    depends_on: [shop, bank]
partners:
  bank: { rules: bank.yaml }
";
    let feature = "\
Feature: f
  Scenario: a service is down
    Then GET \"/dial?network=tcp&address=shop:9080\" from dialler has
      | $.it | connected |
    When shop is killed
    Then GET \"/dial?network=tcp&address=shop:8080\" from dialler eventually has
      | $.it | refused |
    When shop is started
    Then GET \"/dial?network=tcp&address=shop:8080\" from dialler eventually has
      | $.it | connected |

  Scenario: a fault
    Given connections from dialler to bank are refused
    Then GET \"/dial?network=tcp&address=bank:80\" from dialler eventually has
      | $.it | refused |
    And the refusal from dialler to bank has struck
    When every fault is healed
    Then GET \"/dial?network=tcp&address=bank:80\" from dialler eventually has
      | $.it | connected |
";
    let said = dialler(mesh, feature).momus(&["run"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.error);
    assert!(said.out.contains("2 scenarios: 2 passed"), "{}", said.out);
}

#[test]
fn without_walls_it_is_said_and_what_needs_them_is_refused() {
    let _machine = machine();
    let asks = "Feature: f\n  Scenario: s\n    Then GET \"/\" from shop has\n      | status | 200 |\n";
    let without = ["run", "--no-walls", "--broker", "mock"];
    let scratch = shop(asks);
    let said = scratch.momus(&without);
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.error);
    let told = "shop finds a dependency at localhost:5432 (mesh.yaml:8:26), which needs walls: as `--no-walls` says";
    assert!(said.out.contains(told), "{}", said.out);
    let hint = "only host names of what speaks HTTP need no walls";
    assert!(said.out.contains(hint), "{}", said.out);

    let mesh = MESH.replace("    also_at: { shop-db: ['localhost:5432'] }\n", "");
    scratch.write("mesh.yaml", &mesh);
    let beyond = "    And no service reaches beyond its edges\n";
    scratch.write("features/shop.feature", &format!("{asks}{beyond}"));
    let said = scratch.momus(&without);
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.error);
    let told = "`And no service reaches beyond its edges` needs walls: as `--no-walls` says";
    assert!(said.out.contains(told), "{}", said.out);

    // A service that listens where it is told to.
    let shop = scratch.read("shop.py");
    let shop = shop.replace("(\"\", 8080)", "(\"127.0.0.1\", int(os.environ[\"PORT\"]))");
    scratch.write("shop.py", &shop);
    let mesh = mesh.replace("environment: {", "environment: { PORT: '${port.http}',");
    // What speaks HTTP is found under a host name all the same.
    let depends = "depends_on: [kafka, shop-db, bank]\n    also_at: { bank: ['api.bank.example:443'] }";
    let mesh = mesh.replace("depends_on: [kafka, shop-db]", depends);
    let mesh = mesh.replace(
        "brokers:\n",
        "partners: { bank: { rules: bank.yaml, tls: true } }\nbrokers:\n",
    );
    scratch.write("bank.yaml", "routes: []\n");
    scratch.write("mesh.yaml", &mesh);
    scratch.write("features/shop.feature", asks);
    let said = scratch.momus(&without);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.error);
    let told = "services run without walls: as `--no-walls` says";
    assert!(said.out.contains(told), "{}", said.out);
    assert_eq!(left(), 0);
}

/// Who runs this test.
fn user() -> String {
    let id = Command::new("id").arg("-u").output().unwrap();
    String::from_utf8(id.stdout).unwrap().trim().to_owned()
}
