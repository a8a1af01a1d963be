//! An S3 server in process: the buckets of one sandbox, kept in a folder.

use std::{
    io,
    path::{Path, PathBuf},
};

use momus_proxies::edge::Dialer;
use s3s::{
    S3Result,
    access::{S3Access, S3AccessContext},
    auth::SimpleAuth,
    s3_error,
    service::S3ServiceBuilder,
};
use s3s_fs::FileSystem;

use crate::in_process::InProcess;

/// The one key pair that a [`S3`] server accepts.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Credentials {
    /// AWS' access key id.
    pub access_key: String,
    /// AWS' secret access key.
    pub secret_key: String,
}

impl S3Credentials {
    /// A key pair whose secret nobody knows yet.
    #[must_use]
    pub fn draw() -> Self {
        Self {
            access_key: "momus".into(),
            secret_key: uuid::Uuid::new_v4().simple().to_string(),
        }
    }
}

/// The secret stays out of logs.
impl std::fmt::Debug for S3Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Credentials")
            .field("access_key", &self.access_key)
            .finish_non_exhaustive()
    }
}

/// Why an [`S3`] server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum S3Error {
    /// S3 allows 3 to 63 lower-case letters, digits, dots and hyphens
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>).
    #[error(
        "`{0}` cannot be the name of a bucket\nhint: 3 to 63 lower-case letters, digits, dots and hyphens, a letter or digit at both ends"
    )]
    BucketName(String),
    /// The folder for the objects could not be made or read.
    #[error("the folder `{}` for S3's objects: {source}", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The object store refused the folder.
    #[error("the folder `{}` cannot serve as an object store: {reason}", .path.display())]
    Store {
        /// The folder.
        path: PathBuf,
        /// What the store said.
        reason: String,
    },
}

/// An S3 server that only this process reaches, path style, whose requests must carry a signature (SigV4) of
/// its one key pair. Dropping it closes every connection; the folder stays.
#[derive(Debug)]
pub struct S3 {
    server: InProcess,
}

impl S3 {
    /// Serves the folder `root`, one sub-folder a bucket, and creates `buckets` in it. One folder
    /// belongs to one server.
    ///
    /// # Errors
    /// A bucket's name that S3 does not allow, a folder that cannot be made.
    pub async fn serve(root: &Path, buckets: &[String], credentials: &S3Credentials) -> Result<Self, S3Error> {
        for bucket in buckets {
            if !s3s::path::check_bucket_name(bucket) {
                return Err(S3Error::BucketName(bucket.clone()));
            }
            let path = root.join(bucket);
            tokio::fs::create_dir_all(&path)
                .await
                .map_err(|source| S3Error::Folder { path, source })?;
        }
        let folder = |source| S3Error::Folder {
            path: root.to_owned(),
            source,
        };
        tokio::fs::create_dir_all(root).await.map_err(folder)?;
        let root = tokio::fs::canonicalize(root).await.map_err(folder)?;
        let store = FileSystem::new(&root).map_err(|error| S3Error::Store {
            path: root.clone(),
            reason: format!("{error:?}"),
        })?;
        let mut service = S3ServiceBuilder::new(store);
        service.set_auth(SimpleAuth::from_single(
            credentials.access_key.clone(),
            credentials.secret_key.clone(),
        ));
        service.set_access(BucketExists { root });
        Ok(Self {
            server: InProcess::serve(service.build()),
        })
    }

    /// The way to it, for its edges.
    #[must_use]
    pub fn dialer(&self) -> Dialer {
        self.server.dialer()
    }
}

/// Refuses what is unsigned, and what names a bucket that is not there: the store itself would
/// create the bucket of a PUT, where S3 answers `NoSuchBucket`.
struct BucketExists {
    root: PathBuf,
}

#[async_trait::async_trait]
impl S3Access for BucketExists {
    async fn check(&self, request: &mut S3AccessContext<'_>) -> S3Result<()> {
        if request.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "Signature is required"));
        }
        let Some(bucket) = request.s3_path().get_bucket_name() else {
            return Ok(());
        };
        if request.s3_op().name() == "CreateBucket" {
            return Ok(());
        }
        match tokio::fs::metadata(self.root.join(bucket)).await {
            Ok(found) if found.is_dir() => Ok(()),
            _ => Err(s3_error!(NoSuchBucket)),
        }
    }
}
