//! What `gerege client add` and `edit` may say of an app besides what signing in needs.

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::algorithm;
use crate::oauth::client::Client;
use crate::oauth::registration::{Origin, Registration, SubjectType};
use crate::oauth::service::Algorithm;

/// Which `sub` an app sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Subject {
    /// The same as all others
    Public,
    /// One that no app of another owner sees
    Pairwise,
}

impl From<Subject> for SubjectType {
    fn from(subject: Subject) -> Self {
        match subject {
            Subject::Public => Self::Public,
            Subject::Pairwise => Self::Pairwise,
        }
    }
}

/// The words for it. An empty text takes away what is on file.
#[derive(Debug, Default, Args)]
pub struct About {
    /// Where the app is told that a person signed out; "" for nowhere
    #[arg(long, value_name = "URI")]
    backchannel_logout: Option<String>,
    /// Where the app is told that a person decided what it asked (CIBA ping); ""
    /// for an app that asks (poll)
    #[arg(long, value_name = "URI")]
    ciba_notification: Option<String>,
    /// The family of apps that sign people in to each other on one device
    /// (device_sso); "" for none
    #[arg(long, value_name = "NAME")]
    family: Option<String>,
    /// Where a sign-in to the app begins when it begins here
    #[arg(long, value_name = "URI")]
    initiate_login: Option<String>,
    /// The app's home page
    #[arg(long, value_name = "URI")]
    home: Option<String>,
    /// The app's picture; people are given the link
    #[arg(long, value_name = "URI")]
    logo: Option<String>,
    /// The app's privacy page
    #[arg(long, value_name = "URI")]
    policy: Option<String>,
    /// The app's terms
    #[arg(long, value_name = "URI")]
    tos: Option<String>,
    /// Where the app's public keys lie, in place of --jwks
    #[arg(long, value_name = "URI")]
    jwks_uri: Option<String>,
    /// Where signed requests of the app may lie; may be repeated; "" for
    /// nowhere
    #[arg(long, value_name = "URI")]
    request_uri: Vec<String>,
    /// Which sub the app sees
    #[arg(long, value_enum, value_name = "WHICH")]
    subject: Option<Subject>,
    /// The address whose host stands for all apps of one owner: they see one
    /// sub
    #[arg(long, value_name = "URI")]
    sector: Option<String>,
    /// The algorithm that signs what userinfo tells the app; "" for plain JSON
    #[arg(long, value_name = "ALG", value_parser = some_algorithm)]
    userinfo_algorithm: Option<SomeAlgorithm>,
    /// Seconds after which people sign in anew for the app; 0 for no bound
    #[arg(long, value_name = "SECONDS")]
    default_max_age: Option<u32>,
    /// You have looked at an app that registered itself
    #[arg(long, value_name = "BOOL")]
    checked: Option<bool>,
}

/// An algorithm, or none by its own name.
#[derive(Clone, Copy, Debug)]
struct SomeAlgorithm(Option<Algorithm>);

fn some_algorithm(name: &str) -> Result<SomeAlgorithm, String> {
    match name {
        "" => Ok(SomeAlgorithm(None)),
        name => algorithm(name).map(|known| SomeAlgorithm(Some(known))),
    }
}

impl About {
    /// Writes what was said; what was not said stays.
    pub fn apply(&self, on_file: &mut Registration) {
        let set = |field: &mut Option<String>, said: &Option<String>| {
            if let Some(said) = said {
                *field = Some(said.clone()).filter(|said| !said.is_empty());
            }
        };
        set(
            &mut on_file.backchannel_logout_uri,
            &self.backchannel_logout,
        );
        set(&mut on_file.ciba_notification, &self.ciba_notification);
        set(&mut on_file.family, &self.family);
        set(&mut on_file.initiate_login_uri, &self.initiate_login);
        set(&mut on_file.client_uri, &self.home);
        set(&mut on_file.logo_uri, &self.logo);
        set(&mut on_file.policy_uri, &self.policy);
        set(&mut on_file.tos_uri, &self.tos);
        set(&mut on_file.jwks_uri, &self.jwks_uri);
        set(&mut on_file.sector_identifier_uri, &self.sector);
        if !self.request_uri.is_empty() {
            let said = self.request_uri.iter().filter(|said| !said.is_empty());
            on_file.request_uris = said.cloned().collect();
        }
        on_file.subject_type = self.subject.map_or(on_file.subject_type, Into::into);
        on_file.userinfo_algorithm = self
            .userinfo_algorithm
            .map_or(on_file.userinfo_algorithm, |said| said.0);
        if let Some(seconds) = self.default_max_age {
            on_file.default_max_age = Some(seconds).filter(|seconds| *seconds > 0);
        }
        on_file.checked = self.checked.unwrap_or(on_file.checked);
    }

    /// Whether keys were named by their address.
    pub fn names_keys(&self) -> bool {
        self.jwks_uri.is_some()
    }
}

/// What is on file, for programs; what is not said is left out.
pub fn facts(client: &Client, all: &mut Map<String, Value>) {
    for (name, _, value) in said(client) {
        all.insert(name.to_owned(), json!(value));
    }
}

/// What is on file, for people.
pub fn lines(client: &Client) -> Vec<(&'static str, String)> {
    said(client)
        .into_iter()
        .map(|(_, word, value)| (word, value))
        .collect()
}

/// The member of the standard, the word for people, and the value.
fn said(client: &Client) -> Vec<(&'static str, &'static str, String)> {
    let on_file = &client.registration;
    let origin = match (on_file.origin, client.is_unchecked()) {
        _ if on_file.imposed.kept_out => Some("its document, and is kept out"),
        (Origin::Operator, _) => None,
        (Origin::Registered, true) => Some("itself, and nobody has looked at it"),
        (Origin::Document, true) => Some("its document, and nobody has looked at it"),
        (Origin::Registered, false) => Some("itself"),
        (Origin::Document, false) => Some("its document"),
    };
    let pairwise = on_file.subject_type == SubjectType::Pairwise;
    let algorithm = on_file.userinfo_algorithm.map(crate::keys::name);
    [
        ("registered_by", "registered by", origin.map(str::to_owned)),
        (
            "backchannel_logout_uri",
            "sign-outs to",
            on_file.backchannel_logout_uri.clone(),
        ),
        (
            "backchannel_client_notification_endpoint",
            "decisions to",
            on_file.ciba_notification.clone(),
        ),
        ("family", "family", on_file.family.clone()),
        (
            "initiate_login_uri",
            "begins at",
            on_file.initiate_login_uri.clone(),
        ),
        ("client_uri", "home page", on_file.client_uri.clone()),
        ("logo_uri", "picture", on_file.logo_uri.clone()),
        ("policy_uri", "privacy page", on_file.policy_uri.clone()),
        ("tos_uri", "terms", on_file.tos_uri.clone()),
        ("jwks_uri", "keys at", on_file.jwks_uri.clone()),
        (
            "request_uris",
            "requests at",
            Some(on_file.request_uris.join(" ")).filter(|all| !all.is_empty()),
        ),
        (
            "subject_type",
            "sub",
            pairwise.then(|| "pairwise".to_owned()),
        ),
        (
            "sector_identifier_uri",
            "sector",
            on_file.sector_identifier_uri.clone(),
        ),
        (
            "userinfo_signed_response_alg",
            "userinfo",
            algorithm.map(str::to_owned),
        ),
        (
            "default_max_age",
            "signs in anew after",
            on_file.default_max_age.map(|seconds| seconds.to_string()),
        ),
    ]
    .into_iter()
    .filter_map(|(name, word, value)| Some((name, word, value?)))
    .collect()
}
