//! The app's own key, in a file that only its owner can read. What it gets is bound to it (DPoP,
//! RFC 9449): a stolen secret opens nothing without it.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

/// A key on P-256.
pub struct Key {
    pair: EcdsaKeyPair,
    x: String,
    y: String,
}

impl Key {
    /// The key in a folder; made where there is none.
    pub fn open(folder: &Path) -> Result<Self, String> {
        let path = folder.join("key.der");
        let failed = |why: std::io::Error| format!("Cannot use {}: {why}", path.display());
        match File::open(&path) {
            Ok(mut file) => {
                let mode = file.metadata().map_err(failed)?.permissions().mode();
                if mode & 0o077 != 0 {
                    return Err(format!(
                        "Others on this machine can read {0}. Sign out and remove it, or, if you \
                         trust them: chmod 600 {0}",
                        path.display()
                    ));
                }
                let mut der = Vec::new();
                file.read_to_end(&mut der).map_err(failed)?;
                Self::read(&der)
            }
            Err(why) if why.kind() == ErrorKind::NotFound => {
                let der = EcdsaKeyPair::generate_pkcs8(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    &SystemRandom::new(),
                )
                .map_err(|_| "This machine makes no keys.".to_owned())?;
                let mut file = OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&path)
                    .map_err(failed)?;
                file.write_all(der.as_ref()).map_err(failed)?;
                file.sync_all().map_err(failed)?;
                Self::read(der.as_ref())
            }
            Err(why) => Err(failed(why)),
        }
    }

    fn read(der: &[u8]) -> Result<Self, String> {
        let broken =
            || "The key of this device is broken. Remove its folder, and sign in.".to_owned();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der);
        let pair = pair.map_err(|_| broken())?;
        // The point without compression: 4, x, y.
        let point = pair.public_key().as_ref();
        let (x, y) = match point {
            [4, rest @ ..] if rest.len() == 64 => rest.split_at(32),
            _ => return Err(broken()),
        };
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        Ok(Self { pair, x, y })
    }

    /// Its thumbprint (RFC 7638 3), by which a code is bound to it.
    pub fn thumbprint(&self) -> String {
        let members = format!(
            "{{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"{}\",\"y\":\"{}\"}}",
            self.x, self.y
        );
        URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()))
    }

    /// A proof for one request (RFC 9449 4.2), with the token beside it and the other side's nonce
    /// where there are such.
    pub fn proof(
        &self,
        method: &str,
        url: &str,
        token: Option<&str>,
        nonce: Option<&str>,
    ) -> Result<String, String> {
        let failed = |_| "This machine gives no random numbers.".to_owned();
        let header = json!({
            "typ": "dpop+jwt", "alg": "ES256",
            "jwk": {"kty": "EC", "crv": "P-256", "x": self.x, "y": self.y},
        });
        let mut id = [0; 16];
        rand::fill(&mut id).map_err(failed)?;
        let mut claims = json!({
            "jti": URL_SAFE_NO_PAD.encode(id), "htm": method, "htu": url, "iat": seconds(),
        });
        if let Some(token) = token {
            let hash = digest(&SHA256, token.as_bytes());
            claims["ath"] = URL_SAFE_NO_PAD.encode(hash).into();
        }
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes());
        let signature = signature.map_err(failed)?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

#[allow(clippy::disallowed_methods)] // a proof tells when it was made
fn seconds() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let folder = std::env::temp_dir().join(format!("messenger-key-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let first = Key::open(&folder).unwrap().thumbprint();
        let path = folder.join("key.der");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(Key::open(&folder).unwrap().thumbprint(), first);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(Key::open(&folder).is_err());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "x").unwrap();
        assert!(Key::open(&folder).is_err());
        fs::remove_file(&path).unwrap();
        assert_ne!(Key::open(&folder).unwrap().thumbprint(), first);
        fs::remove_dir_all(&folder).unwrap();
    }
}
