//! Public keys that are put on file: whether they could ever check a signature.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::roca;

/// Whether the keys of a JWK set could ever check a signature: each is judged as [`super::read_signed`]
/// would judge it. Keys of other kinds, and for other uses, are passed over.
///
/// # Errors
/// What is wrong with the first that could not.
pub fn usable(jwks: &str) -> Result<(), &'static str> {
    let set: Value = serde_json::from_str(jwks).map_err(|_| "it is not JSON")?;
    let keys = set.get("keys").and_then(Value::as_array);
    for jwk in keys.into_iter().flatten() {
        let named = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| named(name).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        if named("use").is_some_and(|what| what != "sig") {
            continue;
        }
        match (named("kty"), named("crv")) {
            (Some("RSA"), _) => {
                let modulus = bytes("n").ok_or("an RSA key has no n in base64url")?;
                let bits = modulus
                    .iter()
                    .position(|byte| *byte != 0)
                    .map_or(0, |first| {
                        let zeros = modulus[first].leading_zeros() as usize;
                        (modulus.len() - first) * 8 - zeros
                    });
                // RFC 7518 3.3, and what the library takes at most
                if !(2048..=8192).contains(&bits) {
                    return Err("an RSA key has fewer than 2048 bits, or more than 8192");
                }
                if roca::is_marked(&modulus) {
                    return Err("an RSA key is one that can be guessed (CVE-2017-15361)");
                }
                let exponent = bytes("e").ok_or("an RSA key has no e in base64url")?;
                if exponent.last().is_none_or(|last| last % 2 == 0) || exponent == [1] {
                    return Err("an RSA key has an exponent that makes no signature");
                }
            }
            (Some("EC"), Some("P-256")) => {
                let point = bytes("x").zip(bytes("y"));
                let (x, y) = point.ok_or("an EC key has no x and y in base64url")?;
                let point = [&[4], x.as_slice(), &y].concat(); // SEC 1 2.3.3
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                    .map_err(|_| "an EC key is no point of its curve")?;
            }
            (Some("OKP"), Some("Ed25519")) => {
                let x = bytes("x").ok_or("an OKP key has no x in base64url")?;
                ParsedPublicKey::new(&ED25519, x).map_err(|_| "an Ed25519 key has not 32 bytes")?;
            }
            _ => {}
        }
    }
    Ok(())
}
