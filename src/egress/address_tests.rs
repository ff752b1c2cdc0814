//! Tables for addresses: every special block by its borders, IPv4 in its IPv6 dresses, a million against a second table.

use super::*;

/// Every special block as its first and last address, and how it ranks: 1 private, 2 never.
const BLOCKS: &[(&str, &str, u8)] = &[
    ("0.0.0.0", "0.255.255.255", 2),
    ("10.0.0.0", "10.255.255.255", 1),
    ("100.64.0.0", "100.127.255.255", 1),
    ("100.100.100.200", "100.100.100.200", 2),
    ("127.0.0.0", "127.255.255.255", 1),
    ("168.63.129.16", "168.63.129.16", 2),
    ("169.254.0.0", "169.254.255.255", 2),
    ("172.16.0.0", "172.31.255.255", 1),
    ("192.0.0.0", "192.0.0.255", 1),
    ("192.0.0.192", "192.0.0.192", 2),
    ("192.0.2.0", "192.0.2.255", 1),
    ("192.31.196.0", "192.31.196.255", 1),
    ("192.52.193.0", "192.52.193.255", 1),
    ("192.88.99.0", "192.88.99.255", 1),
    ("192.168.0.0", "192.168.255.255", 1),
    ("192.175.48.0", "192.175.48.255", 1),
    ("198.18.0.0", "198.19.255.255", 1),
    ("198.51.100.0", "198.51.100.255", 1),
    ("203.0.113.0", "203.0.113.255", 1),
    ("224.0.0.0", "239.255.255.255", 2),
    ("240.0.0.0", "255.255.255.254", 1),
    ("255.255.255.255", "255.255.255.255", 2),
    ("::", "::", 2),
    ("::1", "::1", 1),
    ("::ffff:10.0.0.0", "::ffff:10.255.255.255", 1),
    ("::ffff:169.254.0.0", "::ffff:169.254.255.255", 2),
    ("::ffff:0:100:0", "::ffff:0:7eff:ffff", 1),
    ("64:ff9b::7f00:0", "64:ff9b::7fff:ffff", 1),
    ("64:ff9b::a9fe:0", "64:ff9b::a9fe:ffff", 2),
    ("100::", "100::ffff:ffff:ffff:ffff", 1),
    ("100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff", 1),
    ("2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", 1),
    ("2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff", 1),
    ("2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff", 1),
    ("2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", 1),
    ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 1),
    ("2002:100::", "2002:9ff:ffff:ffff:ffff:ffff:ffff:ffff", 1),
    ("2002:a9fe::", "2002:a9fe:ffff:ffff:ffff:ffff:ffff:ffff", 2),
    ("2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff", 1),
    ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", 1),
    ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1),
    ("fc00::", "fcff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1),
    ("fd00:ec2::", "fd00:ec2:ffff:ffff:ffff:ffff:ffff:ffff", 2),
    ("fd20:ce::254", "fd20:ce::254", 2),
    ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 2),
    ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1),
    ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 2),
];

/// Neighbours of special blocks that are public, and others.
const PUBLIC: &[&str] = &[
    "1.0.0.0",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "168.63.129.17",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "191.255.255.255",
    "192.0.1.0",
    "192.0.1.255",
    "192.0.3.0",
    "192.31.195.255",
    "192.31.197.0",
    "192.88.98.255",
    "192.88.100.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "198.51.101.0",
    "203.0.112.255",
    "203.0.114.0",
    "223.255.255.255",
    "8.8.8.8",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2000::",
    "2001:200::",
    "2001:db7:ffff::",
    "2001:db9::",
    "2001:4860:4860::8888",
    "2003::",
    "2620:4f:7fff:ffff::",
    "2620:4f:8001::",
    "3ffe:ffff::",
    "3fff:1000::",
    "2606:4700::1111",
];

fn rank(class: AddressClass) -> u8 {
    match class {
        Public => 0,
        Private(_) => 1,
        Never(_) => 2,
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn next(ip: IpAddr, up: bool) -> IpAddr {
    match ip {
        IpAddr::V4(v4) if up => Ipv4Addr::from_bits(v4.to_bits().wrapping_add(1)).into(),
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits().wrapping_sub(1)).into(),
        IpAddr::V6(v6) if up => Ipv6Addr::from_bits(v6.to_bits().wrapping_add(1)).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits().wrapping_sub(1)).into(),
    }
}

