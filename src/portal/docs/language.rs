//! The three languages of the pages.

use crate::model::instance::words;

words! {
    /// A language of the pages.
    Lang {
        /// English.
        En = "en",
        /// Arabic.
        Ar = "ar",
        /// Hebrew.
        He = "he",
    }
}
