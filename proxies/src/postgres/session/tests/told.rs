use momus_engine::event::Happening;

use super::*;

impl Talk {
    /// The statements on the timeline: text, tables, rows or SQLSTATE.
    fn told(&self) -> Vec<String> {
        let statement = |happening: &Happening| match happening {
            Happening::Statement {
                caller,
                datastore,
                text,
                tables,
                parameters,
                rows,
                sqlstate,
                took: _,
            } => {
                assert_eq!((caller.as_str(), datastore.as_str()), ("billing", "billing-db"));
                let tables = tables.as_ref().map_or("unknown".to_owned(), |tables| tables.join(" "));
                let rows = rows.map(|rows| format!(" rows {rows}")).unwrap_or_default();
                let error = sqlstate.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
                let with = parameters
                    .as_ref()
                    .map(|with| format!(" with {with:?}"))
                    .unwrap_or_default();
                Some(format!("{text} [{tables}]{rows}{error}{with}"))
            }
            _ => None,
        };
        let events = self.timeline.drain();
        events.iter().filter_map(|event| statement(&event.happening)).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn what_writes_is_told_each_time_and_what_reads_when_it_is_answered_otherwise() {
    let talk = Talk::begin().await;
    for rows in [1, 1, 0] {
        let selected = tag(&format!("SELECT {rows}"));
        let mut answers = vec![ROW; rows];
        answers.extend([(b'C', selected.as_slice()), READY]);
        talk.query("SELECT id FROM outbox", &answers);
        talk.query("BEGIN", &[(b'C', &tag("BEGIN")), IN_TRANSACTION]);
        talk.query(
            "INSERT INTO sent VALUES (7)",
            &[(b'C', &tag("INSERT 0 1")), IN_TRANSACTION],
        );
        talk.query("COMMIT", &[(b'C', &tag("COMMIT")), READY]);
    }
    let wrote = ["INSERT INTO sent VALUES (?) [sent] rows 1", "COMMIT []"];
    let expected = [
        &["SELECT id FROM outbox [outbox] rows 1", "BEGIN []"][..],
        &wrote,
        &wrote,
        &["SELECT id FROM outbox [outbox] rows 0"],
        &wrote,
    ];
    assert_eq!(talk.told(), expected.concat());
}

#[tokio::test(start_paused = true)]
async fn statements_of_one_query_are_told_one_by_one_up_to_the_one_that_fails() {
    let talk = Talk::begin().await;
    let (updated, selected) = (tag("UPDATE 2"), tag("SELECT 1"));
    let error = b"SERROR\0VERROR\0C42P01\0Mrelation \"nonsense\" does not exist\0\0";
    talk.query(
        "UPDATE t SET n = 1; SELECT 'a;b'; DELETE FROM nonsense; SELECT 2",
        &[(b'C', &updated), ROW, (b'C', &selected), (b'E', error), READY],
    );
    let expected = [
        "UPDATE t SET n = ? [t] rows 2",
        "SELECT ? [] rows 1",
        "DELETE FROM nonsense [nonsense] 42P01",
    ];
    assert_eq!(talk.told(), expected);
}

#[tokio::test(start_paused = true)]
async fn what_fails_while_it_is_prepared_bound_or_run_is_told() {
    let talk = Talk::begin().await;
    let failed: (u8, &[u8]) = (b'E', b"SERROR\0C22P02\0\0");
    let select = "SELECT * FROM outbox WHERE id > $1 [outbox]";
    talk.client(&[PARSE, SYNC]);
    talk.server(&[failed, READY]);
    talk.client(&[PARSE, BIND, SYNC]);
    talk.server(&[(b'1', b""), failed, READY]);
    talk.client(&[BIND, EXECUTE, SYNC]);
    talk.server(&[(b'2', b""), failed, READY]);
    talk.client(&[BIND, EXECUTE, SYNC]);
    talk.server(&[(b'2', b""), (b'C', &tag("SELECT 0")), failed, READY]);
    let failed = format!("{select} 22P02");
    let expected = [
        failed.clone(),
        failed.clone(),
        failed,
        format!("{select} rows 0"),
        "COMMIT [] 22P02".into(),
    ];
    assert_eq!(talk.told(), expected);
}

#[tokio::test(start_paused = true)]
async fn parameters_are_told_where_that_is_asked_for() {
    let run = |talk: &Talk| {
        talk.client(&[PARSE, BIND, EXECUTE, SYNC]);
        talk.server(&[(b'1', b""), (b'2', b""), (b'C', &tag("SELECT 0")), READY]);
        talk.query("SELECT 'x'", &[ROW, (b'C', &tag("SELECT 1")), READY]);
        talk.told()
    };
    let prepared = "SELECT * FROM outbox WHERE id > $1 [outbox] rows 0";
    assert_eq!(run(&Talk::begin().await), [prepared, "SELECT ? [] rows 1"]);
    let shown = [
        format!("{prepared} with [Some(\"7\")]"),
        "SELECT 'x' [] rows 1 with []".to_owned(),
    ];
    assert_eq!(run(&Talk::begin_with(true).await), shown);
}

#[tokio::test(start_paused = true)]
async fn a_statement_that_was_never_seen_is_told_as_such() {
    let talk = Talk::begin().await;
    talk.client(&[BIND, EXECUTE, SYNC]);
    talk.server(&[(b'2', b""), ROW, (b'C', &tag("SELECT 1")), READY]);
    assert_eq!(talk.told(), ["(a statement that SQL prepared) [unknown] rows 1"]);
}
