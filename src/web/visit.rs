//! One visit: who asks, from where, in which language; and the answers that a page can give.

use std::cell::{Cell, RefCell};
use std::future::{Ready, ready};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse, web};

use super::cookie::Jar;
use super::fault::Fault;
use super::guard::Passed;
use super::{agent, token};
use crate::account::Account;
use crate::account::Session;
use crate::app::App;
use crate::clock::Time;
use crate::flow::Visitor;
use crate::flow::browser::{self, Here};
use crate::flow::terms;
use crate::page::{Lang, Member, Person, Shell, View};
use crate::rng::digest;

/// One request for a page.
pub struct Visit {
    /// The house.
    pub app: Arc<App>,
    /// When it came.
    pub now: Time,
    /// The language.
    pub lang: Lang,
    /// The network address of the person.
    pub address: IpAddr,
    /// The request's number, in the log and on error pages.
    pub reference: String,
    /// The cookie of the draft.
    pub draft: Option<String>,
    /// The cookie of known devices.
    device: Option<String>,
    /// The cookie of the browser record; drawn when it came without.
    cookie: String,
    came_with_cookie: bool,
    has_language: bool,
    lasting: Cell<bool>,
    reads: bool,
    agent: String,
    set: RefCell<Vec<actix_web::cookie::Cookie<'static>>>,
    notice: RefCell<Option<String>>,
}

impl FromRequest for Visit {
    type Error = Fault;
    type Future = Ready<Result<Self, Fault>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(of(request))
    }
}

/// The visit behind a request, which must have passed the guard.
///
/// # Errors
/// Only when the server was put together wrongly.
pub fn of(request: &HttpRequest) -> Result<Visit, Fault> {
    let app = request
        .app_data::<web::Data<App>>()
        .ok_or_else(|| Fault::Broken("the app is missing".into()))?
        .clone()
        .into_inner();
    let passed = request.extensions().get::<Passed>().cloned();
    let passed = passed.ok_or_else(|| Fault::Broken("the guard was passed by".into()))?;
    let secure = app.config.secure();
    let cookie = Jar::Browser.read(request, secure);
    let mut set = Vec::new();
    let asked = language_asked(request.query_string());
    let chosen = Jar::Language.read(request, secure);
    let accepts = request
        .headers()
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    let lang = app.page.pick(asked.as_deref(), chosen.as_deref(), accepts);
    if asked.is_some_and(|asked| asked == lang.code) && chosen.as_ref() != Some(&lang.code) {
        set.push(Jar::Language.set(&lang.code, &app.config, true));
    }
    Ok(Visit {
        now: app.clock.now(),
        lang,
        address: passed.address,
        reference: passed.reference,
        draft: Jar::Draft.read(request, secure),
        device: Jar::Device.read(request, secure),
        came_with_cookie: cookie.is_some(),
        has_language: chosen.is_some(),
        cookie: cookie.unwrap_or_else(|| app.rng.secret().reveal()),
        lasting: Cell::new(false),
        reads: request.method().is_safe(),
        agent: agent::describe(request),
        set: RefCell::new(set),
        notice: RefCell::new(None),
        app,
    })
}

impl Visit {
    /// Who asks, for the stories.
    pub fn visitor(&self) -> Visitor {
        Visitor {
            address: self.address,
            agent: self.agent.clone(),
            language: self.lang.code.clone(),
        }
    }

    /// The browser cookie's value, if the request came with one.
    pub fn cookie(&self) -> Option<&str> {
        self.came_with_cookie.then_some(self.cookie.as_str())
    }

    /// The value to which page tokens are bound: the browser's cookie, sent now if it had none.
    pub fn cookie_or_new(&self) -> &str {
        &self.cookie
    }

    /// The known-device cookie's value, if the request came with one.
    pub fn device(&self) -> Option<&str> {
        self.device.as_deref()
    }

    /// The known-device cookie's value, drawn and sent if the request came without.
    pub fn device_or_new(&self) -> String {
        let value = self
            .device
            .clone()
            .unwrap_or_else(|| self.app.rng.secret().reveal());
        self.set(Jar::Device, &value, true);
        value
    }

    /// Sets a cookie with the answer.
    pub fn set(&self, jar: Jar, value: &str, lasting: bool) {
        let cookie = jar.set(value, &self.app.config, lasting);
        self.set.borrow_mut().push(cookie);
    }

    /// Keeps the draft's cookie as long as a draft that waits for the operator, and a day.
    pub fn keep_draft(&self) {
        if let Some(value) = &self.draft {
            let cookie = Jar::Draft.keep(value, self.app.config.secure(), self.waiting());
            self.set.borrow_mut().push(cookie);
        }
    }

    /// How long the cookie of a draft is kept that waits for the operator.
    pub fn waiting(&self) -> Duration {
        self.app.limits.waiting + Duration::from_secs(86_400)
    }

    /// Keeps the language that an app asks for (OpenID Connect Core 3.1.2.1, `ui_locales`) until the
    /// browser is closed, unless the person chose one.
    pub fn speak(&self, ui_locales: Option<&str>) {
        let asked = ui_locales.unwrap_or_default().split_whitespace();
        if self.has_language {
            return;
        }
        if let Some(lang) = asked.take(32).find_map(|tag| self.app.page.language(tag)) {
            self.set(Jar::Language, &lang.code, false);
        }
    }

