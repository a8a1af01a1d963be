//! A sandbox's names on the broker: what its clients say, behind a prefix.

use kafka_protocol::messages::{GroupId, TopicName, TransactionalId};
use kafka_protocol::protocol::StrBytes;

/// The prefix of a sandbox's names of topics, groups and transactional ids.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    prefix: String,
}

/// A name of whichever kind.
pub(crate) trait Name {
    fn text(&mut self) -> &mut StrBytes;
}

impl Name for StrBytes {
    fn text(&mut self) -> &mut StrBytes {
        self
    }
}

impl Name for TopicName {
    fn text(&mut self) -> &mut StrBytes {
        &mut self.0
    }
}

impl Name for GroupId {
    fn text(&mut self) -> &mut StrBytes {
        &mut self.0
    }
}

impl Name for TransactionalId {
    fn text(&mut self) -> &mut StrBytes {
        &mut self.0
    }
}

impl Names {
    pub fn new(prefix: String) -> Self {
        Self { prefix }
    }

    /// The least that a name on the broker can be.
    pub fn first(&self) -> StrBytes {
        StrBytes::from_string(self.prefix.clone())
    }

    /// Puts the prefix before a name. An empty name is no name, and stays.
    pub fn put(&self, name: &mut impl Name) {
        let text = name.text();
        if !text.is_empty() {
            *text = StrBytes::from_string(format!("{}{}", self.prefix, text.as_str()));
        }
    }

    /// [`Names::put`] on each.
    pub fn put_all<'a, N: Name + 'a>(&self, names: impl IntoIterator<Item = &'a mut N>) {
        names.into_iter().for_each(|name| self.put(name));
    }

    /// Whether a name of the broker's is the sandbox's.
    pub fn owns(&self, name: &str) -> bool {
        name.starts_with(&self.prefix)
    }

    /// How much longer the sandbox's names are on the broker, in bytes.
    pub fn length(&self) -> usize {
        self.prefix.len()
    }

    /// Takes the prefix from a name; false if it has none, and so is another's. An empty name is nobody's.
    #[must_use]
    pub fn take(&self, name: &mut impl Name) -> bool {
        let text = name.text();
        if text.is_empty() {
            return true;
        }
        let Some(own) = text.strip_prefix(self.prefix.as_str()) else {
            return false;
        };
        let skipped = text.len() - own.len();
        if let Ok(own) = StrBytes::from_utf8(text.clone().into_bytes().slice(skipped..)) {
            *text = own;
        }
        true
    }

    /// Takes the prefix from the names and the regular expressions in a text for humans; within a name it is no prefix.
    pub fn take_from_text(&self, text: &mut Option<StrBytes>) {
        let Some(text) = text else { return };
        if text.contains("\\Q") {
            *text = StrBytes::from_string(text.replace(&self.quoted(), ""));
        }
        let is_name = |last: char| last.is_ascii_alphanumeric() || "._-".contains(last);
        let (mut kept, mut copied) = (String::new(), 0);
        for (at, prefix) in text.match_indices(&self.prefix) {
            if !text[..at].ends_with(is_name) {
                kept.push_str(&text[copied..at]);
                copied = at + prefix.len();
            }
        }
        if copied > 0 {
            kept.push_str(&text[copied..]);
            *text = StrBytes::from_string(kept);
        }
    }

    /// Has a regular expression of topics match behind the prefix (KIP-848; RE2/J matches the whole name).
    ///
    /// A `^` would match nowhere there, so it is removed, and nothing changes in what matches.
    pub fn put_into_regex(&self, regex: &mut Option<StrBytes>) {
        if let Some(regex) = regex
            && !regex.is_empty()
        {
            let text = format!("{}(?:{})", self.quoted(), without_anchors(regex));
            *regex = StrBytes::from_string(text);
        }
    }

    /// Has a text for humans, about a regular expression that [`Names::put_into_regex`] changed, speak of the one that the
    /// client sent.
    pub fn restore_regex(&self, text: &mut Option<StrBytes>, sent: &Option<StrBytes>) {
        let mut put = sent.clone();
        self.put_into_regex(&mut put);
        if let (Some(told), Some(sent), Some(put)) = (&text, sent, put)
            && told.contains(put.as_str())
        {
            *text = Some(StrBytes::from_string(told.replace(put.as_str(), sent)));
        }
    }

