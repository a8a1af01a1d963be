//! Compares this parser with the official test data: `testdata FOLDER`, where FOLDER is `testdata/`
//! of github.com/cucumber/gherkin, with its `good` and `bad`. Of good files the syntax tree and the
//! pickles must be equal, of bad ones the number, order, lines and columns of the errors.
//! Exits 1 on a difference, and 2 if there is nothing to compare.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use momus_gherkin::{parse, pickles};
use serde_json::{Value, json};

type Fallible<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("error: no folder\nhint: cargo run -p momus-gherkin --example testdata -- FOLDER");
        return ExitCode::from(2);
    };
    match compare(Path::new(&folder)) {
        Ok((files, wrong)) => {
            println!("{files} files: {} right", files - wrong);
            ExitCode::from(u8::from(wrong > 0))
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Compares all files: how many there are, and how many are wrong.
fn compare(folder: &Path) -> Fallible<(usize, usize)> {
    let (mut files, mut wrong) = (0, 0);
    for (kind, check) in [("good", good as fn(&Path) -> Fallible<Vec<String>>), ("bad", bad)] {
        let features = features(&folder.join(kind))?;
        files += features.len();
        for path in features {
            let differences = check(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            wrong += usize::from(!differences.is_empty());
            for difference in differences {
                println!("{}: {difference}", path.display());
            }
        }
    }
    Ok((files, wrong))
}

/// The features of a folder, by name.
fn features(folder: &Path) -> Fallible<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "feature") {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(format!("{}: no file ends in .feature", folder.display()).into());
    }
    Ok(paths)
}

/// The lines of the file beside a feature.
fn beside(feature: &Path, suffix: &str) -> Fallible<Vec<Value>> {
    let path = PathBuf::from(format!("{}.{suffix}", feature.display()));
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    Ok(lines.map(serde_json::from_str).collect::<Result<_, _>>()?)
}

fn good(feature: &Path) -> Fallible<Vec<String>> {
    let document = match parse(&fs::read_to_string(feature)?) {
        Ok(document) => document,
        Err(errors) => return Ok(errors.iter().map(ToString::to_string).collect()),
    };
    let trees = beside(feature, "ast.ndjson")?;
    let uri = trees.first().and_then(|tree| tree["gherkinDocument"]["uri"].as_str());
    let uri = uri.ok_or("the tree has no uri")?;
    let mut tree = serde_json::to_value(&document)?;
    tree["uri"] = json!(uri);
    let mut differences = differences("tree", &[json!({ "gherkinDocument": tree })], &trees);
    let found = pickles(&document, uri);
    let found = found
        .iter()
        .map(|pickle| Ok(json!({ "pickle": serde_json::to_value(pickle)? })));
    let found = found.collect::<Fallible<Vec<_>>>()?;
    differences.extend(self::differences(
        "pickles",
        &found,
        &beside(feature, "pickles.ndjson")?,
    ));
    Ok(differences)
}

fn bad(feature: &Path) -> Fallible<Vec<String>> {
    let errors = parse(&fs::read_to_string(feature)?).err().unwrap_or_default();
    let found: Vec<_> = errors.iter().map(|error| json!(error.location)).collect();
    let expected = beside(feature, "errors.ndjson")?;
    let expected: Vec<_> = expected
        .iter()
        .map(|error| error["parseError"]["source"]["location"].clone())
        .collect();
    if expected.is_empty() {
        return Err("no error is expected".into());
    }
    Ok(differences("errors", &found, &expected))
}

/// Both sides, if they differ.
fn differences(what: &str, found: &[Value], expected: &[Value]) -> Vec<String> {
    if found == expected {
        return Vec::new();
    }
    let text = |values: &[Value]| values.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    vec![format!(
        "{what} differ\nfound\n{}\nexpected\n{}",
        text(found),
        text(expected)
    )]
}
