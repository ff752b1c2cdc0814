//! What a provider itself says of the new chats that a number may begin: those with people who never wrote.

use crate::model::clock::Time;

/// What is told while a number may begin none, and when it used up those of a cycle. Behind it stands the end, if the
/// provider says one.
pub(super) const LOCKED: &str = "WhatsApp lets this number begin no new chats for a time; answers to people who wrote still go, write to nobody new until it is over";
pub(super) const USED_UP: &str =
    "the new chats that WhatsApp allows this number are used up for now; answers to people who wrote still go";

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

/// That a number may begin no new chat at present.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewChatBar {
    /// The whole number is locked; else the quota of its cycle is used up.
    pub is_lock: bool,
    /// Until when, where the provider says.
    pub until: Option<Time>,
}

impl NewChatAllowance {
    /// What bars new chats; none: one may be begun.
    pub fn bar(self) -> Option<NewChatBar> {
        if self.is_locked {
            return Some(NewChatBar { is_lock: true, until: self.locked_until });
        }
        let quota = self.quota.filter(|quota| quota.left() == 0)?;
        Some(NewChatBar { is_lock: false, until: quota.until })
    }

    /// The same at a later time: what was over by then is left out; none: nothing of it is left.
    pub fn at(self, now: Time) -> Option<Self> {
        let is_locked = self.is_locked && self.locked_until.is_none_or(|until| until > now);
        let quota = self.quota.filter(|quota| quota.until.is_none_or(|until| until > now));
        let locked_until = self.locked_until.filter(|_| is_locked);
        (is_locked || quota.is_some()).then_some(Self { is_locked, locked_until, quota })
    }
}

impl NewChatBar {
    /// In words that the pages know in their languages, see [`known_reason`](super::registry::known_reason).
    pub fn reason(self) -> String {
        let sentence = if self.is_lock { LOCKED } else { USED_UP };
        self.until.map_or_else(|| sentence.to_owned(), |until| format!("{sentence}: {until}"))
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

    #[test]
    fn a_lock_or_an_empty_quota_bars_new_chats() {
        let end = Time::from_millis(0);
        let quota = |used| Some(NewChatQuota { total: 50, used, until: Some(end) });
        let allowance = |is_locked, used| NewChatAllowance { is_locked, locked_until: None, quota: quota(used) };
        assert_eq!(allowance(true, 50).bar(), Some(NewChatBar { is_lock: true, until: None }));
        assert_eq!(allowance(false, 50).bar(), Some(NewChatBar { is_lock: false, until: Some(end) }));
        assert_eq!((allowance(false, 49).bar(), NewChatAllowance::default().bar()), (None, None));
        assert_eq!(allowance(true, 0).bar().map(NewChatBar::reason).as_deref(), Some(LOCKED));
        let used_up = allowance(false, 51).bar().map(NewChatBar::reason);
        assert_eq!(used_up, Some(format!("{USED_UP}: 1970-01-01T00:00:00Z")));
    }
}
