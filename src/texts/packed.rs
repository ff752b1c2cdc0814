//! The files that the program carries for its pages, as `build.rs` has packed them. What is unpacked belongs to the caller:
//! nothing is kept here.

use flate2::read::DeflateDecoder;
use std::io::Read as _;

/// A folder of `assets/`: names below it, in their order, and the deflated bytes.
pub struct PackedFiles(&'static [(&'static str, &'static [u8])]);

/// `assets/docs/`.
pub static DOCS: PackedFiles = PackedFiles(include!(concat!(env!("OUT_DIR"), "/docs.rs")));
/// `assets/locales/`.
pub static LOCALES: PackedFiles = PackedFiles(include!(concat!(env!("OUT_DIR"), "/locales.rs")));
/// `assets/portal/`.
pub static PORTAL: PackedFiles = PackedFiles(include!(concat!(env!("OUT_DIR"), "/portal.rs")));

impl PackedFiles {
    /// The names, such as `en/log.toml`.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(name, _)| *name)
    }

    /// What the file of this name holds.
    pub fn get(&self, name: &str) -> Option<Vec<u8>> {
        let (_, packed) = self.0.iter().find(|(known, _)| *known == name)?;
        let mut plain = Vec::new();
        DeflateDecoder::new(*packed).read_to_end(&mut plain).expect("the build packed it");
        Some(plain)
    }

    /// The same, of a text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|plain| String::from_utf8_lossy(&plain).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_carried_as_it_is() {
        let top = concat!(env!("CARGO_MANIFEST_DIR"), "/assets");
        for (folder, files) in [("docs", &DOCS), ("locales", &LOCALES), ("portal", &PORTAL)] {
            assert!(files.names().count() > 5, "{folder}");
            for name in files.names() {
                let there = std::fs::read(format!("{top}/{folder}/{name}")).expect("its source");
                assert_eq!(files.get(name), Some(there), "{folder}/{name}");
            }
        }
        assert_eq!(LOCALES.get("en/no-such.toml"), None);
    }
}
