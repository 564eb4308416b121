//! The table of URLs beside the document: nothing that programs ask is there without being told,
//! but for what stands here with its reason.

use super::*;
use crate::routes::routes;

/// URLs that programs ask and that the document does not tell, each with its reason.
const UNTOLD: [(&str, &str); 13] = [
    ("/.well-known/openid-configuration", "the document itself"),
    (
        "/.well-known/oauth-authorization-server",
        "the document itself",
    ),
    (
        "/.well-known/openid-configuration/services/{id}",
        "a service's own document",
    ),
    (
        "/.well-known/oauth-authorization-server/services/{id}",
        "a service's own document",
    ),
    (
        "/services/{id}/.well-known/openid-configuration",
        "a service's own document",
    ),
    (
        "/services/{id}/.well-known/oauth-authorization-server",
        "a service's own document",
    ),
    (
        "/.well-known/oauth-protected-resource/services/{id}",
        "a service's own document (RFC 9728)",
    ),
    (
        "/services/{id}/jwks.json",
        "told by the service's own document",
    ),
    (
        "/services/{id}/current.{form}",
        "for a service's operator, who configures it",
    ),
    (
        "/services/{id}/status/{list}",
        "told by each token (Token Status List 6.2)",
    ),
    (
        "/services/{id}/userinfo",
        "for a service's operator, who configures it",
    ),
    (
        "/oauth2/authorize/{id}",
        "where a stored request goes on; nobody asks it by name",
    ),
    (
        "/oauth2/register/{id}",
        "told in the answer to a registration (RFC 7592 2)",
    ),
];

/// Where people and the operator are, by the first step: no app asks there.
const PEOPLE: [&str; 20] = [
    "",
    "favicon.ico",
    "robots.txt",
    "cookies",
    "help",
    "terms",
    "signup",
    "e",
    "signin",
    "signout",
    "confirm",
    "forgot",
    "reset",
    "account",
    "device",
    "consent",
    "dev",
    "static",
    "healthz",
    "readyz",
];

/// A URL that is added is told, or stands above with the reason why not; one that is told is there.
#[test]
fn every_url_for_programs_is_told_or_has_its_reason() {
    let world = World::new("urls");
    let mut told: BTreeSet<String> = world
        .told
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri")
        .map(|(_, at)| world.path(at))
        .collect();
    // Grant Management 6: the grant's id stands below.
    assert!(told.remove(&world.at("grant_management_endpoint")));
    told.insert(format!("{}/{{id}}", world.at("grant_management_endpoint")));
    let all = routes();
    for (route, _) in UNTOLD {
        assert!(all.iter().any(|one| one == route), "{route} is no URL");
        assert!(!told.contains(route), "{route} is told");
    }
    for route in &all {
        let first = route.split('/').nth(1).unwrap_or_default();
        let known = UNTOLD.iter().any(|(untold, _)| untold == route);
        let people = PEOPLE.contains(&first);
        let places = usize::from(people) + usize::from(known) + usize::from(told.remove(route));
        assert_eq!(places, 1, "{route}");
    }
    assert!(told.is_empty(), "{told:?} are told and not there");
    let _ = std::fs::remove_dir_all(&world.folder);
}
