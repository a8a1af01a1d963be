//! Finding installed programs, and copying prepared folders.

use std::{fs, io, os::unix::fs::PermissionsExt, path::Path, path::PathBuf};

/// The first program of this name on `PATH`.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| is_program(path))
}

/// Whether this is a file that may be executed by somebody.
pub(super) fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// Copies a folder with all in it, its permissions included; symbolic links stay such. `owner` becomes the owner of the copy. What the
/// copy lies in must be there, and stay: in a folder that is removed meanwhile nothing is made anew.
pub(super) fn copy_tree(from: &Path, to: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    fs::create_dir(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_tree(&source, &target, owner)?;
            continue;
        }
        if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&source)?, &target)?;
        } else {
            fs::copy(&source, &target)?;
        }
        own(&target, owner)?;
    }
    own(to, owner)
}

fn own(path: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    match owner {
        Some((user, group)) => std::os::unix::fs::lchown(path, Some(user), Some(group)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_content_the_permissions_and_the_links() {
        let home = tempfile::tempdir().unwrap();
        let from = home.path().join("from");
        fs::create_dir_all(from.join("inner")).unwrap();
        fs::write(from.join("inner/file"), "text").unwrap();
        fs::set_permissions(from.join("inner"), fs::Permissions::from_mode(0o700)).unwrap();
        std::os::unix::fs::symlink("inner/file", from.join("link")).unwrap();
        let to = home.path().join("to");
        copy_tree(&from, &to, None).unwrap();
        assert_eq!(fs::read_to_string(to.join("link")).unwrap(), "text");
        assert_eq!(
            fs::metadata(to.join("inner")).unwrap().permissions().mode() & 0o777,
            0o700
        );
        assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("inner/file"));
    }

    #[test]
    fn a_program_is_found_and_a_folder_is_none() {
        assert!(find("sh").is_some());
        assert!(find("no-such-program").is_none());
        assert!(!is_program(Path::new("/")));
    }
}
