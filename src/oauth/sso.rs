//! Signing in to another app of the same maker on the same device, without a browser (OpenID
//! Connect Native SSO for Mobile Apps 1.0). The operator names the family on each of its apps.

use super::authorize::grantable;
use super::client::Client;
use super::error::{Code, Problem};
use super::grant::Grant;
use super::management;
use super::params::Params;
use super::scope::{self, DEVICE_SSO, OPENID};
use super::service::Service;

/// The kind of the token that says who is signed in (RFC 8693 3).
pub const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

/// The kind of the secret that says on which device (Native SSO 4.2).
pub const DEVICE_SECRET: &str = "urn:openid:params:token-type:device-secret";

/// What the second app brings (Native SSO 4.2).
#[derive(Clone, PartialEq, Eq)]
pub struct Ask {
    /// The first app's ID token.
    pub id_token: String,
    /// The secret of their device.
    pub device_secret: String,
    /// The issuer's own name must stand here.
    pub audience: Vec<String>,
    /// Which service the access token is for (RFC 8707 2.2).
    pub resource: Vec<String>,
    /// What it wants to do; else what the first app may, as far as this one is registered for it.
    pub scope: Option<String>,
}

impl std::fmt::Debug for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ask({:?}, {:?})", self.resource, self.scope)
    }
}

/// Whether a request for an exchange is one of this profile (Native SSO 4.2): no other takes an ID
/// token.
pub fn is_asked(params: &Params) -> bool {
    params.one("subject_token_type") == Some(ID_TOKEN)
}

impl Ask {
    /// Reads a token request's body (Native SSO 4.2).
    ///
    /// # Errors
    /// `invalid_request`.
    pub fn parse(params: &Params) -> Result<Self, Problem> {
        let wrong = |why: String| Problem::new(Code::InvalidRequest, why);
        let need = |name: &str| {
            let found = params.owned(name);
            found.ok_or_else(|| wrong(format!("{name} is missing")))
        };
        // Without it anybody who came by an ID token could sign in with it.
        if need("actor_token_type")? != DEVICE_SECRET {
            return Err(wrong(format!("actor_token_type must be {DEVICE_SECRET}")));
        }
        if params
            .one("requested_token_type")
            .is_some_and(|kind| kind != super::exchange::ACCESS_TOKEN)
        {
            return Err(wrong(format!(
                "requested_token_type must be {}",
                super::exchange::ACCESS_TOKEN
            )));
        }
        Ok(Self {
            id_token: need("subject_token")?,
            device_secret: need("actor_token")?,
            audience: params.many("audience"),
            resource: params.many("resource"),
            scope: params.owned("scope"),
        })
    }
}

/// What the ID token that was brought says, once its signature was found good (Native SSO 4.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// Whom it was given to.
    pub client_id: String,
    /// Whom it speaks of, as that client knows them.
    pub sub: String,
    /// The session that it came from.
    pub sid: Option<String>,
    /// The digest of the secret that was given with it.
    pub ds_hash: Option<String>,
}

/// What stands behind the device secret that was brought (Native SSO 4.3).
#[derive(Clone, Copy, Debug)]
pub struct Behind<'a> {
    /// The grant that it was given with, which still stands.
    pub grant: &'a Grant,
    /// The app that it was given to.
    pub client: &'a Client,
    /// The person, as that app knows them.
    pub sub: &'a str,
    /// The secret's digest.
    pub hash: &'a str,
}

/// The family that a client is of.
///
/// # Errors
/// `unauthorized_client`.
pub fn family(client: &Client) -> Result<&str, Problem> {
    let family = client.registration.family.as_deref();
    family.ok_or_else(|| {
        Problem::new(
            Code::UnauthorizedClient,
            "this client is of no family of apps",
        )
        .mend(format!("gerege client edit {} --family NAME", client.id))
    })
}

