//! Sign-up as a story: a draft grows from page to page, each page one transaction behind the
//! draft's lock, and the last of them makes the account.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::account::signup::{Draft, Settings, Step, may_show, step};
use crate::account::terms::current;
use crate::account::username::skeleton;
use crate::app::App;
use crate::clock::Time;
use crate::config::{CheckKind, SignupMode};
use crate::flow::Visitor;
use crate::flow::browser::Begin;
use crate::rng::{Secret, digest};
use crate::store::event::Event;
use crate::store::{self, Conn, Error};

pub mod agree;
pub mod check;
pub mod done;
pub mod email;
mod finish;
pub mod link;
pub mod name;
pub mod profile;
#[cfg(test)]
mod tests;

/// How stale the note of a draft's last use may be.
const SEEN_EVERY: Duration = Duration::from_secs(60);

/// The most drafts that wait for the operator.
const WAITING: i64 = 500;

/// A draft, and where in the wizard it is.
#[derive(Clone, Debug)]
pub struct Wizard {
    /// All that the person has said so far.
    pub draft: Draft,
    /// The steps that this server asks for.
    pub settings: Settings,
    /// The page that comes next.
    pub step: Step,
}

/// What a browser finds behind its draft cookie.
#[derive(Clone, Debug)]
pub enum Found {
    /// Nothing, or a draft that has run out.
    Nothing,
    /// A draft that was left alone: it asks for its address before it shows answers.
    Idle(Box<Wizard>),
    /// A draft.
    Open(Box<Wizard>),
}

/// Who posts a page, with the cookies that a new account needs.
#[derive(Clone, Debug)]
pub struct Door {
    /// The visitor.
    pub visitor: Visitor,
    /// The draft's cookie.
    pub draft: Option<String>,
    /// The browser's cookie.
    pub browser: Option<String>,
    /// The known-device cookie.
    pub device: String,
}

/// Where a posted page leads.
#[derive(Debug)]
pub struct Moved {
    /// The page that comes next.
    pub step: Step,
    /// The browser's new cookie value, when this very post signed it in.
    pub cookie: Option<Secret>,
    /// This very post made the account.
    pub made: bool,
    /// The operator's list is full: the person stays where they are.
    pub full: bool,
}

impl Moved {
    fn to(step: Step) -> Self {
        Self {
            step,
            cookie: None,
            made: false,
            full: false,
        }
    }
}

/// The steps that this server asks for.
pub(crate) fn settings(app: &App, c: &mut Conn<'_>, now: Time) -> Result<Settings, Error> {
    let terms =
        app.config.signup.min_age > 0 || !current(&store::terms::list(c)?, "", now).is_empty();
    Ok(Settings {
        check: app.config.check.kind != CheckKind::Off,
        terms,
        approve: app.config.signup.mode == SignupMode::Approve,
    })
}

/// How many steps a new person has before them.
///
/// # Errors
/// When the database does not answer.
pub async fn fresh(app: &Arc<App>) -> Result<Settings, Error> {
    let (house, now) = (app.clone(), app.clock.now());
    app.store.read(move |c| settings(&house, c, now)).await
}

/// The draft behind a cookie, for its pages.
///
/// # Errors
/// When the database does not answer.
pub async fn find(app: &Arc<App>, cookie: Option<&str>) -> Result<Found, Error> {
    let Some(hash) = cookie.map(digest) else {
        return Ok(Found::Nothing);
    };
    let (house, now) = (app.clone(), app.clock.now());
    let wizard = app
        .store
        .read(move |c| match store::draft::find(c, &hash)? {
            Some(draft) if !draft.is_over(now) => {
                let settings = settings(&house, c, now)?;
                Ok(Some(Wizard::new(&house, draft, settings, now)))
            }
            _ => Ok(None),
        })
        .await?;
    let Some(wizard) = wizard else {
        return Ok(Found::Nothing);
    };
    if wizard.draft.account_id.is_none() && wizard.draft.needs_address_again(&app.limits, now) {
        return Ok(Found::Idle(Box::new(wizard)));
    }
    if now.since(wizard.draft.seen_at) > SEEN_EVERY {
        touch(app, &wizard.draft.id).await?;
    }
    Ok(Found::Open(Box::new(wizard)))
}

impl Wizard {
    fn new(app: &App, draft: Draft, settings: Settings, now: Time) -> Self {
        let step = step(&draft, &settings, &app.limits, now);
        Self {
            draft,
            settings,
            step,
        }
    }

    /// Whether the page of `asked` may be shown now.
    pub fn may_show(&self, app: &App, asked: Step) -> bool {
        may_show(
            asked,
            &self.draft,
            &self.settings,
            &app.limits,
            app.clock.now(),
        )
    }
}

/// Notes that a draft was used by its browser.
async fn touch(app: &Arc<App>, id: &str) -> Result<(), Error> {
    let (house, id, now) = (app.clone(), id.to_owned(), app.clock.now());
    app.store
        .write(move |c| {
            if let Some(mut draft) = store::draft::lock(c, &id)? {
                draft.seen_at = now;
                let settings = settings(&house, c, now)?;
                save(&house, c, &draft, &settings, now)?;
            }
            Ok(())
        })
        .await
}

