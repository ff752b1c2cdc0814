//! What an instance that is not open says of itself, why WhatsApp refused a message, and what a person is to do: in English
//! here, under a name by which the pages find the same in their language.
//!
//! A sentence may be followed by a colon and what WhatsApp itself gave: a time, a code, a reason.

use crate::connectors::{
    connection::{CLOCK_WRONG, WAITS_FOR_SCAN},
    new_chats,
};

macro_rules! sentences {
    ($($name:ident = $word:literal: $text:literal;)+) => {
        $(pub(super) const $name: &str = $text;)+
        /// All of them: the name, and the English sentence.
        pub const ALL: &[(&str, &str)] = &[
            $(($word, $text)),+,
            ("waits_for_scan", WAITS_FOR_SCAN),
            ("clock_wrong", CLOCK_WRONG),
            ("new_chats_locked", new_chats::LOCKED),
            ("new_chats_used_up", new_chats::USED_UP),
        ];
    };
}

sentences! {
    BEGINNING = "beginning": "WhatsApp has not answered yet";
    CONNECTING_AGAIN = "connecting_again": "the connection to WhatsApp was lost; it is made again by itself";
    UNREACHABLE = "unreachable": "WhatsApp cannot be reached; it is tried again by itself";
    PAIRED = "paired": "the phone is linked; it is connecting";
    NOBODY_SCANNED = "nobody_scanned": "nobody scanned the QR codes in time; pair it again";
    SCANNED_OLD_PHONE = "scanned_old_phone":
        "the phone that scanned the code cannot link devices; update WhatsApp on it and scan again";
    UNTIMELY = "untimely":
        "WhatsApp's certificate does not hold at the time that this machine's clock says; look at the clock (timedatectl); it is tried again by itself";
    TROUBLED = "troubled": "WhatsApp itself is in trouble and lets nobody in; it is tried again by itself; its answer";
    LOGGED_OUT = "logged_out":
        "the phone removed this gateway from its linked devices, or the account was deleted; pair it again";
    LOGGED_OUT_HERE = "logged_out_here": "logged out here; pair it again";
    REPLACED = "replaced":
        "another program took this connection over, perhaps a second gateway with a copy of its data; end that one, then reconnect";
    BANNED = "banned":
        "WhatsApp has banned this number for a time; send nothing, open WhatsApp on the phone, and reconnect when the ban is over";
    BANNED_FOR_GOOD = "banned_for_good":
        "WhatsApp has banned this number; open WhatsApp on the phone and ask for a review there; reconnect if the number is given back, else use another one";
    LOCKED = "locked":
        "WhatsApp has locked this account; open WhatsApp on the phone, do what it asks, then pair it again";
    OUTDATED = "outdated":
        "WhatsApp no longer takes the version that this gateway says it is; set version, or update the gateway, then reconnect";
    REFUSED = "refused": "WhatsApp refuses the connection; reconnect it, and if that does not help, pair it again";
    PASSKEY = "passkey":
        "WhatsApp asks for the account's passkey, which a gateway cannot show; remove the passkey on the phone (Settings, Account, Passkeys) and pair it again, or use the Cloud API";
    HOSTED = "hosted":
        "the phone's answer cannot be checked by this version, which happens with numbers that are also used with Meta's Cloud API (coexistence): they cannot be linked here; use the Cloud API for them";
    NOT_PAIRED = "not_paired": "the phone could not be linked; pair it again";
    LINKED_TWICE = "linked_twice":
        "the phone is linked to another instance here already, and each would hear every message; use that one, or log it out and pair this one again";
    NO_STORE = "no_store": "the file with its keys cannot be opened; make room or put the file back, then reconnect; if it is lost, log out and pair it again";
    ENDED = "ended": "the connection ended; reconnect it";
    RECIPIENT_FIRST = "recipient_first":
        "WhatsApp lets this number not begin a chat with this person; they have to write first";
    NO_WHATSAPP = "no_whatsapp": "the recipient's number has no WhatsApp";
    NOT_FROM_HERE = "not_from_here":
        "WhatsApp does not take this message from a linked device; write it on the phone";
    MAY_NOT_WRITE = "may_not_write": "this number may not write in this chat; WhatsApp's code";
    NO_SUCH_CHAT = "no_such_chat": "there is no such chat any more";
    TOO_MUCH = "too_much": "WhatsApp finds that this number sends too much; wait, and send less";
    REFUSED_MESSAGE = "refused_message": "WhatsApp refused the message; its code";
    NO_ANSWER = "no_answer":
        "the connection ended before WhatsApp acknowledged it; whether it arrived is not known, a receipt may tell";
}

/// The name of the sentence that a reason begins with, and what WhatsApp gave after it.
pub fn find(reason: &str) -> Option<(&'static str, &str)> {
    // The longest, so that none hides behind one that begins alike.
    let found = ALL.iter().filter_map(|(name, text)| {
        let rest = reason.strip_prefix(text)?;
        (rest.is_empty() || rest.starts_with(": ")).then_some((*name, rest.trim_start_matches(": ")))
    });
    found.min_by_key(|(_, rest)| rest.len())
}

/// A sentence with what WhatsApp gave.
pub(super) fn with(sentence: &str, given: &str) -> String {
    if given.is_empty() { sentence.to_owned() } else { format!("{sentence}: {given}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_found_by_its_sentence() {
        for (name, text) in ALL {
            assert_eq!(find(text), Some((*name, "")), "{name}");
            assert_eq!(find(&with(text, "a: b")), Some((*name, "a: b")), "{name}");
            assert_eq!(find(&format!("{text}!")), None, "{name}");
        }
        assert_eq!(find("something of another connector's"), None);
    }
}
