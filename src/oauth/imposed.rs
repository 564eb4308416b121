//! What an operator demands of an app that registered itself: it stays, whatever the app says of
//! itself afterwards.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use url::Url;

use super::client::{Client, Need, Pkce};
use super::error::{Code, Problem};
use super::fapi;
use super::registration::{SubjectType, check};
use super::scope;

/// The operator's demands, kept apart from what the app says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Imposed {
    /// No scopes but these.
    pub scopes: Option<Vec<String>>,
    /// No types of `authorization_details` but these.
    pub details: Option<Vec<String>>,
    /// It sees a `sub` of its own.
    pub pairwise: bool,
    /// It pushes its requests.
    pub par: bool,
    /// It signs its requests.
    pub request_object: bool,
    /// It proves that it holds a key.
    pub dpop: bool,
    /// Its tokens are bound to its certificate.
    pub certificate_bound: bool,
    /// It sends a code challenge.
    pub pkce: bool,
    /// It signs nobody in: an app that is known by a document comes again with each sign-in, so
    /// its removal is kept.
    pub kept_out: bool,
}

/// The yes-or-no demands: whether one is met, and where it is kept.
type Demand = (fn(&Client) -> bool, fn(&mut Imposed) -> &mut bool);
const DEMANDS: [Demand; 6] = [
    (
        |app| app.registration.subject_type == SubjectType::Pairwise,
        |kept| &mut kept.pairwise,
    ),
    (|app| app.asking.par == Need::Required, |kept| &mut kept.par),
    (
        |app| app.asking.request_object == Need::Required,
        |kept| &mut kept.request_object,
    ),
    (|app| app.dpop == Need::Required, |kept| &mut kept.dpop),
    (
        |app| app.certificate_bound,
        |kept| &mut kept.certificate_bound,
    ),
    (|app| app.pkce == Pkce::Required, |kept| &mut kept.pkce),
];

impl Client {
    /// Notes what an operator changed of an app that registered itself.
    pub fn impose(&mut self, old: &Self) {
        if !self.is_strangers() {
            return;
        }
        let mut kept = std::mem::take(&mut self.registration.imposed);
        if self.scopes != old.scopes {
            kept.scopes = Some(self.scopes.clone());
        }
        if self.asking.details != old.asking.details {
            kept.details = Some(self.asking.details.clone());
        }
        for (is_met, place) in DEMANDS {
            if is_met(self) != is_met(old) {
                *place(&mut kept) = is_met(self);
            }
        }
        self.registration.imposed = kept;
    }

    /// Lays the operator's demands, as they stand with `old`, over what the app says of itself now.
    ///
    /// # Errors
    /// `invalid_client_metadata` where the two leave nothing that works.
    pub fn lay_over(&mut self, old: &Self) -> Result<(), Problem> {
        let imposed = &old.registration.imposed;
        self.fapi = old.fapi;
        let wrong = |why: &str| Problem::new(Code::InvalidClientMetadata, why);
        if let Some(scopes) = &imposed.scopes {
            self.scopes = scope::cut(&self.scopes, scopes);
            if self.scopes.is_empty() {
                return Err(wrong("scope holds nothing that this app may have"));
            }
        }
        if let Some(details) = &imposed.details {
            self.asking.details = scope::cut(&self.asking.details, details);
        }
        let demand = |demanded: bool, need: &mut Need| {
            if demanded {
                *need = Need::Required;
            }
        };
        demand(imposed.par, &mut self.asking.par);
        demand(imposed.request_object, &mut self.asking.request_object);
        demand(imposed.dpop, &mut self.dpop);
        self.certificate_bound |= imposed.certificate_bound;
        if imposed.pkce {
            self.pkce = Pkce::Required;
        }
        if imposed.pairwise {
            self.registration.subject_type = SubjectType::Pairwise;
        }
        self.registration.imposed = imposed.clone();
        check(self).map_err(|fault| wrong(&fault.to_string()))?;
        fapi::check(self).map_err(|fault| wrong(&fault.to_string()))
    }

    /// Whether people would not know it again: by another name, or answered elsewhere.
    pub fn is_another(&self, old: &Self) -> bool {
        let places = |app: &Self| -> BTreeSet<String> {
            let place = |uri: &String| {
                let url = Url::parse(uri).ok();
                let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
                let scheme = uri.split(':').next().unwrap_or_default();
                format!("{scheme}://{host}")
            };
            app.redirects.iter().map(place).collect()
        };
        self.name != old.name || places(self) != places(old)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::client::ClientAuth;
    use crate::oauth::client::tests::client;
    use crate::oauth::fapi::Fapi;
    use crate::oauth::registration::Origin;

    fn app() -> Client {
        let mut app = client(&["https://quiz.example/cb"], "openid profile email");
        app.registration.origin = Origin::Registered;
        app.pkce = Pkce::Optional;
        app
    }

    #[test]
    fn what_the_operator_demanded_an_app_cannot_take_back() {
        let (old, mut edited) = (app(), app());
        edited.scopes = vec!["openid".into()];
        edited.registration.subject_type = SubjectType::Pairwise;
        edited.asking.par = Need::Required;
        edited.asking.request_object = Need::Required;
        edited.dpop = Need::Required;
        edited.certificate_bound = true;
        edited.pkce = Pkce::Required;
        edited.impose(&old);
        let mut again = app();
        again.lay_over(&edited).unwrap();
        assert_eq!(again, edited);
        let mut other = app();
        other.scopes = vec!["email".into()];
        assert!(other.lay_over(&edited).is_err());
        let (mut held, mut bare) = (app(), app());
        held.fapi = Some(Fapi::default());
        bare.auth = ClientAuth::ClientSecretBasic;
        assert!(bare.lay_over(&held).is_err());
        // The operator takes it back.
        let before = edited.clone();
        edited.dpop = Need::Optional;
        edited.scopes.push("email".into());
        edited.impose(&before);
        let mut again = app();
        again.lay_over(&edited).unwrap();
        assert_eq!(again.scopes, ["openid", "email"]);
        assert_eq!(
            (again.dpop, again.asking.par),
            (Need::Optional, Need::Required)
        );
    }

    #[test]
    fn an_operators_own_app_and_an_untouched_one_have_nothing_imposed() {
        let (old, mut same, mut own) = (app(), app(), app());
        same.name = "Other".into();
        same.impose(&old);
        assert_eq!(same.registration.imposed, Imposed::default());
        own.registration.origin = Origin::Operator;
        own.dpop = Need::Required;
        own.impose(&old);
        assert_eq!(own.registration.imposed, Imposed::default());
    }

    #[test]
    fn another_name_or_place_is_another_app() {
        let old = app();
        for (name, redirects, wanted) in [
            ("Forum", &["https://quiz.example/new"][..], false),
            (
                "Forum",
                &["https://quiz.example/a", "https://quiz.example/b"],
                false,
            ),
            ("Forum 2", &["https://quiz.example/cb"], true),
            ("Forum", &["https://evil.example/cb"], true),
            (
                "Forum",
                &["https://quiz.example/cb", "https://evil.example/cb"],
                true,
            ),
            ("Forum", &["com.example.quiz:/cb"], true),
            ("Forum", &["http://localhost/cb"], true),
        ] {
            let mut new = app();
            new.name = name.into();
            new.redirects = redirects.iter().map(|uri| (*uri).to_owned()).collect();
            assert_eq!(new.is_another(&old), wanted, "{name} {redirects:?}");
        }
    }
}
