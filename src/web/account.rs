//! `/account` and the pages below it (UX 1.6). Where a browser holds several people, they show the
//! one last proved.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};

use super::fault::Fault;
use super::form::{Form, Posted};
use super::signin::{query, step};
use super::visit::Visit;
use crate::account::{Account, Session};
use crate::clock::Time;
use crate::flow::delivery::Delivery;
use crate::flow::settings::{self, Asked, Connected, Line, Place, Proved, Renewed};
use crate::keys::Purpose;
use crate::page::view::{
    self, Agreed, Agreements, Apps, Details, DeviceKind, Devices, Entry, Home, Log, SigningIn,
};
use crate::page::{self, FieldError, Shell};

const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
/// How many of each the first page shows.
const FEW: usize = 3;
/// Lines on one page of the log.
const LINES: i64 = 50;

/// The signed-in person, or the answer that leads to signing in.
macro_rules! member {
    ($visit:expr) => {
        match $visit.member().await? {
            Ok(member) => member,
            Err(elsewhere) => return Ok(elsewhere),
        }
    };
}

/// Leads to `/confirm` when the last proof is too old (SECURITY R41).
macro_rules! fresh {
    ($visit:expr, $session:expr, $place:expr) => {
        let within = $visit.app.config.signin.confirm_ttl;
        if !$session.fresh_proof(within, $visit.now) {
            return Ok($visit.see_other(concat!("/confirm?for=", $place)));
        }
    };
}

/// What was done, for the green strip of the next page. It is bound to the browser, so that nobody
/// can make a link that says "Your password is changed".
fn done(visit: &Visit, path: &str, notice: &str, app: &str) -> HttpResponse {
    let mark = mark(visit, notice, app);
    let about = if app.is_empty() {
        String::new()
    } else {
        format!("&app={}", crate::oauth::params::encode(app))
    };
    visit.see_other(&format!("{path}?done={notice}{about}&mark={mark}"))
}

fn mark(visit: &Visit, notice: &str, app: &str) -> String {
    let cookie = visit.cookie_or_new();
    let parts = ["done", cookie, notice, app].map(str::as_bytes);
    let mut mark = visit.app.keys.master().mac_text(Purpose::Form, &parts);
    mark.truncate(22);
    mark
}

/// A shell with who is signed in, and what was just done.
fn shell(http: &HttpRequest, visit: &Visit, account: &Account) -> Shell {
    let app = query(http, "app").unwrap_or_default();
    if let (Some(notice), Some(sent)) = (query(http, "done"), query(http, "mark"))
        && mark(visit, &notice, &app) == sent
    {
        visit.note(&format!("notice-{notice}"), &[("app", app)]);
    }
    visit.shell_of(account)
}

/// A browser or a messenger as the pages show it.
pub(super) fn place(visit: &Visit, place: Place) -> view::Session {
    view::Session {
        kind: if place.program {
            DeviceKind::Program
        } else {
            kind(&place.name)
        },
        name: if place.name.is_empty() {
            visit.app.page.text(&visit.lang, "device-unknown", &[])
        } else {
            visit.app.page.device(&visit.lang, &place.name)
        },
        id: place.id,
        place: place.network,
        first_at: place.first_at,
        last_at: place.last_at,
        this: place.this,
    }
}

fn kind(agent: &str) -> DeviceKind {
    if ["Android", "iPhone", "iPad"]
        .iter()
        .any(|one| agent.contains(one))
    {
        DeviceKind::Phone
    } else if agent == "curl" {
        DeviceKind::Program
    } else {
        DeviceKind::Computer
    }
}

async fn places(visit: &Visit, session: &Session) -> Result<Vec<view::Session>, Fault> {
    let (id, sid) = (&session.account_id, &session.sid);
    let places = settings::places(&visit.app, id, sid, visit.now).await?;
    Ok(places.into_iter().map(|one| place(visit, one)).collect())
}

