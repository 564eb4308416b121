//! A provider for jsonwebtoken that keeps parsed keys: parsing an RSA key anew for each
//! signature costs more than the signature.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256,
};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, aws_lc};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, EncodingKey};

/// A parsed private key.
pub(super) enum Parsed {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Parsed {
    pub(super) fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Option<Self> {
        match algorithm {
            Algorithm::RS256 => RsaKeyPair::from_pkcs8(der).ok().map(Self::Rsa),
            Algorithm::ES256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
                .ok()
                .map(Self::Ec),
            Algorithm::EdDSA => Ed25519KeyPair::from_pkcs8(der).ok().map(Self::Ed),
            _ => None,
        }
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(
                    &RSA_PKCS1_SHA256,
                    &SystemRandom::new(),
                    message,
                    &mut signature,
                )
                .ok()?;
                Some(signature)
            }
            Self::Ec(key) => Some(
                key.sign(&SystemRandom::new(), message)
                    .ok()?
                    .as_ref()
                    .to_vec(),
            ),
            Self::Ed(key) => Some(key.sign(message).as_ref().to_vec()),
        }
    }
}

/// jsonwebtoken asks a plain function for a signer, so the parsed keys must stand where a plain
/// function finds them. They are found by the whole of the private key that the caller holds.
static PARSED: OnceLock<RwLock<HashMap<Vec<u8>, Arc<Parsed>>>> = OnceLock::new();

/// Keeps a parsed key for [`install`]'s provider.
pub(super) fn keep(der: &[u8], parsed: Parsed) {
    PARSED
        .get_or_init(RwLock::default)
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(der.to_vec(), Arc::new(parsed));
}

/// Seeds the generator that signatures draw from. Its first use gathers noise of its own for
/// some 40 ms of CPU, which nobody should wait for.
pub fn seed() {
    // Without randomness the first signature says so.
    let _ = aws_lc_rs::rand::fill(&mut [0]);
}

/// Makes jsonwebtoken use the parsed keys. Harmless when called again.
pub(super) fn install() {
    static PROVIDER: OnceLock<CryptoProvider> = OnceLock::new();
    let provider = PROVIDER.get_or_init(|| CryptoProvider {
        signer_factory: signer,
        ..aws_lc::DEFAULT_PROVIDER.clone()
    });
    let _ = provider.install_default();
}

struct Signer {
    algorithm: Algorithm,
    key: Arc<Parsed>,
}

impl jsonwebtoken::signature::Signer<Vec<u8>> for Signer {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, jsonwebtoken::signature::Error> {
        self.key
            .sign(message)
            .ok_or_else(jsonwebtoken::signature::Error::new)
    }
}

impl JwtSigner for Signer {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    let kept = PARSED.get().and_then(|parsed| {
        parsed
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key.as_bytes())
            .cloned()
    });
    let key = kept.ok_or_else(|| Error::from(ErrorKind::InvalidKeyFormat))?;
    Ok(Box::new(Signer {
        algorithm: *algorithm,
        key,
    }))
}
