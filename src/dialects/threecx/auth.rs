//! Who asks: the ring of integrations in memory, and the proof that a request belongs to one of them.
//!
//! Rules: nothing is written and nothing is read from the database before a request is proven. An unknown integration
//! is a dummy with secrets that nobody has, so that everything is computed for it, too: the tag of the secret that was
//! presented, both signatures (the newest secret's and its predecessor's) over the body as it arrives, all comparisons.
//! No check ends the work early; whatever was wrong, the answer is one and the same.
//!
//! What the owner of a known integration may want to know (how often, and why last) is counted in memory.

use super::{
    integration::{IntegrationId, OVERLAP},
    limits::{Failures, SeenSignatures},
    secrets::OpenSecrets,
    settings::ALLOW_MAX,
};
use crate::model::{
    clock::{SLACK, Time},
    egress::net,
    ids::AccountId,
    random::{Random, bytes},
};
use arc_swap::ArcSwap;
use hmac::{Hmac, KeyInit, Mac};
use ipnet::IpNet;
use serde::Serialize;
use sha2::Sha256;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use subtle::{Choice, ConstantTimeEq};

/// How far a signature's timestamp may be from now, either way.
const SKEW: Duration = Duration::from_secs(5 * 60);

/// By which address a request came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Via {
    Webhook,
    /// The provider of text messages that it also plays.
    Sms,
}

/// What a request shows of itself before its body is read.
pub struct Presented<'a> {
    /// The integration in its path.
    pub id: &'a str,
    /// By which address.
    pub via: Via,
    /// Its secret, wherever it stood.
    pub secret: Option<&'a str>,
    /// The signature's timestamp, as it was sent.
    pub timestamp: Option<&'a str>,
    /// The signature, as it was sent.
    pub signature: Option<&'a str>,
    pub address: IpAddr,
}

/// A request that is proven to be an integration's. Only [`RequestProof::finish`] makes one.
#[derive(Clone, Debug)]
pub struct Admission {
    pub id: IntegrationId,
    pub account: AccountId,
    /// By which address.
    pub via: Via,
    /// The signature that was used up, and until when it would be good: to be kept over a restart.
    pub(super) signature: Option<([u8; 32], Time)>,
}

/// Why a request is not proven; for counting, never for the answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotAuthentic(pub &'static str);

/// What an integration's owner may know of requests that were not proven; since the gateway started.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Rejected {
    pub count: u64,
    /// When last.
    pub last_at: Option<Time>,
    /// Why last.
    pub last_reason: Option<&'static str>,
}

/// All integrations, as requests are proven by them.
pub(super) struct IntegrationCache {
    entries: ArcSwap<HashMap<IntegrationId, Arc<CachedIntegration>>>,
    dummy: Arc<CachedIntegration>,
    /// Of this process: tags of secrets are compared, never secrets.
    key: [u8; 32],
    failures: Failures,
    seen: Arc<SeenSignatures>,
}

struct CachedIntegration {
    id: IntegrationId,
    /// None: what no integration has is compared with this one.
    account: Option<AccountId>,
    enabled: bool,
    signing: bool,
    facade: bool,
    allow: Box<[Mask; ALLOW_MAX]>,
    /// From anywhere.
    open: bool,
    current: IntegrationKeys,
    previous: (IntegrationKeys, Time),
    rejected: Mutex<Rejected>,
}

struct IntegrationKeys {
    tag: [u8; 32],
    signing: Hmac<Sha256>,
}

/// A request on its way to be proven: takes its body piece by piece.
pub struct RequestProof {
    entry: Arc<CachedIntegration>,
    via: Via,
    address: IpAddr,
    now: Time,
    /// All that is known before the body.
    head: HeadChecks,
    signatures: [Hmac<Sha256>; 2],
    presented: [u8; 32],
    stale_at: Time,
}

/// The checks that need no body; 1 is good.
struct HeadChecks {
    calm: Choice,
    known: Choice,
    secret: Choice,
    address: Choice,
    fresh: Choice,
    signed: Choice,
    previous_good: Choice,
}

impl IntegrationCache {
    pub(super) fn new(random: &dyn Random, failures_per_minute: u32, seen: SeenSignatures) -> Self {
        let key = bytes(random);
        let nobody = |purpose: &str| format!("{purpose}{:?}", bytes::<32>(random));
        let keys = || IntegrationKeys { tag: tag(&key, &nobody("secret")), signing: mac(nobody("signing").as_bytes()) };
        let dummy = CachedIntegration {
            id: IntegrationId::from_text(""),
            account: None,
            enabled: true,
            signing: false,
            facade: true,
            allow: Box::new([Mask::NOBODY; ALLOW_MAX]),
            open: true,
            current: keys(),
            previous: (keys(), Time::from_millis(0)),
            rejected: Mutex::default(),
        };
        let (entries, failures) = (ArcSwap::default(), Failures::new(failures_per_minute));
        Self { entries, dummy: Arc::new(dummy), key, failures, seen: Arc::new(seen) }
    }

