//! What an operator does: people, apps, services and keys. The same from every door.

pub mod client;
pub mod key;
pub mod mail;
pub mod person;
pub mod service;
pub mod token;

#[cfg(test)]
mod tests;

use crate::oauth::scope;

/// The longest id of a client or service.
const ID: usize = 64;

/// Whether an id may name a client or a service: letters, digits, `.`, `_`, `-`, so that it needs
/// no encoding in HTTP Basic or a URL; never one that could be a person's `sub` (PROTOCOL 1).
fn is_id(id: &str) -> bool {
    let letters = id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    let starts = id.starts_with(|first: char| first.is_ascii_alphanumeric());
    let like_sub = id.len() == 26
        && id
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte));
    letters && starts && id.len() <= ID && !like_sub
}

/// Scopes as an operator types them: several words, several times, or with commas.
pub fn scopes(typed: &[String]) -> Result<Vec<String>, String> {
    let mut out: Vec<String> = Vec::new();
    for name in typed
        .iter()
        .flat_map(|one| one.split([' ', ',']))
        .filter(|name| !name.is_empty())
    {
        if !scope::is_token(name) {
            return Err(name.to_owned());
        }
        if !scope::has(&out, name) {
            out.push(name.to_owned());
        }
    }
    Ok(out)
}
