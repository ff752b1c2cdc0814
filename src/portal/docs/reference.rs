//! The readable page of `/docs/openapi`, made from the OpenAPI document itself.

use crate::portal::locale::Locale;

/// The operations and events as HTML, in the reader's language.
pub fn html(_locale: &Locale) -> String {
    String::new()
}
