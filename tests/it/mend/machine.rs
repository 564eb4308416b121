//! Refusals of programs that ask by themselves.

use gerege::oauth::client::{GrantType, Need};
use gerege::oauth::fapi::Fapi;
use gerege::oauth::service::{Algorithm, Proof};
use gerege::store;
use rcgen::KeyPair;
use serde_json::json;

use super::After::{Gone, Shown};
use super::{Book, client, heard, service};
use crate::app::TestApp;
use crate::dpop::Key;
use crate::http::{Answer, basic, encode};
use crate::mtls::{header, params};
use crate::road::*;
use crate::{exchange, sso};

const CREDENTIALS: (&str, &str) = ("grant_type", "client_credentials");

/// The forum asks for a token of its own.
fn own(app: &TestApp, more: &[(&str, &str)]) -> Answer {
    let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
    forum.post("/oauth2/token", &[&[CREDENTIALS], more].concat())
}

/// How programs say who they are.
pub fn proved(book: &mut Book) {
    let app = TestApp::new();
    register(&app);
    let token = |fields: &[(&str, &str)]| {
        let fields = [&[CREDENTIALS], fields].concat();
        app.browser().post("/oauth2/token", &fields).is(401)
    };
    let posted = [("client_id", "forum"), ("client_secret", SECRET)];
    let post = "gerege client edit forum --auth post";
    book.mends(&app, post, Gone, &mut || {
        let fields = [&[CREDENTIALS], &posted[..]].concat();
        app.browser().post("/oauth2/token", &fields)
    });
    let show = "gerege client show forum";
    book.mends(&app, show, Shown, &mut || token(&posted[..1]));
    let list = "gerege client list";
    book.mends(&app, list, Shown, &mut || {
        token(&[("client_id", "x; reboot")])
    });
    let rotate = "gerege client rotate-secret forum";
    let wrong = [posted[0], ("client_secret", "guess")];
    book.mends(&app, rotate, Shown, &mut || token(&wrong));

    // A secret in an address is one that others have seen; who makes one up has seen none.
    let secret = app.app.rng.secret();
    let hash = secret.hash();
    client(&app, "forum", move |forum| {
        forum.secret_hash = Some(hash.clone())
    });
    let seen = |path: &str, id: &str, secret: &str| {
        let query = encode(&[("client_id", id), ("client_secret", secret)]);
        let refused = app
            .browser()
            .post(&format!("{path}?{query}"), &[CREDENTIALS]);
        let why = text(&refused.clone().is(400).json(), "error_description");
        assert_eq!(why, "client_secret must not stand in the URL");
        refused
    };
    let at = "/oauth2/token";
    for (id, made_up) in [("forum", "guess"), ("nobody", "guess"), ("room", "guess")] {
        assert!(heard(&mut || seen(at, id, made_up)).is_none(), "{id}");
    }
    book.mends(&app, rotate, Gone, &mut || {
        seen(at, "forum", &secret.reveal())
    });
    let new = "gerege service edit room --new-secret";
    book.mends(&app, new, Gone, &mut || {
        seen("/oauth2/introspect", "room", SECRET)
    });
    let query = encode(&[("client_assertion", "a.b.c")]);
    let refused = app.browser().post(&format!("{at}?{query}"), &[CREDENTIALS]);
    let why = text(&refused.is(400).json(), "error_description");
    assert_eq!(why, "client_assertion must not stand in the URL");
}

/// What they are registered for.
pub fn allowed(book: &mut Book) {
    let app = TestApp::new();
    register(&app);
    client(&app, "forum", |forum| {
        forum.grants = vec![GrantType::AuthorizationCode]
    });
    let add = "gerege client edit forum --add-grant";
    let machine = format!("{add} client_credentials");
    book.mends(&app, &machine, Gone, &mut || own(&app, &[]));
    for (path, short) in [("/oauth2/device", "device_code"), ("/oauth2/ciba", "ciba")] {
        book.mends(&app, &format!("{add} {short}"), Gone, &mut || {
            let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
            forum.post(path, &[("scope", "openid")])
        });
    }
    client(&app, "forum", |forum| forum.scopes.push("room".into()));
    service(&app, "room", |room| room.machine = false);
    let takes = "gerege service edit room --machine true";
    book.mends(&app, takes, Gone, &mut || own(&app, &[("scope", "room")]));
    own(&app, &[("scope", "room")]).is(200);
}

