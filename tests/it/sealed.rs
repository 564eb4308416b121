//! A browser's half of TLS.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::http::Seal;

/// TLS which trusts the certificate in a file, and shows its own, with its key, where there is one
/// and it is asked for.
pub fn trusting(
    file: &Path,
    own: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
) -> Seal {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(file).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let start = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let tls = match own {
        None => start.with_no_client_auth(),
        Some((certificate, key)) => start.with_client_auth_cert(vec![certificate], key).unwrap(),
    };
    let tls = Arc::new(tls);
    Arc::new(move |stream| {
        let name = ServerName::try_from("localhost").unwrap();
        let session = ClientConnection::new(tls.clone(), name).unwrap();
        Box::new(StreamOwned::new(session, stream))
    })
}
