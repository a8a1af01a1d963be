//! `momus.toml`: what a project always wants, so that `momus run` alone suffices.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use momus_engine::mesh::did_you_mean;
use momus_engine::tags::TagExpression;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::broker::Broker;
use super::diagnostic::Diagnostic;
use super::order::OrderChoice;

/// The file's name; it is searched for from the current folder upward.
const NAME: &str = "momus.toml";

/// What the file can say, each key as the flag of that name; paths are relative to its folder. A profile says the same, and
/// what it says comes before what stands outside of it; the command line comes before both.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SettingsFile {
    /// Mesh files; of several, later ones override earlier ones.
    #[serde(default, deserialize_with = "one_or_several")]
    pub mesh: Vec<PathBuf>,
    /// Feature files and folders, for a command line that names none.
    #[serde(default, deserialize_with = "one_or_several")]
    pub features: Vec<PathBuf>,
    /// Only scenarios with these tags.
    #[serde(default, deserialize_with = "tags")]
    pub tags: Option<TagExpression>,
    /// What ${NAME} stands for.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Reports, `NAME[:PATH]` each.
    #[serde(default, deserialize_with = "one_or_several")]
    pub format: Vec<String>,
    /// How long `eventually` waits where the step says nothing.
    #[serde(default, deserialize_with = "duration")]
    pub deadline: Option<Duration>,
    /// How long a scenario may take.
    #[serde(default, deserialize_with = "duration")]
    pub timeout: Option<Duration>,
    /// How many scenarios run at a time.
    pub parallel: Option<NonZeroUsize>,
    /// How many sandboxes are made ahead.
    pub pool: Option<usize>,
    /// How many times what failed is tried again.
    pub retry: Option<usize>,
    /// The order in which scenarios begin.
    #[serde(default, deserialize_with = "order")]
    pub order: Option<OrderChoice>,
    /// What stands behind the mesh's brokers.
    #[serde(default, deserialize_with = "broker")]
    pub broker: Option<Broker>,
    /// Whether a flaky scenario makes the run red.
    pub fail_on_flaky: Option<bool>,
    /// Whether what is refused is skipped.
    pub allow_refused: Option<bool>,
    /// Whether nothing begins once a scenario has failed.
    pub fail_fast: Option<bool>,
    /// Whether deadlines count also where the mesh is quiet before.
    pub no_early: Option<bool>,
    /// Whether services run without namespaces of their own.
    pub no_walls: Option<bool>,
    /// What `--profile` names.
    #[serde(default, deserialize_with = "profiles")]
    pub profile: BTreeMap<String, SettingsFile>,
    /// Where the file is, as seen from the current folder; none without one.
    #[serde(skip)]
    pub file: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a text in quotes, or a list of such")]
enum OneOrSeveral<T> {
    One(T),
    Several(Vec<T>),
}

fn one_or_several<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(match OneOrSeveral::deserialize(deserializer)? {
        OneOrSeveral::One(one) => vec![one],
        OneOrSeveral::Several(several) => several,
    })
}

/// A text that `read` understands.
fn read<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    read(&text).map(Some).map_err(D::Error::custom)
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    read(deserializer, momus_engine::timing::duration)
}

fn tags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TagExpression>, D::Error> {
    read(deserializer, TagExpression::parse)
}

fn order<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<OrderChoice>, D::Error> {
    read(deserializer, super::order::order)
}

fn broker<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Broker>, D::Error> {
    read(deserializer, Broker::parse)
}

