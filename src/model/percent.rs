//! Percent-encoding (RFC 3986, section 2.1), where a text becomes part of an address or of a header.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stands for itself anywhere in an address: letters, digits and `-._~`.
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What stands for itself in an extended parameter of a header (RFC 8187, section 3.2.1).
const ATTRIBUTE: AsciiSet =
    UNRESERVED.remove(b'!').remove(b'#').remove(b'$').remove(b'&').remove(b'+').remove(b'^').remove(b'`').remove(b'|');

/// A text as one segment of a path, or as one value of a query.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, &UNRESERVED).to_string()
}

/// A text as an extended parameter of a header, without its `UTF-8''`.
pub fn encode_parameter(text: &str) -> String {
    utf8_percent_encode(text, &ATTRIBUTE).to_string()
}

/// Decodes; what is no encoding stands for itself, and what is no UTF-8 becomes U+FFFD.
pub fn decode_lossy(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Decodes what was encoded from ISO 8859-1: each byte is the character of its number.
pub fn decode_latin1(text: &str) -> String {
    percent_decode_str(text).map(char::from).collect()
}

/// Decodes; `None` for what is no UTF-8 or no encoding.
pub fn decode(text: &str) -> Option<String> {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|b| *b == b'%') {
        let digits = rest.get(at + 1..at + 3)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        rest = &rest[at + 3..];
    }
    percent_decode_str(text).decode_utf8().ok().map(|decoded| decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_encoded_and_come_back() {
        for (text, encoded) in [
            ("plain-._~9", "plain-._~9"),
            ("a b/c?d=e&f#g+h%", "a%20b%2Fc%3Fd%3De%26f%23g%2Bh%25"),
            ("\u{5e9}", "%D7%A9"),
            ("", ""),
        ] {
            assert_eq!(encode(text), encoded);
            assert_eq!((decode(encoded).as_deref(), decode_lossy(encoded).as_str()), (Some(text), text));
        }
        assert_eq!(encode_parameter("a (1)!#$&+-.^_`|~.pdf"), "a%20%281%29!#$&+-.^_`|~.pdf");
    }

    #[test]
    fn what_is_no_encoding_is_told_or_left() {
        for (text, kindly) in [("50%", "50%"), ("%4", "%4"), ("%zz", "%zz"), ("%+1", "%+1"), ("%ff", "\u{fffd}")] {
            assert_eq!((decode(text), decode_lossy(text).as_str()), (None, kindly), "{text}");
        }
    }
}
