//! W2: the security check. What is shown and what is right are derived from the draft and the
//! number of the challenge; the browser says neither.

use std::sync::Arc;

use super::{Door, Drawn, Moved, Wizard, lock, save, settings};
use crate::account::signup::{CheckVerdict, Draft, Method, Step, judge_check, step};
use crate::app::App;
use crate::captcha::question::Question;
use crate::captcha::{self, Challenge, work};
use crate::clock::Time;
use crate::config::CheckKind;
use crate::flow::derived;
use crate::rng::digest;
use crate::store::{self, Error};

/// Leading zero bits of the proof of work: about half a million tries, a second or two of a phone.
pub const BITS: u32 = 19;

/// The longest letter to the operator, in characters.
pub const NOTE: usize = 2000;

/// What was typed or worked out.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    /// Letters, digits or words.
    pub code: String,
    /// The nonce of the proof of work.
    pub work: String,
    /// The letter to the operator.
    pub note: String,
}

/// What an answer came to.
#[derive(Debug)]
pub enum Answered {
    /// On to the next page, or the page it belongs on by now.
    Moved(Moved),
    /// Nothing was typed.
    Empty,
    /// Wrong; the same one can be tried again.
    Wrong,
    /// Wrong, and a new one is shown.
    WrongNew,
    /// Open for too long; a new one is shown.
    Old,
    /// The work was not done.
    WorkFailed,
    /// The letter is too long: how many characters it has.
    Long(usize),
}

/// The way on which a person starts.
pub fn first(app: &App) -> Method {
    match app.config.check.kind {
        CheckKind::Work => Method::Work,
        CheckKind::Picture | CheckKind::Off => Method::Picture,
    }
}

/// Whether this server offers a way to who reads `language`.
pub fn offers(app: &App, way: Method, language: &str) -> bool {
    let check = &app.config.check;
    match way {
        Method::Picture => check.kind != CheckKind::Off,
        Method::Work => check.kind == CheckKind::Work,
        Method::Sound => check.sound,
        Method::Question => check.questions && app.questions.count(language) > 0,
        Method::Person => check.ask_a_person,
    }
}

/// Sees to it that a draft has something to answer, for its page in `language`; gives the draft as
/// it is then.
///
/// # Errors
/// When the database does not answer.
pub async fn prepare(app: &Arc<App>, wizard: Wizard, language: &str) -> Result<Wizard, Error> {
    let (now, language) = (app.clock.now(), language.to_owned());
    if is_open(app, &wizard.draft, &language, now) {
        return Ok(wizard);
    }
    let (house, id, fresh) = (app.clone(), wizard.draft.id.clone(), first(app));
    let changed = app
        .store
        .write(move |c| {
            let Some(mut draft) = store::draft::lock(c, &id)? else {
                return Ok(None);
            };
            if draft
                .check
                .passed_at
                .is_none_or(|_| !draft.check_counts(&house.limits, now))
                && !is_open(&house, &draft, &language, now)
            {
                let shown = draft.check.shown;
                let way = shown.filter(|way| offers(&house, *way, &language));
                draft.check = draft.check.renewed(way.unwrap_or(fresh), now);
                let settings = settings(&house, c, now)?;
                save(&house, c, &draft, &settings, now)?;
            }
            Ok(Some(draft))
        })
        .await?;
    Ok(Wizard {
        draft: changed.unwrap_or(wizard.draft),
        ..wizard
    })
}

/// Whether what was shown last can still be answered.
fn is_open(app: &App, draft: &Draft, language: &str, now: Time) -> bool {
    let check = &draft.check;
    let offered = check.shown.is_some_and(|way| offers(app, way, language));
    let in_time = check
        .made_at
        .is_some_and(|made| made <= now && now < made.plus(app.limits.check));
    offered && in_time && check.passed_at.is_none() && check.tries < app.limits.check_tries
}

/// Shows something new: by another way, or the same one again.
///
/// # Errors
/// When the database does not answer.
pub async fn change(app: &Arc<App>, door: &Door, way: Option<Method>) -> Result<Step, Error> {
    let Some(hash) = door.draft.as_deref().map(digest) else {
        return Ok(Step::Profile);
    };
    let (house, now) = (app.clone(), app.clock.now());
    let language = door.visitor.language.clone();
    app.store
        .write(move |c| {
            let Some(mut draft) = lock(c, &hash, now)? else {
                return Ok(Step::Profile);
            };
            let settings = settings(&house, c, now)?;
            let next = step(&draft, &settings, &house.limits, now);
            if next != Step::Check {
                return Ok(next);
            }
            let way = way.or(draft.check.shown);
            let way = way.filter(|way| offers(&house, *way, &language));
            draft.check = draft.check.renewed(way.unwrap_or(first(&house)), now);
            draft.seen_at = now;
            save(&house, c, &draft, &settings, now)?;
            Ok(Step::Check)
        })
        .await
}