async fn apps(visit: &Visit, account: &Account) -> Result<Vec<view::Connected>, Fault> {
    let servers = settings::servers(&visit.app).await?;
    let address = visit.app.address(&account.username);
    let days = visit.app.config.tokens.refresh_ttl.as_secs() / 86_400;
    let apps = settings::apps(&visit.app, &account.id, visit.now).await?;
    let show = |one: Connected| {
        let (can, _) = visit.app.page.abilities(
            &visit.lang,
            &page::Asked {
                scopes: &one.scopes,
                optional: &[],
                services: &servers,
                name: &account.name,
                address: &address,
                email: &account.email,
                days: u32::try_from(days).unwrap_or(0),
            },
        );
        view::Connected {
            id: one.client_id,
            name: one.name,
            host: one.host,
            since: one.since,
            can: can.into_iter().map(|ability| ability.text).collect(),
            start: one.start,
        }
    };
    Ok(apps.into_iter().map(show).collect())
}

/// A line in words. What a later version wrote is shown by its word.
fn entry(visit: &Visit, line: Line) -> Entry {
    let id = match line.kind.as_str() {
        "signup" => "log-signup",
        "signin" => "log-signin",
        "signin.new" => "log-signin-new",
        "signout" => "log-signout",
        "session.ended" => "log-session-ended",
        "session.many" => "log-session-many",
        "everywhere" => "log-everywhere",
        "signout.everywhere" => "log-operator-everywhere",
        "password" => "log-password",
        "reset.asked" => "log-reset-asked",
        "reset" => "log-reset",
        "email.asked" => "log-email-asked",
        "email" => "log-email",
        "name" => "log-name",
        "app.allowed" => "log-app-allowed",
        "app.joined" => "log-app-joined",
        "app.many" => "log-app-many",
        "app.removed" => "log-app-removed",
        "terms" => "log-terms",
        "account.made" => "log-made",
        "account.locked" => "log-locked",
        "account.unlocked" => "log-unlocked",
        "token.replayed" => "log-replayed",
        "confirmed" => "log-confirmed",
        "signin.failed" => "log-signin-failed",
        "confirm.wrong" => "log-confirm-wrong",
        _ => "",
    };
    let text = if id.is_empty() {
        line.kind
    } else {
        let args = [("app", line.app), ("title", line.title)];
        visit.app.page.text(&visit.lang, id, &args)
    };
    Entry {
        text,
        kind: kind(&line.device),
        device: visit.app.page.device(&visit.lang, &line.device),
        place: line.network,
        at: line.at,
    }
}

/// GET `/account`
pub async fn home(http: HttpRequest, visit: Visit) -> Result<HttpResponse, Fault> {
    let (session, account) = member!(visit);
    let mut view = Home {
        asked: super::oauth::ciba::rows(&visit, &account.id).await?,
        sessions: places(&visit, &session).await?,
        apps: apps(&visit, &account).await?,
        entries: settings::log(&visit.app, &account.id, None, 5)
            .await?
            .into_iter()
            .map(|line| entry(&visit, line))
            .collect(),
    };
    view.sessions.truncate(FEW);
    view.apps.truncate(FEW);
    visit.page(&shell(&http, &visit, &account), &view)
}

/// GET `/account/details`
pub async fn details(http: HttpRequest, visit: Visit) -> Result<HttpResponse, Fault> {
    let (_, account) = member!(visit);
    let typed = Typed {
        name: account.name.clone(),
        email: String::new(),
    };
    details_page(&http, &visit, &account, typed, Vec::new()).await
}

/// What stands in the fields of `/account/details`.
struct Typed {
    name: String,
    email: String,
}

async fn details_page(
    http: &HttpRequest,
    visit: &Visit,
    account: &Account,
    typed: Typed,
    errors: Vec<FieldError>,
) -> Result<HttpResponse, Fault> {
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        UNPROCESSABLE
    };
    let view = Details {
        name: typed.name,
        email: account.email.clone(),
        new_email: typed.email,
        pending: settings::pending(&visit.app, &account.id, visit.now)
            .await?
            .map(|(address, delivery)| pending(visit, address, delivery)),
        errors,
    };
    visit.page_with(status, &shell(http, visit, account), &view)
}

