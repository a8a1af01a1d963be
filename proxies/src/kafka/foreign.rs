//! Ids of topics that are another's: the broker is asked for one that nobody has in their place, and says so.
//!
//! The broker's ids are random ones (RFC 9562, version 4); with another version they are nobody's.

use uuid::Uuid;

use super::scope::Scope;

/// The bits of an id that tell its version, as they stand in a random id and in the one that is asked for in its place.
const VERSION: u128 = 0xf << 76;
const RANDOM: u128 = 0x4 << 76;
const NOBODYS: u128 = 0xf << 76;

/// Whether an id stands in a foreign one's place.
pub(crate) fn is_veiled(id: &Uuid) -> bool {
    id.as_u128() & VERSION == NOBODYS
}

/// Puts the foreign id back.
pub(crate) fn unveil(id: &mut Uuid) {
    exchange(id, NOBODYS, RANDOM);
}

fn exchange(id: &mut Uuid, from: u128, to: u128) {
    if id.as_u128() & VERSION == from {
        *id = Uuid::from_u128(id.as_u128() & !VERSION | to);
    }
}

impl Scope {
    /// Whether topics of these ids may be asked for: the edge told the client of them, or they are none.
    pub fn knows_all<'a>(&self, mut ids: impl Iterator<Item = &'a Uuid>) -> bool {
        self.seen(|seen| ids.all(|id| id.is_nil() || seen.members.name_of(id).is_some()))
    }

    /// Puts an id that nobody has in the place of each that is not known as the sandbox's.
    pub fn veil<'a>(&self, ids: impl Iterator<Item = &'a mut Uuid>) {
        self.seen(|seen| {
            for id in ids {
                if seen.members.name_of(id).is_none() {
                    exchange(id, RANDOM, NOBODYS);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_is_veiled_is_another_and_comes_back() {
        let id = Uuid::new_v4();
        let mut veiled = id;
        exchange(&mut veiled, RANDOM, NOBODYS);
        assert!(veiled != id && is_veiled(&veiled) && !is_veiled(&id));
        unveil(&mut veiled);
        assert_eq!(veiled, id);
    }

    #[test]
    fn no_id_and_one_of_another_version_stay() {
        for id in [Uuid::nil(), Uuid::from_u128(1)] {
            let mut veiled = id;
            exchange(&mut veiled, RANDOM, NOBODYS);
            assert_eq!(veiled, id);
        }
    }
}
