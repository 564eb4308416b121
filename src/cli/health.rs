//! `gerege health`: asks the running server whether it can do its work.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use serde_json::{Value, json};

use super::fault::Fault;
use super::out::{self, Out, State};
use crate::config::Config;

/// Ask the running server; exit code 0 when it is ready, 1 when not
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gerege health\n  gerege -c /etc/gerege/gerege.toml health --json"
)]
pub struct Health {}

/// How long the server may take.
const WAIT: Duration = Duration::from_secs(3);
/// The longest answer that is read.
const MOST: u64 = 64 * 1024;

/// Asks, and answers by the exit code.
pub fn run(config: &Config, out: Out) -> Result<ExitCode, Fault> {
    let address = reach(config.listen.address);
    let (status, facts) = ask(config).map_err(|error| {
        Fault::new(
            format!("no server answers on {address}"),
            error,
            "start it: gerege serve; its log says why it stopped",
        )
    })?;
    let ready = status == 200;
    if out.json {
        out::json(&json!({ "ready": ready, "address": address.to_string(), "facts": facts }));
    } else if ready {
        out.state(State::Good, &format!("ready on {address}"));
    } else {
        out.state(State::Broken, &format!("not ready on {address}: {facts}"));
    }
    Ok(ExitCode::from(u8::from(!ready)))
}

/// Where a server that listens there is reached from this machine.
pub fn reach(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// Asks `/readyz`: the status and the answer.
///
/// # Errors
/// When nobody answers, or not in HTTP.
pub fn ask(config: &Config) -> std::io::Result<(u16, Value)> {
    let stream = TcpStream::connect_timeout(&reach(config.listen.address), WAIT)?;
    stream.set_read_timeout(Some(WAIT))?;
    stream.set_write_timeout(Some(WAIT))?;
    let host = config
        .issuer()
        .split_once("://")
        .map_or(config.host(), |(_, host)| host);
    match &config.listen.tls {
        None => talk(stream, host),
        Some(tls) => {
            let own = CertificateDer::from_pem_file(&tls.cert).map_err(std::io::Error::other)?;
            let name = ServerName::try_from(config.host().to_owned());
            let name = name.map_err(std::io::Error::other)?;
            let client = ClientConnection::new(Arc::new(pinned(own)?), name);
            let client = client.map_err(std::io::Error::other)?;
            talk(StreamOwned::new(client, stream), host)
        }
    }
}

fn talk(mut stream: impl Read + Write, host: &str) -> std::io::Result<(u16, Value)> {
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
    )?;
    stream.flush()?;
    let mut answer = Vec::new();
    match stream.take(MOST).read_to_end(&mut answer) {
        // A server that closes without TLS's goodbye has still answered.
        Err(error) if answer.is_empty() => return Err(error),
        _ => {}
    }
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .and_then(|code| code.parse().ok())
        .ok_or_else(|| std::io::Error::other("what answers there does not speak HTTP"))?;
    Ok((
        status,
        serde_json::from_str(body.trim()).unwrap_or(Value::Null),
    ))
}

/// Trusts the server's own certificate and no other: this is the same machine, and the name in
/// the certificate need not be the address we call.
fn pinned(own: CertificateDer<'static>) -> std::io::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = Arc::new(Pinned {
        own,
        provider: provider.clone(),
    });
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

#[derive(Debug)]
struct Pinned {
    own: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *end_entity == self.own {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::General(
                "the server shows another certificate than listen.tls_cert".into(),
            ))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