fn profiles<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, SettingsFile>, D::Error> {
    let profiles = BTreeMap::<String, SettingsFile>::deserialize(deserializer)?;
    match profiles.iter().find(|(_, profile)| !profile.profile.is_empty()) {
        Some((name, _)) => Err(D::Error::custom(format!(
            "the profile `{name}` has profiles of its own"
        ))),
        None => Ok(profiles),
    }
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
        let read = toml::from_str(text).map_err(|error| {
            let (message, hint) = told(error.message());
            let mut told = Diagnostic::whole(name, message);
            told.hints.extend(hint);
            if let Some(before) = error.span().and_then(|span| text.get(..span.start)) {
                let begin = before.rfind('\n').map_or(0, |at| at + 1);
                told.line = before.matches('\n').count() + 1;
                told.column = before[begin..].chars().count() + 1;
                told.source = text[begin..].lines().next().map(Into::into);
            }
            told
        })?;
        Ok(Self {
            file: Some(name.to_owned()),
            ..read
        })
    }

    fn seen_from_below(mut self, way: &Path) -> Self {
        for path in self.mesh.iter_mut().chain(&mut self.features) {
            *path = way.join(&path);
        }
        for format in &mut self.format {
            if let Some((name, path)) = format.split_once(':') {
                *format = format!("{name}:{}", way.join(path).display());
            }
        }
        let profiles = std::mem::take(&mut self.profile).into_iter();
        self.profile = profiles
            .map(|(name, profile)| (name, profile.seen_from_below(way)))
            .collect();
        self
    }

    /// What it says with these profiles, a later one before an earlier one.
    ///
    /// # Errors
    /// A name that no profile has.
    pub fn with_profiles(self, names: &[String]) -> Result<Self, Diagnostic> {
        let profiles = self.profile.clone();
        names.iter().try_fold(self, |settings, name| match profiles.get(name) {
            Some(profile) => Ok(profile.clone().before(settings)),
            None => Err(unknown(name, &profiles, settings.file.as_deref())),
        })
    }

    /// What it says, and where it says nothing what the other one does.
    fn before(self, other: Self) -> Self {
        fn first<T>(one: Vec<T>, other: Vec<T>) -> Vec<T> {
            if one.is_empty() { other } else { one }
        }
        let mut variables = other.variables;
        variables.extend(self.variables);
        Self {
            mesh: first(self.mesh, other.mesh),
            features: first(self.features, other.features),
            tags: self.tags.or(other.tags),
            variables,
            format: first(self.format, other.format),
            deadline: self.deadline.or(other.deadline),
            timeout: self.timeout.or(other.timeout),
            parallel: self.parallel.or(other.parallel),
            pool: self.pool.or(other.pool),
            retry: self.retry.or(other.retry),
            order: self.order.or(other.order),
            broker: self.broker.or(other.broker),
            fail_on_flaky: self.fail_on_flaky.or(other.fail_on_flaky),
            allow_refused: self.allow_refused.or(other.allow_refused),
            fail_fast: self.fail_fast.or(other.fail_fast),
            no_early: self.no_early.or(other.no_early),
            no_walls: self.no_walls.or(other.no_walls),
            profile: other.profile,
            file: other.file,
        }
    }
}

/// A message of the TOML parser in our words, and the hint in it.
fn told(message: &str) -> (String, Option<String>) {
    if let Some((message, hint)) = message.split_once("; hint: ") {
        return (message.to_owned(), Some(hint.to_owned()));
    }
    let Some((unknown, known)) = message
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split_once("`, expected one of "))
    else {
        return (message.to_owned(), None);
    };
    let known: Vec<&str> = known.split(", ").map(|key| key.trim_matches('`')).collect();
    let hint = did_you_mean(unknown, known.iter().copied());
    let all = || format!("the keys here are {}", known.join(", "));
    (format!("unknown key `{unknown}`"), Some(hint.unwrap_or_else(all)))
}

fn unknown(name: &str, profiles: &BTreeMap<String, SettingsFile>, file: Option<&str>) -> Diagnostic {
    let Some(file) = file else {
        return Diagnostic::whole(
            format!("--profile {name}"),
            format!("there is no {NAME} here or above, which has profiles"),
        );
    };
    let names = || profiles.keys().map(String::as_str);
    let hint = did_you_mean(name, names()).unwrap_or_else(|| match profiles.is_empty() {
        true => format!("a table `[profile.{name}]` makes one"),
        false => format!("it has {}", names().collect::<Vec<_>>().join(", ")),
    });
    Diagnostic::whole(file, format!("there is no profile `{name}`")).hint(hint)
}

#[cfg(test)]
mod tests;
