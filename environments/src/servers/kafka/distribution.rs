//! The broker's files: fetched, formatted and archived once, then taken from the cache.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    time::Duration,
};

use super::cluster::{PROPERTIES, properties};
use super::node::Seat;
use super::{Form, KafkaServer, Ports, SERVER};
use crate::{
    cache::{Cache, Progress},
    guardian::{Command, Finished, Guardian},
    servers::{ServerError, folder_error, programs},
};

const VERSION: &str = "4.4.0";
const POM: &str = include_str!("pom.xml");
/// Any 16 bytes in base64url; the same for all brokers, so that the formatted folder can be shared.
const CLUSTER_ID: &str = "bW9tdXMtb25lLW5vZGUtMA";
/// What makes a JVM of one short-lived broker start fast and stay small.
const JVM: [&str; 5] = [
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xms64m",
    "-Xmx256m",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
];
/// How long a broker may take to write its archive when told to end.
const ARCHIVE_LIMIT: Duration = Duration::from_secs(120);
const ARCHIVE: &str = "classes.jsa";

/// All that it takes to start a broker.
#[derive(Debug)]
pub struct Distribution {
    java: PathBuf,
    libraries: PathBuf,
    temporary: PathBuf,
    /// A formatted data folder, to be copied.
    pub(super) formatted: PathBuf,
    archive: Option<PathBuf>,
}

impl Distribution {
    /// What is lacking: Java, or Maven where the broker has not been fetched yet.
    pub(super) fn lacking(cache: &Cache) -> Option<ServerError> {
        let fetched = || cache.entry(&format!("kafka-{VERSION}")).path().exists();
        let program = match programs::find("java") {
            None => "java",
            Some(_) if programs::find("mvn").is_none() && !fetched() => "mvn",
            Some(_) => return None,
        };
        Some(ServerError::Absent {
            server: SERVER,
            program,
        })
    }

    /// Has it ready on this machine. The first time it is fetched, formatted and archived, each told through `progress`.
    ///
    /// # Errors
    /// [`ServerError::is_absence`] when Java or Maven lacks or the broker cannot be fetched.
    pub async fn get(guardian: &Guardian, cache: &Cache, progress: &Progress) -> Result<Self, ServerError> {
        let absent = |program| ServerError::Absent {
            server: SERVER,
            program,
        };
        let java = programs::find("java").ok_or_else(|| absent("java"))?;
        let run_folder = guardian.run_folder();
        let entry = cache.entry(&format!("kafka-{VERSION}"));
        // Without Maven the broker still runs when it is in the cache.
        let libraries = entry.get_or_make(run_folder, progress, |folder| async move {
            let maven = programs::find("mvn").ok_or_else(|| absent("mvn"))?;
            progress(&format!("fetching Kafka {VERSION} (44 MB)"));
            fetch(guardian, &maven, &folder).await
        });
        let libraries = libraries.await?;
        let temporary = guardian.temporary_folder();
        let mut distribution = Self {
            java,
            libraries,
            temporary,
            formatted: PathBuf::new(),
            archive: None,
        };
        let formatted = cache.entry(&format!(
            "kafka-{VERSION}-formatted-{:016x}",
            hash((PROPERTIES, CLUSTER_ID))
        ));
        let format = |folder| distribution.format(guardian, progress, folder);
        distribution.formatted = formatted.get_or_make(run_folder, progress, format).await?;
        let java_version = guardian
            .run(distribution.java("java -version").argument("-version"), |_| {})
            .await?;
        // Of another JVM or class path an archive would be ignored; the flags tell which collector it is for, and the
        // properties which classes are loaded.
        let key = hash((
            &java_version.output,
            &distribution.java,
            &distribution.libraries,
            JVM,
            PROPERTIES,
        ));
        let archive = cache.entry(&format!("kafka-{VERSION}-classes-{key:016x}"));
        let make = |folder| distribution.make_archive(guardian, progress, folder);
        distribution.archive = Some(archive.get_or_make(run_folder, progress, make).await?.join(ARCHIVE));
        Ok(distribution)
    }

    fn java(&self, label: &str) -> Command {
        let command = Command::new(&self.java).label(label);
        kept_out_of_tmp(&self.temporary)
            .iter()
            .fold(command, |command, flag| command.argument(flag))
    }

    fn with_classes(&self, label: &str) -> Command {
        let command = JVM
            .iter()
            .fold(self.java(label), |command, flag| command.argument(flag));
        command.argument("-cp").argument(self.libraries.join("*"))
    }

