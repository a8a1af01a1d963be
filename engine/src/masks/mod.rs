//! What must not be told: the values of secrets, in whatever form they are written, and what stands at secret places.
//!
//! Events are masked where they leave the engine ([`Teller`](crate::run::Teller)); what a report reads besides (logs, feature
//! files) is masked where it is read.

mod events;
mod forms;
mod learned;
mod places;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use regex::Regex;

pub use self::events::Masker;
pub use self::learned::Learned;
pub use self::places::SecretPlace;
use self::places::SecretPlaces;

/// What stands in place of what is masked.
pub const MASK: &str = "***";

/// How long a secret is at least, in characters: a shorter one stands by chance in too many texts, and masking it would
/// tell it.
pub const SHORTEST: usize = 4;

/// What must not be told.
#[derive(Default)]
pub struct Masks {
    /// The values, the longest first.
    values: Vec<String>,
    /// The values in all their forms; none without values.
    forms: Option<Regex>,
    places: SecretPlaces,
}

impl fmt::Debug for Masks {
    /// Without the values.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Masks")
            .field("values", &self.values.len())
            .finish_non_exhaustive()
    }
}

impl Masks {
    /// Masks these values, and what stands at these places besides those that are always secret. Empty values are left
    /// out.
    ///
    /// # Errors
    /// A message when a value is shorter than [`SHORTEST`] or cannot be searched for; it does not tell the value.
    pub fn new(
        values: impl IntoIterator<Item = String>,
        places: impl IntoIterator<Item = SecretPlace>,
    ) -> Result<Self, String> {
        let values: BTreeSet<String> = values.into_iter().filter(|value| !value.is_empty()).collect();
        let mut values: Vec<String> = values.into_iter().collect();
        if let Some(short) = values.iter().find(|value| is_short(value)) {
            return Err(too_short(short));
        }
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        let forms = match values.is_empty() {
            true => None,
            false => Some(forms::of(&values)?),
        };
        Ok(Self {
            values,
            forms,
            places: SecretPlaces::new(places),
        })
    }

    /// The text without the values in any of their forms.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let Some(forms) = &self.forms else {
            return Cow::Borrowed(text);
        };
        let masked = forms.replace_all(text, MASK);
        match without_beginnings(&masked, &self.values) {
            Some(whole) => Cow::Owned(whole),
            None => masked,
        }
    }

    pub(crate) fn has_secrets_in_bodies(&self) -> bool {
        self.places.has_paths()
    }

    fn in_place(&self, text: &mut String) {
        if let Cow::Owned(masked) = self.text(text) {
            *text = masked;
        }
    }
}

/// Whether a value is too short to be a secret.
pub fn is_short(value: &str) -> bool {
    value.chars().count() < SHORTEST
}

/// Why a value that is too short is no secret.
pub fn too_short(value: &str) -> String {
    let length = match value.chars().count() {
        1 => "1 character".to_owned(),
        length => format!("{length} characters"),
    };
    format!(
        "it has {length}, and a secret has at least {SHORTEST}; hint: a shorter value stands by chance in many texts, and masking it there would tell it"
    )
}

/// The text without the beginnings of values that were cut off at `…`, where there are such.
fn without_beginnings(text: &str, values: &[String]) -> Option<String> {
    let mut masked: Option<String> = None;
    let mut from = 0;
    loop {
        let current = masked.as_deref().unwrap_or(text);
        let Some(cut) = current[from..].find('…').map(|cut| from + cut) else {
            return masked;
        };
        let before = current[..cut].strip_suffix(' ').unwrap_or(&current[..cut]);
        let longest = values.iter().filter_map(|value| beginning(before, value)).max();
        match longest {
            Some(length) => {
                let start = before.len() - length;
                from = start + MASK.len() + (cut - before.len()) + '…'.len_utf8();
                let changed = format!("{}{MASK}{}", &current[..start], &current[before.len()..]);
                masked = Some(changed);
            }
            None => from = cut + '…'.len_utf8(),
        }
    }
}

/// How many bytes of the value, at least [`SHORTEST`] characters of it, the text ends with.
fn beginning(text: &str, value: &str) -> Option<usize> {
    let ends = value.char_indices().skip(SHORTEST).map(|(end, _)| end);
    ends.filter(|end| text.ends_with(&value[..*end])).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masks(values: &[&str]) -> Masks {
        Masks::new(values.iter().map(|value| (*value).to_owned()), []).unwrap()
    }

    #[test]
    fn the_longer_of_two_values_is_masked_as_a_whole() {
        assert_eq!(
            masks(&["pass", "password-1"]).text("a password-1, a pass"),
            "a ***, a ***"
        );
    }

    #[test]
    fn a_value_that_was_cut_off_is_masked_too() {
        let masks = masks(&["open-sesame-7"]);
        assert_eq!(
            masks.text("key open-ses… (900 bytes), open…"),
            "key ***… (900 bytes), ***…"
        );
        assert_eq!(
            masks.text("open-sesame … (shortened to its first 9 bytes)"),
            "*** … (shortened to its first 9 bytes)"
        );
        assert_eq!(masks.text("an ope… door…"), "an ope… door…");
    }

    #[test]
    fn a_short_value_is_refused_without_being_told() {
        let error = Masks::new(["xyz".to_owned()], []).unwrap_err();
        assert!(
            error.starts_with("it has 3 characters, and a secret has at least 4; hint: "),
            "{error}"
        );
        assert!(!error.contains("xyz"));
        assert!(Masks::new(["größ".to_owned(), String::new()], []).is_ok());
    }

    #[test]
    fn without_values_texts_stay_as_they_are() {
        assert!(matches!(Masks::default().text("any… text"), Cow::Borrowed("any… text")));
    }
}
