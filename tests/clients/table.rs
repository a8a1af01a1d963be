//! The table client × feature × result.

use std::fmt::Write as _;

/// Of how many lines a snapshot shows all.
const LONG: usize = 100;

/// What a run of a program said; an error where it did not run to its end, or not as it must.
pub type Said = Result<String, String>;

/// One feature of one client: the same program, run directly and through edges.
pub struct Cell {
    /// The client library or tool with its version.
    pub client: String,
    /// What of it is tried.
    pub feature: String,
    /// What it said when it ran directly; none where the edge is to say something else, on purpose.
    pub direct: Option<Said>,
    /// What it said when it ran through the edge.
    pub proxied: Said,
    /// What it said when it ran through an edge at which TLS ends, where it is tried.
    pub tls: Option<Said>,
    /// What was seen on the wire of the edge: requests with their versions, or messages.
    pub wire: Vec<String>,
}

impl Cell {
    /// What it is to say each time.
    fn said(&self) -> &Said {
        self.direct.as_ref().unwrap_or(&self.proxied)
    }

    /// What is wrong with it, if anything: a run that failed or said nothing, a difference, an empty wire.
    fn wrong(&self) -> Option<String> {
        if let Some(Err(error)) = &self.direct {
            return Some(format!("directly: {error}"));
        }
        if self.wire.is_empty() {
            return Some("nothing was seen on the wire".to_owned());
        }
        wrong("through the edge", self.said(), &self.proxied).or_else(|| self.tls_wrong())
    }

    fn tls_wrong(&self) -> Option<String> {
        let tls = self.tls.as_ref()?;
        wrong("through the edge with TLS", self.said(), tls)
    }
}

/// What is wrong with what was said this way, if anything.
fn wrong(way: &str, expected: &Said, said: &Said) -> Option<String> {
    match (expected, said) {
        (_, Err(error)) => Some(format!("{way}: {error}")),
        (Ok(expected), _) if expected.trim().is_empty() => Some("it says nothing".to_owned()),
        (Ok(expected), Ok(said)) if expected != said => Some(format!(
            "it says something else\n--- directly\n{expected}--- {way}\n{said}---"
        )),
        _ => None,
    }
}

/// Prints the table, and panics if a cell is red or there is none.
pub fn judge(title: &str, cells: &[Cell]) {
    let (mut table, mut red) = (format!("{title}\n"), String::new());
    for cell in cells {
        let wrong = cell.wrong();
        let result = match (&wrong, &cell.direct) {
            (Some(_), _) => "RED",
            (None, Some(_)) => "same",
            (None, None) => "own",
        };
        let tls = match (&cell.tls, cell.tls_wrong()) {
            (None, _) => "-",
            (Some(_), None) => result,
            (Some(_), Some(_)) => "RED",
        };
        let (client, feature, wire) = (&cell.client, &cell.feature, cell.wire.join(" "));
        writeln!(table, "{client:<28} {feature:<20} {result:<5} {tls:<5} {wire}").unwrap();
        if let Some(wrong) = wrong {
            writeln!(red, "{client}, {feature}: {wrong}").unwrap();
        }
    }
    println!("{table}");
    assert!(red.is_empty(), "\n{red}");
    assert!(!cells.is_empty(), "{title}: no cell was tried");
}

/// Panics if what a client said is not what the snapshot of this name says that it must: a program that is wrong each time
/// says the same each time.
pub fn must_say(name: &str, cells: &[Cell]) {
    let mut all = String::new();
    for cell in cells {
        let said = cell.said().as_deref().unwrap_or("it failed");
        writeln!(all, "== {}\n{}", cell.feature, shortened(said.trim_end())).unwrap();
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, all);
    });
}

/// What is long, without its middle.
fn shortened(said: &str) -> String {
    let lines: Vec<_> = said.lines().collect();
    if lines.len() <= LONG {
        return said.to_owned();
    }
    let (first, rest) = lines.split_at(LONG / 2);
    let (middle, last) = rest.split_at(rest.len() - LONG / 4);
    format!("{}\n… {} lines …\n{}", first.join("\n"), middle.len(), last.join("\n"))
}

#[test]
fn a_difference_a_silence_a_failure_and_an_empty_wire_are_red() {
    let said = |said: Result<&str, &str>| said.map(str::to_owned).map_err(str::to_owned);
    let cell = |direct: Option<Result<&str, &str>>, proxied, tls: Option<Result<&str, &str>>, wire: &[&str]| Cell {
        client: "c".into(),
        feature: "f".into(),
        direct: direct.map(said),
        proxied: said(proxied),
        tls: tls.map(said),
        wire: wire.iter().map(|&seen| seen.to_owned()).collect(),
    };
    let produce = &["Produce:9"][..];
    for good in [
        cell(Some(Ok("1")), Ok("1"), None, produce),
        cell(Some(Ok("1")), Ok("1"), Some(Ok("1")), produce),
        cell(None, Ok("1"), Some(Ok("1")), produce),
    ] {
        assert_eq!(good.wrong(), None);
    }
    for red in [
        cell(Some(Ok("1")), Ok("2"), None, produce),
        cell(Some(Ok("1")), Ok("1"), Some(Ok("2")), produce),
        cell(Some(Ok("")), Ok(""), None, produce),
        cell(None, Ok(""), None, produce),
        cell(Some(Err("exit code 1")), Ok("1"), None, produce),
        cell(Some(Ok("1")), Err("exit code 1"), None, produce),
        cell(Some(Ok("1")), Ok("1"), Some(Err("exit code 1")), produce),
        cell(None, Ok("1"), Some(Ok("2")), produce),
        cell(Some(Ok("1")), Ok("1"), None, &[]),
    ] {
        assert!(red.wrong().is_some());
    }
}
