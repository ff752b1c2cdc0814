//! Why a message is sent. Five purposes are served; everything else is refused by name (contract: "Purposes").

use serde::{Deserialize, Serialize};
use std::fmt;

/// The purposes that may be sent for. Spelt exactly, in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Invoices, orders, appointments, updates the customer expects.
    Transactional,
    /// Notifications of the business's own systems, alerts, workflow.
    Operational,
    /// Tickets and service conversations.
    Support,
    /// Approvals, tasks, stock and alerts inside the team.
    InternalTeam,
    /// One-time codes, under strict limits.
    Authentication,
}

impl Purpose {
    /// All of them, in the order of the documents.
    pub const ALL: [Self; 5] =
        [Self::Transactional, Self::Operational, Self::Support, Self::InternalTeam, Self::Authentication];

    /// The purpose spelt `text`, if it is one that may be sent for.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.as_str() == text)
    }

    /// As it is spelt in requests and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transactional => "transactional",
            Self::Operational => "operational",
            Self::Support => "support",
            Self::InternalTeam => "internal_team",
            Self::Authentication => "authentication",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_five_exact_spellings_are_purposes() {
        for p in Purpose::ALL {
            assert_eq!(Purpose::parse(p.as_str()), Some(p));
        }
        for no in ["marketing", "promotion", "cold_outreach", "bulk_campaign", "political", "unknown", "", "Support"] {
            assert_eq!(Purpose::parse(no), None, "{no}");
        }
    }
}