#[test]
fn every_special_block_ends_where_it_ends() {
    for (first, last, want) in BLOCKS {
        let (first, last) = (ip(first), ip(last));
        assert_eq!((rank(judge(first)), rank(judge(last))), (*want, *want), "{first} to {last}");
        for outside in [next(first, false), next(last, true)] {
            assert_eq!(rank(judge(outside)), other_table(outside), "{outside}, just outside {first} to {last}");
        }
    }
    for public in PUBLIC {
        assert_eq!(judge(ip(public)), Public, "{public}");
    }
}

#[test]
fn every_row_of_the_table_can_decide() {
    for (i, (net, _)) in TABLE.iter().enumerate() {
        let wider = TABLE[..i].iter().find(|(above, _)| above.contains(net));
        assert!(wider.is_none(), "{net} stands below {wider:?}");
    }
}

#[test]
fn what_an_address_carries_is_judged() {
    for (text, want) in [
        ("::ffff:127.0.0.1", 1),
        ("::ffff:169.254.169.254", 2),
        ("::7f00:1", 1),
        ("::a9fe:a9fe", 2),
        ("::ffff:0:a9fe:a9fe", 2),
        ("64:ff9b::a9fe:a9fe", 2),
        ("64:ff9b::c0a8:1", 1),
        ("64:ff9b:1::808:808", 2), // at another prefix length: 0.0.0.0
        ("64:ff9b:1:a9fe:a9:fe00::", 2),
        ("64:ff9b:1:a9:fe:a9fe::", 2),
        ("64:ff9b:1:102:a9:fea9:fe01:102", 2),
        ("2002:a9fe:a9fe::1", 2),
        ("2002:7f00:1::", 1),
        ("2002:808:808::1", 1),
        ("2001:0:a9fe:a9fe:0:0:f7f7:f7f7", 2),
        ("2001:0:808:808:0:0:5601:5601", 2),
        ("2001:0:808:808:0:0:f7f7:f7f7", 1),
    ] {
        assert_eq!(rank(judge(ip(text))), want, "{text}");
    }
    assert_eq!(judge(ip("::ffff:127.0.0.1")), Private("a loopback address"));
    assert_eq!(judge(ip("fd00:ec2::254")), Never("a metadata address"));
}

/// A million addresses: anywhere, at the special blocks, and IPv4 in every dress.
#[test]
fn a_million_addresses_are_judged_like_another_table_judges_them() {
    let mut chance = Chance(0x5eed);
    let mut seen = [0_u32; 3];
    for _ in 0..1_000_000 {
        let ip = chance.address();
        let want = other_table(ip);
        assert_eq!(rank(judge(ip)), want, "{ip}");
        seen[usize::from(want)] += 1;
    }
    assert!(seen.iter().all(|n| *n > 50_000), "each kind is tried: {seen:?}");
}

/// Splitmix64: the same addresses at every run.
struct Chance(u64);

impl Chance {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn v4(&mut self) -> u32 {
        let draw = self.draw();
        let near = BLOCKS[usize::try_from(draw >> 8).unwrap_or(0) % 22];
        let end = if draw & 2 == 0 { near.0 } else { near.1 };
        let IpAddr::V4(end) = ip(end) else { unreachable!("the first 22 are IPv4") };
        let spread = u32::try_from((draw >> 32) & 0xffff_ffff).unwrap_or(0);
        if draw & 1 == 0 { spread } else { end.to_bits().wrapping_add(spread & 0x1ff).wrapping_sub(0xff) }
    }

