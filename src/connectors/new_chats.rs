//! What a provider itself says of the new chats that a number may begin: those with people who never wrote.

use crate::model::clock::Time;

/// How a number stands with them, as its provider told last.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NewChatAllowance {
    /// It may begin none at present.
    pub is_locked: bool,
    /// When it may again, where the provider says.
    pub locked_until: Option<Time>,
    /// How many it may begin in a cycle; none: that is not limited, or not told.
    pub quota: Option<NewChatQuota>,
}

/// How many new chats there are in a cycle.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NewChatQuota {
    pub total: u32,
    pub used: u32,
    /// When the count begins anew, where the provider says.
    pub until: Option<Time>,
}

impl NewChatAllowance {
    /// The same at a later time: what was over by then is left out; none: nothing of it is left.
    pub fn at(self, now: Time) -> Option<Self> {
        let is_locked = self.is_locked && self.locked_until.is_none_or(|until| until > now);
        let quota = self.quota.filter(|quota| quota.until.is_none_or(|until| until > now));
        let locked_until = self.locked_until.filter(|_| is_locked);
        (is_locked || quota.is_some()).then_some(Self { is_locked, locked_until, quota })
    }
}

impl NewChatQuota {
    /// How many are left.
    pub const fn left(self) -> u32 {
        self.total.saturating_sub(self.used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_over_is_left_out() {
        let (now, later) = (Time::from_millis(0), Time::from_millis(0).plus(Duration::from_secs(60)));
        let quota = Some(NewChatQuota { total: 50, used: 60, until: Some(later) });
        let both = NewChatAllowance { is_locked: true, locked_until: Some(later), quota };
        assert_eq!(both.at(now), Some(both));
        assert_eq!(both.at(later), None);
        let endless = NewChatAllowance { locked_until: None, quota: None, ..both };
        assert_eq!(endless.at(later), Some(endless));
        assert_eq!((quota.map(NewChatQuota::left), NewChatAllowance::default().at(now)), (Some(0), None));
    }
}
