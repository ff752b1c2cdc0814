//! Which address a URL may be called at.
//!
//! - `https` reaches every public address. Everything else (private addresses, `http`) needs an entry of the admin's
//!   list with this very port, which names the address or the URL's host.
//! - Link-local and metadata addresses, and what is no single machine, are never called, whatever the list says.
//! - The judgement is on the address that is connected to, not on the name that led there.
//!
//! It knows nothing of how names are resolved and connections made.

use super::{
    EgressError,
    address::{AddressClass, judge},
    target::{Host, Target},
};
use crate::model::egress::{EgressEntry, EgressHost};
use crate::model::why::why;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Of the addresses that `target`'s host has, those that may be connected to, in the same order.
///
/// # Errors
/// [`EgressError::Forbidden`] for the first address when none may be; [`EgressError::Dns`] when there is none.
pub fn permitted(allow: &[EgressEntry], target: &Target, ips: &[IpAddr]) -> Result<Vec<SocketAddr>, EgressError> {
    let mut refused = None;
    let mut good = Vec::new();
    for ip in ips.iter().map(IpAddr::to_canonical) {
        match permit(allow, target, ip) {
            Ok(()) => {
                let addr = SocketAddr::new(ip, target.port);
                if !good.contains(&addr) {
                    good.push(addr);
                }
            }
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    match refused {
        _ if !good.is_empty() => Ok(good),
        Some(error) => Err(error),
        None => Err(EgressError::Dns("the name has no address".to_owned())),
    }
}

/// What can be said about `target` before its name is resolved.
///
/// # Errors
/// [`EgressError::Forbidden`] when no answer of the resolver could make it good.
pub fn form(allow: &[EgressEntry], target: &Target) -> Result<(), EgressError> {
    match &target.host {
        Host::Ip(ip) => permit(allow, target, *ip),
        Host::Name(name) if is_loopback_name(name) => permitted(allow, target, &LOOPBACK).map(|_| ()),
        Host::Name(_) if target.tls => Ok(()),
        // An entry for a network may turn out to cover the name.
        Host::Name(name) => {
            let hope = |e: &EgressEntry| e.port == target.port && matches!(&e.host, EgressHost::Net(_));
            if named(allow, target) || allow.iter().any(hope) {
                return Ok(());
            }
            let entry = EgressEntry::new(EgressHost::Name(name.clone()), target.port);
            let why = why!("place_plain", "{place} is not called without TLS (https)", place = name);
            Err(EgressError::Forbidden { why, entry: Some(entry) })
        }
    }
}

/// What `localhost` stands for, whatever a resolver says.
pub const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// `localhost` and what is below it (RFC 6761, 6.3).
pub fn is_loopback_name(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

fn permit(allow: &[EgressEntry], target: &Target, ip: IpAddr) -> Result<(), EgressError> {
    let class = judge(ip);
    let of = || match &target.host {
        Host::Name(name) => format!("{name} is at {ip}, which"),
        Host::Ip(ip) => ip.to_string(),
    };
    let listed = || named(allow, target) || covered(allow, ip, target.port);
    let why = match class {
        AddressClass::Never(what) => {
            let why = why!("place_never", "{place} is {what}", place = of(), what = what);
            return Err(EgressError::Forbidden { why, entry: None });
        }
        AddressClass::Public if target.tls => return Ok(()),
        _ if listed() => return Ok(()),
        AddressClass::Private(what) => why!("place_private", "{place} is {what}", place = of(), what = what),
        AddressClass::Public => why!("place_plain", "{place} is not called without TLS (https)", place = of()),
    };
    let entry = EgressEntry::new(EgressHost::Net(ip.into()), target.port);
    Err(EgressError::Forbidden { why, entry: Some(entry) })
}

/// Whether the list has the URL's host as a name.
fn named(allow: &[EgressEntry], target: &Target) -> bool {
    let Host::Name(name) = &target.host else { return false };
    allow.iter().any(|e| e.port == target.port && matches!(&e.host, EgressHost::Name(entry) if entry == name))
}

/// Whether the list has the address, itself or in a network.
fn covered(allow: &[EgressEntry], ip: IpAddr, port: u16) -> bool {
    allow.iter().any(|e| e.port == port && matches!(&e.host, EgressHost::Net(net) if net.contains(&ip)))
}
