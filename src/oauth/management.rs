//! Grant Management for OAuth 2.0 (OpenID FAPI, implementer's draft 1): a client names a grant of
//! its own, widens or replaces it, reads it and ends it. Section numbers are its own.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::authorize::AuthorizeRequest;
use super::client::Client;
use super::error::{Code, Problem};
use super::grant::Grant;
use super::scope;

/// Reads a grant (6.1).
pub const QUERY: &str = "grant_management_query";
/// Ends a grant (6.1).
pub const REVOKE: &str = "grant_management_revoke";
/// The scopes of the endpoint where grants are managed (6.1). They open that endpoint, and are
/// nothing that a person allows.
pub const SCOPES: [&str; 2] = [QUERY, REVOKE];
/// What there is to do (7.1).
pub const ACTIONS: [&str; 5] = ["query", "revoke", "merge", "replace", "create"];

/// What a request does with a grant (5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Makes one that has a name.
    Create,
    /// Adds what is allowed now to the one of this name.
    Merge(String),
    /// Puts what is allowed now in the place of the one of this name.
    Replace(String),
}

/// The name of a grant that its client manages (5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Managed {
    /// `grant_id`.
    pub id: String,
    /// It takes the place of another one when its code is redeemed.
    pub takes_over: bool,
}

impl Action {
    /// Reads the two parameters (5.2, 5.4).
    ///
    /// # Errors
    /// `invalid_request` when they do not go together, `unauthorized_client` for a public client
    /// (5.1).
    pub fn read(request: &AuthorizeRequest, client: &Client) -> Result<Option<Self>, Problem> {
        let wrong = |why| Err(Problem::new(Code::InvalidRequest, why));
        let id = request.grant_id.clone();
        let action = match (request.grant_management_action.as_deref(), id) {
            (None, None) => return Ok(None),
            (None, Some(_)) => {
                return wrong("grant_id needs a grant_management_action beside it");
            }
            (Some("create"), None) => Self::Create,
            (Some("merge"), Some(id)) => Self::Merge(id),
            (Some("replace"), Some(id)) => Self::Replace(id),
            (Some("create"), Some(_)) => {
                return wrong("grant_management_action=create makes a grant_id, and takes none");
            }
            (Some("merge" | "replace"), None) => return wrong("grant_id is missing"),
            (Some(_), _) => {
                return wrong("grant_management_action must be create, merge or replace");
            }
        };
        if client.is_public() {
            return Err(Problem::new(
                Code::UnauthorizedClient,
                "grant management needs a confidential client",
            ));
        }
        Ok(Some(action))
    }

    /// The scopes by which a client may manage the grant that this request makes, with the token
    /// that it gets for it (6.1): those that it asks for and is registered for. A person gives
    /// nothing away by them, and is not asked.
    pub fn scopes(asked: Option<&str>, client: &Client) -> Vec<String> {
        let asked: Vec<&str> = asked.unwrap_or_default().split(' ').collect();
        let both = SCOPES.iter();
        both.filter(|name| asked.contains(name) && client.may_have(name))
            .map(|name| (*name).to_owned())
            .collect()
    }

    /// The grant that must stand (5.2).
    pub fn names(&self) -> Option<&str> {
        match self {
            Self::Create => None,
            Self::Merge(id) | Self::Replace(id) => Some(id),
        }
    }

    /// The grant as it is written (5.2): `new` is what was allowed now, `old` the one that is
    /// named. Of the old one comes along what the person still allows (`on_file`, where they are
    /// asked at all). What it has in detail does not: that is never on file, and stands in `new`
    /// where the person has just allowed it again.
    pub fn settle(&self, mut new: Grant, old: Option<&Grant>, on_file: Option<&[String]>) -> Grant {
        let id = self.names().unwrap_or(&new.id).to_owned();
        let takes_over = self.names().is_some();
        if let (Self::Merge(_), Some(old)) = (self, old) {
            let allowed = old.allowed();
            let allowed = on_file.map_or(allowed.clone(), |known| scope::cut(&allowed, known));
            let claims = old.claims.cut(&allowed);
            widen(&mut new.scopes, &scope::cut(&old.scopes, &allowed));
            widen(&mut new.resources, &old.resources);
            widen(&mut new.claims.id_token, &claims.id_token);
            widen(&mut new.claims.userinfo, &claims.userinfo);
        }
        new.managed = Some(Managed { id, takes_over });
        new
    }
}

/// What of the scopes of a grant a person allowed: those of its `scopes` (6.4).
pub fn allowed(scopes: &[String]) -> Vec<String> {
    let all = scopes.iter();
    all.filter(|name| !scope::has(&SCOPES, name))
        .cloned()
        .collect()
}

