//! Everything that is signed or handed out here, and what apps sign, shown at every door that takes
//! any of it: each opens its own doors, and no other.

use std::collections::BTreeSet;
use std::time::Duration;

use gerege::flow::register::make_initial;
use gerege::oauth::client::{ClientAuth, Need};
use gerege::oauth::service::{Algorithm, TokenFormat};
use gerege::store;
use serde_json::{Value, json};

use super::*;
use crate::backchannel::{tell, told_at_by};
use crate::dpop::Key;
use crate::elsewhere::Elsewhere;
use crate::exchange;
use crate::http::{Answer, basic, encode};
use crate::register::{DOOR, bearer};
use crate::road::{SECRET, ask, code, introspect, redeem, refresh, request, text, token};
use crate::{ciba, device, grants, par, sso};

/// What is shown, and the doors that it opens.
const THINGS: [(&str, &[&str]); 28] = [
    (
        "access token of the chat server",
        &[
            "userinfo of the chat server",
            "the chat server asks",
            "subject token",
            "given back",
        ],
    ),
    ("access token of ourselves", &["userinfo", "given back"]),
    ("access token of the room", &["the room asks"]),
    ("opaque access token of the hall", &["the hall asks"]),
    ("token to manage grants", &["grant"]),
    (
        "ID token",
        &[
            "hint to sign in",
            "hint to sign out",
            "ID token of the family",
        ],
    ),
    (
        "ID token of the bank",
        &[
            "hint to sign in",
            "hint to sign out",
            "hint to ask a person",
        ],
    ),
    ("device secret", &["device secret of the family"]),
    ("refresh token", &["refresh token", "given back"]),
    ("refresh token of the forum", &["the forum asks"]),
    ("code", &["code"]),
    ("device code", &["device code"]),
    ("user code", &["user code"]),
    ("auth_req_id", &["auth_req_id"]),
    ("reference to a pushed request", &["request_uri"]),
    ("secret of a pushed request", &[]),
    ("registration access token", &["registration"]),
    ("initial access token", &["registering"]),
    ("logout token", &[]),
    ("signed answer (JARM)", &[]),
    ("signed introspection", &[]),
    ("signed userinfo", &[]),
    ("status list", &[]),
    ("client assertion", &["client assertion"]),
    ("request object", &["request object"]),
    ("DPoP proof", &["DPoP proof"]),
    ("session cookie", &["cookie"]),
    ("client secret", &[]),
];

