//! Tables of the token endpoint.

use proptest::prelude::*;

use super::*;
use crate::oauth::client::tests::client;
use crate::oauth::client::{ClientAuth, Pkce};
use crate::oauth::service::tests::service;

const ISSUER: &str = "https://steppe.example";
const BACK: &str = "https://forum.example/cb";
// RFC 7636 appendix B
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn at(seconds: i64) -> Time {
    Time::from_seconds(seconds)
}

fn own(text: &str) -> Vec<String> {
    scope::parse(text).unwrap()
}

fn forum() -> Client {
    client(&[BACK], "openid profile offline_access chat mail")
}

fn grant() -> Grant {
    Grant {
        id: "g1".into(),
        account_id: "a1".into(),
        client_id: "forum".into(),
        sid: "s1".into(),
        scopes: own("openid profile offline_access"),
        resources: vec![],
        offline: true,
        claims: Default::default(),
        details: Default::default(),
        nonce: None,
        auth_time: at(0),
        amr: vec!["pwd".into()],
        dpop_jkt: None,
        managed: None,
        created_at: at(0),
        revoked_at: None,
    }
}

fn code() -> Code {
    Code {
        hash: "h".into(),
        grant_id: "g1".into(),
        redirect_uri: BACK.into(),
        challenge: Some(CHALLENGE.into()),
        expires_at: at(60),
        used_at: None,
        wrong: 0,
    }
}

fn exchange() -> Exchange {
    Exchange::Code {
        code: "secret".into(),
        redirect_uri: Some(BACK.into()),
        verifier: Some(VERIFIER.into()),
        resource: vec![],
    }
}

fn read(body: &str) -> Result<Exchange, Problem> {
    Exchange::parse(&Params::parse(body.as_bytes()).unwrap())
}

#[test]
fn each_grant_type_is_read() {
    let table = [
        ("", Err(Error::InvalidRequest)),
        ("grant_type=", Err(Error::InvalidRequest)),
        (
            "grant_type=password&username=a&password=b",
            Err(Error::UnsupportedGrantType),
        ),
        ("grant_type=implicit", Err(Error::UnsupportedGrantType)),
        ("grant_type=authorization_code", Err(Error::InvalidRequest)),
        (
            "grant_type=authorization_code&code=c",
            Ok(GrantType::AuthorizationCode),
        ),
        ("grant_type=refresh_token", Err(Error::InvalidRequest)),
        (
            "grant_type=refresh_token&refresh_token=r",
            Ok(GrantType::RefreshToken),
        ),
        (
            "grant_type=refresh_token&refresh_token=r&scope=%22",
            Err(Error::InvalidScope),
        ),
        (
            "grant_type=client_credentials&scope=chat",
            Ok(GrantType::ClientCredentials),
        ),
    ];
    for (body, wanted) in table {
        let got = read(body);
        let got = got
            .map(|exchange| exchange.grant_type())
            .map_err(|problem| problem.code);
        assert_eq!(got, wanted, "{body}");
    }
    let full = read("grant_type=refresh_token&refresh_token=r0&scope=b+a&resource=x&resource=y");
    let full = full.unwrap();
    assert_eq!(full.resource(), ["x", "y"]);
    assert!(!format!("{full:?}").contains("r0"));
}

type Change = fn(&mut Grant, &mut Code, &mut Exchange, &mut Client);

fn set(exchange: &mut Exchange, uri: Option<&str>, proof: Option<&str>) {
    if let Exchange::Code {
        redirect_uri,
        verifier,
        ..
    } = exchange
    {
        *redirect_uri = uri.map(str::to_owned);
        *verifier = proof.map(str::to_owned);
    }
}

const WRONG: &str = "wrong-wrong-wrong-wrong-wrong-wrong-wrong-wrong";

