//! A key of an app's own, and what it signs.

use anyhow::anyhow;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// An ES256 key.
pub struct Key(EcdsaKeyPair);

impl Key {
    /// A new one.
    ///
    /// # Errors
    /// When none can be made.
    pub fn new() -> anyhow::Result<Self> {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map(Self)
            .map_err(|_| anyhow!("no EC key"))
    }

    /// Its public half (RFC 7518 6.2.1).
    pub fn jwk(&self) -> Value {
        let point = self.0.public_key().as_ref();
        let part =
            |from: usize| URL_SAFE_NO_PAD.encode(point.get(from..from + 32).unwrap_or_default());
        json!({ "kty": "EC", "crv": "P-256", "x": part(1), "y": part(33) })
    }

    /// A token of these parts (RFC 7515 3.1).
    ///
    /// # Errors
    /// When nothing can be signed.
    pub fn sign(&self, header: &Value, claims: &Value) -> anyhow::Result<String> {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = self
            .0
            .sign(&SystemRandom::new(), message.as_bytes())
            .map_err(|_| anyhow!("no signature"))?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// What nobody drew before.
///
/// # Errors
/// When there is no randomness.
pub fn draw() -> anyhow::Result<String> {
    let mut random = [0; 16];
    SystemRandom::new()
        .fill(&mut random)
        .map_err(|_| anyhow!("no randomness"))?;
    Ok(URL_SAFE_NO_PAD.encode(random))
}