/// An answer to what was shown last.
///
/// # Errors
/// When the database does not answer.
pub async fn answer(app: &Arc<App>, door: &Door, typed: Typed) -> Result<Answered, Error> {
    let Some(hash) = door.draft.as_deref().map(digest) else {
        return Ok(Answered::Moved(Moved::to(Step::Profile)));
    };
    let drawn = Drawn::new(app, door, &["pwd"]);
    let answered = app
        .store
        .write(move |c| {
            let (app, now) = (&drawn.app, drawn.now);
            let Some(mut draft) = lock(c, &hash, now)? else {
                return Ok(Answered::Moved(Moved::to(Step::Profile)));
            };
            let settings = settings(app, c, now)?;
            let next = step(&draft, &settings, &app.limits, now);
            if next != Step::Check {
                return Ok(Answered::Moved(Moved::to(next)));
            }
            let language = &drawn.visitor.language;
            let said = judge(app, &mut draft, &typed, language, now);
            if said.is_none() {
                let moved = drawn.settle(c, &mut draft, &settings)?;
                return Ok(Answered::Moved(moved));
            }
            draft.seen_at = now;
            save(app, c, &draft, &settings, now)?;
            Ok(said.unwrap_or(Answered::Empty))
        })
        .await?;
    app.post.notify_one();
    Ok(answered)
}

/// Judges an answer and changes the draft by it; nothing to say when the check is passed.
fn judge(
    app: &App,
    draft: &mut Draft,
    typed: &Typed,
    language: &str,
    now: Time,
) -> Option<Answered> {
    let way = draft.check.shown.unwrap_or(first(app));
    if way == Method::Person {
        let note = typed.note.trim();
        let length = note.chars().count();
        if note.is_empty() {
            return Some(Answered::Empty);
        }
        if length > NOTE {
            return Some(Answered::Long(length));
        }
        draft.person_note = Some(note.to_owned());
        draft.pass_check(Method::Person, now);
        return None;
    }
    let worked = way == Method::Work && !typed.work.is_empty();
    if typed.code.trim().is_empty() && !worked {
        return Some(Answered::Empty);
    }
    let right = is_right(app, draft, way, typed, language, worked);
    match judge_check(draft, right, &app.limits, now) {
        CheckVerdict::Passed => {
            let how = match way {
                Method::Work if !worked => Method::Picture,
                way => way,
            };
            draft.pass_check(how, now);
            None
        }
        // A question has few answers: each wrong one is followed by another question.
        CheckVerdict::Wrong { .. } if way != Method::Question => {
            draft.check.tries += 1;
            Some(if worked {
                Answered::WorkFailed
            } else {
                Answered::Wrong
            })
        }
        CheckVerdict::Wrong { .. } | CheckVerdict::Spent => {
            draft.check = draft.check.renewed(way, now);
            Some(Answered::WrongNew)
        }
        CheckVerdict::Old => {
            draft.check = draft.check.renewed(way, now);
            Some(Answered::Old)
        }
    }
}

fn is_right(
    app: &App,
    draft: &Draft,
    way: Method,
    typed: &Typed,
    language: &str,
    worked: bool,
) -> bool {
    let challenge = challenge(app, draft);
    match way {
        Method::Work if worked => work::verify(&work_challenge(app, draft), &typed.work, BITS),
        Method::Picture | Method::Work => challenge.matches_letters(&typed.code),
        Method::Sound => challenge.matches_digits(&typed.code),
        Method::Question => {
            question(app, draft, language).is_some_and(|asked| asked.matches(&typed.code))
        }
        Method::Person => false,
    }
}

fn seed(app: &App, draft: &Draft) -> [u8; 32] {
    derived::check_seed(app.keys.master(), &draft.id, draft.check.number)
}

fn challenge(app: &App, draft: &Draft) -> Challenge {
    Challenge::new(seed(app, draft), usize::from(app.config.check.length))
}

/// The question that a draft asks at present who reads `language`.
pub fn question<'a>(app: &'a App, draft: &Draft, language: &str) -> Option<&'a Question> {
    app.questions.pick(&seed(app, draft), language)
}

/// What the page of a draft hashes for its proof of work.
pub fn work_challenge(app: &App, draft: &Draft) -> String {
    derived::work_challenge(app.keys.master(), &draft.id, draft.check.number)
}

/// Draws the picture that a draft shows at present; nothing when it shows none.
///
/// # Errors
/// When the drawing fails, which a built program should not meet.
pub async fn picture(app: &Arc<App>, draft: &Draft) -> Result<Option<Vec<u8>>, Error> {
    let shown = matches!(draft.check.shown, Some(Method::Picture | Method::Work));
    draw(app, draft, shown, |challenge| challenge.picture()).await
}

/// Speaks the sound that a draft plays at present; nothing when it plays none.
///
/// # Errors
/// When the recordings cannot be read, which a built program should not meet.
pub async fn sound(
    app: &Arc<App>,
    draft: &Draft,
    language: &str,
) -> Result<Option<Vec<u8>>, Error> {
    let shown = draft.check.shown == Some(Method::Sound);
    let language = language.to_owned();
    draw(app, draft, shown, move |challenge| {
        challenge.sound(&language)
    })
    .await
}

async fn draw(
    app: &Arc<App>,
    draft: &Draft,
    shown: bool,
    how: impl FnOnce(Challenge) -> Result<Vec<u8>, captcha::Error> + Send + 'static,
) -> Result<Option<Vec<u8>>, Error> {
    if !shown || !is_open(app, draft, "", app.clock.now()) {
        return Ok(None);
    }
    let challenge = challenge(app, draft);
    tokio::task::spawn_blocking(move || how(challenge))
        .await
        .map_err(|error| Error::Broken(error.to_string()))?
        .map(Some)
        .map_err(|error| Error::Broken(error.to_string()))
}
