//! An error of Meta's, wherever one stands, and what it asks for, by its code: the one table for answers and for what
//! statuses tell later, asked by whoever speaks with Meta, directly or through a server between.
//!
//! Only `error.code` decides (and `is_transient` where the code is not known): HTTP statuses and titles change, and
//! one code comes under several. Pure, and without I/O.

use super::{
    EventKind,
    inbound_event::ProviderNews,
    provider_text::{repeated, whole},
};
use crate::model::{clock::Time, message::Retry, string_enum::string_enum};
use serde_json::{Value, json};

/// From here on a code can be nobody's but Meta's.
const METAS_OWN: i64 = 100_000;

/// Meta's error, in an answer or elsewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct GraphError {
    pub(super) code: i64,
    pub(super) is_transient: bool,
    /// Meta's own words: shortened, and without anybody's number.
    pub(super) words: String,
}

impl GraphError {
    /// The error in an answer's JSON; none when there is no code.
    pub(super) fn find(value: &Value) -> Option<Self> {
        Self::of(&value["error"])
    }

    /// An error itself, as a status's list holds it.
    pub(super) fn of(error: &Value) -> Option<Self> {
        let code = whole(&error["code"])?;
        let told = [&error["error_data"]["details"], &error["message"], &error["error_user_msg"], &error["title"]];
        let words = told.into_iter().find_map(Value::as_str).unwrap_or("without saying why");
        Some(Self { code, is_transient: error["is_transient"] == true, words: repeated(words) })
    }

    /// The error in the answer of a server that speaks with Meta for us, which passes it on bare, under `error` or below
    /// its own `response`; none for an error of the server's own, which has no mark of Meta's.
    pub(super) fn passed_on(answer: &Value) -> Option<Self> {
        let is_metas = |error: &&Value| {
            ["fbtrace_id", "error_data", "error_subcode"].iter().any(|mark| !error[*mark].is_null())
                || error["type"] == "OAuthException"
                || Self::of(error).is_some_and(|e| e.code >= METAS_OWN)
        };
        let places = [answer, &answer["error"], &answer["response"], &answer["response"]["message"]];
        places.into_iter().filter(is_metas).find_map(Self::of)
    }

    /// What it asks for.
    pub(super) fn class(&self) -> ErrorClass {
        code(self.code, self.is_transient)
    }

    /// In plain words, with the code.
    pub(super) fn text(&self) -> String {
        match words_of(self.code) {
            Some(words) => format!("{words} (Meta's code {})", self.code),
            None => format!("Meta answered {}: {}", self.code, self.words),
        }
    }
}

string_enum! {
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
        /// Something is wrong with the group.
        Group = "group",
        /// Meta lets this kind of message go no more for a while, or for good; others, such as replies, go on.
        Restricted = "restricted",
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
        4 | 613 | 80_007 | 130_429 => ErrorClass::SlowLine,
        131_056 => ErrorClass::SlowRecipient,
        131_057 => ErrorClass::Maintenance,
        131_047 => ErrorClass::NeedsTemplate,
        131_021 | 131_026 | 131_030 | 131_062 => ErrorClass::Recipient,
        130_472 | 131_049 | 131_050 | 131_063 => ErrorClass::Marketing,
        132_000 | 132_001 | 132_005 | 132_007 | 132_008 | 132_012 | 132_015 | 132_016 | 132_018 | 132_068 | 132_069 => {
            ErrorClass::Template
        }
        100 | 131_008 | 131_009 | 131_051 | 137_000 => ErrorClass::Request,
        131_020 | 131_041 | 131_059 | 131_200..=131_299 => ErrorClass::Group,
        131_044 | 131_064 | 139_200 => ErrorClass::Restricted,
        131_052 | 131_053 => ErrorClass::Media,
        0 | 3 | 10 | 190 | 200..=299 | 368 | 130_497 | 131_005 | 131_031 | 131_037 | 131_042 | 131_045 | 131_048 => {
            ErrorClass::CloseLine
        }
        133_000..=133_999 => ErrorClass::CloseLine,
        _ if is_transient => ErrorClass::Retry,
        _ => ErrorClass::Other,
    }
}

/// Whether a message that failed with this code, as a connector or Meta tells it, may go another time.
pub fn retry(code: Option<&str>) -> Retry {
    let Some(code) = code else { return Retry::Later };
    let is_never = match code.parse().map(|number| self::code(number, false)) {
        Ok(
            ErrorClass::NeedsTemplate
            | ErrorClass::Recipient
            | ErrorClass::Marketing
            | ErrorClass::Template
            | ErrorClass::Request
            | ErrorClass::Media
            | ErrorClass::Group,
        ) => !HELD_BACK.contains(&code),
        Ok(_) => false,
        Err(_) => NEVER.contains(&code),
    };
    if is_never { Retry::Never } else { Retry::Later }
}

