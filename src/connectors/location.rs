//! A place on the map: a message of its own, or what stands at a template's head. There a variable says it, and all ways
//! to send a template carry texts alone: so a place has a form as a text, too.

use super::structured::Degrees;
use serde::Serialize;

/// A place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Location {
    pub latitude: Degrees,
    pub longitude: Degrees,
    /// Below the map.
    pub name: Option<String>,
    /// Below the name.
    pub address: Option<String>,
}

impl Location {
    /// How it is written, for whoever wrote it otherwise.
    pub const FORM: &str = "latitude, longitude; name; address, such as 24.7136, 46.6753; Shop; King Fahd Road 1";

    /// Latitude and longitude with a comma between them; name and address behind semicolons, each of which may be absent.
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ';').map(str::trim);
        let (latitude, longitude) = parts.next()?.split_once(',')?;
        let angle = |text: &str, most| text.trim().parse().ok().and_then(|degrees| Degrees::new(degrees, most));
        let mut word = || parts.next().filter(|word| !word.is_empty()).map(str::to_owned);
        Some(Self {
            latitude: angle(latitude, 90.0)?,
            longitude: angle(longitude, 180.0)?,
            name: word(),
            address: word(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_from_a_text() {
        for (text, name, address) in [
            ("24.7136, 46.6753", None, None),
            ("24.7136, 46.6753; Shop", Some("Shop"), None),
            ("-24.7136, 46.6753; ; King Fahd Road 1", None, Some("King Fahd Road 1")),
            ("24.7136, 46.6753; Shop; King Fahd Road 1; door 2", Some("Shop"), Some("King Fahd Road 1; door 2")),
        ] {
            let place = Location::read(text).expect(text);
            assert_eq!((place.name.as_deref(), place.address.as_deref()), (name, address), "{text}");
            assert_eq!((place.latitude.degrees().abs(), place.longitude.degrees()), (24.7136, 46.6753), "{text}");
        }
        assert_eq!(Location::read(" 24.7136,46.6753 ;Shop"), Location::read("24.7136, 46.6753; Shop"));
        for wrong in
            ["", "24.7136", "24.7136; 46.6753", "91, 46", "24, 181", "north, east", "24,7136, 46,6753", "nan, 1"]
        {
            assert_eq!(Location::read(wrong), None, "{wrong}");
        }
    }
}
