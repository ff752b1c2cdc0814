//! What a form or a query says: names and values, in order; a file where one was sent.

use super::body::Body;
use crate::model::percent::{decode, encode};
use ::http::header;
use bytes::Bytes;
use multer::{Constraints, Multipart, SizeLimit};

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

    /// All names with their values, in order.
    pub fn all_fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(n, _)| n.as_str())
    }

    /// Whether a name is there, with whatever value.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n == name)
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
    /// Its bytes.
    pub bytes: Bytes,
}

/// The fields and the first file of a `multipart/form-data` body of at most `max` bytes, read as it arrives.
///
/// # Errors
/// It is larger, or no form of that kind to its end.
pub async fn multipart(body: Body, content_type: &str, max: usize) -> Result<(Fields, Option<Upload>), multer::Error> {
    let (mut fields, mut upload) = (Fields::default(), None);
    let mut parts = parts(body, content_type, max)?;
    while let Some(part) = parts.next_field().await? {
        let Some(field) = part.name().map(str::to_owned) else { continue };
        if let Some(name) = part.file_name().map(str::to_owned) {
            let declared = part.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            let declared_type = declared.unwrap_or_default().trim().chars().take(100).collect();
            let bytes = part.bytes().await?;
            upload.get_or_insert(Upload { name, declared_type, bytes });
        } else {
            fields.push(&field, &String::from_utf8_lossy(&part.bytes().await?));
        }
    }
    Ok((fields, upload))
}

/// Whether the content type is that of a form with parts, whose boundary it names.
pub fn is_multipart(content_type: Option<&str>) -> bool {
    content_type.is_some_and(|text| multer::parse_boundary(text).is_ok())
}

/// The parts of such a body of at most `max` bytes, one after the other as they arrive.
///
/// # Errors
/// The content type names no boundary.
pub fn parts(body: Body, content_type: &str, max: usize) -> Result<Multipart<'static>, multer::Error> {
    let limit = SizeLimit::new().whole_stream(max as u64);
    let boundary = multer::parse_boundary(content_type)?;
    Ok(Multipart::with_constraints(body.into_stream(), boundary, Constraints::new().size_limit(limit)))
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

    #[tokio::test]
    async fn a_file_comes_with_its_fields() {
        const KIND: &str = "multipart/form-data; boundary=B";
        let whole = "--B\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\ntoken\r\n\
            --B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.csv\"\r\nContent-Type: text/csv\r\n\r\n\
            +966501234567,--B moved\r\n\r\n\
            --B\r\nContent-Disposition: form-data; name=\"more\"; filename=\"\"\r\n\r\n\r\n\
            --B\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n\u{645}\u{631}\r\n--B--\r\n";
        for pieces in [1, 7, whole.len()] {
            let chunks = whole.as_bytes().chunks(pieces).map(|piece| Ok(Bytes::copy_from_slice(piece)));
            let body = Body::from_chunks(chunks.collect::<Vec<_>>());
            let (fields, upload) = multipart(body, KIND, whole.len()).await.expect("a form");
            assert_eq!((fields.text("csrf"), fields.text("text")), ("token", "\u{645}\u{631}"));
            let upload = upload.expect("a file");
            assert_eq!((upload.name.as_str(), upload.declared_type.as_str()), ("x.csv", "text/csv"));
            assert_eq!(upload.bytes, b"+966501234567,--B moved\r\n"[..]);
        }
        let body = |text: &str| Body::from_chunks(vec![Ok(Bytes::copy_from_slice(text.as_bytes()))]);
        for (text, kind, max) in [
            (whole, "multipart/form-data", 9999),
            (whole, KIND, whole.len() - 1),
            (&whole[..whole.len() / 2], KIND, 9999),
            ("", KIND, 9999),
        ] {
            assert!(multipart(body(text), kind, max).await.is_err(), "{kind} {max}");
        }
    }
}
