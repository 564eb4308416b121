//! `/services/{id}/status/{n}`: which of a service's tokens were ended (Token Status List).

use actix_web::{HttpRequest, HttpResponse, web};

use super::discovery::send_for;
use crate::app::App;
use crate::flow::keyring;
use crate::flow::{client, status};
use crate::oauth::status::{SENT_AS, TTL};
use crate::web::fault::Fault;

impl From<keyring::Error> for Fault {
    fn from(error: keyring::Error) -> Self {
        match error {
            keyring::Error::Store(error) => error.into(),
            keyring::Error::Keys(error) => error.into(),
        }
    }
}

/// A list, for as long as it says itself.
///
/// # Errors
/// [`Fault`], as JSON.
pub async fn list(
    app: web::Data<App>,
    http: HttpRequest,
    path: web::Path<(String, i64)>,
) -> Result<HttpResponse, Fault> {
    let (id, number) = path.into_inner();
    let app = app.into_inner();
    let service = client::service(&app, &id).await?.ok_or(Fault::nothing())?;
    let list = status::show(&app, &service, number).await?;
    let list = list.ok_or(Fault::nothing())?;
    let keep = format!("public, max-age={}", TTL.as_secs());
    Ok(send_for(&http, &list, SENT_AS, &keep))
}
