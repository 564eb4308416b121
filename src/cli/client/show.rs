//! What `gerege client` prints of apps.

use serde_json::{Value, json};

use super::about;
use super::choice::{auth_name, need_name};
use crate::app::App;
use crate::cli::fault::Fault;
use crate::cli::house::House;
use crate::cli::moment;
use crate::cli::out::{self, Out};
use crate::flow::operate::client::Kept;
use crate::keys;
use crate::oauth::client::{Client, GrantType, Need, Pkce, RefreshPolicy};
use crate::oauth::fapi::Fapi;
use crate::store;

fn facts(app: &App, client: &Client) -> Value {
    let grants: Vec<&str> = client.grants.iter().map(|grant| grant.name()).collect();
    let mut all = json!({
        "client_id": client.id,
        "client_name": client.name,
        "token_endpoint_auth_method": auth_name(client.auth),
        "redirect_uris": client.redirects,
        "post_logout_redirect_uris": client.post_logout,
        "scope": client.scopes.join(" "),
        "grant_types": grants,
        "pkce": client.pkce,
        "first_party": client.first_party,
        "silent": client.silent,
        "refresh": client.refresh,
        "id_token_signed_response_alg": keys::name(client.id_token_algorithm),
        "id_token_claims": client.id_token_claims,
        "par": client.asking.par,
        "request_object": client.asking.request_object,
        "authorization_details_types": client.asking.details,
        "authorization_signed_response_alg": client.asking.response_algorithm,
        "dpop": client.dpop,
        "fapi": client.fapi.map(Fapi::name),
        "certificate": client.known,
        "tls_client_certificate_bound_access_tokens": client.certificate_bound,
        "service": client.service,
        "exchange": client.exchange,
        "created_at": client.created_at.rfc3339(),
        "issuer": app.config.issuer(),
        "discovery_url": app.config.url("/.well-known/openid-configuration"),
    });
    if let Some(all) = all.as_object_mut() {
        about::facts(client, all);
    }
    all
}

/// An app, after what was done to it.
pub fn print(app: &App, kept: &Kept, verb: &str, out: Out) {
    for warning in &kept.warnings {
        out.warn(&warning.to_string());
    }
    let client = &kept.client;
    if out.json {
        let mut all = facts(app, client);
        if let (Some(map), Some(secret)) = (all.as_object_mut(), &kept.secret) {
            map.insert("client_secret".into(), secret.reveal().into());
        }
        if let (Some(map), Some(jwks)) = (all.as_object_mut(), &client.jwks) {
            let set = serde_json::from_str(jwks).unwrap_or(Value::Null);
            map.insert("jwks".into(), set);
        }
        out::json(&all);
        return;
    }
    if !verb.is_empty() {
        out::line(&format!("{verb} {}", client.id));
    }
    let mut lines = vec![("client_id", client.id.clone())];
    if let Some(secret) = &kept.secret {
        lines.push((
            "client_secret",
            format!("{}\n(shown once: keep it now)", secret.reveal()),
        ));
    }
    let words = |list: &[String]| {
        if list.is_empty() {
            "none".to_owned()
        } else {
            list.join("\n")
        }
    };
    let grants: Vec<&str> = client.grants.iter().map(|grant| grant.name()).collect();
    let word = |must: bool| {
        let need = if must { Need::Required } else { Need::Optional };
        need_name(need).to_owned()
    };
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    lines.extend([
        ("issuer", app.config.issuer().to_owned()),
        (
            "discovery",
            app.config.url("/.well-known/openid-configuration"),
        ),
        ("name", client.name.clone()),
        ("proves itself", auth_name(client.auth).to_owned()),
        ("returns to", words(&client.redirects)),
        ("after sign-out", words(&client.post_logout)),
        ("scopes", client.scopes.join(" ")),
        ("may use", grants.join(" ")),
        ("first-party", yes(client.first_party)),
        ("without a click", yes(client.silent)),
        (
            "PKCE",
            match client.pkce {
                Pkce::Required => "required",
                Pkce::Optional => "optional",
            }
            .to_owned(),
        ),
        ("FAPI 2.0", client.fapi.map_or("no".to_owned(), Fapi::name)),
        ("pushed requests", word(client.must_push())),
        ("signed requests", word(client.must_sign())),
        (
            "refresh token",
            match client.refresh {
                RefreshPolicy::Offline => "with offline_access",
                RefreshPolicy::Always => "always",
            }
            .to_owned(),
        ),
        ("ID token", {
            let profile = if client.id_token_claims {
                ", with the profile"
            } else {
                ""
            };
            format!("{}{profile}", keys::name(client.id_token_algorithm))
        }),
        (
            "DPoP",
            match client.must_prove_key() {
                false => "when it sends a proof",
                true => "required",
            }
            .to_owned(),
        ),
        ("certificate-bound", yes(client.certificate_bound)),
    ]);
    lines.extend(about::lines(client));
    if client.may(GrantType::TokenExchange) {
        lines.extend([
            (
                "program of",
                client.service.clone().unwrap_or("none".into()),
            ),
            ("exchanges for", words(&client.exchange)),
        ]);
    }
    out::facts(&lines);
}

/// Every app.
pub fn list(house: &House, out: Out) -> Result<(), Fault> {
    let clients = house.wait(house.app.store.read(store::client::list))?;
    if out.json {
        let list: Vec<Value> = clients.iter().map(|one| facts(&house.app, one)).collect();
        out::json(&list);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = clients
        .iter()
        .map(|one| {
            vec![
                one.id.clone(),
                one.name.clone(),
                match one.first_party {
                    _ if one.registration.imposed.kept_out => "kept out",
                    true => "first",
                    false => "third",
                }
                .to_owned(),
                auth_name(one.auth).to_owned(),
                one.redirects.first().cloned().unwrap_or_default(),
                moment(one.created_at),
            ]
        })
        .collect();
    let heads = [
        "ID",
        "NAME",
        "PARTY",
        "PROVES ITSELF",
        "RETURNS TO",
        "SINCE (UTC)",
    ];
    out.table(
        &heads,
        &rows,
        "No app yet. Add one: gerege client add --help",
    );
    Ok(())
}
