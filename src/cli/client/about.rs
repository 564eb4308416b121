//! What `gerege client add` and `edit` may say of an app besides what signing in needs.

use clap::Args;
use serde_json::{Map, Value, json};

use crate::oauth::client::Client;
use crate::oauth::registration::Registration;

/// The words for it. An empty text takes away what is on file.
#[derive(Debug, Default, Args)]
pub struct About {
    /// Where the app is told that a person signed out; "" for nowhere
    #[arg(long, value_name = "URI")]
    backchannel_logout: Option<String>,
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
    }
}

/// What is on file, for programs; what is not said is left out.
pub fn facts(client: &Client, all: &mut Map<String, Value>) {
    for (name, value) in said(&client.registration) {
        all.insert(name.to_owned(), json!(value));
    }
}

/// What is on file, for people.
pub fn lines(client: &Client) -> Vec<(&'static str, String)> {
    said(&client.registration)
        .into_iter()
        .map(|(name, value)| (word(name), value))
        .collect()
}

fn said(on_file: &Registration) -> Vec<(&'static str, String)> {
    [("backchannel_logout_uri", &on_file.backchannel_logout_uri)]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)))
        .collect()
}

fn word(name: &'static str) -> &'static str {
    match name {
        "backchannel_logout_uri" => "sign-outs to",
        other => other,
    }
}
