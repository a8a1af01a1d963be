//! `--format NAME[:PATH]`: which reports a run writes, and where.

use std::fmt;
use std::path::{Path, PathBuf};

/// A report that the user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people, on standard output; there is always one.
    Terminal,
    /// Annotations and a summary of GitHub Actions, on standard output and where the job's environment says.
    Github,
    /// JUnit XML.
    Junit(PathBuf),
    /// Cucumber JSON.
    CucumberJson(PathBuf),
    /// The timeline as NDJSON.
    Timeline(PathBuf),
}

/// A `--format` that is wrong; its text says what, and what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatError {
    message: String,
    hint: String,
}

/// A format's name with its file.
type OfFile = (&'static str, fn(PathBuf) -> Format);

const TERMINAL: &str = "terminal";
const GITHUB: &str = "github";

/// The formats without a file, and why they have none.
const WITHOUT_FILES: [(&str, Format, &str); 2] = [
    (
        TERMINAL,
        Format::Terminal,
        "it is written to standard output, which the shell can send to a file",
    ),
    (
        GITHUB,
        Format::Github,
        "it is written to standard output, where GitHub reads it",
    ),
];

const OF_FILES: [OfFile; 3] = [
    ("junit", Format::Junit),
    ("cucumber-json", Format::CucumberJson),
    ("timeline", Format::Timeline),
];

/// Reads the values of `--format`; the terminal comes first, named or not.
///
/// # Errors
/// A name that is unknown, a path that is missing or not taken, and two reports in one file.
pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Vec<Format>, FormatError> {
    let mut formats = vec![Format::Terminal];
    for text in texts {
        let format = Format::parse(text.as_ref())?;
        if let Some(path) = format.path() {
            let taken = |other: &&Format| other.path().is_some_and(|other| same(other, path));
            if let Some(other) = formats.iter().find(taken) {
                let (path, name, other) = (path.display(), format.name(), other.name());
                return Err(FormatError {
                    message: format!("`{path}` is named twice: by the formats `{other}` and `{name}`"),
                    hint: "give each report a file of its own".into(),
                });
            }
        }
        if format.path().is_some() || !formats.contains(&format) {
            formats.push(format);
        }
    }
    Ok(formats)
}

impl Format {
    fn parse(text: &str) -> Result<Self, FormatError> {
        let (name, path) = match text.split_once(':') {
            Some((name, path)) => (name, Some(path)),
            None => (text, None),
        };
        if let Some((_, format, why)) = WITHOUT_FILES.iter().find(|(known, ..)| *known == name) {
            return match path {
                None => Ok(format.clone()),
                Some(_) => Err(FormatError {
                    message: format!("the format `{name}` takes no path"),
                    hint: (*why).into(),
                }),
            };
        }
        let Some((name, of_file)) = OF_FILES.iter().find(|(known, _)| *known == name) else {
            return Err(unknown(name));
        };
        match path {
            Some(path) if !path.is_empty() => Ok(of_file(path.into())),
            Some(_) | None => Err(FormatError {
                message: format!("the format `{name}` needs a path"),
                hint: format!("write `{name}:PATH`"),
            }),
        }
    }

    /// Its name on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Terminal => TERMINAL,
            Self::Github => GITHUB,
            Self::Junit(_) => "junit",
            Self::CucumberJson(_) => "cucumber-json",
            Self::Timeline(_) => "timeline",
        }
    }

    /// The file that it is written to.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Terminal | Self::Github => None,
            Self::Junit(path) | Self::CucumberJson(path) | Self::Timeline(path) => Some(path),
        }
    }
}

fn unknown(name: &str) -> FormatError {
    let without = WITHOUT_FILES.iter().map(|(name, ..)| *name);
    let known = || without.clone().chain(OF_FILES.iter().map(|(name, _)| *name));
    let meant = known()
        .map(|known| (strsim::jaro_winkler(&name.to_lowercase(), known), known))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let hint = match meant {
        Some((_, meant)) => format!("did you mean `{meant}`?"),
        None => format!("formats are {}", known().collect::<Vec<_>>().join(", ")),
    };
    FormatError {
        message: format!("unknown format `{name}`"),
        hint,
    }
}

/// Whether both paths lead to one file, `./` and such aside.
fn same(one: &Path, other: &Path) -> bool {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute(one) == absolute(other)
}

impl fmt::Display for FormatError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}\nhint: {}", self.message, self.hint)
    }
}

impl std::error::Error for FormatError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(texts: &[&str]) -> String {
        parse(texts).unwrap_err().to_string()
    }

    #[test]
    fn the_terminal_is_always_there_and_once() {
        assert_eq!(parse::<&str>(&[]).unwrap(), [Format::Terminal]);
        assert_eq!(
            parse(&[
                "junit:out/junit.xml",
                "terminal",
                "github",
                "github",
                "timeline:C:\\t.ndjson"
            ])
            .unwrap(),
            [
                Format::Terminal,
                Format::Junit("out/junit.xml".into()),
                Format::Github,
                Format::Timeline("C:\\t.ndjson".into())
            ]
        );
    }

    #[test]
    fn an_unknown_name_is_told_with_the_one_that_was_meant() {
        assert_eq!(
            error(&["junti:a.xml"]),
            "unknown format `junti`\nhint: did you mean `junit`?"
        );
        assert_eq!(
            error(&["html"]),
            "unknown format `html`\nhint: formats are terminal, github, junit, cucumber-json, timeline"
        );
    }

    #[test]
    fn a_missing_path_and_one_too_many_are_told() {
        for text in ["junit", "junit:"] {
            assert_eq!(
                error(&[text]),
                "the format `junit` needs a path\nhint: write `junit:PATH`"
            );
        }
        for name in ["terminal", "github"] {
            let told = format!("the format `{name}` takes no path\nhint: ");
            assert!(error(&[&format!("{name}:a.txt")]).starts_with(&told));
        }
    }

    #[test]
    fn two_reports_in_one_file_are_told() {
        assert_eq!(
            error(&["junit:out/a", "timeline:./out/a"]),
            "`./out/a` is named twice: by the formats `junit` and `timeline`\nhint: give each report a file of its own"
        );
    }
}
