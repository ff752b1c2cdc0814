//! How alike two texts are, whatever their numbers, links and disguises: by the sequences of four folded characters that
//! they share.

use super::{model, reading};
use std::collections::HashSet;

/// A text as it is compared.
#[derive(Debug)]
pub struct Likeness(HashSet<usize>);

impl Likeness {
    /// Reads `text`.
    pub fn of(text: &str) -> Self {
        let mut places = HashSet::new();
        model::sequences(&reading::read(text).text, |place| {
            places.insert(place);
        });
        Self(places)
    }

    /// Twice what both share, of what both have: 0 (nothing) to 100 (all).
    pub fn to(&self, other: &Self) -> u8 {
        let all = self.0.len() + other.0.len();
        let shared = self.0.intersection(&other.0).count();
        u8::try_from((200 * shared).checked_div(all).unwrap_or(0)).unwrap_or(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_alike_whatever_their_numbers_and_others_are_not() {
        let a = Likeness::of("Your order 1001 is ready, pick it up at https://x.example/1");
        assert_eq!(a.to(&Likeness::of("your ORDER 99 is ready, pick it up at https://x.example/2")), 100);
        let near = a.to(&Likeness::of("Your order 99 is ready, please pick it up today"));
        assert!((50..95).contains(&near), "{near}");
        assert!(a.to(&Likeness::of("Скидка на всё")) < 10);
        assert_eq!(Likeness::of("").to(&Likeness::of("")), 0);
    }
}