/// Judges what a second app brings (Native SSO 4.3); gives the scopes that it asks for.
///
/// # Errors
/// `unauthorized_client`, `invalid_target`, `invalid_grant` or `invalid_scope`.
pub fn judge(
    ask: &Ask,
    brought: &Brought,
    behind: &Behind<'_>,
    client: &Client,
    services: &[Service],
    issuer: &str,
) -> Result<Vec<String>, Problem> {
    let bad = |why: &str| Err(Problem::new(Code::InvalidGrant, why));
    let family = family(client)?;
    if ask.audience != [issuer] {
        return Err(Problem::new(
            Code::InvalidTarget,
            "audience must be the issuer, once",
        ));
    }
    if behind.client.registration.family.as_deref() != Some(family) {
        return bad("the device secret was given to an app of another family");
    }
    if !scope::has(&behind.grant.scopes, DEVICE_SSO) {
        return bad("the person did not allow the first app to sign them in to others");
    }
    let same = brought.client_id == behind.grant.client_id
        && brought.sub == behind.sub
        && brought.sid.as_ref() == Some(&behind.grant.sid)
        && brought.ds_hash.as_deref() == Some(behind.hash);
    if !same {
        return bad("the ID token and the device secret were not given together");
    }
    // The pair in the shared store stays the first app's: a second secret beside its ID token
    // would fit neither. And this grant has no name by which it could be managed.
    let keep = |name: &String| name != DEVICE_SSO && !scope::has(&management::SCOPES, name);
    let mut scopes: Vec<String> = match &ask.scope {
        Some(asked) => grantable(Some(asked), client, services)?,
        None => scope::cut(&behind.grant.scopes, &client.scopes),
    };
    scopes.retain(keep);
    if !scope::has(&scopes, OPENID) {
        let problem = Problem::new(
            Code::InvalidScope,
            "scope must hold openid, and this client must be registered for it",
        );
        return Err(if client.may_have(OPENID) {
            problem
        } else {
            problem.mend(format!(
                "gerege client edit {} --add-scope openid",
                client.id
            ))
        });
    }
    Ok(scopes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Time;
    use crate::oauth::client::tests::client;
    use crate::oauth::service::tests::service;

    const ISSUER: &str = "https://steppe.example";

    fn app(id: &str, family: Option<&str>) -> Client {
        let mut client = client(&[], "openid profile chat");
        client.id = id.into();
        client.registration.family = family.map(str::to_owned);
        client
    }

    fn grant(scopes: &str) -> Grant {
        Grant {
            id: "g1".into(),
            account_id: "p1".into(),
            client_id: "chat-app".into(),
            sid: "s1".into(),
            scopes: scopes.split(' ').map(str::to_owned).collect(),
            resources: vec![],
            offline: true,
            claims: Default::default(),
            details: Default::default(),
            nonce: None,
            auth_time: Time::default(),
            amr: vec![],
            dpop_jkt: None,
            managed: None,
            created_at: Time::default(),
            revoked_at: None,
        }
    }

    fn brought() -> Brought {
        Brought {
            client_id: "chat-app".into(),
            sub: "p1".into(),
            sid: Some("s1".into()),
            ds_hash: Some("h1".into()),
        }
    }

    fn ask(scope: Option<&str>) -> Ask {
        Ask {
            id_token: String::new(),
            device_secret: String::new(),
            audience: vec![ISSUER.into()],
            resource: vec![],
            scope: scope.map(str::to_owned),
        }
    }

    #[test]
    fn a_request_brings_an_id_token_and_a_device_secret() {
        let parse = |text: &str| {
            let params = Params::parse(text.as_bytes()).unwrap();
            assert!(is_asked(&params));
            Ask::parse(&params).map_err(|problem| problem.code)
        };
        let subject = format!("subject_token=i&subject_token_type={ID_TOKEN}");
        let actor = format!("actor_token=d&actor_token_type={DEVICE_SECRET}");
        let good = parse(&format!("{subject}&{actor}&audience={ISSUER}")).unwrap();
        assert_eq!(
            (good.id_token.as_str(), good.device_secret.as_str()),
            ("i", "d")
        );
        for bad in [
            subject.clone(),
            format!("{subject}&actor_token=d"),
            format!("{subject}&actor_token=d&actor_token_type={ID_TOKEN}"),
            format!("{subject}&actor_token_type={DEVICE_SECRET}"),
            format!("subject_token_type={ID_TOKEN}&{actor}"),
            format!("{subject}&{actor}&requested_token_type={ID_TOKEN}"),
        ] {
            assert_eq!(parse(&bad), Err(Code::InvalidRequest), "{bad}");
        }
    }

    // Native SSO 4.3
    #[test]
    fn only_the_pair_that_was_given_together_opens_another_app_of_the_family() {
        let services = [service("chat", &["chat"])];
        let first = app("chat-app", Some("steppe"));
        let allowed = grant("openid profile chat device_sso");
        let run = |ask: &Ask, brought: &Brought, grant: &Grant, second: &Client| {
            let behind = Behind {
                grant,
                client: &first,
                sub: "p1",
                hash: "h1",
            };
            judge(ask, brought, &behind, second, &services, ISSUER)
                .map(|scopes| scopes.join(" "))
                .map_err(|problem| problem.code)
        };
        let second = app("call-app", Some("steppe"));
        let gave = |scopes: &str| Ok(scopes.to_owned());
        let (plain, good) = (ask(None), brought());
        assert_eq!(
            run(&plain, &good, &allowed, &second),
            gave("openid profile chat")
        );
        assert_eq!(
            run(&ask(Some("openid device_sso")), &good, &allowed, &second),
            gave("openid")
        );
        for (scope, wanted) in [
            ("profile", Code::InvalidScope),
            ("nothing", Code::InvalidScope),
        ] {
            let told = run(&ask(Some(scope)), &good, &allowed, &second);
            assert_eq!(told, Err(wanted), "{scope}");
        }
        for (other, wanted) in [
            (app("call-app", None), Code::UnauthorizedClient),
            (app("call-app", Some("taiga")), Code::InvalidGrant),
        ] {
            assert_eq!(run(&plain, &good, &allowed, &other), Err(wanted));
        }
        for audience in [vec![], vec!["https://other.example"], vec![ISSUER, ISSUER]] {
            let ask = Ask {
                audience: audience.into_iter().map(str::to_owned).collect(),
                ..ask(None)
            };
            assert_eq!(
                run(&ask, &good, &allowed, &second),
                Err(Code::InvalidTarget)
            );
        }
        let unticked = grant("openid profile chat");
        assert_eq!(
            run(&plain, &good, &unticked, &second),
            Err(Code::InvalidGrant)
        );
        type Change = fn(&mut Brought);
        let changes: [Change; 5] = [
            |one| one.client_id = "call-app".into(),
            |one| one.sub = "p2".into(),
            |one| one.sid = None,
            |one| one.ds_hash = None,
            |one| one.ds_hash = Some("h2".into()),
        ];
        for (at, change) in changes.into_iter().enumerate() {
            let mut other = brought();
            change(&mut other);
            let told = run(&plain, &other, &allowed, &second);
            assert_eq!(told, Err(Code::InvalidGrant), "row {at}");
        }
    }
}
