//! Links in a message: what is one, where it leads, and what about its host is suspicious.
//!
//! Rules: a link needs a scheme, `www.`, or the look of a host with a known ending; a sentence that lacks a space after
//! its full stop is no link. Only the text is judged: nothing is ever looked up or opened.

use super::{disguise::Scripts, lures::LURES};

/// A link as far as the rules care.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TextLink {
    /// The host in lower case, without user, port and `www.`.
    pub host: String,
    /// Everything after the host, from its first slash.
    pub path: String,
}

/// What stands in a piece of text without spaces.
pub enum Piece<'a> {
    /// Plain text.
    Plain,
    /// An e-mail address; its words are not the message's words.
    Mail,
    /// A link, the text before it, and whether that text belongs to a domain-bound code (`@host #1234`).
    Link {
        /// What stands before the link.
        before: &'a str,
        link: TextLink,
    },
    /// The origin line of a one-time code for browsers (`@example.com #123456`): a host, but no link.
    Origin,
}

/// Endings that make a bare host (`shop.example.com`) a link.
const ENDINGS: &[&str] = &[
    "com", "net", "org", "info", "biz", "io", "co", "app", "dev", "shop", "store", "online", "site", "xyz", "top",
    "club", "link", "click", "live", "page", "ly", "gl", "gd", "gg", "cc", "tv", "ru", "uk", "fr", "br", "tr", "il",
    "sa", "ae", "eg", "ma", "mx", "eu", "pk", "vip", "win", "pro", "website", "space", "tech", "cn", "download",
    "help", "support", "icu", "buzz", "apk", "рф",
];

/// Endings that are words as well: they make a link only with a path behind them.
const WORD_ENDINGS: &[&str] =
    &["me", "to", "in", "it", "is", "us", "de", "es", "id", "so", "no", "at", "be", "my", "ar", "pt", "do", "am"];

/// Says what `chunk` (a piece of the message without spaces) is.
pub fn piece(chunk: &str) -> Piece<'_> {
    // Nothing is a link whose first such sign is its last.
    let first = chunk.bytes().position(|b| matches!(b, b'.' | b':' | b'@'));
    if first.is_none_or(|at| at + 1 == chunk.len()) {
        return Piece::Plain;
    }
    if let Some(at) = start_of_link(chunk) {
        if let Some(link) = parse(&chunk[at..]) {
            return Piece::Link { before: &chunk[..at], link };
        }
        return Piece::Plain;
    }
    let bare = chunk.trim_matches(|c: char| !c.is_alphanumeric() && c != '/' && c != '@' && c != '#');
    match bare.split_once('@') {
        Some(("", host)) if is_host(host, false) => Piece::Origin,
        Some((user, host)) if !user.is_empty() && is_host(host, true) => Piece::Mail,
        Some(_) => Piece::Plain,
        None => bare_link(chunk, bare),
    }
}

fn bare_link<'a>(chunk: &'a str, bare: &str) -> Piece<'a> {
    let end = bare.find(['/', '?', '#', ':']).unwrap_or(bare.len());
    let with_path = bare[end..].starts_with('/') && bare.len() > end + 1;
    let leads_somewhere = is_host(&bare[..end], with_path) || (with_path && is_ip(&bare[..end]));
    if !leads_somewhere {
        return Piece::Plain;
    }
    parse(bare).map_or(Piece::Plain, |link| Piece::Link { before: &chunk[..0], link })
}

/// What a link begins with. `http//` without its colon is what careless senders write.
const SCHEMES: [&str; 3] = ["http://", "https://", "http//"];

fn start_of_link(chunk: &str) -> Option<usize> {
    let bytes = chunk.as_bytes();
    let begins = |at: usize, with: &str| {
        bytes[at..].get(..with.len()).is_some_and(|here| here.eq_ignore_ascii_case(with.as_bytes()))
    };
    (0..bytes.len()).find(|at| match bytes[*at] {
        b'h' | b'H' => SCHEMES.iter().any(|scheme| begins(*at, scheme)),
        b'w' | b'W' => begins(*at, "www."),
        _ => false,
    })
}