struct World {
    app: TestApp,
    things: Vec<(&'static str, String)>,
    /// What the messenger got from `device_sso`.
    family: Value,
    /// The id of the app that registered itself.
    registered: String,
    /// The name of a grant that the forum manages.
    grant: String,
    /// A browser in which another person is signed in.
    browser: Browser,
    /// Where the messenger is told of a session's end.
    _told: Elsewhere,
}

/// A person's tokens for the messenger, from a sign-in of their own.
fn fresh(app: &TestApp) -> Value {
    let mut browser = app.browser();
    let code = code(&mut browser, "temuulen");
    redeem(&mut browser, &code).is(200).json()
}

/// The servers and apps, beside those of `exchange::world`.
fn set_up(app: &TestApp, pens: &Pens, told: &Elsewhere) {
    grants::set_up(app);
    device::television(app);
    ciba::bank(app);
    sso::family(app);
    told.answers("/out", 200, "");
    told_at_by(app, "demo-messenger", &told.url("/out"));
    let keys = pens.own();
    app.write(move |c| {
        let mut chat = store::client::find_service(c, "demo-chat")?.expect("the chat server");
        chat.userinfo = true;
        chat.offers.status_list = true;
        store::client::save_service(c, &chat)?;
        let mut hall = store::client::find_service(c, "room")?.expect("the room");
        (hall.id, hall.audience) = ("hall".into(), "https://hall.example".into());
        hall.scopes = vec!["hall".into()];
        hall.format = TokenFormat::Opaque;
        let _ = store::client::add_service(c, &hall)?;
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.scopes.push("hall".into());
        store::client::save(c, &forum)?;
        (forum.id, forum.auth) = ("signer".into(), ClientAuth::PrivateKeyJwt);
        forum.jwks = Some(keys.clone());
        forum.asking.request_object = Need::Optional;
        let _ = store::client::add(c, &forum)?;
        let mut demo = store::client::find(c, "demo-messenger")?.expect("the demo messenger");
        demo.registration.userinfo_algorithm = Some(Algorithm::ES256);
        store::client::save(c, &demo)
    });
    app.pass(Duration::from_secs(1));
}

impl World {
    #[allow(clippy::too_many_lines)] // a list
    fn new() -> Self {
        let app = TestApp::with(&[("REGISTRATION__MODE", "token")]);
        let (pens, told) = (Pens::new(), Elsewhere::new());
        let (chat, _) = exchange::world(&app, "openid offline_access chat room");
        app.person("saran");
        set_up(&app, &pens, &told);

        let family = sso::first(&app, &mut app.browser(), "temuulen", sso::SCOPE);
        let ours = {
            let kept = text(&fresh(&app), "refresh_token");
            let fields = [
                ("grant_type", "refresh_token"),
                ("refresh_token", kept.as_str()),
                ("resource", app.origin.as_str()),
            ];
            text(
                &token(&mut app.browser(), &fields).is(200).json(),
                "access_token",
            )
        };
        let machine = |scope| grants::manager(&app, "forum", scope);
        let opened = |token: &str| bearer(&app, token).get("/oauth2/userinfo").is(200).text();
        let signed_introspection = {
            let mut room = app
                .browser()
                .with("Authorization", &basic("demo-chat", SECRET));
            room = room.with("Accept", "application/token-introspection+jwt");
            room.post("/oauth2/introspect", &[("token", &chat)])
                .is(200)
                .text()
        };
        let jarm = {
            let at = request(&[("response_mode", "jwt")]);
            let back = ask(&mut app.browser(), &at, "temuulen").is(303);
            back.param("response").expect("a signed answer")
        };
        let logout = {
            let mut leaving = app.browser();
            let code = code(&mut leaving, "saran");
            redeem(&mut leaving, &code).is(200);
            leaving.fill("/signout", &[("decision", "signout")]).is(303);
            tell(&app);
            let body = told.asked().remove(0).body;
            body.strip_prefix("logout_token=")
                .expect("a token")
                .to_owned()
        };
        // What was allowed on a television, and what another one shows.
        let (allowed, shown) = (device::begin(&app), device::begin(&app));
        let mut browser = app.browser();
        let page = device::arrive(&mut browser, &allowed, "temuulen");
        device::allow(&mut browser, &page).is(200);
        let approve = |browser: &mut Browser| {
            let begun = ciba::ask(&app, &[]).is(200).json();
            let page = ciba::open(browser);
            ciba::decide(browser, &page, "allow").is(200);
            begun
        };
        let polled = ciba::poll_as(&app, "bank", &approve(&mut browser))
            .is(200)
            .json();
        let waiting = approve(&mut browser);
        let pushed = par::push(&app, &[]);
        let secret = pushed.rsplit(':').next().expect("a secret").to_owned();
        let create = [("grant_management_action", "create")];
        let managed = grants::allowed(&app, &mut browser, "openid offline_access", &create);
        let managed = grants::redeemed(&app, &managed).is(200).json();
        let made = make_initial(&app.app, "the team", 2, Duration::from_secs(3600));
        let (initial, _) = app.wait(made).unwrap();
        let body = json!({ "redirect_uris": ["https://app.example/cb"] });
        let own = crate::register::send(&mut bearer(&app, &initial), "POST", DOOR, &body);
        let own = own.is(201).json();

        let mut signed_in = app.browser();
        sign_in(&mut signed_in, "saran");
        app.deliver();
        let now = app.app.clock.now().seconds();
        let jti = || app.app.rng.id();
        let assertion = pens.sign(&json!({
            "iss": "signer", "sub": "signer", "aud": app.origin, "jti": jti(), "exp": now + 60,
        }));
        let mut wish = crate::jar::wish(&app);
        for (name, value) in [("iss", "signer"), ("client_id", "signer")] {
            wish[name] = json!(value);
        }
        let things = vec![
            ("access token of the chat server", chat),
            ("access token of ourselves", ours.clone()),
            ("access token of the room", machine("room")),
            ("opaque access token of the hall", machine("hall")),
            ("token to manage grants", machine("grant_management_query")),
            ("ID token", text(&family, "id_token")),
            ("ID token of the bank", text(&polled, "id_token")),
            ("device secret", text(&family, "device_secret")),
            ("refresh token", text(&fresh(&app), "refresh_token")),
            (
                "refresh token of the forum",
                text(&managed, "refresh_token"),
            ),
            ("code", code(&mut app.browser(), "temuulen")),
            ("device code", text(&allowed, "device_code")),
            ("user code", text(&shown, "user_code")),
            ("auth_req_id", text(&waiting, "auth_req_id")),
            ("reference to a pushed request", pushed),
            ("secret of a pushed request", secret),
            (
                "registration access token",
                text(&own, "registration_access_token"),
            ),
            ("initial access token", initial),
            ("logout token", logout),
            ("signed answer (JARM)", jarm),
            ("signed introspection", signed_introspection),
            ("signed userinfo", opened(&ours)),
            (
                "status list",
                app.browser()
                    .get("/services/demo-chat/status/0")
                    .is(200)
                    .text(),
            ),
            ("client assertion", assertion),
            ("request object", pens.sign(&wish)),
            (
                "DPoP proof",
                Key::new().proof(&app, "POST", "/oauth2/token", json!({})),
            ),
            ("session cookie", signed_in.cookies["gerege"].clone()),
            ("client secret", SECRET.to_owned()),
        ];
        app.deliver();
        // Its record tells when it was here last.
        signed_in.get(&request(&[])).is(303);
        Self {
            things,
            family,
            registered: text(&own, "client_id"),
            grant: text(&managed, "grant_id"),
            browser: signed_in,
            _told: told,
            app,
        }
    }

