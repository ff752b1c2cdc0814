//! The phrases that come with the program, compiled before: a start does not read half a megabyte of TOML and fold twenty
//! thousand phrases, and at rest they take no memory of their own.
//!
//! `assets/policy/phrases.bin` is the names of the languages, then two tables; each piece has its length before it, four
//! bytes, lowest first. A test holds it against the TOML files. After a change of those:
//! `PACK_PHRASES=1 cargo test --lib packed` writes it anew.

use super::table::{PARTS, RuleTable};
use bytes::Bytes;

/// What the file holds.
pub struct Packed {
    /// The languages that are told apart by everyday words; number 1 is the first.
    pub languages: Vec<String>,
    /// Phrases that begin where a word begins.
    pub words: RuleTable,
    /// Phrases that may begin inside a word.
    pub inner: RuleTable,
}

/// The phrases in the program.
///
/// # Panics
/// Never in a program that passed its tests: the file is part of it, and a test compares it.
pub fn built_in() -> Packed {
    match read(Bytes::from_static(include_bytes!("../../../../assets/policy/phrases.bin"))) {
        Some(packed) => packed,
        None => panic!("assets/policy/phrases.bin is no file of packed phrases"),
    }
}

fn read(mut file: Bytes) -> Option<Packed> {
    let languages = String::from_utf8(piece(&mut file)?.into()).ok()?;
    let (words, inner) = (table(&mut file)?, table(&mut file)?);
    file.is_empty().then(|| Packed { languages: languages.lines().map(str::to_owned).collect(), words, inner })
}

fn table(file: &mut Bytes) -> Option<RuleTable> {
    let shortest = u32::from_le_bytes(*piece(file)?.first_chunk()?) as usize;
    let mut parts: [Bytes; PARTS] = Default::default();
    for part in &mut parts {
        *part = piece(file)?;
    }
    Some(RuleTable::from_parts(shortest, parts))
}

/// Cuts the next piece off, without a copy of it.
fn piece(file: &mut Bytes) -> Option<Bytes> {
    let length = u32::from_le_bytes(*file.first_chunk()?) as usize;
    let rest = file.slice(4..);
    let (here, behind) = (rest.len() >= length).then(|| (rest.slice(..length), rest.slice(length..)))?;
    *file = behind;
    Some(here)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sending::policy::content::{
        compile::{compile, compile_files},
        rules::BUILT_IN,
        table::Compiled,
    };
    use std::{
        env, fs,
        path::{Path, PathBuf},
    };

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/policy")
    }

    fn built_in_files() -> Vec<(String, String)> {
        let text = |name: &str| fs::read_to_string(folder().join(name)).expect("a file of rules");
        BUILT_IN.iter().map(|name| ((*name).to_owned(), text(name))).collect()
    }

    fn write(rules: &Compiled) -> Vec<u8> {
        let mut file = Vec::new();
        let mut put = |piece: &[u8]| {
            file.extend(u32::try_from(piece.len()).expect("small").to_le_bytes());
            file.extend(piece);
        };
        put(rules.languages.join("\n").as_bytes());
        for table in [&rules.words, &rules.inner] {
            put(&u32::try_from(table.shortest).expect("small").to_le_bytes());
            table.parts().into_iter().for_each(&mut put);
        }
        file
    }

    #[test]
    fn the_packed_phrases_are_those_of_the_files() {
        let fresh = write(&compile_files(&built_in_files()).expect("the rules are right"));
        let path = folder().join("phrases.bin");
        if env::var_os("PACK_PHRASES").is_some() {
            fs::write(&path, &fresh).expect("written");
            return;
        }
        let stored = fs::read(&path).expect("the packed phrases");
        assert!(
            stored == fresh,
            "the rules have changed: pack their phrases with PACK_PHRASES=1 cargo test --lib packed"
        );
        assert!(write(&compile([]).expect("the rules are right")) == fresh, "what is used is what is stored");
    }

    #[test]
    fn additions_to_packed_phrases_are_additions_to_the_files() {
        let own = "without = [\"free trial\"]\n[[group]]\nid = \"own\"\ncap = 100\nreason = \"ours\"\n[[rule]]\ngroup = \
                   \"own\"\nweight = 90\nphrases = [\"blue whale\", \"*whale*\"]\n[[rule]]\ngroup = \"discount\"\nweight = \
                   99\nphrases = [\"half price\"]\n";
        let own = ("own.toml".to_owned(), own.to_owned());
        let added = compile([own.clone()]).expect("the rules are right");
        let of_files = compile_files(&[built_in_files(), vec![own]].concat()).expect("the rules are right");
        let texts = |rules: &Compiled| (rules.words.phrases.texts(), rules.inner.phrases.texts());
        assert!(texts(&added) == texts(&of_files));
        assert!(!texts(&added).0.contains(&b"free trial ".to_vec()));
        assert_ne!(texts(&added), texts(&compile([]).expect("the rules are right")));
        let patterns = |rules: &Compiled| rules.words.len() + rules.inner.len();
        assert_eq!(patterns(&added), patterns(&of_files));
        assert_eq!(added.groups.len(), of_files.groups.len());
    }

    #[test]
    fn a_file_that_is_cut_is_none() {
        let whole = Bytes::from_static(include_bytes!("../../../../assets/policy/phrases.bin"));
        assert!(read(whole.clone()).is_some());
        for length in [0, 3, 4, 20, 1000, whole.len() - 1] {
            assert!(read(whole.slice(..length)).is_none(), "{length}");
        }
    }
}
