//! The life of an outbound message, as states and the legal steps between them.
//!
//! `accepted → sending → sent → delivered → read`, `sending → failed | unknown`, later `sent → failed`; `blocked` is
//! the end of a message that the guard refused. `sent` is said only when the provider took it; `unknown` is what is
//! left when nobody can tell, and is settled by a later receipt or by a person, never by a second send.

use crate::model::string_enum::string_enum;

string_enum! {
    /// Where a message is in its life; also its public status.
    Status {
        /// Passed the guard, waits for its slot.
        Accepted = "accepted",
        /// Committed before the first byte goes to the provider.
        Sending = "sending",
        /// The provider took it.
        Sent = "sent",
        /// It reached the recipient's phone.
        Delivered = "delivered",
        /// The recipient read it.
        Read = "read",
        /// It certainly did not reach the recipient.
        Failed = "failed",
        /// It may have been sent: nobody can tell yet.
        Unknown = "unknown",
        /// The guard refused it.
        Blocked = "blocked",
    }
}

string_enum! {
    /// Whether a message that failed may go when it is sent once more.
    Retry {
        /// It may: the cause passes, or a person can see to it.
        Later = "later",
        /// It will not, as it is: it lies with the message or with whom it is for.
        Never = "never",
    }
}

impl Status {
    /// Whether a message in this state may step to `next`.
    ///
    /// Receipts arrive late, early, doubled and out of order: a step that is not legal is ignored by its caller.
    pub fn may_become(self, next: Self) -> bool {
        use Status::{Accepted, Blocked, Delivered, Failed, Read, Sending, Sent, Unknown};
        match self {
            Accepted => matches!(next, Sending | Failed | Blocked),
            // An early receipt may overtake the provider's own answer.
            Sending => matches!(next, Sent | Delivered | Read | Failed | Unknown),
            Unknown => matches!(next, Sent | Delivered | Read | Failed),
            Sent => matches!(next, Delivered | Read | Failed),
            Delivered => matches!(next, Read),
            Read | Failed | Blocked => false,
        }
    }

    /// Whether nothing will change any more without a receipt or a person.
    pub fn is_settled(self) -> bool {
        !matches!(self, Self::Accepted | Self::Sending)
    }
}

string_enum! {
    /// What a receipt says about a message.
    Receipt {
        /// The provider's server has it.
        Server = "server",
        /// The recipient's phone has it.
        Delivered = "delivered",
        /// The recipient saw it.
        Read = "read",
        /// It failed after it had been taken.
        Failed = "failed",
    }
}

impl Receipt {
    /// The state that this receipt speaks of.
    pub const fn status(self) -> Status {
        match self {
            Self::Server => Status::Sent,
            Self::Delivered => Status::Delivered,
            Self::Read => Status::Read,
            Self::Failed => Status::Failed,
        }
    }
}

string_enum! {
    /// What wrote a message of our number's own.
    EchoOrigin {
        /// A person, on the number's own phone or on another device of it.
        Phone = "phone",
        /// The provider's own agent, such as Meta's Business Agent.
        Agent = "agent",
    }
}

/// The kind of a message whose only content is the new text of an earlier one, which `reply_to` names.
pub const EDIT: &str = "edit";
/// The kind of a message that takes back an earlier one, which `reply_to` names. It has no text.
pub const REVOKE: &str = "revoke";

#[cfg(test)]
mod tests {
    use super::Status::{self, *};

    #[test]
    fn states_only_move_up() {
        let order = [Accepted, Sending, Sent, Delivered, Read];
        for (i, a) in order.iter().enumerate() {
            for b in &order[..=i] {
                assert!(!a.may_become(*b), "{a} → {b}");
            }
        }
        for end in [Read, Failed, Blocked] {
            assert!(Status::ALL.iter().all(|s| !end.may_become(*s)), "{end} is an end");
        }
    }

    #[test]
    fn an_unknown_message_is_settled_and_never_sent_again() {
        assert!(Unknown.may_become(Sent) && Unknown.may_become(Failed) && Unknown.may_become(Read));
        assert!(!Unknown.may_become(Sending) && !Unknown.may_become(Accepted));
    }
}
