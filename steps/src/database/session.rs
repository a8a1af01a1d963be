//! The test client's own connection to a datastore.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use momus_engine::event::Happening;
use momus_engine::failure::{Failure, StepError, in_words};
use momus_engine::timeline::Timeline;
use momus_engine::world::World;
use tokio::sync::Mutex;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::{Client, NoTls};

/// For so long a statement of the test client may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The datastores that a scenario has looked at; their connections end with its world.
#[derive(Default)]
pub struct Databases(HashMap<String, Arc<Database>>);

/// A datastore as the test client reaches it: one connection, made when it is first needed, and anew when it broke.
pub struct Database {
    datastore: String,
    url: String,
    session: Mutex<Option<Arc<Session>>>,
    /// What each table held when it was looked at last, as a hash.
    seen: std::sync::Mutex<HashMap<String, u64>>,
}

/// An open connection.
pub struct Session {
    /// What sends statements over it.
    pub client: Client,
    connection: AbortHandle,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// The datastore of this name.
///
/// # Errors
/// When the test client has no way to it.
pub fn database(world: &mut World, datastore: &str) -> Result<Arc<Database>, StepError> {
    if let Some(database) = world.state.get_or_default::<Databases>().0.get(datastore) {
        return Ok(Arc::clone(database));
    }
    let database = Arc::new(Database {
        datastore: datastore.to_owned(),
        url: world.client(datastore)?.url,
        session: Mutex::default(),
        seen: std::sync::Mutex::default(),
    });
    let databases = world.state.get_or_default::<Databases>();
    databases.0.insert(datastore.to_owned(), Arc::clone(&database));
    Ok(database)
}

impl Database {
    /// Its name in the mesh.
    pub fn datastore(&self) -> &str {
        &self.datastore
    }

    /// Its open connection. Times are told in UTC over it.
    ///
    /// # Errors
    /// Unknown, when there is none to be had.
    pub async fn session(&self) -> Result<Arc<Session>, StepError> {
        let mut session = self.session.lock().await;
        if let Some(open) = session.as_ref().filter(|session| !session.client.is_closed()) {
            return Ok(Arc::clone(open));
        }
        let connected = self.within(tokio_postgres::connect(&self.url, NoTls)).await?;
        let (client, connection) = connected.map_err(|error| self.unknown(&in_full(&error)))?;
        let connection = tokio::spawn(async move { drop(connection.await) }).abort_handle();
        let open = Arc::new(Session { client, connection });
        let set = self.within(open.client.batch_execute("SET TIME ZONE 'UTC'")).await?;
        set.map_err(|error| self.unknown(&in_full(&error)))?;
        *session = Some(Arc::clone(&open));
        Ok(open)
    }

    /// What a statement comes to, in time.
    ///
    /// # Errors
    /// Unknown, when it takes longer than 10 s.
    pub async fn within<T>(&self, statement: impl Future<Output = T>) -> Result<T, StepError> {
        let patience = in_words(PATIENCE);
        timeout(PATIENCE, statement).await.map_err(|_| {
            self.unknown(&format!("it did not answer within {patience}"))
                .hint("a statement that waits for a lock waits for whoever holds it")
        })
    }

    /// Records that a table was looked at, where it holds something else than at the look before.
    pub fn tell(&self, timeline: &Timeline, table: &str, rows: &[String]) {
        let mut hasher = DefaultHasher::new();
        rows.hash(&mut hasher);
        let now = hasher.finish();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.insert(table.to_owned(), now) != Some(now) {
            timeline.record(Happening::Rows {
                datastore: self.datastore.clone(),
                table: table.to_owned(),
                rows: rows.len(),
            });
        }
    }

    /// What the server said of a statement, in full, or that it cannot be asked.
    ///
    /// A server that answers with an error has been asked something wrong: that fails the step.
    pub fn refused(&self, what: &str, error: &tokio_postgres::Error) -> StepError {
        match error.as_db_error() {
            Some(_) => Failure::failed(format!("{what}: {}", in_full(error))),
            None => self.unknown(&in_full(error)),
        }
    }

    /// The test client cannot tell what is in it.
    pub fn unknown(&self, why: &str) -> StepError {
        Failure::unknown(format!("the test client cannot use {}: {why}", self.datastore))
    }
}

/// What went wrong, with the server's detail and SQLSTATE where it was the server that said so.
pub fn in_full(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => {
            let detail = said.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
            format!("{}{detail} [SQLSTATE {}]", said.message(), said.code().code())
        }
        None => {
            let mut told = error.to_string();
            let mut source = std::error::Error::source(error);
            while let Some(cause) = source {
                let cause_told = cause.to_string();
                if !told.contains(&cause_told) {
                    told.push_str(": ");
                    told.push_str(&cause_told);
                }
                source = cause.source();
            }
            told
        }
    }
}
