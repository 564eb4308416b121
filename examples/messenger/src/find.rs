//! Where to sign in, for an app that knows the chat server alone: the server names its metadata, the
//! metadata names the account server (RFC 9728 5).

use serde_json::Value;
use url::Url;

use crate::option::Settings;
use crate::web::{Fault, agent, door, read};

/// The settings, with what the chat server told: who signs people in, and which permission it asks
/// for.
pub fn find(settings: &Settings) -> Result<Settings, String> {
    let server = format!("http://{}/", settings.server);
    let agent = agent();
    let asked = agent.get(&server).call();
    let asked =
        asked.map_err(|why| format!("The chat server at {server} does not answer: {why}."))?;
    let challenges = asked.headers().get_all("www-authenticate");
    let named = challenges
        .iter()
        .find_map(|value| metadata(value.to_str().ok()?));
    let named =
        named.ok_or("The chat server does not say who signs people in. Say it: --issuer URL")?;
    door(&named)?;
    let told = read(agent.get(&named).call()).map_err(|why| match why {
        Fault::Over => format!("{named} is no description of a chat server."),
        Fault::Refused(why) | Fault::Elsewhere(why) => format!("{named} does not answer: {why}."),
    })?;
    // RFC 9728 3.3: what it tells must be told of the very server that we asked.
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let resource = text(told.get("resource")).and_then(|resource| Url::parse(&resource).ok());
    if resource.as_ref().map(Url::as_str) != Some(server.as_str()) {
        return Err(format!(
            "{named} speaks of another chat server than {server}."
        ));
    }
    let issuer = text(told.get("authorization_servers").and_then(|all| all.get(0)));
    let issuer = issuer.ok_or("The chat server does not say who signs people in.")?;
    let scopes = told.get("scopes_supported").and_then(Value::as_array);
    let scopes: Vec<&str> = scopes
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    println!(
        "{server} lets in whom {} signs in.",
        crate::line::plain(&issuer)
    );
    Ok(Settings {
        issuer,
        scope: if scopes.is_empty() {
            settings.scope.clone()
        } else {
            scopes.join(" ")
        },
        ..settings.clone()
    })
}

/// The address in a challenge.
fn metadata(challenge: &str) -> Option<String> {
    let (_, rest) = challenge.split_once("resource_metadata=\"")?;
    let (address, _) = rest.split_once('"')?;
    Some(address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_is_named_in_a_challenge() {
        let named = |challenge| metadata(challenge);
        assert_eq!(
            named("Bearer error=\"x\", resource_metadata=\"https://a.example/b\""),
            Some("https://a.example/b".to_owned())
        );
        assert_eq!(named("Bearer realm=\"x\""), None);
        assert_eq!(named("Bearer resource_metadata=\"x"), None);
    }
}
