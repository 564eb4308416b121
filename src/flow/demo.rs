//! What dev mode brings with it: a messenger and its chat server, already on file (DESIGN 11).

use std::sync::Arc;

use crate::app::App;
use crate::oauth::client::{Asking, Client, ClientAuth, GrantType, Need, Pkce, RefreshPolicy};
use crate::oauth::service::{
    Algorithm, ClaimRule, KeyOwner, Offers, Proof, Rotation, Service, TokenFormat,
};
use crate::store::{self, Error};

/// Puts the demo messenger and its service on file, unless they are there.
///
/// # Errors
/// When the database does not answer.
pub async fn set_up(app: &Arc<App>) -> Result<(), Error> {
    super::terms::publish_sample(app).await?;
    let now = app.clock.now();
    let client = Client {
        id: "demo-messenger".into(),
        name: "Demo messenger".into(),
        auth: ClientAuth::None,
        secret_hash: None,
        jwks: None,
        redirects: vec!["http://127.0.0.1/callback".into()],
        post_logout: vec!["http://127.0.0.1/signed-out".into()],
        scopes: ["openid", "profile", "email", "offline_access", "chat"]
            .map(str::to_owned)
            .into(),
        grants: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        pkce: Pkce::Required,
        first_party: true,
        silent: false,
        refresh: RefreshPolicy::Always,
        id_token_algorithm: Algorithm::RS256,
        id_token_claims: true,
        asking: Asking::default(),
        dpop: Need::Optional,
        known: None,
        certificate_bound: false,
        service: None,
        exchange: Vec::new(),
        fapi: None,
        created_at: now,
        registration: Default::default(),
    };
    let service = Service {
        id: "demo-chat".into(),
        name: "Demo chat server".into(),
        audience: "demo-chat".into(),
        scopes: vec!["chat".into()],
        algorithm: Algorithm::RS256,
        format: TokenFormat::Jwt,
        claims: vec![
            ClaimRule {
                claim: "jid".into(),
                template: "{username}@{domain}".into(),
            },
            ClaimRule {
                claim: "preferred_username".into(),
                template: "{username}".into(),
            },
            ClaimRule {
                claim: "name".into(),
                template: "{name}".into(),
            },
        ],
        keys: KeyOwner::Own,
        rotation: Rotation::Jwks,
        machine: false,
        details: vec![],
        userinfo: false,
        proof: Proof::Bearer,
        offers: Offers::default(),
        words: Default::default(),
        secret_hash: None,
        created_at: now,
    };
    let there = app
        .store
        .read(|c| store::client::find(c, "demo-messenger"))
        .await?;
    if there.is_some() {
        return Ok(());
    }
    app.store
        .write(move |c| {
            let _ = store::client::add(c, &client)?;
            let _ = store::client::add_service(c, &service)?;
            Ok(())
        })
        .await
}
