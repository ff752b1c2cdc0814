//! What a Bearer key is good for.

use crate::model::string_enum::string_enum;

string_enum! {
    /// One of the things that a key is good for.
    KeyScope {
        /// Sending, and asking what became of a message by its number.
        Send = "send",
        /// Reading: lists of messages sent and heard, with their texts, and the instances.
        Read = "read",
    }
}

/// All that a key is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyScopes {
    send: bool,
    read: bool,
}

impl KeyScopes {
    /// What every key was good for before there were scopes.
    pub const SEND: Self = Self { send: true, read: false };

    /// These; none of them: [`KeyScopes::SEND`].
    pub fn of(scopes: &[KeyScope]) -> Self {
        let (send, read) = (scopes.contains(&KeyScope::Send), scopes.contains(&KeyScope::Read));
        if send || read { Self { send, read } } else { Self::SEND }
    }

    /// As the database has them: words with commas between them. A word that is none is left out, so that a key is good
    /// for less and never for more.
    pub fn from_text(text: &str) -> Self {
        let known: Vec<KeyScope> = text.split(',').filter_map(KeyScope::parse).collect();
        Self { send: known.contains(&KeyScope::Send), read: known.contains(&KeyScope::Read) }
    }

    pub const fn includes(self, scope: KeyScope) -> bool {
        match scope {
            KeyScope::Send => self.send,
            KeyScope::Read => self.read,
        }
    }

    /// Each of them, in their order.
    pub fn words(self) -> Vec<&'static str> {
        KeyScope::ALL.iter().filter(|scope| self.includes(**scope)).map(|scope| scope.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_come_back_as_they_were_written() {
        for (text, words) in [("send", vec!["send"]), ("read", vec!["read"]), ("read,send", vec!["send", "read"])] {
            assert_eq!(KeyScopes::from_text(text).words(), words);
        }
        assert!(KeyScopes::from_text("everything").words().is_empty());
        assert_eq!(KeyScopes::of(&[]), KeyScopes::SEND);
        assert_eq!(KeyScopes::of(&[KeyScope::Read]).words(), ["read"]);
    }
}
