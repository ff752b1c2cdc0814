//! Commands that are printed to be pasted into a shell, from whatever directory.

use std::{
    ffi::OsStr,
    path::{Path, absolute},
};

/// How this program is called again: by the path that it was called by, or by its bare name where that was enough.
pub(super) fn program(called: Option<&OsStr>) -> String {
    match called {
        Some(called) if called.as_encoded_bytes().contains(&b'/') => path(Path::new(called)),
        Some(called) => quoted(&called.to_string_lossy()),
        None => "wa-gateway".to_owned(),
    }
}

/// A path, from the root on.
pub(super) fn path(path: &Path) -> String {
    let whole = absolute(path).unwrap_or_else(|_| path.to_owned());
    quoted(&whole.to_string_lossy())
}

/// One word for a POSIX shell.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:,@%=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_read_more_into_it() {
        for (text, word) in [
            ("/opt/wa-gateway", "/opt/wa-gateway"),
            ("/home/Amal's data", r"'/home/Amal'\''s data'"),
            ("a b", "'a b'"),
            ("$x", "'$x'"),
            ("~", "'~'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(text), word);
        }
    }

    #[test]
    fn a_program_is_called_as_it_was() {
        assert_eq!(program(Some(OsStr::new("wa-gateway"))), "wa-gateway");
        assert_eq!(program(Some(OsStr::new("/usr/bin/wa-gateway"))), "/usr/bin/wa-gateway");
        let relative = program(Some(OsStr::new("target/release/wa-gateway")));
        assert!(relative.ends_with("/target/release/wa-gateway") && relative.len() > 26, "{relative}");
    }
}
