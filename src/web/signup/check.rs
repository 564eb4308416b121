//! W2 `/signup/check`: a picture, and ways out that are just as good.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};

use super::{Page, door, go, look, path, posted, shell_of};
use crate::account::signup::{Draft, Method, Step, other_ways_first};
use crate::captcha::question::Question;
use crate::flow::signup::check::{self, Answered, Typed};
use crate::flow::signup::{Found, Wizard};
use crate::page::view::{CheckPerson, CheckPicture, CheckQuestion, CheckSound, CheckWork, Ways};
use crate::page::{FieldError, Shell, View};
use crate::web::fault::Fault;
use crate::web::form::Posted;
use crate::web::visit::Visit;

/// GET: what is to be answered now.
pub async fn show(visit: Visit) -> Result<HttpResponse, Fault> {
    let wizard = match look(&visit, Step::Check).await? {
        Ok(wizard) => wizard,
        Err(elsewhere) => return Ok(elsewhere),
    };
    page(&visit, *wizard, StatusCode::OK, "", Vec::new()).await
}

/// POST: an answer, or the wish for another way.
pub async fn take(form: Posted) -> Result<HttpResponse, Fault> {
    let Page { form, wizard, old } = match posted(form, Step::Check).await? {
        Ok(page) => page,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (visit, door) = (&form.visit, door(&form.visit));
    if let Some(old) = old {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return page(visit, *wizard, status, form.text("note"), vec![old]).await;
    }
    let way = match form.text("other") {
        "" => None,
        "picture" => Some(Some(check::first(&visit.app))),
        "sound" => Some(Some(Method::Sound)),
        "question" => Some(Some(Method::Question)),
        "person" => Some(Some(Method::Person)),
        _ => Some(None),
    };
    if let Some(way) = way {
        let step = check::change(&visit.app, &door, way).await?;
        return Ok(visit.see_other(path(step)));
    }
    let typed = Typed {
        code: form.text("code").to_owned(),
        work: form.text("work").to_owned(),
        note: form.text("note").to_owned(),
    };
    let shown = wizard.draft.check.shown;
    let answered = match check::answer(&visit.app, &door, typed.clone()).await? {
        Answered::Moved(moved) => return Ok(go(visit, &moved)),
        other => other,
    };
    let wizard = match crate::flow::signup::find(&visit.app, visit.draft.as_deref()).await? {
        Found::Open(wizard) => wizard,
        _ => return Ok(visit.see_other("/signup")),
    };
    let mut errors = vec![wrong(visit, shown, &answered)];
    // The words name both, so both must be there.
    let both = [Method::Sound, Method::Question]
        .iter()
        .all(|way| check::offers(&visit.app, *way, &visit.lang.code));
    if both
        && matches!(shown, Some(Method::Picture | Method::Work))
        && matches!(answered, Answered::WrongNew)
        && other_ways_first(&wizard.draft, &visit.app.limits)
    {
        errors.push(
            visit
                .app
                .page
                .error(&visit.lang, "ways", "check-others", &[]),
        );
    }
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    page(visit, *wizard, status, &typed.note, errors).await
}

fn wrong(visit: &Visit, shown: Option<Method>, answered: &Answered) -> FieldError {
    let error = |field: &str, id: &str, args: &[(&str, String)]| {
        visit.app.page.error(&visit.lang, field, id, args)
    };
    let kind = match shown {
        Some(Method::Sound) => "check-sound",
        Some(Method::Question) => "check-question",
        Some(Method::Person) => "check-person",
        _ => "check",
    };
    match answered {
        Answered::Long(has) => error(
            "note",
            "check-person-long",
            &[("most", check::NOTE.to_string()), ("has", has.to_string())],
        ),
        Answered::Empty if shown == Some(Method::Person) => {
            error("note", "check-person-empty", &[])
        }
        Answered::Empty => error("code", &format!("{kind}-empty"), &[]),
        Answered::WorkFailed => error("code", "check-work-failed", &[]),
        Answered::WrongNew if shown == Some(Method::Question) => {
            error("code", "check-question-wrong", &[])
        }
        Answered::WrongNew => error("code", &format!("{kind}-wrong-new"), &[]),
        Answered::Wrong | Answered::Moved(_) => error("code", &format!("{kind}-wrong"), &[]),
        Answered::Old => error("code", &format!("{kind}-old"), &[]),
    }
}

async fn page(
    visit: &Visit,
    wizard: Wizard,
    status: StatusCode,
    note: &str,
    errors: Vec<FieldError>,
) -> Result<HttpResponse, Fault> {
    let wizard = check::prepare(&visit.app, wizard, &visit.lang.code).await?;
    let shell = shell_of(visit, &wizard, Step::Check).await?;
    let sheet = Sheet {
        visit,
        shell,
        status,
        draft: &wizard.draft,
    };
    sheet.render(note, errors)
}

/// The ways that this server offers the reader.
pub fn ways(visit: &Visit) -> Ways {
    let offers = |way| check::offers(&visit.app, way, &visit.lang.code);
    Ways {
        picture: offers(Method::Picture),
        sound: offers(Method::Sound),
        question: offers(Method::Question),
        person: offers(Method::Person),
    }
}

struct Sheet<'a> {
    visit: &'a Visit,
    shell: Shell,
    status: StatusCode,
    draft: &'a Draft,
}

