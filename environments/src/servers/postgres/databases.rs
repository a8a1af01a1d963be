//! Databases on a server: templates out of SQL files, clones, and their end.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::time::{MissedTickBehavior, interval};
use tokio_postgres::{Client, Config, NoTls, error::SqlState};

use super::{PostgresServer, SERVER, statements};
use crate::servers::{ServerError, folder_error};

/// The database that is always there.
const MAINTENANCE: &str = "postgres";

/// The superuser's ways to the server.
#[derive(Debug)]
pub(super) struct Admin {
    folder: PathBuf,
    user: String,
    password: String,
    /// A connection to the maintenance database, kept, and made anew when it broke.
    kept: tokio::sync::Mutex<Option<Arc<Client>>>,
}

impl Admin {
    pub(super) fn new(folder: &Path, user: &str, password: &str) -> Self {
        let (folder, user, password) = (folder.to_owned(), user.to_owned(), password.to_owned());
        Self {
            folder,
            user,
            password,
            kept: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }

    fn config(&self, database: &str) -> Config {
        let mut config = Config::new();
        config
            .host_path(&self.folder)
            .port(5432)
            .user(&self.user)
            .password(&self.password)
            .dbname(database);
        config.application_name("momus");
        config
    }

    async fn connect(&self, database: &str) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = self.config(database).connect(NoTls).await?;
        // It ends when the client is dropped or the server goes; whoever uses the client is told then.
        tokio::spawn(connection);
        Ok(client)
    }

    /// Waits until the server answers and gives the superuser its password.
    pub(super) async fn until_ready(&self) -> Result<(), ServerError> {
        let mut looks = interval(Duration::from_millis(10));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let client = loop {
            looks.tick().await;
            match self.connect(MAINTENANCE).await {
                Ok(client) => break client,
                // No socket yet, or one that says it is starting: anything else will not pass by waiting.
                Err(error) if error.as_db_error().is_none() => {}
                Err(error) if error.code() == Some(&SqlState::CANNOT_CONNECT_NOW) => {}
                Err(error) => return Err(refused("let the superuser in", &error)),
            }
        };
        // Both are our own: letters and digits.
        let sql = format!("ALTER ROLE {} PASSWORD '{}'", self.user, self.password);
        client
            .batch_execute(&sql)
            .await
            .map_err(|error| refused("set the superuser's password", &error))?;
        *self.kept.lock().await = Some(Arc::new(client));
        Ok(())
    }

    /// Executes a statement in the maintenance database.
    pub(super) async fn execute(&self, action: &str, sql: &str) -> Result<(), ServerError> {
        let client = {
            let mut kept = self.kept.lock().await;
            match kept.as_ref().filter(|client| !client.is_closed()) {
                Some(client) => Arc::clone(client),
                None => {
                    let client = self
                        .connect(MAINTENANCE)
                        .await
                        .map_err(|error| refused(action, &error))?;
                    Arc::clone(kept.insert(Arc::new(client)))
                }
            }
        };
        client.batch_execute(sql).await.map_err(|error| refused(action, &error))
    }
}

impl PostgresServer {
    /// How to connect to a database as the superuser.
    #[must_use]
    pub fn config(&self, database: &str) -> Config {
        self.admin.config(database)
    }

    /// Connects to a database as the superuser.
    ///
    /// # Errors
    /// When the server refuses, or is gone.
    pub async fn connect(&self, database: &str) -> Result<Client, ServerError> {
        let connected = self.admin.connect(database).await;
        connected.map_err(|error| refused(&format!("connect to database `{database}`"), &error))
    }

    /// Makes a database to be cloned: empty, then changed by the SQL files, which run in the order of their names, statement by statement.
    /// Nobody can connect to it afterwards.
    ///
    /// # Errors
    /// [`ServerError::Sql`] when a statement fails; there is no such database then.
    pub async fn create_template(&self, name: &str, files: &[PathBuf]) -> Result<(), ServerError> {
        let quoted = quote(name);
        self.admin
            .execute(&format!("make database `{name}`"), &format!("CREATE DATABASE {quoted}"))
            .await?;
        let filled = self.fill(name, files).await;
        let finished = match filled {
            Ok(()) => {
                let sql = format!("ALTER DATABASE {quoted} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false");
                self.admin.execute(&format!("make `{name}` a template"), &sql).await
            }
            Err(error) => Err(error),
        };
        if finished.is_err() {
            // The first error is the one to tell.
            let _ = self.drop(name).await;
        }
        finished
    }

    async fn fill(&self, name: &str, files: &[PathBuf]) -> Result<(), ServerError> {
        let client = self.connect(name).await?;
        let mut files = files.to_vec();
        files.sort_by(|one, other| one.file_name().cmp(&other.file_name()));
        for file in files {
            let sql = fs::read_to_string(&file).map_err(folder_error(&file))?;
            for statement in statements::split(&sql) {
                if let Err(error) = client.batch_execute(statement.text).await {
                    return Err(statement.error(file, &sql, &error).into());
                }
            }
        }
        Ok(())
    }

    /// Makes a database that is a copy of a template.
    ///
    /// # Errors
    /// When there is no such template, or one of the new name already.
    pub async fn clone_template(&self, template: &str, name: &str) -> Result<(), ServerError> {
        // STRATEGY came with 15; before, copying files was the only one.
        let strategy = if self.major >= 15 { " STRATEGY file_copy" } else { "" };
        let sql = format!("CREATE DATABASE {} TEMPLATE {}{strategy}", quote(name), quote(template));
        self.admin
            .execute(&format!("clone database `{template}` as `{name}`"), &sql)
            .await
    }

    /// Removes a database, if it is there, with whoever is connected to it.
    ///
    /// # Errors
    /// When it is a template, or holds a logical replication slot in use.
    pub async fn drop(&self, name: &str) -> Result<(), ServerError> {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote(name));
        self.admin.execute(&format!("drop database `{name}`"), &sql).await
    }
}

/// An identifier as it stands in SQL (sql-syntax-identifiers).
fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn refused(action: &str, error: &tokio_postgres::Error) -> ServerError {
    let cause = error
        .as_db_error()
        .map(|error| format!("{} (SQLSTATE {})", error.message(), error.code().code()));
    let cause = cause.or_else(|| std::error::Error::source(error).map(|source| format!("{error}: {source}")));
    ServerError::Refused {
        server: SERVER,
        action: action.to_owned(),
        reason: cause.unwrap_or_else(|| error.to_string()),
    }
}
