//! What stands beside every page.

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
    ("/docs", "nav.docs"),
];
