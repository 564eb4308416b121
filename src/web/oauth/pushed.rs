//! `/oauth2/par`, where a client leaves its request before it sends the browser (RFC 9126).

use actix_web::{HttpRequest, HttpResponse, web};

use super::{held, judge, next_nonce, presented, room, take};
use crate::app::App;
use crate::flow::{client, pushed};
use crate::oauth::binding::check_proof;
use crate::web::fault::Fault;
use crate::web::form;
use crate::web::guard::whence;

/// POST (RFC 9126 2.1). `Cache-Control: no-store` is on every answer.
///
/// # Errors
/// [`Fault`], as JSON.
pub async fn push(
    app: web::Data<App>,
    http: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Fault> {
    let body = form::body(&http, &mut payload.into_inner()).await?;
    let whence = whence(&http);
    let client = client::authenticate(&app, presented(&app, &http, &body).await?, &whence).await?;
    room(&app, &client, &whence)?;
    let judged = judge(&app, &http, None, client.must_prove_key())?;
    let proof = take(&app, judged).await?;
    check_proof(&client, &held(&http, proof.as_ref()))?;
    let jkt = proof.as_ref().map(|proof| proof.jkt.clone());
    let receipt = pushed::push(&app, &client, &body, jkt).await??;
    // RFC 9126 2.2
    let mut response = HttpResponse::Created();
    next_nonce(&app, &mut response, proof.as_ref());
    Ok(response.json(receipt))
}
