//! What an error of Meta's asks for, by its code: the one table for answers and for what statuses tell later.
//!
//! Only `error.code` decides (and `is_transient` where the code is not known): HTTP statuses and titles change, and
//! one code comes under several. Pure, and without I/O.

use crate::model::instance::words;

words! {
    /// What follows from an error.
    ErrorClass {
        /// It went wrong inside Meta: once more, soon.
        Retry = "retry",
        /// The whole number is too fast.
        SlowLine = "slow_line",
        /// This recipient gets too much from this number.
        SlowRecipient = "slow_recipient",
        /// Meta works on the account; it takes minutes.
        Maintenance = "maintenance",
        /// The recipient's 24 hours are over: only a template goes.
        NeedsTemplate = "needs_template",
        /// It lies with the recipient.
        Recipient = "recipient",
        /// Taken for advertising, or the recipient wants none.
        Marketing = "marketing",
        /// Something is wrong with the template.
        Template = "template",
        /// Something is wrong with the request.
        Request = "request",
        /// Something is wrong with the file.
        Media = "media",
        /// Nothing will go from this number until a person has seen to it.
        CloseLine = "close_line",
        /// A code that this version does not know.
        Other = "other",
    }
}

/// What the code of an error asks for.
pub fn code(code: i64, is_transient: bool) -> ErrorClass {
    match code {
        2 | 131_000 | 131_016 | 135_000 => ErrorClass::Retry,
        4 | 80_007 | 130_429 => ErrorClass::SlowLine,
        131_056 => ErrorClass::SlowRecipient,
        131_057 => ErrorClass::Maintenance,
        131_047 => ErrorClass::NeedsTemplate,
        131_021 | 131_026 | 131_030 | 131_062 => ErrorClass::Recipient,
        131_049 | 131_050 => ErrorClass::Marketing,
        132_000 | 132_001 | 132_005 | 132_007 | 132_008 | 132_012 | 132_015 | 132_016 => ErrorClass::Template,
        100 | 131_008 | 131_009 | 131_051 => ErrorClass::Request,
        131_052 | 131_053 => ErrorClass::Media,
        0 | 3 | 10 | 190 | 200..=299 | 368 | 131_031 | 131_042 | 131_045 | 131_048 | 131_064 | 130_497 => {
            ErrorClass::CloseLine
        }
        133_000..=133_999 => ErrorClass::CloseLine,
        _ if is_transient => ErrorClass::Retry,
        _ => ErrorClass::Other,
    }
}

/// Whether a code says that the access token itself is no good: then nothing at all can be asked with it.
pub const fn is_bad_token(code: i64) -> bool {
    matches!(code, 0 | 190)
}

/// What a code means, in plain words that say what to do where something can be done.
pub fn words_of(code: i64) -> Option<&'static str> {
    Some(match code {
        0 | 190 => "Meta does not accept the access token, it has expired or was withdrawn: set access_token anew",
        3 | 10 | 200..=299 => {
            "the access token may not do this: give its system user the permission whatsapp_business_messaging for \
             this account, then set access_token anew"
        }
        2 | 131_016 => "a service of Meta's is not available for the moment",
        4 => "the app makes too many calls to Meta",
        80_007 | 130_429 => "this number sends faster than Meta allows",
        131_056 => "too many messages from this number to this recipient within a short time",
        131_057 => "Meta works on this account for some minutes",
        131_000 | 135_000 => "something went wrong at Meta",
        131_047 => "the recipient has not written within 24 hours; Meta takes only a template then",
        131_026 => "the message cannot be delivered: the number has no WhatsApp, an old one, or does not accept this",
        131_021 => "the recipient is the sending number itself",
        131_030 => "the recipient is not on the app's list of test numbers",
        131_062 => "the recipient cannot be written to in this way",
        131_049 => "Meta holds it back, to keep what people get healthy",
        131_050 => "the recipient wants no advertising from this business",
        132_000 => "the template has another number of variables",
        132_001 => "there is no such template in this language, or it is not approved",
        132_005 => "the template's text becomes too long with these variables",
        132_007 => "the template breaks a rule of Meta's",
        132_008 | 132_012 => "the template's variables have another form",
        132_015 => "Meta has paused the template because people did not want it",
        132_016 => "Meta has disabled the template for good",
        131_051 => "Meta does not take this kind of message",
        131_052 => "Meta could not get the file",
        131_053 => "Meta does not take the file: its type or its size",
        368 => "Meta has blocked this business account for a breach of its rules",
        131_031 => "Meta has locked this business account",
        131_042 => "Meta has trouble with the payment method of this business account: settle it at Meta",
        131_045 => "the number is not registered as it should be: register it at Meta again",
        131_048 => "Meta limits this number, because too many of its messages were blocked or reported",
        131_064 => "Meta does not let this business account send for now",
        130_497 => "Meta does not let this business write to people in that country",
        133_000..=133_999 => "the number is not registered with the Cloud API: register it at Meta",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_code_has_its_class() {
        let rows: &[(ErrorClass, &[i64])] = &[
            (ErrorClass::Retry, &[2, 131_000, 131_016, 135_000]),
            (ErrorClass::SlowLine, &[4, 80_007, 130_429]),
            (ErrorClass::SlowRecipient, &[131_056]),
            (ErrorClass::Maintenance, &[131_057]),
            (ErrorClass::NeedsTemplate, &[131_047]),
            (ErrorClass::Recipient, &[131_026, 131_021, 131_030, 131_062]),
            (ErrorClass::Marketing, &[131_049, 131_050]),
            (ErrorClass::Template, &[132_000, 132_001, 132_005, 132_007, 132_008, 132_012, 132_015, 132_016]),
            (ErrorClass::Request, &[100, 131_008, 131_009, 131_051]),
            (ErrorClass::Media, &[131_052, 131_053]),
            (ErrorClass::CloseLine, &[0, 190, 3, 10, 200, 250, 299, 368, 131_031, 131_042, 131_045, 133_000, 133_010]),
            (ErrorClass::CloseLine, &[133_016, 133_999, 131_048, 131_064, 130_497]),
            (ErrorClass::Other, &[-1, 1, 5, 11, 99, 199, 300, 131_001, 132_999, 134_000, i64::MAX]),
        ];
        for (class, codes) in rows {
            for one in *codes {
                assert_eq!(code(*one, false), *class, "{one}");
                let known = if *class == ErrorClass::Other { ErrorClass::Retry } else { *class };
                assert_eq!(code(*one, true), known, "{one}: being transient decides only what is not known");
            }
        }
    }

    #[test]
    fn what_a_person_must_see_to_says_so() {
        for one in (-10..400).chain(80_000..81_000).chain(130_000..136_000) {
            let is_plain = matches!(code(one, false), ErrorClass::Other | ErrorClass::Request);
            assert!(is_plain || words_of(one).is_some(), "{one} has no words");
        }
    }
}