    fn address(&mut self) -> IpAddr {
        let draw = self.draw();
        let any = (u128::from(self.draw()) << 64) | u128::from(self.draw());
        let v4 = u128::from(self.v4());
        let shift = 8 * u32::try_from((draw >> 32) % 13).unwrap_or(0);
        let bits = match draw % 12 {
            0..4 => return Ipv4Addr::from_bits(self.v4()).into(),
            4 => any,
            5 => (any >> 3) | (1 << 125),
            6 => v4 | (0xffff << 32),
            7 => v4 | (0x64_ff9b << 96),
            8 => {
                (0x0064_ff9b_0001 << 80)
                    | (any & ((1 << 80) - 1) & !(0xffff_ffff << (shift % 48)))
                    | (v4 << (shift % 48))
            }
            9 => (0x2002 << 112) | (v4 << 80) | (any & 0xffff_ffff),
            10 => (0x2001 << 112) | (v4 << 64) | u128::from(!self.v4()),
            _ => {
                let block = BLOCKS[22 + usize::try_from(draw >> 40).unwrap_or(0) % (BLOCKS.len() - 22)];
                let IpAddr::V6(end) = ip(if draw & (1 << 39) == 0 { block.0 } else { block.1 }) else {
                    unreachable!("all but the first 22 are IPv6")
                };
                let off = any >> (8 + any % 120);
                if draw & (1 << 38) == 0 { end.to_bits().wrapping_add(off) } else { end.to_bits().wrapping_sub(off) }
            }
        };
        Ipv6Addr::from_bits(bits).into()
    }
}

/// The same knowledge written another way: IPv4 by its four numbers, IPv6 by the beginning of its 32 digits.
fn other_table(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(v4) => other_v4(v4.octets()),
        IpAddr::V6(v6) => other_v6(&format!("{:032x}", v6.to_bits())),
    }
}

fn other_v4(octets: [u8; 4]) -> u8 {
    match octets {
        [0, ..] | [169, 254, ..] | [224..=239, ..] | [255, 255, 255, 255] => 2,
        [100, 100, 100, 200] | [168, 63, 129, 16] | [192, 0, 0, 192] => 2,
        [10 | 127 | 240..=255, ..] | [100, 64..=127, ..] | [172, 16..=31, ..] | [192, 168, ..] | [198, 18 | 19, ..] => {
            1
        }
        [192, 0, 0 | 2, _] | [192, 31, 196, _] | [192, 52, 193, _] | [192, 88, 99, _] | [192, 175, 48, _] => 1,
        [198, 51, 100, _] | [203, 0, 113, _] => 1,
        _ => 0,
    }
}

fn other_v6(digits: &str) -> u8 {
    let starts = |any: &[&str]| any.iter().any(|start| digits.starts_with(start));
    let v4 = |part: String| other_v4(u32::from_str_radix(&part, 16).expect("eight digits").to_be_bytes());
    let tail = || v4(digits[24..].to_owned());
    let zeros = |n: usize| "0".repeat(n);
    if digits == zeros(32) {
        return 2;
    }
    if digits == format!("{}1", zeros(31)) {
        return 1;
    }
    if starts(&[&format!("{}ffff", zeros(20)), &format!("0064ff9b{}", zeros(16))]) {
        return tail();
    }
    if starts(&[&zeros(24), &format!("{}ffff0000", zeros(16))]) {
        return tail().max(1);
    }
    if starts(&["0064ff9b0001"]) {
        let inside = [(12..16, 18..22), (14..16, 18..24), (16..16, 18..26), (24..24, 24..32)];
        let worst = inside.map(|(a, b)| v4(format!("{}{}", &digits[a], &digits[b])));
        return worst.into_iter().max().unwrap_or(0).max(1);
    }
    if starts(&["2002"]) {
        return v4(digits[4..12].to_owned()).max(1);
    }
    if starts(&["20010000"]) {
        let turned = u32::from_str_radix(&digits[24..], 16).expect("eight digits") ^ u32::MAX;
        return v4(digits[8..16].to_owned()).max(other_v4(turned.to_be_bytes())).max(1);
    }
    if starts(&["fe8", "fe9", "fea", "feb", "ff", "fd000ec2"]) || digits == format!("fd2000ce{}0254", zeros(20)) {
        return 2;
    }
    let set_aside = ["200100", "200101", "20010db8", "2620004f8000", "3fff0"];
    u8::from(starts(&set_aside) || !starts(&["2", "3"]))
}