    /// Fills the ring anew.
    pub(super) fn replace(&self, all: Vec<OpenSecrets>) {
        let before = self.entries.load();
        let entries = all.into_iter().map(|opened| {
            let rejected = before.get(&opened.id).map(|e| e.rejected()).unwrap_or_default();
            (opened.id.clone(), Arc::new(self.entry(opened, rejected)))
        });
        self.entries.store(Arc::new(entries.collect()));
    }

    fn entry(&self, opened: OpenSecrets, rejected: Rejected) -> CachedIntegration {
        let keys = |secret: &str, signing: &str| IntegrationKeys {
            tag: tag(&self.key, secret),
            signing: mac(signing.as_bytes()),
        };
        let settings = opened.settings;
        let dummy = || {
            let IntegrationKeys { tag, signing } = &self.dummy.previous.0;
            (IntegrationKeys { tag: *tag, signing: signing.clone() }, Time::from_millis(0))
        };
        CachedIntegration {
            id: opened.id,
            account: Some(opened.account),
            enabled: settings.enabled,
            signing: settings.signing,
            facade: !settings.signing || settings.facade_while_signing,
            allow: masks(&settings.allowlist),
            open: settings.allowlist.is_empty(),
            current: keys(&opened.secrets.secret, &opened.secrets.signing),
            previous: opened.previous.map_or_else(dummy, |(s, until)| (keys(&s.secret, &s.signing), until)),
            rejected: Mutex::new(rejected),
        }
    }

    /// What was counted of an integration's requests that were not proven.
    pub(super) fn rejected(&self, id: &IntegrationId) -> Rejected {
        self.entries.load().get(id).map(|entry| entry.rejected()).unwrap_or_default()
    }

    /// Begins to prove a request.
    pub(super) fn begin(&self, shown: &Presented<'_>, now: Time) -> RequestProof {
        let entries = self.entries.load();
        let id = IntegrationId::from_text(shown.id);
        let entry = entries.get(&id).unwrap_or(&self.dummy).clone();
        let tag = tag(&self.key, shown.secret.unwrap_or_default());
        let previous_good = Choice::from(u8::from(now.left(entry.previous.1, OVERLAP + SLACK).is_some()));
        let secret = entry.current.tag.ct_eq(&tag) | (entry.previous.0.tag.ct_eq(&tag) & previous_good);
        let signed_at = shown.timestamp.and_then(parse_timestamp);
        let fresh = signed_at.is_some_and(|at| at <= now.plus(SKEW) && now <= at.plus(SKEW));
        let (has_signature, presented) = parse_signature(shown.signature.unwrap_or_default());
        let address = entry.open | is_within(&entry.allow, shown.address);
        // The provider's address cannot sign: it is open, or it is not.
        let unsigned = !entry.signing || shown.via == Via::Sms;
        let open = shown.via == Via::Webhook || entry.facade;
        let bit = |truth: bool| Choice::from(u8::from(truth));
        let mut signatures = [entry.current.signing.clone(), entry.previous.0.signing.clone()];
        for signature in &mut signatures {
            signature.update(shown.timestamp.unwrap_or_default().as_bytes());
            signature.update(b".");
        }
        RequestProof {
            via: shown.via,
            address: shown.address,
            now,
            head: HeadChecks {
                calm: bit(!self.failures.is_over(shown.address, now)),
                known: bit(entry.account.is_some()) & bit(entry.enabled) & bit(open),
                secret: secret & bit(shown.secret.is_some()),
                address: bit(address),
                fresh: bit(fresh) | bit(unsigned),
                signed: bit(has_signature) | bit(unsigned),
                previous_good,
            },
            signatures,
            presented,
            stale_at: signed_at.unwrap_or(now).plus(SKEW),
            entry,
        }
    }

    /// Ends it. `is_whole`: the body was read to its end.
    ///
    /// # Errors
    /// The request is not proven; it was counted, and nothing was written.
    pub(super) fn finish(&self, proof: RequestProof, is_whole: bool) -> Result<Admission, NotAuthentic> {
        let (entry, via, address, now) = (proof.entry.clone(), proof.via, proof.address, proof.now);
        let (signature, until) = (proof.presented, proof.stale_at);
        let unsigned = !entry.signing || via == Via::Sms;
        let checks = proof.checks(is_whole);
        let all = checks.iter().fold(Choice::from(1), |all, (check, _)| all & *check);
        if !bool::from(all) {
            let why = checks.iter().find(|(check, _)| !bool::from(*check)).map_or("", |(_, why)| why);
            return Err(self.reject(&entry, address, why, now));
        }
        if !unsigned && !self.seen.claim(signature, until, now) {
            return Err(self.reject(&entry, address, "the signature was used before", now));
        }
        let signature = (!unsigned).then_some((signature, until));
        let Some(account) = entry.account else { return Err(self.reject(&entry, address, "unknown", now)) };
        Ok(Admission { id: entry.id.clone(), account, via, signature })
    }

