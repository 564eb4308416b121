//! Which `sub` a client sees (OpenID Connect Core 8; PROTOCOL.md 1: computed for its reader).

use url::Url;

use super::client::Client;
use super::redirect::{Kind, register_check};
use super::registration::{Origin, SubjectType};

/// What the clients of one owner share, so that they know a person by the same `sub`: the host of
/// `sector_identifier_uri`, else the one host of all its addresses (OpenID Connect Core 8.1). An
/// app on the person's own machine has no host of its own, and is a sector by itself. `None` when
/// the hosts differ.
///
/// The operator's word binds a host to an app. A stranger's does not: whoever has codes sent to the
/// person's machine could name beside it a host of somebody else, and would see that one's `sub`s.
pub fn sector(client: &Client) -> Option<String> {
    let alone = format!("client:{}", client.id); // no host has a colon
    let named = client.registration.sector_identifier_uri.as_ref();
    // OpenID Connect Registration 5: the list there is read when an app registers, and for no
    // document.
    if let Some(uri) = named.filter(|_| client.registration.origin != Origin::Document) {
        return host(uri);
    }
    let is_web = |uri: &String| register_check(uri) == Ok(Kind::Https);
    if client.is_strangers() && !client.redirects.iter().all(is_web) {
        return Some(alone);
    }
    let mut hosts: Vec<String> = client
        .redirects
        .iter()
        .filter(|uri| is_web(uri))
        .filter_map(|uri| host(uri))
        .collect();
    hosts.sort();
    hosts.dedup();
    match hosts.as_slice() {
        [] => Some(alone),
        [only] => Some(only.clone()),
        _ => None,
    }
}

/// The sector by which a client's `sub` is computed (OpenID Connect Core 8.1); `None` where it sees
/// the public one.
pub fn pairwise(client: &Client) -> Option<String> {
    match client.registration.subject_type {
        SubjectType::Public => None, // OpenID Connect Core 8
        // Never the public one, even if its addresses came to differ.
        SubjectType::Pairwise => {
            Some(sector(client).unwrap_or_else(|| format!("client:{}", client.id)))
        }
    }
}

fn host(uri: &str) -> Option<String> {
    Some(Url::parse(uri).ok()?.host_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::client::tests::client;

    #[test]
    fn a_sector_is_the_one_host_that_an_owner_has() {
        use Origin::{Document, Operator, Registered};
        let (one, two) = ("https://a.example/1", "https://b.example/2");
        let (machine, scheme) = ("http://127.0.0.1/cb", "com.example.app:/cb");
        let list = "https://owner.example/list.json";
        let alone = Some("client:forum");
        for (origin, redirects, uri, wanted) in [
            (Operator, &[one][..], None, Some("a.example")),
            (
                Operator,
                &[one, "https://a.example/2"],
                None,
                Some("a.example"),
            ),
            (Operator, &[one, two], None, None),
            (Operator, &[one, two], Some(list), Some("owner.example")),
            (Operator, &[machine], None, alone),
            (Operator, &[scheme], None, alone),
            (Operator, &[machine, one], None, Some("a.example")),
            (Registered, &[one], None, Some("a.example")),
            (Registered, &[one, two], None, None),
            // The list was read, and names each of them.
            (
                Registered,
                &[machine, one],
                Some(list),
                Some("owner.example"),
            ),
            (Registered, &[machine, one], None, alone),
            (Registered, &[scheme, one], None, alone),
            (Registered, &[one, scheme], None, alone),
            (Document, &[one], None, Some("a.example")),
            (Document, &[machine, one], None, alone),
            (Document, &[one], Some(list), Some("a.example")),
            (Document, &[machine], Some(list), alone),
        ] {
            let mut app = client(redirects, "openid");
            app.registration.origin = origin;
            app.registration.sector_identifier_uri = uri.map(str::to_owned);
            assert_eq!(sector(&app).as_deref(), wanted, "{origin:?} {redirects:?}");
            assert_eq!(pairwise(&app), None);
            app.registration.subject_type = SubjectType::Pairwise;
            assert!(pairwise(&app).is_some());
        }
    }
}
