//! tokio-postgres.

use std::fmt::Write as _;
use std::path::Path;

use futures::future::{join_all, poll_fn};
use futures::{SinkExt, TryStreamExt};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::config::{ChannelBinding, SslMode};
use tokio_postgres::{AsyncMessage, Client, Config, Error, SimpleQueryMessage};

use super::cells::shown;
use super::connector::Connector;
use super::ground::Way;
use crate::table::Said;

const FEATURES: &[&str] = &[
    "encryption",
    "simple",
    "prepared",
    "pipeline",
    "copy",
    "cancel",
    "transactions",
    "errors",
    "portal",
];

/// Where a URL leads, and how it is gone there: of `sslmode` it knows only three values, and whom to trust is its
/// connector's.
fn read(url: &str) -> Result<(Config, Connector), Error> {
    let Some((bare, pem)) = url.split_once("?sslmode=verify-full&sslrootcert=") else {
        return Ok((url.parse()?, Connector::trusting(None)));
    };
    let mut config: Config = bare.parse()?;
    config.ssl_mode(SslMode::Require);
    Ok((config, Connector::trusting(Some(Path::new(pem)))))
}

/// A session, and the notifications that come in it.
pub async fn open(url: &str) -> Result<(Client, UnboundedReceiver<String>), Error> {
    let (config, connector) = read(url)?;
    open_as(&config, connector).await
}

async fn open_as(config: &Config, connector: Connector) -> Result<(Client, UnboundedReceiver<String>), Error> {
    let (client, mut connection) = config.connect(connector).await?;
    let (tell, told) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(news) = message {
                drop(tell.send(format!("{} {}", news.channel(), news.payload())));
            }
        }
    });
    Ok((client, told))
}

async fn says(url: &str, feature: &str) -> Said {
    let mut said = String::new();
    match tries(url, feature, &mut said).await {
        Ok(()) => Ok(said),
        Err(error) => Err(format!("{error:?}\n{said}")),
    }
}

fn state(error: &Error) -> String {
    let code = error.code().map(|code| code.code().to_owned());
    code.unwrap_or_else(|| error.to_string())
}

/// What becomes of connections that are to be encrypted in one way or another.
async fn encryption(url: &str, said: &mut String) -> Result<(), Error> {
    let (config, connector) = read(url)?;
    let with = |change: fn(&mut Config) -> &mut Config| {
        let mut config = config.clone();
        change(&mut config);
        config
    };
    let nobody = Connector::trusting(None);
    for (name, config, connector) in [
        ("disable", with(|it| it.ssl_mode(SslMode::Disable)), &connector),
        ("prefer", with(|it| it.ssl_mode(SslMode::Prefer)), &connector),
        ("require", with(|it| it.ssl_mode(SslMode::Require)), &connector),
        ("nobody trusted", with(|it| it.ssl_mode(SslMode::Require)), &nobody),
        (
            "bound",
            with(|it| it.ssl_mode(SslMode::Prefer).channel_binding(ChannelBinding::Require)),
            &connector,
        ),
    ] {
        let opened = open_as(&config, connector.clone()).await;
        let outcome = opened.map(drop).map_err(|error| format!("{error:?}"));
        writeln!(said, "{name}: {outcome:?}").unwrap();
    }
    Ok(())
}

async fn tries(url: &str, feature: &str, said: &mut String) -> Result<(), Error> {
    let (mut client, _told) = open(url).await?;
    match feature {
        "encryption" => encryption(url, said).await?,
        "simple" => {
            for message in client
                .simple_query("SELECT 1; UPDATE steps SET id = 0; SELECT 'two'")
                .await?
            {
                match message {
                    SimpleQueryMessage::Row(row) => writeln!(said, "{:?}", row.get(0)).unwrap(),
                    SimpleQueryMessage::CommandComplete(rows) => writeln!(said, "{rows} rows").unwrap(),
                    _ => {}
                }
            }
        }
        "prepared" => {
            let statement = client.prepare("SELECT name FROM items WHERE id = $1").await?;
            for id in 1..5_i32 {
                let row = client.query_one(&statement, &[&id]).await?;
                writeln!(said, "{}", row.get::<_, &str>(0)).unwrap();
            }
        }
        "pipeline" => {
            let statement = client.prepare("SELECT twice($1)").await?;
            let all = (0..50_i32).map(|n| {
                let (client, statement) = (&client, &statement);
                async move { client.query_one(statement, &[&n]).await.map(|row| row.get::<_, i32>(0)) }
            });
            writeln!(
                said,
                "{:?}",
                join_all(all).await.into_iter().collect::<Result<Vec<_>, _>>()?
            )
            .unwrap();
        }
        "copy" => {
            let sink = client.copy_in("COPY copies FROM STDIN").await?;
            futures::pin_mut!(sink);
            for n in 0..20_000 {
                sink.feed(bytes::Bytes::from(format!("{n}\trow {n}\n"))).await?;
            }
            writeln!(said, "{}", sink.finish().await?).unwrap();
            let out = client
                .copy_out("COPY (SELECT * FROM copies ORDER BY id LIMIT 2000) TO STDOUT")
                .await?;
            let all: Vec<_> = out.try_collect().await?;
            writeln!(said, "{}", String::from_utf8_lossy(&all.concat())).unwrap();
        }
        "cancel" => {
            let (other, _told) = open(url).await?;
            let sleeps = client.batch_execute("SELECT pg_sleep(60)");
            let cancels = async {
                let asleep =
                    "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
                while other.query(asleep, &[]).await?.is_empty() {}
                client.cancel_token().cancel_query(read(url)?.1).await
            };
            let (slept, cancelled) = tokio::join!(sleeps, cancels);
            cancelled?;
            writeln!(said, "{:?}", slept.map_err(|error| state(&error))).unwrap();
        }
        "transactions" => {
            let mut outer = client.transaction().await?;
            outer.batch_execute("INSERT INTO steps VALUES (1)").await?;
            let inner = outer.transaction().await?;
            let again = inner.batch_execute("INSERT INTO steps VALUES (1)").await;
            writeln!(said, "{:?}", again.map_err(|error| state(&error))).unwrap();
            inner.rollback().await?;
            outer.commit().await?;
            writeln!(said, "{} rows", client.query("TABLE steps", &[]).await?.len()).unwrap();
        }
        "errors" => {
            for text in [
                "SELEC 1",
                "TABLE nowhere",
                "SELECT 1/0",
                "INSERT INTO items VALUES (1, 'again')",
            ] {
                let answer = client.query(text, &[]).await;
                writeln!(said, "{:?}", answer.map(drop).map_err(|error| state(&error))).unwrap();
            }
        }
        _ => {
            let transaction = client.transaction().await?;
            let portal = transaction.bind("SELECT * FROM generate_series(1, 20000)", &[]).await?;
            let mut sum = 0_i64;
            loop {
                let rows = transaction.query_portal(&portal, 777).await?;
                sum += rows.iter().map(|row| i64::from(row.get::<_, i32>(0))).sum::<i64>();
                if rows.len() < 777 {
                    break;
                }
            }
            writeln!(said, "{sum}").unwrap();
        }
    }
    Ok(())
}

#[tokio::test]
async fn tokio_postgres() {
    let says = async |feature: &str, way: &Way<'_>| says(&way.url, feature).await;
    shown("tokio-postgres 0.7", "tokio-postgres", FEATURES, says).await;
}
