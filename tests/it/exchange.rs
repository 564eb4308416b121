//! Token exchange (RFC 8693): the chat server speaks to the room server as the person.

use std::time::Duration;

use gerege::flow::client::Caller;
use gerege::flow::operate::{client as operate, service, token as inspect};
use gerege::flow::presented;
use gerege::oauth::client::{Client, ClientAuth, GrantType};
use gerege::oauth::registration::SubjectType;
use gerege::{store, worker};
use gerege_verify::{CheckError, Refusal, Remote};
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::http::{Answer, basic, jwt};
use crate::resource::offer;
use crate::road::*;
use crate::status::now;

const KIND: &str = "urn:ietf:params:oauth:token-type:access_token";

/// A room server beside the chat server, and the chat server's own program. Gives the messenger's
/// token for the chat server and its refresh token.
pub fn world(app: &TestApp, scope: &str) -> (String, String) {
    app.person("temuulen");
    register(app);
    arm(app);
    app.write(|c| {
        let mut demo = store::client::find(c, "demo-messenger")?.expect("the demo messenger");
        demo.scopes.push("room".into());
        store::client::save(c, &demo)?;
        let forum = store::client::find(c, "forum")?.expect("the forum");
        for (id, service) in [("chat-server", "demo-chat"), ("room-server", "room")] {
            let program = Client {
                id: id.into(),
                auth: ClientAuth::ClientSecretBasic,
                redirects: Vec::new(),
                grants: vec![GrantType::TokenExchange],
                service: Some(service.into()),
                exchange: vec!["room".into(), "demo-chat".into()],
                ..forum.clone()
            };
            let _ = store::client::add(c, &program)?;
        }
        Ok(())
    });
    let mut browser = app.browser();
    let code = ask(&mut browser, &request(&[("scope", scope)]), "temuulen")
        .param("code")
        .expect("a code");
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("resource", "demo-chat"),
    ];
    let tokens = token(&mut browser, &fields).is(200).json();
    (
        text(&tokens, "access_token"),
        text(&tokens, "refresh_token"),
    )
}

pub fn trade(app: &TestApp, client: &str, token: &str, more: &[(&str, &str)]) -> Answer {
    let own = [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("subject_token", token),
        ("subject_token_type", KIND),
    ];
    let fields: Vec<(&str, &str)> = own
        .into_iter()
        .filter(|(name, _)| !more.iter().any(|(changed, _)| changed == name))
        .chain(more.iter().copied())
        .collect();
    let mut program = app.browser().with("Authorization", &basic(client, SECRET));
    program.post("/oauth2/token", &fields)
}

fn error(answer: Answer) -> String {
    text(&answer.is(400).json(), "error")
}

#[test]
fn a_chat_server_speaks_to_another_as_the_person() {
    let app = TestApp::new();
    let (access, refresh_) = world(&app, "openid offline_access chat room");
    app.pass(Duration::from_secs(60));
    let given = trade(&app, "chat-server", &access, &[("audience", "room")]);
    let given: Value = given.is(200).json();
    assert_eq!(given["issued_token_type"], KIND);
    assert_eq!(given["token_type"], "Bearer");
    assert_eq!(given["scope"], "room");
    assert!(given.get("refresh_token").is_none() && given.get("id_token").is_none());
    let new = text(&given, "access_token");
    let (before, after) = (jwt(&access).1, jwt(&new).1);
    assert_eq!(after["sub"], before["sub"]);
    assert_eq!(after["aud"], "https://room.example");
    assert_eq!(after["client_id"], "chat-server");
    assert_eq!(after["act"], json!({ "sub": "chat-server" }));
    // Never longer than what it came from.
    assert_eq!(after["exp"], before["exp"]);
    assert_eq!(given["expires_in"], 540);
    let heard = introspect(&app, "room", &new);
    assert_eq!(heard["act"]["sub"], "chat-server");
    assert_eq!(heard["username"], "temuulen");
    // And on, with everyone who acted.
    let back = trade(&app, "room-server", &new, &[("resource", "demo-chat")])
        .is(200)
        .json();
    let act = jwt(&text(&back, "access_token")).1["act"].clone();
    assert_eq!(
        act,
        json!({ "sub": "room-server", "act": { "sub": "chat-server" } })
    );
    // It ends with the grant that it came from.
    refresh(&mut app.browser(), &refresh_).is(400); // two services: it must name one
    let mut messenger = app.browser();
    let fields = [
        ("client_id", "demo-messenger"),
        ("token", refresh_.as_str()),
    ];
    messenger.post("/oauth2/revoke", &fields).is(200);
    assert_eq!(introspect(&app, "room", &new)["active"], false);
    let ended = trade(&app, "chat-server", &access, &[("audience", "room")]);
    assert_eq!(error(ended), "invalid_request");
}

