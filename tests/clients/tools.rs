//! The clients' programs (`programs/`), made ready once for all tests: libraries come from each language's own registry.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Where the programs' sources are.
pub fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/programs")
}

/// Where what is made of them is kept between runs.
fn made() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs a command to its end; its output and its name if it fails.
fn must(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{command:?}: {}\n{out}{err}", output.status);
}

/// Makes something of a manifest, unless it was made of the same one before.
fn once(name: &str, manifests: &[PathBuf], make: impl FnOnce(&Path)) -> PathBuf {
    let folder = made().join(name);
    let now: String = manifests
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        .collect();
    let stamp = folder.join("made-of");
    if std::fs::read_to_string(&stamp).ok().as_deref() != Some(now.as_str()) {
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).unwrap();
        make(&folder);
        std::fs::write(&stamp, now).unwrap();
    }
    folder
}

/// A Python with the libraries of `programs/python/requirements.txt`.
pub fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let manifest = programs().join("python/requirements.txt");
        let folder = once("python", std::slice::from_ref(&manifest), |folder| {
            must(Command::new("python3").args(["-m", "venv"]).arg(folder));
            let mut pip = Command::new(folder.join("bin/pip"));
            must(pip.args(["install", "--quiet", "--requirement"]).arg(&manifest));
        });
        folder.join("bin/python")
    })
}

/// The value of `NODE_PATH` with the libraries of `programs/node/package.json`.
pub fn node_path() -> &'static Path {
    static NODE: OnceLock<PathBuf> = OnceLock::new();
    NODE.get_or_init(|| {
        let manifest = programs().join("node/package.json");
        let folder = once("node", std::slice::from_ref(&manifest), |folder| {
            std::fs::copy(&manifest, folder.join("package.json")).unwrap();
            let mut npm = Command::new("npm");
            must(
                npm.args(["install", "--no-package-lock", "--silent"])
                    .current_dir(folder),
            );
        });
        folder.join("node_modules")
    })
}

/// A program in Java: its sources, and the manifest of its libraries, in a folder of `programs/java`.
pub struct Java {
    /// The folder's name.
    pub folder: &'static str,
    /// The class with the main method.
    pub class: &'static str,
}

impl Java {
    /// Its class path: what Maven fetches, and what is compiled with it.
    pub fn made(&self) -> String {
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let source = programs().join("java").join(self.folder);
        let manifest = source.join("pom.xml");
        let libraries = once(
            &format!("java-{}-libraries", self.folder),
            std::slice::from_ref(&manifest),
            |folder| {
                let mut maven = Command::new("mvn");
                maven.args(["--batch-mode", "--quiet", "-Dstyle.color=never", "--file"]);
                maven.arg(&manifest).arg("dependency:copy-dependencies");
                must(maven.arg(format!("-DoutputDirectory={}", folder.display())));
            },
        );
        let mut sources: Vec<_> = std::fs::read_dir(source.join("src"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        sources.sort();
        let stamps = [&sources[..], std::slice::from_ref(&manifest)].concat();
        let libraries = libraries.join("*").display().to_string();
        let classes = once(&format!("java-{}-classes", self.folder), &stamps, |folder| {
            let mut compiler = Command::new("javac");
            compiler.args([
                "-Xlint:all,-path,-classfile",
                "-Werror",
                "-proc:none",
                "-cp",
                &libraries,
                "-d",
            ]);
            must(compiler.arg(folder).args(&sources));
        });
        format!("{}:{libraries}", classes.display())
    }

    /// The program, ready to get its arguments, in a JVM that starts fast and leaves no files behind.
    pub fn command(&self) -> tokio::process::Command {
        let mut command = tokio::process::Command::new("java");
        command.args([
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-XX:-UsePerfData",
            "-Xmx256m",
        ]);
        command.args(["-cp", &self.made(), self.class]);
        command
    }
}

/// The program made of `programs/go/cmd/NAME`.
pub fn go(name: &str) -> PathBuf {
    let program = made().join("go").join(name);
    std::fs::create_dir_all(made().join("go")).unwrap();
    let mut build = Command::new("go");
    build.args(["build", "-p", "2", "-o"]).arg(&program);
    must(build.arg(format!("./cmd/{name}")).current_dir(programs().join("go")));
    program
}

/// The program of `programs/rust`, a workspace of its own.
pub fn rust() -> PathBuf {
    let target = made().join("rust");
    let mut build = Command::new("cargo");
    build
        .args(["build", "--locked", "--jobs", "2", "--target-dir"])
        .arg(&target);
    must(build.current_dir(programs().join("rust")));
    target.join("debug/kafka")
}
