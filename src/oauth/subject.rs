//! Which `sub` a client sees (OpenID Connect Core 8; PROTOCOL.md 1: computed for its reader).

use url::Url;

use super::client::Client;
use super::redirect::{Kind, register_check};
use super::registration::SubjectType;

/// What the clients of one owner share, so that they know a person by the same `sub`: the host of
/// `sector_identifier_uri`, else the one host of all its addresses (OpenID Connect Core 8.1). An
/// app on the person's own machine has no host of its own, and is a sector by itself. `None` when
/// the hosts differ.
pub fn sector(client: &Client) -> Option<String> {
    if let Some(uri) = &client.registration.sector_identifier_uri {
        return host(uri);
    }
    let mut hosts: Vec<String> = client
        .redirects
        .iter()
        .filter(|uri| register_check(uri) == Ok(Kind::Https))
        .filter_map(|uri| host(uri))
        .collect();
    hosts.sort();
    hosts.dedup();
    match hosts.as_slice() {
        // No host has a colon.
        [] => Some(format!("client:{}", client.id)),
        [only] => Some(only.clone()),
        _ => None,
    }
}

/// The sector by which a client's `sub` is computed; `None` where it sees the public one.
pub fn pairwise(client: &Client) -> Option<String> {
    match client.registration.subject_type {
        SubjectType::Public => None,
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
        for (redirects, uri, wanted) in [
            (&["https://a.example/1"][..], None, Some("a.example")),
            (
                &["https://a.example/1", "https://a.example/2"],
                None,
                Some("a.example"),
            ),
            (&["https://a.example/1", "https://b.example/2"], None, None),
            (
                &["https://a.example/1", "https://b.example/2"],
                Some("https://owner.example/list.json"),
                Some("owner.example"),
            ),
            (&["http://127.0.0.1/cb"], None, Some("client:forum")),
            (&["com.example.app:/cb"], None, Some("client:forum")),
            (
                &["http://127.0.0.1/cb", "https://a.example/1"],
                None,
                Some("a.example"),
            ),
        ] {
            let mut app = client(redirects, "openid");
            app.registration.sector_identifier_uri = uri.map(str::to_owned);
            assert_eq!(sector(&app).as_deref(), wanted, "{redirects:?}");
            assert_eq!(pairwise(&app), None);
            app.registration.subject_type = SubjectType::Pairwise;
            assert!(pairwise(&app).is_some());
        }
    }
}
