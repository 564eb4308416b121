//! What dev mode brings with it: a messenger and its chat server, already on file (DESIGN 11).

use std::sync::Arc;

use super::operate::service::{Refusal, clash};
use crate::app::App;
use crate::clock::Time;
use crate::oauth::client::{Asking, Client, ClientAuth, GrantType, Need, Pkce, RefreshPolicy};
use crate::oauth::service::{
    Algorithm, ClaimRule, KeyOwner, Offers, Proof, Rotation, Service, TokenFormat,
};
use crate::store::{self, Conflict, Error};

/// The app of the demo.
pub const CLIENT: &str = "demo-messenger";
/// The service of the demo.
pub const SERVICE: &str = "demo-chat";

/// Puts the demo messenger and its service on file, unless they are there, or what would be theirs
/// is another service's.
///
/// # Errors
/// When the database does not answer.
pub async fn set_up(app: &Arc<App>) -> Result<(), Error> {
    super::terms::publish_sample(app).await?;
    let now = app.clock.now();
    let (client, service) = (client(now), service(now));
    let there = app.store.read(|c| store::client::find(c, CLIENT)).await?;
    if there.is_some() {
        return Ok(());
    }
    let refused = app
        .store
        .write(move |c| {
            store::client::lock_services(c)?;
            if let Some(refused) = clash(c, &service)? {
                return Ok(Some(refused));
            }
            if let Err(Conflict("audience")) = store::client::add_service(c, &service)? {
                return Ok(Some(Refusal::AudienceTaken(service.audience.clone())));
            }
            let _ = store::client::add(c, &client)?;
            Ok(None)
        })
        .await?;
    if let Some(why) = refused {
        tracing::warn!(%why, "demo.left_out");
    }
    Ok(())
}

fn client(now: Time) -> Client {
    Client {
        id: CLIENT.into(),
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
    }
}

fn service(now: Time) -> Service {
    Service {
        id: SERVICE.into(),
        name: "Demo chat server".into(),
        audience: SERVICE.into(),
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::operate::service::add;
    use crate::flow::signin::tests::House;

    // PROTOCOL 1
    #[tokio::test]
    async fn the_demo_leaves_another_services_scope_and_audience_alone() {
        for (audience, scope) in [("chat", "chat"), (SERVICE, "talk")] {
            let house = House::new().await;
            let app = &house.app;
            let mut other = service(app.clock.now());
            (other.id, other.audience) = ("chat".into(), audience.into());
            other.scopes = vec![scope.into()];
            add(app, other, false).await.unwrap();
            set_up(app).await.unwrap();
            let read = app
                .store
                .read(|c| Ok((store::client::list(c)?, store::client::list_services(c)?)));
            let (clients, services) = read.await.unwrap();
            assert!(clients.is_empty(), "{clients:?}");
            assert_eq!(services.len(), 1, "{services:?}");
        }
    }
}
