//! Token exchange (RFC 8693): a program trades a person's token for one that another service
//! takes, and says so in it. Never longer, never wider, never a refresh token (PROTOCOL.md 1).

use serde_json::{Map, Value, json};

use super::binding::{Binding, Held};
use super::client::{Client, GrantType};
use super::error::{Code, Problem};
use super::grant::Grant;
use super::params::Params;
use super::scope;
use super::service::Service;
use crate::clock::Time;

/// The one kind of token that is taken and given (RFC 8693 3).
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// So many programs may stand behind each other in `act`.
const DEEPEST: usize = 4;

/// What is asked for (RFC 8693 2.1).
#[derive(Clone, PartialEq, Eq)]
pub struct Ask {
    /// The person's token.
    pub subject_token: String,
    /// `resource` and `audience`.
    pub targets: Vec<String>,
    /// No more than was granted.
    pub scope: Option<Vec<String>>,
}

impl std::fmt::Debug for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ask({:?}, {:?})", self.targets, self.scope)
    }
}

impl Ask {
    /// Reads a token request's body (RFC 8693 2.1).
    ///
    /// # Errors
    /// `invalid_request` or `invalid_scope`.
    pub fn parse(params: &Params) -> Result<Self, Problem> {
        let missing = |name: &str| invalid(format!("{name} is missing"));
        let subject_token = params.owned("subject_token");
        let kind = params.one("subject_token_type");
        match kind.ok_or_else(|| missing("subject_token_type"))? {
            ACCESS_TOKEN => {}
            _ => {
                return Err(invalid(format!(
                    "subject_token_type must be {ACCESS_TOKEN}"
                )));
            }
        }
        if params
            .one("requested_token_type")
            .is_some_and(|kind| kind != ACCESS_TOKEN)
        {
            return Err(invalid(format!(
                "requested_token_type must be {ACCESS_TOKEN}"
            )));
        }
        // RFC 8693 2.1 leaves it open: the client itself is the one that acts, and has proved who
        // it is.
        if params.has("actor_token") || params.has("actor_token_type") {
            return Err(invalid("actor_token is not supported"));
        }
        Ok(Self {
            subject_token: subject_token.ok_or_else(|| missing("subject_token"))?,
            targets: [params.many("resource"), params.many("audience")].concat(),
            scope: params.one("scope").map(scope::parse).transpose()?,
        })
    }
}

/// The token that was brought, after it was found good (RFC 8693 2.1, `subject_token`).
#[derive(Clone, Copy, Debug)]
pub struct Brought<'a> {
    /// Whom it was given to.
    pub client_id: &'a str,
    /// The service that takes it; `None` for ourselves.
    pub service: Option<&'a Service>,
    /// What it may do.
    pub scopes: &'a [String],
    /// The key that it is bound to.
    pub binding: Option<&'a Binding>,
    /// Who acts by it already.
    pub act: Option<&'a Value>,
    /// What the tokens that it came from could do at their services, by the ids of these.
    pub bounds: Option<&'a Value>,
    /// When it runs out.
    pub expires_at: Time,
}

/// What is given for it (RFC 8693 2.2.1).
#[derive(Clone, Debug, PartialEq)]
pub struct Given<'a> {
    /// The service that the new token is for.
    pub service: &'a Service,
    /// What it may do there.
    pub scopes: Vec<String>,
    /// Who acts by it (RFC 8693 4.1).
    pub act: Value,
    /// What the tokens that it comes from could do at other services.
    pub bounds: Option<Value>,
    /// When it runs out at the latest.
    pub expires_at: Time,
}

