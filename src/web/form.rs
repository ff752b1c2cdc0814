//! What a form or a query says: names and values, in order; a file where one was sent.

use crate::model::percent::{decode, encode};
use bytes::Bytes;

/// The header of a part that says what it is.
const TYPE: &str = "content-type";

/// Names and values of a query or a form.
#[derive(Clone, Default, Debug)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// From `a=1&b=2`; what is no UTF-8 is left out.
    pub fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(&name.replace('+', " "))?, decode(&value.replace('+', " "))?))
        });
        Self(pairs.collect())
    }

    /// Adds one.
    pub fn push(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// A value without the blanks around it; empty when it is not there.
    pub fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// A value as it was sent: passwords begin and end with what people like.
    pub fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).unwrap_or_default()
    }

    /// A value that is not empty.
    pub fn some(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|v| !v.is_empty())
    }

    /// All values of a name: ticked boxes.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Whether a box is ticked.
    pub fn is_on(&self, name: &str) -> bool {
        matches!(self.text(name), "on" | "1" | "true" | "yes")
    }

    /// A value as something else, if it is one.
    pub fn parsed<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name).parse().ok()
    }

    /// The same query with one name set to another value, or taken away by an empty one: for links that filter.
    pub fn with(&self, name: &str, value: &str) -> String {
        let kept = self.0.iter().filter(|(n, v)| n != name && !v.is_empty()).map(|(n, v)| (n.as_str(), v.as_str()));
        let new = Some((name, value)).filter(|(_, v)| !v.is_empty());
        let pairs: Vec<String> = kept.chain(new).map(|(n, v)| format!("{}={}", encode(n), encode(v))).collect();
        pairs.join("&")
    }
}

/// A file that was uploaded with a form.
#[derive(Clone, Default, Debug)]
pub struct Upload {
    /// Its name, as the browser says; empty where none was chosen.
    pub name: String,
    /// Its type, as the browser says.
    pub declared_type: String,
    /// Its bytes: a part of the form's own.
    pub bytes: Bytes,
}

/// The fields and the first file of a `multipart/form-data` body; nothing where it is none.
pub fn multipart(body: &Bytes, content_type: &str) -> (Fields, Option<Upload>) {
    let (mut fields, mut upload) = (Fields::default(), None);
    let boundary = content_type.split(';').find_map(|p| p.trim().strip_prefix("boundary="));
    let Some(boundary) = boundary.map(|b| b.trim_matches('"')).filter(|b| !b.is_empty()) else {
        return (fields, upload);
    };
    let mark = format!("--{boundary}");
    for part in split(body, mark.as_bytes()).skip(1) {
        let Some(end) = find(part, b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&part[..end]).into_owned();
        let content = part[end + 4..].strip_suffix(b"\r\n").unwrap_or(&part[end + 4..]);
        let named = |what: &str| {
            let at = head.find(&format!("{what}=\""))? + what.len() + 2;
            head[at..].split('"').next().map(str::to_owned)
        };
        let Some(name) = head.find(" name=\"").and_then(|at| head[at + 7..].split('"').next()) else { continue };
        if let Some(name) = named("filename") {
            let declared =
                head.lines().find_map(|line| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(TYPE)));
            let declared_type = declared.map(|(_, value)| value.trim().chars().take(100).collect()).unwrap_or_default();
            upload.get_or_insert(Upload { name, declared_type, bytes: body.slice_ref(content) });
        } else {
            fields.push(name, &String::from_utf8_lossy(content));
        }
    }
    (fields, upload)
}

fn split<'a>(body: &'a [u8], mark: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = Some(body);
    std::iter::from_fn(move || {
        let now = rest?;
        if let Some(at) = find(now, mark) {
            rest = Some(&now[at + mark.len()..]);
            Some(&now[..at])
        } else {
            rest = None;
            Some(now)
        }
    })
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    // By its first byte: a form may hold a film.
    let first = needle.first()?;
    let mut from = 0;
    while let Some(at) = haystack[from..].iter().position(|b| b == first) {
        if haystack[from + at..].starts_with(needle) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_and_kept_in_order() {
        let fields = Fields::parse("a=1&b=x%20y+z&a=2&bad=%ff&flag&q=%D8%B3");
        assert_eq!(fields.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!((fields.text("b"), fields.text("q"), fields.text("missing")), ("x y z", "س", ""));
        assert_eq!(fields.parsed::<u32>("a"), Some(1));
        assert_eq!(fields.with("a", ""), "b=x%20y%20z&q=%D8%B3");
        assert_eq!(Fields::parse("p=1").with("p", "2&x"), "p=2%26x");
    }

    #[test]
    fn a_file_comes_with_its_fields() {
        let body = Bytes::from_static(b"--B\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\ntoken\r\n--B\r\nContent-Disposition: \
            form-data; name=\"file\"; filename=\"x.csv\"\r\nContent-Type: text/csv\r\n\r\n+966501234567,moved\r\n\r\n--B--\r\n");
        let (fields, upload) = multipart(&body, "multipart/form-data; boundary=B");
        assert_eq!(fields.text("csrf"), "token");
        let upload = upload.expect("a file");
        assert_eq!((upload.name.as_str(), upload.declared_type.as_str()), ("x.csv", "text/csv"));
        assert_eq!(upload.bytes, b"+966501234567,moved\r\n"[..]);
        assert!(multipart(&body, "multipart/form-data").1.is_none());
    }
}
