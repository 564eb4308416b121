//! Tables of claims.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::oauth::access_token::{AccessToken, access_token};
use crate::oauth::service::tests::service;
use crate::oauth::step_up::ACR_PASSWORD;

const ISSUER: &str = "https://steppe.example";

fn person() -> Person {
    Person {
        sub: "p1".into(),
        username: "temuulen".into(),
        name: "Temuulen B.".into(),
        email: "temuulen@mail.example".into(),
        email_verified: true,
        updated_at: Time::from_seconds(50),
        language: "mn".into(),
    }
}

fn grant(scopes: &str) -> Grant {
    Grant {
        id: "g1".into(),
        account_id: "p1".into(),
        client_id: "forum".into(),
        sid: "s1".into(),
        scopes: scope::parse(scopes).unwrap(),
        resources: vec![],
        offline: false,
        claims: Default::default(),
        details: Default::default(),
        nonce: Some("n1".into()),
        auth_time: Time::from_seconds(90),
        amr: vec!["pwd".into()],
        dpop_jkt: None,
        managed: None,
        created_at: Time::from_seconds(95),
        revoked_at: None,
    }
}

fn ask<'a>(grant: &'a Grant, person: &'a Person) -> IdToken<'a> {
    IdToken {
        issuer: ISSUER,
        grant,
        person,
        access_token: None,
        algorithm: Algorithm::RS256,
        profile: false,
        with_nonce: true,
        acr: Some(ACR_PASSWORD),
        now: Time::from_millis(100_999),
        ttl: Duration::from_secs(600),
    }
}

#[test]
fn an_id_token_says_who_signed_in_and_how() {
    let (grant, person) = (grant("openid profile email"), person());
    let mut token = ask(&grant, &person);
    let mut wanted = json!({
        "iss": ISSUER, "sub": "p1", "aud": "forum", "azp": "forum", "iat": 100, "exp": 700,
        "auth_time": 90, "sid": "s1", "amr": ["pwd"], "acr": ACR_PASSWORD, "nonce": "n1"
    });
    assert_eq!(Value::Object(id_token(&token)), wanted);
    token.profile = true;
    for (name, value) in userinfo(&person, &grant.scopes, &[]) {
        wanted[name] = value;
    }
    assert_eq!(Value::Object(id_token(&token)), wanted);
    // OpenID Connect Core 12.2: a refreshed one keeps `auth_time` and should have no nonce.
    token.with_nonce = false;
    token.now = Time::from_seconds(5_000);
    let again = id_token(&token);
    assert_eq!(again["auth_time"], 90);
    assert!(!again.contains_key("nonce"));
}

#[test]
fn the_access_token_is_bound_to_the_id_token() {
    // OpenID Connect Core, A.3: this access token and its `at_hash`.
    let access = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
    assert_eq!(at_hash(access, Algorithm::RS256), "77QmUPtjPfzWtF2AnpK9RQ");
    assert_eq!(at_hash(access, Algorithm::ES256), "77QmUPtjPfzWtF2AnpK9RQ");
    assert_eq!(at_hash(access, Algorithm::EdDSA).len(), 43);
    let (grant, person) = (grant("openid"), person());
    let mut token = ask(&grant, &person);
    token.access_token = Some(access);
    assert_eq!(id_token(&token)["at_hash"], "77QmUPtjPfzWtF2AnpK9RQ");
}

#[test]
fn userinfo_tells_what_the_scopes_allow() {
    let names = |scopes: &str| {
        let claims = userinfo(&person(), &scope::parse(scopes).unwrap(), &[]);
        claims.keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names("openid"), "sub");
    assert_eq!(names("openid email"), "email email_verified sub");
    assert_eq!(
        names("openid profile"),
        "locale name preferred_username sub updated_at"
    );
    let mut silent = person();
    silent.language.clear();
    assert!(!userinfo(&silent, &["profile".into()], &[]).contains_key("locale"));
    let chat = service("chat", &["chat"]);
    assert_eq!(
        Value::Object(service_userinfo(
            &person(),
            &["chat".into()],
            &chat,
            "steppe.example"
        )),
        json!({"sub": "p1", "preferred_username": "temuulen", "jid": "temuulen@steppe.example"})
    );
}

fn access<'a>(subject: Subject<'a>, service: &'a Service, scopes: &'a [String]) -> Claims {
    access_token(&AccessToken {
        issuer: ISSUER,
        subject,
        client_id: "forum",
        audience: &service.audience,
        service: Some(service),
        scopes,
        domain: "steppe.example",
        binding: None,
        act: None,
        bounds: None,
        status: None,
        jti: "j1",
        now: Time::from_seconds(100),
        ttl: Duration::from_secs(600),
    })
}

#[test]
fn an_access_token_has_the_claims_of_its_service() {
    let (chat, scopes) = (service("chat", &["chat"]), ["chat".to_owned()]);
    let (grant, person) = (grant("openid chat"), person());
    assert_eq!(
        Value::Object(access(Subject::Person(&person, &grant), &chat, &scopes)),
        json!({
            "iss": ISSUER, "sub": "p1", "aud": "https://chat.example", "client_id": "forum",
            "scope": "chat", "jti": "j1", "iat": 100, "exp": 700, "auth_time": 90, "acr": ACR_PASSWORD, "sid": "s1",
            "gid": "g1", "jid": "temuulen@steppe.example"
        })
    );
}

