//! What the sandbox and an Evolution server's numbers say of themselves when they are not open, under names by which the pages
//! find the same in their language. Stored in English; behind some of them stands what a server gave.

use super::connection::WAITS_FOR_SCAN;

/// How a sentence begins, and its name in `connector_state.…`.
pub const SENTENCES: [(&str, &str); 18] = [
    ("the sandbox is set to be connecting", "sandbox_connecting"),
    ("the sandbox is set to be closed", "sandbox_closed"),
    ("the sandbox waits for its QR code to be scanned", "sandbox_code"),
    ("the sandbox is set to refuse every message", "sandbox_refuses"),
    ("the sandbox is set to refuse files", "sandbox_no_files"),
    ("the Evolution server has not answered yet", "server_silent"),
    ("the Evolution server is connecting", "server_connecting"),
    ("nobody scanned the QR code in time; pair it again", "nobody_scanned"),
    ("logged out here; pair it again", "logged_out_here"),
    ("logged out on the phone; pair it again", "logged_out"),
    ("it is closed at the server; reconnect it", "closed_there"),
    ("another program took the connection over; reconnect it", "taken_over"),
    ("the connection to WhatsApp was lost; the server connects again", "lost"),
    ("the Evolution server refuses the key: set api_key anew", "key_refused"),
    (WAITS_FOR_SCAN, "waits_for_scan"),
    ("no QR code: ", "no_code"),
    ("it cannot be made: ", "not_made"),
    ("the Evolution server answered ", "server_answered"),
];

/// The name of the sentence that a reason is, and what a server gave behind it.
pub fn find(reason: &str) -> Option<(&'static str, &str)> {
    SENTENCES.iter().find_map(|(sentence, name)| {
        let rest = reason.strip_prefix(sentence)?;
        (rest.is_empty() || sentence.ends_with(' ')).then_some((*name, rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_found_as_a_whole_and_with_what_a_server_gave() {
        assert_eq!(find("the sandbox is set to be closed"), Some(("sandbox_closed", "")));
        assert_eq!(find("the sandbox is set to be closed for good"), None);
        assert_eq!(find("the Evolution server answered 500: down"), Some(("server_answered", "500: down")));
    }
}
