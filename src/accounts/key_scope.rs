//! What a Bearer key is good for.

use crate::model::string_enum::string_enum;

string_enum! {
    /// One of the things that a key is good for.
    KeyScope {
        /// Sending, and asking what became of a message by its number.
        Send = "send",
        /// Reading: lists of messages sent and heard, with their texts, people, and the instances.
        Read = "read",
        /// Changing what holds for sending: who is not written to.
        Manage = "manage",
    }
}

/// All that a key is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyScopes {
    send: bool,
    read: bool,
    manage: bool,
}

impl KeyScopes {
    /// What every key was good for before there were scopes.
    pub const SEND: Self = Self { send: true, read: false, manage: false };

    /// These; none of them: [`KeyScopes::SEND`].
    pub fn of(scopes: &[KeyScope]) -> Self {
        if scopes.is_empty() { Self::SEND } else { Self::these(scopes) }
    }

    /// As the database has them: words with commas between them. A word that is none is left out, so that a key is good
    /// for less and never for more.
    pub fn from_text(text: &str) -> Self {
        let known: Vec<KeyScope> = text.split(',').filter_map(KeyScope::parse).collect();
        Self::these(&known)
    }

    fn these(scopes: &[KeyScope]) -> Self {
        let has = |scope| scopes.contains(&scope);
        Self { send: has(KeyScope::Send), read: has(KeyScope::Read), manage: has(KeyScope::Manage) }
    }

    pub const fn includes(self, scope: KeyScope) -> bool {
        match scope {
            KeyScope::Send => self.send,
            KeyScope::Read => self.read,
            KeyScope::Manage => self.manage,
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
        for (text, words) in [
            ("send", vec!["send"]),
            ("read", vec!["read"]),
            ("read,send", vec!["send", "read"]),
            ("manage,read", vec!["read", "manage"]),
        ] {
            assert_eq!(KeyScopes::from_text(text).words(), words);
        }
        assert!(KeyScopes::from_text("everything").words().is_empty());
        assert_eq!(KeyScopes::of(&[]), KeyScopes::SEND);
        assert_eq!(KeyScopes::of(&[KeyScope::Read]).words(), ["read"]);
    }
}
