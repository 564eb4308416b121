//! Certificates of clients (RFC 8705): read, and checked against the operator's authority.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;

use super::Error;
use crate::clock::Time;
use crate::oauth::certificate::Names;

/// `x5t#S256` of a certificate (RFC 8705 3.1).
pub fn fingerprint(der: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, der))
}

/// The names in a certificate; `None` when it cannot be read.
pub fn names(der: &[u8]) -> Option<Names> {
    let certificate = Certificate::from_der(der).ok()?;
    let inner = certificate.tbs_certificate();
    let mut names = Names {
        subject: inner.subject().to_string(),
        ..Names::default()
    };
    let Some((_, others)) = inner.get_extension::<SubjectAltName>().ok()? else {
        return Some(names);
    };
    for other in others.0 {
        match other {
            GeneralName::DnsName(name) => names.dns.push(name.as_str().to_owned()),
            GeneralName::UniformResourceIdentifier(uri) => names.uri.push(uri.as_str().to_owned()),
            GeneralName::Rfc822Name(email) => names.email.push(email.as_str().to_owned()),
            GeneralName::IpAddress(bytes) => names.ip.push(address(bytes.as_bytes())?),
            _ => {}
        }
    }
    Some(names)
}

/// An address as certificates write it (RFC 5280 4.2.1.6).
fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
    four.or_else(|| <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from))
}

/// A subject as it is compared: written anew, so that the spelling of types and escapes does not
/// matter. `None` when it is none (RFC 4514 3, without the spaces that older forms have).
pub fn subject(text: &str) -> Option<String> {
    let name: Name = text.parse().ok()?;
    Some(name.to_string()).filter(|text| !text.is_empty())
}

/// Takes the certificate of every caller, whoever vouches for it, as long as the caller holds its
/// key. Whose it is is asked later, of the client that the request names (RFC 8705 2.1 and 2.2).
#[derive(Debug)]
pub struct Anyone(WebPkiSupportedAlgorithms);

impl Anyone {
    /// With the signatures that a provider can check.
    pub fn new(provider: &CryptoProvider) -> Self {
        Self(provider.signature_verification_algorithms)
    }
}

impl ClientCertVerifier for Anyone {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

/// Who may vouch for clients: the operator's own authority.
#[derive(Clone, Debug)]
pub struct Authority(Arc<dyn ClientCertVerifier>);

impl Authority {
    /// From a file of certificates in PEM.
    ///
    /// # Errors
    /// When it cannot be read or holds none.
    pub fn load(file: &Path) -> Result<Self, Error> {
        let failed = |why: String| Error::Crypto(format!("{}: {why}", file.display()));
        let mut roots = RootCertStore::empty();
        let blocks = CertificateDer::pem_file_iter(file).map_err(|why| failed(why.to_string()))?;
        for one in blocks {
            let one = one.map_err(|why| failed(why.to_string()))?;
            roots.add(one).map_err(|why| failed(why.to_string()))?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map(Self)
            .map_err(|why| failed(why.to_string()))
    }

    /// Whether it vouches for a certificate at `now` (RFC 8705 2.1, RFC 5280 6).
    pub fn vouches(&self, der: &[u8], now: Time) -> bool {
        let seconds = u64::try_from(now.seconds()).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let leaf = CertificateDer::from(der);
        self.0.verify_client_cert(&leaf, &[], now).is_ok()
    }
}