    /// The command that is a broker with these properties.
    pub(super) fn broker(&self, properties: &Path) -> Command {
        let mut command = self.with_classes("kafka");
        if let Some(archive) = &self.archive {
            // An archive that cannot be used is passed over without a word, the class path being what counts.
            command.arguments.splice(
                0..0,
                [
                    format!("-XX:SharedArchiveFile={}", archive.display()),
                    "-Xlog:disable".into(),
                ],
            );
        }
        command.argument("kafka.Kafka").argument(properties)
    }

    async fn format(&self, guardian: &Guardian, progress: &Progress, folder: PathBuf) -> Result<(), ServerError> {
        progress("formatting Kafka's storage (once)");
        let scratch = guardian.run_folder().join("kafka-format.properties");
        let ports = Ports {
            broker: 1,
            controller: 2,
            open: None,
        };
        let text = properties(&folder, ports, Seat::alone(ports.controller));
        fs::write(&scratch, text).map_err(folder_error(&scratch))?;
        let tool = [
            "kafka.tools.StorageTool",
            "format",
            "--cluster-id",
            CLUSTER_ID,
            "--config",
        ];
        let command = tool
            .iter()
            .fold(self.with_classes("StorageTool format"), |command, word| {
                command.argument(word)
            });
        let finished = guardian.run(command.argument(&scratch), |_| {}).await?;
        succeeded("StorageTool format", finished)
    }

    /// Starts a broker once to see which classes it loads, and lets it write them down as it ends.
    async fn make_archive(&self, guardian: &Guardian, progress: &Progress, folder: PathBuf) -> Result<(), ServerError> {
        progress("archiving Kafka's classes (once)");
        let scratch = guardian.run_folder().join("kafka-archive");
        let archive = format!("-XX:ArchiveClassesAtExit={}", folder.join(ARCHIVE).display());
        // Which classes cannot be archived fills the log, and nothing else could be read in it.
        let flags = [archive, "-Xlog:disable".into()];
        let form = Form {
            flags: &flags,
            ..Form::shared(1)
        };
        let server = KafkaServer::start_with(guardian, self, &scratch, form, Ports::free).await?;
        let exit = server.child().stop(ARCHIVE_LIMIT).await;
        if !folder.join(ARCHIVE).is_file() {
            let program = "java -XX:ArchiveClassesAtExit".to_owned();
            return Err(ServerError::Prepare {
                server: SERVER,
                program,
                exit,
                output: server.tail(),
            });
        }
        server.stop().await
    }
}

/// What keeps a JVM from leaving files in `/tmp` when it is killed: its counters lie there, and native libraries are unpacked there,
/// whatever `TMPDIR` says.
fn kept_out_of_tmp(temporary: &Path) -> [String; 2] {
    [
        "-XX:-UsePerfData".into(),
        format!("-Djava.io.tmpdir={}", temporary.display()),
    ]
}

async fn fetch(guardian: &Guardian, maven: &Path, folder: &Path) -> Result<(), ServerError> {
    let pom = guardian.run_folder().join("kafka-pom.xml");
    fs::write(&pom, POM).map_err(folder_error(&pom))?;
    let of_user = std::env::var("MAVEN_OPTS").unwrap_or_default();
    let ours = kept_out_of_tmp(&guardian.temporary_folder()).join(" ");
    let command = Command::new(maven)
        .inherit_environment()
        .variable("MAVEN_OPTS", format!("{of_user} {ours}"))
        .argument("--batch-mode")
        .argument("--quiet")
        .argument("--file")
        .argument(&pom)
        .argument(format!("-Dkafka={VERSION}"))
        .argument("-Dstyle.color=never")
        .argument("dependency:copy-dependencies")
        .argument(format!("-DoutputDirectory={}", folder.display()))
        .label("mvn");
    let finished = guardian.run(command, |_| {}).await?;
    if finished.exit.success() {
        return Ok(());
    }
    let reason = format!(
        "`mvn dependency:copy-dependencies` ended with {}\n{}",
        finished.exit,
        finished.output.trim_end()
    );
    Err(ServerError::Fetch {
        server: format!("Kafka {VERSION}"),
        reason,
    })
}

fn succeeded(program: &str, finished: Finished) -> Result<(), ServerError> {
    let Finished { exit, output } = finished;
    match exit.success() {
        true => Ok(()),
        false => Err(ServerError::Prepare {
            server: SERVER,
            program: program.to_owned(),
            exit,
            output,
        }),
    }
}

fn hash(parts: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}
