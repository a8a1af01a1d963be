//! A map by type: what only some crates know of each other, carried by the engine that knows none of it.

use std::any::{Any, TypeId};
use std::collections::HashMap;

/// At most one value of each type.
#[derive(Default)]
pub struct Extensions {
    values: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
}

impl Extensions {
    /// Puts a value in, in place of an earlier one of its type.
    pub fn insert<T: Any + Send + Sync>(&mut self, value: T) {
        self.values.insert(TypeId::of::<T>(), Box::new(value));
    }

    /// The value of a type.
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.values.get(&TypeId::of::<T>())?.downcast_ref()
    }

    /// The value of a type, made when it is first asked for.
    pub fn get_or_default<T: Any + Send + Sync + Default>(&mut self) -> &mut T {
        let value = self
            .values
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Box::new(T::default()));
        match value.downcast_mut() {
            Some(value) => value,
            None => unreachable!("a value stands under its own type"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_value_of_each_type() {
        let mut extensions = Extensions::default();
        extensions.insert(7_u8);
        extensions.insert(8_u8);
        extensions.insert("text");
        assert_eq!(
            (extensions.get::<u8>(), extensions.get::<&str>()),
            (Some(&8), Some(&"text"))
        );
        assert_eq!(extensions.get::<u16>(), None);
        *extensions.get_or_default::<u16>() += 1;
        assert_eq!(extensions.get::<u16>(), Some(&1));
    }
}