/// Both, each once.
fn widen(new: &mut Vec<String>, old: &[String]) {
    for name in old {
        if !scope::has(new, name) {
            new.push(name.clone());
        }
    }
}

/// The refusal of a name that names no grant of this client's and person's (5.4).
pub fn unknown() -> Problem {
    Problem::new(
        Code::InvalidGrantId,
        "grant_id names no grant of this client and person",
    )
}

/// What a client reads of its grant (6.4).
pub fn show(grant: &Grant) -> Map<String, Value> {
    let mut scopes = json!({ "scope": scope::print(&allowed(&grant.scopes)) });
    if !grant.resources.is_empty() {
        scopes["resource"] = json!(grant.resources);
    }
    let mut claims = grant.claims.id_token.clone();
    widen(&mut claims, &grant.claims.userinfo);
    let mut told = Map::new();
    told.insert("scopes".into(), json!([scopes]));
    if !claims.is_empty() {
        told.insert("claims".into(), json!(claims));
    }
    if !grant.details.is_empty() {
        told.insert("authorization_details".into(), grant.details.json());
    }
    told.insert("created_at".into(), grant.created_at.seconds().into());
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::client::ClientAuth;
    use crate::oauth::client::tests::client;
    use crate::oauth::grant::tests::grant;

    #[test]
    fn an_action_and_a_name_go_together_or_are_refused() {
        let forum = client(&["https://forum.example/back"], "openid");
        let read = |action: Option<&str>, id: Option<&str>| {
            let request = AuthorizeRequest {
                grant_management_action: action.map(str::to_owned),
                grant_id: id.map(str::to_owned),
                ..AuthorizeRequest::default()
            };
            Action::read(&request, &forum).map_err(|problem| problem.code)
        };
        let wrong = || Err(Code::InvalidRequest);
        for (action, id, wanted) in [
            (None, None, Ok(None)),
            (Some("create"), None, Ok(Some(Action::Create))),
            (
                Some("merge"),
                Some("g"),
                Ok(Some(Action::Merge("g".into()))),
            ),
            (
                Some("replace"),
                Some("g"),
                Ok(Some(Action::Replace("g".into()))),
            ),
            (Some("create"), Some("g"), wrong()),
            (Some("merge"), None, wrong()),
            (Some("replace"), None, wrong()),
            (None, Some("g"), wrong()),
            (Some("update"), Some("g"), wrong()),
            (Some("query"), Some("g"), wrong()),
            (Some(""), None, wrong()),
        ] {
            assert_eq!(read(action, id), wanted, "{action:?} {id:?}");
        }
        let mut messenger = forum.clone();
        messenger.auth = ClientAuth::None;
        let request = AuthorizeRequest {
            grant_management_action: Some("create".into()),
            ..AuthorizeRequest::default()
        };
        let refused = Action::read(&request, &messenger).unwrap_err();
        assert_eq!(refused.code, Code::UnauthorizedClient);
    }

    #[test]
    fn merging_keeps_what_was_allowed_and_replacing_does_not() {
        let (old, mut new) = (grant("openid profile"), grant("openid email"));
        new.id = "new".into();
        let created = Action::Create.settle(new.clone(), None, None);
        assert_eq!(
            created.managed.as_ref().map(|one| one.id.as_str()),
            Some("new")
        );
        assert!(!created.managed.unwrap().takes_over);
        let merge = Action::Merge("old".into());
        let merged = merge.settle(new.clone(), Some(&old), None);
        assert_eq!(merged.scopes, ["openid", "email", "profile"]);
        // What the person took back since does not come back.
        let known = ["openid", "email"].map(str::to_owned);
        let cut = merge.settle(new.clone(), Some(&old), Some(&known));
        assert_eq!(cut.scopes, ["openid", "email"]);
        let replaced = Action::Replace("old".into()).settle(new, Some(&old), None);
        assert_eq!(replaced.scopes, ["openid", "email"]);
        for one in [merged, replaced] {
            let managed = one.managed.unwrap();
            assert_eq!((managed.id.as_str(), managed.takes_over), ("old", true));
            assert_eq!(one.id, "new");
        }
    }

    #[test]
    fn what_is_told_of_a_grant_opens_nothing() {
        let mut one = grant("openid chat");
        one.resources = vec!["https://chat.example".into()];
        let told = show(&one);
        assert_eq!(told["scopes"][0]["scope"], "openid chat");
        assert_eq!(told["scopes"][0]["resource"][0], "https://chat.example");
        let text = Value::Object(told).to_string();
        for secret in [&one.id, &one.sid, &one.account_id] {
            assert!(!text.contains(secret.as_str()), "{secret}");
        }
    }
}
