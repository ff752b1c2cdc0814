//! One word while it is read: its letters folded, and what disguise it wears.
//!
//! Rules: a word knows its own letters, and of the message only which scripts occur in it.

use super::{
    disguise::{self, Scripts, is_styled},
    ids,
    reading::Disguise,
};
use crate::model::{
    lookalike::{as_cyrillic, is_foreign, latin_twin, small_capital},
    text,
};

/// The word that is being read.
#[derive(Default)]
pub(super) struct Word {
    /// Folded.
    pub(super) folded: String,
    /// As it would be with Latin letters for their look-alikes.
    pub(super) twin: String,
    pub(super) letters: u16,
    pub(super) digits: u16,
    pub(super) latin: u16,
    pub(super) foreign: u16,
    /// A foreign letter has no Latin twin.
    pub(super) genuine: bool,
    pub(super) signs: bool,
    pub(super) styled: u16,
    pub(super) invisible: bool,
    /// Something invisible came after the last letter: a disguise if another letter follows.
    pub(super) pending: bool,
    pub(super) capitals: u16,
    pub(super) last: Option<char>,
}

impl Word {
    /// A letter that is not ASCII.
    pub(super) fn take_foreign(&mut self, c: char) {
        let w = self;
        if is_styled(c) {
            w.styled += 1;
        }
        if let Some(l) = small_capital(c) {
            w.latin += 1;
            w.folded.push(l);
            w.twin.push(l);
            return;
        }
        if is_foreign(c) {
            w.foreign += 1;
            match latin_twin(c) {
                Some(t) => w.twin.push(t),
                None => w.genuine = true,
            }
            text::fold(c, &mut |f| w.folded.push(f));
            return;
        }
        text::fold(c, &mut |f| {
            w.latin += u16::from(f.is_ascii_alphabetic());
            w.digits += u16::from(f.is_ascii_digit());
            w.folded.push(f);
            w.twin.push(f);
        });
    }

    /// Takes look-alikes off the word, in a message with letters of `world`, and says what disguise it wore.
    pub(super) fn unmask(&mut self, world: Scripts) -> Option<Disguise> {
        let w = self;
        if w.foreign > 0 && !w.genuine {
            let mixed = w.latin > 0;
            let alone = world.latin && !world.genuine && w.letters > 2;
            if mixed || alone {
                w.folded = std::mem::take(&mut w.twin);
                return Some(Disguise::LookAlike);
            }
        }
        let russian = w.genuine && world.cyrillic && w.digits == 0;
        if russian
            && (1..w.foreign).contains(&w.latin)
            && let Some(back) = as_cyrillic(&w.folded)
        {
            w.folded = back;
            return Some(Disguise::LookAlike);
        }
        match (w.invisible, w.styled > 1) {
            (true, _) => Some(Disguise::Invisible),
            (false, true) => Some(Disguise::Styled),
            _ => None,
        }
    }

    /// "SOMMER10", "HERBST15": capitals and then a number, as shops call the codes that customers enter.
    fn is_coupon(&self) -> bool {
        let letters = self.folded.trim_end_matches(|c: char| c.is_ascii_digit());
        let is_name = letters.len() > 3 && letters.bytes().all(|b| b.is_ascii_alphabetic());
        is_name && self.capitals == self.letters && self.folded.len() > letters.len() + 1
    }

    /// "fr33" and "d1sc0unt" become words where they stand; "150ppm", "inv1001" and "rp45rb" do not.
    pub(super) fn in_place(&self) -> Option<String> {
        let may_be = self.folded.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '0' | '$' | '@' | '€'));
        (may_be && !ids::is_price(&self.folded) && !self.is_coupon()).then_some(())?;
        disguise::unleet(&self.folded)
    }
}
