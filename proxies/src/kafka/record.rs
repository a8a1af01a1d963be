//! Texts of the wire's record: what a call was about, in the sandbox's own names.

/// `orders.v1 [partition 0, 2]`
pub(crate) fn partitions(topic: &str, partitions: impl IntoIterator<Item = i32>) -> String {
    let numbers: Vec<_> = partitions.into_iter().map(|number| number.to_string()).collect();
    format!("{topic} [partition {}]", numbers.join(", "))
}

/// The items behind each other, with commas.
pub(crate) fn list<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    let mut text = String::new();
    for item in items {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(item.as_ref());
    }
    text
}

/// The first error among codes, else 0.
pub(crate) fn first_error(codes: impl IntoIterator<Item = i16>) -> i16 {
    codes.into_iter().find(|code| *code != 0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_named_with_its_partitions() {
        assert_eq!(partitions("orders.v1", [0, 2]), "orders.v1 [partition 0, 2]");
        assert_eq!(list(["a", "b"]), "a, b");
    }
}
