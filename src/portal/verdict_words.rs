//! The words for what the content policy does with a message, for the pages that say what would have happened.

use crate::sending::rehearsal::ContentVerdict;

/// The key of the word for a verdict.
pub const fn word_of(verdict: ContentVerdict) -> &'static str {
    match verdict {
        ContentVerdict::Refused => "policy.refused",
        ContentVerdict::Listed => "policy.listed",
        ContentVerdict::Passes => "policy.passes",
    }
}
