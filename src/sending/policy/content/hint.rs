//! Hints without points: a text that would fit another purpose better. Nothing is refused for a mere purpose.

use super::{Signal, own, reading::Reading};
use crate::model::purpose::Purpose;

/// Points of an offer's own words that make a text more an offer than an answer.
const OFFER: u8 = 30;

/// How people call a code that proves who somebody is, as `reading.rs` folds it: small letters without marks.
const CODES: [&str; 28] = [
    "verification code",
    "security code",
    "login code",
    "one time code",
    "confirmation code",
    "otp",
    "passcode",
    "رمز التحقق",
    "رمز الدخول",
    "كود التحقق",
    "رمز التاكيد",
    "קוד האימות",
    "קוד אימות",
    "קוד הכניסה",
    "codigo de verificacion",
    "codigo de acceso",
    "codigo de verificacao",
    "codigo de acesso",
    "code de verification",
    "code de connexion",
    "bestatigungscode",
    "anmeldecode",
    "dogrulama kodu",
    "kode verifikasi",
    "kode otp",
    "codice di verifica",
    "код подтверждения",
    "код для входа",
];

/// What says that the text would fit another purpose; `signals` are those of its words.
pub(super) fn hint(purpose: Purpose, read: &Reading, signals: &[Signal]) -> Option<Signal> {
    let offers = |s: &Signal| matches!(&*s.id, "discount" | "promotion" | "prize" | "loan") && s.weight >= OFFER;
    match purpose {
        Purpose::Authentication => None,
        _ if read.code && read.links.is_empty() && speaks_of_a_code(&read.text) => {
            Some(own("hint.code", 0, "looks like a verification code: its purpose would be authentication"))
        }
        Purpose::Support if signals.iter().any(offers) => {
            Some(own("hint.offer", 0, "looks like an offer rather than an answer, which is what support is for"))
        }
        _ => None,
    }
}

/// Which first two bytes the words for a code have: the first as its own bit, the second as the next one's.
const BEGINNINGS: [u8; 256] = {
    let mut bits = [0; 256];
    let mut i = 0;
    while i < CODES.len() {
        let code = CODES[i].as_bytes();
        bits[code[0] as usize] |= 1;
        bits[code[1] as usize] |= 2;
        i += 1;
    }
    bits
};

/// `folded`: words with one space before each.
fn speaks_of_a_code(folded: &str) -> bool {
    let begins_alike = |rest: &str, phrase: &str| rest.as_bytes().first_chunk::<3>() == phrase.as_bytes().first_chunk();
    let may_begin =
        |at: &[u8]| at[0] == b' ' && BEGINNINGS[usize::from(at[1])] & 1 > 0 && BEGINNINGS[usize::from(at[2])] & 2 > 0;
    let spaces = folded.as_bytes().windows(3).enumerate().filter(|(_, at)| may_begin(at)).map(|(space, _)| space);
    spaces.into_iter().any(|space| {
        let rest = &folded[space + 1..];
        let mut alike = CODES.iter().filter(|phrase| begins_alike(rest, phrase));
        alike.any(|phrase| rest.strip_prefix(phrase).is_some_and(|rest| ends(phrase, rest)))
    })
}

/// Whether `phrase` ends where `rest` begins; but for three letters it may go on, as in `kodunuz`.
fn ends(phrase: &str, rest: &str) -> bool {
    phrase.len() > 3 || rest.chars().next().is_none_or(|c| !c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use crate::{model::purpose::Purpose, sending::policy::content::ContentPolicy};

    #[test]
    fn a_purpose_that_fits_better_is_a_hint_and_no_point() {
        let policy = ContentPolicy::built_in();
        for (purpose, text, want) in [
            (Purpose::Transactional, "Your verification code is 482913.", "hint.code"),
            (Purpose::Support, "רמז: קוד האימות שלך הוא 482913", "hint.code"),
            (Purpose::Operational, "رمز التحقق الخاص بك هو 482913", "hint.code"),
            (Purpose::Transactional, "Su código de verificación es 482 913", "hint.code"),
            (Purpose::Transactional, "Doğrulama kodunuz: 482913, doğrulama kodu kimseye verilmez", "hint.code"),
            (Purpose::Transactional, "Ihr Bestätigungscode lautet 482913", "hint.code"),
            (Purpose::Transactional, "Код подтверждения: 482913", "hint.code"),
            (Purpose::Authentication, "Your verification code is 482913.", ""),
            (Purpose::Transactional, "Your order 482913 has been shipped.", ""),
            (Purpose::Transactional, "A code was sent to your mail; the verification code is not in this message.", ""),
            (Purpose::Support, "Yes, we have it in blue. Shall we put it aside for you?", ""),
            (Purpose::Support, "Flash sale today only: 50% off all shoes, shop now!", "hint.offer"),
            (Purpose::Transactional, "Flash sale today only: 50% off all shoes, shop now!", ""),
        ] {
            let score = policy.score(purpose, text);
            let hints: Vec<&str> = score.signals.iter().map(|s| &*s.id).filter(|id| id.starts_with("hint.")).collect();
            assert_eq!(hints.join(" "), want, "{purpose:?} {text}: {score:?}");
            assert_eq!(usize::from(score.signals.iter().any(|s| s.weight == 0)), hints.len(), "{text}");
        }
        let code = policy.score(Purpose::Transactional, "Your verification code is 482913.");
        assert_eq!(code.total, 0, "{code:?}");
    }
}
