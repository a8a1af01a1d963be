//! Exit codes that no run's counts give, and what is said with them.

use super::diagnostic::Diagnostic;
use super::sources::plural;

/// Usage, features or mesh are in error, or a path does not exist.
pub const USAGE: u8 = 2;
/// Momus could not run or could not tell.
pub const UNKNOWN: u8 = 3;
/// No scenario was selected.
pub const NOTHING_SELECTED: u8 = 4;
/// Stopped by SIGINT: 128 and the signal's number, as shells have it.
pub const INTERRUPTED: u8 = 130;
/// Stopped by SIGTERM.
pub const TERMINATED: u8 = 143;

/// What is said when no scenario was selected.
pub fn nothing_selected(files: usize) -> Diagnostic {
    Diagnostic::whole(plural(files, "file"), "no scenario is selected")
        .hint("name a .feature file, or a folder that has some; `-t`, `-n` and FILE:LINE narrow what is there")
}
