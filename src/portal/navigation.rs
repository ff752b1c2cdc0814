//! What stands beside every page.

use crate::{people::chats::COUNTED, texts::locale::Locale};

/// The side: a path and the key of its word.
pub const SIDE: &[(&str, &str)] = &[
    ("/overview", "nav.overview"),
    ("/message-logs", "nav.messages"),
    ("/chat", "nav.chat"),
    ("/inbound-logs", "nav.inbox"),
    ("/scheduled", "nav.scheduled"),
    ("/instances", "nav.instances"),
    ("/suppressed-recipients", "nav.suppressed"),
    ("/webhooks", "nav.webhooks"),
    ("/integrations/3cx", "nav.threecx"),
    ("/api-keys", "nav.keys"),
    ("/notices", "nav.notices"),
    ("/docs", "nav.docs"),
];

/// How many chats wait, as pages say it; empty: none.
pub fn unread_text(locale: &Locale, unread: u32) -> String {
    match unread {
        0 => String::new(),
        COUNTED.. => format!("{}+", locale.number(COUNTED - 1)),
        n => locale.number(n),
    }
}

/// A part of the pages of who runs the appliance: its path and its word on the side, and the pages that it opens with.
pub struct AdminSection {
    /// Where the side leads.
    pub path: &'static str,
    /// Its word's key.
    pub word: &'static str,
    /// Its pages, as tabs; one alone needs none.
    pub pages: &'static [(&'static str, &'static str)],
}

/// Below the side, for who runs the appliance.
pub const ADMIN: &[AdminSection] = &[
    AdminSection {
        path: "/admin/accounts",
        word: "nav.accounts",
        pages: &[
            ("/admin/accounts", "nav.accounts"),
            ("/admin/users", "nav.users"),
            ("/admin/requests", "nav.requests"),
        ],
    },
    AdminSection { path: "/admin/reviews", word: "nav.reviews", pages: &[("/admin/reviews", "nav.reviews")] },
    AdminSection { path: "/admin/policy", word: "nav.policy", pages: &[("/admin/policy", "nav.policy")] },
    AdminSection {
        path: "/admin/system",
        word: "nav.system",
        pages: &[
            ("/admin/system", "nav.system"),
            ("/admin/audit", "nav.audit"),
            ("/admin/egress", "nav.egress"),
            ("/admin/3cx", "nav.threecx"),
        ],
    },
];

impl AdminSection {
    /// Whether a page is one of this part.
    pub fn holds(&self, path: &str) -> bool {
        self.pages.iter().any(|(page, _)| path == *page || path.starts_with(&format!("{page}/")))
    }

    /// The tabs of the part that a page belongs to.
    pub fn tabs(path: &str) -> &'static [(&'static str, &'static str)] {
        ADMIN.iter().find(|part| part.holds(path)).map_or(&[], |part| part.pages)
    }
}
