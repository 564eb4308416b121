//! Static files, and the few pages that say the same to everyone.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, CacheControl, CacheDirective};
use actix_web::{HttpRequest, HttpResponse, web};

use super::fault::Fault;
use super::signup;
use super::visit::Visit;
use crate::app::App;
use crate::config::{CheckKind, SignupMode};
use crate::page::view::{Cookies, Help, Ways};

/// `/`: the account of who is signed in, else the sign-in page.
pub async fn front(visit: Visit) -> HttpResponse {
    visit.see_other("/account")
}

/// `/static/…`: embedded, or from the operator's folder. The page asks by `?v=` and a digest, so
/// what is asked for that way never changes.
pub async fn file(
    request: HttpRequest,
    path: web::Path<String>,
    app: web::Data<App>,
) -> Result<HttpResponse, Fault> {
    let Some(asset) = app.page.asset(&path) else {
        return Err(Fault::nothing());
    };
    let tag = format!("\"{}\"", asset.etag.trim_matches('"'));
    let fresh = request
        .headers()
        .get(header::IF_NONE_MATCH)
        .is_some_and(|had| had == tag.as_str());
    let mut response = HttpResponse::build(if fresh {
        StatusCode::NOT_MODIFIED
    } else {
        StatusCode::OK
    });
    response.insert_header((header::ETAG, tag));
    response.insert_header(if request.query_string().is_empty() {
        CacheControl(vec![CacheDirective::Public, CacheDirective::MaxAge(300)])
    } else {
        CacheControl(vec![
            CacheDirective::Public,
            CacheDirective::MaxAge(31_536_000),
            CacheDirective::Extension("immutable".into(), None),
        ])
    });
    if fresh {
        return Ok(response.finish());
    }
    Ok(response
        .content_type(asset.content_type)
        .body(asset.bytes.into_owned()))
}

/// `/favicon.ico`
pub async fn icon() -> HttpResponse {
    HttpResponse::MovedPermanently()
        .insert_header((header::LOCATION, "/static/logo.svg"))
        .finish()
}

/// `/robots.txt`: nothing here is for search engines.
pub async fn robots() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("User-agent: *\nDisallow: /\n")
}

/// `/cookies`
pub async fn cookies(visit: Visit) -> Result<HttpResponse, Fault> {
    let config = &visit.app.config;
    let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let view = Cookies {
        prefix: if config.secure() {
            "__Host-".to_owned()
        } else {
            String::new()
        },
        days: narrow(config.signin.keep_ttl.as_secs() / 86_400),
        hours: narrow(config.signup.draft_ttl.as_secs() / 3600),
        waiting: narrow(visit.waiting().as_secs() / 86_400),
    };
    visit.page(&visit.shell(), &view)
}

/// `/help`
pub async fn help(visit: Visit) -> Result<HttpResponse, Fault> {
    let check = &visit.app.config.check;
    let view = Help {
        signup: visit.app.config.signup.mode != SignupMode::Closed,
        work: check.kind == CheckKind::Work,
        ways: match check.kind {
            CheckKind::Off => Ways::default(),
            _ => signup::check::ways(&visit),
        },
    };
    visit.page(&visit.shell(), &view)
}

/// Everything that is not in the table.
pub async fn nothing() -> Result<HttpResponse, Fault> {
    Err(Fault::nothing())
}
