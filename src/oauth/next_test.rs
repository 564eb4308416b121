//! Tables of what a person sees next.

use std::time::Duration;

use super::*;
use crate::oauth::authorize::{AuthorizeRequest, check};
use crate::oauth::client::tests::client;

const MADE: i64 = 100_000;

fn now() -> Time {
    Time::from_seconds(MADE + 60)
}

/// A checked request of a third party that may be answered without a click.
fn request(prompt: &str) -> Checked {
    let request = AuthorizeRequest {
        client_id: Some("forum".into()),
        redirect_uri: Some("https://forum.example/cb".into()),
        response_type: Some("code".into()),
        scope: Some("openid profile".into()),
        code_challenge: Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".into()),
        code_challenge_method: Some("S256".into()),
        prompt: Some(prompt.into()),
        ..AuthorizeRequest::default()
    };
    let forum = client(&["https://forum.example/cb"], "openid profile");
    check(&request, Some(&forum), &[], "https://steppe.example").unwrap()
}

/// A session that proved itself `age` seconds before the request, with consent on file.
fn session(account: &str, age: i64) -> SessionView {
    SessionView {
        account_id: account.into(),
        sub: format!("sub-{account}"),
        sid: format!("sid-{account}"),
        username: format!("user-{account}"),
        email: format!("{account}@mail.example"),
        auth_time: Time::from_seconds(MADE - age),
        terms_due: false,
        consent: vec!["openid".into(), "profile".into(), "email".into()],
    }
}

fn browser(sessions: Vec<SessionView>) -> BrowserView {
    BrowserView {
        sessions,
        request_made_at: Time::from_seconds(MADE),
        ..BrowserView::default()
    }
}

/// The answer in one word.
fn word(request: &Checked, browser: &BrowserView) -> String {
    match next(request, browser, now()) {
        Next::Create => "create".into(),
        Next::SignIn { hint } => format!("signin {}", hint.unwrap_or_default()),
        Next::Choose => "choose".into(),
        Next::Confirm { account_id } => format!("confirm {account_id}"),
        Next::ContinueAs { account_id } => format!("continue {account_id}"),
        Next::Terms { account_id } => format!("terms {account_id}"),
        Next::Consent { account_id, scopes } => {
            format!("consent {account_id} {}", scope::print(&scopes))
        }
        Next::Issue {
            account_id,
            sid,
            scopes,
        } => {
            assert_eq!(sid, format!("sid-{account_id}"));
            format!("issue {account_id} {}", scope::print(&scopes))
        }
        Next::Refuse(problem) => problem.code.name().into(),
    }
}

type Row = (
    &'static str,
    fn(&mut Checked, &mut BrowserView),
    &'static str,
);

/// Each row starts from one fresh session of `a`, with consent on file and no click needed.
fn run(table: &[Row]) {
    for (at, (prompt, change, wanted)) in table.iter().enumerate() {
        let mut request = request(prompt);
        let mut browser = browser(vec![session("a", 30)]);
        change(&mut request, &mut browser);
        assert_eq!(
            word(&request, &browser),
            *wanted,
            "row {at}: prompt={prompt}"
        );
    }
}

