//! Whether lines are coloured.

use anstyle::{AnsiColor, Style};

pub(super) const GREEN: Style = AnsiColor::Green.on_default();
pub(super) const RED: Style = AnsiColor::Red.on_default();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const BOLD: Style = Style::new().bold();

/// Whether the terminal's lines carry ANSI colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Plain text, as for a file or a pipe.
    Never,
    /// ANSI escape codes.
    Always,
}

impl Colour {
    /// What the environment says, read by `variable`, and else whether the output is a terminal.
    ///
    /// `NO_COLOR` (no-color.org) comes first, then `FORCE_COLOR` (force-color.org; `0` or `false` forbids colours)
    /// and `CLICOLOR_FORCE` (bixense.com/clicolors), then `TERM=dumb`. An empty variable counts as none.
    pub fn chosen(variable: impl Fn(&str) -> Option<String>, is_terminal: bool) -> Self {
        let told = |name: &str| variable(name).filter(|value| !value.is_empty());
        let forced = |name: &str| told(name).map(|value| !matches!(value.as_str(), "0" | "false"));
        let coloured = if told("NO_COLOR").is_some() {
            false
        } else if let Some(forced) = forced("FORCE_COLOR") {
            forced
        } else if forced("CLICOLOR_FORCE") == Some(true) {
            true
        } else {
            is_terminal && told("TERM").as_deref() != Some("dumb")
        };
        if coloured { Self::Always } else { Self::Never }
    }

    pub(super) fn paint(self, style: Style, text: &str) -> String {
        match self {
            Self::Never => text.to_owned(),
            Self::Always => format!("{style}{text}{style:#}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(variables: &[(&str, &str)], is_terminal: bool) -> Colour {
        let variable = |name: &str| {
            let mut variables = variables.iter();
            let found = variables.find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Colour::chosen(variable, is_terminal)
    }

    #[test]
    fn a_terminal_is_coloured_and_a_pipe_is_not() {
        assert_eq!(chosen(&[], true), Colour::Always);
        assert_eq!(chosen(&[], false), Colour::Never);
        assert_eq!(chosen(&[("TERM", "dumb")], true), Colour::Never);
    }

    #[test]
    fn the_environment_overrides_what_the_output_is() {
        assert_eq!(chosen(&[("NO_COLOR", "1")], true), Colour::Never);
        assert_eq!(chosen(&[("NO_COLOR", "")], true), Colour::Always);
        assert_eq!(chosen(&[("FORCE_COLOR", "1")], false), Colour::Always);
        assert_eq!(chosen(&[("FORCE_COLOR", "0")], true), Colour::Never);
        assert_eq!(chosen(&[("CLICOLOR_FORCE", "1")], false), Colour::Always);
        assert_eq!(chosen(&[("CLICOLOR_FORCE", "0")], true), Colour::Always);
        assert_eq!(chosen(&[("NO_COLOR", "1"), ("FORCE_COLOR", "1")], false), Colour::Never);
    }
}