/// Keys and certificates.
pub fn bound(book: &mut Book) {
    let app = TestApp::with(&[
        ("MTLS__HEADER", "Client-Cert"),
        ("MTLS__PROXIES", "127.0.0.0/8"),
    ]);
    register(&app);
    client(&app, "forum", |forum| {
        forum.scopes.push("room".into());
        forum.dpop = Need::Required;
    });
    let room = [("scope", "room")];
    let need = |proof| service(&app, "room", move |room| room.proof = proof);
    let key = Key::new();
    let proving = || {
        let nonce = || {
            let proof = key.proof(&app, "POST", "/oauth2/token", json!({}));
            let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
            forum.headers.push(("DPoP".into(), proof));
            let refused = forum.post("/oauth2/token", &[CREDENTIALS, room[0]]);
            refused.header("dpop-nonce").map(str::to_owned)
        };
        let more = nonce().map_or(json!({}), |nonce| json!({ "nonce": nonce }));
        let proof = key.proof(&app, "POST", "/oauth2/token", more);
        let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
        forum.headers.push(("DPoP".into(), proof));
        forum.post("/oauth2/token", &[CREDENTIALS, room[0]])
    };
    let dpop = "gerege service edit room --proof dpop";
    book.mends(&app, dpop, Gone, &mut || proving());
    proving().is(200);
    // One that is held to FAPI takes no RS256, and proves its key whatever else is said.
    client(&app, "forum", |forum| forum.fapi = Some(Fapi::default()));
    service(&app, "room", |room| room.algorithm = Algorithm::RS256);
    let strong = "gerege service edit room --algorithm ES256";
    book.mends(&app, strong, Gone, &mut || proving());
    proving().is(200);
    assert!(heard(&mut || own(&app, &room).is(400)).is_none());
    client(&app, "forum", |forum| forum.fapi = None);
    let optional = "gerege client edit forum --dpop optional";
    book.mends(&app, optional, Gone, &mut || own(&app, &room));
    let bearer = "gerege service edit room --proof bearer";
    book.mends(&app, bearer, Gone, &mut || own(&app, &room));
    need(Proof::Mtls);
    book.mends(&app, bearer, Gone, &mut || own(&app, &room));
    client(&app, "forum", |forum| forum.certificate_bound = true);
    let machine = KeyPair::generate().unwrap();
    let shown = header(params("forum.example").self_signed(&machine).unwrap().der());
    let mtls = "gerege service edit room --proof mtls";
    let mut showing = || {
        let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
        forum.headers.push(("Client-Cert".into(), shown.clone()));
        forum.post("/oauth2/token", &[CREDENTIALS, room[0]])
    };
    book.mends(&app, mtls, Gone, &mut showing);
    showing().is(200);
    let free = "gerege client edit forum --certificate-bound false";
    book.mends(&app, free, Gone, &mut || own(&app, &room));
}

/// Tokens for tokens.
pub fn traded(book: &mut Book) {
    let app = TestApp::new();
    let (access, _) = exchange::world(&app, "openid offline_access chat room");
    client(&app, "chat-server", |server| {
        server.exchange.clear();
        server.grants.clear();
    });
    let trade = |to| exchange::trade(&app, "chat-server", &access, &[("audience", to)]);
    let edit = "gerege client edit chat-server";
    for option in ["--add-grant token_exchange", "--add-exchange room"] {
        let command = format!("{edit} {option}");
        book.mends(&app, &command, Gone, &mut || trade("room"));
    }
    trade("room").is(200);
    let list = "gerege service list";
    book.mends(&app, list, Shown, &mut || trade("x; reboot"));

    let app = TestApp::new();
    sso::family(&app);
    app.person("temuulen");
    let tokens = sso::first(&app, &mut app.browser(), "temuulen", sso::SCOPE);
    client(&app, "calls", |calls| {
        calls.registration.family = None;
        calls.scopes.retain(|name| name != "openid");
    });
    let trade = || sso::trade(&app, &tokens, &[]);
    let family = "gerege client edit calls --family NAME";
    book.mends(&app, family, Gone, &mut || trade());
    client(&app, "calls", |calls| {
        calls.registration.family = Some("steppe".into())
    });
    let scope = "gerege client edit calls --add-scope openid";
    book.mends(&app, scope, Gone, &mut || trade());
    trade().is(200);
}

/// Grants that an app looks after itself.
pub fn managed(book: &mut Book) {
    let app = TestApp::new();
    register(&app);
    client(&app, "forum", |forum| {
        forum.scopes.push("grant_management_revoke".into())
    });
    let token = text(
        &own(&app, &[("scope", "grant_management_revoke")])
            .is(200)
            .json(),
        "access_token",
    );
    let call = |method: &str| {
        let mut forum = app
            .browser()
            .with("Authorization", &format!("Bearer {token}"));
        forum.send(method, "/oauth2/grants/none", &[], None)
    };
    let add = "gerege client edit forum --add-scope";
    let query = format!("{add} grant_management_query");
    book.mends(&app, &query, Gone, &mut || call("GET").is(403));
    client(&app, "forum", |forum| {
        forum
            .scopes
            .retain(|name| name != "grant_management_revoke")
    });
    let revoke = format!("{add} grant_management_revoke");
    book.mends(&app, &revoke, Gone, &mut || call("DELETE"));
    app.write(|c| store::client::remove(c, "forum").map(drop));
    book.mends(&app, "gerege client list", Shown, &mut || {
        call("GET").is(401)
    });
}