#[test]
fn what_was_not_granted_or_listed_cannot_be_had() {
    let app = TestApp::new();
    let (access, refresh_) = world(&app, "openid offline_access chat");
    let to_room: &[(&str, &str)] = &[("audience", "room")];
    // The person granted nothing of the room server.
    assert_eq!(
        error(trade(&app, "chat-server", &access, to_room)),
        "invalid_target"
    );
    // Another service's program, or none.
    assert_eq!(
        error(trade(&app, "room-server", &access, to_room)),
        "invalid_request"
    );
    assert_eq!(
        error(trade(&app, "forum", &access, to_room)),
        "unauthorized_client"
    );
    let mut public = app.browser();
    let fields = [
        ("client_id", "demo-messenger"),
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("subject_token", access.as_str()),
        ("subject_token_type", KIND),
        ("audience", "room"),
    ];
    assert_eq!(
        error(public.post("/oauth2/token", &fields)),
        "unauthorized_client"
    );
    for (more, wanted) in [
        (&[("audience", "nowhere")][..], "invalid_target"),
        (
            &[("audience", "room"), ("resource", "demo-chat")],
            "invalid_target",
        ),
        (&[], "invalid_target"),
        (
            &[("audience", "demo-chat"), ("scope", "room")],
            "invalid_scope",
        ),
        (
            &[("audience", "demo-chat"), ("actor_token", "x")],
            "invalid_request",
        ),
        (
            &[("audience", "demo-chat"), ("subject_token", "x")],
            "invalid_request",
        ),
        (
            &[("audience", "demo-chat"), ("subject_token", &refresh_)],
            "invalid_request",
        ),
        (
            &[
                ("audience", "demo-chat"),
                (
                    "subject_token_type",
                    "urn:ietf:params:oauth:token-type:refresh_token",
                ),
            ],
            "invalid_request",
        ),
        (
            &[
                ("audience", "demo-chat"),
                (
                    "requested_token_type",
                    "urn:ietf:params:oauth:token-type:refresh_token",
                ),
            ],
            "invalid_request",
        ),
    ] {
        assert_eq!(
            error(trade(&app, "chat-server", &access, more)),
            wanted,
            "{more:?}"
        );
    }
    // A narrower one for itself may be had.
    let own = trade(&app, "chat-server", &access, &[("audience", "demo-chat")]).is(200);
    assert_eq!(own.json()["scope"], "chat");
    app.pass(Duration::from_secs(601));
    let late = trade(&app, "chat-server", &access, &[("audience", "demo-chat")]);
    assert_eq!(error(late), "invalid_request");
}

