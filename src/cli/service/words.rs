//! What people read of a service, as `gerege service` takes it.

use clap::Args;
use serde_json::{Map, Value, json};

use crate::oauth::service::{Service, Words};

/// At a new service, and at one that is there.
#[derive(Clone, Debug, Args)]
pub struct Said {
    /// It is a messenger server, or it is not; else it is one whose tokens have a
    /// jid
    #[arg(long, value_name = "BOOL")]
    messenger: Option<bool>,
    /// What a scope lets an app do, in words that people read before they allow
    /// it, such as 'files:read=Read your files'; may be repeated, without words
    /// it is as before
    #[arg(long, value_name = "SCOPE=WORDS", value_parser = describe)]
    describe: Vec<(String, String)>,
}

fn describe(text: &str) -> Result<(String, String), String> {
    let (scope, words) = text
        .split_once('=')
        .ok_or("it is written SCOPE=WORDS, such as 'files:read=Read your files'")?;
    Ok((scope.trim().to_owned(), words.trim().to_owned()))
}

impl Said {
    /// As it is from now on; what is said of scopes that are gone goes with them.
    pub fn apply(&self, words: &mut Words, scopes: &[String]) {
        words.messenger = self.messenger.or(words.messenger);
        words.scopes.retain(|name, _| scopes.contains(name));
        for (scope, said) in &self.describe {
            if said.is_empty() {
                words.scopes.remove(scope);
            } else {
                words.scopes.insert(scope.clone(), said.clone());
            }
        }
    }
}

/// For programs.
pub fn facts(service: &Service, all: &mut Map<String, Value>) {
    all.insert("messenger".to_owned(), json!(service.is_messenger()));
    all.insert("scope_words".to_owned(), json!(service.words.scopes));
}

/// For people.
pub fn lines(service: &Service) -> Vec<(&'static str, String)> {
    let is = if service.is_messenger() { "yes" } else { "no" };
    let mut lines = vec![("messenger", is.to_owned())];
    if !service.words.scopes.is_empty() {
        let all = service.words.scopes.iter();
        let all: Vec<String> = all.map(|(name, said)| format!("{name}: {said}")).collect();
        lines.push(("people read", all.join("\n")));
    }
    lines
}