// PROTOCOL.md 1
#[test]
fn a_token_without_a_person_carries_no_persons_name() {
    let (mut chat, scopes) = (service("chat", &["chat"]), ["chat".to_owned()]);
    chat.claims.push(ClaimRule {
        claim: "room".into(),
        template: "lobby".into(),
    });
    assert_eq!(
        Value::Object(access(Subject::Machine, &chat, &scopes)),
        json!({
            "iss": ISSUER, "sub": "forum", "aud": "https://chat.example", "client_id": "forum",
            "scope": "chat", "jti": "j1", "iat": 100, "exp": 700
        })
    );
    let answer = introspection(&live(Subject::Machine, &scopes));
    for name in ["username", "preferred_username", "email", "sid"] {
        assert!(!answer.contains_key(name), "{name}");
    }
    assert_eq!(answer["sub"], "forum");
}

fn live<'a>(subject: Subject<'a>, scopes: &'a [String]) -> Live<'a> {
    Live {
        issuer: ISSUER,
        subject,
        client_id: "forum",
        audience: Some("https://chat.example"),
        scopes,
        binding: None,
        act: None,
        issued_at: Time::from_seconds(100),
        expires_at: Time::from_seconds(700),
        now: Time::from_seconds(400),
    }
}

// MESSENGERS.md 0.5
#[test]
fn introspection_answers_all_readers_at_once() {
    let scopes = ["chat".to_owned()];
    let (person, bare, full) = (person(), grant("chat"), grant("chat email"));
    let mut wanted = json!({
        "active": true, "iss": ISSUER, "client_id": "forum", "scope": "chat", "iat": 100,
        "exp": 700, "expires_in": 300, "aud": "https://chat.example", "token_type": "Bearer",
        "sub": "p1", "username": "temuulen", "preferred_username": "temuulen", "sid": "s1",
        "auth_time": 90, "acr": ACR_PASSWORD
    });
    let answer = introspection(&live(Subject::Person(&person, &bare), &scopes));
    assert_eq!(Value::Object(answer), wanted);
    wanted["email"] = json!("temuulen@mail.example");
    let answer = introspection(&live(Subject::Person(&person, &full), &scopes));
    assert_eq!(Value::Object(answer), wanted);
    let mut refresh = live(Subject::Person(&person, &full), &scopes);
    refresh.audience = None;
    assert!(!introspection(&refresh).contains_key("token_type"));
    assert_eq!(Value::Object(inactive()), json!({"active": false}));
}

fn rule(claim: &str, template: &str) -> ClaimRule {
    ClaimRule {
        claim: claim.into(),
        template: template.into(),
    }
}

#[test]
fn a_rule_is_checked_before_it_is_registered() {
    let table = [
        (rule("jid", "{username}@{domain}"), Ok(())),
        (rule("x", "{name} <{email}> {sub}"), Ok(())),
        (rule("x", "constant"), Ok(())),
        (rule("x", ""), Ok(())),
        (rule("", "x"), Err(RuleFault::Claim)),
        (rule("sub", "{username}"), Err(RuleFault::Claim)),
        (rule("aud", "x"), Err(RuleFault::Claim)),
        (rule("exp", "9"), Err(RuleFault::Claim)),
        (rule("x", "{user}"), Err(RuleFault::Template)),
        (rule("x", "{username"), Err(RuleFault::Template)),
        (rule("x", "username}"), Err(RuleFault::Template)),
        (rule("x", "{}"), Err(RuleFault::Template)),
        (rule("x", "{{username}}"), Err(RuleFault::Template)),
    ];
    for (rule, wanted) in table {
        assert_eq!(check_rule(&rule), wanted, "{rule:?}");
    }
    assert!(RuleFault::Template.to_string().contains("{username}"));
}

#[test]
fn a_name_with_braces_is_only_a_name() {
    let mut chat = service("chat", &["chat"]);
    chat.claims = vec![
        rule("nick", "{name}"),
        rule("sub", "evil"),
        rule("bad", "{nobody}"),
    ];
    let (mut person, grant) = (person(), grant("chat"));
    person.name = "{email}{".into();
    let claims = access(Subject::Person(&person, &grant), &chat, &[]);
    assert_eq!(claims["nick"], "{email}{");
    assert_eq!(claims["sub"], "p1");
    assert!(!claims.contains_key("bad"));
}

#[test]
fn a_claim_asked_for_by_name_is_given_where_it_was_asked_for() {
    let (mut grant, person) = (grant("openid"), person());
    grant.claims.id_token = vec!["email".into(), "locale".into()];
    grant.claims.userinfo = vec!["name".into()];
    let id = id_token(&ask(&grant, &person));
    assert_eq!(id["email"], "temuulen@mail.example");
    assert_eq!(id["locale"], "mn");
    assert!(!id.contains_key("name"));
    let told = userinfo(&person, &grant.scopes, &grant.claims.userinfo);
    assert_eq!(
        Value::Object(told),
        json!({ "sub": "p1", "name": "Temuulen B." })
    );
}

proptest! {
    #[test]
    fn a_rule_that_was_checked_fills(claim in "[a-z]{1,9}", template in "[{}a-z]{0,12}|(\\{(name|sub)\\}|x){0,4}") {
        let rule = rule(&claim, &template);
        let mut claims = Claims::new();
        apply(&mut claims, std::slice::from_ref(&rule), &person(), "steppe.example");
        prop_assert_eq!(claims.contains_key(&claim), check_rule(&rule).is_ok());
    }
}