impl Sheet<'_> {
    fn render(&self, note: &str, errors: Vec<FieldError>) -> Result<HttpResponse, Fault> {
        let (app, draft) = (&self.visit.app, self.draft);
        let ways = ways(self.visit);
        // The number only keeps a browser from showing an older one again.
        let number = draft.check.number;
        let picture = format!("/signup/check/picture?n={number}");
        let length = usize::from(app.config.check.length);
        let asked = check::question(app, draft, &self.visit.lang.code);
        match draft.check.shown.unwrap_or(check::first(app)) {
            Method::Picture => self.put(&CheckPicture {
                picture,
                length,
                ways,
                others_first: other_ways_first(draft, &app.limits),
                errors,
            }),
            Method::Work => self.put(&CheckWork {
                challenge: check::work_challenge(app, draft),
                bits: check::BITS,
                picture,
                length,
                ways,
                errors,
            }),
            Method::Sound => self.put(&CheckSound {
                sound: format!("/signup/check/sound?n={number}"),
                ways,
                errors,
            }),
            Method::Question => self.put(&CheckQuestion {
                question: asked.map_or_else(String::new, |one| one.ask().to_owned()),
                language: asked.and_then(Question::language).map(str::to_owned),
                ways,
                errors,
            }),
            Method::Person => self.put(&CheckPerson {
                note: note.to_owned(),
                ways,
                errors,
            }),
        }
    }

    fn put<V: View>(&self, view: &V) -> Result<HttpResponse, Fault> {
        self.visit.page_with(self.status, &self.shell, view)
    }
}

/// GET: the picture of this browser's draft.
pub async fn picture(visit: Visit) -> Result<HttpResponse, Fault> {
    let draft = drawn(&visit).await?;
    let png = check::picture(&visit.app, &draft).await?;
    let png = png.ok_or(Fault::nothing())?;
    Ok(HttpResponse::Ok().content_type("image/png").body(png))
}

/// GET: the sound of this browser's draft.
pub async fn sound(visit: Visit, http: HttpRequest) -> Result<HttpResponse, Fault> {
    let draft = drawn(&visit).await?;
    let wav = check::sound(&visit.app, &draft, &visit.lang.code).await?;
    Ok(piece(&http, wav.ok_or(Fault::nothing())?))
}

async fn drawn(visit: &Visit) -> Result<Draft, Fault> {
    match crate::flow::signup::find(&visit.app, visit.draft.as_deref()).await? {
        Found::Open(wizard) if wizard.step == Step::Check => Ok(wizard.draft),
        _ => Err(Fault::nothing()),
    }
}

/// A sound, or the one range of it that was asked for: some browsers play nothing that cannot be
/// had in pieces (RFC 9110 14.2).
fn piece(http: &HttpRequest, wav: Vec<u8>) -> HttpResponse {
    let total = wav.len();
    let asked = http
        .headers()
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| range(value, total));
    let mut response = HttpResponse::Ok();
    response
        .content_type("audio/wav")
        .insert_header((header::ACCEPT_RANGES, "bytes"));
    let Some((first, last)) = asked else {
        return response.body(wav);
    };
    response.status(StatusCode::PARTIAL_CONTENT).insert_header((
        header::CONTENT_RANGE,
        format!("bytes {first}-{last}/{total}"),
    ));
    let part = wav.get(first..=last).unwrap_or_default().to_vec();
    response.body(part)
}

/// The first and last byte of `bytes=first-last`; nothing when it is no range of ours, which is
/// then answered whole (RFC 9110 14.2).
fn range(value: &str, total: usize) -> Option<(usize, usize)> {
    let (first, last) = value.trim().strip_prefix("bytes=")?.split_once('-')?;
    let end = total.checked_sub(1)?;
    let (first, last) = match (first, last) {
        ("", suffix) => (total.saturating_sub(suffix.parse().ok()?), end),
        (first, "") => (first.parse().ok()?, end),
        (first, last) => (first.parse().ok()?, last.parse::<usize>().ok()?.min(end)),
    };
    (first <= last && first <= end).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_served_and_anything_else_is_answered_whole() {
        for (value, bytes) in [
            ("bytes=0-1", Some((0, 1))),
            ("bytes=0-", Some((0, 99))),
            ("bytes=90-1000", Some((90, 99))),
            ("bytes=-10", Some((90, 99))),
            ("bytes=-1000", Some((0, 99))),
            ("bytes=100-", None),
            ("bytes=5-4", None),
            ("bytes=-0", None),
            ("bytes=0-1,3-4", None),
            ("bytes=", None),
            ("bytes=-", None),
            ("lines=0-1", None),
        ] {
            assert_eq!(range(value, 100), bytes, "{value}");
        }
        assert_eq!(range("bytes=0-", 0), None);
    }
}
