//! The domain of the people's addresses in the messenger: once there are people for good it stays,
//! since their accounts at chat servers have it in their names.

use std::net::IpAddr;

use crate::app::{App, Error};
use crate::config::is_loopback;
use crate::store::{self, Conn, setting};

/// The setting that holds it.
const DOMAIN: &str = "domain";

/// Remembers it. An address of a machine is for a trial.
///
/// # Errors
/// [`Error::Domain`]; or when the database does not answer.
pub async fn keep(app: &App) -> Result<(), Error> {
    if app.config.dev {
        return Ok(());
    }
    let set = app.config.domain.clone();
    let keep = move |c: &mut Conn<'_>| {
        if let Some(stands) = other(c, &set)? {
            let set = set.clone();
            return Ok(Err(Error::Domain { stands, set }));
        }
        if set.parse::<IpAddr>().is_err() && !is_loopback(&set) {
            setting::put(c, DOMAIN, &set)?;
        }
        Ok(Ok(()))
    };
    app.store.write(keep).await?
}

/// The domain of the people who are here, when it is another than the one set.
///
/// # Errors
/// When the database does not answer.
pub fn other(c: &mut Conn<'_>, set: &str) -> Result<Option<String>, store::Error> {
    match setting::find(c, DOMAIN)?.filter(|stands| stands != set) {
        Some(stands) if store::account::count(c)? > 0 => Ok(Some(stands)),
        _ => Ok(None),
    }
}
