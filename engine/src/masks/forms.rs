//! The forms in which a value is found again: as it is, escaped in JSON, URL-encoded, escaped in XML, and in Base64.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use regex::{Regex, RegexBuilder};

use super::SHORTEST;

/// How large a compiled expression may become; a private key of 4,096 bits takes a tenth.
const SIZE_LIMIT: usize = 64 << 20;

/// An expression that finds the values in all their forms, an earlier value before a later one.
///
/// # Errors
/// A message when the values are too long for it.
pub(super) fn of(values: &[String]) -> Result<Regex, String> {
    let mut alternatives: Vec<String> = values.iter().map(|value| text(value)).collect();
    alternatives.extend(values.iter().flat_map(|value| lines(value)).map(text));
    alternatives.extend(values.iter().flat_map(|value| base64(value.as_bytes())));
    RegexBuilder::new(&alternatives.join("|"))
        .size_limit(SIZE_LIMIT)
        .build()
        .map_err(|_| "the secrets are too long to be searched for".to_owned())
}

/// The lines of a value of several: a log tells them one at a time.
fn lines(value: &str) -> impl Iterator<Item = &str> {
    let several = value.contains('\n');
    let lines = value.lines().map(str::trim);
    lines.filter(move |line| several && line.chars().filter(|c| c.is_alphanumeric()).count() >= SHORTEST)
}

/// The text, each character as it is or escaped: nobody escapes letters and digits of ASCII.
fn text(value: &str) -> String {
    value.chars().map(character).collect()
}

fn character(c: char) -> String {
    if c.is_ascii_alphanumeric() {
        return c.to_string();
    }
    // Behind any number of backslashes: JSON in JSON escapes them again.
    let mut forms = vec![match c {
        '\\' => r"\\+".to_owned(),
        _ => format!(r"\\*{}", regex::escape(&c.to_string())),
    }];
    let mut utf16 = [0; 2];
    forms.push(
        c.encode_utf16(&mut utf16)
            .iter()
            .fold(String::new(), |mut escaped, unit| {
                let _ = write!(escaped, r"\\+u(?i:{unit:04x})");
                escaped
            }),
    );
    let mut utf8 = [0; 4];
    forms.push(
        c.encode_utf8(&mut utf8)
            .bytes()
            .fold(String::new(), |mut encoded, byte| {
                // `%25` is a percent sign encoded again.
                let _ = write!(encoded, "%(?:25)*(?i:{byte:02x})");
                encoded
            }),
    );
    let named: &[&str] = match c {
        ' ' => &[r"\+"],
        '\n' => &[r"\\+n", r"(?:\\+r)?\\+n", "\r\n"],
        '\r' => &[r"\\+r"],
        '\t' => &[r"\\+t"],
        '\u{8}' => &[r"\\+b"],
        '\u{c}' => &[r"\\+f"],
        '&' => &["&(?:amp;)+"],
        '<' => &["&(?:amp;)*lt;"],
        '>' => &["&(?:amp;)*gt;"],
        '"' => &["&(?:amp;)*(?:quot|#34|#x22);"],
        '\'' => &["&(?:amp;)*(?:apos|#39|#x27);"],
        _ => &[],
    };
    forms.extend(named.iter().map(|&form| form.to_owned()));
    // What is longer is tried first: `&` is the beginning of `&amp;`.
    forms.reverse();
    format!("(?:{})", forms.join("|"))
}

/// The Base64 of the value, alone or anywhere in a longer text: it depends on how many bytes stand before it, in threes.
/// A digit that tells a part of a neighbour as well is left out before it, and masked behind it.
fn base64(value: &[u8]) -> Vec<String> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let bytes = [&[0; 2][..before], value].concat();
        let digits = STANDARD_NO_PAD.encode(&bytes);
        let whole = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
        let Some(digits) = digits.get(whole).filter(|digits| digits.len() >= SHORTEST) else {
            continue;
        };
        let mut form: String = digits.chars().map(digit).collect();
        if bytes.len() % 3 != 0 {
            form.push_str(r"[A-Za-z0-9+/_-]?(?:=|%(?:25)*3[Dd]){0,2}");
        }
        forms.push(form);
    }
    forms
}