/// What became of the mail to a new address.
fn pending(visit: &Visit, address: String, delivery: Delivery) -> view::Pending {
    let minutes = visit.app.limits.code.as_secs() / 60;
    view::Pending {
        address,
        from: visit.app.config.mail.from.address.clone(),
        minutes: u32::try_from(minutes).unwrap_or(0),
        refused: delivery.refused,
        sending: delivery.sending,
        mail_down: delivery.down,
    }
}

/// POST `/account/details`
pub async fn save_details(http: HttpRequest, posted: Posted) -> Result<HttpResponse, Fault> {
    let (form, late) = posted.apart();
    let visit = &form.visit;
    let (session, account) = member!(visit);
    let (app, visitor, path) = (&visit.app, visit.visitor(), "/account/details");
    let mut typed = Typed {
        name: account.name.clone(),
        email: String::new(),
    };
    if let Some(late) = late {
        let old = late.old(visit)?;
        match form.text("save") {
            "name" => form.text("name").clone_into(&mut typed.name),
            _ => form.text("email").clone_into(&mut typed.email),
        }
        return details_page(&http, visit, &account, typed, vec![old]).await;
    }
    let error = |field, id, args: &[(&str, String)]| app.page.error(&visit.lang, field, id, args);
    let mistake = match form.text("save") {
        "name" => {
            form.text("name").clone_into(&mut typed.name);
            match settings::rename(app, &account, &typed.name, &visitor, visit.now).await? {
                Ok(()) => return Ok(done(visit, path, "name", "")),
                Err(code) => error("name", code.id(), &code.args()),
            }
        }
        "email" => {
            fresh!(visit, session, "details");
            form.text("email").clone_into(&mut typed.email);
            let asked =
                settings::ask_email(app, &account, &typed.email, &visitor, visit.now).await?;
            step(visit).await;
            match asked {
                // The page itself says what becomes of the mail.
                Asked::Sent => return Ok(visit.see_other(path)),
                Asked::Same => error("email", "email-same", &[]),
                Asked::Limited(wait) => {
                    error("email", "code-held-address", &[("span", visit.span(wait))])
                }
                Asked::Mistake(code) => error("email", code.id(), &code.args()),
            }
        }
        "code" => {
            fresh!(visit, session, "details");
            let whose = (&session, &account);
            let code = form.text("code");
            match settings::prove_email(app, whose, code, &visitor, visit.now).await? {
                Proved::Done => return Ok(done(visit, path, "email", "")),
                Proved::Gone => return Ok(visit.see_other(path)),
                Proved::Empty => error("code", "code-empty", &[]),
                Proved::Wrong => error("code", "code-wrong", &[]),
                Proved::Spent => error("code", "code-spent", &[]),
            }
        }
        _ => return Err(Fault::unreadable()),
    };
    details_page(&http, visit, &account, typed, vec![mistake]).await
}

/// GET `/account/signing-in`
pub async fn signing_in(http: HttpRequest, visit: Visit) -> Result<HttpResponse, Fault> {
    let (session, account) = member!(visit);
    // Before the new password is typed, not after.
    fresh!(visit, session, "signing-in");
    signing_in_page(&http, &visit, &account, StatusCode::OK, Vec::new())
}

fn signing_in_page(
    http: &HttpRequest,
    visit: &Visit,
    account: &Account,
    status: StatusCode,
    errors: Vec<FieldError>,
) -> Result<HttpResponse, Fault> {
    let view = SigningIn {
        password_at: account.password_at,
        min_length: visit.app.policy.password.min_length,
        errors,
    };
    visit.page_with(status, &shell(http, visit, account), &view)
}

/// POST `/account/signing-in`
pub async fn save_password(http: HttpRequest, form: Form) -> Result<HttpResponse, Fault> {
    let visit = &form.visit;
    let (session, account) = member!(visit);
    fresh!(visit, session, "signing-in");
    let (device, visitor) = (visit.device_or_new(), visit.visitor());
    let renewed = settings::renew(
        &visit.app,
        (&session, &account),
        form.text("password"),
        &device,
        &visitor,
        visit.now,
    );
    match renewed.await? {
        Renewed::Done => {
            tracing::info!(
                req = visit.reference,
                user = account.username,
                "password.changed"
            );
            Ok(done(visit, "/account/signing-in", "password", ""))
        }
        Renewed::Gone => Ok(visit.see_other("/account/signing-in")),
        Renewed::Mistake(code) => {
            let page = &visit.app.page;
            let error = page.error(&visit.lang, "password", code.id(), &code.args());
            signing_in_page(&http, visit, &account, UNPROCESSABLE, vec![error])
        }
    }
}

