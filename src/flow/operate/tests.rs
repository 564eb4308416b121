//! The operator's stories, told to a database of their own.

use std::time::Duration;

use serde_json::json;

use super::client::{self, Warning};
use super::key::{self, When};
use super::person::{self, New};
use super::{is_id, scopes, service, token};
use crate::app::App;
use crate::clock::Time;
use crate::flow::keyring;
use crate::flow::signin::Outcome;
use crate::flow::signin::tests::{DEVICE, House};
use crate::keys::ISSUER;
use crate::oauth::client::{Asking, Client, ClientAuth, GrantType, Need, Pkce, RefreshPolicy};
use crate::oauth::grant::Grant;
use crate::oauth::service::{
    Algorithm, ClaimRule, KeyOwner, Offers, Proof, Rotation, Service, TokenFormat,
};
use crate::rng::digest;
use crate::store;

fn messenger(id: &str) -> Client {
    Client {
        id: id.into(),
        name: id.into(),
        auth: ClientAuth::ClientSecretBasic,
        secret_hash: None,
        jwks: None,
        redirects: vec!["https://forum.example/back".into()],
        post_logout: Vec::new(),
        scopes: vec!["openid".into()],
        grants: vec![GrantType::AuthorizationCode],
        pkce: Pkce::Required,
        first_party: false,
        silent: false,
        refresh: RefreshPolicy::Offline,
        id_token_algorithm: Algorithm::RS256,
        id_token_claims: false,
        asking: Asking::default(),
        dpop: Need::Optional,
        known: None,
        certificate_bound: false,
        service: None,
        exchange: Vec::new(),
        fapi: None,
        created_at: Time::default(),
        registration: Default::default(),
    }
}

fn chat(id: &str, scopes: &[&str]) -> Service {
    Service {
        id: id.into(),
        name: id.into(),
        audience: format!("https://{id}.example"),
        scopes: scopes.iter().map(|name| (*name).to_owned()).collect(),
        algorithm: Algorithm::ES256,
        format: TokenFormat::Jwt,
        claims: Vec::new(),
        keys: KeyOwner::Own,
        rotation: Rotation::Jwks,
        machine: false,
        details: vec![],
        userinfo: false,
        proof: Proof::Bearer,
        offers: Offers::default(),
        words: Default::default(),
        secret_hash: None,
        created_at: Time::default(),
    }
}

#[test]
fn an_id_is_never_an_address_and_never_a_sub() {
    for good in ["forum", "steppe-chat", "A.b_c-9", "9"] {
        assert!(is_id(good), "{good}");
    }
    let sub = crate::rng::Rng::seeded(1).id();
    for bad in [
        "",
        "a@b",
        "a b",
        "-a",
        "é",
        "a/b",
        "a:b",
        &sub,
        &"a".repeat(65),
    ] {
        assert!(!is_id(bad), "{bad}");
    }
}

#[test]
fn scopes_are_typed_in_any_way() {
    let typed = ["openid profile".to_owned(), "chat,openid".to_owned()];
    assert_eq!(scopes(&typed).unwrap(), ["openid", "profile", "chat"]);
    assert_eq!(scopes(&["a\"b".to_owned()]).unwrap_err(), "a\"b");
}

