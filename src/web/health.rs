//! `/healthz` and `/readyz`, for the machines that watch.

use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::app::App;
use crate::flow::health;

/// The process answers.
pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// It can do its work: the database answers, the keys are there, the clock is the others'. 503
/// while it cannot.
pub async fn ready(app: web::Data<App>) -> HttpResponse {
    let health = health::look(&app).await;
    let facts = json!({
        "status": if health.good() { "ok" } else { "not ready" },
        "database": health.database,
        "keys": health.keys,
        "clock": health.clock,
    });
    if health.good() {
        HttpResponse::Ok().json(facts)
    } else {
        HttpResponse::ServiceUnavailable()
            .insert_header(("Retry-After", "1"))
            .json(facts)
    }
}
