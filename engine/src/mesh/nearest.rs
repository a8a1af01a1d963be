//! Did-you-mean.

/// The candidate that `word` is most likely a slip of, if any is near enough:
/// at most a third of its letters changed, swapped, added or left out.
pub(crate) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    candidates
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, candidate)| *distance * 3 <= candidate.chars().count().max(word.chars().count()))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The hint that names the candidate which `word` is most likely a slip of, if any is near enough.
pub fn did_you_mean<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    nearest(word, candidates).map(|name| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_near_and_another_word_is_not() {
        let names = ["shop", "billing", "billing-db"];
        assert_eq!(nearest("biling", names), Some("billing"));
        assert_eq!(nearest("Shpo", names), Some("shop"));
        assert_eq!(nearest("warehouse", names), None);
    }
}
