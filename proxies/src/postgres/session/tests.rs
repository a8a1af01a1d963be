use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use momus_engine::activity::{Activity, Quiet};
use momus_engine::timeline::{Clock, Timeline};

use super::*;
use crate::edge::Protocol;

mod told;

const SETTLE: Duration = Duration::from_millis(300);

/// A session of billing at billing-db that the server is ready for.
struct Talk {
    session: Session,
    activity: Activity,
    timeline: Timeline,
}

impl Talk {
    async fn begin() -> Self {
        Self::begin_with(false).await
    }

    async fn begin_with(shows_values: bool) -> Self {
        let timeline = Timeline::new(Clock::start(), 0, "s1");
        let activity = timeline.activity().clone();
        activity.settles_in(Some(SETTLE));
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let wire = Wire::new(
            "billing".into(),
            "billing-db".into(),
            nowhere,
            Protocol::Tcp,
            None,
            timeline.clone(),
        );
        let talk = Self {
            session: Session::begin(&Arc::new(wire), "billing-db", shows_values),
            activity,
            timeline,
        };
        assert_eq!(talk.under_way(), Some("billing → billing-db  a new session".into()));
        talk.client(&[(b'p', b"secret")]);
        talk.server(&[
            (b'R', b"\0\0\0\0"),
            (b'S', b"a\0b\0"),
            (b'K', b"12345678"),
            (b'Z', b"I"),
        ]);
        assert_eq!(talk.under_way(), None);
        tokio::time::advance(SETTLE).await;
        talk
    }

    fn client(&self, messages: &[(u8, &[u8])]) {
        self.session.sends(&bytes(messages));
    }

    fn server(&self, messages: &[(u8, &[u8])]) {
        drop(self.session.hears(&bytes(messages)));
    }

    /// A simple query, answered.
    fn query(&self, text: &str, answers: &[(u8, &[u8])]) {
        self.client(&[(b'Q', &zero_ended(text))]);
        assert!(self.under_way().is_some());
        self.server(answers);
    }

    /// How many effects there are while something happens.
    fn effects(&self, happens: impl FnOnce()) -> u64 {
        let before = self.activity.effects();
        happens();
        self.activity.effects() - before
    }

    fn under_way(&self) -> Option<String> {
        match self.activity.quiet() {
            Quiet::NotYet { why, at: None } => why.rsplit_once(" (").map(|(why, _)| why.to_owned()),
            _ => None,
        }
    }
}

fn bytes(messages: &[(u8, &[u8])]) -> Vec<u8> {
    let message = |(kind, content): &(u8, &[u8])| {
        let length = u32::try_from(content.len() + 4).unwrap();
        [&[*kind][..], &length.to_be_bytes(), content].concat()
    };
    messages.iter().flat_map(message).collect()
}

fn zero_ended(text: &str) -> Vec<u8> {
    [text.as_bytes(), b"\0"].concat()
}

const ROW: (u8, &[u8]) = (b'D', b"\0\x01\0\0\0\x017");
const READY: (u8, &[u8]) = (b'Z', b"I");
const IN_TRANSACTION: (u8, &[u8]) = (b'Z', b"T");
const SYNC: (u8, &[u8]) = (b'S', b"");

fn tag(tag: &str) -> Vec<u8> {
    zero_ended(tag)
}

#[tokio::test(start_paused = true)]
async fn a_read_is_an_effect_where_it_is_answered_otherwise_than_last_time() {
    let talk = Talk::begin().await;
    let poll = |rows: usize| {
        let tag = tag(&format!("SELECT {rows}"));
        let mut answers = vec![(b'T', &b"\0\0"[..])];
        answers.extend(vec![ROW; rows]);
        answers.extend([(b'C', tag.as_slice()), READY]);
        talk.effects(|| talk.query("SELECT id FROM outbox", &answers))
    };
    assert_eq!([0, 0, 0, 1, 1, 0, 0].map(poll), [1, 0, 0, 1, 0, 1, 0]);
    assert_eq!(talk.under_way(), None);
    let other = talk.effects(|| {
        talk.query("SELECT id FROM inbox", &[(b'C', &tag("SELECT 0")), READY]);
    });
    assert_eq!(other, 1);
}

#[tokio::test(start_paused = true)]
async fn several_statements_in_one_query_are_told_apart() {
    let talk = Talk::begin().await;
    let ask = |number: &str| {
        let (update, select) = (tag(&format!("UPDATE {number}")), tag("SELECT 1"));
        let answers = [(b'C', update.as_slice()), ROW, (b'C', select.as_slice()), READY];
        talk.effects(|| talk.query("UPDATE t SET n = 1; SELECT 7", &answers))
    };
    // The first time the read is new; what was written is committed when the server is ready.
    assert_eq!([ask("0"), ask("0"), ask("1")], [1, 0, 2]);
}

