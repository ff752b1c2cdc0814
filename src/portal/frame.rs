//! What stands beside every page.

/// The side: a path and the key of its word.
pub const SIDE: &[(&str, &str)] = &[
    ("/overview", "nav.overview"),
    ("/message-logs", "nav.messages"),
    ("/inbound-logs", "nav.inbox"),
    ("/chat", "nav.chat"),
    ("/schedule", "nav.schedule"),
    ("/instances", "nav.instances"),
    ("/suppressed-recipients", "nav.suppressed"),
    ("/webhooks", "nav.webhooks"),
    ("/integrations/3cx", "nav.threecx"),
    ("/api-keys", "nav.keys"),
    ("/account", "nav.account"),
    ("/docs", "nav.docs"),
];

/// The same for who runs the appliance.
pub const ADMIN: &[(&str, &str)] = &[
    ("/admin/accounts", "nav.accounts"),
    ("/admin/reviews", "nav.reviews"),
    ("/admin/policy", "nav.policy"),
    ("/admin/users", "nav.users"),
    ("/admin/audit", "nav.audit"),
    ("/admin/system", "nav.system"),
];