#[test]
fn a_program_that_sees_a_sub_of_its_own_is_given_no_readable_one() {
    let app = TestApp::new();
    let (access, _) = world(&app, "openid chat room");
    let account = text(&jwt(&access).1, "sub");
    app.write(|c| {
        let mut program = store::client::find(c, "chat-server")?.expect("the program");
        program.registration.subject_type = SubjectType::Pairwise;
        store::client::save(c, &program)?;
        let mut room = store::client::find_service(c, "room")?.expect("the room");
        room.userinfo = true;
        store::client::save_service(c, &room)
    });
    let given = trade(&app, "chat-server", &access, &[("audience", "room")]);
    let new = text(&given.is(200).json(), "access_token");
    assert!(new.starts_with("ga_"), "{new:.20}");
    let userinfo = |token: &str| {
        let bearer = format!("Bearer {token}");
        let mut reader = app.browser().with("Authorization", &bearer);
        reader.get("/services/room/userinfo")
    };
    userinfo(&new).is(401);
    // The room asks about it by its own right, and may know whom it serves.
    assert_eq!(introspect(&app, "room", &new)["sub"], account);
    // A service that cannot ask gets no token by it.
    app.write(|c| {
        let mut room = store::client::find_service(c, "room")?.expect("the room");
        room.secret_hash = None;
        store::client::save_service(c, &room)
    });
    app.pass(Duration::from_secs(1));
    let blind = trade(&app, "chat-server", &access, &[("audience", "room")]);
    assert_eq!(error(blind), "invalid_target");
    // Nobody else is kept from it.
    app.write(|c| {
        let mut program = store::client::find(c, "chat-server")?.expect("the program");
        program.registration.subject_type = SubjectType::Public;
        store::client::save(c, &program)
    });
    let given = trade(&app, "chat-server", &access, &[("audience", "room")]);
    let new = text(&given.is(200).json(), "access_token");
    assert_eq!(jwt(&new).1["sub"], account);
    userinfo(&new).is(200);
}

#[test]
fn a_narrowed_token_stays_narrow_on_the_way_round_by_another_service() {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    app.write(|c| {
        let mut chat = store::client::find_service(c, "demo-chat")?.expect("the demo service");
        chat.scopes.push("chat:admin".into());
        store::client::save_service(c, &chat)?;
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        let more = ["chat", "chat:admin", "room"].map(str::to_owned);
        forum.scopes.extend(more);
        forum.grants.push(GrantType::TokenExchange);
        forum.exchange = vec!["room".into(), "demo-chat".into()];
        store::client::save(c, &forum)
    });
    let mut browser = app.browser();
    let at = request(&[
        ("client_id", "forum"),
        ("redirect_uri", FORUM),
        ("scope", "openid chat chat:admin room"),
    ]);
    let page = ask(&mut browser, &at, "temuulen");
    let allowed = browser.allow(&page);
    let code = browser.arrive(allowed).param("code").expect("a code");
    let mut own = app.browser().with("Authorization", &basic("forum", SECRET));
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", FORUM),
        ("code_verifier", VERIFIER),
        ("resource", "demo-chat"),
    ];
    let wide = own.post("/oauth2/token", &fields).is(200).json();
    assert_eq!(wide["scope"], "chat chat:admin");
    let hop = |token: &Value, to: &str, scope: &[(&str, &str)]| {
        let more = [&[("audience", to)], scope].concat();
        trade(&app, "forum", &text(token, "access_token"), &more)
    };
    let narrow = hop(&wide, "demo-chat", &[("scope", "chat")]).is(200).json();
    assert_eq!(narrow["scope"], "chat");
    let round = hop(&narrow, "room", &[]).is(200).json();
    let back = hop(&round, "demo-chat", &[]).is(200).json();
    assert_eq!(back["scope"], "chat");
    let asked = hop(&round, "demo-chat", &[("scope", "chat chat:admin")]);
    assert_eq!(error(asked), "invalid_scope");
    let free = hop(&wide, "room", &[]).is(200).json();
    let free = hop(&free, "demo-chat", &[]).is(200).json();
    assert_eq!(free["scope"], "chat chat:admin");
    app.deliver();
}

/// The room answers userinfo and reads a status list; gives how it checks tokens by itself.
pub fn listed(app: &TestApp) -> Remote {
    offer(app, "room", |room| {
        room.userinfo = true;
        room.offers.status_list = true;
    });
    let keys = format!("{}/jwks.json", app.origin);
    Remote::from_key_set(&keys, &app.origin, "https://room.example").unwrap()
}

