//! Another username, after the first one went to somebody else; the address stays proved.

use std::sync::Arc;

use super::email::finished;
use super::profile::is_taken;
use super::{Door, Drawn, Moved, lock, settings};
use crate::account::Code;
use crate::account::signup::{Step, check_email, step};
use crate::account::username::{self, Username};
use crate::app::App;
use crate::limit::Bucket;
use crate::rng::digest;
use crate::store::Error;

/// What the new name came to.
#[derive(Debug)]
pub enum Named {
    /// On to the next page.
    Moved(Moved),
    /// It cannot be had.
    Wrong(Code),
    /// Too many accounts from this network.
    TooMany(std::time::Duration),
}

/// Takes another username.
///
/// # Errors
/// When the database does not answer.
pub async fn choose(app: &Arc<App>, door: &Door, typed: &str) -> Result<Named, Error> {
    let Some(hash) = door.draft.as_deref().map(digest) else {
        return Ok(Named::Moved(Moved::to(Step::Profile)));
    };
    let policy = &app.policy.username;
    let name = match Username::parse(typed, policy) {
        Ok(name) if policy.reserves(name.as_str()) => {
            let [try_a, try_b] = username::suggest("", policy, |_| false);
            return Ok(Named::Wrong(Code::UsernameTaken { try_a, try_b }));
        }
        Ok(name) => name,
        Err(code) => return Ok(Named::Wrong(code)),
    };
    let from = door.visitor.address;
    if let Err(wait) = app.limiter.peek(Bucket::Account, from, app.clock.now()) {
        return Ok(Named::TooMany(wait));
    }
    let drawn = Drawn::new(app, door, &["pwd"]);
    let named = app
        .store
        .write(move |c| {
            let (app, now) = (&drawn.app, drawn.now);
            let Some(mut draft) = lock(c, &hash, now)? else {
                return Ok(Named::Moved(Moved::to(Step::Profile)));
            };
            let settings = settings(app, c, now)?;
            let next = step(&draft, &settings, &app.limits, now);
            if next != Step::Name {
                let again = draft.username == name.as_str();
                return Ok(Named::Moved(drawn.late(c, &draft, next, again)?));
            }
            if let Some(code) = is_taken(app, c, &name, Some(&hash), now)? {
                return Ok(Named::Wrong(code));
            }
            // PROTOCOL 9: an address here belongs to the person with that username.
            if let Err(code) = check_email(&draft.email, Some(&name), &app.policy) {
                return Ok(Named::Wrong(code));
            }
            draft.username = name.as_str().to_owned();
            draft.username_lost = false;
            Ok(Named::Moved(drawn.settle(c, &mut draft, &settings)?))
        })
        .await?;
    if let Named::Moved(moved) = &named {
        finished(app, door, moved);
    }
    Ok(named)
}
