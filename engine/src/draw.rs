//! Values that are drawn: anew each time, and the same again with the same seed.

use fake::Fake;
use fake::faker::address::en::{CityName, CountryName, StreetName};
use fake::faker::company::en::CompanyName;
use fake::faker::internet::en::{IPv4, SafeEmail, Username};
use fake::faker::lorem::en::{Sentence, Word};
use fake::faker::name::en::{FirstName, LastName, Name};
use fake::faker::phone_number::en::PhoneNumber;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::event::ScenarioPlace;

/// What `${fake.KIND}` can draw.
pub const FAKES: &[&str] = &[
    "city",
    "company",
    "country",
    "email",
    "first_name",
    "ip",
    "last_name",
    "name",
    "phone",
    "sentence",
    "street",
    "username",
    "word",
];

/// The source of one scenario's drawn values.
pub struct Draws {
    source: ChaCha8Rng,
}

impl Draws {
    /// The draws of the scenario that stands there, in a run with this seed: where it stands decides, not what else is
    /// selected, nor which try of it this is: what is tried again is the same scenario, in a sandbox that has seen none of
    /// these values.
    pub fn new(seed: u64, place: &ScenarioPlace) -> Self {
        // FNV-1a: the same on every machine and in every version, which the standard hasher does not promise.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ seed;
        for byte in place.file.bytes().chain(place.line.to_le_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Self {
            source: ChaCha8Rng::seed_from_u64(hash),
        }
    }

    /// A source of its own, which this one seeds: how often one draws is nothing to the other.
    pub fn beside(&mut self) -> Self {
        Self {
            source: ChaCha8Rng::from_rng(&mut self.source),
        }
    }

    /// A UUID of version 4.
    pub fn uuid(&mut self) -> String {
        let mut bytes = [0; 16];
        self.source.fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// A made-up value, where the kind is one of [`FAKES`].
    pub fn made_up(&mut self, kind: &str) -> Option<String> {
        let source = &mut self.source;
        Some(match kind {
            "city" => CityName().fake_with_rng(source),
            "company" => CompanyName().fake_with_rng(source),
            "country" => CountryName().fake_with_rng(source),
            // The fake crate's own addresses repeat after some thousands.
            "email" => {
                let address: String = SafeEmail().fake_with_rng(source);
                format!("{:08x}.{address}", source.next_u32())
            }
            "first_name" => FirstName().fake_with_rng(source),
            "ip" => IPv4().fake_with_rng(source),
            "last_name" => LastName().fake_with_rng(source),
            "name" => Name().fake_with_rng(source),
            "phone" => PhoneNumber().fake_with_rng(source),
            "sentence" => Sentence(4..9).fake_with_rng(source),
            "street" => StreetName().fake_with_rng(source),
            "username" => Username().fake_with_rng(source),
            "word" => Word().fake_with_rng(source),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(line: usize) -> ScenarioPlace {
        ScenarioPlace {
            file: "orders.feature".into(),
            line,
            feature: "orders".into(),
            rule: None,
            name: "one".into(),
            tags: Vec::new(),
            is_example_row: false,
        }
    }

    #[test]
    fn the_same_seed_and_place_draw_the_same() {
        let mut one = Draws::new(7, &place(3));
        let mut other = Draws::new(7, &place(3));
        let first = one.uuid();
        assert_eq!(first, other.uuid());
        assert_ne!(first, one.uuid());
        assert_ne!(first, Draws::new(8, &place(3)).uuid());
        assert_ne!(first, Draws::new(7, &place(4)).uuid());
    }

    #[test]
    fn what_is_drawn_beside_the_steps_is_the_same_again_too() {
        let mut one = Draws::new(7, &place(3));
        let mut other = Draws::new(7, &place(3));
        let (mut beside_one, mut beside_other) = (one.beside(), other.beside());
        let first = beside_one.uuid();
        assert_eq!(one.uuid(), other.uuid());
        assert_eq!(first, beside_other.uuid());
        assert_ne!(one.uuid(), beside_other.uuid());
    }

    #[test]
    fn every_kind_is_drawn() {
        let mut draws = Draws::new(1, &place(1));
        for kind in FAKES {
            assert!(draws.made_up(kind).is_some_and(|value| !value.is_empty()), "{kind}");
        }
        assert_eq!(draws.made_up("unicorn"), None);
    }
}
