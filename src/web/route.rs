//! The kinds of address in the table of URLs. Each answers the methods it has, and says which
//! those are to any other (RFC 9110 15.5.6).

use actix_web::dev::Handler;
use actix_web::guard::{Any, Get, Head, Options};
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpResponse, Resource, Responder, ResponseError as _, Route, web};

use super::fault::Fault;
use super::guard::preflight;
use crate::oauth::cors;

/// What answers at an address: a function of ours, by what it takes from the request.
pub trait Answer<A>: Handler<A, Output: Responder + 'static> {}
impl<A, H: Handler<A, Output: Responder + 'static>> Answer<A> for H {}

/// What such a function takes from the request.
pub trait Taken: FromRequest + 'static {}
impl<A: FromRequest + 'static> Taken for A {}

/// A page or document: GET, and HEAD with it (RFC 9110 9.3.2).
pub fn read<A: Taken>(to: &mut web::ServiceConfig, path: &str, show: impl Answer<A>) {
    to.service(at(path, "GET, HEAD").route(get().to(show)));
}

/// A form: read, and sent.
pub fn form<A: Taken, B: Taken>(
    to: &mut web::ServiceConfig,
    path: &str,
    show: impl Answer<A>,
    take: impl Answer<B>,
) {
    let both = at(path, "GET, HEAD, POST").route(get().to(show));
    to.service(both.route(web::post().to(take)));
}

/// A page where a look already does something: GET without HEAD (RFC 9110 9.2.1), so that whoever
/// asks only for a head, as scanners of links do, spends nothing.
pub fn act<A: Taken>(to: &mut web::ServiceConfig, path: &str, show: impl Answer<A>) {
    to.service(at(path, "GET").route(web::get().to(show)));
}

/// As [`act`], and sent.
pub fn act_or_send<A: Taken, B: Taken>(
    to: &mut web::ServiceConfig,
    path: &str,
    show: impl Answer<A>,
    take: impl Answer<B>,
) {
    let both = at(path, "GET, POST").route(web::get().to(show));
    to.service(both.route(web::post().to(take)));
}

/// Where programs send.
pub fn send<A: Taken>(to: &mut web::ServiceConfig, path: &str, take: impl Answer<A>) {
    to.service(at(path, "POST").route(web::post().to(take)));
}

/// Where programs read or send as they like.
pub fn ask<A: Taken>(to: &mut web::ServiceConfig, path: &str, answer: impl Answer<A>) {
    form(to, path, answer.clone(), answer);
}

/// What programs look after here: read, replaced, removed.
pub fn look_after<A: Taken, B: Taken, C: Taken>(
    to: &mut web::ServiceConfig,
    path: &str,
    show: impl Answer<A>,
    replace: impl Answer<B>,
    remove: impl Answer<C>,
) {
    let all = at(path, "GET, HEAD, PUT, DELETE").route(get().to(show));
    let all = all.route(web::put().to(replace));
    to.service(all.route(web::delete().to(remove)));
}

/// What programs keep here: read and removed.
pub fn keep<A: Taken, B: Taken>(
    to: &mut web::ServiceConfig,
    path: &str,
    show: impl Answer<A>,
    remove: impl Answer<B>,
) {
    let both = at(path, "GET, HEAD, DELETE").route(get().to(show));
    to.service(both.route(web::delete().to(remove)));
}

/// An address with the methods that it takes; where pages of other origins may ask, they may also
/// ask before they send.
fn at(path: &str, methods: &'static str) -> Resource {
    let open = cors::is_open(path);
    let wrong = move || async move {
        let mut response: HttpResponse =
            Fault::Page(StatusCode::METHOD_NOT_ALLOWED, "method").error_response();
        let more = if open { ", OPTIONS" } else { "" };
        if let Ok(allow) = header::HeaderValue::from_str(&format!("{methods}{more}")) {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        response
    };
    let here = web::resource(path).default_service(web::route().to(wrong));
    if !open {
        return here;
    }
    let preflight = move || async move { preflight(methods) };
    here.route(web::route().guard(Options()).to(preflight))
}

fn get() -> Route {
    web::route().guard(Any(Get()).or(Head()))
}
