//! Every special range by its borders, and IPv4 in its IPv6 dresses.

use super::*;

fn class(text: &str) -> &'static str {
    match judge(text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))) {
        Public => "public",
        Private(_) => "private",
        Never(_) => "never",
    }
}

#[test]
fn borders_of_the_special_ranges() {
    let rows = [
        ("1.1.1.1", "public"),
        ("8.8.8.8", "public"),
        ("0.0.0.0", "never"),
        ("0.255.255.255", "never"),
        ("1.0.0.0", "public"),
        ("9.255.255.255", "public"),
        ("10.0.0.0", "private"),
        ("10.255.255.255", "private"),
        ("11.0.0.0", "public"),
        ("100.63.255.255", "public"),
        ("100.64.0.0", "private"),
        ("100.100.100.200", "never"),
        ("100.127.255.255", "private"),
        ("100.128.0.0", "public"),
        ("126.255.255.255", "public"),
        ("127.0.0.1", "private"),
        ("127.255.255.255", "private"),
        ("128.0.0.0", "public"),
        ("169.253.255.255", "public"),
        ("169.254.169.254", "never"),
        ("169.255.0.0", "public"),
        ("172.15.255.255", "public"),
        ("172.16.0.0", "private"),
        ("172.31.255.255", "private"),
        ("172.32.0.0", "public"),
        ("192.0.2.1", "private"),
        ("192.167.255.255", "public"),
        ("192.168.0.0", "private"),
        ("192.169.0.0", "public"),
        ("198.17.255.255", "public"),
        ("198.18.0.0", "private"),
        ("198.20.0.0", "public"),
        ("223.255.255.255", "public"),
        ("224.0.0.1", "never"),
        ("240.0.0.1", "private"),
        ("255.255.255.255", "never"),
        ("2606:4700::1111", "public"),
        ("::", "never"),
        ("::1", "private"),
        ("fe80::1", "never"),
        ("febf::1", "never"),
        ("fec0::1", "private"),
        ("fc00::1", "private"),
        ("fdff::1", "private"),
        ("fd00:ec2::254", "never"),
        ("ff02::1", "never"),
        ("2001:db8::1", "private"),
        ("4000::1", "private"),
        ("3fff::1", "private"),
    ];
    for (address, expected) in rows {
        assert_eq!(class(address), expected, "{address}");
    }
}

#[test]
fn an_ipv4_address_in_another_dress_is_judged_by_what_it_is() {
    let rows = [
        ("::ffff:127.0.0.1", "private"),
        ("::ffff:169.254.169.254", "never"),
        ("::ffff:8.8.8.8", "public"),
        ("64:ff9b::7f00:1", "private"),
        ("64:ff9b::a9fe:a9fe", "never"),
        ("64:ff9b::808:808", "public"),
        ("2002:7f00:1::", "private"),
        ("2002:a9fe:a9fe::", "never"),
        ("::127.0.0.1", "private"),
        ("::a9fe:a9fe", "never"),
        ("2001:0:a9fe:a9fe::", "never"),
        ("2001::5601:5601", "never"),
        ("64:ff9b:1::a9fe:a9fe", "never"),
        ("::ffff:0:169.254.169.254", "never"),
    ];
    for (address, expected) in rows {
        assert_eq!(class(address), expected, "{address}");
    }
}

/// A second opinion on IPv4, by arithmetic instead of the table.
fn is_public_v4(a: u32) -> bool {
    let within = |base: u32, bits: u32| a >> (32 - bits) == base >> (32 - bits);
    let special = [
        (0, 8),
        (0x0a00_0000, 8),
        (0x6440_0000, 10),
        (0x7f00_0000, 8),
        (0xa83f_8110, 32),
        (0xa9fe_0000, 16),
        (0xac10_0000, 12),
        (0xc000_0000, 24),
        (0xc000_0200, 24),
        (0xc01f_c400, 24),
        (0xc034_c100, 24),
        (0xc058_6300, 24),
        (0xc0a8_0000, 16),
        (0xc0af_3000, 24),
        (0xc612_0000, 15),
        (0xc633_6400, 24),
        (0xcb00_7100, 24),
    ];
    a < 0xe000_0000 && !special.iter().any(|(base, bits)| within(*base, *bits))
}

#[test]
fn a_million_addresses_are_judged_like_by_the_second_opinion() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for n in 0..1_000_000_u32 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // Every third one close to a border of a /8, where mistakes live.
        let random = (state >> 32) as u32;
        let address = if n % 3 == 0 { (random & 0xff00_0000).wrapping_add(n % 7).wrapping_sub(3) } else { random };
        let v4 = Ipv4Addr::from_bits(address);
        assert_eq!(judge(v4.into()) == Public, is_public_v4(address), "{v4}");
        assert_eq!(judge(v4.to_ipv6_mapped().into()) == Public, is_public_v4(address), "{v4} mapped");
    }
}
