//! W5: the account exists; whether it stays signed in here, and where the person goes on.

use std::sync::Arc;
use std::time::Duration;

use crate::account::Session;
use crate::account::signup::Draft;
use crate::app::App;
use crate::flow::request::{self, Asking};
use crate::oauth::service::Service;
use crate::store::{self, Error};

/// An app that waited longer than this has given up (PROTOCOL 3).
const LATE: Duration = Duration::from_secs(15 * 60);

/// The app that waits for a draft's person.
#[derive(Clone, Debug)]
pub struct Waits {
    /// Who.
    pub app: Asking,
    /// It has given up by now.
    pub late: bool,
}

/// The app that waits for a draft's person, if one does.
///
/// # Errors
/// When the database does not answer.
pub async fn waits(app: &Arc<App>, request_id: Option<&str>) -> Result<Option<Waits>, Error> {
    let Some(id) = request_id else {
        return Ok(None);
    };
    let now = app.clock.now();
    Ok(request::asking(app, id).await?.map(|asking| Waits {
        late: now.since(asking.made_at) > LATE,
        app: asking,
    }))
}

/// Ticks or unticks "Keep me signed in on this device".
///
/// # Errors
/// When the database does not answer.
pub async fn keep(app: &Arc<App>, session: &Session, keep: bool) -> Result<(), Error> {
    let ends_at = app.lifetimes.ends_at(keep, session.created_at);
    let sid = session.sid.clone();
    app.store
        .write(move |c| store::browser::keep(c, &sid, keep, ends_at))
        .await
}

/// Where the person goes on: to the app that waits, or home.
///
/// # Errors
/// When the database does not answer.
pub async fn onward(app: &Arc<App>, draft: &Draft) -> Result<String, Error> {
    Ok(match waits(app, draft.request_id.as_deref()).await? {
        Some(waits) if !waits.late => format!(
            "/oauth2/authorize/{}",
            draft.request_id.as_deref().unwrap_or_default()
        ),
        _ => "/account".to_owned(),
    })
}

/// The messengers that an account can be used in: name, and server where a person could type it.
///
/// # Errors
/// When the database does not answer.
pub async fn messengers(app: &Arc<App>) -> Result<Vec<(String, Option<String>)>, Error> {
    app.store
        .read(|c| {
            Ok(store::client::list_services(c)?
                .into_iter()
                .filter(Service::is_messenger)
                .map(|service| (service.name, host(&service.audience)))
                .collect())
        })
        .await
}

/// The host that an audience is or names. Any other word says nothing to a person.
fn host(audience: &str) -> Option<String> {
    let bare = audience.split_once("://").map_or(audience, |(_, rest)| {
        rest.split('/').next().unwrap_or_default()
    });
    let name = bare.split(':').next().unwrap_or_default();
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    (name.contains('.') && name.split('.').all(label)).then(|| bare.to_owned())
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn a_server_is_shown_where_a_person_could_type_it() {
        for (audience, shown) in [
            ("chat.steppe.example", Some("chat.steppe.example")),
            (
                "https://chat.steppe.example/api",
                Some("chat.steppe.example"),
            ),
            (
                "wss://chat.steppe.example:5281",
                Some("chat.steppe.example:5281"),
            ),
            ("chat", None),
            ("urn:chat", None),
            ("chat v1.2", None),
            ("", None),
        ] {
            assert_eq!(host(audience).as_deref(), shown, "{audience}");
        }
    }
}
