//! The name of a file in a header, and of one that nobody named.

use crate::model::{file_name, percent};

/// What a stored file is called: by the name that it came with, else by its kind and number; with an ending that fits its
/// type.
pub fn shown(file_name: Option<&str>, kind: &str, id: i64, mime: &str) -> String {
    match file_name {
        Some(name) => file_name::with_ending(name, mime),
        None => file_name::with_ending(&format!("{kind}-{id}"), mime),
    }
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
    fn a_file_that_nobody_named_opens() {
        assert_eq!(shown(None, "image", 1, "image/jpeg"), "image-1.jpg");
        assert_eq!(shown(None, "audio", 2, "audio/ogg; codecs=opus"), "audio-2.ogg");
        assert_eq!(shown(None, "document", 3, "application/octet-stream"), "document-3");
        assert_eq!(shown(Some("bill"), "document", 3, "application/pdf"), "bill.pdf");
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
