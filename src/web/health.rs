//! `/healthz` and `/readyz`, for the machines that watch.

use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::app::App;
use crate::keys::ISSUER;
use crate::oauth::service::Algorithm;
use crate::store;

/// The process answers.
pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// It can do its work: the database answers and the keys are there. 503 while it cannot.
pub async fn ready(app: web::Data<App>) -> HttpResponse {
    let database = app.store.read(store::account::count).await.is_ok();
    let now = app.clock.now();
    let keys = [Algorithm::RS256, Algorithm::ES256]
        .iter()
        .all(|algorithm| app.keys.current(ISSUER, *algorithm, now).is_some());
    let facts = json!({
        "status": if database && keys { "ok" } else { "not ready" },
        "database": database,
        "keys": keys,
    });
    if database && keys {
        HttpResponse::Ok().json(facts)
    } else {
        HttpResponse::ServiceUnavailable()
            .insert_header(("Retry-After", "1"))
            .json(facts)
    }
}
