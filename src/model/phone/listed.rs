//! A number in somebody's list, where a spreadsheet may have dropped its leading 0.

use super::{Phone, PhoneError, PhoneReading};

/// What a cell may mean.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// The number as the rules read it; none where it is only one with its 0 back.
    pub phone: Option<Phone>,
    /// The number of the account's region that it would be with its 0 back.
    pub at_home: Option<Phone>,
}

impl Listed {
    /// Reads a cell.
    ///
    /// # Errors
    /// It is no number in either reading.
    pub fn read(text: &str, how: PhoneReading) -> Result<Self, PhoneError> {
        let at_home = Phone::without_zero(text, how.region);
        match Phone::parse(text, how) {
            Ok(phone) => Ok(Self { at_home: at_home.filter(|other| *other != phone), phone: Some(phone) }),
            Err(e @ PhoneError::Impossible { .. }) => match at_home {
                Some(_) => Ok(Self { phone: None, at_home }),
                None => Err(e),
            },
            Err(e) => Err(e),
        }
    }

    /// Every number that it may be.
    pub fn all(&self) -> impl Iterator<Item = &Phone> {
        self.phone.iter().chain(&self.at_home)
    }

    /// What is doubtful about it, in a sentence without a whole number.
    pub fn doubt(&self) -> Option<String> {
        match (&self.phone, &self.at_home) {
            (Some(phone), Some(other)) => {
                Some(format!("read as {}; if its leading 0 was dropped, it is {}", phone.masked(), other.masked()))
            }
            (None, Some(other)) => Some(format!("its leading 0 was dropped: read as {}", other.masked())),
            (Some(phone), None) => phone.unusual().map(|unusual| unusual.to_string()),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::phone::Region;

    #[test]
    fn a_cell_is_read_in_both_ways() {
        let read = |text: &str, region: &str| {
            let listed = Listed::read(text, Region::parse(region).ok().into());
            listed.map(|l| l.all().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        };
        for (text, region, all) in [
            ("0501234567", "SA", "+966501234567"),
            ("501234567", "SA", "+966501234567"),
            ("500001004", "SA", "+966500001004"),
            ("966501234567", "SA", "+966501234567"),
            ("5321234567", "TR", "+5321234567 +905321234567"),
            ("+5321234567", "TR", "+5321234567"),
        ] {
            assert_eq!(read(text, region).as_deref(), Ok(all), "{text} in {region}");
        }
        assert_eq!(read("966500000120.0", "SA"), Err(PhoneError::Spreadsheet));
        assert!(matches!(read("501234567", ""), Err(PhoneError::Impossible { .. })));
        let doubt = |text| Listed::read(text, Region::parse("TR").ok().into()).ok().and_then(|l| l.doubt());
        assert_eq!(doubt("+905321234567"), None);
        assert!(doubt("5321234567").is_some_and(|d| d.contains("leading 0")));
    }
}
