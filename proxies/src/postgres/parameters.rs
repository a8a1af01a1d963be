//! The parameters of a statement, as its Bind brings them (PostgreSQL's "Message Formats").

use std::fmt::Write as _;

/// The values of the parameters in the part of a Bind behind its names: texts as they are, what is binary as
/// PostgreSQL writes bytes (`\x2a`), none for NULL. What was not kept to its end is left out.
pub(super) fn values(mut bind: &[u8]) -> Vec<Option<String>> {
    let mut values = Vec::new();
    let Some(formats) = number(&mut bind) else {
        return values;
    };
    let Some(formats) = (0..formats).map(|_| number(&mut bind)).collect::<Option<Vec<_>>>() else {
        return values;
    };
    let count = number(&mut bind).unwrap_or_default();
    for at in 0..usize::from(count) {
        let Some((length, rest)) = bind.split_first_chunk() else {
            break;
        };
        bind = rest;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            values.push(None);
            continue;
        };
        let Some((value, rest)) = bind.split_at_checked(length) else {
            break;
        };
        bind = rest;
        // One format is all parameters', and none is text.
        let format = formats.get(at).or(formats.first().filter(|_| formats.len() == 1));
        values.push(Some(match format {
            Some(1) => bytes(value),
            _ => String::from_utf8_lossy(value).into_owned(),
        }));
    }
    values
}

fn number(bytes: &mut &[u8]) -> Option<u16> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u16::from_be_bytes(*number))
}

fn bytes(value: &[u8]) -> String {
    value.iter().fold("\\x".to_owned(), |mut text, byte| {
        let _never_fails = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The part of a Bind behind its names.
    fn bind(formats: &[u16], values: &[Option<&[u8]>]) -> Vec<u8> {
        let count = |count: usize| u16::try_from(count).unwrap().to_be_bytes().to_vec();
        let value = |value: &Option<&[u8]>| match value {
            Some(value) => [&u32::try_from(value.len()).unwrap().to_be_bytes()[..], value].concat(),
            None => (-1_i32).to_be_bytes().to_vec(),
        };
        let mut bytes = count(formats.len());
        bytes.extend(formats.iter().flat_map(|format| format.to_be_bytes()));
        bytes.extend(count(values.len()));
        bytes.extend(values.iter().flat_map(value));
        bytes.extend([0, 0]);
        bytes
    }

    #[test]
    fn they_are_read_in_their_formats() {
        let text = |text: &str| Some(text.to_owned());
        let both: &[Option<&[u8]>] = &[Some(b"ada"), None, Some(&[0, 42])];
        assert_eq!(values(&bind(&[], both)), [text("ada"), None, text("\0*")]);
        assert_eq!(values(&bind(&[1], both)), [text("\\x616461"), None, text("\\x002a")]);
        assert_eq!(values(&bind(&[0, 0, 1], both)), [text("ada"), None, text("\\x002a")]);
    }

    #[test]
    fn what_is_not_whole_is_left_out() {
        let whole = bind(&[0], &[Some(b"ada"), Some(b"eve")]);
        for end in 0..whole.len() {
            assert!(values(&whole[..end]).len() <= 2);
        }
        assert_eq!(values(&whole[..13]), [Some("ada".to_owned())]);
    }
}