    /// Takes a cookie away with the answer.
    pub fn clear(&self, jar: Jar) {
        let cookie = jar.clear(self.app.config.secure());
        self.set.borrow_mut().push(cookie);
    }

    /// Gives the browser its new cookie value after a sign-in.
    pub fn signed_in(&self, cookie: &crate::rng::Secret, keep: bool) {
        self.lasting.set(true);
        self.set(Jar::Browser, &cookie.reveal(), keep);
    }

    /// Who is signed in in this browser.
    pub async fn here(&self) -> Result<Here, Fault> {
        Ok(browser::find(&self.app, self.cookie()).await?)
    }

    /// The signed-in person, or the page that comes first: to sign in, or to accept what may wait
    /// no longer.
    pub async fn member(&self) -> Result<Result<(Session, Account), HttpResponse>, Fault> {
        let here = self.here().await?;
        let Some(one) = here.first() else {
            return Ok(Err(self.see_other("/signin")));
        };
        let due = terms::due(&self.app, &one.1.id, &self.lang.code).await?;
        Ok(if due.must.is_empty() {
            Ok(one.clone())
        } else {
            Err(self.see_other("/signin/terms"))
        })
    }

    /// A span in words, rounded up.
    pub fn span(&self, span: Duration) -> String {
        let minutes = span.as_secs().div_ceil(60).max(1);
        let (id, count) = match minutes {
            120.. => ("span-hours", minutes.div_ceil(60)),
            _ => ("span-minutes", minutes),
        };
        let args = [("count", count.to_string())];
        self.app.page.text(&self.lang, id, &args)
    }

    /// A green strip on the page that this visit renders.
    pub fn note(&self, id: &str, args: &[(&str, String)]) {
        *self.notice.borrow_mut() = Some(self.app.page.text(&self.lang, id, args));
    }

    /// A shell for this visit: server, language, page token.
    pub fn shell(&self) -> Shell {
        let config = &self.app.config;
        let mut shell = self.app.page.shell(&self.lang, &config.name);
        shell.contact = config.contact.clone().unwrap_or_default();
        shell.reference.clone_from(&self.reference);
        shell.form = token::make(self.app.keys.master(), &digest(&self.cookie), self.now);
        shell.notice.clone_from(&self.notice.borrow());
        shell
    }

    /// A shell that shows who is signed in.
    pub fn shell_of(&self, account: &Account) -> Shell {
        Shell {
            account: Some(Member {
                person: self.person(account),
                since: account.created_at,
            }),
            ..self.shell()
        }
    }

    /// A person as pages show them.
    pub fn person(&self, account: &Account) -> Person {
        Person {
            name: account.name.clone(),
            username: account.username.clone(),
            address: self.app.address(&account.username),
        }
    }

    /// A page, 200.
    pub fn page<V: View>(&self, shell: &Shell, view: &V) -> Result<HttpResponse, Fault> {
        self.page_with(StatusCode::OK, shell, view)
    }

    /// A page with another status: 422 where a form has mistakes.
    pub fn page_with<V: View>(
        &self,
        status: StatusCode,
        shell: &Shell,
        view: &V,
    ) -> Result<HttpResponse, Fault> {
        let html = self.app.page.page(shell, view)?;
        // Never with the answer to a POST: one from another site comes without the cookie that
        // the browser holds, and a new one would take its place (SameSite=Lax).
        if self.reads && !self.came_with_cookie && !self.lasting.get() {
            self.set(Jar::Browser, &self.cookie, false);
        }
        let mut response = HttpResponse::build(status);
        response.content_type("text/html; charset=utf-8");
        self.with_cookies(&mut response);
        Ok(response.body(html))
    }

    /// A known error as a page.
    pub fn fault(
        &self,
        status: StatusCode,
        name: &str,
        wait_seconds: u64,
    ) -> Result<HttpResponse, Fault> {
        let args = [("seconds", wait_seconds.to_string())];
        let view = self
            .app
            .page
            .fault(&self.lang, status.as_u16(), name, &args);
        self.page_with(status, &self.shell(), &view)
    }

    /// 303 to a path of ours: after a POST, and on every detour. Credentials never ride a 307
    /// (RFC 9700 4.12).
    pub fn see_other(&self, path: &str) -> HttpResponse {
        let mut response = HttpResponse::SeeOther();
        response.insert_header((header::LOCATION, path));
        self.with_cookies(&mut response);
        response.finish()
    }

    /// Adds this visit's cookies to an answer.
    pub fn with_cookies(&self, response: &mut actix_web::HttpResponseBuilder) {
        for cookie in self.set.borrow_mut().drain(..) {
            response.cookie(cookie);
        }
    }
}

/// `?lang=de` of any page, or `ui_locales` of an authorization request.
fn language_asked(query: &str) -> Option<String> {
    let params = crate::oauth::params::Params::parse(query.as_bytes()).ok()?;
    params.owned("lang").or_else(|| params.owned("ui_locales"))
}
