//! W3: what is to be accepted, and that it was. The ledger gets it with the account.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Door, Drawn, Moved, lock, settings};
use crate::account::signup::{Step, may_show, step};
use crate::account::terms::{Version, current};
use crate::app::App;
use crate::rng::digest;
use crate::store::{self, Error};

/// What was ticked and seen on the page.
#[derive(Clone, Debug, Default)]
pub struct Ticked {
    /// The box of the least age.
    pub age: bool,
    /// Optional documents that were ticked.
    pub optional: BTreeSet<String>,
    /// Document, version and language of what the page showed, where it says so.
    pub seen: Vec<(String, i64, String)>,
}

/// What "I accept" came to.
#[derive(Debug)]
pub enum Agreed {
    /// On to the next page.
    Moved(Moved),
    /// The box of the least age is not ticked.
    Age,
    /// Something newer was published while the page was open: it is shown first.
    Newer,
}

/// What a new person is asked to accept.
///
/// # Errors
/// When the database does not answer.
pub async fn documents(app: &Arc<App>, language: &str) -> Result<Vec<Version>, Error> {
    let (now, language) = (app.clock.now(), language.to_owned());
    app.store
        .read(move |c| {
            let published = store::terms::list(c)?;
            Ok(current(&published, &language, now)
                .into_iter()
                .cloned()
                .collect())
        })
        .await
}

/// "I accept".
///
/// # Errors
/// When the database does not answer.
pub async fn accept(app: &Arc<App>, door: &Door, ticked: Ticked) -> Result<Agreed, Error> {
    let Some(hash) = door.draft.as_deref().map(digest) else {
        return Ok(Agreed::Moved(Moved::to(Step::Profile)));
    };
    let drawn = Drawn::new(app, door, &["pwd"]);
    let agreed = app
        .store
        .write(move |c| {
            let (app, now) = (&drawn.app, drawn.now);
            let Some(mut draft) = lock(c, &hash, now)? else {
                return Ok(Agreed::Moved(Moved::to(Step::Profile)));
            };
            let settings = settings(app, c, now)?;
            if !may_show(Step::Agree, &draft, &settings, &app.limits, now) {
                let next = step(&draft, &settings, &app.limits, now);
                return Ok(Agreed::Moved(Moved::to(next)));
            }
            let published = store::terms::list(c)?;
            let mut accepted = Vec::new();
            for version in current(&published, &drawn.visitor.language, now) {
                let seen = ticked.seen.iter().find(|one| one.0 == version.document);
                let version = match seen {
                    None => version,
                    // In the language in which it was read, if it is still the same version.
                    Some((document, number, language)) if *number == version.version => published
                        .iter()
                        .find(|one| {
                            one.document == *document
                                && one.version == *number
                                && one.language == *language
                        })
                        .unwrap_or(version),
                    Some(_) => return Ok(Agreed::Newer),
                };
                if !version.optional || ticked.optional.contains(&version.document) {
                    accepted.push(version.accept(now));
                }
            }
            if app.config.signup.min_age > 0 && !ticked.age {
                return Ok(Agreed::Age);
            }
            draft.agreed = accepted;
            draft.agreed_at = Some(now);
            Ok(Agreed::Moved(drawn.settle(c, &mut draft, &settings)?))
        })
        .await?;
    if let Agreed::Moved(moved) = &agreed {
        super::email::finished(app, door, moved);
    }
    Ok(agreed)
}
