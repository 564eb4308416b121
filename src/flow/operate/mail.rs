//! Mail as an operator tries and watches it.

use std::sync::Arc;

use crate::account::Email;
use crate::app::App;
use crate::flow::letter::{self, Letter};
use crate::mail::{Failure, Sent};
use crate::store::outbox::Item;
use crate::store::{self, Error};

/// Why a letter of trial did not go.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It could not be written.
    #[error(transparent)]
    Unwritten(#[from] letter::Unwritten),
    /// The mail server did not take it, in its own words.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// Something inside.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Sends a letter of trial now, past the outbox, and gives the mail server's words.
///
/// # Errors
/// [`Refusal`].
pub async fn test(app: &Arc<App>, to: &Email) -> Result<Sent, Refusal> {
    let now = app.clock.now();
    let language = app.page.pick(None, None, None).code;
    let letter = Letter::Test { language };
    let item = Item {
        id: app.rng.id(),
        kind: letter.kind().to_owned(),
        recipient: to.ascii(),
        body: serde_json::to_string(&letter).map_err(Error::from)?,
        draft_id: None,
        created_at: now.millis(),
        due_at: now.millis(),
        secret_ends_at: None,
        tries: 0,
        sent_at: None,
        failed_at: None,
        said: None,
        leased_until: None,
    };
    let house = app.clone();
    let letter = tokio::task::spawn_blocking(move || letter::write(&house, &item, now))
        .await
        .map_err(|error| Error::Broken(error.to_string()))??;
    Ok(app.mailer.send(&letter).await?)
}

/// Letters that are not sent, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn queue(app: &App, limit: i64) -> Result<Vec<Item>, Error> {
    app.store.read(move |c| store::outbox::open(c, limit)).await
}

/// Has letters tried again at once by the running server: one, or all but those that it is sending;
/// gives how many.
///
/// # Errors
/// When the database does not answer.
pub async fn retry(app: &App, id: Option<String>) -> Result<usize, Error> {
    let now = app.clock.now();
    app.store
        .write(move |c| store::outbox::retry(c, id.as_deref(), now))
        .await
}
