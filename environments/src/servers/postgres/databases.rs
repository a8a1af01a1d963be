//! Databases on a server: templates out of SQL files, clones, and their end.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{MissedTickBehavior, interval};
use tokio_postgres::{Client, Config, NoTls, error::SqlState};

use super::{PostgresServer, SERVER, statements};
use crate::servers::{ServerError, folder_error};

/// The database that is always there.
const MAINTENANCE: &str = "postgres";

/// How things are listed that are neither templates nor the server's own.
const LEFT: [(&str, &str); 4] = [
    (
        "database",
        "SELECT datname::text FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY 1",
    ),
    (
        "role",
        "SELECT rolname::text FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> current_user ORDER BY 1",
    ),
    (
        "replication slot",
        "SELECT slot_name::text FROM pg_replication_slots ORDER BY 1",
    ),
    ("prepared transaction", "SELECT gid FROM pg_prepared_xacts ORDER BY 1"),
];

/// The superuser's ways to the server.
#[derive(Debug)]
pub(super) struct Admin {
    folder: PathBuf,
    user: String,
    password: String,
    /// Connections to the maintenance database that nobody uses at this moment: one is enough for many statements, but a
    /// server runs as many at a time as it has connections.
    idle: Mutex<Vec<Client>>,
}

impl Admin {
    pub(super) fn new(folder: &Path, user: &str, password: &str) -> Self {
        let (folder, user, password) = (folder.to_owned(), user.to_owned(), password.to_owned());
        Self {
            folder,
            user,
            password,
            idle: Mutex::default(),
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
        self.lend(client);
        Ok(())
    }

    /// Executes a statement in the maintenance database.
    pub(super) async fn execute(&self, action: &str, sql: &str) -> Result<(), ServerError> {
        let client = self.borrow(action).await?;
        let executed = client.batch_execute(sql).await;
        // Given back only when it has answered: a statement that nobody waits for goes on.
        self.lend(client);
        executed.map_err(|error| refused(action, &error))
    }

    /// The first column of a query's rows in the maintenance database.
    pub(super) async fn query(&self, action: &str, sql: &str) -> Result<Vec<String>, ServerError> {
        let client = self.borrow(action).await?;
        let rows = client.query(sql, &[]).await;
        self.lend(client);
        let rows = rows.map_err(|error| refused(action, &error))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    async fn borrow(&self, action: &str) -> Result<Client, ServerError> {
        let idle = loop {
            match self.idle().pop() {
                Some(client) if client.is_closed() => {}
                idle => break idle,
            }
        };
        match idle {
            Some(client) => Ok(client),
            None => self.connect(MAINTENANCE).await.map_err(|error| refused(action, &error)),
        }
    }

    fn lend(&self, client: Client) {
        self.idle().push(client);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Client>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
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
            let _ = self.drop_database(name).await;
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
        let strategy = if self.major_version() >= 15 {
            " STRATEGY file_copy"
        } else {
            ""
        };
        let sql = format!("CREATE DATABASE {} TEMPLATE {}{strategy}", quote(name), quote(template));
        self.admin
            .execute(&format!("clone database `{template}` as `{name}`"), &sql)
            .await
    }

    /// Makes a template a database of another name: there is no template any more.
    ///
    /// # Errors
    /// When there is no such template, or a database of the new name already.
    pub async fn turn_template(&self, template: &str, name: &str) -> Result<(), ServerError> {
        let (from, to) = (quote(template), quote(name));
        let action = format!("make template `{template}` database `{name}`");
        let rename = format!("ALTER DATABASE {from} RENAME TO {to}");
        self.admin.execute(&action, &rename).await?;
        let open = format!("ALTER DATABASE {to} WITH IS_TEMPLATE false ALLOW_CONNECTIONS true");
        self.admin.execute(&action, &open).await
    }

    /// Removes a database, if it is there, with whoever is connected to it.
    ///
    /// # Errors
    /// When it is a template, or holds a logical replication slot in use.
    pub async fn drop_database(&self, name: &str) -> Result<(), ServerError> {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote(name));
        self.admin.execute(&format!("drop database `{name}`"), &sql).await
    }

    /// What is there beyond templates and the server's own: the names of databases, roles, replication slots and prepared
    /// transactions, behind what they are.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn left(&self) -> Result<Vec<(&'static str, Vec<String>)>, ServerError> {
        let mut left = Vec::new();
        for (kind, sql) in LEFT {
            left.push((kind, self.admin.query("list what is left", sql).await?));
        }
        Ok(left)
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
