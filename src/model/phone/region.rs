//! A country or territory with numbers of its own, as two letters (ISO 3166, and `XK` for Kosovo).
//!
//! A [`Region`] that exists is one whose calling code is known: parsed once, it never has to be judged again.

use super::{PhoneError, codes};
use std::fmt;

/// Two upper-case letters, such as `SA`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(pub(super) [u8; 2]);

impl Region {
    /// Reads two letters, in either case.
    ///
    /// # Errors
    /// Anything else, and letters that name no region with telephone numbers.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        let two = <[u8; 2]>::try_from(text.trim().as_bytes()).map_err(|_| PhoneError::UnknownRegion)?;
        let region = Self(two.map(|b| b.to_ascii_uppercase()));
        codes::by_region(region.0).map(|_| region).ok_or(PhoneError::UnknownRegion)
    }

    /// The two letters.
    pub fn as_str(&self) -> &str {
        // Always ASCII: both constructors take letters only.
        str::from_utf8(&self.0).unwrap_or("??")
    }

    /// Its country calling code, such as 966.
    pub fn calling_code(self) -> u16 {
        self.row().code
    }

    pub(super) fn row(self) -> &'static codes::CallingCode {
        codes::by_region(self.0).expect("a region is made only where it has a row")
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Region {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}
