//! Doors over HTTP: the only actix-web. Every URL is in `routes`.

mod account;
mod agent;
mod asset;
pub mod cookie;
mod dev;
mod fault;
mod form;
mod guard;
mod health;
mod listen;
mod metrics;
mod oauth;
mod recover;
mod route;
mod signin;
mod signup;
mod terms;
mod token;
mod visit;

use actix_web::web;

pub use listen::{Server, Unbound, Unshown, bind, certificate};
use route::{act, act_or_send, ask, form, keep, look_after, read, send};

/// Every URL in one table: a page is read, a form is read and sent, programs send. Which of them
/// pages of other origins may ask stands in `oauth::cors`.
#[rustfmt::skip]
fn routes(to: &mut web::ServiceConfig, dev: bool) {
    // First what programs ask for again and again: the table is searched from its top.
    send(to, "/oauth2/par", oauth::pushed::push);
    send(to, "/oauth2/token", oauth::token::token);
    read(to, "/healthz", health::alive);
    read(to, "/readyz", health::ready);
    read(to, "/jwks.json", oauth::discovery::jwks);
    read(to, "/.well-known/openid-configuration", oauth::discovery::discovery);
    read(to, "/.well-known/oauth-authorization-server", oauth::discovery::discovery);
    send(to, "/oauth2/ciba", oauth::ciba::begin);
    send(to, "/oauth2/introspect", oauth::token::introspect);
    send(to, "/oauth2/revoke", oauth::token::revoke);
    ask(to, "/oauth2/userinfo", oauth::token::userinfo);
    keep(to, "/oauth2/grants/{id}", oauth::grant::show, oauth::grant::end);
    send(to, "/oauth2/register", oauth::register::create);
    look_after(to, "/oauth2/register/{id}", oauth::register::read, oauth::register::update, oauth::register::delete);
    read(to, "/services/{id}/jwks.json", oauth::discovery::service_jwks);
    read(to, "/services/{id}/status/{list}", oauth::status::list);
    read(to, "/services/{id}/current.{form}", oauth::discovery::current);
    // RFC 8414 3.1 and 5, OpenID Connect Discovery 4: verifiers look in one of these.
    read(to, "/services/{id}/.well-known/openid-configuration", oauth::discovery::service_issuer);
    read(to, "/services/{id}/.well-known/oauth-authorization-server", oauth::discovery::service_issuer);
    read(to, "/.well-known/openid-configuration/services/{id}", oauth::discovery::service_issuer);
    read(to, "/.well-known/oauth-authorization-server/services/{id}", oauth::discovery::service_issuer);
    read(to, "/.well-known/oauth-protected-resource/services/{id}", oauth::discovery::resource);
    form(to, "/services/{id}/userinfo", oauth::token::service_userinfo, oauth::token::service_userinfo);

    read(to, "/", asset::front);
    read(to, "/static/{path:.*}", asset::file);
    read(to, "/favicon.ico", asset::icon);
    read(to, "/robots.txt", asset::robots);
    read(to, "/cookies", asset::cookies);
    read(to, "/help", asset::help);
    read(to, "/terms", terms::list);
    read(to, "/terms/{document}/{version}", terms::show);

    form(to, "/signup", signup::profile::show, signup::profile::take);
    form(to, "/signup/check", signup::check::show, signup::check::take);
    read(to, "/signup/check/picture", signup::check::picture);
    read(to, "/signup/check/sound", signup::check::sound);
    form(to, "/signup/agree", signup::agree::show, signup::agree::take);
    form(to, "/signup/email", signup::email::show, signup::email::take);
    form(to, "/e/{id}", signup::link::look, signup::link::confirm);
    form(to, "/signup/name", signup::name::show, signup::name::take);
    read(to, "/signup/waiting", signup::waiting::show);
    form(to, "/signup/let-in/{link}", signup::link::look_let_in, signup::link::enter);
    form(to, "/signup/done", signup::ready::show, signup::ready::go_on);

    form(to, "/signin", signin::show, signin::submit);
    form(to, "/signout", signin::ask_out, signin::sign_out);
    form(to, "/confirm", signin::show_confirm, signin::confirm);
    form(to, "/forgot", recover::show, recover::ask);
    form(to, "/reset", recover::sent, recover::paste);
    read(to, "/reset/done", recover::done);
    form(to, "/reset/{secret}", recover::open, recover::renew);

    read(to, "/account", account::home);
    form(to, "/account/details", account::details, account::save_details);
    form(to, "/account/signing-in", account::signing_in, account::save_password);
    form(to, "/account/devices", account::devices, account::end_devices);
    form(to, "/account/apps", account::connected, account::remove_app);
    form(to, "/account/asked", oauth::ciba::list, oauth::ciba::enter);
    form(to, "/account/asked/allow", oauth::ciba::look, oauth::ciba::decide);
    read(to, "/account/log", account::log);
    read(to, "/account/agreements", account::agreements);

    form(to, "/device", oauth::device::show, oauth::device::enter);
    form(to, "/device/allow", oauth::device::look, oauth::device::decide);
    read(to, "/device/done", oauth::device::done);
    read(to, "/device/qr.svg", oauth::device::picture);
    send(to, "/oauth2/device", oauth::device::begin);
    act_or_send(to, "/oauth2/authorize", oauth::authorize::get, oauth::authorize::post);
    act(to, "/oauth2/authorize/{id}", oauth::authorize::decide);
    act_or_send(to, "/oauth2/logout", oauth::logout::get, oauth::logout::post);
    form(to, "/signin/choose", oauth::consent::choose, oauth::consent::chosen);
    form(to, "/signin/continue", oauth::consent::continue_as, oauth::consent::chosen);
    form(to, "/signin/terms", oauth::agree::agree, oauth::agree::agreed);
    form(to, "/consent", oauth::consent::consent, oauth::consent::consented);
    if dev {
        read(to, "/dev/mail", dev::mailbox);
        read(to, "/dev/mail/{id}", dev::letter);
    }
    to.default_service(web::route().to(asset::nothing));
}

/// Runs a story with the server's threads; [`bind`] is called inside.
pub fn run<F: Future>(story: F) -> F::Output {
    actix_web::rt::System::new().block_on(story)
}
