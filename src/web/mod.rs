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
mod metrics;
mod oauth;
mod recover;
mod signin;
mod signup;
mod terms;
mod token;
mod visit;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::guard::{Any, Get, Head, Options};
use actix_web::middleware::from_fn;
use actix_web::{App as Http, HttpServer, Route, web};

use crate::app::App;
use metrics::Metrics;

/// Every URL in one table.
fn routes(config: &mut web::ServiceConfig, dev: bool) {
    config
        .route("/", get().to(asset::front))
        .route("/static/{path:.*}", get().to(asset::file))
        .route("/favicon.ico", get().to(asset::icon))
        .route("/robots.txt", get().to(asset::robots))
        .route("/cookies", get().to(asset::cookies))
        .route("/help", get().to(asset::help))
        .route("/terms", get().to(terms::list))
        .route("/terms/{document}/{version}", get().to(terms::show))
        .route("/signup", get().to(signup::profile::show))
        .route("/signup", web::post().to(signup::profile::take))
        .route("/signup/check", get().to(signup::check::show))
        .route("/signup/check", web::post().to(signup::check::take))
        .route("/signup/check/picture", get().to(signup::check::picture))
        .route("/signup/check/sound", get().to(signup::check::sound))
        .route("/signup/agree", get().to(signup::agree::show))
        .route("/signup/agree", web::post().to(signup::agree::take))
        .route("/signup/email", get().to(signup::email::show))
        .route("/signup/email", web::post().to(signup::email::take))
        .route("/e/{id}", get().to(signup::link::look))
        .route("/e/{id}", web::post().to(signup::link::confirm))
        .route("/signup/name", get().to(signup::name::show))
        .route("/signup/name", web::post().to(signup::name::take))
        .route("/signup/waiting", get().to(signup::waiting::show))
        .route("/signup/let-in/{link}", get().to(signup::link::look_let_in))
        .route("/signup/let-in/{link}", web::post().to(signup::link::enter))
        .route("/signup/done", get().to(signup::ready::show))
        .route("/signup/done", web::post().to(signup::ready::go_on))
        .route("/signin", get().to(signin::show))
        .route("/signin", web::post().to(signin::submit))
        .route("/signout", get().to(signin::ask_out))
        .route("/signout", web::post().to(signin::sign_out))
        .route("/confirm", get().to(signin::show_confirm))
        .route("/confirm", web::post().to(signin::confirm))
        .route("/forgot", get().to(recover::show))
        .route("/forgot", web::post().to(recover::ask))
        .route("/reset", get().to(recover::sent))
        .route("/reset", web::post().to(recover::paste))
        .route("/reset/done", get().to(recover::done))
        .route("/reset/{secret}", get().to(recover::open))
        .route("/reset/{secret}", web::post().to(recover::renew))
        .route("/account", get().to(account::home))
        .route("/account/details", get().to(account::details))
        .route("/account/details", web::post().to(account::save_details))
        .route("/account/signing-in", get().to(account::signing_in))
        .route(
            "/account/signing-in",
            web::post().to(account::save_password),
        )
        .route("/account/devices", get().to(account::devices))
        .route("/account/devices", web::post().to(account::end_devices))
        .route("/account/apps", get().to(account::connected))
        .route("/account/apps", web::post().to(account::remove_app))
        .route("/account/log", get().to(account::log))
        .route("/account/agreements", get().to(account::agreements))
        .route("/healthz", get().to(health::alive))
        .route("/readyz", get().to(health::ready));
    let programs = || web::route().guard(Options());
    config
        .route("/jwks.json", get().to(oauth::discovery::jwks))
        .route(
            "/.well-known/openid-configuration",
            get().to(oauth::discovery::discovery),
        )
        .route(
            "/.well-known/oauth-authorization-server",
            get().to(oauth::discovery::discovery),
        )
        .route(
            "/services/{id}/jwks.json",
            get().to(oauth::discovery::service_jwks),
        )
        .route(
            "/services/{id}/current.{form}",
            get().to(oauth::discovery::current),
        )
        .route(
            "/services/{id}/userinfo",
            get().to(oauth::token::service_userinfo),
        )
        .route(
            "/services/{id}/userinfo",
            web::post().to(oauth::token::service_userinfo),
        )
        .route("/oauth2/authorize", web::get().to(oauth::authorize::get))
        .route("/oauth2/authorize", web::post().to(oauth::authorize::post))
        .route(
            "/oauth2/authorize/{id}",
            web::get().to(oauth::authorize::decide),
        )
        .route("/oauth2/token", web::post().to(oauth::token::token))
        .route("/oauth2/token", programs().to(guard::preflight))
        .route(
            "/oauth2/introspect",
            web::post().to(oauth::token::introspect),
        )
        .route("/oauth2/revoke", web::post().to(oauth::token::revoke))
        .route("/oauth2/revoke", programs().to(guard::preflight))
        .route("/oauth2/userinfo", get().to(oauth::token::userinfo))
        .route("/oauth2/userinfo", web::post().to(oauth::token::userinfo))
        .route("/oauth2/userinfo", programs().to(guard::preflight))
        .route("/oauth2/logout", web::get().to(oauth::logout::get))
        .route("/oauth2/logout", web::post().to(oauth::logout::post))
        .route("/signin/choose", get().to(oauth::consent::choose))
        .route("/signin/choose", web::post().to(oauth::consent::chosen))
        .route("/signin/continue", get().to(oauth::consent::continue_as))
        .route("/signin/continue", web::post().to(oauth::consent::chosen))
        .route("/signin/terms", get().to(oauth::agree::agree))
        .route("/signin/terms", web::post().to(oauth::agree::agreed))
        .route("/consent", get().to(oauth::consent::consent))
        .route("/consent", web::post().to(oauth::consent::consented));
    if dev {
        config
            .route("/dev/mail", get().to(dev::mailbox))
            .route("/dev/mail/{id}", get().to(dev::letter));
    }
    config.default_service(web::route().to(asset::nothing));
}