    fn thing(&self, name: &str) -> &str {
        let found = self.things.iter().find(|(own, _)| *own == name);
        &found.unwrap_or_else(|| panic!("no {name}")).1
    }

    fn bearer(&self, path: &str, token: &str) -> Answer {
        bearer(&self.app, token).get(path)
    }
}

/// Whether a text was taken at a door; a refusal must be one of the protocol.
type Door = fn(&World, &str, &str) -> bool;

/// Taken, or refused as the standards have it.
#[track_caller]
fn plain(answer: &Answer, row: &str) -> bool {
    if answer.status < 400 {
        return true;
    }
    refused(answer, row);
    false
}

fn asked_by(world: &World, service: &str, token: &str, row: &str) -> bool {
    let told = introspect(&world.app, service, token);
    let closed = json!({ "active": false });
    assert!(told["active"] == true || told == closed, "{row}: {told}");
    told != closed
}

fn authorize(world: &World, fields: &[(&str, &str)]) -> Answer {
    let at = format!("/oauth2/authorize?{}", encode(fields));
    world.app.browser().get(&at)
}

/// An authorization request that was stored, or refused on a page or back at the app.
#[track_caller]
fn stored(answer: &Answer, row: &str) -> bool {
    if answer.status == 303 && answer.location().starts_with("/oauth2/authorize/") {
        return true;
    }
    assert!(
        answer.status == 400 || answer.param("error").is_some(),
        "{row}: {}",
        answer.status
    );
    false
}

/// Every door, in the order in which what opens them can be shown: those that spend it come last.
const DOORS: [(&str, Door); 27] = [
    ("userinfo", |w, token, row| {
        plain(&w.bearer("/oauth2/userinfo", token), row)
    }),
    ("userinfo of the chat server", |w, token, row| {
        plain(&w.bearer("/services/demo-chat/userinfo", token), row)
    }),
    ("grant", |w, token, row| {
        plain(
            &w.bearer(&format!("/oauth2/grants/{}", w.grant), token),
            row,
        )
    }),
    ("registration", |w, token, row| {
        plain(&w.bearer(&format!("{DOOR}/{}", w.registered), token), row)
    }),
    ("registering", |w, token, row| {
        let body = json!({ "redirect_uris": ["https://app.example/cb"] });
        let mut app = bearer(&w.app, token);
        plain(&crate::register::send(&mut app, "POST", DOOR, &body), row)
    }),
    ("the chat server asks", |w, token, row| {
        asked_by(w, "demo-chat", token, row)
    }),
    ("the room asks", |w, token, row| {
        asked_by(w, "room", token, row)
    }),
    ("the hall asks", |w, token, row| {
        asked_by(w, "hall", token, row)
    }),
    ("the forum asks", |w, token, row| {
        asked_by(w, "forum", token, row)
    }),
    ("subject token", |w, token, row| {
        plain(
            &exchange::trade(&w.app, "chat-server", token, &[("audience", "room")]),
            row,
        )
    }),
    ("actor token", |w, token, row| {
        let fields = [
            ("audience", "room"),
            ("actor_token", token),
            (
                "actor_token_type",
                "urn:ietf:params:oauth:token-type:access_token",
            ),
        ];
        let chat = w.thing("access token of the chat server");
        plain(&exchange::trade(&w.app, "chat-server", chat, &fields), row)
    }),
    ("ID token of the family", |w, token, row| {
        plain(
            &sso::trade(&w.app, &w.family, &[("subject_token", token)]),
            row,
        )
    }),
    ("device secret of the family", |w, token, row| {
        plain(
            &sso::trade(&w.app, &w.family, &[("actor_token", token)]),
            row,
        )
    }),
    ("hint to sign in", |w, token, row| {
        // Who is signed in is another person than the one whose token it is.
        let at = request(&[("prompt", "none"), ("id_token_hint", token)]);
        let mut browser = w.browser.clone();
        let answer = browser.get(&at);
        let answer = browser.arrive(answer).is(303);
        let error = answer.param("error").unwrap_or_default();
        assert!(
            ["login_required", "interaction_required"].contains(&&*error),
            "{row}: {error}"
        );
        error == "login_required"
    }),
    ("hint to sign out", |w, token, row| {
        let at = format!("/oauth2/logout?{}", encode(&[("id_token_hint", token)]));
        plain(&w.app.browser().get(&at), row)
    }),
    ("hint to ask a person", |w, token, row| {
        let fields = [("login_hint", ""), ("id_token_hint", token)];
        plain(&ciba::ask(&w.app, &fields), row)
    }),
    ("cookie", |w, token, _| {
        let mut browser = w.app.browser();
        browser.cookies.insert("gerege".into(), token.to_owned());
        let answer = browser.get("/account");
        answer.status == 200 || answer.leads("/signin").status != 303
    }),
    ("client assertion", |w, token, row| {
        let fields = [
            ("grant_type", "client_credentials"),
            ("scope", "room"),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", token),
        ];
        plain(&w.app.browser().post("/oauth2/token", &fields), row)
    }),
    ("request object", |w, token, row| {
        let fields = [("client_id", "signer"), ("request", token)];
        stored(&authorize(w, &fields), row)
    }),
    ("request_uri", |w, token, row| {
        let fields = [("client_id", "demo-messenger"), ("request_uri", token)];
        stored(&authorize(w, &fields), row)
    }),
    ("DPoP proof", |w, token, row| {
        // A wrong proof is told before a wrong refresh token.
        let answer = refresh(&mut w.app.browser().with("DPoP", token), "made-up");
        refused(&answer, row);
        answer.json()["error"] != "invalid_dpop_proof"
    }),
    ("user code", |w, token, row| {
        let answer = w.app.browser().fill("/device", &[("user_code", token)]);
        plain(&answer, row)
    }),
    ("code", |w, token, row| {
        plain(&redeem(&mut w.app.browser(), token), row)
    }),
    ("device code", |w, token, row| {
        let begun = json!({ "device_code": token });
        plain(&device::poll(&mut w.app.browser(), &begun), row)
    }),
    ("auth_req_id", |w, token, row| {
        let begun = json!({ "auth_req_id": token });
        plain(&ciba::poll_as(&w.app, "bank", &begun), row)
    }),
    ("refresh token", |w, token, row| {
        plain(&refresh(&mut w.app.browser(), token), row)
    }),
    ("given back", |w, token, row| {
        // Every text is answered alike (RFC 7009 2.2); what was done tells.
        let before = w.app.dump();
        let fields = [("client_id", "demo-messenger"), ("token", token)];
        let answer = w.app.browser().post("/oauth2/revoke", &fields);
        assert_eq!(answer.status, 200, "{row}");
        w.app.dump() != before
    }),
];

#[test]
fn each_thing_opens_its_own_doors_and_no_other() {
    let world = World::new();
    let names: Vec<&str> = world.things.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, THINGS.map(|(name, _)| name));
    let doors: BTreeSet<&str> = DOORS.iter().map(|(door, _)| *door).collect();
    let opened: BTreeSet<&str> = THINGS
        .iter()
        .flat_map(|(_, opens)| *opens)
        .copied()
        .collect();
    // The one that nothing opens is named, so that no other is forgotten.
    let closed: Vec<&&str> = doors.difference(&opened).collect();
    assert_eq!(closed, [&"actor token"]);
    assert!(opened.is_subset(&doors), "{opened:?}");
    let before = world.app.dump();
    let mut refused = 0;
    for (door, open) in DOORS {
        for (thing, opens) in THINGS {
            if !opens.contains(&door) {
                let row = format!("{thing} at {door}");
                assert!(!open(&world, world.thing(thing), &row), "{row}");
                refused += 1;
            }
        }
        assert!(world.app.dump() == before, "{door}: a row was changed");
    }
    assert!(refused > 700, "{refused}");
    // None of that spent or ended anything.
    for (door, open) in DOORS {
        for (thing, opens) in THINGS {
            if opens.contains(&door) {
                let row = format!("{thing} at {door}");
                assert!(open(&world, world.thing(thing), &row), "{row}");
            }
        }
    }
    world.app.deliver();
}
