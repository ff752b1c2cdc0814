//! What kind of place an IP address is.
//!
//! - The table holds every block that the IANA keeps for something special (its IPv4 and IPv6 special-purpose
//!   registries, the multicast blocks), and the few addresses where clouds answer questions about the machine. The
//!   first row that has the address decides, so a narrow row stands above a wide one.
//! - IPv6 outside `2000::/3` is not handed out yet and therefore not public, whatever it will be one day.
//! - An IPv6 address that carries an IPv4 address (mapped, compatible, translated, tunnelled) is judged by what it
//!   carries too: the stricter of the two holds.
//!
//! It knows nothing of names, ports and of what an admin allows.

use ipnet::IpNet;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::LazyLock,
};

/// What may be done with an address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum AddressClass {
    /// An address of the public internet.
    Public,
    /// Of this machine, of a private network or of no network at all: only for whoever is on the admin's list.
    Private(&'static str),
    /// Nobody's business, listed or not: where a cloud hands out its keys, and what is no single machine.
    Never(&'static str),
}

use AddressClass::{Never, Private, Public};

/// The special blocks; the first that has an address decides.
const SPECIAL: &[(&str, AddressClass)] = &[
    // IPv4: where a cloud answers about the machine itself.
    ("169.254.0.0/16", Never("a link-local or metadata address")),
    ("100.100.100.200/32", Never("a metadata address")),
    ("168.63.129.16/32", Never("a metadata address")),
    ("192.0.0.192/32", Never("a metadata address")),
    // IPv4: no single machine. On Linux a call to 0.0.0.0 reaches this machine.
    ("0.0.0.0/8", Never("no address of a machine")),
    ("224.0.0.0/4", Never("a multicast address")),
    ("255.255.255.255/32", Never("a broadcast address")),
    // IPv4: here, or near.
    ("127.0.0.0/8", Private("a loopback address")),
    ("10.0.0.0/8", Private("a private address")),
    ("172.16.0.0/12", Private("a private address")),
    ("192.168.0.0/16", Private("a private address")),
    ("100.64.0.0/10", Private("an address behind a carrier's NAT")),
    // IPv4: set aside.
    ("192.0.0.0/24", Private("an address for IETF protocols")),
    ("192.0.2.0/24", Private("an address for documentation")),
    ("192.31.196.0/24", Private("an AS112 address")),
    ("192.52.193.0/24", Private("a multicast tunnel's address")),
    ("192.88.99.0/24", Private("a 6to4 relay's address")),
    ("192.175.48.0/24", Private("an AS112 address")),
    ("198.18.0.0/15", Private("an address for benchmarks")),
    ("198.51.100.0/24", Private("an address for documentation")),
    ("203.0.113.0/24", Private("an address for documentation")),
    ("240.0.0.0/4", Private("a reserved address")),
    // IPv6: where a cloud answers about the machine itself.
    ("fd00:ec2::/32", Never("a metadata address")),
    ("fd20:ce::254/128", Never("a metadata address")),
    ("fe80::/10", Never("a link-local address")),
    // IPv6: no single machine.
    ("::/128", Never("no address of a machine")),
    ("ff00::/8", Never("a multicast address")),
    ("100::/64", Private("a discard-only address")),
    ("100:0:0:1::/64", Private("a dummy address")),
    // IPv6: here, or near.
    ("::1/128", Private("a loopback address")),
    ("fc00::/7", Private("a private address")),
    ("fec0::/10", Private("a site-local address")),
    // IPv6: IPv4 in another dress; what is inside is judged as well.
    ("::ffff:0:0/96", Public),
    ("64:ff9b::/96", Public),
    ("64:ff9b:1::/48", Private("a locally translated address")),
    ("::ffff:0:0:0/96", Private("a translated address")),
    ("::/96", Private("an IPv4-compatible address")),
    ("2001::/32", Private("a Teredo address")),
    ("2002::/16", Private("a 6to4 address")),
    // IPv6: set aside.
    ("2001:2::/48", Private("an address for benchmarks")),
    ("2001:3::/32", Private("a multicast tunnel's address")),
    ("2001:4:112::/48", Private("an AS112 address")),
    ("2001:10::/28", Private("an ORCHID")),
    ("2001:20::/28", Private("an ORCHID")),
    ("2001:30::/28", Private("a drone's identity")),
    ("2001::/23", Private("an address for IETF protocols")),
    ("2001:db8::/32", Private("an address for documentation")),
    ("2620:4f:8000::/48", Private("an AS112 address")),
    ("3fff::/20", Private("an address for documentation")),
    ("5f00::/16", Private("a segment routing identifier")),
    ("2000::/3", Public),
    ("::/0", Private("an address that nobody was given")),
];

static TABLE: LazyLock<Vec<(IpNet, AddressClass)>> = LazyLock::new(|| {
    let parsed = |(net, class): &(&str, AddressClass)| (net.parse().expect("the table holds networks"), *class);
    SPECIAL.iter().map(parsed).collect()
});

/// What kind of place `ip` is.
pub fn judge(ip: IpAddr) -> AddressClass {
    let own = TABLE.iter().find(|(net, _)| net.contains(&ip)).map_or(Public, |(_, class)| *class);
    let IpAddr::V6(v6) = ip else { return own };
    carried(v6).into_iter().flatten().map(|v4| judge(IpAddr::V4(v4))).fold(own, stricter)
}

/// The first of two classes unless the second is stricter, so that a reason names the outermost dress.
fn stricter(one: AddressClass, other: AddressClass) -> AddressClass {
    let rank = |class| match class {
        Public => 0,
        Private(_) => 1,
        Never(_) => 2,
    };
    if rank(other) > rank(one) { other } else { one }
}

/// The IPv4 addresses that an IPv6 address may stand for.
///
/// Where a local translator keeps the IPv4 address depends on its prefix length (RFC 6052, 2.2), which is not to be
/// seen in the address: all the places are looked at.
fn carried(v6: Ipv6Addr) -> [Option<Ipv4Addr>; 4] {
    let bits = v6.to_bits();
    let at = |shift: u32| Some(Ipv4Addr::from_bits(u32::try_from((bits >> shift) & 0xffff_ffff).unwrap_or(0)));
    let s = v6.segments();
    match s {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => [None; 4],
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
            [at(0), None, None, None]
        }
        // Bits 64 to 71 are skipped: a /48 has 16 bits before and 16 behind, a /56 has 8 and 24, a /64 all behind.
        [0x64, 0xff9b, 1, ..] => [at(0), Some(split(bits, 64, 40, 16)), Some(split(bits, 64, 32, 24)), at(24)],
        [0x2002, ..] => [at(80), None, None, None],
        // The server in the clear, the client behind its NAT with every bit turned over.
        [0x2001, 0, ..] => [at(64), at(0).map(|v4| Ipv4Addr::from_bits(!v4.to_bits())), None, None],
        _ => [None; 4],
    }
}

/// An IPv4 address in two parts: the upper end at bit `high`, and `low_len` bits from bit `low` on.
fn split(bits: u128, high: u32, low: u32, low_len: u32) -> Ipv4Addr {
    let mask = |len: u32| (1_u128 << len) - 1;
    let whole = (((bits >> high) & mask(32 - low_len)) << low_len) | ((bits >> low) & mask(low_len));
    Ipv4Addr::from_bits(u32::try_from(whole).unwrap_or(0))
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