#[tokio::test(start_paused = true)]
async fn an_open_transaction_is_under_way_and_what_it_wrote_is_an_effect_when_it_ends() {
    let talk = Talk::begin().await;
    talk.query("BEGIN", &[(b'C', &tag("BEGIN")), IN_TRANSACTION]);
    let transaction = Some("a transaction of billing on billing-db".to_owned());
    assert_eq!(talk.under_way(), transaction);
    tokio::time::advance(SETTLE * 100).await;
    assert_eq!(talk.under_way(), transaction);
    let wrote = talk.effects(|| {
        let insert = tag("INSERT 0 1");
        talk.query("INSERT INTO t VALUES (1)", &[(b'C', &insert), IN_TRANSACTION]);
    });
    assert_eq!((wrote, talk.under_way()), (1, transaction.clone()));
    let failed = talk.effects(|| talk.query("SELECT nonsense", &[(b'E', b"S"), (b'Z', b"E")]));
    assert_eq!((failed, talk.under_way()), (1, transaction));
    let ended = talk.effects(|| talk.query("ROLLBACK", &[(b'C', &tag("ROLLBACK")), READY]));
    assert!(ended > 0);
    assert_eq!(talk.under_way(), None);

    let read_only = talk.effects(|| {
        talk.query("BEGIN", &[(b'C', &tag("BEGIN")), IN_TRANSACTION]);
        talk.query("COMMIT", &[(b'C', &tag("COMMIT")), READY]);
    });
    assert_eq!(read_only, 0);
}

const PARSE: (u8, &[u8]) = (b'P', b"s\0SELECT * FROM outbox WHERE id > $1\0\0\0");
const BIND: (u8, &[u8]) = (b'B', b"\0s\0\0\0\0\x01\0\0\0\x017\0\0");
const EXECUTE: (u8, &[u8]) = (b'E', b"\0\0\0\0\0");

#[tokio::test(start_paused = true)]
async fn a_prepared_statement_is_the_same_read_with_the_same_parameters() {
    let talk = Talk::begin().await;
    talk.client(&[PARSE, (b'D', b"Ss\0"), SYNC]);
    talk.server(&[(b'1', b""), (b't', b"\0\0"), (b'T', b"\0\0"), READY]);
    assert_eq!((talk.under_way(), talk.activity.effects()), (None, 0));
    let select = tag("SELECT 0");
    let run = |parameter: &[u8]| {
        let bind = [b"\0s\0\0\0\0\x01\0\0\0\x01", parameter, b"\0\0"].concat();
        talk.effects(|| {
            talk.client(&[(b'B', &bind), EXECUTE, SYNC]);
            talk.server(&[(b'2', b""), (b'C', &select), READY]);
        })
    };
    assert_eq!([run(b"7"), run(b"7"), run(b"8"), run(b"7")], [1, 0, 1, 0]);
    assert_eq!(talk.under_way(), None);
}

#[tokio::test(start_paused = true)]
async fn what_is_pipelined_is_under_way_until_the_server_is_ready_for_all_of_it() {
    let talk = Talk::begin().await;
    let select = tag("SELECT 0");
    talk.client(&[PARSE, BIND, EXECUTE, SYNC, BIND, EXECUTE]);
    talk.server(&[(b'1', b""), (b'2', b""), (b'C', &select), READY]);
    assert!(talk.under_way().is_some());
    talk.server(&[(b'2', b""), (b'C', &select)]);
    assert!(talk.under_way().is_some(), "no Sync has come");
    talk.client(&[SYNC]);
    talk.server(&[READY]);
    assert_eq!((talk.under_way(), talk.activity.effects()), (None, 1));
}

#[tokio::test(start_paused = true)]
async fn after_an_error_everything_up_to_the_next_sync_is_skipped() {
    let talk = Talk::begin().await;
    let select = tag("SELECT 0");
    talk.client(&[PARSE, BIND, EXECUTE]);
    talk.server(&[(b'E', b"S")]);
    talk.client(&[BIND, EXECUTE, SYNC, PARSE, BIND, EXECUTE, SYNC]);
    talk.server(&[READY]);
    assert!(talk.under_way().is_some());
    talk.server(&[(b'1', b""), (b'2', b""), (b'C', &select)]);
    assert!(talk.under_way().is_some());
    talk.server(&[READY]);
    assert_eq!(talk.under_way(), None);
    // The error, and the first answer to the read.
    assert_eq!(talk.activity.effects(), 2);
    let read = talk.effects(|| {
        talk.client(&[BIND, EXECUTE, SYNC]);
        talk.server(&[(b'2', b""), (b'C', &select), READY]);
    });
    assert_eq!((read, talk.under_way()), (0, None));
}

#[tokio::test(start_paused = true)]
async fn a_statement_whose_text_was_never_seen_may_write() {
    let talk = Talk::begin().await;
    let select = tag("SELECT 1");
    let run = || {
        talk.client(&[BIND, EXECUTE, SYNC]);
        talk.server(&[(b'2', b""), ROW, (b'C', &select), READY]);
    };
    assert!(talk.effects(run) > 0 && talk.effects(run) > 0);
}

