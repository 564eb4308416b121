//! Which service an access token is for (RFC 8707; PROTOCOL.md 1).

use super::error::{Code, Problem};
use super::scope;
use super::service::Service;

/// Who an access token is for: one, so that nobody who is shown it can use it elsewhere (RFC 8707
/// 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience<'a> {
    /// This server: `/oauth2/userinfo`.
    Issuer,
    /// A service.
    Service(&'a Service),
}

impl<'a> Audience<'a> {
    /// The value of `aud` (RFC 9068 2.2).
    pub fn name(&self, issuer: &'a str) -> &'a str {
        match self {
            Self::Issuer => issuer,
            Self::Service(service) => &service.audience,
        }
    }
}

/// An audience and the scopes that belong to it (RFC 8707 2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// Who the token is for.
    pub audience: Audience<'a>,
    /// The granted scopes, cut to those of the audience.
    pub scopes: Vec<String>,
}

/// Finds the one audience of an access token. `asked` is `resource` at the token endpoint,
/// `resources` those of the authorization request, `granted` the scopes of the grant.
///
/// A service is reached only with at least one of its scopes granted: many chat servers check
/// nothing but the signature, so a token of theirs that nobody allowed would open the account.
///
/// # Errors
/// `invalid_target` (RFC 8707 2) when two remain, or the one named is unknown or was not granted.
pub fn audience<'a>(
    asked: &[String],
    resources: &[String],
    granted: &[String],
    services: &'a [Service],
    issuer: &str,
) -> Result<Target<'a>, Problem> {
    let audience = match (asked, resources) {
        // PROTOCOL.md 1: (1) named at the token endpoint (RFC 8707 2.2), (2) named once before,
        // when the browser was sent (RFC 8707 2.1).
        ([one], _) | ([], [one]) => named(one, services, issuer)?,
        ([], []) => {
            // RFC 9068 3, none named: (3) the one service among the scopes, (4) else this server.
            let mut owners = services
                .iter()
                .filter(|service| granted.iter().any(|name| scope::has(&service.scopes, name)));
            match (owners.next(), owners.next()) {
                (None, _) => Audience::Issuer,
                (Some(one), None) => Audience::Service(one),
                (Some(_), Some(_)) => {
                    return Err(refuse(
                        "the grant covers several services: name one with resource",
                    ));
                }
            }
        }
        ([], _) => {
            return Err(refuse(
                "the grant covers several resources: name one with resource",
            ));
        }
        _ => return Err(refuse("a token has one audience: name one resource")),
    };
    // RFC 8707 2.2: no scope of another resource is in the token.
    let scopes = match audience {
        Audience::Issuer => scope::cut(granted, &scope::OURS),
        Audience::Service(service) => scope::cut(granted, &service.scopes),
    };
    if scopes.is_empty() && audience != Audience::Issuer {
        return Err(refuse("no scope of this resource was granted"));
    }
    Ok(Target { audience, scopes })
}

/// The audience that a `resource` names (RFC 8707 2).
///
/// # Errors
/// `invalid_target` when there is none.
pub fn named<'a>(
    resource: &str,
    services: &'a [Service],
    issuer: &str,
) -> Result<Audience<'a>, Problem> {
    if resource == issuer {
        return Ok(Audience::Issuer);
    }
    services
        .iter()
        .find(|service| service.audience == resource)
        .map(Audience::Service)
        .ok_or_else(|| {
            refuse("resource names no service of this server").mend("gerege service list".into())
        })
}

fn refuse(why: &str) -> Problem {
    Problem::new(Code::InvalidTarget, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::service::tests::service;

    const ISSUER: &str = "https://steppe.example";

    #[test]
    fn a_token_has_exactly_one_audience() {
        let services = [
            service("chat", &["chat", "chat:admin"]),
            service("mail", &["mail"]),
        ];
        let (chat, mail) = ("https://chat.example", "https://mail.example");
        // asked at the token endpoint, of the request, granted; the audience, its scopes
        type Row<'a> = (
            &'a [&'a str],
            &'a [&'a str],
            &'a str,
            Option<(&'a str, &'a str)>,
        );
        let table: &[Row<'_>] = &[
            (&[], &[], "openid profile", Some((ISSUER, "openid profile"))),
            (&[], &[], "", Some((ISSUER, ""))),
            (&[], &[], "openid chat", Some((chat, "chat"))),
            (
                &[],
                &[],
                "chat chat:admin email",
                Some((chat, "chat chat:admin")),
            ),
            (&[], &[], "openid chat mail", None),
            (&[chat], &[], "openid chat mail", Some((chat, "chat"))),
            (&[mail], &[chat], "openid chat mail", Some((mail, "mail"))),
            (&[ISSUER], &[chat], "openid chat", Some((ISSUER, "openid"))),
            (&[], &[chat], "openid chat mail", Some((chat, "chat"))),
            (&[], &[ISSUER], "openid chat", Some((ISSUER, "openid"))),
            (&[], &[chat, mail], "chat mail", None),
            (&[mail], &[chat, mail], "chat mail", Some((mail, "mail"))),
            (&[chat, mail], &[], "chat mail", None),
            (&[mail], &[], "openid chat", None),
            (&[], &[mail], "openid chat", None),
            (&["https://other.example"], &[], "chat", None),
            (&["https://chat.example/"], &[], "chat", None),
        ];
        let own = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        for (asked, resources, granted, wanted) in table {
            let granted = scope::parse(granted).unwrap();
            let got = audience(&own(asked), &own(resources), &granted, &services, ISSUER);
            match (got, wanted) {
                (Ok(target), Some((name, scopes))) => {
                    assert_eq!(target.audience.name(ISSUER), *name);
                    assert_eq!(scope::print(&target.scopes), *scopes);
                }
                (Err(problem), None) => assert_eq!(problem.code, Code::InvalidTarget),
                (got, wanted) => panic!("{asked:?} {resources:?} {granted:?}: {got:?} {wanted:?}"),
            }
        }
    }
}