/// A token for the room, got for another.
pub fn traded(app: &TestApp, access: &str) -> String {
    let given = trade(app, "chat-server", access, &[("audience", "room")]);
    text(&given.is(200).json(), "access_token")
}

/// Whether we tell the room, and whoever holds the token, that it is good.
fn is_good(app: &TestApp, token: &str) -> (bool, bool) {
    let bearer = format!("Bearer {token}");
    let mut holder = app.browser().with("Authorization", &bearer);
    let told = holder.get("/services/room/userinfo");
    let heard = introspect(app, "room", token);
    (heard["active"] == true, told.status == 200)
}

/// Whether the room lets it in some seconds later, without asking.
pub fn is_let_in(app: &TestApp, room: &Remote, token: &str) -> bool {
    app.pass(Duration::from_secs(6));
    match room.check(token, now(app)) {
        Ok(_) => true,
        Err(why) => {
            assert_eq!(why, CheckError::Refused(Refusal::Ended));
            false
        }
    }
}

type End = fn(&TestApp);

#[test]
fn an_exchanged_token_ends_with_its_program() {
    let ways: [(&str, End); 3] = [
        ("the operator removes it", |app| {
            let gone = operate::remove(&app.app, "chat-server", false);
            app.wait(gone).unwrap();
        }),
        ("it may have nothing of the room", |app| {
            let change = |client: &mut Client| client.exchange.retain(|id| id != "room");
            app.wait(operate::edit(&app.app, "chat-server", change))
                .unwrap();
        }),
        ("it may exchange nothing", |app| {
            let change = |client: &mut Client| client.grants.clear();
            app.wait(operate::edit(&app.app, "chat-server", change))
                .unwrap();
        }),
    ];
    for (why, end) in ways {
        let app = TestApp::new();
        let (access, _) = world(&app, "openid offline_access chat room");
        let room = listed(&app);
        let new = traded(&app, &access);
        assert_eq!(is_good(&app, &new), (true, true), "{why}");
        assert!(is_let_in(&app, &room, &new), "{why}");
        end(&app);
        assert_eq!(is_good(&app, &new), (false, false), "{why}");
        assert!(!why_not(&app, &new).is_empty(), "{why}");
        assert!(!is_let_in(&app, &room, &new), "{why}");
        // It leads no further, and what it came from stands.
        let on = trade(&app, "room-server", &new, &[("audience", "demo-chat")]);
        assert_eq!(error(on), "invalid_request", "{why}");
        assert_eq!(introspect(&app, "demo-chat", &access)["active"], true);
    }
}

#[test]
fn what_comes_anew_under_an_old_id_has_none_of_the_old_tokens() {
    let room: End = |app| {
        let old = app.read(|c| store::client::find_service(c, "room"));
        app.wait(service::remove(&app.app, "room")).unwrap();
        app.pass(Duration::from_secs(30));
        let mut new = old.expect("the room");
        new.created_at = app.app.clock.now();
        app.write(move |c| store::client::add_service(c, &new))
            .expect("its id is free");
    };
    let anew: [(&str, End, (bool, bool)); 3] = [
        (
            "chat-server",
            |app| add_again(app, "chat-server"),
            (false, true),
        ),
        ("forum", |app| add_again(app, "forum"), (true, false)),
        ("room", room, (false, false)),
    ];
    for (id, add, stand) in anew {
        let app = TestApp::new();
        let (access, _) = world(&app, "openid offline_access chat room");
        listed(&app);
        app.write(|c| {
            let mut forum = store::client::find(c, "forum")?.expect("the forum");
            forum.scopes.push("room".into());
            store::client::save(c, &forum)
        });
        let (mut new, mut own) = (traded(&app, &access), machine(&app));
        let heard = |token: &str| {
            let heard = introspect(&app, "room", token)["active"] == true;
            assert_eq!(why_not(&app, token).is_empty(), heard, "{id}");
            heard
        };
        assert!(heard(&new) && heard(&own), "{id}");
        add(&app);
        assert_eq!((heard(&new), heard(&own)), stand, "{id}");
        (new, own) = (traded(&app, &access), machine(&app));
        assert!(heard(&new) && heard(&own), "{id}");
    }
}