#[tokio::test(start_paused = true)]
async fn rows_that_come_in_portions_are_reads() {
    let talk = Talk::begin().await;
    let select = tag("SELECT 1");
    talk.client(&[PARSE, SYNC]);
    talk.server(&[(b'1', b""), READY]);
    let fetch = || {
        talk.client(&[BIND, EXECUTE, EXECUTE, SYNC]);
        talk.server(&[(b'2', b""), ROW, ROW, (b's', b""), ROW, (b'C', &select), READY]);
    };
    assert_eq!([talk.effects(fetch), talk.effects(fetch)], [2, 0]);
}

#[tokio::test(start_paused = true)]
async fn copies_are_told_by_their_direction() {
    let talk = Talk::begin().await;
    let (three, none) = (tag("COPY 3"), tag("COPY 0"));
    let out = |data: &[u8]| {
        let answers = [
            (b'H', &b"\0\0\0"[..]),
            (b'd', data),
            (b'c', b""),
            (b'C', three.as_slice()),
            READY,
        ];
        talk.effects(|| talk.query("COPY t TO STDOUT", &answers))
    };
    assert_eq!([out(b"1\n2\n3\n"), out(b"1\n2\n3\n"), out(b"1\n2\n4\n")], [1, 0, 1]);
    let into = |tag: &[u8]| {
        talk.query("COPY t FROM STDIN", &[(b'G', b"\0\0\0")]);
        assert!(talk.under_way().is_some());
        talk.client(&[(b'd', b"1\n"), (b'c', b"")]);
        talk.effects(|| talk.server(&[(b'C', tag), READY]))
    };
    assert!(into(&three) > 0);
    assert_eq!(into(&none), 0);
    assert_eq!(talk.under_way(), None);
}

#[tokio::test(start_paused = true)]
async fn a_sync_that_was_sent_before_a_copy_began_has_no_answer() {
    let talk = Talk::begin().await;
    let copied = tag("COPY 1");
    talk.client(&[PARSE, BIND, EXECUTE, SYNC]);
    talk.server(&[(b'1', b""), (b'2', b""), (b'G', b"\0\0\0")]);
    talk.client(&[(b'd', b"1\n"), (b'c', b""), SYNC]);
    talk.server(&[(b'C', &copied)]);
    assert!(talk.under_way().is_some());
    talk.server(&[READY]);
    assert_eq!(talk.under_way(), None);
}

#[tokio::test(start_paused = true)]
async fn a_notification_is_an_effect_and_who_listens_changes_nothing() {
    let talk = Talk::begin().await;
    let listens = talk.effects(|| talk.query("LISTEN orders", &[(b'C', &tag("LISTEN")), READY]));
    assert_eq!(listens, 0);
    assert_eq!(talk.effects(|| talk.server(&[(b'A', b"\0\0\0\x07orders\0\0")])), 1);
}

#[tokio::test(start_paused = true)]
async fn it_is_over_once_the_client_has_been_told() {
    let talk = Talk::begin().await;
    talk.client(&[(b'Q', b"SELECT 1\0")]);
    let select = tag("SELECT 0");
    let over = talk.session.hears(&bytes(&[(b'C', &select), READY]));
    assert!(talk.under_way().is_some());
    drop(over);
    assert_eq!(talk.under_way(), None);
}

#[tokio::test(start_paused = true)]
async fn a_statement_half_sent_is_under_way_and_its_connections_end_an_effect() {
    let talk = Talk::begin().await;
    talk.session.sends(b"Q\0\0\x10\0INSERT");
    assert_eq!(talk.under_way(), Some("billing → billing-db  a statement".into()));
    let (activity, before) = (talk.activity.clone(), talk.activity.effects());
    drop(talk.session);
    assert_eq!(activity.effects(), before + 1);
    assert!(matches!(activity.quiet(), Quiet::NotYet { at: Some(_), .. }));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_postgres_ends_the_connection() {
    for foreign in [&b"GET / HTTP/1.1\r\n"[..], b"Q\0\0\0\x01"] {
        let talk = Talk::begin().await;
        talk.session.goes_on().unwrap();
        talk.session.sends(foreign);
        let error = talk.session.goes_on().unwrap_err();
        assert!(error.to_string().starts_with("what the caller sent"), "{error}");
        let talk = Talk::begin().await;
        drop(talk.session.hears(foreign));
        let error = talk.session.goes_on().unwrap_err();
        assert!(error.to_string().starts_with("what the server answered"), "{error}");
        assert!(!matches!(talk.activity.quiet(), Quiet::Hidden { .. }));
    }
}

#[tokio::test(start_paused = true)]
async fn a_replication_hides_the_sandbox_and_goes_on() {
    let talk = Talk::begin().await;
    talk.query("START_REPLICATION", &[(b'W', b"\0\0\0")]);
    let why = "what passes between billing and billing-db is a replication".into();
    assert_eq!(talk.activity.quiet(), Quiet::Hidden { why });
    talk.session.goes_on().unwrap();
}
