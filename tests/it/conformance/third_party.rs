//! oidcc-3rdparty-init-login-certification-test-plan: a sign-in that begins at the provider.

use super::*;
use crate::register::{DOOR, open, registered, send};
use crate::road::text;

const START: &str = "https://suite.example/test/a/gerege/login";

#[test]
fn oidcc_3rd_party_init_login() {
    let mut suite = Suite::at(open());
    let body = json!({ "redirect_uris": [CALLBACK], "initiate_login_uri": START });
    let client = registered(&suite.app, &body);
    let id = text(&client, "client_id");
    assert_eq!(client["initiate_login_uri"], START);
    let at = text(&client, "registration_client_uri");
    let at = at.strip_prefix(&suite.app.origin).expect("it lies here");
    let bearer = format!("Bearer {}", text(&client, "registration_access_token"));
    let mut manager = suite.app.browser().with("Authorization", &bearer);
    let read = manager.get(at).is(200).json();
    assert_eq!(read["initiate_login_uri"], START);
    suite.code(&[("client_id", &id)]);
    let apps = suite.browser.get("/account/apps").is(200).text();
    let issuer: String =
        url::form_urlencoded::byte_serialize(suite.app.origin.as_bytes()).collect();
    let link = format!("href=\"{START}?iss={issuer}\"");
    assert!(apps.contains(&link), "{apps}");
    // The suite then sends the browser with a request of its own, as always.
    suite.code(&[("client_id", &id), ("state", "begun-there")]);
}

#[test]
fn oidcc_3rd_party_init_login_nohttps() {
    let suite = Suite::at(open());
    let at = START.replace("https", "http");
    let body = json!({ "redirect_uris": [CALLBACK], "initiate_login_uri": at });
    let answer = send(&mut suite.app.browser(), "POST", DOOR, &body).is(400);
    assert_eq!(answer.json()["error"], "invalid_client_metadata");
}