/// The address typed for a draft that was left alone; `false` when it is another one.
///
/// # Errors
/// When the database does not answer.
pub async fn open_again(app: &Arc<App>, draft: &Draft, typed: &str) -> Result<bool, Error> {
    let same = crate::account::Email::parse(typed).is_ok_and(|it| it.key() == draft.email_key);
    if same {
        touch(app, &draft.id).await?;
    }
    Ok(same)
}

/// Deletes the draft behind a cookie: all that the person entered.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(app: &Arc<App>, cookie: Option<&str>) -> Result<(), Error> {
    let Some(hash) = cookie.map(digest) else {
        return Ok(());
    };
    app.store
        .write(move |c| match store::draft::find(c, &hash)? {
            Some(draft) => store::draft::delete(c, &draft.id),
            None => Ok(()),
        })
        .await
}

/// Locks the draft behind a cookie, unless there is none or it has run out.
fn lock(c: &mut Conn<'_>, cookie_hash: &str, now: Time) -> Result<Option<Draft>, Error> {
    let Some(found) = store::draft::find(c, cookie_hash)? else {
        return Ok(None);
    };
    Ok(store::draft::lock(c, &found.id)?.filter(|draft| !draft.is_over(now)))
}

/// Writes a locked draft, with what the columns beside it say of it.
fn save(
    app: &App,
    c: &mut Conn<'_>,
    draft: &Draft,
    settings: &Settings,
    now: Time,
) -> Result<(), Error> {
    let held = draft
        .holds_username(settings, &app.limits, now)
        .then(|| now.plus(app.limits.check_passed));
    let waiting = (step(draft, settings, &app.limits, now) == Step::Waiting)
        .then_some(draft.mail.proved_at)
        .flatten();
    store::draft::save(c, draft, &skeleton(&draft.username), held, waiting)
}

/// Asks the check again. What was answered before is not to be answered a second time.
fn check_again(draft: &mut Draft) {
    draft.check.passed_at = None;
    draft.check.made_at = None;
}

/// What a page's post needs and a transaction may not draw: ids, secrets, the time.
struct Drawn {
    app: Arc<App>,
    visitor: Visitor,
    now: Time,
    letter_id: String,
    account_id: String,
    begin: Begin,
    event: Event,
    /// Whether the network address may ask for a mail: drawn once, though the story may run again.
    may_ask: OnceLock<Result<(), Duration>>,
}

impl Drawn {
    fn new(app: &Arc<App>, door: &Door, amr: &[&str]) -> Self {
        let now = app.clock.now();
        let account_id = app.rng.id();
        Self {
            app: app.clone(),
            visitor: door.visitor.clone(),
            now,
            letter_id: app.rng.id(),
            begin: Begin::draw(
                app,
                &account_id,
                amr,
                false,
                door.browser.as_deref(),
                &door.device,
                &door.visitor,
                now,
            ),
            event: door.visitor.event(app, &account_id, "signup", now),
            account_id,
            may_ask: OnceLock::new(),
        }
    }

    /// Where a post leads that came too late for its page. One that made the account and is sent
    /// again before its answer came (a double click) signs the browser in as it did: `proves` says
    /// that it brought the same proof.
    fn late(
        &self,
        c: &mut Conn<'_>,
        draft: &Draft,
        next: Step,
        proves: bool,
    ) -> Result<Moved, Error> {
        let made = draft.account_id.as_deref().filter(|_| proves);
        Ok(Moved {
            cookie: match made {
                Some(account_id) => self.begin.again(c, account_id)?,
                None => None,
            },
            ..Moved::to(next)
        })
    }

    /// Goes on from a change: sends the code where that comes next, makes the account where
    /// nothing is missing, and writes the draft.
    fn settle(
        &self,
        c: &mut Conn<'_>,
        draft: &mut Draft,
        settings: &Settings,
    ) -> Result<Moved, Error> {
        let mut begun = None;
        draft.seen_at = self.now;
        // Each round either ends or takes one reason away to go round again.
        for _ in 0..3 {
            match step(draft, settings, &self.app.limits, self.now) {
                Step::Email if draft.mail.sent_at.is_none() => {
                    // What holds it back the page says.
                    let _ = email::post(self, c, draft)?;
                    break;
                }
                Step::Done if draft.account_id.is_none() => {
                    begun = finish::open_account(self, c, draft)?;
                }
                _ => break,
            }
        }
        let next = step(draft, settings, &self.app.limits, self.now);
        let mut full = false;
        if next == Step::Waiting {
            store::draft::delete_waiting(c, &draft.email_key, &draft.id)?; // one per address
            let (count, _) = store::draft::count_waiting(c, &draft.email_key, &draft.id, self.now)?;
            full = count >= WAITING;
            if full {
                draft.mail.proved_at = None; // the code stays good
            } else {
                draft.expires_at = self.now.plus(self.app.limits.waiting);
            }
        }
        save(&self.app, c, draft, settings, self.now)?;
        Ok(Moved {
            step: next,
            made: begun.is_some(),
            cookie: begun.map(|begun| begun.cookie),
            full,
        })
    }
}
