//! Names and reasons that people type. What is too long is refused where it is typed, and never cut: it would stand in
//! every list and every line of the audit.

use super::why::{Why, why};

/// Longest name of an account, a number or a key, in characters.
pub const NAME_MAX: usize = 128;
/// Longest reason or note, in characters.
pub const REASON_MAX: usize = 1000;

/// A name, without the blanks around it; `what` it names, for the English text.
///
/// # Errors
/// None, one of more than `most` characters, one that is not on one line.
pub fn name(text: &str, what: &str, most: usize) -> Result<String, Why> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > most || name.chars().any(char::is_control) {
        return Err(why!("name_long", "{what} has 1 to {most} characters on one line", what = what, most = most));
    }
    Ok(name.to_owned())
}

/// A reason or a note, without the blanks around it. Whether there must be one is its caller's to say.
///
/// # Errors
/// More than [`REASON_MAX`] characters.
pub fn reason(text: &str) -> Result<String, Why> {
    let (reason, most) = (text.trim(), REASON_MAX);
    if reason.chars().count() > most {
        return Err(why!("reason_long", "a reason has at most {most} characters", most = most));
    }
    Ok(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_refused_and_counted_in_characters() {
        assert_eq!(name("  حي 🙂 ", "a name", 4).as_deref(), Ok("حي 🙂"));
        for wrong in ["", " \t", "12345", "a\nb", "a\u{0}"] {
            assert!(name(wrong, "a name", 4).is_err(), "{wrong:?}");
        }
        assert_eq!(reason(" two\nlines ").as_deref(), Ok("two\nlines"));
        assert!(reason(&"ש".repeat(REASON_MAX)).is_ok() && reason(&"ש".repeat(REASON_MAX + 1)).is_err());
    }
}
