//! The address of a broker's endpoint: which protocol, whom to connect to, as whom, and where in the broker events go.
//!
//! - `nats://user:password@host:4222/subject`, or a token in place of user and password; `tls://` for NATS with TLS.
//! - `mqtt://user:password@host:1883/topic`, `mqtts://`.
//! - `amqp://user:password@host:5672/vhost?exchange=…&routing_key=…`, `amqps://` (rabbitmq.com, "RabbitMQ URI
//!   Specification"; the two parameters are ours).
//! - In a subject, a topic and a routing key `{event}` and `{instance}` stand for the event's name and the instance's id.
//!
//! The password is known to the connection alone: people are shown `***` in its place.

use crate::model::why::{Why, why};
use percent_encoding::percent_decode_str;
use std::fmt;

/// Which protocol a broker speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BrokerKind {
    /// NATS with JetStream (docs.nats.io, "NATS Protocol" and "JetStream wire API").
    Nats,
    /// MQTT 5 (OASIS).
    Mqtt,
    /// AMQP 0-9-1 with publisher confirms, as RabbitMQ has them.
    Amqp,
}

/// A scheme, its protocol, whether TLS is demanded, the usual port.
const SCHEMES: [(&str, BrokerKind, bool, u16); 6] = [
    ("nats", BrokerKind::Nats, false, 4222),
    ("tls", BrokerKind::Nats, true, 4222),
    ("amqp", BrokerKind::Amqp, false, 5672),
    ("amqps", BrokerKind::Amqp, true, 5671),
    ("mqtt", BrokerKind::Mqtt, false, 1883),
    ("mqtts", BrokerKind::Mqtt, true, 8883),
];
/// What stands where something is not shown.
const HIDDEN: &str = "***";
/// Longest name of a place in a broker, in bytes, before its words are put in.
const NAME_MAX: usize = 200;
/// What may stand in braces in such a name.
const WORDS: [&str; 2] = ["{event}", "{instance}"];

/// A broker's address, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerAddress {
    pub kind: BrokerKind,
    /// Whether nothing is said before there is TLS.
    pub tls: bool,
    /// Host and port as the address of the egress: `https://` where TLS is demanded, else `http://`.
    pub place: String,
    /// Who we are there; a NATS token has no password.
    pub user: Option<String>,
    pub password: Option<String>,
    /// Where in the broker events go, with its words in braces: a subject, a topic, a routing key.
    pub name: String,
    /// AMQP: the virtual host, and the exchange; the empty one takes routing keys for names of queues.
    pub vhost: String,
    pub exchange: String,
}

/// Without the password, and without the user, who may be a token.
impl fmt::Debug for BrokerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {}, {}", self.kind, self.place, self.name)
    }
}

/// Whether an address is a broker's, by its scheme.
pub fn is_broker(address: &str) -> bool {
    scheme(address).is_some()
}

/// The schemes of brokers, for people.
pub fn schemes() -> String {
    SCHEMES.map(|(name, ..)| format!("{name}://")).join(", ")
}

/// An address as people are shown it: without its password or token.
pub fn shown(address: &str) -> String {
    let Some((begin, rest)) = address.split_once("://") else { return address.to_owned() };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let Some(at) = rest[..end].rfind('@') else { return address.to_owned() };
    let user = rest[..at].split_once(':').map_or(String::new(), |(user, _)| format!("{user}:"));
    format!("{begin}://{user}{HIDDEN}{}", &rest[at..])
}

impl BrokerAddress {
    /// Takes an address apart whose scheme is a broker's. Whether its host may be called is the egress's to say.
    ///
    /// # Errors
    /// What is wrong with it, in words for who typed it.
    pub fn parse(address: &str) -> Result<Self, Why> {
        if !super::HERE {
            return Err(why!(
                "broker_absent",
                "this build has no brokers: {schemes} need one that was built with the feature \"brokers\"",
                schemes = schemes()
            ));
        }
        let (kind, tls, port) = scheme(address).ok_or_else(|| {
            why!("broker_scheme", "a broker's address begins with one of {schemes}", schemes = schemes())
        })?;
        let rest = address.split_once("://").map_or("", |(_, rest)| rest);
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (who, host) = authority.rsplit_once('@').map_or((None, authority), |(who, host)| (Some(who), host));
        let (user, password) = who.map_or(Ok((None, None)), login)?;
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
        let port = if has_port { String::new() } else { format!(":{port}") };
        let place = format!("{}://{host}{port}/", if tls { "https" } else { "http" });
        let (name, vhost, exchange) = kind.read(path).ok_or_else(|| {
            why!(
                "broker_name",
                "behind the host stands where events go, a name of at most {most} letters, digits and signs: {example}",
                most = NAME_MAX,
                example = kind.example()
            )
        })?;
        Ok(Self { kind, tls, place, user, password, name, vhost, exchange })
    }