#[test]
fn a_code_is_judged_in_order() {
    // What is spoilt beside each other shows which one is looked at first (PROTOCOL.md 2).
    let table: &[(&str, Change)] = &[
        ("good", |_, _, _, _| {}),
        ("invalid_grant", |_, c, _, _| c.expires_at = at(30)),
        ("good", |_, c, _, _| c.expires_at = at(31)),
        ("replay", |_, c, _, _| c.used_at = Some(at(1))),
        ("replay", |_, c, _, _| {
            c.used_at = Some(at(1));
            c.expires_at = at(2);
        }),
        ("invalid_grant", |g, c, _, _| {
            c.used_at = Some(at(1));
            g.revoked_at = Some(at(2));
        }),
        ("invalid_grant", |g, _, _, _| g.revoked_at = Some(at(2))),
        ("wrong", |_, _, e, _| set(e, Some(BACK), Some(WRONG))),
        ("invalid_grant", |_, c, e, _| {
            set(e, Some(BACK), Some(WRONG));
            c.used_at = Some(at(1));
        }),
        ("wrong", |_, c, e, _| {
            set(e, Some(BACK), Some(WRONG));
            c.wrong = 4;
        }),
        ("invalid_grant", |_, c, _, _| c.wrong = 5),
        ("replay", |_, c, _, _| {
            c.wrong = 5;
            c.used_at = Some(at(1));
        }),
        ("invalid_grant", |_, c, e, _| {
            set(e, Some(BACK), None);
            c.used_at = Some(at(1));
        }),
        ("invalid_grant", |_, c, e, _| {
            set(e, Some("https://forum.example/x"), Some(WRONG));
            c.used_at = Some(at(1));
        }),
        ("invalid_grant", |_, c, e, _| {
            set(e, None, Some(VERIFIER));
            c.used_at = Some(at(1));
        }),
        ("invalid_grant", |_, c, _, k| {
            k.id = "other".into();
            c.used_at = Some(at(1));
        }),
        ("invalid_grant", |_, c, e, k| {
            k.id = "other".into();
            c.challenge = None;
            set(e, Some(BACK), None);
        }),
        ("invalid_grant", |_, c, _, _| c.grant_id = "g2".into()),
        ("unauthorized_client", |_, c, _, k| {
            k.grants.remove(0);
            c.used_at = Some(at(1));
        }),
        ("invalid_grant", |_, c, _, _| c.challenge = None),
        ("invalid_grant", |_, c, e, _| {
            c.challenge = None;
            set(e, Some(BACK), None);
        }),
        ("good", |_, c, e, k| {
            c.challenge = None;
            k.pkce = Pkce::Optional;
            set(e, Some(BACK), None);
        }),
        ("invalid_grant", |_, c, _, k| {
            c.challenge = None;
            k.pkce = Pkce::Optional;
        }),
        ("invalid_grant", |_, c, e, k| {
            c.challenge = None;
            k.pkce = Pkce::Optional;
            k.auth = ClientAuth::None;
            set(e, Some(BACK), None);
        }),
        ("good", |g, _, e, _| {
            g.scopes = own("chat");
            set(e, None, Some(VERIFIER));
        }),
        ("invalid_grant", |g, _, e, k| {
            g.scopes = own("chat");
            k.redirects.push("https://forum.example/x".into());
            set(e, None, Some(VERIFIER));
        }),
        ("invalid_grant", |_, _, e, _| {
            *e = read("grant_type=refresh_token&refresh_token=r0").unwrap();
        }),
    ];
    for (row, (wanted, change)) in table.iter().enumerate() {
        let (mut grant, mut code, mut exchange, mut client) =
            (grant(), code(), exchange(), forum());
        change(&mut grant, &mut code, &mut exchange, &mut client);
        let got = match redeem(&grant, &code, &exchange, &client, at(30)) {
            Ok(_) => "good",
            Err(Denied::WrongVerifier) => "wrong",
            Err(Denied::Replay) => "replay",
            Err(Denied::Refused(problem)) => problem.code.name(),
        };
        assert_eq!(got, *wanted, "row {row}");
    }
    assert_eq!(Denied::Replay.problem().code, Error::InvalidGrant);
    assert_eq!(Denied::WrongVerifier.problem().code, Error::InvalidGrant);
}

#[test]
fn a_refresh_token_is_given_where_it_is_due() {
    let award = |scopes: &str, change: fn(&mut Client)| {
        let (mut grant, mut client) = (grant(), forum());
        grant.scopes = own(scopes);
        change(&mut client);
        redeem(&grant, &code(), &exchange(), &client, at(1)).unwrap()
    };
    assert!(award("openid offline_access", |_| {}).refresh);
    assert!(!award("openid", |_| {}).refresh);
    assert!(award("chat", |client| client.refresh = RefreshPolicy::Always).refresh);
    assert!(!award("openid offline_access", |client| client.grants.truncate(1)).refresh);
    assert!(award("openid", |_| {}).id_token);
    assert!(!award("chat", |_| {}).id_token);
}

#[test]
fn a_machine_gets_what_services_for_machines_allow() {
    let mut services = vec![
        service("chat", &["chat"]),
        service("mail", &["mail", "mail:send"]),
    ];
    services[1].machine = true;
    let mut bot = forum();
    bot.grants = vec![GrantType::ClientCredentials];
    let ask = |client: &Client, body: &str| {
        let exchange = read(&format!("grant_type=client_credentials&{body}")).unwrap();
        machine(client, &exchange, &services, ISSUER)
            .map(|target| {
                format!(
                    "{} {}",
                    target.audience.name(ISSUER),
                    scope::print(&target.scopes)
                )
            })
            .map_err(|problem| problem.code)
    };
    let mail = || Ok("https://mail.example mail".to_owned());
    assert_eq!(ask(&bot, ""), mail());
    assert_eq!(ask(&bot, "scope=mail"), mail());
    assert_eq!(ask(&bot, "resource=https://mail.example"), mail());
    assert_eq!(ask(&bot, "scope=chat"), Err(Error::InvalidTarget));
    assert_eq!(
        ask(&bot, "resource=https://chat.example"),
        Err(Error::InvalidTarget)
    );
    assert_eq!(ask(&bot, "scope=mail:send"), Err(Error::InvalidScope));
    for name in ["openid", "profile", "email", "offline_access", "unknown"] {
        assert_eq!(
            ask(&bot, &format!("scope=mail+{name}")),
            Err(Error::InvalidScope)
        );
    }
    assert_eq!(ask(&forum(), ""), Err(Error::UnauthorizedClient));
    bot.auth = ClientAuth::None;
    assert_eq!(ask(&bot, ""), Err(Error::UnauthorizedClient));
}

proptest! {
    #[test]
    fn any_body_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(params) = Params::parse(&bytes) {
            let _ = Exchange::parse(&params).map(|exchange| exchange.grant_type());
        }
    }
}
