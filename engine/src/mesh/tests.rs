//! A whole mesh, and every mistake that can be made in one.

use super::*;
use std::time::Duration;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/foreign/mesh.yaml")
}

fn foreign() -> Mesh {
    Mesh::load(&[fixture()], &|_| None).unwrap_or_else(|errors| panic!("{}", shown(&errors)))
}

fn shown(errors: &[MeshError]) -> String {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// The mistakes in `text`, as the user reads them.
fn mistakes(text: &str) -> String {
    match Mesh::parse(text, Path::new("m.yaml")) {
        Ok(_) => String::new(),
        Err(errors) => shown(&errors),
    }
}

/// Writes files into a folder of their own and loads them as one mesh.
fn load(name: &str, files: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Mesh, String> {
    let folder = std::env::temp_dir().join(format!("momus-mesh-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let paths: Vec<PathBuf> = files.iter().map(|(file, _)| folder.join(file)).collect();
    for (path, (_, text)) in paths.iter().zip(files) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let value = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let mesh = Mesh::load(&paths, &value);
    std::fs::remove_dir_all(&folder).unwrap();
    mesh.map_err(|errors| shown(&errors).replace(&format!("{}/", folder.display()), ""))
}

#[test]
fn sandboxes_share_servers_unless_the_mesh_says_otherwise() {
    let mesh = "mesh: m\ndatastores:\n  one: { postgres: {} }\n  other: { postgres: {}, isolation: server }\n\
                brokers:\n  kafka: {}\n  red: { isolation: server }\n  panda: { isolation: data }\n";
    let mesh = Mesh::parse(mesh, Path::new("m.yaml")).unwrap();
    let of_datastore = |name: &str| mesh.datastores[name].isolation;
    assert_eq!(["one", "other"].map(of_datastore), [Isolation::Data, Isolation::Server]);
    let of_broker = |name: &str| mesh.brokers[name].isolation;
    let brokers = ["kafka", "red", "panda"].map(of_broker);
    assert_eq!(brokers, [Isolation::Data, Isolation::Server, Isolation::Data]);
}

#[test]
fn a_broker_has_one_node_unless_the_mesh_says_otherwise() {
    let mesh = "mesh: m\nbrokers:\n  kafka: {}\n  red: { nodes: 3 }\n";
    let mesh = Mesh::parse(mesh, Path::new("m.yaml")).unwrap();
    assert_eq!(["kafka", "red"].map(|name| mesh.brokers[name].nodes), [1, 3]);
}

#[test]
fn every_mesh_of_the_fixtures_loads() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let mut seen = 0;
    for entry in fixtures.read_dir().unwrap() {
        let file = entry.unwrap().path().join("mesh.yaml");
        if file.exists() {
            seen += 1;
            if let Err(errors) = Mesh::load(&[file], &|_| None) {
                panic!("{}", shown(&errors));
            }
        }
    }
    assert!(seen > 0);
}

#[test]
fn the_foreign_mesh_reads_as_it_is_written() {
    let mesh = foreign();
    let root = fixture().canonicalize().unwrap();
    let root = root.parent().unwrap();
    assert_eq!((mesh.name.as_str(), mesh.folder.as_path()), ("foreign", root));
    assert_eq!(mesh.bin.as_deref(), Some(root.join("bin").as_path()));
    let billing = &mesh.services["billing"];
    assert_eq!(billing.ports["http"], 8081);
    assert_eq!(billing.http_port(), Some("http"));
    assert_eq!(billing.settle, Some(Duration::from_millis(300)));
    assert_eq!(billing.stop_grace_period, Duration::from_secs(5));
    assert_eq!(mesh.services["shop"].stop_grace_period, Duration::from_secs(10));
    assert_eq!(billing.logs, Some(LogFormat::Ecs));
    assert_eq!(billing.consumes[0].value, "orders.v1");
    assert_eq!(billing.working_dir, root);
    let check = Healthcheck::Http {
        path: "/readyz".into(),
        port: Some("http".into()),
    };
    assert_eq!(billing.healthcheck.as_ref().unwrap().value, check);
    let Source::Command(command) = &billing.source else {
        panic!("billing is started")
    };
    let words: Vec<String> = command
        .iter()
        .map(|word| word.render(|reference| Ok::<_, ()>(reference.to_string())).unwrap())
        .collect();
    assert_eq!(words, ["${bin}/billing", "--port", "${port.http}"]);
    let Some(Located {
        value: Schema::Sql(files),
        ..
    }) = &mesh.datastores["billing-db"].schema
    else {
        panic!("billing-db has a schema")
    };
    assert_eq!(*files, [root.join("sql/billing/001_invoices.sql")]);
    assert_eq!(mesh.datastores["billing-db"].owner.as_ref().unwrap().value, "billing");
    assert_eq!(mesh.brokers["kafka"].topics["orders.v1"].partitions, 3);
    assert_eq!(mesh.partners["bank"].rules.value, root.join("partners/bank.yaml"));
}

#[test]
fn a_ledger_has_its_stages_in_their_order() {
    let mesh = foreign();
    let orders = &mesh.ledgers["orders"];
    let stages: Vec<&str> = orders.stages.keys().map(String::as_str).collect();
    assert_eq!(stages, ["placed", "published", "invoiced", "charged", "filed"]);
    assert_eq!(orders.first().map(|(name, _)| name), Some("placed"));
    assert_eq!(orders.suggest("invoicd"), Some("invoiced"));
    let filed = &orders.stages["filed"];
    assert_eq!(filed.key.as_ref().map(|key| key.as_str()), Some("$.order.customer"));
    let Site::Bucket { bucket, under, format } = &filed.site else {
        panic!("{:?}", filed.site)
    };
    assert_eq!(
        (bucket.as_str(), under.as_str(), *format),
        ("receipts", "orders/", ObjectFormat::Ndjson)
    );
    assert!(
        matches!(&orders.stages["placed"].site, Site::Request { path, in_request: false, .. } if path == "/orders")
    );
    let table = |site: &Site| matches!(site, Site::Table { table, order: Some(order), .. } if table == "invoices" && order == "created_at");
    assert!(table(&orders.stages["invoiced"].site));
}

#[test]
fn names_are_known_by_kind_and_nearly_known_ones_are_suggested() {
    let mesh = foreign();
    for (name, kind) in [
        ("shop", Kind::Service),
        ("billing-db", Kind::Datastore),
        ("kafka", Kind::Broker),
        ("orders.v1", Kind::Topic),
        ("receipts", Kind::Bucket),
        ("bank", Kind::Partner),
        ("orders", Kind::Ledger),
        ("statsd", Kind::BuiltIn),
    ] {
        assert_eq!(mesh.kind(name), Some(kind), "{name}");
    }
    assert_eq!(mesh.kind("warehouse"), None);
    assert_eq!(mesh.topic("orders.v1").unwrap().0, "kafka");
    let suggest = |name: &str, kinds: &[Kind]| mesh.suggest(name, kinds);
    assert_eq!(suggest("order.v1", &[Kind::Topic]).as_deref(), Some("orders.v1"));
    assert_eq!(suggest("biling", &[Kind::Service]).as_deref(), Some("billing"));
    assert_eq!(suggest("biling", &[Kind::Partner]), None);
}

#[test]
fn a_service_has_an_edge_to_what_it_depends_on_and_to_the_built_in_ones_that_it_names() {
    let mesh = foreign();
    assert_eq!(
        mesh.services["shop"].dependencies(),
        ["kafka", "billing", "receipts", "statsd"]
    );
    assert_eq!(mesh.services["billing"].dependencies(), ["billing-db", "kafka", "bank"]);
}

#[test]
fn a_service_starts_after_those_it_depends_on() {
    assert_eq!(foreign().start_order(), [vec!["billing"], vec!["shop"]]);
}

#[test]
fn later_files_override_earlier_ones_and_keep_their_own_places() {
    let base = "mesh: m\nbin: ${BIN:-a}\nservices:\n  shop: { command: [shop], environment: { A: 1, B: yes } }\n";
    let over = "bin: b\nservices:\n  shop: { environment: { B: \"${B}\", C: 0x1 } }\n";
    let files = [("mesh.yaml", base), ("sub/over.yaml", over)];
    let mesh = load("override", &files, &[("B", "set")]).unwrap();
    assert!(mesh.bin.unwrap().ends_with("sub/b"));
    let environment: Vec<(String, String)> = mesh.services["shop"]
        .environment
        .iter()
        .map(|(name, value)| {
            let value = value.render(|_| Err::<String, _>("no reference")).unwrap();
            (name.clone(), value)
        })
        .collect();
    let pairs = [("A", "1"), ("B", "set"), ("C", "0x1")];
    assert_eq!(environment, pairs.map(|(a, b)| (a.to_owned(), b.to_owned())));
    assert_eq!(
        load("unset", &files, &[]).unwrap_err(),
        "sub/over.yaml:3:30: variable `B` is not set\n  hint: set it, pass `--variable B=…`, or give a default: `${B:-…}`"
    );
}

#[test]
fn an_override_can_swap_a_started_service_for_a_served_one() {
    let base = "mesh: m\nservices: { shop: { command: [shop], ports: { http: 1 } } }\n";
    let over = "services: { shop: { command: null, ports: null, url: \"http://x\" } }\n";
    let mesh = load("swap", &[("a.yaml", base), ("b.yaml", over)], &[]).unwrap();
    assert!(matches!(&mesh.services["shop"].source, Source::Url(url) if url.value == "http://x"));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let errors = Mesh::load(&["/no/such/mesh.yaml".into()], &|_| None).unwrap_err();
    assert!(shown(&errors).starts_with("/no/such/mesh.yaml: cannot read it: "));
}

#[test]
fn missing_rules_and_sql_are_told_where_they_are_named() {
    let text = "mesh: m\ndatastores: { db: { postgres: { schema: { sql: no-sql } } } }\npartners: { bank: { rules: no.yaml } }\n";
    let told = load("missing", &[("mesh.yaml", text)], &[]).unwrap_err();
    assert!(told.starts_with("mesh.yaml:2:48: cannot read no-sql: "), "{told}");
    assert!(told.ends_with("\nmesh.yaml:3:28: no such file: no.yaml"), "{told}");
}

#[test]
fn an_empty_mesh_is_an_error() {
    for text in ["", "# nothing\n"] {
        assert!(
            mistakes(text).contains(": the mesh is empty\n"),
            "{text:?}: {}",
            mistakes(text)
        );
    }
    assert!(mistakes("mesh: m\nservices: {}\n").starts_with("m.yaml:1:1: the mesh is empty\n"));
    assert!(mistakes("brokers: { kafka: {} }\n").starts_with("m.yaml:1:1: the mesh has no name\n"));
}

#[test]
fn an_error_carries_its_source_line() {
    let errors = Mesh::parse("mesh: m\nbrokers: { kafka: { topic: {} } }\n", Path::new("m.yaml"));
    let errors = errors.unwrap_err();
    assert_eq!(errors[0].excerpt.as_deref(), Some("brokers: { kafka: { topic: {} } }"));
}

#[test]
fn secrets_have_their_values_of_the_run_and_those_of_services() {
    let text = "mesh: m\nservices:\n  shop: { command: [shop], environment: { KEY: '${KEY}', TOKEN: literal, OTHER: 'x' } }\nsecrets: [KEY, TOKEN, ABSENT]\nredact: [header X-Key, $.pin]\n";
    let mesh = load("secrets", &[("m.yaml", text)], &[("KEY", "open-sesame-7")]).unwrap();
    let values = |name: &str| -> Vec<&String> {
        let mut secrets = mesh.secrets.iter();
        secrets
            .find(|secret| secret.name.value == name)
            .unwrap()
            .values()
            .collect()
    };
    assert_eq!(values("KEY"), ["open-sesame-7"]);
    assert_eq!(values("TOKEN"), ["literal"]);
    assert!(values("ABSENT").is_empty());
    assert_eq!(mesh.redact.len(), 2);
    assert!(!format!("{:?}", mesh.secrets).contains("open-sesame"));
}

#[test]
fn a_mistake_does_not_tell_a_secret() {
    let text = "mesh: m\nbin: ${KEY}\nservices:\n  shop: { command: [shop], prots: '${KEY}' }\npartners: { bank: { rules: '${KEY}.yaml' } }\nsecrets: [KEY]\n";
    let told = load("told", &[("m.yaml", text)], &[("KEY", "open-sesame-7")]).unwrap_err();
    assert!(told.contains("***.yaml"), "{told}");
    assert!(!told.contains("open-sesame-7"), "{told}");
}

/// The file holds cases: a mesh without its first line, and what is said about it.
#[test]
fn every_mistake_is_told_at_its_place() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/mesh/mistakes.txt");
    let committed = std::fs::read_to_string(path).unwrap();
    let mut cases = committed.split("=====\n");
    let mut told = cases.next().unwrap().to_owned();
    for case in cases {
        let (text, _) = case.split_once("-----\n").unwrap();
        let said = mistakes(&format!("mesh: m\n{text}"));
        told += &format!("=====\n{text}-----\n{said}\n");
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &told).unwrap();
    }
    let differing = committed.lines().zip(told.lines()).find(|(a, b)| a != b);
    assert!(
        committed == told,
        "first difference, committed and told: {differing:#?}\nif it is meant, run `UPDATE=1 cargo test -p momus-engine mesh` and read the change"
    );
}
