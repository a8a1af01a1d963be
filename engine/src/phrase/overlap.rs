//! Whether two sentences have a text in common: the product of the automata of their regular expressions, searched
//! breadth first, so that the text is a short one.

use std::collections::{HashMap, VecDeque};

use regex_automata::nfa::thompson::{Compiler, Config, NFA, State, WhichCaptures};
use regex_automata::util::primitives::StateID;

/// The texts that a regular expression matches from beginning to end.
pub(crate) struct Language {
    automaton: NFA,
}

/// A state of the one automaton and one of the other.
type Pair = (StateID, StateID);

impl Language {
    /// That of a pattern whose only assertions are `^` at its beginning and `$` at its end.
    pub(crate) fn of(pattern: &str) -> Option<Self> {
        let config = Config::new().which_captures(WhichCaptures::None);
        let automaton = Compiler::new().configure(config).build(pattern).ok()?;
        Some(Self { automaton })
    }

    /// A text that the other matches as well.
    pub(crate) fn common(&self, other: &Self) -> Option<String> {
        let start = (self.automaton.start_anchored(), other.automaton.start_anchored());
        let mut reached: HashMap<Pair, Option<(Pair, Option<u8>)>> = HashMap::from([(start, None)]);
        let mut waiting = VecDeque::from([start]);
        while let Some(pair) = waiting.pop_front() {
            let (one, two) = (self.automaton.state(pair.0), other.automaton.state(pair.1));
            if matches!((one, two), (State::Match { .. }, State::Match { .. })) {
                return Some(way_to(pair, &reached));
            }
            let mut next: Vec<(Pair, Option<u8>)> = Vec::new();
            if let Some(silent) = silent(one) {
                next.extend(silent.into_iter().map(|state| ((state, pair.1), None)));
            } else if let Some(silent) = silent(two) {
                next.extend(silent.into_iter().map(|state| ((pair.0, state), None)));
            } else {
                let both = bytes(one).into_iter().flat_map(|(from, to, state)| {
                    bytes(two).into_iter().filter_map(move |(other_from, other_to, other)| {
                        let byte = readable(from.max(other_from), to.min(other_to))?;
                        Some(((state, other), Some(byte)))
                    })
                });
                next.extend(both);
                next.sort_by_key(|(_, byte)| byte.map(|byte| !byte.is_ascii_lowercase()));
            }
            for (to, byte) in next {
                reached.entry(to).or_insert_with(|| {
                    waiting.push_back(to);
                    Some((pair, byte))
                });
            }
        }
        None
    }
}

/// Where a state leads without a byte; none where it takes one, or is an end.
fn silent(state: &State) -> Option<Vec<StateID>> {
    match state {
        State::Look { next, .. } | State::Capture { next, .. } => Some(vec![*next]),
        State::Union { alternates } => Some(alternates.to_vec()),
        State::BinaryUnion { alt1, alt2 } => Some(vec![*alt1, *alt2]),
        State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) | State::Fail | State::Match { .. } => None,
    }
}

/// Where a state leads with a byte: from, to, and the state there.
fn bytes(state: &State) -> Vec<(u8, u8, StateID)> {
    match state {
        State::ByteRange { trans } => vec![(trans.start, trans.end, trans.next)],
        State::Sparse(sparse) => {
            let transitions = sparse.transitions.iter();
            transitions.map(|each| (each.start, each.end, each.next)).collect()
        }
        State::Dense(dense) => (0..=u8::MAX)
            .filter_map(|byte| Some((byte, byte, dense.matches_byte(byte)?)))
            .collect(),
        State::Look { .. }
        | State::Capture { .. }
        | State::Union { .. }
        | State::BinaryUnion { .. }
        | State::Fail
        | State::Match { .. } => Vec::new(),
    }
}

/// A byte of a range, a letter if there is one.
fn readable(from: u8, to: u8) -> Option<u8> {
    let wanted = [(b'a', b'z'), (b'0', b'9'), (b'!', b'~'), (from, to)];
    let within = |(first, last): (u8, u8)| Some(from.max(first)).filter(|byte| *byte <= to.min(last));
    wanted.into_iter().find_map(within)
}

fn way_to(end: Pair, reached: &HashMap<Pair, Option<(Pair, Option<u8>)>>) -> String {
    let mut text = Vec::new();
    let mut at = end;
    while let Some(Some((before, byte))) = reached.get(&at) {
        text.extend(byte);
        at = *before;
    }
    text.reverse();
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phrase::sentence::Sentence;

    fn common(one: &str, other: &str) -> Option<String> {
        let language = |name: &str| Language::of(&Sentence::new(name).pattern()).expect("it is well formed");
        let found = language(one).common(&language(other));
        assert_eq!(found.is_some(), language(other).common(&language(one)).is_some());
        found
    }

    #[test]
    fn a_text_of_both_is_told() {
        assert_eq!(common("a user <name>", "a user ada").as_deref(), Some("a user ada"));
        assert_eq!(common("a user <name>", "a user <id>").as_deref(), Some("a user a"));
        assert_eq!(
            common("<who> has <what>", "ada <verb> it").as_deref(),
            Some("ada has it")
        );
        assert_eq!(common("<名前>が来る", "花子<何>来る").as_deref(), Some("花子が来る"));
    }

    #[test]
    fn without_one_they_are_apart() {
        for (one, other) in [
            ("a user <name>", "a user"),
            ("a user <name>", "a user <name> of <days> days"),
            ("<who> completes a <what> on <day>", "<who> completes a <what>"),
            ("<who> is there", "<who> was there"),
        ] {
            assert_eq!(common(one, other), None, "{one} and {other}");
        }
    }
}
