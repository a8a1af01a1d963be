//! `momus steps`: the vocabulary and the project's phrases, searchable.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use momus_engine::phrase::Phrase;

use super::diagnostic::Diagnostic;
use super::exit;
use super::reading::Reading;
use super::reference::{self, Entry};
use super::settings_file::SettingsFile;
use super::sources::feature_folders;
use super::vocabulary::vocabulary;

/// List what a feature can say: the vocabulary, and the phrases of the project's features.
#[derive(Args)]
pub struct Steps {
    /// Only sentences in which each of these words occurs, in the sentence or in what is said of it.
    query: Vec<String>,
    /// How the list is written.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,
}

/// How the list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line a sentence; with a query, what is said of each as well.
    Text,
    /// The reference, as it is committed.
    Markdown,
    /// An array of objects: expression, noun, documentation.
    Json,
}

impl Steps {
    /// Lists, and tells the exit code.
    pub fn run(&self) -> ExitCode {
        let vocabulary = match vocabulary() {
            Ok(vocabulary) => vocabulary,
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::from(exit::UNKNOWN);
            }
        };
        let words: Vec<String> = self
            .query
            .iter()
            .flat_map(|text| text.split_whitespace())
            .map(str::to_lowercase)
            .collect();
        let phrases = match phrases() {
            Ok(phrases) => phrases,
            Err(error) => {
                eprint!("{error}");
                return ExitCode::from(exit::USAGE);
            }
        };
        let definitions = vocabulary
            .definitions()
            .iter()
            .map(|definition| Entry::of_definition(definition));
        let wanted = |entry: &Entry| {
            let text = format!("{}\n{}", entry.sentence, entry.documentation).to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        let found: Vec<Entry> = definitions
            .chain(phrases.iter().map(Entry::of_phrase))
            .filter(wanted)
            .collect();
        if found.is_empty() {
            eprintln!(
                "error: no sentence has all of `{}`\nhint: `momus steps` lists them all",
                words.join(" ")
            );
            return ExitCode::from(exit::NOTHING_SELECTED);
        }
        let list = match self.format {
            Format::Text => reference::text(&found, !words.is_empty()),
            Format::Markdown => reference::markdown(&found),
            Format::Json => reference::json(&found),
        };
        // A pager that is closed before the end has seen enough.
        drop(std::io::stdout().write_all(list.as_bytes()));
        ExitCode::SUCCESS
    }
}

/// The phrases of the project that the current folder belongs to; files that cannot be read have none.
fn phrases() -> Result<Vec<Phrase>, Diagnostic> {
    let settings = SettingsFile::find(&std::env::current_dir().unwrap_or_default())?;
    let folders = feature_folders(&settings);
    let there: Vec<_> = folders.into_iter().filter(|folder| folder.exists()).collect();
    Ok(Reading::of(&there, &settings)?.phrases)
}
