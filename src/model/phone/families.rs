//! Numbers that are written in two ways: one WhatsApp account, or perhaps two people.
//!
//! Some countries have lengthened their numbers, and WhatsApp goes on naming many of its accounts by the form in which
//! they were registered. Meta says so ("the extra added prefix of the phone number may be modified", its page on phone
//! numbers, Brazil and Mexico), and an Evolution server changes the digits itself before it sends. So a shop's list holds
//! the one form, and what the person writes comes from the other.
//!
//! Each row is a pair of forms, digits with the calling code: `?` is any digit, `[2-5]` one of these, everything else
//! stands for itself. What the wildcards match in the one form is filled into the other one's, in order.
//!
//! How sure it is that both are one account decides what follows ([`Kinship`]):
//! - `Same`: all that holds for a person holds under both. A message goes to the form that was asked for.
//! - `Perhaps`: an opt-out covers both, which is the safe side for whoever does not want to be written to. Everything
//!   else (window, history, erasure) is each one's own, which is the safe side for whoever else it may be.
//!
//! Adding a family: a row with its source. This file must not know contacts.

use super::Phone;

/// Whether two forms are one WhatsApp account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kinship {
    /// They are: no two people can have them.
    Same,
    /// They may be.
    Perhaps,
}

/// A pair of forms.
struct NumberFamily {
    forms: [&'static str; 2],
    kinship: Kinship,
    /// Where it is from. For whoever checks the table.
    #[cfg_attr(not(test), expect(dead_code, reason = "a source is for people; the test prints it"))]
    source: &'static str,
}

const fn same(a: &'static str, b: &'static str, source: &'static str) -> NumberFamily {
    NumberFamily { forms: [a, b], kinship: Kinship::Same, source }
}

const fn perhaps(a: &'static str, b: &'static str, source: &'static str) -> NumberFamily {
    NumberFamily { forms: [a, b], kinship: Kinship::Perhaps, source }
}

const ANATEL: &str = "Anatel, resolution 553/2010: mobile numbers got a ninth digit, 9, until 2016; those of eight digits \
                      began with 6 to 9. Meta's page on phone numbers; Evolution API, createJid";
const IFT: &str = "IFT, numbering plan of August 2019: the 1 in front of mobile numbers is gone. Meta's page on phone \
                   numbers; Evolution API, createJid";
const ENACOM: &str = "ENACOM, numbering plan: from abroad a 9 stands in front of a mobile's area code. WhatsApp's page on \
                      international numbers; Evolution API, createJid";
const ARCEP_BJ: &str = "ARCEP Bénin, 30 November 2024: 01 in front of all numbers of eight digits";
const ARTCI: &str = "ARTCI, 31 January 2021: two digits of the operator in front of all numbers of eight digits";
const CRC: &str = "CRC (Colombia), resolution 5826 of 2019, in force since September 2021: 60 in front of the fixed lines' \
                   eight digits";
const MIC: &str = "MIC (Viet Nam), plan of 2018: mobile numbers of ten digits became nine";
const PALESTINE: &str = "ITU list of calling codes: Palestinian mobile numbers are reached over 970 and over 972";
const KOSOVO: &str = "ITU, Operational Bulletin of December 2016: Kosovo's mobile numbers moved from Monaco's and Slovenia's \
                      codes to 383";

const FAMILIES: &[NumberFamily] = &[
    same("55[1-9][1-9]9[6-9]???????", "55[1-9][1-9][6-9]???????", ANATEL),
    // Eight digits that begin with 2 to 5 are a fixed line, which may have a WhatsApp account of its own.
    perhaps("55[1-9][1-9]9[2-5]???????", "55[1-9][1-9][2-5]???????", ANATEL),
    same("521[2-9]?????????", "52[2-9]?????????", IFT),
    same("549[1-3]?????????", "54[1-3]?????????", ENACOM),
    same("22901[2-9]???????", "229[2-9]???????", ARCEP_BJ),
    same("22501[014-9][0-3]??????", "225[014-9][0-3]??????", ARTCI),
    same("22505[014-9][4-6]??????", "225[014-9][4-6]??????", ARTCI),
    same("22507[014-9][7-9]??????", "225[014-9][7-9]??????", ARTCI),
    same("22521[23]?8?????", "225[23]?8?????", ARTCI),
    same("22525[23]?0?????", "225[23]?0?????", ARTCI),
    same("22527[23]?[1-79]?????", "225[23]?[1-79]?????", ARTCI),
    same("5760[1-8]???????", "57[1-8]???????", CRC),
    same("84120???????", "8470???????", MIC),
    same("84121???????", "8479???????", MIC),
    same("84122???????", "8477???????", MIC),
    same("84126???????", "8476???????", MIC),
    same("84128???????", "8478???????", MIC),
    same("84123???????", "8483???????", MIC),
    same("84124???????", "8484???????", MIC),
    same("84125???????", "8485???????", MIC),
    same("84127???????", "8481???????", MIC),
    same("84129???????", "8482???????", MIC),
    same("8416[2-9]???????", "843[2-9]???????", MIC),
    same("84186???????", "8456???????", MIC),
    same("84188???????", "8458???????", MIC),
    same("84199???????", "8459???????", MIC),
    perhaps("9705[69]???????", "9725[69]???????", PALESTINE),
    perhaps("3774[45]??????", "3834[45]??????", KOSOVO),
    perhaps("3864[39]??????", "3834[39]??????", KOSOVO),
];

impl Phone {
    /// The other form of this number, if it has one, and whether both are one account. A number has one at most.
    pub fn other_form(&self) -> Option<(Self, Kinship)> {
        FAMILIES.iter().find_map(|family| {
            let [a, b] = family.forms;
            let other = rewritten(self.digits(), a, b).or_else(|| rewritten(self.digits(), b, a))?;
            Some((Self(format!("+{other}")), family.kinship))
        })
    }