/// What Meta holds back for a while only, among what would else never go: to keep what people get healthy, while a
/// template is paused or its flow slowed down, while this number does too much with groups or a group is suspended.
const HELD_BACK: &[&str] = &["131049", "131207", "131208", "131214", "132015", "132069"];

/// Words of the connectors and of the sender that stand where Meta's codes stand, for what will not go as it is.
const NEVER: &[&str] = &[
    "expired",
    "forbidden",
    "marketing_template",
    "media_refused",
    "media_unreadable",
    "not_on_whatsapp",
    "recipient",
    "request",
    "template",
];

/// Whether a code says that the access token itself is no good: then nothing at all can be asked with it.
pub const fn is_bad_token(code: i64) -> bool {
    matches!(code, 0 | 190)
}

/// What a code means, in plain words that say what to do where something can be done.
pub fn words_of(code: i64) -> Option<&'static str> {
    Some(match code {
        0 | 190 => "Meta does not accept the access token, it has expired or was withdrawn: set access_token anew",
        3 | 10 | 131_005 | 200..=299 => {
            "the access token may not do this: give its system user the permission whatsapp_business_messaging for \
             this account, then set access_token anew"
        }
        2 | 131_016 => "a service of Meta's is not available for the moment",
        4 | 613 => "the app makes too many calls to Meta",
        80_007 | 130_429 => "this number sends faster than Meta allows",
        131_056 => "too many messages from this number to this recipient within a short time",
        131_057 => "Meta works on this account for some minutes",
        131_000 | 135_000 => "something went wrong at Meta",
        131_047 => "the recipient has not written within 24 hours; Meta takes only a template then",
        131_026 => "the message cannot be delivered: the number has no WhatsApp, an old one, or does not accept this",
        130_472 => "Meta leaves this recipient out of advertising, as part of an experiment of its own",
        131_063 => "marketing templates are switched off for the Cloud API in this business account",
        131_020 => "the group has no other member",
        131_041 => "there is no such group, or this number is not in it",
        131_059 => "the place in Meta's list of groups is not good any more",
        131_207 => "Meta has suspended the group",
        131_208 => "this number does too much with groups within a short time",
        131_214 => "Meta makes no new groups for this account for now",
        131_215 => "this number may not use groups",
        131_200..=131_299 => "Meta does not do this with the group",
        131_044 => "Meta has trouble with the payment method for calls: settle it at Meta",
        131_064 => {
            "Meta lets this business send no more utility messages for now, because templates were misused; it lifts \
             that by itself, and replies go on"
        }
        139_200 => {
            "Meta has taken from this business the right to send such messages without a template, for some days or \
             for good"
        }
        137_000 => "the recipient's phone is not the one that was meant: it was changed or set up anew",
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
        132_018 => "the template's variables do not fit it",
        132_068 => "Meta has blocked the flow behind the template",
        132_069 => "Meta slows the flow behind the template down: ten messages an hour",
        131_051 => "Meta does not take this kind of message",
        131_052 => "Meta could not get the file",
        131_053 => "Meta does not take the file: its type or its size",
        368 => "Meta has blocked this business account for a breach of its rules",
        131_031 => "Meta has locked this business account",
        131_042 => "Meta has trouble with the payment method of this business account: settle it at Meta",
        131_037 => "Meta has not approved the number's display name: set one at Meta and have it approved",
        131_045 => "the number is not registered as it should be: register it at Meta again",
        131_048 => "Meta limits this number, because too many of its messages were blocked or reported",
        130_497 => "Meta does not let this business write to people in that country",
        133_000..=133_999 => "the number is not registered with the Cloud API: register it at Meta",
        _ => return None,
    })
}

/// What the owner is told of a code of [`ErrorClass::Restricted`], once a day.
pub(super) fn restriction(code: i64, at: Time) -> EventKind {
    let day = at.seconds() / (24 * 3600);
    let words = words_of(code).unwrap_or("Meta lets messages of one kind go no more");
    EventKind::News(ProviderNews {
        kind: RESTRICTION.into(),
        raw: json!({"code": code, "day": day}).to_string(),
        notice: Some(format!("{words} (Meta's code {code})")),
        then: Vec::new(),
    })
}

