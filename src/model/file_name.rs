//! What a file is called, by one rule at every door: the first name that somebody gave it, cleaned, with an ending that a
//! phone opens it by.

use super::percent;

/// Longest name, in characters.
const MAX: usize = 120;
/// Longest ending that is taken for one, in letters and digits.
const ENDING_MAX: usize = 5;

/// The endings of the types that WhatsApp carries; the first of a type is the one that is added.
const ENDINGS: &[(&str, &[&str])] = &[
    ("image/jpeg", &["jpg", "jpeg", "jpe", "jfif"]),
    ("image/png", &["png"]),
    ("image/webp", &["webp"]),
    ("image/gif", &["gif"]),
    ("image/heic", &["heic", "heif"]),
    ("video/mp4", &["mp4", "m4v", "mov"]),
    ("video/3gpp", &["3gp", "3gpp", "3g2"]),
    ("video/quicktime", &["mov", "qt"]),
    ("video/webm", &["webm", "mkv"]),
    ("audio/mpeg", &["mp3", "mpga", "mp2"]),
    ("audio/ogg", &["ogg", "oga", "opus"]),
    ("audio/opus", &["opus", "ogg"]),
    ("audio/aac", &["aac"]),
    ("audio/amr", &["amr"]),
    ("audio/mp4", &["m4a", "mp4", "m4b"]),
    ("audio/wav", &["wav"]),
    ("application/pdf", &["pdf"]),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", &["docx", "docm"]),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", &["xlsx", "xlsm"]),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", &["pptx", "pptm"]),
    ("application/vnd.oasis.opendocument.text", &["odt"]),
    ("application/vnd.oasis.opendocument.spreadsheet", &["ods"]),
    ("application/vnd.oasis.opendocument.presentation", &["odp"]),
    ("application/vnd.ms-excel", &["xls"]),
    ("application/vnd.ms-powerpoint", &["ppt"]),
    ("text/csv", &["csv"]),
    ("text/html", &["html"]),
    ("text/xml", &["xml"]),
    ("text/vcard", &["vcf"]),
    ("text/calendar", &["ics"]),
    // Each of these holds files of many kinds: any ending is as good as its own.
    ("application/msword", &["doc"]),
    ("application/zip", &["zip"]),
    ("text/plain", &["txt"]),
];

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

/// A cleaned name with an ending that fits the file's type (parameters of it do not matter): one that fits stays as it
/// is, any other gets the type's own behind it. Of a type that is not known the name stays.
pub fn with_ending(name: &str, mime: &str) -> String {
    let Some((mime, fitting)) = endings(mime) else { return name.to_owned() };
    let own = ending_of(name);
    let is_loose = mime.starts_with("text/") || mime == "application/zip" || mime == "application/msword";
    let fits = own.is_some_and(|own| is_loose || fitting.contains(&own.to_ascii_lowercase().as_str()));
    if fits {
        return name.to_owned();
    }
    let stem = name.trim_end_matches(['.', ' ']);
    let stem = if stem.is_empty() { name } else { stem };
    let whole = format!("{stem}.{}", fitting[0]);
    clean(&whole).unwrap_or(whole)
}

/// The ending of a type, without its dot; none for a type that is not known.
pub fn ending(mime: &str) -> Option<&'static str> {
    endings(mime).map(|(_, fitting)| fitting[0])
}

/// The type of an office file by its name, which alone tells: by their bytes they are archives.
pub fn office_type(name: &str) -> Option<&'static str> {
    let own = ending_of(name)?.to_ascii_lowercase();
    let office = ENDINGS.iter().filter(|(mime, _)| mime.starts_with("application/vnd."));
    office.into_iter().find(|(_, fitting)| fitting.contains(&own.as_str())).map(|(mime, _)| *mime)
}

/// The last segment of an address, as a file's name.
pub fn of_address(url: &str) -> Option<String> {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest).split(['?', '#']).next()?;
    let (_, last) = path.rsplit_once('/')?;
    clean(&percent::decode_lossy(last))
}

/// The name in a `Content-Disposition` (RFC 6266): the extended form before the plain one; forms that are common and not
/// allowed, such as blanks without quotes, are read, too.
pub fn of_disposition(header: &str) -> Option<String> {
    let mut plain = None;
    for (name, value) in parameters(header) {
        if name.eq_ignore_ascii_case("filename*") {
            let Some((charset, (_, encoded))) =
                value.split_once('\'').and_then(|(charset, rest)| Some((charset, rest.split_once('\'')?)))
            else {
                continue;
            };
            let is_utf8 = charset.eq_ignore_ascii_case("utf-8");
            let decoded = if is_utf8 { percent::decode_lossy(encoded) } else { percent::decode_latin1(encoded) };
            if let Some(name) = clean(&decoded) {
                return Some(name);
            }
        } else if name.eq_ignore_ascii_case("filename") {
            plain = plain.or_else(|| clean(&value));
        }
    }
    plain
}