    /// The prefix as it stands in a regular expression.
    fn quoted(&self) -> String {
        format!("\\Q{}\\E", self.prefix)
    }

    /// Undoes [`Names::put_into_regex`], anchors aside.
    pub fn take_from_regex(&self, regex: &mut Option<StrBytes>) {
        let begin = format!("{}(?:", self.quoted());
        if let Some(regex) = regex
            && let Some(own) = regex
                .strip_prefix(begin.as_str())
                .and_then(|rest| rest.strip_suffix(')'))
        {
            *regex = StrBytes::from_string(own.to_owned());
        }
    }
}

/// A regular expression without the `^` that mean the beginning of the text.
fn without_anchors(regex: &str) -> String {
    let (mut kept, mut class, mut rest) = (String::new(), false, regex);
    while let Some(character) = rest.chars().next() {
        let length = match character {
            '\\' if rest.starts_with("\\Q") => rest.find("\\E").map_or(rest.len(), |end| end + 2),
            '\\' => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            _ => character.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        match token {
            "^" if !class => continue,
            "[" if !class => {
                class = true;
                kept.push('[');
                // A `]` right at the beginning of a class, also of a negated one, is one of its characters.
                for first in ["^", "]"] {
                    if let Some(after) = rest.strip_prefix(first) {
                        kept.push_str(first);
                        rest = after;
                    }
                }
                continue;
            }
            "]" => class = false,
            _ => {}
        }
        kept.push_str(token);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names::new("m3f9c-".to_owned())
    }

    #[test]
    fn a_name_gets_the_prefix_and_loses_it() {
        let mut name = TopicName(StrBytes::from_static_str("orders.v1"));
        names().put(&mut name);
        assert_eq!(name.as_str(), "m3f9c-orders.v1");
        assert!(names().take(&mut name));
        assert_eq!(name.as_str(), "orders.v1");
    }

    #[test]
    fn a_name_without_the_prefix_is_anothers() {
        for foreign in ["__consumer_offsets", "m4aaa-orders.v1", "m3f9"] {
            assert!(!names().take(&mut StrBytes::from_static_str(foreign)), "{foreign}");
        }
    }

    #[test]
    fn an_empty_name_stays_empty_and_is_nobodys() {
        let mut name = StrBytes::new();
        names().put(&mut name);
        assert!(name.is_empty() && names().take(&mut name));
    }

    #[test]
    fn a_message_loses_every_prefix() {
        for (text, shown) in [
            ("m3f9c-a and 'm3f9c-b' collide", "a and 'b' collide"),
            ("topic am3f9c-b, m3f9c-m3f9c-", "topic am3f9c-b, m3f9c-"),
            ("`\\Qm3f9c-\\E(?:a[)` is wrong", "`(?:a[)` is wrong"),
            ("nothing of ours", "nothing of ours"),
        ] {
            let mut text = Some(StrBytes::from_static_str(text));
            names().take_from_text(&mut text);
            assert_eq!(text.as_deref(), Some(shown));
        }
    }

    #[test]
    fn a_regex_matches_behind_the_prefix() {
        let mut regex = Some(StrBytes::from_static_str("(^orders\\..*)|(^[^a-z]\\^x$)"));
        names().put_into_regex(&mut regex);
        let wanted = "\\Qm3f9c-\\E(?:(orders\\..*)|([^a-z]\\^x$))";
        assert_eq!(regex.as_deref(), Some(wanted));
        names().take_from_regex(&mut regex);
        assert_eq!(regex.as_deref(), Some("(orders\\..*)|([^a-z]\\^x$)"));
    }

    #[test]
    fn a_message_about_a_regex_tells_the_clients_own() {
        let sent = Some(StrBytes::from_static_str("^a["));
        let mut text = Some(StrBytes::from_static_str("`\\Qm3f9c-\\E(?:a[)` is wrong"));
        names().restore_regex(&mut text, &sent);
        assert_eq!(text.as_deref(), Some("`^a[` is wrong"));
        names().restore_regex(&mut text, &None);
        assert_eq!(text.as_deref(), Some("`^a[` is wrong"));
    }

    #[test]
    fn quoted_text_and_classes_keep_their_carets() {
        assert_eq!(without_anchors("^\\Q^a\\E[]^]^b"), "\\Q^a\\E[]^]b");
        assert_eq!(without_anchors("\\"), "\\");
    }
}