/// Judges an exchange. `grant` is the one behind the token that was brought.
///
/// # Errors
/// `unauthorized_client`, `invalid_request`, `invalid_target` or `invalid_scope` (RFC 8693 2.2.2).
pub fn judge<'a>(
    ask: &Ask,
    brought: &Brought<'_>,
    grant: &Grant,
    client: &Client,
    held: &Held,
    services: &'a [Service],
) -> Result<Given<'a>, Problem> {
    if !client.may(GrantType::TokenExchange) || client.is_public() {
        return Err(Problem::new(
            Code::UnauthorizedClient,
            "token exchange needs a confidential client that is registered for it",
        ));
    }
    let own = brought.client_id == client.id;
    let at_my_door = match (brought.service, &client.service) {
        (Some(service), Some(mine)) => service.id == *mine,
        _ => false,
    };
    if !own && !at_my_door {
        return Err(invalid(
            "subject_token was neither given to this client nor made for its service",
        ));
    }
    // A service that was shown a bound token has seen the proof; whom it was given to has the key.
    if !at_my_door && brought.binding.is_some_and(|binding| !held.has(binding)) {
        return Err(invalid(
            "subject_token is bound to a key that was not proved",
        ));
    }
    let service = target(&ask.targets, client, services)?;
    // At a service that a token was for on the way here, what it could do there is the bound; at
    // another one what the person granted is.
    let mut bounds = bounds(brought.bounds)?;
    if let Some(from) = brought.service {
        let had = scope::cut(brought.scopes, &from.scopes);
        bounds.insert(from.id.clone(), scope::print(&had).into());
    }
    let granted = scope::cut(&grant.scopes, &service.scopes);
    let most = match bounds.remove(&service.id) {
        Some(Value::String(had)) => {
            let had: Vec<String> = had.split_whitespace().map(str::to_owned).collect();
            scope::cut(&granted, &had)
        }
        Some(_) => return Err(invalid("subject_token cannot be read")),
        None => granted,
    };
    let scopes = match &ask.scope {
        Some(asked) if !scope::within(asked, &most) => {
            return Err(Problem::new(
                Code::InvalidScope,
                "scope asks for more than the person granted there",
            ));
        }
        Some(asked) => asked.clone(),
        None => most,
    };
    if scopes.is_empty() {
        return Err(Problem::new(
            Code::InvalidTarget,
            "the person granted nothing of this service",
        ));
    }
    Ok(Given {
        service,
        scopes,
        act: act(&client.id, brought.act)?,
        bounds: (!bounds.is_empty()).then_some(Value::Object(bounds)),
        expires_at: brought.expires_at,
    })
}

/// The one service that is named, by its audience or its id, and that the client may reach so (RFC
/// 8693 2.1.1).
fn target<'a>(
    named: &[String],
    client: &Client,
    services: &'a [Service],
) -> Result<&'a Service, Problem> {
    let wrong = |why| Problem::new(Code::InvalidTarget, why);
    let [name] = named else {
        return Err(wrong("name one service with resource or audience"));
    };
    // The same for unknown ones: what there is is nobody's business here.
    let refused = wrong("this client may not exchange tokens for that service");
    match services
        .iter()
        .find(|service| service.audience == *name || service.id == *name)
    {
        Some(service) if client.may_trade(&service.id) => Ok(service),
        Some(service) => Err(refused.mend(format!(
            "gerege client edit {} --add-exchange {}",
            client.id, service.id
        ))),
        None => Err(refused.mend("gerege service list".into())),
    }
}

/// What the tokens before could do, so that no way round widens it.
fn bounds(before: Option<&Value>) -> Result<Map<String, Value>, Problem> {
    match before {
        None => Ok(Map::new()),
        Some(Value::Object(before)) => Ok(before.clone()),
        Some(_) => Err(invalid("subject_token cannot be read")),
    }
}

/// Who acts: this client, and behind it whoever acted before (RFC 8693 4.1).
fn act(client_id: &str, before: Option<&Value>) -> Result<Value, Problem> {
    let mut depth = 1;
    let mut inner = before;
    while let Some(one) = inner {
        depth += 1;
        inner = one.get("act");
    }
    if depth > DEEPEST {
        return Err(invalid("subject_token was exchanged too many times"));
    }
    Ok(match before {
        Some(before) => json!({ "sub": client_id, "act": before }),
        None => json!({ "sub": client_id }),
    })
}