    /// A request of which nothing came, because the database could not take it, may come again as it is.
    pub(super) fn release(&self, admission: &Admission) {
        if let Some((signature, _)) = &admission.signature {
            self.seen.release(signature);
        }
    }

    /// What speaks against a request, for its owner; nothing is counted and no signature is used up.
    pub(super) fn examine(&self, proof: RequestProof) -> Vec<&'static str> {
        let used = proof.entry.signing && proof.via == Via::Webhook && self.seen.knows(&proof.presented);
        let failed = proof.checks(true).into_iter().filter(|(check, _)| !bool::from(*check)).map(|(_, why)| why);
        failed.chain(used.then_some("the signature was used before")).collect()
    }

    fn reject(&self, entry: &CachedIntegration, address: IpAddr, why: &'static str, now: Time) -> NotAuthentic {
        self.failures.note(address, now);
        let mut rejected = entry.rejected.lock().unwrap_or_else(PoisonError::into_inner);
        *rejected = Rejected { count: rejected.count + 1, last_at: Some(now), last_reason: Some(why) };
        NotAuthentic(why)
    }
}

impl CachedIntegration {
    fn rejected(&self) -> Rejected {
        *self.rejected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RequestProof {
    /// Takes the next piece of the body.
    pub fn update(&mut self, chunk: &[u8]) {
        self.signatures.iter_mut().for_each(|mac| mac.update(chunk));
    }

    /// All checks, each made whatever the others say, with what is wrong where it fails.
    fn checks(self, is_whole: bool) -> [(Choice, &'static str); 6] {
        let Self { entry, via, head, signatures, presented, .. } = self;
        let [current, previous] = signatures.map(|mac| <[u8; 32]>::from(mac.finalize().into_bytes()));
        let unsigned = Choice::from(u8::from(!entry.signing || via == Via::Sms));
        let matches = current.ct_eq(&presented) | (previous.ct_eq(&presented) & head.previous_good);
        let signature = (head.signed & matches & Choice::from(u8::from(is_whole))) | unsigned;
        [
            (head.calm, "too many failures from this address"),
            (head.known, "unknown or switched off"),
            (head.secret, "the secret is missing or wrong"),
            (head.address, "the address is not in the allowlist"),
            (head.fresh, "the timestamp is missing, malformed or more than five minutes off"),
            (signature, "the signature is missing or wrong"),
        ]
    }
}

/// A network of IPv6 addresses, IPv4 ones mapped into them.
#[derive(Clone, Copy)]
struct Mask {
    base: u128,
    bits: u128,
}

impl Mask {
    /// No address is in it.
    const NOBODY: Self = Self { base: 1, bits: 0 };
}

/// As many masks for two networks as for sixty, so that a longer list takes no longer.
fn masks(allowlist: &[String]) -> Box<[Mask; ALLOW_MAX]> {
    let mut all = Box::new([Mask::NOBODY; ALLOW_MAX]);
    for (place, network) in all.iter_mut().zip(allowlist.iter().filter_map(|text| net(text))) {
        let length = match network {
            IpNet::V4(v4) => 96 + u32::from(v4.prefix_len()),
            IpNet::V6(v6) => u32::from(v6.prefix_len()),
        };
        let bits = u128::MAX.checked_shl(128 - length).unwrap_or(0);
        *place = Mask { base: bits_of(network.network()) & bits, bits };
    }
    all
}

fn is_within(masks: &[Mask; ALLOW_MAX], address: IpAddr) -> bool {
    let address = bits_of(address);
    masks.iter().fold(false, |found, mask| found | (address & mask.bits == mask.base))
}

fn bits_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length")
}

fn tag(key: &[u8; 32], secret: &str) -> [u8; 32] {
    mac(key).chain_update(secret.as_bytes()).finalize().into_bytes().into()
}

/// Unix seconds, or RFC 3339.
fn parse_timestamp(text: &str) -> Option<Time> {
    if !text.is_empty() && text.len() <= 12 && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse::<i64>().ok().map(|seconds| Time::from_millis(seconds * 1000));
    }
    Time::parse(text).ok()
}

/// `sha256=` and 64 hexadecimal digits, or the digits alone; and whether it was that.
fn parse_signature(text: &str) -> (bool, [u8; 32]) {
    let hex = text.strip_prefix("sha256=").unwrap_or(text);
    let mut raw = [0; 32];
    let well_formed = hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit());
    if well_formed {
        for (byte, pair) in raw.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok()).unwrap_or(0);
            *byte = digit(pair[0]) << 4 | digit(pair[1]);
        }
    }
    (well_formed, raw)
}

#[cfg(test)]
#[path = "authentic_tests.rs"]
mod tests;
