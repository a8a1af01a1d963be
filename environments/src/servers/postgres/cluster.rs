//! The folder of a Postgres server: where it can be, whose it is, and a cluster made once and copied.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use super::{SERVER, SUPERUSER, binaries::Binaries};
use crate::{
    cache::{Cache, Progress},
    guardian::{Command, Guardian, remove_tree},
    servers::{ServerError, folder_error, programs::copy_tree},
};

/// Whom the server runs as when we are root, which it refuses to be: `nobody`.
const NOBODY: (u32, u32) = (65534, 65534);
/// The longest path of a Unix socket, in bytes (unix(7): 108 with the closing zero).
const LONGEST_SOCKET: usize = 107;
/// The name of the socket in its folder; the number is that of the port it would have.
pub(super) const SOCKET: &str = ".s.PGSQL.5432";
const INITDB: [&str; 5] = [
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--no-sync",
    "--wal-segsize=4",
];

/// The user and group that a server is to run as, if not our own.
pub(super) fn user() -> Option<(u32, u32)> {
    rustix::process::geteuid().is_root().then_some(NOBODY)
}

/// Makes an empty folder for a server, its user's own with mode 0700, that goes with the run: `name` in the run's folder; where that user
/// cannot get there, or a socket's path would be too long, one in the folder for temporary files.
pub(super) async fn folder(guardian: &Guardian, name: &str) -> Result<PathBuf, ServerError> {
    let mut folder = guardian.run_folder().join(name);
    if !fits(&folder) || (user().is_some() && !is_open(guardian.run_folder())) {
        let temporary = std::env::temp_dir();
        let elsewhere = format!("momus-{}-{name}", guardian.run_id());
        folder = temporary.join(&elsewhere);
        if !fits(&folder) || !is_open(&temporary) {
            folder = Path::new("/tmp").join(elsewhere);
        }
        guardian.own_folder(&folder).await?;
    }
    let refused = || folder_error(&folder);
    remove_tree(&folder).map_err(refused())?;
    fs::DirBuilder::new().mode(0o700).create(&folder).map_err(refused())?;
    if let Some((user, group)) = user() {
        std::os::unix::fs::chown(&folder, Some(user), Some(group)).map_err(refused())?;
    }
    Ok(folder)
}

fn fits(folder: &Path) -> bool {
    folder.join(SOCKET).as_os_str().len() <= LONGEST_SOCKET
}

/// Whether everybody may pass through this folder and all above it.
fn is_open(folder: &Path) -> bool {
    folder
        .ancestors()
        .all(|folder| fs::metadata(folder).is_ok_and(|metadata| metadata.mode() & 0o001 != 0))
}

/// The server's programs where its user can run them: themselves, or a copy in the server's folder when they lie in a closed one.
pub(super) fn reachable(binaries: Binaries, folder: &Path) -> Result<Binaries, ServerError> {
    if user().is_none() || is_open(&binaries.folder) {
        return Ok(binaries);
    }
    let copy = folder.join("server");
    let whole = binaries.folder.parent().unwrap_or(&binaries.folder);
    copy_tree(whole, &copy, user()).map_err(folder_error(&copy))?;
    Ok(Binaries {
        folder: copy.join("bin"),
        ..binaries
    })
}

/// A cluster with nothing in it but the superuser, from the cache, to be copied.
pub(super) async fn template(
    guardian: &Guardian,
    cache: &Cache,
    binaries: &Binaries,
    progress: &Progress,
) -> Result<PathBuf, ServerError> {
    let mut key = DefaultHasher::new();
    (&binaries.version, INITDB, SUPERUSER).hash(&mut key);
    let entry = cache.entry(&format!("postgres-cluster-{:016x}", key.finish()));
    let make = |made: PathBuf| async move {
        progress("preparing a Postgres cluster (once)");
        let scratch = folder(guardian, "initdb").await?;
        let binaries = reachable(binaries.clone(), &scratch)?;
        let data = scratch.join("data");
        let command = Command::new(binaries.folder.join("initdb"))
            .argument(format!("--username={SUPERUSER}"))
            .argument("-D")
            .argument(&data)
            .variable("PATH", "/usr/bin:/bin")
            .variable("TMPDIR", scratch.display().to_string())
            .variable("TZ", "UTC")
            .working_dir(&scratch)
            .user(user())
            .label("initdb");
        let command = INITDB.iter().fold(command, |command, option| command.argument(option));
        let finished = guardian.run(command, |_| {}).await?;
        if !finished.exit.success() {
            let (exit, output) = (finished.exit, finished.output);
            return Err(ServerError::Prepare {
                server: SERVER,
                program: "initdb".into(),
                exit,
                output,
            });
        }
        copy_tree(&data, &made.join("data"), None).map_err(folder_error(&made))?;
        remove_tree(&scratch).map_err(folder_error(&scratch))
    };
    Ok(entry
        .get_or_make(guardian.run_folder(), progress, make)
        .await?
        .join("data"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_socket_path_has_its_limit() {
        assert!(fits(Path::new("/tmp/momus-0123456789-postgres")));
        assert!(!fits(&Path::new("/").join("x".repeat(100))));
    }

    #[test]
    fn a_folder_is_open_when_all_above_it_are() {
        assert!(is_open(Path::new("/usr/bin")));
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        assert!(!is_open(folder.path()), "nobody but its owner may enter it");
    }
}