fn invalid(why: impl Into<String>) -> Problem {
    Problem::new(Code::InvalidRequest, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::client::tests::client;
    use crate::oauth::service::tests::service;

    fn at(seconds: i64) -> Time {
        Time::from_seconds(seconds)
    }

    fn grant() -> Grant {
        Grant {
            id: "g1".into(),
            account_id: "p1".into(),
            client_id: "messenger".into(),
            sid: "s1".into(),
            scopes: ["openid", "chat", "chat:admin", "files"]
                .map(str::to_owned)
                .into(),
            resources: vec![],
            offline: true,
            claims: Default::default(),
            details: Default::default(),
            nonce: None,
            auth_time: at(0),
            amr: vec![],
            dpop_jkt: None,
            managed: None,
            created_at: at(0),
            revoked_at: None,
        }
    }

    /// The chat server's own client.
    fn server() -> Client {
        let mut client = client(&[], "chat");
        client.id = "chat-server".into();
        client.grants = vec![GrantType::TokenExchange];
        client.service = Some("chat".into());
        client.exchange = vec!["files".into(), "chat".into()];
        client
    }

    fn ask(target: &str, scope: Option<&str>) -> Ask {
        Ask {
            subject_token: "secret".into(),
            targets: vec![target.into()],
            scope: scope.map(|text| super::scope::parse(text).unwrap()),
        }
    }

    fn services() -> [Service; 3] {
        [
            service("chat", &["chat", "chat:admin"]),
            service("files", &["files"]),
            service("mail", &["mail"]),
        ]
    }

    #[test]
    fn a_request_brings_one_access_token() {
        let parse = |text: &str| {
            Ask::parse(&Params::parse(text.as_bytes()).unwrap()).map_err(|problem| problem.code)
        };
        let kind = "subject_token_type=urn:ietf:params:oauth:token-type:access_token";
        let good = parse(&format!(
            "subject_token=t&{kind}&audience=files&scope=files"
        ))
        .unwrap();
        assert_eq!(good.targets, ["files"]);
        for bad in [
            "subject_token=t".to_owned(),
            kind.to_owned(),
            "subject_token=t&subject_token_type=urn:ietf:params:oauth:token-type:id_token".into(),
            format!("subject_token=t&{kind}&actor_token=x"),
            format!(
                "subject_token=t&{kind}&requested_token_type=urn:ietf:params:oauth:token-type:refresh_token"
            ),
        ] {
            assert_eq!(parse(&bad), Err(Code::InvalidRequest), "{bad}");
        }
    }

    #[test]
    fn what_is_given_is_never_wider_and_never_longer() {
        let services = services();
        let scopes = ["chat".to_owned()];
        let bound = Binding::Dpop("key".into());
        let base = Brought {
            client_id: "messenger",
            service: Some(&services[0]),
            scopes: &scopes,
            binding: None,
            act: None,
            bounds: None,
            expires_at: at(300),
        };
        let judge = |ask: &Ask, brought: &Brought<'_>, client: &Client, held: &Held| {
            judge(ask, brought, &grant(), client, held, &services)
                .map(|given| (given.service.id.clone(), given.scopes.join(" ")))
                .map_err(|problem| problem.code)
        };
        let none = Held::default();
        let gave = |id: &str, scopes: &str| Ok((id.to_owned(), scopes.to_owned()));
        let table = [
            (ask("files", None), base, server(), gave("files", "files")),
            (
                ask("https://files.example", Some("files")),
                base,
                server(),
                gave("files", "files"),
            ),
            // Down-scoping for itself: no more than the token has, whatever the grant has.
            (ask("chat", None), base, server(), gave("chat", "chat")),
            (
                ask("chat", Some("chat:admin")),
                base,
                server(),
                Err(Code::InvalidScope),
            ),
            (
                ask("files", Some("files mail")),
                base,
                server(),
                Err(Code::InvalidScope),
            ),
            (ask("mail", None), base, server(), Err(Code::InvalidTarget)),
            (
                ask("nothing", None),
                base,
                server(),
                Err(Code::InvalidTarget),
            ),
            (
                ask("mail", None),
                base,
                Client {
                    exchange: vec!["mail".into()],
                    ..server()
                },
                Err(Code::InvalidTarget),
            ),
            // Neither its own token nor one for its service.
            (
                ask("files", None),
                base,
                Client {
                    service: None,
                    ..server()
                },
                Err(Code::InvalidRequest),
            ),
            (
                ask("files", None),
                Brought {
                    service: Some(&services[1]),
                    ..base
                },
                server(),
                Err(Code::InvalidRequest),
            ),
            (
                ask("files", None),
                Brought {
                    service: None,
                    ..base
                },
                server(),
                Err(Code::InvalidRequest),
            ),
            (
                ask("files", None),
                Brought {
                    client_id: "chat-server",
                    service: None,
                    ..base
                },
                server(),
                gave("files", "files"),
            ),
            // A bound one: its service may pass it on, its owner must prove the key.
            (
                ask("files", None),
                Brought {
                    binding: Some(&bound),
                    ..base
                },
                server(),
                gave("files", "files"),
            ),
            (
                ask("files", None),
                Brought {
                    client_id: "chat-server",
                    service: None,
                    binding: Some(&bound),
                    ..base
                },
                server(),
                Err(Code::InvalidRequest),
            ),
            (
                ask("files", None),
                base,
                Client {
                    grants: vec![],
                    ..server()
                },
                Err(Code::UnauthorizedClient),
            ),
            (
                ask("files", None),
                base,
                Client {
                    auth: crate::oauth::client::ClientAuth::None,
                    ..server()
                },
                Err(Code::UnauthorizedClient),
            ),
        ];
        for (at, (ask, brought, client, wanted)) in table.into_iter().enumerate() {
            assert_eq!(judge(&ask, &brought, &client, &none), wanted, "row {at}");
        }
        let two = Ask {
            targets: vec!["chat".into(), "files".into()],
            ..ask("", None)
        };
        assert_eq!(
            judge(&two, &base, &server(), &none),
            Err(Code::InvalidTarget)
        );
        let given = super::judge(
            &ask("files", None),
            &base,
            &grant(),
            &server(),
            &none,
            &services,
        );
        assert_eq!(given.unwrap().expires_at, at(300));
    }

    #[test]
    fn no_way_round_by_another_service_widens_a_token() {
        let services = services();
        let client = Client {
            exchange: vec!["files".into(), "chat".into(), "mail".into()],
            service: None,
            ..server()
        };
        let mut grant = grant();
        grant.scopes.push("mail".into());
        let hop = |service: usize, scopes: &str, bounds: Option<&Value>, to: &str| {
            let scopes = super::scope::parse(scopes).unwrap();
            let brought = Brought {
                client_id: &client.id,
                service: Some(&services[service]),
                scopes: &scopes,
                binding: None,
                act: None,
                bounds,
                expires_at: at(300),
            };
            let held = Held::default();
            judge(&ask(to, None), &brought, &grant, &client, &held, &services)
                .map(|given| (given.scopes.join(" "), given.bounds))
        };
        let (scopes, first) = hop(0, "chat", None, "files").unwrap();
        assert_eq!(
            (scopes.as_str(), &first),
            ("files", &Some(json!({ "chat": "chat" })))
        );
        let (scopes, second) = hop(1, "files", first.as_ref(), "mail").unwrap();
        assert_eq!(scopes, "mail");
        assert_eq!(second, Some(json!({ "chat": "chat", "files": "files" })));
        let (scopes, back) = hop(2, "mail", second.as_ref(), "chat").unwrap();
        assert_eq!(
            scopes, "chat",
            "and not chat:admin, which the person granted"
        );
        assert_eq!(back, Some(json!({ "files": "files", "mail": "mail" })));
        // Without the way round there is nothing to remember.
        assert_eq!(hop(0, "chat", None, "chat"), Ok(("chat".into(), None)));
        assert!(hop(1, "files", Some(&json!("x")), "chat").is_err());
        assert!(hop(1, "files", Some(&json!({ "chat": 1 })), "chat").is_err());
    }

    // RFC 8693 4.1
    #[test]
    fn who_acted_before_stands_behind_who_acts() {
        let first = act("chat-server", None).unwrap();
        assert_eq!(first, json!({ "sub": "chat-server" }));
        let second = act("files", Some(&first)).unwrap();
        assert_eq!(
            second,
            json!({ "sub": "files", "act": { "sub": "chat-server" } })
        );
        let third = act("c", Some(&second)).unwrap();
        let fourth = act("d", Some(&third)).unwrap();
        assert!(act("e", Some(&fourth)).is_err());
    }
}
