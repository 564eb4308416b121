//! Whose address counts, behind proxies and at listeners for both families.

use std::collections::BTreeMap;

use actix_web::test::TestRequest;

use super::*;

fn behind(proxies: &str) -> Config {
    let env = [
        ("GEREGE_PUBLIC_URL", "https://id.steppe.example"),
        ("GEREGE_LISTEN__TRUSTED_PROXIES", proxies),
        ("GEREGE_MAIL__HOST", "127.0.0.1"),
        ("GEREGE_MAIL__SECURITY", "none"),
    ];
    let env: BTreeMap<_, _> = env.map(|(name, value)| (name.into(), value.into())).into();
    Config::load(None, &env, None).unwrap_or_else(|mistakes| {
        let all: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        panic!("{}", all.join("\n"))
    })
}

// PROTOCOL 7: the rightmost hop that is no trusted proxy.
#[test]
fn a_hop_is_believed_as_far_as_the_proxies_reach() {
    let near = behind("10.0.0.7, fd00::/8");
    let mapped = behind("::ffff:10.0.0.0/120");
    for (config, peer, hops, is) in [
        (&near, "10.0.0.7", "203.0.113.5", "203.0.113.5"),
        (&near, "10.0.0.8", "203.0.113.5", "10.0.0.8"),
        (&near, "fd00::1", "2001:db8::1", "2001:db8::1"),
        (
            &near,
            "10.0.0.7",
            "198.51.100.9, 203.0.113.5",
            "203.0.113.5",
        ),
        (&near, "10.0.0.7", "203.0.113.5, fd00::2", "203.0.113.5"),
        (&near, "10.0.0.7", "203.0.113.5:4711", "203.0.113.5"),
        (&near, "10.0.0.7", "[2001:db8::1]", "2001:db8::1"),
        (&near, "10.0.0.7", "203.0.113.5, nonsense", "10.0.0.7"),
        (&near, "10.0.0.7", "", "10.0.0.7"),
        // An IPv4 peer at a listener on [::], and one written so.
        (&near, "::ffff:10.0.0.7", "203.0.113.5", "203.0.113.5"),
        (&near, "::ffff:10.0.0.8", "203.0.113.5", "10.0.0.8"),
        (&near, "10.0.0.7", "::ffff:203.0.113.5", "203.0.113.5"),
        (
            &near,
            "10.0.0.7",
            "203.0.113.5, ::ffff:10.0.0.7",
            "203.0.113.5",
        ),
        (&mapped, "10.0.0.9", "203.0.113.5", "203.0.113.5"),
        (&mapped, "10.0.1.9", "203.0.113.5", "10.0.1.9"),
    ] {
        let peer: IpAddr = peer.parse().unwrap();
        let http = TestRequest::default()
            .peer_addr((peer, 4000).into())
            .insert_header(("x-forwarded-for", hops))
            .to_http_request();
        assert_eq!(far_end(&http, config).to_string(), is, "{peer}: {hops}");
    }
}