/// GET, and HEAD with it (RFC 9110 9.3.2).
fn get() -> Route {
    web::route().guard(Any(Get()).or(Head()))
}

/// A listening server.
pub struct Server {
    /// The address it is heard on.
    pub address: SocketAddr,
    /// Stops it.
    pub handle: ServerHandle,
    /// Runs it.
    pub run: actix_web::dev::Server,
}

/// Time for a request's head to arrive, and for an idle connection to be closed.
const HEAD: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_secs(75);
/// Time that a graceful stop leaves to requests under way, in seconds.
const STOP: u64 = 10;

/// Binds the pages and the protocol.
///
/// # Errors
/// When the address cannot be had or the certificate cannot be read.
pub fn bind(app: Arc<App>) -> anyhow::Result<Server> {
    let metrics = web::Data::new(Metrics::new()?);
    let data = web::Data::from(app.clone());
    let dev = app.config.dev;
    let mut server = {
        let (data, metrics) = (data.clone(), metrics.clone());
        HttpServer::new(move || {
            Http::new()
                .app_data(data.clone())
                .app_data(metrics.clone())
                .configure(|config| routes(config, dev))
                .wrap(from_fn(guard::guard))
        })
    }
    .workers(match app.config.listen.workers {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        set => set,
    })
    .client_request_timeout(HEAD)
    .keep_alive(IDLE)
    .shutdown_timeout(STOP)
    .disable_signals();
    let address = app.config.listen.address;
    server = match &app.config.listen.tls {
        Some(tls) => server.bind_rustls_0_23(address, certificate(tls)?)?,
        None => server.bind(address)?,
    };
    let address = server.addrs().first().copied().unwrap_or(address);
    if let Some(at) = app.config.listen.metrics {
        let own = HttpServer::new(move || {
            Http::new()
                .app_data(data.clone())
                .app_data(metrics.clone())
                .route("/metrics", get().to(metrics::show))
        })
        .workers(1)
        .disable_signals()
        .bind(at)?
        .run();
        actix_web::rt::spawn(own);
    }
    let run = server.run();
    Ok(Server {
        address,
        handle: run.handle(),
        run,
    })
}

fn certificate(tls: &crate::config::Tls) -> anyhow::Result<rustls::ServerConfig> {
    use anyhow::Context as _;
    use rustls_pki_types::pem::PemObject as _;
    use rustls_pki_types::{CertificateDer, PrivateKeyDer};
    let chain = CertificateDer::pem_file_iter(&tls.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("{} holds no certificate in PEM", tls.cert.display()))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .with_context(|| format!("{} holds no private key in PEM", tls.key.display()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?)
}