fn allow(account: &str, scopes: &[&str]) -> Option<Allowed> {
    Some(Allowed {
        account_id: account.into(),
        scopes: scopes.iter().map(|name| (*name).into()).collect(),
    })
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn who_is_meant() {
    run(&[
        ("", |_, _| {}, "issue a openid profile"),
        ("", |_, b| b.sessions.clear(), "signin "),
        (
            "",
            |r, b| {
                b.sessions.clear();
                r.login_hint = some("temuulen");
            },
            "signin temuulen",
        ),
        ("", |_, b| b.sessions.push(session("b", 1)), "choose"),
        (
            "",
            |r, b| {
                b.sessions.push(session("b", 1));
                r.login_hint = some("USER-b");
            },
            "issue b openid profile",
        ),
        (
            "",
            |r, b| {
                b.sessions.push(session("b", 1));
                r.login_hint = some("a@mail.example");
            },
            "issue a openid profile",
        ),
        ("", |r, _| r.login_hint = some("stranger"), "choose"),
        (
            "",
            |r, b| {
                r.login_hint = some("stranger");
                b.chosen = some("a");
            },
            "issue a openid profile",
        ),
        (
            "",
            |_, b| {
                b.sessions.push(session("b", 1));
                b.chosen = some("b");
            },
            "issue b openid profile",
        ),
        (
            "",
            |_, b| {
                b.sessions.push(session("b", 1));
                b.password_typed = some("b");
            },
            "issue b openid profile",
        ),
        (
            "",
            |_, b| {
                b.sessions.push(session("b", 1));
                b.password_typed = some("b");
                b.chosen = some("a");
            },
            "issue a openid profile",
        ),
        ("", |_, b| b.chosen = some("gone"), "signin "),
        (
            "",
            |_, b| {
                b.chosen = some("gone");
                b.password_typed = some("a");
            },
            "issue a openid profile",
        ),
        ("select_account", |_, _| {}, "choose"),
        (
            "select_account",
            |r, _| r.login_hint = some("user-a"),
            "choose",
        ),
        (
            "select_account",
            |_, b| b.chosen = some("a"),
            "issue a openid profile",
        ),
        (
            "select_account",
            |_, b| b.password_typed = some("a"),
            "issue a openid profile",
        ),
        ("select_account", |_, b| b.sessions.clear(), "signin "),
        ("", |_, b| b.hinted = some("a"), "issue a openid profile"),
        ("", |_, b| b.hinted = some("b"), "signin "),
        (
            "",
            |_, b| {
                b.sessions.push(session("b", 1));
                b.hinted = some("b");
            },
            "issue b openid profile",
        ),
        (
            "",
            |_, b| {
                b.hinted = some("b");
                b.chosen = some("a");
            },
            "login_required",
        ),
    ]);
}

/// An app that may ask without a page learns nothing of people who did not let it in.
#[test]
fn prompt_none_tells_of_nobody_who_has_not_allowed_the_app() {
    let forgotten: fn(&mut BrowserView) = |b| b.sessions[0].consent.clear();
    let hints = ["user-a", "a@mail.example", "a", "sub-a", "stranger"];
    for hint in hints.map(Some).into_iter().chain([None]) {
        let (mut request, mut browser) = (request("none"), browser(vec![session("a", 30)]));
        (request.unchecked, request.silent) = (true, false);
        request.login_hint = hint.map(str::to_owned);
        forgotten(&mut browser);
        assert_eq!(word(&request, &browser), "login_required", "{hint:?}");
        request.unchecked = false;
        let wanted = match hint {
            Some(_) => "account_selection_required",
            None => "consent_required",
        };
        assert_eq!(word(&request, &browser), wanted, "{hint:?}");
        for hinted in ["a", "b"] {
            browser.hinted = some(hinted);
            assert_eq!(word(&request, &browser), "login_required", "{hinted}");
        }
    }
    // Beside somebody who let it in, nobody else is here; and their name only where it was told.
    let other: fn(&mut BrowserView) = |b| {
        b.sessions[0].consent = vec!["openid".into()];
        b.sessions.push(session("b", 1));
        b.sessions[1].consent.clear();
    };
    for (hint, wanted) in [
        (None, "consent_required"),
        (Some("sub-a"), "consent_required"),
        (Some("a"), "account_selection_required"),
        (Some("user-a"), "account_selection_required"),
        (Some("a@mail.example"), "account_selection_required"),
        (Some("user-b"), "account_selection_required"),
        (Some("sub-b"), "account_selection_required"),
    ] {
        let (mut request, mut browser) = (request("none"), browser(vec![session("a", 30)]));
        (request.unchecked, request.silent) = (true, false);
        request.login_hint = hint.map(str::to_owned);
        other(&mut browser);
        assert_eq!(word(&request, &browser), wanted, "{hint:?}");
    }
}

// SECURITY R60
#[test]
fn prompt_none_never_shows_a_page() {
    run(&[
        ("none", |_, _| {}, "issue a openid profile"),
        ("none", |_, b| b.sessions.clear(), "login_required"),
        (
            "none",
            |_, b| b.sessions.push(session("b", 1)),
            "account_selection_required",
        ),
        (
            "none",
            |r, b| {
                b.sessions.push(session("b", 1));
                r.login_hint = some("user-b");
            },
            "issue b openid profile",
        ),
        (
            "none",
            |_, b| {
                b.sessions.push(session("b", 1));
                b.hinted = some("b");
            },
            "issue b openid profile",
        ),
        ("none", |_, b| b.hinted = some("b"), "login_required"),
        (
            "none",
            |r, _| r.max_age = Some(Duration::ZERO),
            "login_required",
        ),
        (
            "none",
            |_, b| b.sessions[0].terms_due = true,
            "interaction_required",
        ),
        (
            "none",
            |_, b| b.sessions[0].consent.clear(),
            "consent_required",
        ),
        (
            "none",
            |_, b| {
                b.sessions[0].consent.clear();
                b.allowed = allow("a", &["openid", "profile"]);
            },
            "consent_required",
        ),
        (
            "none",
            |r, b| {
                r.first_party = true;
                b.sessions[0].consent.clear();
            },
            "issue a openid profile",
        ),
        ("none", |r, _| r.silent = false, "interaction_required"),
        (
            "none",
            |r, b| {
                r.silent = false;
                b.confirmed = some("a");
            },
            "interaction_required",
        ),
    ]);
    // Whatever else holds, never a page.
    for bits in 0..1u32 << 9 {
        let on = |bit: u32| bits & 1 << bit != 0;
        let mut request = request("none");
        request.silent = on(0);
        request.first_party = on(1);
        request.max_age = on(2).then_some(Duration::from_secs(5));
        request.login_hint = on(3).then(|| "user-b".into());
        let mut sessions = vec![session("a", 30), session("b", 1)];
        sessions.truncate(usize::from(on(4)) + usize::from(on(5)));
        let mut browser = browser(sessions);
        if let Some(first) = browser.sessions.first_mut() {
            first.terms_due = on(6);
            if on(7) {
                first.consent.clear();
            }
        }
        browser.hinted = on(8).then(|| "b".into());
        let got = next(&request, &browser, now());
        assert!(
            matches!(got, Next::Issue { .. } | Next::Refuse(_)),
            "{got:?}"
        );
    }
}

#[test]
fn a_fresh_proof_is_one_made_after_the_request() {
    run(&[
        ("login", |_, _| {}, "confirm a"),
        ("login", |_, b| b.sessions.clear(), "signin "),
        ("login", |_, b| b.sessions[0] = session("a", 0), "confirm a"),
        (
            "login",
            |_, b| b.sessions[0] = session("a", -1),
            "issue a openid profile",
        ),
        (
            "login",
            |_, b| b.password_typed = some("a"),
            "issue a openid profile",
        ),
        ("login", |_, b| b.confirmed = some("a"), "confirm a"),
        ("login", |_, b| b.chosen = some("a"), "confirm a"),
        (
            "login",
            |_, b| {
                b.sessions.push(session("b", 9));
                b.password_typed = some("b");
                b.chosen = some("a");
            },
            "confirm a",
        ),
        ("login", |_, b| b.sessions.push(session("b", 9)), "choose"),
        (
            "",
            |r, _| r.max_age = Some(Duration::from_secs(90)),
            "issue a openid profile",
        ),
        (
            "",
            |r, _| r.max_age = Some(Duration::from_secs(89)),
            "confirm a",
        ),
        ("", |r, _| r.max_age = Some(Duration::ZERO), "confirm a"),
        (
            "",
            |r, b| {
                r.max_age = Some(Duration::ZERO);
                b.sessions[0] = session("a", -1);
            },
            "issue a openid profile",
        ),
    ]);
}

#[test]
fn agreements_then_consent_then_the_click() {
    run(&[
        ("", |_, b| b.sessions[0].terms_due = true, "terms a"),
        ("login", |_, b| b.sessions[0].terms_due = true, "confirm a"),
        (
            "",
            |_, b| {
                b.sessions[0].terms_due = true;
                b.sessions[0].consent.clear();
            },
            "terms a",
        ),
        (
            "",
            |_, b| b.sessions[0].consent.clear(),
            "consent a openid profile",
        ),
        (
            "",
            |_, b| b.sessions[0].consent.truncate(1),
            "consent a openid profile",
        ),
        ("consent", |_, _| {}, "consent a openid profile"),
        (
            "consent",
            |_, b| b.allowed = allow("a", &["openid", "profile"]),
            "issue a openid profile",
        ),
        (
            "consent",
            |_, b| b.allowed = allow("a", &["openid", "email"]),
            "issue a openid",
        ),
        ("", |_, b| b.allowed = allow("a", &[]), "access_denied"),
        (
            "",
            |_, b| b.allowed = allow("a", &["profile"]),
            "access_denied",
        ),
        ("", |_, b| b.declined = true, "access_denied"),
        (
            "",
            |r, b| {
                r.first_party = true;
                b.sessions[0].consent.clear();
            },
            "issue a openid profile",
        ),
        (
            "consent",
            |r, _| r.first_party = true,
            "consent a openid profile",
        ),
        ("", |r, _| r.silent = false, "continue a"),
        (
            "",
            |r, b| {
                r.silent = false;
                b.confirmed = some("a");
            },
            "issue a openid profile",
        ),
        (
            "",
            |r, b| {
                r.silent = false;
                b.password_typed = some("a");
            },
            "issue a openid profile",
        ),
        (
            "",
            |r, b| {
                r.silent = false;
                b.password_typed = some("b");
                b.sessions.push(session("b", 1));
                b.chosen = some("a");
            },
            "issue a openid profile",
        ),
        (
            "",
            |r, b| {
                r.silent = false;
                b.sessions[0].consent.clear();
            },
            "consent a openid profile",
        ),
        (
            "",
            |r, b| {
                r.silent = false;
                b.allowed = allow("a", &["openid", "profile"]);
            },
            "issue a openid profile",
        ),
    ]);
}

#[test]
fn prompt_create_leads_to_sign_up_once() {
    run(&[
        ("create", |_, _| {}, "create"),
        ("create", |_, b| b.sessions.clear(), "create"),
        ("create login", |_, _| {}, "create"),
        (
            "create",
            |_, b| {
                b.sessions.push(session("n", -1));
                b.account_made = some("n");
            },
            "issue n openid profile",
        ),
        (
            "create",
            |r, b| {
                r.silent = false;
                b.sessions.push(session("n", -1));
                b.account_made = some("n");
            },
            "issue n openid profile",
        ),
        ("create", |_, b| b.account_made = some("n"), "signin "),
    ]);
}

#[test]
fn what_one_person_allowed_holds_for_nobody_else() {
    run(&[
        (
            "consent",
            |_, b| {
                b.sessions.push(session("b", 1));
                b.allowed = allow("a", &["openid", "profile"]);
                b.chosen = some("b");
            },
            "consent b openid profile",
        ),
        (
            "",
            |r, b| {
                r.silent = false;
                r.login_hint = some("user-b");
                b.sessions.push(session("b", 1));
                b.confirmed = some("a");
            },
            "continue b",
        ),
    ]);
}