fn parse(url: &str) -> Option<TextLink> {
    let rest = SCHEMES
        .iter()
        .find(|s| url.len() >= s.len() && url.as_bytes()[..s.len()].eq_ignore_ascii_case(s.as_bytes()))
        .map_or(url, |s| &url[s.len()..]);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let host = if host.starts_with('[') { host } else { host.split(':').next().unwrap_or(host) };
    let host = host.trim_matches(|c: char| !c.is_alphanumeric() && c != '[' && c != ']');
    let has_www = host.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www."));
    let host = host[if has_www { 4 } else { 0 }..].to_lowercase();
    let path = path.trim_end_matches(['.', ',', '!', ')', '"', '\'', ';']).to_owned();
    (!host.is_empty()).then_some(TextLink { host, path })
}

fn is_host(text: &str, with_path: bool) -> bool {
    let Some((names, ending)) = text.rsplit_once('.') else { return false };
    let named =
        names.split('.').all(|l| !l.is_empty() && l.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_')));
    if !named || !names.chars().any(char::is_alphabetic) {
        return false;
    }
    let ending = ending.to_lowercase();
    ENDINGS.contains(&ending.as_str()) || (with_path && WORD_ENDINGS.contains(&ending.as_str()))
}

fn is_ip(host: &str) -> bool {
    host.parse::<std::net::Ipv4Addr>().is_ok()
}

/// The hosts that the links of `message` lead to, in lower case without `www.`, each once, in order.
pub fn hosts_of(message: &str) -> Vec<String> {
    let host = |chunk| match piece(chunk) {
        Piece::Link { link, .. } => Some(link.host),
        _ => None,
    };
    let mut all: Vec<String> = message.split_whitespace().filter_map(host).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// To how many hosts `links` lead; 5 stands for more, too.
pub fn hosts(links: &[TextLink]) -> usize {
    let mut seen = [""; 5];
    let mut n = 0;
    for link in links {
        if n < seen.len() && !seen[..n].contains(&link.host.as_str()) {
            seen[n] = &link.host;
            n += 1;
        }
    }
    n
}

impl TextLink {
    /// Whether the host is an address: dotted, IPv6, or one large number.
    pub fn is_address(&self) -> bool {
        self.host.starts_with('[')
            || is_ip(&self.host)
            || (self.host.len() > 7 && self.host.bytes().all(|b| b.is_ascii_digit()))
    }

    /// Whether a part of the host is written in punycode.
    pub fn is_punycode(&self) -> bool {
        self.host.split('.').any(|l| l.starts_with("xn--"))
    }

    /// Whether the host has an ending that costs next to nothing and that few businesses have.
    pub fn has_rare_ending(&self) -> bool {
        let ending = self.host.rsplit('.').next().unwrap_or("");
        matches!(
            ending,
            "tk" | "ml"
                | "ga"
                | "cf"
                | "gq"
                | "xyz"
                | "top"
                | "info"
                | "live"
                | "club"
                | "site"
                | "online"
                | "icu"
                | "click"
                | "link"
                | "win"
                | "vip"
                | "buzz"
                | "rest"
                | "cyou"
                | "sbs"
                | "cfd"
                | "biz"
                | "pw"
                | "cc"
                | "space"
        )
    }

    /// Whether the host is put together like "bank-login.com": a part that speaks of money, an account or an authority,
    /// and another one beside it. Businesses have their own name there.
    pub fn is_lure(&self) -> bool {
        let labels = self.host.rsplit('.').skip(1).filter(|label| label.contains('-') && !label.starts_with("xn--"));
        let is_word = |part: &str| LURES.binary_search(&part).is_ok();
        labels.flat_map(|label| label.split('-')).any(is_word)
    }

    /// Whether it leads to a program for telephones, or is the name of one: "invitation.apk".
    pub fn is_program(&self) -> bool {
        let name = if self.path.is_empty() { &self.host } else { &self.path };
        name.get(name.len().saturating_sub(4)..).is_some_and(|end| end.eq_ignore_ascii_case(".apk"))
    }

    /// Whether one part of the host mixes scripts that look alike.
    pub fn is_mixed(&self) -> bool {
        self.host.split('.').any(|label| {
            let s = Scripts::of(label);
            usize::from(s.latin) + usize::from(s.cyrillic) + usize::from(s.greek) > 1
        })
    }

    /// Whether the link invites into a group or channel of WhatsApp or Telegram.
    pub fn is_group_invitation(&self) -> bool {
        let begins = |with: &str| self.path.get(..with.len()).is_some_and(|path| path.eq_ignore_ascii_case(with));
        match self.host.as_str() {
            "chat.whatsapp.com" => self.path.len() > 1,
            "whatsapp.com" => begins("/channel/"),
            "t.me" | "telegram.me" | "telegram.dog" => begins("/+") || begins("/joinchat"),
            _ => false,
        }
    }

    /// Whether the host is, or lies below, one of `shorteners` (lower case, sorted).
    pub fn is_shortened(&self, shorteners: &[String]) -> bool {
        self.path.len() > 1 && shorteners.binary_search_by(|s| s.as_str().cmp(&self.host)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(chunk: &str) -> Option<(String, String)> {
        match piece(chunk) {
            Piece::Link { link, .. } => Some((link.host, link.path)),
            _ => None,
        }
    }

    #[test]
    fn links_are_found_and_sentences_are_not() {
        for (text, host, path) in [
            ("https://bit.ly/3xYz.", "bit.ly", "/3xYz"),
            ("(http://www.Example.com:8080/a?b=1)", "example.com", "/a?b=1"),
            ("here:https://x.example/", "x.example", "/"),
            ("www.ringtones.co.uk,", "ringtones.co.uk", ""),
            ("bit.ly/abc", "bit.ly", "/abc"),
            ("t.me/joinchat/abc", "t.me", "/joinchat/abc"),
            ("shop.example.com", "shop.example.com", ""),
            ("http://10.0.0.1/pay", "10.0.0.1", "/pay"),
            ("FOTO_PAKET.apk", "foto_paket.apk", ""),
            ("https://user@xn--80ak6aa92e.com/", "xn--80ak6aa92e.com", "/"),
        ] {
            assert_eq!(link(text), Some((host.to_owned(), path.to_owned())), "{text}");
        }
        for text in ["Hello.How", "12.05.2026", "10:30", "a@b.com", "e.g.", "done.in", "v1.2.3", "...", "@home", "No.5"]
        {
            assert_eq!(link(text), None, "{text}");
        }
        assert!(matches!(piece("@example.com"), Piece::Origin));
        assert!(matches!(piece("info@example.com."), Piece::Mail));
    }

    #[test]
    fn hosts_are_judged() {
        let l = |host: &str, path: &str| TextLink { host: host.into(), path: path.into() };
        assert!(l("10.1.2.3", "").is_address() && l("[::1]", "").is_address() && l("3232235777", "").is_address());
        assert!(l("xn--e1afmkfd.com", "").is_punycode());
        assert!(l("pаypal.com", "").is_mixed() && !l("пример.рф", "").is_mixed() && !l("müller.de", "").is_mixed());
        assert!(l("chat.whatsapp.com", "/AbC").is_group_invitation() && l("t.me", "/+AbC").is_group_invitation());
        assert!(
            LURES.is_sorted() && l("netbank-login.com", "/x").is_lure() && l("my.parcel-fee.example", "").is_lure()
        );
        assert!(!l("login.example.com", "").is_lure() && !l("blue-harbour.example", "/bank-login").is_lure());
        assert!(l("invitation.apk", "").is_program() && l("files.example", "/a/B.APK").is_program());
        assert!(!l("apk.example", "").is_program() && !l("shop.example", "/apk").is_program());
        assert!(!l("wa.me", "/4915112345").is_group_invitation() && !l("t.me", "/shop").is_group_invitation());
    }
}
