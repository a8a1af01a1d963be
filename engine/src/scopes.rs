//! What each phrase has of its own: a phrase sees what its caller has, and its caller sees nothing of what it puts in.

use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::event::Frame;

/// At most one value of each type, in the scope of the scenario and of each phrase that the current step stands in.
#[derive(Default)]
pub struct Scopes {
    own: Values,
    /// The phrases' own, outermost first, each with the call that it begins with.
    of_phrases: Vec<(Frame, Values)>,
    /// The types of which a phrase that has ended had a value of its own.
    ended_with: HashSet<TypeId>,
}

type Values = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

impl Scopes {
    /// Goes to where a step stands that is within these calls: the scopes of all others end.
    pub(crate) fn stand(&mut self, within: &[Frame]) {
        let same = self
            .of_phrases
            .iter()
            .zip(within)
            .take_while(|((call, _), other)| call == *other)
            .count();
        for (_, ended) in self.of_phrases.drain(same..) {
            self.ended_with.extend(ended.into_keys());
        }
        self.of_phrases
            .extend(within[same..].iter().map(|call| (call.clone(), Values::new())));
    }

    /// Puts a value in, in place of an earlier one of its type in this scope.
    pub fn insert<T: Any + Send + Sync>(&mut self, value: T) {
        let scope = self.of_phrases.last_mut().map_or(&mut self.own, |(_, values)| values);
        scope.insert(TypeId::of::<T>(), Arc::new(value));
    }

    /// The value of a type: this scope's, else that of the nearest one around it.
    pub fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let scopes = self
            .of_phrases
            .iter()
            .rev()
            .map(|(_, values)| values)
            .chain([&self.own]);
        let found = scopes.filter_map(|values| values.get(&TypeId::of::<T>())).next();
        found.cloned().and_then(|value| value.downcast().ok())
    }

    /// Whether a phrase that has ended had a value of this type of its own.
    pub fn ended_with<T: Any>(&self) -> bool {
        self.ended_with.contains(&TypeId::of::<T>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(line: usize) -> Frame {
        Frame {
            file: "a.feature".into(),
            line,
            text: "Given it".into(),
        }
    }

    #[test]
    fn a_phrase_sees_its_callers_values_and_keeps_its_own() {
        let mut scopes = Scopes::default();
        let value = |scopes: &Scopes| scopes.get::<u8>().map(|value| *value);
        assert_eq!(value(&scopes), None);
        scopes.insert(1_u8);
        scopes.stand(&[call(3)]);
        assert_eq!(value(&scopes), Some(1));
        scopes.insert(2_u8);
        scopes.stand(&[call(3), call(9)]);
        assert_eq!(value(&scopes), Some(2));
        scopes.insert(3_u8);
        scopes.stand(&[call(3)]);
        assert_eq!(value(&scopes), Some(2));
        scopes.stand(&[call(4)]);
        assert_eq!(value(&scopes), Some(1));
        scopes.stand(&[]);
        assert_eq!(value(&scopes), Some(1));
        assert!(scopes.ended_with::<u8>() && !scopes.ended_with::<u16>());
    }
}
