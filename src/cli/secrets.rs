//! `--secret`: values that are never told.

use std::collections::BTreeMap;

use momus_engine::masks::{is_short, too_short};

use super::diagnostic::Diagnostic;

/// The values that `--secret` names, by name: `NAME` is in the environment, `NAME=@FILE` in a file, whose last line break
/// does not count.
///
/// # Errors
/// The first that has no value, or none that can be kept from being told; no message tells a value.
pub fn read(
    texts: &[String],
    environment: impl Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, String>, Diagnostic> {
    let mut secrets = BTreeMap::new();
    for text in texts {
        let (name, value) = match text.split_once('=') {
            None => (text.as_str(), of_environment(text, &environment)?),
            Some((name, source)) => (name, of_file(name, source)?),
        };
        if name.is_empty() {
            return Err(wrong("=…", "a secret has no name").hint(FORMS));
        }
        if value.is_empty() {
            return Err(wrong(name, format!("the secret `{name}` is empty")));
        }
        if is_short(&value) {
            let why = too_short(&value);
            let (why, hint) = why.split_once("; hint: ").unwrap_or((&why, ""));
            return Err(wrong(name, format!("the secret `{name}` is too short: {why}")).hint(hint));
        }
        secrets.insert(name.to_owned(), value);
    }
    Ok(secrets)
}

/// What can be said.
const FORMS: &str = "`--secret NAME` takes it from the environment, `--secret NAME=@FILE` from a file";

fn of_environment(name: &str, environment: impl Fn(&str) -> Option<String>) -> Result<String, Diagnostic> {
    environment(name).ok_or_else(|| wrong(name, format!("the environment has no secret `{name}`")).hint(FORMS))
}

fn of_file(name: &str, source: &str) -> Result<String, Diagnostic> {
    let Some(file) = source.strip_prefix('@') else {
        let message =
            format!("the value of the secret `{name}` stands on the command line, where every process can read it");
        return Err(wrong(name, message).hint(FORMS));
    };
    let read = std::fs::read_to_string(file);
    let text = read.map_err(|error| {
        wrong(
            name,
            format!("the secret `{name}` cannot be read from `{file}`: {error}"),
        )
    })?;
    let value = text
        .strip_suffix('\n')
        .map(|text| text.strip_suffix('\r').unwrap_or(text));
    Ok(value.unwrap_or(&text).to_owned())
}

fn wrong(name: &str, message: impl Into<String>) -> Diagnostic {
    Diagnostic::whole(format!("--secret {name}"), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Result<Vec<(String, String)>, String> {
        let environment = |name: &str| match name {
            "TOKEN" => Some("open-sesame-7".to_owned()),
            "SHORT" => Some("xyz".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let secrets = read(&[text.to_owned()], environment).map_err(|error| error.to_string())?;
        Ok(secrets.into_iter().collect())
    }

    #[test]
    fn a_secret_is_in_the_environment_or_in_a_file() {
        assert_eq!(
            told("TOKEN"),
            Ok(vec![("TOKEN".to_owned(), "open-sesame-7".to_owned())])
        );
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("key");
        for text in ["first\nlast\n", "first\nlast\r\n", "first\nlast"] {
            std::fs::write(&file, text).unwrap();
            let key = format!("KEY=@{}", file.display());
            assert_eq!(told(&key), Ok(vec![("KEY".to_owned(), "first\nlast".to_owned())]));
        }
    }

    #[test]
    fn what_is_no_secret_is_told_and_its_value_is_not() {
        insta::assert_snapshot!(told("ABSENT").unwrap_err(), @r"
        error: the environment has no secret `ABSENT`
         --> --secret ABSENT
        hint: `--secret NAME` takes it from the environment, `--secret NAME=@FILE` from a file
        ");
        insta::assert_snapshot!(told("SHORT").unwrap_err(), @r"
        error: the secret `SHORT` is too short: it has 3 characters, and a secret has at least 4
         --> --secret SHORT
        hint: a shorter value stands by chance in many texts, and masking it there would tell it
        ");
        insta::assert_snapshot!(told("EMPTY").unwrap_err(), @r"
        error: the secret `EMPTY` is empty
         --> --secret EMPTY
        ");
        let given = told("TOKEN=open-sesame-7").unwrap_err();
        assert!(
            given.starts_with("error: the value of the secret `TOKEN` stands on the command line"),
            "{given}"
        );
        assert!(!given.contains("open-sesame"), "{given}");
        assert!(
            told("KEY=@gone.txt")
                .unwrap_err()
                .contains("cannot be read from `gone.txt`")
        );
        assert!(told("=@gone.txt").is_err());
    }
}
