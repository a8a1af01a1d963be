//! A folder to run the binary in.
#![expect(clippy::expect_used, reason = "a test stops where it cannot go on")]
#![allow(dead_code, reason = "each test uses a part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with files of a user's, removed with this.
pub struct Scratch {
    folder: tempfile::TempDir,
}

/// What a command said.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    /// Exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub error: String,
}

impl Scratch {
    /// A folder with these files.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let scratch = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        for (name, text) in files {
            scratch.write(name, text);
        }
        scratch
    }

    /// A folder with the foreign mesh as `mesh.yaml`, and these files.
    pub fn foreign(files: &[(&str, &str)]) -> Self {
        let scratch = Self::new(&[]);
        let foreign = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/foreign");
        for name in [
            "mesh.yaml",
            "partners/bank.yaml",
            "sql/billing/001_invoices.sql",
            "features/schemas/order.json",
        ] {
            let text = std::fs::read_to_string(foreign.join(name)).expect("the foreign mesh is there");
            scratch.write(name, &text);
        }
        for (name, text) in files {
            scratch.write(name, text);
        }
        scratch
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of it.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it has a parent")).expect("the folder is made");
        std::fs::write(&path, text).expect("the file is written");
        path
    }

    /// Reads a file of it.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).expect("the file is there")
    }

    /// A text without what differs from run to run: times, seeds, this folder.
    pub fn steady(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let own = [self.path().canonicalize().expect("it is there"), self.path().to_owned()];
        for folder in own {
            text = text.replace(&folder.display().to_string(), "FOLDER");
        }
        for (differs, stands) in [
            (r"\+?\d+(\.\d+)? (ms|s|min)\b", "TIME"),
            // Whether one was made ahead is chance.
            (r" *TIME  sandbox claimed, waited for TIME\n", ""),
            (r"seed \d{3,}", "seed SEED"),
            ("timestamp=\"[^\"]*\"", "timestamp=\"TIME\""),
        ] {
            let differs = regex::Regex::new(differs).expect("it is well formed");
            text = differs.replace_all(&text, stands).into_owned();
        }
        text
    }

    /// The binary in this folder, outside of any CI, without colours.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_momus"));
        command.args(arguments).current_dir(self.path());
        for name in ["CI", "FORCE_COLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command.env("NO_COLOR", "1");
        command
    }

    /// Runs the binary in this folder.
    pub fn momus(&self, arguments: &[&str]) -> Said {
        Said::of(&self.command(arguments).output().expect("momus runs"))
    }
}

impl Said {
    /// What a command said that has ended.
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code(),
            out: text(&output.stdout),
            error: text(&output.stderr),
        }
    }
}
