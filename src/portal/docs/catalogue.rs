//! Which pages the documentation has, in reading order. A page is a line here and a Markdown file in each language.

#[derive(PartialEq, Eq, Debug)]
pub struct DocEntry {
    /// Its path on the gateway.
    pub path: &'static str,
    /// Its file below `assets/docs/{language}/`, without `.md`.
    pub file: &'static str,
    /// Its place in the side list.
    pub group: DocGroup,
}

/// The groups of the side list, in their order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DocGroup {
    /// The first steps.
    Start,
    /// Sending and receiving.
    Api,
    /// Samples by language.
    Sdk,
    /// The telephone system.
    ThreeCx,
    /// Lists to look things up in.
    Reference,
    /// For whoever runs the gateway.
    Operation,
    /// Rules for everybody who uses it.
    Rules,
}

impl DocGroup {
    /// All of them, in their order.
    pub const ALL: [Self; 7] =
        [Self::Start, Self::Api, Self::Sdk, Self::ThreeCx, Self::Reference, Self::Operation, Self::Rules];

    /// The key of its name.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Start => "docs.start",
            Self::Api => "docs.api",
            Self::Sdk => "docs.sdk",
            Self::ThreeCx => "docs.threecx",
            Self::Reference => "docs.reference",
            Self::Operation => "docs.operation",
            Self::Rules => "docs.rules",
        }
    }
}

macro_rules! pages {
    ($($group:ident: $($path:literal = $file:literal),+;)+) => {
        /// Every page, in reading order.
        pub const PAGES: &[DocEntry] =
            &[$($(DocEntry { path: $path, file: $file, group: DocGroup::$group }),+),+];
    };
}

pages! {
    Start: "/docs" = "index", "/docs/quickstart" = "quickstart", "/docs/ways" = "ways",
        "/docs/connect" = "connect", "/docs/cloud-api" = "cloud-api", "/docs/chat" = "chat";
    Api: "/docs/send" = "send", "/docs/receive" = "receive",
        "/docs/responsible-messaging" = "responsible-messaging";
    Sdk: "/docs/sdk/curl" = "sdk-curl", "/docs/sdk/php" = "sdk-php", "/docs/sdk/python" = "sdk-python",
        "/docs/sdk/node" = "sdk-node", "/docs/sdk/go" = "sdk-go", "/docs/sdk/java" = "sdk-java",
        "/docs/sdk/csharp" = "sdk-csharp", "/docs/recipes" = "recipes";
    ThreeCx: "/docs/3cx" = "3cx", "/docs/3cx/webhooks" = "3cx-webhooks", "/docs/3cx/call-events" = "3cx-call-events",
        "/docs/3cx/troubleshooting" = "3cx-troubleshooting";
    Reference: "/docs/endpoints" = "endpoints", "/docs/openapi" = "openapi", "/docs/chattu" = "chattu",
        "/docs/differences" = "differences",
        "/docs/troubleshooting" = "troubleshooting";
    Operation: "/docs/install" = "install", "/docs/upgrade" = "upgrade", "/docs/backup" = "backup",
        "/docs/move" = "move", "/docs/standby" = "standby", "/docs/reliability" = "reliability", "/docs/monitoring" = "monitoring",
        "/docs/security" = "security", "/docs/privacy-operations" = "privacy-operations";
    Rules: "/acceptable-use" = "acceptable-use", "/privacy" = "privacy";
}

/// The page at `path`.
pub fn find(path: &str) -> Option<&'static DocEntry> {
    let path = if path.len() > 1 { path.trim_end_matches('/') } else { path };
    PAGES.iter().find(|entry| entry.path == path)
}

/// The pages before and behind this one.
pub fn neighbours(entry: &DocEntry) -> (Option<&'static DocEntry>, Option<&'static DocEntry>) {
    let at = PAGES.iter().position(|other| other == entry).unwrap_or(0);
    (at.checked_sub(1).and_then(|at| PAGES.get(at)), PAGES.get(at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_found_by_path_and_know_their_neighbours() {
        assert_eq!(find("/docs/send/").map(|e| e.file), Some("send"));
        assert_eq!(find("/docs/nowhere"), None);
        let (before, next) = neighbours(&PAGES[0]);
        assert_eq!((before, next.map(|e| e.path)), (None, Some("/docs/quickstart")));
        assert_eq!(neighbours(&PAGES[PAGES.len() - 1]).1, None);
    }
}