/// GET `/account/devices`
pub async fn devices(http: HttpRequest, visit: Visit) -> Result<HttpResponse, Fault> {
    let (session, account) = member!(visit);
    let view = Devices {
        sessions: places(&visit, &session).await?,
    };
    visit.page(&shell(&http, &visit, &account), &view)
}

/// POST `/account/devices`
pub async fn end_devices(form: Form) -> Result<HttpResponse, Fault> {
    let visit = &form.visit;
    let (session, account) = member!(visit);
    fresh!(visit, session, "devices");
    let (visitor, path) = (visit.visitor(), "/account/devices");
    if form.has("everywhere") {
        settings::end_others(&visit.app, &session, &visitor, visit.now).await?;
        return Ok(done(visit, path, "everywhere", ""));
    }
    let id = form.text("session");
    let ended = settings::end_place(&visit.app, &account.id, id, &visitor, visit.now).await?;
    Ok(if ended {
        done(visit, path, "session", "")
    } else {
        visit.see_other(path)
    })
}

/// GET `/account/apps`
pub async fn connected(http: HttpRequest, visit: Visit) -> Result<HttpResponse, Fault> {
    let (_, account) = member!(visit);
    let life = visit.app.config.tokens.access_ttl.as_secs().div_ceil(60);
    let view = Apps {
        apps: apps(&visit, &account).await?,
        minutes: u32::try_from(life).unwrap_or(0),
    };
    visit.page(&shell(&http, &visit, &account), &view)
}

/// POST `/account/apps`
pub async fn remove_app(form: Form) -> Result<HttpResponse, Fault> {
    let visit = &form.visit;
    let (_, account) = member!(visit);
    let client = form.text("client");
    let visitor = visit.visitor();
    let removed =
        settings::remove_app(&visit.app, &account.id, client, &visitor, visit.now).await?;
    Ok(match removed {
        Some(name) => done(visit, "/account/apps", "app", &name),
        None => visit.see_other("/account/apps"),
    })
}

/// GET `/account/log`
pub async fn log(http: HttpRequest, visit: Visit) -> Result<HttpResponse, Fault> {
    let (_, account) = member!(visit);
    let before = query(&http, "before")
        .and_then(|at| at.parse().ok())
        .map(Time::from_millis);
    let lines = settings::log(&visit.app, &account.id, before, LINES).await?;
    let full = i64::try_from(lines.len()).is_ok_and(|count| count == LINES);
    let last = lines.last().map(|line| line.at.millis());
    let days = visit.app.config.privacy.security_log_ttl.as_secs() / 86_400;
    let view = Log {
        older: last
            .filter(|_| full)
            .map(|at| format!("/account/log?before={at}")),
        entries: lines.into_iter().map(|line| entry(&visit, line)).collect(),
        days: u32::try_from(days).unwrap_or(0),
    };
    visit.page(&shell(&http, &visit, &account), &view)
}

/// GET `/account/agreements`
pub async fn agreements(http: HttpRequest, visit: Visit) -> Result<HttpResponse, Fault> {
    let (_, account) = member!(visit);
    let accepted = settings::agreements(&visit.app, &account.id).await?;
    let view = Agreements {
        agreements: accepted
            .into_iter()
            .map(|(one, title)| Agreed {
                document: one.document,
                version: one.version.to_string(),
                title,
                accepted_at: one.accepted_at,
                speaks: visit
                    .app
                    .page
                    .language(&one.language)
                    .map_or_else(|| one.language.clone(), |lang| lang.name.clone()),
                language: one.language,
                sha256: one.sha256,
            })
            .collect(),
    };
    visit.page(&shell(&http, &visit, &account), &view)
}
