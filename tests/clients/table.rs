//! The table client × feature × result.

use std::fmt::Write as _;

/// One feature of one client: the same program, run directly and through the edge.
pub struct Cell {
    /// The client library or tool with its version.
    pub client: String,
    /// What of it is tried.
    pub feature: String,
    /// What it said when it ran directly; an error where it did not run to its end.
    pub direct: Result<String, String>,
    /// What it said when it ran through the edge.
    pub proxied: Result<String, String>,
    /// What was seen on the wire of the edge: requests with their versions, or messages.
    pub wire: Vec<String>,
}

impl Cell {
    /// What is wrong with it, if anything: a run that failed or said nothing, a difference, an empty wire.
    fn wrong(&self) -> Option<String> {
        match (&self.direct, &self.proxied) {
            (Err(error), _) => Some(format!("directly: {error}")),
            (_, Err(error)) => Some(format!("through the edge: {error}")),
            (Ok(direct), Ok(_)) if direct.trim().is_empty() => Some("it says nothing".to_owned()),
            (Ok(direct), Ok(proxied)) if direct != proxied => Some(format!(
                "it says something else\n--- directly\n{direct}--- through the edge\n{proxied}---"
            )),
            _ if self.wire.is_empty() => Some("nothing was seen on the wire".to_owned()),
            _ => None,
        }
    }
}

/// Prints the table, and panics if a cell is red or there is none.
pub fn judge(title: &str, cells: &[Cell]) {
    let (mut table, mut red) = (format!("{title}\n"), String::new());
    for cell in cells {
        let wrong = cell.wrong();
        let result = if wrong.is_some() { "RED" } else { "same" };
        let (client, feature, wire) = (&cell.client, &cell.feature, cell.wire.join(" "));
        writeln!(table, "{client:<28} {feature:<28} {result:<5} {wire}").unwrap();
        if let Some(wrong) = wrong {
            writeln!(red, "{client}, {feature}: {wrong}").unwrap();
        }
    }
    println!("{table}");
    assert!(red.is_empty(), "\n{red}");
    assert!(!cells.is_empty(), "{title}: no cell was tried");
}

#[test]
fn a_difference_a_silence_a_failure_and_an_empty_wire_are_red() {
    let cell = |direct: Result<&str, &str>, proxied: Result<&str, &str>, wire: &[&str]| Cell {
        client: "c".into(),
        feature: "f".into(),
        direct: direct.map(str::to_owned).map_err(str::to_owned),
        proxied: proxied.map(str::to_owned).map_err(str::to_owned),
        wire: wire.iter().map(|&seen| seen.to_owned()).collect(),
    };
    assert_eq!(cell(Ok("1"), Ok("1"), &["Produce v9"]).wrong(), None);
    for red in [
        cell(Ok("1"), Ok("2"), &["Produce v9"]),
        cell(Ok(""), Ok(""), &["Produce v9"]),
        cell(Err("exit code 1"), Ok("1"), &["Produce v9"]),
        cell(Ok("1"), Err("exit code 1"), &["Produce v9"]),
        cell(Ok("1"), Ok("1"), &[]),
    ] {
        assert!(red.wrong().is_some());
    }
}
