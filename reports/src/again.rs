//! The one command that runs a scenario again.

use momus_engine::event::{Event, Happening, ScenarioPlace};

/// The command that runs a scenario again, with the run's own flags and its seed.
#[derive(Clone, Debug)]
pub struct Again {
    command: String,
    seed: Option<u64>,
}

impl Again {
    /// A command of these words, such as `momus run -f mesh.yaml`: all but the paths and the seed. Each is quoted
    /// where a POSIX shell needs it.
    pub fn new<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> Self {
        let words: Vec<_> = words.into_iter().map(|word| shell_word(word.as_ref())).collect();
        Self {
            command: words.join(" "),
            seed: None,
        }
    }

    /// Takes the seed from the run's first event.
    pub(crate) fn event(&mut self, event: &Event) {
        if let Happening::RunStarted { seed, .. } = &event.happening {
            self.seed = Some(*seed);
        }
    }

    /// The command for the scenario there.
    pub(crate) fn command(&self, place: &ScenarioPlace) -> String {
        let place = shell_word(&format!("{}:{}", place.file, place.line));
        let seed = self.seed.map(|seed| format!(" --seed {seed}")).unwrap_or_default();
        format!("{} {place}{seed}", self.command)
    }
}

/// The text as one word of a POSIX shell.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-:+,@%=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{failing_run, place};

    #[test]
    fn words_that_a_shell_would_take_apart_are_quoted() {
        let mut again = Again::new(["momus", "run", "--variable", "who=the bank's"]);
        again.event(&failing_run("a.feature")[0]);
        assert_eq!(
            again.command(&place("my features/a.feature", 6, None, "any")),
            r"momus run --variable 'who=the bank'\''s' 'my features/a.feature:6' --seed 42"
        );
    }
}