/// Removes an app and, within the life of its tokens, adds it under the same id.
fn add_again(app: &TestApp, id: &'static str) {
    let old = app.read(move |c| store::client::find(c, id));
    app.wait(operate::remove(&app.app, id, false)).unwrap();
    app.pass(Duration::from_secs(30));
    let created_at = app.app.clock.now();
    app.write(move |c| {
        let old = old.clone().expect("the app");
        store::client::add(c, &Client { created_at, ..old })
    })
    .expect("its id is free");
}

/// What `gerege token inspect` has against a token.
pub fn why_not(app: &TestApp, token: &str) -> Vec<String> {
    let report = inspect::inspect(&app.app, token);
    app.wait(report).unwrap().why_not
}

/// The forum's own token for the room, of no person.
pub fn machine(app: &TestApp) -> String {
    let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
    let fields = [("grant_type", "client_credentials"), ("scope", "room")];
    let given = forum.post("/oauth2/token", &fields).is(200).json();
    text(&given, "access_token")
}

// RFC 7009 2.1, 2.2
#[test]
fn a_program_gives_back_its_own_exchanged_token_alone() {
    let app = TestApp::new();
    let (access, refresh_) = world(&app, "openid offline_access chat room");
    let room = listed(&app);
    let (first, second) = (traded(&app, &access), traded(&app, &access));
    let process = app.second();
    let service = app
        .read(|c| store::client::find_service(c, "room"))
        .expect("the room");
    let caller = Caller::Service(service.into());
    let heard_there = |token: &str| {
        app.pass(Duration::from_millis(1));
        let heard = presented::introspect(&process, &caller, token);
        app.wait(heard).unwrap().told["active"] == true
    };
    let revoke = |who: &str, token: &str| {
        let mut caller = app.browser().with("Authorization", &basic(who, SECRET));
        caller.post("/oauth2/revoke", &[("token", token)]).is(200);
    };
    // It is nobody else's: not of who may take it, nor of the app that it came from.
    revoke("forum", &first);
    revoke("room-server", &first);
    let messenger = [("client_id", "demo-messenger"), ("token", &first)];
    app.browser().post("/oauth2/revoke", &messenger).is(200);
    assert_eq!(is_good(&app, &first), (true, true));
    assert!(heard_there(&first) && heard_there(&first) && heard_there(&second));

    assert!(why_not(&app, &first).is_empty());
    revoke("chat-server", &first);
    revoke("chat-server", &first);
    assert_eq!(is_good(&app, &first), (false, false));
    assert_eq!(why_not(&app, &first), ["its app gave it back"]);
    assert_eq!(is_good(&app, &second), (true, true));
    app.pass(Duration::from_millis(998));
    assert!(!heard_there(&first) && heard_there(&second));
    assert!(!is_let_in(&app, &room, &first));
    assert!(is_let_in(&app, &room, &second));
    let on = trade(&app, "room-server", &first, &[("audience", "demo-chat")]);
    assert_eq!(error(on), "invalid_request");
    // Until its end.
    app.pass(Duration::from_secs(500));
    let at = app.app.clock.now();
    app.wait(worker::sweep(&app.app, at)).unwrap();
    assert_eq!(is_good(&app, &first), (false, false));
    assert_eq!(is_good(&app, &second), (true, true));
    // What they came from stands.
    assert_eq!(introspect(&app, "demo-chat", &access)["active"], true);
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_.as_str()),
        ("resource", "demo-chat"),
    ];
    token(&mut app.browser(), &fields).is(200);
}
