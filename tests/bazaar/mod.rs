//! A mesh on every kind of server, run in folders of its own: what a run leaves is left in one of them.
#![expect(clippy::expect_used, reason = "a test stops where it cannot go on")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use momus_environments::cache::Cache;

/// What is fetched, and too large to be fetched for each test.
const FETCHED: &str = "kafka-4.4.0";

const PROJECT: [(&str, &str); 8] = [
    ("mesh.yaml", include_str!("mesh.yaml")),
    ("bank.yaml", include_str!("../../fixtures/foreign/partners/bank.yaml")),
    ("schema.sql", include_str!("schema.sql")),
    ("build.sh", include_str!("build.sh")),
    ("shop.py", include_str!("shop.py")),
    ("receipts.py", include_str!("receipts.py")),
    ("features/sale.feature", include_str!("sale.feature")),
    ("momus.toml", "mesh = \"mesh.yaml\"\nparallel = 2\n"),
];

/// The project, a cache and a folder for temporary files, all in one folder that goes with this.
pub struct Bazaar {
    root: tempfile::TempDir,
}

impl Bazaar {
    /// A fresh one; in its cache is what has to be fetched, and nothing else.
    pub fn new() -> Self {
        let bazaar = Self {
            root: tempfile::tempdir().expect("a temporary folder"),
        };
        // The database server may run as another user.
        fs::set_permissions(bazaar.root(), fs::Permissions::from_mode(0o755)).expect("the folder is opened");
        for folder in [bazaar.temporary(), bazaar.project().join("features")] {
            fs::create_dir_all(folder).expect("the folder is made");
        }
        for (name, text) in PROJECT {
            bazaar.write(name, text);
        }
        let from = Cache::of_user().expect("the user has a cache").folder().join(FETCHED);
        if !from.is_dir() {
            bazaar.fetch();
        }
        let to = bazaar.cache().join(FETCHED);
        fs::create_dir_all(&to).expect("the folder is made");
        for entry in fs::read_dir(from).expect("it is fetched").flatten() {
            let copy = to.join(entry.file_name());
            // The cache may lie on another disk.
            fs::hard_link(entry.path(), &copy)
                .or_else(|_| fs::copy(entry.path(), &copy).map(drop))
                .expect("it is copied");
        }
        bazaar
    }

    /// The folder of all.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The cache.
    pub fn cache(&self) -> PathBuf {
        self.root().join("cache")
    }

    /// The folder for temporary files.
    pub fn temporary(&self) -> PathBuf {
        self.root().join("tmp")
    }

    /// The folder with mesh and features.
    pub fn project(&self) -> PathBuf {
        self.root().join("project")
    }

    /// Writes a file of the project.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.project().join(name), text).expect("the file is written");
    }

    /// Reads a file of the project.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.project().join(name)).expect("the file is there")
    }

    /// What the last runner wrote.
    pub fn said(&self) -> String {
        fs::read_to_string(self.root().join("said")).unwrap_or_default()
    }

    /// Starts `momus run`.
    pub fn run(&self, arguments: &[&str]) -> Child {
        let said = fs::File::create(self.root().join("said")).expect("the file is made");
        let mut command = self.command(arguments);
        command
            .env("MOMUS_CACHE", self.cache())
            .env("TMPDIR", self.temporary())
            .stdout(said.try_clone().expect("the file is shared"))
            .stderr(said);
        command.spawn().expect("momus runs")
    }

    /// Takes from the cache all that is not fetched but made.
    pub fn forget_what_is_made(&self) {
        for entry in fs::read_dir(self.cache()).expect("the cache is there").flatten() {
            if entry.file_name() != FETCHED {
                fs::remove_dir_all(entry.path()).expect("it is removed");
            }
        }
    }

    /// What lies where a run that is over has no business: all but the cache, the project and its report.
    pub fn left(&self) -> Vec<PathBuf> {
        let mut left = Vec::new();
        for folder in [self.temporary(), self.cache().join("runs"), self.project()] {
            left.extend(
                fs::read_dir(folder)
                    .into_iter()
                    .flatten()
                    .flatten()
                    .map(|entry| entry.path()),
            );
        }
        let own = |path: &PathBuf| {
            let name = path.strip_prefix(self.project()).ok().and_then(Path::to_str);
            name.is_some_and(|name| {
                let known = PROJECT.iter().any(|(file, _)| file.split('/').next() == Some(name));
                known || name == "momus-report" || name == "out"
            })
        };
        left.retain(|path| !own(path));
        left
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_momus"));
        command
            .arg("run")
            .args(arguments)
            .current_dir(self.project())
            .stdin(Stdio::null());
        for name in ["CI", "FORCE_COLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command.env("NO_COLOR", "1");
        command
    }

    /// An ordinary run, with the user's own cache.
    fn fetch(&self) {
        let output = self.command(&["--broker", "real"]).output().expect("momus runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
