//! The direction of the layout: which crate may know which.

use std::collections::BTreeMap;

/// Each crate with those of ours that it may know; siblings never know each other.
const MAY_KNOW: [(&str, &[&str]); 9] = [
    ("momus-gherkin", &[]),
    ("momus-engine", &["momus-gherkin"]),
    ("momus-proxies", &["momus-gherkin", "momus-engine"]),
    ("momus-environments", &["momus-engine", "momus-proxies"]),
    ("momus-steps", &["momus-gherkin", "momus-engine", "momus-proxies"]),
    ("momus-faults", &["momus-gherkin", "momus-engine", "momus-proxies"]),
    ("momus-reports", &["momus-gherkin", "momus-engine"]),
    ("olympus", &[]),
    (
        "momus",
        &[
            "momus-gherkin",
            "momus-engine",
            "momus-environments",
            "momus-proxies",
            "momus-reports",
            "momus-steps",
            "momus-faults",
        ],
    ),
];

#[test]
fn no_crate_knows_one_that_stands_above_or_beside_it() {
    let metadata = cargo_metadata::MetadataCommand::new()
        .no_deps()
        .exec()
        .expect("cargo metadata answers");
    let may_know: BTreeMap<_, _> = MAY_KNOW.into_iter().collect();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let allowed = may_know
            .get(name)
            .unwrap_or_else(|| panic!("{name} has no place in the layout: add it to MAY_KNOW"));
        for dependency in package.dependencies.iter().map(|dependency| dependency.name.as_str()) {
            if may_know.contains_key(dependency) {
                assert!(allowed.contains(&dependency), "{name} must not depend on {dependency}");
            }
        }
    }
    assert_eq!(
        metadata.packages.len(),
        MAY_KNOW.len(),
        "MAY_KNOW names a crate that is not there"
    );
}

#[test]
fn the_olympian_names_occur_in_no_crate() {
    const NAMES: [&str; 12] = [
        "iris",
        "mnemosyne",
        "chronos",
        "hermes",
        "zeus",
        "janus",
        "kali",
        "vulcan",
        "plutus",
        "minerva",
        "amplitude",
        "olympus",
    ];
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut read = 0;
    for folder in [
        "src",
        "gherkin/src",
        "engine",
        "environments",
        "proxies",
        "reports",
        "steps",
        "faults",
    ] {
        let mut folders = vec![root.join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in folder
                .read_dir()
                .expect("the folder is there")
                .map(|entry| entry.expect("it can be read").path())
            {
                if entry.is_dir() {
                    folders.push(entry);
                    continue;
                }
                let text = std::fs::read_to_string(&entry)
                    .expect("sources are text")
                    .to_lowercase();
                let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
                for name in NAMES {
                    assert!(!words.contains(&name), "{}: names {name}", entry.display());
                }
                read += 1;
            }
        }
    }
    assert!(read > 10, "only {read} files were read");
}
