//! Which addresses everyone may reach. All others stand inside somebody's network, or nowhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 networks that are not everyone's (RFC 6890 and the IANA registry that continues it), and
/// the one public address at which a cloud tells its machines their secrets.
const V4: [(u32, u32); 17] = [
    net(0, 0, 0, 0, 8),        // this network
    net(10, 0, 0, 0, 8),       // private, RFC 1918
    net(100, 64, 0, 0, 10),    // carriers, RFC 6598; a cloud's metadata too
    net(127, 0, 0, 0, 8),      // loopback
    net(168, 63, 129, 16, 32), // a cloud's metadata
    net(169, 254, 0, 0, 16),   // link-local, RFC 3927; metadata of most clouds
    net(172, 16, 0, 0, 12),    // private, RFC 1918
    net(192, 0, 0, 0, 24),     // protocol assignments
    net(192, 0, 2, 0, 24),     // documentation, RFC 5737
    net(192, 88, 99, 0, 24),   // 6to4 relays, RFC 7526
    net(192, 168, 0, 0, 16),   // private, RFC 1918
    net(198, 18, 0, 0, 15),    // benchmarks, RFC 2544
    net(198, 51, 100, 0, 24),  // documentation
    net(203, 0, 113, 0, 24),   // documentation
    net(224, 0, 0, 0, 4),      // multicast
    net(240, 0, 0, 0, 4),      // reserved, and broadcast
    net(192, 31, 196, 0, 24),  // AS112, RFC 7535
];

const fn net(a: u8, b: u8, c: u8, d: u8, bits: u32) -> (u32, u32) {
    (u32::from_be_bytes([a, b, c, d]), u32::MAX << (32 - bits))
}

/// Whether an address is one that everyone may reach.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let bits = u32::from(ip);
    !V4.iter().any(|(net, mask)| bits & mask == *net)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let parts = ip.segments();
    let inner = || {
        let [.., high, low] = parts;
        Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
    };
    match parts {
        // IPv4-mapped (RFC 4291 2.5.5.2)
        [0, 0, 0, 0, 0, 0xffff, ..] => is_public_v4(inner()),
        // NAT64 (RFC 6052 2.1): as good as what lies within.
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => is_public_v4(inner()),
        // Protocol assignments, Teredo and ORCHID among them (RFC 2928)
        [0x2001, second, ..] if second < 0x200 => false,
        // Documentation (RFC 3849, RFC 9637)
        [0x2001, 0xdb8, ..] => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        // 6to4 (RFC 7526): leads to whatever IPv4 address lies within.
        [0x2002, ..] => false,
        // All that is given out today (RFC 4291 2.4); the rest is loopback, ULA, link-local, …
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_inside_a_network_is_not_public() {
        for (address, public) in [
            ("1.1.1.1", true),
            ("8.8.8.8", true),
            ("100.63.255.255", true),
            ("100.128.0.0", true),
            ("172.15.255.255", true),
            ("172.32.0.0", true),
            ("192.167.255.255", true),
            ("198.20.0.0", true),
            ("223.255.255.255", true),
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("10.0.0.1", false),
            ("100.64.0.1", false),
            ("100.100.100.200", false),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("168.63.129.16", false),
            ("168.63.129.17", true),
            ("169.254.169.254", false),
            ("169.254.170.2", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.0.0.192", false),
            ("192.0.2.1", false),
            ("192.168.1.1", false),
            ("198.18.0.1", false),
            ("198.51.100.1", false),
            ("203.0.113.1", false),
            ("224.0.0.1", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("2606:4700::1111", true),
            ("2a00:1450::1", true),
            ("2001:4860:4860::8888", true),
            ("::", false),
            ("::1", false),
            ("::127.0.0.1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:10.0.0.1", false),
            ("::ffff:169.254.169.254", false),
            ("::ffff:8.8.8.8", true),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b::a9fe:a9fe", false),
            ("64:ff9b::808:808", true),
            ("64:ff9b:1::808:808", false),
            ("100::1", false),
            ("2001::1", false),
            ("2001:20::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::", false),
            ("3fff::1", false),
            ("fc00::1", false),
            ("fd00:ec2::254", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
            ("4000::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }
}