/// The parameters behind the first word of a header, their quotes taken away.
fn parameters(header: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut rest = header.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, behind) = match after.strip_prefix('"') {
            Some(quoted) => quoted_string(quoted),
            None => {
                let (value, behind) = after.split_once(';').unwrap_or((after, ""));
                (value.trim().to_owned(), behind)
            }
        };
        all.push((name.trim().trim_start_matches(';').trim().to_owned(), value));
        rest = behind.trim_start().trim_start_matches(';');
    }
    all
}

/// What stands before the closing quote, and what comes behind it.
fn quoted_string(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

fn endings(mime: &str) -> Option<(&'static str, &'static [&'static str])> {
    let essence = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let found = ENDINGS.iter().find(|(known, _)| *known == essence).copied();
    // Any other text opens as one.
    found.or_else(|| essence.starts_with("text/").then_some(("text/plain", &["txt"])))
}

/// What stands behind a name's last dot, if it can be an ending: letters and digits, one of them a letter.
fn ending_of(name: &str) -> Option<&str> {
    let (stem, own) = name.rsplit_once('.')?;
    let is_one = !stem.is_empty()
        && (1..=ENDING_MAX).contains(&own.len())
        && own.bytes().all(|b| b.is_ascii_alphanumeric())
        && own.bytes().any(|b| b.is_ascii_alphabetic());
    is_one.then_some(own)
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
    fn a_name_gets_an_ending_that_opens_it() {
        let sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        for (name, mime, expected) in [
            ("41", "application/pdf", "41.pdf"),
            ("Invoice 2041", "application/pdf", "Invoice 2041.pdf"),
            ("Scan.PDF", "application/pdf", "Scan.PDF"),
            ("download.aspx", "application/pdf", "download.aspx.pdf"),
            ("offer v1.2", "application/pdf", "offer v1.2.pdf"),
            ("report.", "application/pdf", "report.pdf"),
            ("2026.11.29", "application/pdf", "2026.11.29.pdf"),
            ("voice", "audio/ogg; codecs=opus", "voice.ogg"),
            ("voice.opus", "audio/ogg", "voice.opus"),
            ("photo.jpeg", "image/jpeg", "photo.jpeg"),
            ("photo.png", "image/jpeg", "photo.png.jpg"),
            ("list", sheet, "list.xlsx"),
            ("list.xlsx", "application/zip", "list.xlsx"),
            ("all", "application/zip", "all.zip"),
            ("list.csv", "text/plain", "list.csv"),
            ("notes", "text/plain", "notes.txt"),
            ("notes", "text/markdown", "notes.txt"),
            ("list", "text/csv; charset=utf-8", "list.csv"),
            ("thing.bin", "application/octet-stream", "thing.bin"),
            ("חשבונית", "application/pdf", "חשבונית.pdf"),
        ] {
            assert_eq!(with_ending(name, mime), expected, "{name} {mime}");
        }
        let long = with_ending(&"x".repeat(MAX), "application/pdf");
        assert!(long.chars().count() == MAX && long.ends_with("x.pdf"), "{long}");
        assert_eq!((ending("audio/mpeg"), ending("Image/JPEG"), ending("x/y")), (Some("mp3"), Some("jpg"), None));
        assert_eq!((office_type("a.XLSX"), office_type("a.zip"), office_type("xlsx")), (Some(sheet), None, None));
    }

    #[test]
    fn headers_and_addresses_tell_names() {
        for (header, expected) in [
            ("attachment; filename=\"Invoice 2041.pdf\"", Some("Invoice 2041.pdf")),
            ("attachment; filename=Invoice 2041.pdf", Some("Invoice 2041.pdf")),
            ("attachment;filename=a.pdf;size=3", Some("a.pdf")),
            ("inline; filename=\"a;b \\\"c\\\".pdf\"; size=3", Some("a;b _c_.pdf")),
            ("attachment; filename=\"x.pdf\"; filename*=UTF-8''%D7%97%D7%A9.pdf", Some("חש.pdf")),
            ("attachment; filename*=utf-8'he'%D7%97.pdf; filename=x.pdf", Some("ח.pdf")),
            ("attachment; filename*=ISO-8859-1''caf%E9.pdf", Some("café.pdf")),
            ("attachment; FILENAME=\"../../x.pdf\"", Some("x.pdf")),
            ("attachment; filename=\"חשבונית.pdf\"", Some("חשבונית.pdf")),
            ("attachment; filename=\"never closed", Some("never closed")),
            ("attachment; filename=\"\"", None),
            ("attachment", None),
            ("", None),
            ("attachment; filename", None),
        ] {
            assert_eq!(of_disposition(header).as_deref(), expected, "{header}");
        }
        for (url, name) in [
            ("https://a.example/x/invoice.pdf?sig=1", Some("invoice.pdf")),
            ("https://a.example/%D7%97.PNG#x", Some("ח.PNG")),
            ("https://a.example/..%2f..%2fpasswd", Some("passwd")),
            ("https://a.example/", None),
            ("https://a.example", None),
            ("https://a.example/100%.mp4", Some("100%.mp4")),
        ] {
            assert_eq!(of_address(url).as_deref(), name, "{url}");
        }
    }
}
