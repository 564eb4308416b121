//! Doors over HTTP: the only actix-web. Every URL is in [`routes`].

mod account;
mod agent;
mod asset;
mod cookie;
mod dev;
mod fault;
mod form;
mod guard;
mod health;
mod metrics;
mod recover;
mod signin;
mod token;
mod visit;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::guard::{Any, Get, Head};
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
