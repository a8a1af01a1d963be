//! The file system inside: the runner's, with a few places of its own.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use rustix::{
    fs::CWD,
    mount::{
        MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, mount, mount_bind, mount_change, move_mount,
        open_tree,
    },
};

use super::Inside;

/// What is new and empty inside.
const EMPTY: [&str; 2] = ["/tmp", "/dev/shm"];

/// Builds it.
///
/// # Errors
/// When the system refuses, with what was tried.
pub(super) fn build(inside: &Inside) -> io::Result<()> {
    let told = |what: &str| {
        let what = what.to_owned();
        move |error: rustix::io::Errno| io::Error::other(format!("{what}: {}", io::Error::from(error)))
    };
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .map_err(told("make mounts private"))?;
    // What is kept is taken before anything lies over it.
    let under = |path: &PathBuf| EMPTY.iter().any(|new| path.starts_with(new) && path != Path::new(new));
    let mut kept = Vec::new();
    let mut paths: Vec<&PathBuf> = inside.kept.iter().filter(|path| under(path) && path.exists()).collect();
    // A folder before what lies in it.
    paths.sort();
    for path in paths {
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
        let tree = open_tree(CWD, path, flags).map_err(told(&format!("keep {}", path.display())))?;
        kept.push((path, path.is_dir(), tree));
    }
    // Where /proc is partly hidden (in some containers), a new one is forbidden; the old one serves, with other numbers.
    let _ = mount(
        "proc",
        "/proc",
        "proc",
        MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC,
        None,
    );
    for new in EMPTY.iter().filter(|new| Path::new(new).is_dir()) {
        mount("tmpfs", *new, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, None)
            .map_err(told(&format!("mount {new}")))?;
        fs::set_permissions(new, fs::Permissions::from_mode(0o1777))?;
    }
    overlay("/etc/hosts", &inside.hosts)?;
    if let Some(resolver) = inside.resolver {
        overlay(
            "/etc/resolv.conf",
            &format!("nameserver {resolver}\noptions timeout:2 attempts:1\n"),
        )?;
    }
    for (path, is_folder, tree) in kept {
        // What lies in a folder that is kept is there already.
        if !path.exists() {
            match path.parent().filter(|_| !is_folder) {
                Some(folder) => fs::create_dir_all(folder).and_then(|()| fs::write(path, ""))?,
                None => fs::create_dir_all(path)?,
            }
            let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
            move_mount(&tree, "", CWD, path, flags).map_err(told(&format!("keep {}", path.display())))?;
        }
    }
    Ok(())
}

/// Lays a file with this content over another. Where there is none, there is nothing to lie over.
fn overlay(path: &str, content: &str) -> io::Result<()> {
    if !Path::new(path).exists() {
        return Ok(());
    }
    let file = "/tmp/.momus-overlay";
    fs::write(file, content)?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o644))?;
    mount_bind(file, path).map_err(|error| io::Error::other(format!("lay over {path}: {}", io::Error::from(error))))?;
    fs::remove_file(file)
}
