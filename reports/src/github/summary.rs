//! The job's summary: Markdown, as GitHub shows it.

use std::fmt::Write;

use momus_engine::outcome::Summary;

use crate::again::Again;
use crate::explanation;
use crate::scenarios::Finished;
use crate::terminal::{Colour, in_counts};

/// How many bytes it has at the most: GitHub takes 1 MiB of a step, and shows nothing of more.
const LONGEST: usize = 1_000_000;

/// What is told of one scenario or file.
pub(super) struct Entry {
    title: String,
    text: String,
}

impl Entry {
    /// A scenario that did not pass, or not at once.
    pub(super) fn of_scenario(finished: &Finished, again: &Again) -> Self {
        let mut parts: Vec<String> = finished.earlier.iter().map(explanation::of_try).collect();
        if finished.failure().is_some() {
            parts.push(explanation::of_try(finished));
        }
        parts.push(explanation::run_it_again(finished, again));
        let (name, outcome) = (finished.name(), finished.outcome.word());
        Self {
            title: format!("{name} ({outcome}) {}:{}", finished.place.file, finished.place.line),
            text: parts.join("\n\n"),
        }
    }

    /// A file in error.
    pub(super) fn of_file(file: &str, line: Option<usize>, text: &str) -> Self {
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        Self {
            title: format!("{file}{line}"),
            text: text.to_owned(),
        }
    }
}

/// The counts, and each entry folded up.
pub(super) fn markdown(counts: &Summary, entries: &[Entry]) -> String {
    let mut text = format!("### momus: {}\n", escaped(&in_counts(counts, Colour::Never)));
    for (index, entry) in entries.iter().enumerate() {
        let (title, fence) = (escaped(&entry.title), fence(&entry.text));
        let told = format!(
            "\n<details><summary>{title}</summary>\n\n{fence}text\n{}\n{fence}\n\n</details>\n",
            entry.text
        );
        if text.len() + told.len() > LONGEST {
            let _ = writeln!(
                text,
                "\n{} more are left out, for the summary would be too long",
                entries.len() - index
            );
            break;
        }
        text.push_str(&told);
    }
    text
}

/// A text that is no HTML, on one line.
fn escaped(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A fence that no line of the text ends.
fn fence(text: &str) -> String {
    let longest = text.lines().map(|line| {
        let line = line.trim_start();
        line.len() - line.trim_start_matches('`').len()
    });
    "`".repeat(longest.max().unwrap_or(0).max(2) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(title: &str, text: &str) -> Entry {
        Entry {
            title: title.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn names_are_no_html_and_texts_end_no_fence() {
        let text = markdown(&Summary::default(), &[entry("a <b>\n& c", "```\nends")]);
        assert!(
            text.contains("<summary>a &lt;b&gt; &amp; c</summary>\n\n````text\n```\nends\n````\n"),
            "{text}"
        );
    }

    #[test]
    fn one_that_is_too_long_is_cut_and_says_so() {
        let long = "x".repeat(LONGEST / 3);
        let entries = [
            entry("1", &long),
            entry("2", &long),
            entry("3", &long),
            entry("4", "short"),
        ];
        let text = markdown(&Summary::default(), &entries);
        assert!(text.len() < LONGEST + 200);
        assert!(
            text.ends_with("2 more are left out, for the summary would be too long\n"),
            "{}",
            &text[text.len() - 200..]
        );
    }
}
