//! `momus.toml`: what a project always wants, so that `momus run` alone suffices.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::diagnostic::Diagnostic;

/// The file's name; it is searched for from the current folder upward.
const NAME: &str = "momus.toml";

/// What the file can say. Paths are relative to its folder.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsFile {
    /// Mesh files; of several, later ones override earlier ones.
    #[serde(default, deserialize_with = "one_or_several")]
    pub mesh: Vec<PathBuf>,
    /// Feature files and folders, for a command line that names none.
    #[serde(default, deserialize_with = "one_or_several")]
    pub features: Vec<PathBuf>,
    /// How long `eventually` waits where the step says nothing.
    #[serde(default, deserialize_with = "duration")]
    pub deadline: Option<Duration>,
    /// How long a scenario may take.
    #[serde(default, deserialize_with = "duration")]
    pub timeout: Option<Duration>,
    /// How many scenarios run at a time.
    pub parallel: Option<std::num::NonZeroUsize>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a path in quotes, or a list of such")]
enum OneOrSeveral {
    One(PathBuf),
    Several(Vec<PathBuf>),
}

fn one_or_several<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<PathBuf>, D::Error> {
    Ok(match OneOrSeveral::deserialize(deserializer)? {
        OneOrSeveral::One(path) => vec![path],
        OneOrSeveral::Several(paths) => paths,
    })
}

fn duration<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    momus_engine::timing::duration(&text)
        .map(Some)
        .map_err(serde::de::Error::custom)
}

impl SettingsFile {
    /// The nearest one, in `folder` or above it; its paths as seen from `folder`. Nothing where there is none.
    ///
    /// # Errors
    /// When it cannot be read, or says what it cannot say.
    pub fn find(folder: &Path) -> Result<Self, Diagnostic> {
        for (height, above) in folder.ancestors().enumerate() {
            let path = above.join(NAME);
            let way: PathBuf = std::iter::repeat_n("..", height).collect();
            let name = way.join(NAME).display().to_string();
            match std::fs::read_to_string(&path) {
                Ok(text) => return Self::parse(&text, &name).map(|read| read.seen_from_below(&way)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(Diagnostic::whole(name, format!("cannot read it: {error}"))),
            }
        }
        Ok(Self::default())
    }

    fn parse(text: &str, name: &str) -> Result<Self, Diagnostic> {
        toml::from_str(text).map_err(|error| {
            let (message, hint) = match error.message().split_once("; hint: ") {
                Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
                None => (error.message().to_owned(), None),
            };
            let mut told = Diagnostic::whole(name, message);
            told.hints.extend(hint);
            if let Some(before) = error.span().and_then(|span| text.get(..span.start)) {
                let begin = before.rfind('\n').map_or(0, |at| at + 1);
                told.line = before.matches('\n').count() + 1;
                told.column = before[begin..].chars().count() + 1;
                told.source = text[begin..].lines().next().map(Into::into);
            }
            told
        })
    }

    fn seen_from_below(mut self, way: &Path) -> Self {
        for path in self.mesh.iter_mut().chain(&mut self.features) {
            *path = way.join(&path);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_searched_upward_and_its_paths_are_seen_from_below() {
        let scratch = tempfile::tempdir().unwrap();
        let below = scratch.path().join("a/b");
        std::fs::create_dir_all(&below).unwrap();
        let text = "mesh = \"mesh.yaml\"\nfeatures = [\"features\", \"more\"]\ndeadline = \"5 s\"\nparallel = 3\n";
        std::fs::write(scratch.path().join(NAME), text).unwrap();
        let read = SettingsFile::find(&below).unwrap();
        assert_eq!(read.mesh, [PathBuf::from("../../mesh.yaml")]);
        assert_eq!(read.features, ["../../features", "../../more"].map(PathBuf::from));
        assert_eq!((read.deadline, read.timeout), (Some(Duration::from_secs(5)), None));
        assert_eq!(
            SettingsFile::find(scratch.path()).unwrap().mesh,
            [PathBuf::from("mesh.yaml")]
        );
    }

    #[test]
    fn what_it_cannot_say_is_told_on_its_line() {
        let told = |text: &str| SettingsFile::parse(text, NAME).unwrap_err().to_string();
        insta::assert_snapshot!(told("features = \"features\"\nmehs = \"mesh.yaml\"\n"), @r#"
        error: unknown field `mehs`, expected one of `mesh`, `features`, `deadline`, `timeout`, `parallel`
         --> momus.toml:2:1
          |
        2 | mehs = "mesh.yaml"
          | ^
        "#);
        insta::assert_snapshot!(told("deadline = \"soon\"\n"), @r#"
        error: `soon` is no duration
         --> momus.toml:1:12
          |
        1 | deadline = "soon"
          |            ^
        hint: a number and a unit, such as `200 ms`, `5 seconds` or `2 minutes`
        "#);
    }
}