#[tokio::test]
async fn a_client_is_registered_once_and_its_secret_is_kept_as_a_digest() {
    let house = House::new().await;
    let app = &house.app;
    let kept = client::add(app, messenger("forum")).await.unwrap();
    let secret = kept.secret.unwrap().reveal();
    let on_file = app
        .store
        .read(|c| store::client::find(c, "forum"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(on_file.secret_hash, Some(digest(&secret)));
    assert_eq!(on_file.created_at, app.clock.now());
    let again = client::add(app, messenger("forum")).await.unwrap_err();
    assert!(matches!(again, client::Refusal::Taken(_)));
    // A service may not have the id either: both prove themselves at introspection.
    let same = service::add(app, chat("forum", &[]), true)
        .await
        .unwrap_err();
    assert!(matches!(same, service::Refusal::Taken(_)));

    let next = client::rotate_secret(app, "forum").await.unwrap();
    assert_ne!(next.secret.unwrap().reveal(), secret);
    let public = client::edit(app, "forum", |c| c.auth = ClientAuth::None);
    assert_eq!(public.await.unwrap().client.secret_hash, None);
    let refused = client::rotate_secret(app, "forum").await.unwrap_err();
    assert!(matches!(refused, client::Refusal::NoSecret));
    let back = client::edit(app, "forum", |c| c.auth = ClientAuth::ClientSecretPost);
    assert!(back.await.unwrap().secret.is_some());
}

#[test]
fn a_client_is_judged_as_a_whole() {
    let set = |jwk: serde_json::Value| Some(json!({ "keys": [jwk] }).to_string());
    type Case = (&'static str, fn(&mut Client), bool);
    let cases: [Case; 8] = [
        ("as it is", |_| {}, true),
        ("no redirect", |c| c.redirects.clear(), false),
        (
            "a wildcard",
            |c| c.redirects.push("https://*.example/".into()),
            false,
        ),
        (
            "http elsewhere after signing out",
            |c| c.post_logout.push("http://a.example/".into()),
            false,
        ),
        (
            "public without PKCE",
            |c| (c.auth, c.pkce) = (ClientAuth::None, Pkce::Optional),
            false,
        ),
        (
            "public machine",
            |c| {
                c.auth = ClientAuth::None;
                c.grants.push(GrantType::ClientCredentials);
            },
            false,
        ),
        (
            "a machine without redirect",
            |c| {
                c.grants = vec![GrantType::ClientCredentials];
                c.redirects.clear();
            },
            true,
        ),
        (
            "assertions without keys",
            |c| c.auth = ClientAuth::PrivateKeyJwt,
            false,
        ),
    ];
    for (what, change, good) in cases {
        let mut one = messenger("forum");
        change(&mut one);
        assert_eq!(client::check(&one).is_ok(), good, "{what}");
    }
    let jwks = [
        (
            set(json!({
                "kty": "EC", "crv": "P-256",
                "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY",
                "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
            })),
            true,
        ),
        (set(json!({ "kty": "EC", "d": "secret" })), false),
        (set(json!({ "kty": "oct", "k": "secret" })), false),
        (Some("{\"keys\":[]}".to_owned()), false),
        (Some("no json".to_owned()), false),
    ];
    for (jwks, good) in jwks {
        let mut one = messenger("forum");
        (one.auth, one.jwks) = (ClientAuth::PrivateKeyJwt, jwks.clone());
        assert_eq!(client::check(&one).is_ok(), good, "{jwks:?}");
    }
}

#[tokio::test]
async fn what_is_risky_is_taken_with_a_warning() {
    let house = House::new().await;
    let mut one = messenger("desktop");
    one.redirects = vec!["http://127.0.0.1/callback".into()];
    (one.silent, one.pkce) = (true, Pkce::Optional);
    one.scopes = crate::oauth::scope::OURS.map(str::to_owned).into();
    one.scopes.push("chat".into());
    let kept = client::add(&house.app, one).await.unwrap();
    assert_eq!(
        kept.warnings,
        [
            Warning::SilentLoopback("http://127.0.0.1/callback".into()),
            Warning::PkceOptional,
            Warning::UnknownScope("chat".into()),
        ]
    );
}

#[tokio::test]
async fn a_fapi_app_that_asks_for_a_service_which_checks_nothing_is_told_so() {
    let house = House::new().await;
    let mut bearer = chat("files", &["files"]);
    bearer.proof = Proof::Bearer;
    let mut weak = chat("mail", &["mail"]);
    (weak.proof, weak.algorithm) = (Proof::Dpop, Algorithm::RS256);
    let mut good = chat("room", &["room"]);
    good.proof = Proof::Dpop;
    house
        .app
        .store
        .write(move |c| {
            for one in [&bearer, &weak, &good] {
                let _ = store::client::add_service(c, one)?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let mut one = messenger("bank");
    one.auth = ClientAuth::PrivateKeyJwt;
    one.jwks = Some(r#"{"keys":[{"kty":"EC","crv":"P-256","x":"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY","y":"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"}]}"#.into());
    one.id_token_algorithm = Algorithm::ES256;
    one.scopes = ["openid", "files", "mail", "room"]
        .map(str::to_owned)
        .into();
    one.fapi = crate::oauth::fapi::Fapi::from_name("security");
    let kept = client::add(&house.app, one).await.unwrap();
    assert_eq!(
        kept.warnings,
        [
            Warning::FapiBearer("files".into()),
            Warning::FapiAlgorithm("mail".into()),
        ]
    );
}

fn grant(app: &App, account_id: &str, client_id: &str, offline: bool) -> Grant {
    Grant {
        id: app.rng.id(),
        account_id: account_id.into(),
        client_id: client_id.into(),
        sid: "sid".into(),
        scopes: vec!["chat".into()],
        resources: Vec::new(),
        offline,
        claims: Default::default(),
        details: Default::default(),
        nonce: None,
        auth_time: app.clock.now(),
        amr: vec!["pwd".into()],
        dpop_jkt: None,
        managed: None,
        created_at: app.clock.now(),
        revoked_at: None,
    }
}

async fn keep(app: &App, grant: &Grant) {
    let (grant, end) = (
        grant.clone(),
        app.clock.now().plus(Duration::from_secs(9999)),
    );
    let added = app.store.write(move |c| store::grant::add(c, &grant, end));
    added.await.unwrap();
}

#[tokio::test]
async fn a_removed_client_takes_what_it_was_granted_with_it() {
    let house = House::new().await;
    let app = &house.app;
    let person = house.account("temuulen").await;
    for id in ["forum", "other"] {
        client::add(app, messenger(id)).await.unwrap();
        keep(app, &grant(app, &person.id, id, true)).await;
    }
    let done = client::remove(app, "forum", false).await.unwrap();
    assert_eq!((done.ended, done.kept_out), (1, false));
    let left = person::signed(app, person.id.clone()).await.unwrap().grants;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].client_id, "other");
    let gone = client::remove(app, "forum", false).await.unwrap_err();
    assert!(matches!(gone, client::Refusal::Unknown(_)));
}

#[tokio::test]
async fn a_scope_and_an_audience_belong_to_one_service() {
    let house = House::new().await;
    let app = &house.app;
    service::add(app, chat("chat", &["chat"]), true)
        .await
        .unwrap();
    let mut same = chat("copy", &["other"]);
    same.audience = "https://chat.example".into();
    let mut reserved = chat("claims", &["claims"]);
    reserved.claims.push(ClaimRule {
        claim: "sub".into(),
        template: "{username}".into(),
    });
    let mut ours = chat("ours", &["ours"]);
    ours.audience = app.config.issuer().into();
    for (what, one) in [
        ("scope of another", chat("copy", &["chat"])),
        ("scope of OpenID Connect", chat("copy", &["email"])),
        ("audience of another", same),
        ("claim of ours", reserved),
        ("audience of ours", ours),
        ("the issuer's name", chat(ISSUER, &["x"])),
    ] {
        assert!(service::add(app, one, false).await.is_err(), "{what}");
    }
    let kept = service::edit(app, "chat", true, false, |s| {
        s.scopes.push("chat:send".into());
    });
    assert!(kept.await.unwrap().secret.is_some());
}

#[tokio::test]
async fn a_service_has_its_key_at_once_and_loses_it_when_removed() {
    let house = House::new().await;
    let app = &house.app;
    let now = app.clock.now();
    service::add(app, chat("chat", &["chat"]), false)
        .await
        .unwrap();
    let first = app.keys.current("chat", Algorithm::ES256, now).unwrap();
    let changed = service::edit(app, "chat", false, false, |s| {
        s.algorithm = Algorithm::EdDSA
    });
    changed.await.unwrap();
    assert!(app.keys.current("chat", Algorithm::EdDSA, now).is_some());
    service::remove(app, "chat").await.unwrap();
    let rows = key::list(app).await.unwrap();
    app.keys.load(&rows).unwrap();
    assert!(app.keys.current("chat", Algorithm::ES256, now).is_none());
    assert_eq!(app.keys.jwks("chat", now)["keys"], json!([]));
    // The same id again is not the same key again.
    service::add(app, chat("chat", &["chat"]), false)
        .await
        .unwrap();
    let second = app.keys.current("chat", Algorithm::ES256, now).unwrap();
    assert_ne!(first.kid, second.kid);
}

#[tokio::test]
async fn a_key_is_rotated_ahead_at_once_or_after_a_theft() {
    let house = House::new().await;
    let app = &house.app;
    service::add(app, chat("chat", &["chat"]), false)
        .await
        .unwrap();
    let signs = || {
        let now = app.clock.now();
        app.keys
            .current("chat", Algorithm::ES256, now)
            .unwrap()
            .kid
            .clone()
    };
    let published = || {
        let set = app.keys.jwks("chat", app.clock.now());
        set["keys"].as_array().unwrap().len()
    };
    let rotate = async |when| {
        let mut turns = key::rotate(app, "chat", None, when).await.unwrap().turns;
        assert_eq!(turns.len(), 1);
        turns.remove(0)
    };
    let first = signs();

    let ahead = rotate(When::Ahead).await;
    assert_eq!(ahead.active_at, app.clock.now().plus(keyring::LEAD));
    assert_eq!((signs(), published()), (first.clone(), 2));
    // Asked again, the one that waits is told of, and no third is made.
    let again = rotate(When::Ahead).await;
    assert_eq!(
        (again.kid.as_str(), again.waited),
        (ahead.kid.as_str(), true)
    );
    assert_eq!(published(), 2);

    let now = rotate(When::Now).await;
    assert_eq!(
        (now.kid.as_str(), now.before.as_slice()),
        (ahead.kid.as_str(), &[first][..])
    );
    assert_eq!((signs(), published()), (ahead.kid.clone(), 2));

    rotate(When::Ahead).await;
    let stolen = rotate(When::Compromised).await;
    assert_eq!(signs(), stolen.kid);
    assert_eq!(
        stolen.before.len(),
        3,
        "those before and the one that waited"
    );
    assert_eq!(published(), 1);

    let unknown = key::rotate(app, "nobody", None, When::Now)
        .await
        .unwrap_err();
    assert!(matches!(unknown, key::Refusal::Owner(_)));
    let none = key::rotate(app, "chat", Some(Algorithm::RS256), When::Now).await;
    assert!(matches!(none.unwrap_err(), key::Refusal::Algorithm(..)));
}

#[tokio::test]
async fn a_key_that_a_service_left_behind_ends_and_can_be_taken_back() {
    let house = House::new().await;
    let app = &house.app;
    service::add(app, chat("chat", &["chat"]), false)
        .await
        .unwrap();
    let edit = async |change: fn(&mut Service)| {
        house.pass(1);
        service::edit(app, "chat", false, false, change)
            .await
            .unwrap();
        keyring::refresh(app).await.unwrap();
        let rows = key::list(app).await.unwrap();
        let own = rows.into_iter().filter(|row| row.owner == "chat");
        own.filter(|row| row.retired_at.is_none()).count()
    };
    let published = || {
        let set = app.keys.jwks("chat", app.clock.now());
        set["keys"].as_array().unwrap().len()
    };
    assert_eq!(edit(|one| one.algorithm = Algorithm::EdDSA).await, 1);
    assert_eq!(published(), 2, "its tokens stay good for a while");
    let turned = key::rotate(app, "chat", None, When::Compromised)
        .await
        .unwrap();
    assert_eq!((turned.turns.len(), turned.left.len()), (1, 1));
    assert_eq!(published(), 1);
    // One that signs with the issuer's keys has none of its own.
    assert_eq!(edit(|one| one.keys = KeyOwner::Issuer).await, 0);
    assert_eq!(published(), 1);
    assert!(key::rotate(app, "chat", None, When::Now).await.is_err());
    let turned = key::rotate(app, "chat", None, When::Compromised)
        .await
        .unwrap();
    assert_eq!((turned.turns.len(), turned.left.len()), (0, 1));
    assert_eq!(published(), 0);
    assert_eq!(edit(|one| one.keys = KeyOwner::Own).await, 1);
    assert_eq!(published(), 1);
}

#[tokio::test]
async fn an_added_person_has_a_proved_address_and_signs_in() {
    let house = House::new().await;
    let new = |username: &str, email: &str| New {
        username: username.into(),
        email: email.into(),
        name: None,
        password: "slow river, tall grass".to_owned().into(),
    };
    let app = &house.app;
    let made = person::add(app, new("bataar", "bataar@mail.example"))
        .await
        .unwrap();
    assert_eq!(made.name, "bataar");
    for who in [
        "bataar",
        "BATAAR",
        "Bataar@Mail.example",
        &made.id,
        "bataar@localhost",
    ] {
        let found = person::find(app, who).await.unwrap();
        assert_eq!(found.map(|one| one.id), Some(made.id.clone()), "{who}");
    }
    let taken = person::add(app, new("bataar", "b@mail.example")).await;
    assert!(matches!(taken, Err(person::Refusal::Taken("username"))));
    let taken = person::add(app, new("bataar2", "bataar@mail.example")).await;
    assert!(matches!(taken, Err(person::Refusal::Taken("email"))));
    let mut bad = new("B", "no address");
    bad.password = "short".to_owned().into();
    let Err(person::Refusal::Invalid(wrong)) = person::add(app, bad).await else {
        panic!("refused");
    };
    assert_eq!(wrong.len(), 3, "all mistakes at once");

    let entered = house
        .attempt("bataar@mail.example", "slow river, tall grass", DEVICE)
        .await;
    assert!(matches!(entered, Outcome::In { .. }));

    // Deleted, the name is never given again.
    person::delete(app, made).await.unwrap();
    let again = person::add(app, new("bataar", "bataar@mail.example")).await;
    assert!(matches!(again, Err(person::Refusal::Taken("username"))));
}

#[tokio::test]
async fn a_locked_account_is_out_everywhere_at_once() {
    let house = House::new().await;
    let app = &house.app;
    let (cookie, _) = house.enter("temuulen", DEVICE).await;
    let person = house.account("temuulen").await;
    keep(app, &grant(app, &person.id, "messenger", true)).await;
    let ended = person::lock(app, person.id.clone()).await.unwrap();
    assert_eq!((ended.sessions, ended.grants), (1, 1));
    assert!(house.here(&cookie).await.first().is_none());
    person::unlock(app, person.id.clone()).await.unwrap();
    assert!(
        house.here(&cookie).await.first().is_none(),
        "they sign in again"
    );
    house.enter("temuulen", DEVICE).await;
    let ended = person::sign_out(app, person.id).await.unwrap();
    assert_eq!((ended.sessions, ended.grants), (1, 0));
}

#[tokio::test]
async fn a_token_is_explained_with_every_reason_against_it() {
    let house = House::new().await;
    let app = &house.app;
    for name in ["chat", "other"] {
        service::add(app, chat(name, &[name]), false).await.unwrap();
    }
    let forum = Client {
        scopes: vec!["chat".into()],
        ..messenger("forum")
    };
    client::add(app, forum).await.unwrap();
    let person = house.account("temuulen").await;
    let grant = grant(app, &person.id, "forum", true);
    keep(app, &grant).await;
    let now = app.clock.now();
    let claims = json!({
        "iss": app.config.issuer(), "aud": "https://chat.example", "sub": person.id,
        "client_id": "forum", "scope": "chat", "gid": grant.id, "jti": "1",
        "iat": now.seconds(), "exp": now.seconds() + 600,
    });
    let sign = |owner: &str, claims: &serde_json::Value| {
        app.keys
            .sign(owner, Algorithm::ES256, "at+jwt", claims, app.clock.now())
            .unwrap()
    };
    let why = async |text: &str| token::inspect(app, text).await.unwrap().why_not.join("; ");
    let good = sign("chat", &claims);
    let report = token::inspect(app, &good).await.unwrap();
    assert_eq!(report.why_not, Vec::<String>::new());
    assert_eq!(report.account.unwrap().username, "temuulen");
    assert_eq!(report.service.unwrap().id, "chat");
    assert!(
        why(&sign("other", &claims))
            .await
            .contains("not the one that its service trusts")
    );
    let changed = format!("{}A{}", &good[..good.len() - 9], &good[good.len() - 8..]);
    let report = token::inspect(app, &changed).await.unwrap();
    assert!(
        !report.is_good() && report.account.is_none(),
        "a forged token names nobody"
    );
    assert!(why("hello").await.contains("no three parts"));
    let bare = sign("chat", &json!({}));
    assert!(why(&bare).await.contains("it comes from nowhere"));

    person::lock(app, person.id.clone()).await.unwrap();
    house.pass(700);
    key::rotate(app, "chat", None, When::Compromised)
        .await
        .unwrap();
    let all = why(&good).await;
    for part in [
        "its time is over",
        "published no more",
        "locked",
        "it was ended",
    ] {
        assert!(all.contains(part), "{part}: {all}");
    }
}
