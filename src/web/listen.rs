//! The addresses at which the server is heard, and their TLS.

use std::any::Any;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::{Extensions, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::{App as Http, HttpServer, web};
use rustls_pki_types::pem::{self, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::metrics::{self, Metrics};
use super::{guard, routes};
use crate::app::App;
use crate::config::Tls;
use crate::keys::certificate::Anyone;
use crate::oauth::certificate::bounded;

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
/// Handshakes at the same time, for each worker: as many as connections. A worker that has no place
/// for one more takes no connection at all, not even at another address, and one over which nothing
/// is said costs no more during the handshake than after it.
const HANDSHAKES: usize = 25_600;
/// Time for a handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Time that a graceful stop leaves to requests under way, in seconds.
const STOP: u64 = 10;

/// An address that is not to be had.
#[derive(Debug, thiserror::Error)]
#[error("{key} = {address}: {}", self.why())]
pub struct Unbound {
    /// The key of the configuration.
    pub key: &'static str,
    /// What it says.
    pub address: SocketAddr,
    /// What the system said.
    pub error: std::io::Error,
}

impl Unbound {
    /// Why not, in words.
    pub fn why(&self) -> String {
        use std::io::ErrorKind;
        match self.error.kind() {
            ErrorKind::AddrInUse => "another program is using this port".into(),
            ErrorKind::AddrNotAvailable => "this machine has no such address".into(),
            ErrorKind::PermissionDenied => "this user may not listen on this port".into(),
            _ => self.error.to_string(),
        }
    }
}

/// Why our certificate cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum Unshown {
    /// The file of the chain.
    #[error("{0}")]
    Cert(String),
    /// The file of the key.
    #[error("{0}")]
    Key(String),
    /// Each by itself is good.
    #[error("{0}")]
    Pair(String),
}

/// Whether the files of a certificate and its key can be used, and belong together.
///
/// # Errors
/// [`Unshown`].
pub fn certificate(tls: &Tls) -> Result<(), Unshown> {
    encrypted(tls, false).map(drop)
}

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
                .configure(|to| routes(to, dev))
                .wrap(from_fn(guard::guard))
        })
    }
    .workers(match app.config.listen.workers {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        set => set,
    })
    .max_connections(HANDSHAKES)
    .max_connection_rate(HANDSHAKES)
    .tls_handshake_timeout(HANDSHAKE)
    .client_request_timeout(HEAD)
    .keep_alive(IDLE)
    .shutdown_timeout(STOP)
    .disable_signals();
    let listen = &app.config.listen;
    let address = listen.address;
    let unbound = |key, address| {
        move |error| Unbound {
            key,
            address,
            error,
        }
    };
    server = match &listen.tls {
        Some(tls) => server.bind_rustls_0_23(address, encrypted(tls, false)?),
        None => server.bind(address),
    }
    .map_err(unbound("listen.address", address))?;
    let address = server.addrs().first().copied().unwrap_or(address);
    let door = app.config.mtls.as_ref().and_then(|mtls| mtls.door.as_ref());
    if let (Some(door), Some(tls)) = (door, &listen.tls) {
        server = server
            .on_connect(look)
            .bind_rustls_0_23(door.address, encrypted(tls, true)?)
            .map_err(unbound("mtls.listen", door.address))?;
    }
    if let Some(at) = app.config.listen.metrics {
        let own = HttpServer::new(move || {
            Http::new()
                .app_data(data.clone())
                .app_data(metrics.clone())
                .route("/metrics", web::get().to(metrics::show))
        })
        .workers(1)
        .disable_signals()
        .bind(at)
        .map_err(unbound("listen.metrics", at))?
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

/// What a connection at the door for apps showed; connections elsewhere have none of this.
pub(super) struct Shown(pub Option<Vec<u8>>);

/// Keeps the certificate of a connection for its requests.
fn look(connection: &dyn Any, kept: &mut Extensions) {
    let stream = connection.downcast_ref::<TlsStream<TcpStream>>();
    let chain = stream.and_then(|stream| stream.get_ref().1.peer_certificates());
    let first = chain.and_then(<[_]>::first);
    kept.insert(Shown(first.and_then(|der| bounded(der.to_vec()))));
}

/// The TLS of an address: our certificate, and whether callers are asked for theirs.
fn encrypted(tls: &Tls, asking: bool) -> Result<rustls::ServerConfig, Unshown> {
    let chain = CertificateDer::pem_file_iter(&tls.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| Unshown::Cert(unread(&tls.cert, "certificate", &error)))?;
    if chain.is_empty() {
        let none = pem::Error::NoItemsFound;
        return Err(Unshown::Cert(unread(&tls.cert, "certificate", &none)));
    }
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|error| Unshown::Key(unread(&tls.key, "private key", &error)))?;
    let pair = |error: rustls::Error| {
        Unshown::Pair(match error {
            rustls::Error::InconsistentKeys(_) => format!(
                "{} is not the key of {}",
                tls.key.display(),
                tls.cert.display()
            ),
            other => other.to_string(),
        })
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let start = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(pair)?;
    let verified = if asking {
        start.with_client_cert_verifier(Arc::new(Anyone::new(&provider)))
    } else {
        start.with_no_client_auth()
    };
    verified.with_single_cert(chain, key).map_err(pair)
}

/// Why a PEM file does not give what it should.
fn unread(file: &Path, what: &str, error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => format!("{}: {error}", file.display()),
        pem::Error::NoItemsFound => format!("{} holds no {what} in PEM", file.display()),
        other => format!("{}: {other:?}", file.display()),
    }
}