/// A digit of Base64, in either alphabet (RFC 4648, sections 4 and 5), perhaps escaped.
fn digit(c: char) -> String {
    match c {
        '+' => r"(?:\+|-|%(?:25)*2[Bb]|\\+u002[Bb])".to_owned(),
        '/' => r"(?:\\*/|_|%(?:25)*2[Ff])".to_owned(),
        _ => c.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::super::Masks;

    /// A secret with every kind of character in it.
    const SECRET: &str = "p\"ä\\s s/w&<rd+\n😀'%?";

    fn masked(text: &str) -> String {
        let masks = Masks::new([SECRET.to_owned()], []).unwrap();
        masks.text(text).into_owned()
    }

    fn json_of(value: &str) -> String {
        json!(value).to_string()
    }

    #[test]
    fn plain() {
        assert_eq!(masked(&format!("a {SECRET}.")), "a ***.");
        assert_eq!(masked("p\"ä s"), "p\"ä s");
    }

    #[test]
    fn json_escaped_once_or_again_in_ascii_or_not() {
        assert_eq!(masked(&json_of(SECRET)), "\"***\"");
        assert_eq!(masked(&json_of(&json_of(SECRET))), "\"\\\"***\\\"\"");
        // As Python, Go and PHP write it.
        let ascii = r#"p\"\u00e4\\s s\/w\u0026\u003Crd+\n\ud83d\ude00'%?"#;
        assert_eq!(masked(ascii), "***");
    }

    #[test]
    fn url_encoded() {
        let form: String = form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
        assert_eq!(masked(&format!("/a?key={form}&b=1")), "/a?key=***&b=1");
        let component = "p%22%C3%A4%5Cs%20s%2Fw%26%3Crd%2B%0A%F0%9F%98%80'%25%3F";
        assert_eq!(masked(component), "***");
        assert_eq!(masked(&component.to_lowercase()), "***");
        assert_eq!(masked(&component.replace('%', "%25")), "***");
    }

    #[test]
    fn escaped_in_xml() {
        let xml = SECRET.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        assert_eq!(masked(&xml.replace('\'', "&#39;")), "***");
    }

    #[test]
    fn base64_alone_and_at_every_alignment_in_a_longer_text() {
        assert_eq!(masked(&STANDARD.encode(SECRET)), "***");
        assert_eq!(masked(&URL_SAFE_NO_PAD.encode(SECRET)), "***");
        for secret in ["hunter2!", "hunter22!", "hunter222!", SECRET] {
            let masks = Masks::new([secret.to_owned()], []).unwrap();
            for before in ["", "a", "ab", "abc", "user:"] {
                for behind in ["", "a", "ab", "abc"] {
                    let text = STANDARD.encode(format!("{before}{secret}{behind}"));
                    let masked = masks.text(&text).into_owned();
                    let left = masked.replace("***", "").len();
                    // What is left tells the neighbours, and at most 4 bits of the secret.
                    assert!(masked.contains("***"), "{text}: {masked}");
                    assert!(left <= (before.len() + behind.len()) * 4 / 3 + 4, "{text}: {masked}");
                }
            }
        }
    }

    #[test]
    fn each_line_of_a_value_of_several() {
        let key = "-----BEGIN KEY-----\nMIIEowIBAAKC\n{}\n-----END KEY-----";
        let masks = Masks::new([key.to_owned()], []).unwrap();
        assert_eq!(masks.text("log: MIIEowIBAAKC"), "log: ***");
        assert_eq!(masks.text("log: {}"), "log: {}");
        assert_eq!(masks.text(&json_of(key)), "\"***\"");
        assert_eq!(masks.text(&key.replace('\n', "\r\n")), "***");
    }

    #[test]
    fn a_long_value_can_be_searched_for() {
        let long = "0123456789+/abcdef".repeat(1_000);
        let masks = Masks::new([long.clone()], []).unwrap();
        assert_eq!(masks.text(&format!("<{long}>")), "<***>");
    }
}
