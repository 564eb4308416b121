//! Apps known by a document at their `client_id`: read when a sign-in begins, and put on file, so
//! that every other story finds them as it finds any client.

use crate::app::App;
use crate::call::{Typed, Wanted};
use crate::oauth::client::Client;
use crate::oauth::document::{is_address, read};
use crate::oauth::registration::Origin;
use crate::store::{self, Error};

/// Whether a client may sign people in now, as far as documents go: one that is known by a
/// document only while documents are taken.
pub fn is_open(app: &App, client: &Client) -> bool {
    client.registration.origin != Origin::Document || app.config.registration.metadata_documents
}

/// Brings what is on file about such an app up to its document. `false` when there is no document
/// that can be used: the app is unknown then, whatever was on file.
///
/// # Errors
/// When the database does not answer.
pub async fn refresh(app: &App, client_id: &str) -> Result<bool, Error> {
    if !is_address(client_id) {
        return Ok(true);
    }
    if !app.config.registration.metadata_documents {
        return Ok(false);
    }
    let (policy, now) = (super::register::policy(app).await?, app.clock.now());
    let read = app
        .call
        .document(
            Typed::ByStranger,
            client_id,
            "application/json",
            Wanted::Kept,
            now,
        )
        .await
        .map_err(|failure| failure.to_string())
        .and_then(|answer| {
            read(client_id, &answer.kind, &answer.body, &policy, now)
                .map_err(|problem| problem.to_string())
        });
    let new = match read {
        Ok(new) => new,
        Err(why) => {
            tracing::warn!(client = client_id, why, "client.document");
            return Ok(false);
        }
    };
    let id = client_id.to_owned();
    let old = app.store.read(move |c| store::client::find(c, &id)).await?;
    let new = match &old {
        // Whoever looked at it looked at what it said then.
        Some(old) => {
            let mut new = Client {
                created_at: old.created_at,
                ..new
            };
            if let Err(problem) = new.lay_over(old) {
                tracing::warn!(client = client_id, why = %problem, "client.document");
                return Ok(false);
            }
            let mut same = new.clone();
            same.registration.checked = old.registration.checked;
            if same == *old {
                return Ok(true);
            }
            new
        }
        None => new,
    };
    app.store
        .write(move |c| {
            if let Some(old) = store::client::find(c, &new.id)? {
                // What the operator demands stands, also when it came meanwhile.
                let mut kept = new.clone();
                if kept.lay_over(&old).is_ok() {
                    super::register::replace(c, &old, &kept, now)?;
                }
                return Ok(());
            }
            store::registered::add(c, &new.id, None, now)?;
            let _ = store::client::add(c, &new)?;
            Ok(())
        })
        .await?;
    Ok(true)
}
