//! The S3 server, driven by a real client.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use momus_engine::timeline::{Clock, Timeline};
use momus_environments::s3::{S3, S3Credentials, S3Error};
use momus_proxies::edge::{Edge, Protocol, Upstream};
use object_store::{
    ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart,
    aws::{AmazonS3, AmazonS3Builder},
    path::Path,
};
use tempfile::TempDir;

fn key() -> S3Credentials {
    S3Credentials {
        access_key: "run-7".into(),
        secret_key: "a secret of this run".into(),
    }
}

/// A server, and an edge to it.
struct Served {
    folder: TempDir,
    edge: Edge,
    _s3: S3,
}

impl Served {
    fn url(&self) -> String {
        format!("http://{}", self.edge.address())
    }
}

async fn server(buckets: &[&str]) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let buckets: Vec<String> = buckets.iter().map(ToString::to_string).collect();
    let s3 = S3::serve(&folder.path().join("s3"), &buckets, &key()).await.unwrap();
    let timeline = Timeline::new(Clock::start(), 0, "s1");
    let upstream = Upstream::Dialed(s3.dialer());
    let edge = Edge::listen("shop", "receipts", upstream, Protocol::Tcp, timeline);
    Served {
        folder,
        edge: edge.await.unwrap(),
        _s3: s3,
    }
}

fn client(s3: &Served, bucket: &str, credentials: &S3Credentials) -> AmazonS3 {
    let _ = rustls::crypto::ring::default_provider().install_default();
    AmazonS3Builder::new()
        .with_endpoint(s3.url())
        .with_allow_http(true)
        .with_region("us-east-1")
        .with_bucket_name(bucket)
        .with_access_key_id(&credentials.access_key)
        .with_secret_access_key(&credentials.secret_key)
        .with_retry(object_store::RetryConfig {
            max_retries: 0,
            ..Default::default()
        })
        .build()
        .unwrap()
}

async fn read(store: &AmazonS3, path: &Path) -> Vec<u8> {
    store.get(path).await.unwrap().bytes().await.unwrap().to_vec()
}

async fn names(store: &AmazonS3, prefix: &str) -> Vec<String> {
    use futures::TryStreamExt;
    let prefix = Path::from(prefix);
    store
        .list(Some(&prefix))
        .map_ok(|object| object.location.to_string())
        .try_collect()
        .await
        .unwrap()
}

#[tokio::test]
async fn an_object_is_put_read_overwritten_copied_and_deleted() {
    let s3 = server(&["receipts"]).await;
    let store = client(&s3, "receipts", &key());
    let first = Path::from("topics/orders.v1/partition=0/orders.v1+0+0000000000.ndjson.gz");
    store.put(&first, PutPayload::from("one")).await.unwrap();
    assert_eq!(read(&store, &first).await, b"one");
    store.put(&first, PutPayload::from("two, and longer")).await.unwrap();
    assert_eq!(read(&store, &first).await, b"two, and longer");
    assert_eq!(&store.get_range(&first, 5..8).await.unwrap()[..], b"and");

    let second = Path::from("copies/ein Name+mit=Zeichen");
    store.copy(&first, &second).await.unwrap();
    assert_eq!(read(&store, &second).await, b"two, and longer");
    assert_eq!(names(&store, "topics").await, [first.to_string()]);
    assert_eq!(names(&store, "copies").await, [second.to_string()]);

    store.delete(&first).await.unwrap();
    let gone = store.get(&first).await.unwrap_err();
    assert!(matches!(gone, object_store::Error::NotFound { .. }), "{gone}");
}

#[tokio::test]
async fn a_list_of_more_than_one_page_is_whole_and_in_order() {
    let s3 = server(&["receipts"]).await;
    let store = Arc::new(client(&s3, "receipts", &key()));
    let mut puts = tokio::task::JoinSet::new();
    for number in 0..1_205 {
        let store = store.clone();
        puts.spawn(async move {
            store
                .put(&Path::from(format!("many/{number:05}")), PutPayload::from("x"))
                .await
        });
    }
    while let Some(put) = puts.join_next().await {
        put.unwrap().unwrap();
    }
    let expected: Vec<_> = (0..1_205).map(|number| format!("many/{number:05}")).collect();
    assert_eq!(names(&store, "many").await, expected);
}

#[tokio::test]
async fn an_object_in_parts_is_one_object_and_only_when_complete() {
    let s3 = server(&["receipts"]).await;
    let store = client(&s3, "receipts", &key());
    let path = Path::from("large");
    let mut upload = WriteMultipart::new(store.put_multipart(&path).await.unwrap());
    let body: Vec<u8> = (0..12_000_000_u32).map(|index| index.to_le_bytes()[1]).collect();
    upload.write(&body);
    assert!(
        names(&store, "").await.is_empty(),
        "nothing is visible before the upload is complete"
    );
    upload.finish().await.unwrap();
    assert!(read(&store, &path).await == body);

    let aborted = WriteMultipart::new(store.put_multipart(&Path::from("aborted")).await.unwrap());
    aborted.abort().await.unwrap();
    assert_eq!(names(&store, "").await, ["large"]);
}

#[tokio::test]
async fn another_key_a_wrong_secret_and_no_signature_are_refused() {
    let s3 = server(&["receipts"]).await;
    let path = Path::from("stolen");
    for stranger in [
        S3Credentials {
            access_key: "run-8".into(),
            ..key()
        },
        S3Credentials {
            secret_key: "a secret of another run".into(),
            ..key()
        },
    ] {
        let refused = client(&s3, "receipts", &stranger)
            .put(&path, PutPayload::from("x"))
            .await
            .unwrap_err();
        assert!(refused.to_string().contains("403"), "{refused}");
    }
    let unsigned = reqwest::Client::new()
        .get(format!("{}/receipts/stolen", s3.url()))
        .send()
        .await
        .unwrap();
    assert_eq!(unsigned.status(), 403);
    assert!(names(&client(&s3, "receipts", &key()), "").await.is_empty());
}

#[tokio::test]
async fn a_put_to_a_bucket_that_is_not_there_makes_no_bucket() {
    let s3 = server(&["receipts"]).await;
    let refused = client(&s3, "reciepts", &key())
        .put(&Path::from("x"), PutPayload::from("x"))
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("NoSuchBucket"), "{refused}");
    assert!(!s3.folder.path().join("s3/reciepts").exists());
}

#[tokio::test]
async fn two_servers_share_nothing() {
    let first = server(&["receipts"]).await;
    let second = server(&["receipts"]).await;
    client(&first, "receipts", &key())
        .put(&Path::from("x"), PutPayload::from("x"))
        .await
        .unwrap();
    assert!(names(&client(&second, "receipts", &key()), "").await.is_empty());
}

#[tokio::test]
async fn a_name_that_is_no_buckets_is_an_error_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let error = S3::serve(folder.path(), &["../etc".into()], &key()).await.unwrap_err();
    assert!(
        matches!(&error, S3Error::BucketName(name) if name == "../etc"),
        "{error}"
    );
}
