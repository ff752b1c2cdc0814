//! Names of files, as strangers give them: cleaned before they are kept, and quoted for a header.

use crate::model::percent;

/// Longest name, in characters.
const MAX: usize = 120;

/// The last part of a path without anything that a file system, a header or an eye could take for something else;
/// none when nothing is left.
pub fn clean(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept = last.chars().filter(|c| !c.is_control() && !is_trick(*c));
    let kept: String = kept.map(|c| if "<>:\"|?*".contains(c) { '_' } else { c }).collect();
    let kept = kept.trim().trim_start_matches('.').trim();
    // A long name loses its middle, not its ending.
    let chars: Vec<char> = kept.chars().collect();
    let text: String = match chars.len() {
        0 => return None,
        n if n > MAX => chars[..MAX - 20].iter().chain(&chars[n - 20..]).collect(),
        _ => kept.to_owned(),
    };
    Some(text)
}

/// Characters that turn or hide the text around them: "exe.gpj" must not read "jpg.exe".
fn is_trick(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// `Content-Disposition` with the name in both spellings of RFC 6266: plain for old readers, RFC 5987 for the rest.
pub fn disposition(inline: bool, name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || " ._-()".contains(c) { c } else { '_' }).collect();
    let encoded = percent::encode_parameter(name);
    format!("{}; filename=\"{plain}\"; filename*=UTF-8''{encoded}", if inline { "inline" } else { "attachment" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned() {
        let rows: &[(&str, Option<&str>)] = &[
            ("invoice.pdf", Some("invoice.pdf")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\Users\\x\\a.doc", Some("a.doc")),
            (".htaccess", Some("htaccess")),
            ("a\r\nSet-Cookie: b\0", Some("aSet-Cookie_ b")),
            ("photo\u{202e}gpj.exe", Some("photogpj.exe")),
            ("חשבונית ٢٠٤١.pdf", Some("חשבונית ٢٠٤١.pdf")),
            ("..", None),
            ("a/", None),
            (" \u{200b} ", None),
        ];
        for (name, expected) in rows {
            assert_eq!(clean(name).as_deref(), *expected, "{name:?}");
        }
        let long = clean(&format!("{}.pdf", "א".repeat(500))).expect("a name");
        assert!(long.chars().count() == MAX && long.ends_with(".pdf"), "{long}");
    }

    #[test]
    fn a_header_carries_any_name() {
        assert_eq!(
            disposition(false, "חש \"1\".pdf"),
            "attachment; filename=\"__ _1_.pdf\"; filename*=UTF-8''%D7%97%D7%A9%20%221%22.pdf"
        );
        assert!(disposition(true, "a.png").starts_with("inline; "));
    }
}
