//! The Postgres edge, shown with clients that nobody here wrote against a real server.

mod cells;
mod connector;
mod dump;
mod go;
mod ground;
mod library;
mod node;
mod psql;
mod python;
mod recvlogical;
mod tap;

use self::ground::Way;

#[tokio::test]
async fn two_sandboxes_see_nothing_of_each_other() {
    let (one, other) = (Way::proxied().await, Way::proxied().await);
    let (one, mut heard) = library::open(&one.url).await.unwrap();
    let (other, mut overheard) = library::open(&other.url).await.unwrap();
    for client in [&one, &other] {
        client.batch_execute("LISTEN news").await.unwrap();
    }
    one.batch_execute("CREATE TABLE own (); INSERT INTO steps VALUES (1); NOTIFY news, 'one'")
        .await
        .unwrap();
    assert_eq!(heard.recv().await.as_deref(), Some("news one"));
    let seen = other
        .query_one("SELECT count(*) FROM steps WHERE to_regclass('own') IS NULL", &[])
        .await
        .unwrap();
    assert_eq!(seen.get::<_, i64>(0), 0);
    // Its own comes, and nothing before it.
    other.batch_execute("NOTIFY news, 'other'").await.unwrap();
    assert_eq!(overheard.recv().await.as_deref(), Some("news other"));
}