/// The kind of that news.
const RESTRICTION: &str = "restriction";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metas_error_is_found_by_its_code() {
        let error = |value: Value| GraphError::find(&value).map(|e| (e.code, e.is_transient, e.words));
        let words = |text: &str| text.to_owned();
        for (value, found) in [
            (
                json!({"error": {"message": "(#131030) x", "code": 131030, "error_data": {"details": "not in list"}}}),
                Some((131_030, false, words("not in list"))),
            ),
            (json!({"error": {"code": "190", "message": "m\nn"}}), Some((190, false, words("m n")))),
            (json!({"error": {"code": 1, "is_transient": true}}), Some((1, true, words("without saying why")))),
            (json!({"error": {"code": 100, "message": "to 966501234567"}}), Some((100, false, words("to ****567")))),
            (json!({"error": {"message": "no code"}}), None),
            (json!({"error": "text"}), None),
            (json!([]), None),
        ] {
            assert_eq!(error(value.clone()), found, "{value}");
        }
    }

    #[test]
    fn an_error_that_was_passed_on_is_told_from_the_servers_own() {
        for (value, found) in [
            (json!({"message": "m", "type": "OAuthException", "code": 190, "fbtrace_id": "A"}), Some(190)),
            (json!({"message": "m", "code": 131_047, "error_data": {"details": "d"}}), Some(131_047)),
            (json!({"error": {"message": "m", "code": 131_026}}), Some(131_026)),
            (json!({"status": 400, "response": {"message": {"code": 130_429, "message": "m"}}}), Some(130_429)),
            (json!({"error": {"message": "Connection Closed", "code": 428}}), None),
            (json!({"code": "2@qr,code", "count": 1, "pairingCode": null}), None),
            (json!({"status": 400, "error": "Bad Request", "response": {"message": ["no"]}}), None),
            (json!({"key": {"id": "A"}, "status": "PENDING"}), None),
            (json!("text"), None),
        ] {
            assert_eq!(GraphError::passed_on(&value).map(|e| e.code), found, "{value}");
        }
    }

    #[test]
    fn every_documented_code_has_its_class() {
        let rows: &[(ErrorClass, &[i64])] = &[
            (ErrorClass::Retry, &[2, 131_000, 131_016, 135_000]),
            (ErrorClass::SlowLine, &[4, 613, 80_007, 130_429]),
            (ErrorClass::SlowRecipient, &[131_056]),
            (ErrorClass::Maintenance, &[131_057]),
            (ErrorClass::NeedsTemplate, &[131_047]),
            (ErrorClass::Recipient, &[131_026, 131_021, 131_030, 131_062]),
            (ErrorClass::Marketing, &[130_472, 131_049, 131_050, 131_063]),
            (ErrorClass::Template, &[132_000, 132_001, 132_005, 132_007, 132_008, 132_012, 132_015, 132_016]),
            (ErrorClass::Template, &[132_018, 132_068, 132_069]),
            (ErrorClass::Group, &[131_020, 131_041, 131_059, 131_201, 131_208, 131_215]),
            (ErrorClass::Restricted, &[131_044, 131_064, 139_200]),
            (ErrorClass::Request, &[100, 131_008, 131_009, 131_051, 137_000]),
            (ErrorClass::Media, &[131_052, 131_053]),
            (ErrorClass::CloseLine, &[0, 190, 3, 10, 200, 250, 299, 368, 131_031, 131_042, 131_045, 133_000, 133_010]),
            (ErrorClass::CloseLine, &[133_016, 133_999, 131_005, 131_037, 131_048, 130_497]),
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
    fn what_lies_with_message_or_recipient_will_not_go_again() {
        for code in ["131026", "131047", "132000", "131053", "100", "131050", "130472", "not_on_whatsapp", "expired"] {
            assert_eq!(retry(Some(code)), Retry::Never, "{code}");
        }
        for code in ["131049", "132015", "132069", "131208", "131214", "131207"] {
            assert_eq!(retry(Some(code)), Retry::Later, "held back for a while: {code}");
        }
        for code in ["190", "130429", "131042", "131016", "999999", "unreachable", "not_open", "400", ""] {
            assert_eq!(retry(Some(code)), Retry::Later, "{code}");
        }
        assert_eq!(retry(None), Retry::Later);
    }

    #[test]
    fn what_a_person_must_see_to_says_so() {
        for one in (-10..400).chain(80_000..81_000).chain(130_000..140_000) {
            let is_plain = matches!(code(one, false), ErrorClass::Other | ErrorClass::Request);
            assert!(is_plain || words_of(one).is_some(), "{one} has no words");
        }
    }
}
