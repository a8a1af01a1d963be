//! A Postgres server for the tests of these sentences: one for all of them, from the installed programs.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use momus_engine::sandbox::Endpoint;
use momus_proxies::edge::{Databases, Protocol, Upstream};
use tokio_postgres::NoTls;

use crate::testing::Scenario;

/// Makes a cluster in the folder `$2` with the programs in `$1`, and serves it until its standard input ends, which
/// it does when the tests' process is gone, in whatever way. Then nothing is left.
const SERVE: &str = r#"
"$1/initdb" --auth=trust --username=postgres --encoding=UTF8 --locale=C.UTF-8 --no-sync -D "$2/data" >"$2/initdb" 2>&1 ||
    { cat "$2/initdb" >&2; rm -rf "$2"; exit 1; }
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c log_destination=stderr &
server=$!
read -r _
kill -QUIT $server
wait $server
rm -rf "$2"
"#;
/// `nobody`: Postgres refuses to run as root.
const NOBODY: u32 = 65534;

struct Server {
    folder: PathBuf,
    databases: AtomicUsize,
    /// The server ends with it.
    _alive: ChildStdin,
}

static SERVER: OnceLock<Server> = OnceLock::new();

impl Server {
    fn start() -> Self {
        let programs = programs().expect(
            "these tests need Postgres: `initdb` and `postgres` are neither in PATH nor in /usr/lib/postgresql/*/bin",
        );
        let folder = tempfile::Builder::new()
            .prefix("momus-steps-")
            .tempdir_in("/tmp")
            .expect("a folder")
            .keep();
        let mut command = Command::new("sh");
        command.args(["-c", SERVE, "sh"]).arg(&programs).arg(&folder);
        command
            .current_dir(&folder)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        // What a terminal tells the tests' process group is not told the server: it ends by its standard input.
        command.process_group(0);
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).expect("it is ours");
        if std::fs::metadata(&folder).expect("it is there").uid() == 0 {
            std::os::unix::fs::chown(&folder, Some(NOBODY), Some(NOBODY)).expect("root may");
            command.uid(NOBODY).gid(NOBODY);
        }
        let mut child = command.spawn().expect("a shell");
        let alive = child.stdin.take().expect("it is piped");
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let mut said = Vec::new();
        loop {
            let line = lines.next().and_then(Result::ok);
            let line = line.unwrap_or_else(|| panic!("Postgres did not start:\n{}", said.join("\n")));
            if line.contains("database system is ready to accept connections") {
                break;
            }
            said.push(line);
        }
        // It must go on to be read, or the server would wait.
        std::thread::spawn(move || {
            lines.for_each(drop);
            child.wait()
        });
        Self {
            folder,
            databases: AtomicUsize::new(1),
            _alive: alive,
        }
    }

    fn url(&self, database: &str) -> String {
        let folder = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{folder}/{database}")
    }
}

/// The folder of the server's programs.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(installed.map(|version| version.path().join("bin")));
    let whole = |folder: &PathBuf| {
        ["initdb", "postgres"]
            .iter()
            .all(|program| folder.join(program).is_file())
    };
    let found = folders.into_iter().find(whole)?;
    // `initdb` looks for `postgres` beside itself, where a link leads.
    let real = std::fs::canonicalize(found.join("initdb")).ok()?;
    real.parent().map(Path::to_owned)
}

async fn execute(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("it listens");
    let connection = tokio::spawn(connection);
    client
        .batch_execute(sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    drop(client);
    connection.await.expect("it does not panic").expect("it ends well");
}

/// A scenario with a database of its own, made by this SQL, which the test client reaches over an edge.
pub(super) async fn scenario(sql: &str) -> (Scenario, Sql) {
    let mut scenario = Scenario::begin();
    let database = serve(&mut scenario, sql).await;
    (scenario, database)
}

/// Has the test client find a database, made by this SQL, behind an edge.
pub(crate) async fn serve(scenario: &mut Scenario, sql: &str) -> Sql {
    let server = SERVER.get_or_init(Server::start);
    let name = format!("billing-db_{}", server.databases.fetch_add(1, Ordering::Relaxed));
    execute(&server.url("postgres"), &format!("CREATE DATABASE \"{name}\"")).await;
    let database = Sql(server.url(&name));
    database.run(sql).await;
    let protocol = Protocol::Postgres(Databases {
        clones: [("billing-db".to_owned(), name)].into(),
        ..Databases::default()
    });
    let upstream = Upstream::Unix(server.folder.join(".s.PGSQL.5432"));
    let edge = scenario.edge("billing-db", upstream, protocol).await.address();
    let endpoint = Endpoint {
        url: format!("postgres://postgres@{edge}/billing-db?sslmode=disable"),
        ..Endpoint::default()
    };
    scenario.endpoint("billing-db", endpoint);
    database
}

/// Somebody else's way to the database of a scenario.
pub(crate) struct Sql(String);

impl Sql {
    pub async fn run(&self, sql: &str) {
        execute(&self.0, sql).await;
    }
}