    /// Where this event goes. A test may be of no instance: `_` stands in its place, because no word of a subject is empty.
    pub fn name_for(&self, event: &str, instance: &str) -> String {
        let instance = if instance.is_empty() { "_" } else { instance };
        let instance: String = instance.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        self.name.replace(WORDS[0], event).replace(WORDS[1], &instance)
    }
}

impl BrokerKind {
    const fn example(self) -> &'static str {
        match self {
            Self::Nats => "nats://host:4222/shop.{event}",
            Self::Mqtt => "mqtt://host:1883/shop/{event}",
            Self::Amqp => "amqp://host:5672/vhost?exchange=shop&routing_key={event}",
        }
    }

    /// What stands behind the host: the name, and AMQP's virtual host and exchange.
    fn read(self, path: &str) -> Option<(String, String, String)> {
        let is_good = match self {
            Self::Nats => is_subject,
            Self::Mqtt => is_topic,
            Self::Amqp => return read_amqp(path),
        };
        let name = path.strip_prefix('/').and_then(decoded).filter(|name| is_name(name) && is_good(name))?;
        Some((name, String::new(), String::new()))
    }
}

fn scheme(address: &str) -> Option<(BrokerKind, bool, u16)> {
    let (scheme, _) = address.split_once("://")?;
    let (_, kind, tls, port) = SCHEMES.iter().find(|(name, ..)| scheme.eq_ignore_ascii_case(name))?;
    Some((*kind, *tls, *port))
}

/// A user with a password, or a token.
fn login(text: &str) -> Result<(Option<String>, Option<String>), Why> {
    let wrong = || {
        why!(
            "broker_login",
            "before the @ stand a user and a password, user:password, with %XX in place of the signs : / ? @ %"
        )
    };
    let part = |text: &str| decoded(text).filter(|part| !part.is_empty() && part != HIDDEN).ok_or_else(wrong);
    match text.split_once(':') {
        Some((user, password)) => Ok((Some(part(user)?), Some(part(password)?))),
        None => Ok((Some(part(text)?), None)),
    }
}

/// Without its %XX; none: it is no text, or has signs that nobody sees.
fn decoded(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    (!text.chars().any(char::is_control)).then(|| text.into_owned())
}

/// A virtual host and the parameters, of which one at least is there.
fn read_amqp(path: &str) -> Option<(String, String, String)> {
    let (vhost, query) = path.split_once('?')?;
    let vhost = vhost.strip_prefix('/').unwrap_or(vhost);
    if vhost.contains('/') {
        return None;
    }
    let vhost = decoded(vhost).map(|vhost| if vhost.is_empty() { "/".to_owned() } else { vhost })?;
    let (mut name, mut exchange) = (None, None);
    for (key, value) in query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))) {
        let place = match key {
            "routing_key" => &mut name,
            "exchange" => &mut exchange,
            _ => return None,
        };
        if place.replace(decoded(value)?).is_some() {
            return None;
        }
    }
    let (name, exchange) = (name.unwrap_or_default(), exchange.unwrap_or_default());
    let is_good = !(name.is_empty() && exchange.is_empty())
        && is_name(&name)
        && [&vhost, &exchange].iter().all(|part| part.len() <= NAME_MAX);
    is_good.then_some((name, vhost, exchange))
}

/// A name of a good length, in which nothing stands in braces but our words.
fn is_name(name: &str) -> bool {
    name.len() <= NAME_MAX && !plain(name).contains(['{', '}'])
}

/// With letters in place of the words.
fn plain(name: &str) -> String {
    WORDS.iter().fold(name.to_owned(), |name, word| name.replace(word, "x"))
}

/// A subject of NATS that can be published to (docs.nats.io, "Subject-Based Messaging"): words with dots between them,
/// none of which is a wildcard, and none of the server's own.
fn is_subject(name: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_graphic() && !b"*>?".contains(&b));
    !name.starts_with(['$', '_']) && plain(name).split('.').all(is_word)
}

/// A topic of MQTT that can be published to (MQTT 5, 4.7): without wildcards, and none of the broker's own.
fn is_topic(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('$') && !name.contains(['+', '#', '?', ' '])
}

