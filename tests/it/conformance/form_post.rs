//! oidcc-formpost-basic-certification-test-plan: the answer as a form that sends itself, or by a
//! button where there is no script.

use super::*;
use crate::http::{attribute, unescape};

/// The fields of the form on the page that leads back.
#[track_caller]
fn fields(page: &Answer) -> BTreeMap<String, String> {
    let html = page.text();
    let form = html.split("<form").nth(1).expect("a form");
    let form = form.split("</form>").next().unwrap();
    assert!(form.contains(&format!("action=\"{CALLBACK}\"")), "{form}");
    assert!(form.contains("method=\"post\""));
    form.split("<input")
        .skip(1)
        .filter_map(|tag| {
            let tag = tag.split('>').next()?;
            let value = attribute(tag, "value").unwrap_or_default();
            Some((attribute(tag, "name")?, unescape(&value)))
        })
        .collect()
}

#[test]
fn oidcc_server_form_post() {
    let mut suite = Suite::new();
    let at = suite.request(&[("response_mode", "form_post")]);
    let (page, _) = suite.walk(&at);
    let answer = fields(&page.is(200));
    assert_eq!(answer["state"], "state-of-the-suite");
    assert_eq!(answer["iss"], suite.app.origin);
    let tokens = suite.redeem("suite", &answer["code"]).is(200).json();
    let claims = suite.id_token("suite", &tokens);
    assert_eq!(claims["nonce"], "nonce-of-the-suite");
}

#[test]
fn oidcc_prompt_none_not_logged_in_form_post() {
    let mut suite = Suite::new();
    let at = suite.request(&[("response_mode", "form_post"), ("prompt", "none")]);
    let (page, _) = suite.walk(&at);
    let answer = fields(&page.is(200));
    assert_eq!(answer["error"], "login_required");
    assert_eq!(answer["state"], "state-of-the-suite");
}

#[test]
fn oidcc_response_type_missing_form_post() {
    let mut suite = Suite::new();
    let at = suite.request(&[("response_mode", "form_post"), ("response_type", "")]);
    let (page, _) = suite.walk(&at);
    assert_eq!(fields(&page.is(200))["error"], "invalid_request");
}