    /// The other form in which the same WhatsApp account is written.
    pub fn twin(&self) -> Option<Self> {
        self.other_form().filter(|(_, kinship)| *kinship == Kinship::Same).map(|(other, _)| other)
    }

    /// Another number that may be the same person's: an opt-out of either covers both.
    pub fn relative(&self) -> Option<Self> {
        self.other_form().filter(|(_, kinship)| *kinship == Kinship::Perhaps).map(|(other, _)| other)
    }

    /// One spelling for both forms of an account, to compare by; never to write to.
    pub fn canonical(&self) -> Self {
        self.twin().map_or_else(|| self.clone(), |twin| twin.min(self.clone()))
    }
}

/// What `digits` are in the form `to`, if they have the form `from`. Nearly all numbers have none, and each message asks.
fn rewritten(digits: &str, from: &str, to: &str) -> Option<String> {
    let mut rest = digits.bytes();
    let fits = places(from).all(|place| rest.next().is_some_and(|digit| place.takes(digit))) && rest.next().is_none();
    if !fits {
        return None;
    }
    let mut taken =
        places(from).zip(digits.bytes()).filter(|(p, _)| !matches!(p, FormDigit::Exactly(_))).map(|(_, digit)| digit);
    places(to)
        .map(|place| match place {
            FormDigit::Exactly(digit) => Some(char::from(digit)),
            other => taken.next().filter(|d| other.takes(*d)).map(char::from),
        })
        .collect()
}

/// One place of a form.
enum FormDigit<'a> {
    Exactly(u8),
    Any,
    OneOf(&'a [u8]),
}

impl FormDigit<'_> {
    fn takes(&self, digit: u8) -> bool {
        match self {
            Self::Exactly(own) => *own == digit,
            Self::Any => true,
            Self::OneOf(set) => {
                let mut rest = *set;
                loop {
                    match rest {
                        [from, b'-', to, tail @ ..] => {
                            if (*from..=*to).contains(&digit) {
                                return true;
                            }
                            rest = tail;
                        }
                        [one, tail @ ..] => {
                            if *one == digit {
                                return true;
                            }
                            rest = tail;
                        }
                        [] => return false,
                    }
                }
            }
        }
    }
}

fn places(form: &str) -> impl Iterator<Item = FormDigit<'_>> {
    let mut rest = form.as_bytes();
    std::iter::from_fn(move || {
        let (first, tail) = rest.split_first()?;
        rest = tail;
        Some(match first {
            b'?' => FormDigit::Any,
            b'[' => {
                let end = rest.iter().position(|b| *b == b']').unwrap_or(rest.len());
                let set = &rest[..end];
                rest = rest.get(end + 1..).unwrap_or_default();
                FormDigit::OneOf(set)
            }
            digit => FormDigit::Exactly(*digit),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone(text: &str) -> Phone {
        Phone(text.to_owned())
    }

    #[test]
    fn each_family_has_its_two_forms() {
        use Kinship::{Perhaps, Same};
        for (a, b, kinship) in [
            ("+5511987654321", "+551187654321", Same),
            ("+5511954321098", "+551154321098", Perhaps),
            ("+5215512345678", "+525512345678", Same),
            ("+5491123456789", "+541123456789", Same),
            ("+5492215123456", "+542215123456", Same),
            ("+2290161234567", "+22961234567", Same),
            ("+2250102345678", "+22502345678", Same),
            ("+2250545678901", "+22545678901", Same),
            ("+2250707123456", "+22507123456", Same),
            ("+2252720212345", "+22520212345", Same),
            ("+2252120812345", "+22520812345", Same),
            ("+576012345678", "+5712345678", Same),
            ("+841631234567", "+84331234567", Same),
            ("+84841234567", "+841241234567", Same),
            ("+970591234567", "+972591234567", Perhaps),
            ("+37744123456", "+38344123456", Perhaps),
            ("+38649123456", "+38349123456", Perhaps),
        ] {
            assert_eq!(phone(a).other_form(), Some((phone(b), kinship)), "{a}");
            assert_eq!(phone(b).other_form(), Some((phone(a), kinship)), "{b}");
            assert_eq!(phone(a).twin().is_some(), kinship == Same, "{a}");
            assert_eq!(phone(a).canonical() == phone(b).canonical(), kinship == Same, "{a}");
        }
        for alone in ["+966501234567", "+12125550123", "+551133334444x", "+5511", "+972541234567", "+4915112345678"] {
            assert_eq!(phone(alone).other_form(), None, "{alone}");
            assert_eq!(phone(alone).canonical(), phone(alone));
        }
    }

    #[test]
    fn no_number_belongs_to_two_families_and_each_row_has_a_source() {
        for (at, family) in FAMILIES.iter().enumerate() {
            assert!(family.source.len() > 20, "{}", family.forms[0]);
            for form in family.forms {
                // The lowest and the highest number of the form.
                for pick in [u8::min, u8::max] {
                    let digits: String = places(form)
                        .map(|place| (b'0'..=b'9').filter(|d| place.takes(*d)).reduce(pick).map(char::from))
                        .collect::<Option<_>>()
                        .expect("every place takes a digit");
                    let others = FAMILIES.iter().enumerate().filter(|(other, family)| {
                        *other != at && family.forms.iter().any(|f| rewritten(&digits, f, f).is_some())
                    });
                    assert_eq!(others.count(), 0, "{digits}");
                    let (other, _) = phone(&format!("+{digits}")).other_form().expect("the row's own");
                    assert_eq!(other.other_form().map(|(back, _)| back.digits().to_owned()), Some(digits));
                }
            }
        }
    }
}