#[cfg(all(test, feature = "brokers"))]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        let all = BrokerAddress::parse("nats://shop:p%40ss@broker.lan/wa.{instance}.{event}").expect("an address");
        assert_eq!((all.kind, all.tls, all.place.as_str()), (BrokerKind::Nats, false, "http://broker.lan:4222/"));
        assert_eq!((all.user.as_deref(), all.password.as_deref()), (Some("shop"), Some("p@ss")));
        assert_eq!(all.name_for("message.sent", "main.1"), "wa.main_1.message.sent");
        assert_eq!(all.name_for("test", ""), "wa._.test");
        let all = BrokerAddress::parse("TLS://t0ken@[2001:db8::7]:5000/wa").expect("an address");
        assert_eq!((all.tls, all.place.as_str()), (true, "https://[2001:db8::7]:5000/"));
        assert_eq!((all.user.as_deref(), all.password), (Some("t0ken"), None));
        let v6 = BrokerAddress::parse("nats://[::1]/wa").expect("an address");
        assert_eq!(v6.place, "http://[::1]:4222/");
    }

    #[test]
    fn each_protocol_has_its_own_names() {
        let mqtt = BrokerAddress::parse("mqtts://h/shop/{instance}/{event}").expect("an address");
        assert_eq!((mqtt.kind, mqtt.tls, mqtt.place.as_str()), (BrokerKind::Mqtt, true, "https://h:8883/"));
        assert_eq!(mqtt.name_for("call.missed", "main"), "shop/main/call.missed");
        for (path, vhost, exchange, name) in [
            ("?exchange=wa", "/", "wa", ""),
            ("/?routing_key=orders", "/", "", "orders"),
            ("/%2F?routing_key=orders", "/", "", "orders"),
            ("/shop?exchange=wa&routing_key=a%26b.{event}", "shop", "wa", "a&b.{event}"),
        ] {
            let amqp = BrokerAddress::parse(&format!("amqp://h{path}")).expect(path);
            assert_eq!((amqp.vhost.as_str(), amqp.exchange.as_str(), amqp.name.as_str()), (vhost, exchange, name));
            assert_eq!(amqp.place, "http://h:5672/");
        }
        for bad in [
            "mqtt://h/",
            "mqtt://h/a/#",
            "mqtt://h/+/a",
            "mqtt://h/$SYS/a",
            "mqtt://h/a?b",
            "mqtt://h/{x}",
            "amqp://h/shop",
            "amqp://h/shop?",
            "amqp://h/shop?exchange=",
            "amqp://h/shop?queue=x",
            "amqp://h/shop?exchange=a&exchange=b",
            "amqp://h/a/b?exchange=a",
            "amqp://h/a?exchange=a&routing_key={phone}",
            "amqp://h/a?exchange=a%00",
        ] {
            assert_eq!(BrokerAddress::parse(bad).expect_err(bad).name(), "broker_name", "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let long = format!("nats://h/{}", "x".repeat(NAME_MAX + 1));
        for (address, name) in [
            ("https://h/x", "broker_scheme"),
            ("nats:h/x", "broker_scheme"),
            ("nats://h", "broker_name"),
            ("nats://h/", "broker_name"),
            ("nats://h/a..b", "broker_name"),
            ("nats://h/a.", "broker_name"),
            ("nats://h/a.*", "broker_name"),
            ("nats://h/a.>", "broker_name"),
            ("nats://h/a b", "broker_name"),
            ("nats://h/a%20b", "broker_name"),
            ("nats://h/a%0D%0APUB", "broker_name"),
            ("nats://h/{phone}", "broker_name"),
            ("nats://h/$JS.API.x", "broker_name"),
            ("nats://h/_INBOX.x", "broker_name"),
            ("nats://h/a?b=c", "broker_name"),
            (&long, "broker_name"),
            ("nats://:pw@h/x", "broker_login"),
            ("nats://user:@h/x", "broker_login"),
            ("nats://@h/x", "broker_login"),
            ("nats://user:***@h/x", "broker_login"),
            ("nats://a%00b@h/x", "broker_login"),
        ] {
            assert_eq!(BrokerAddress::parse(address).expect_err(address).name(), name, "{address}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        for (address, wanted) in [
            ("nats://h:4222/wa.{event}", "nats://h:4222/wa.{event}"),
            ("nats://shop:secret@h/wa", "nats://shop:***@h/wa"),
            ("nats://a:b@c@h/wa", "nats://a:***@h/wa"),
            ("tls://t0ken@h", "tls://***@h"),
        ] {
            assert_eq!(shown(address), wanted);
            assert_eq!(shown(&shown(address)), wanted, "what is shown is shown as it is");
        }
        let address = BrokerAddress::parse("nats://shop:secret@h/wa").expect("an address");
        assert!(!format!("{address:?}").contains("secret") && !format!("{address:?}").contains("shop"));
    }
}
