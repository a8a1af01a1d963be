//! A thing of a ledger as it is seen at one of its stages.

use std::time::Duration;

use serde_json::Value as Json;

/// A thing as it is seen at a stage.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sighting {
    /// Its id; none where nothing stands at its place.
    pub id: Option<String>,
    /// The key that its order belongs to.
    pub key: Option<String>,
    /// When, since the run began, where that is known.
    pub at: Option<Duration>,
    /// Where, in words.
    pub place: String,
    /// Where it stands in the order of the stage.
    pub order: Order,
    /// Whether it is there for sure: a request without an answer may have come to something or to nothing.
    pub certain: bool,
}

/// Where a thing stands in the order of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Nowhere: the stage has no order.
    None,
    /// At some time between these, which count since the run began.
    Between {
        from: Duration,
        /// None where it is not over.
        until: Option<Duration>,
        /// The request that it was in, and its number among those of that request.
        request: usize,
        number: usize,
    },
    /// At a rank of a lane; things of different lanes have no order. A topic has a lane a partition.
    At { lane: i32, rank: i64 },
}

impl Order {
    /// Whether this comes before that for sure.
    pub fn precedes(self, other: Self) -> bool {
        match (self, other) {
            (
                Self::Between {
                    until, request, number, ..
                },
                Self::Between {
                    from,
                    request: others,
                    number: another,
                    ..
                },
            ) => {
                if request == others {
                    number < another
                } else {
                    until.is_some_and(|until| until <= from)
                }
            }
            (
                Self::At { lane, rank },
                Self::At {
                    lane: other,
                    rank: behind,
                },
            ) => lane == other && rank < behind,
            _ => false,
        }
    }
}

/// The ids at a place and the keys that go with them: one key goes with every id, several one with each.
///
/// A list counts as its elements. Where `several` may stand, nothing is no id at all; elsewhere it is a thing without one.
pub(super) fn things(ids: Vec<Json>, keys: Vec<Json>, several: bool) -> Vec<(Option<String>, Option<String>)> {
    let ids = texts(ids);
    let keys = texts(keys);
    if ids.is_empty() && !several {
        return vec![(None, None)];
    }
    let key = |at: usize| match keys.as_slice() {
        [one] => Some(one.clone()),
        all if all.len() == ids.len() => all.get(at).cloned(),
        _ => None,
    };
    let keys = (0..ids.len()).map(key).collect::<Vec<_>>();
    ids.into_iter().map(Some).zip(keys).collect()
}

/// Values as texts, whatever their type: an id is the same in a header, a column and a body. Nulls are none.
fn texts(values: Vec<Json>) -> Vec<String> {
    let flat = values.into_iter().flat_map(|value| match value {
        Json::Array(elements) => elements,
        other => vec![other],
    });
    flat.filter_map(|value| match value {
        Json::Null => None,
        Json::String(text) => Some(text),
        other => Some(other.to_string()),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(ids: Json, keys: Json, several: bool) -> Vec<(Option<String>, Option<String>)> {
        things(vec![ids], vec![keys], several)
    }

    fn thing(id: &str, key: &str) -> (Option<String>, Option<String>) {
        (Some(id.into()), (!key.is_empty()).then(|| key.into()))
    }

    #[test]
    fn ids_are_texts_whatever_their_type_and_lists_are_their_elements() {
        assert_eq!(named(json!(7), json!("ada"), false), [thing("7", "ada")]);
        assert_eq!(
            named(json!(["a", 2]), json!("ada"), true),
            [thing("a", "ada"), thing("2", "ada")]
        );
        assert_eq!(
            named(json!(["a", "b"]), json!(["ada", "bob"]), true),
            [thing("a", "ada"), thing("b", "bob")]
        );
        assert_eq!(
            named(json!(["a", "b", "c"]), json!(["ada", "bob"]), true)[2],
            thing("c", "")
        );
    }

    #[test]
    fn nothing_is_a_thing_without_an_id_unless_several_may_stand_there() {
        assert_eq!(named(json!(null), json!(null), false), [(None, None)]);
        assert_eq!(named(json!([]), json!("ada"), true), []);
    }

    fn between(from: u64, until: Option<u64>, request: usize, number: usize) -> Order {
        Order::Between {
            from: Duration::from_millis(from),
            until: until.map(Duration::from_millis),
            request,
            number,
        }
    }

    #[test]
    fn requests_that_overlap_have_no_order() {
        let (one, other) = (between(0, Some(10), 0, 0), between(10, Some(20), 1, 0));
        assert!(one.precedes(other) && !other.precedes(one));
        assert!(!one.precedes(between(9, Some(20), 1, 0)));
        assert!(!between(0, None, 0, 0).precedes(between(90, Some(99), 1, 0)));
        // Within a request the list tells.
        assert!(one.precedes(between(0, Some(10), 0, 1)) && !one.precedes(one));
    }

    #[test]
    fn partitions_have_no_order_among_each_other() {
        let at = |lane, rank| Order::At { lane, rank };
        assert!(at(0, 1).precedes(at(0, 2)) && !at(0, 2).precedes(at(0, 1)));
        assert!(!at(0, 1).precedes(at(1, 2)) && !at(0, 1).precedes(at(0, 1)));
        assert!(!Order::None.precedes(Order::None));
    }
}
