//! Keys that are made when the process starts, and tokens signed with them: the content is the
//! fuzzer's, the signature is right, so that what stands behind it is reached.

use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub const WORDS: &[&str] = &[
    "\"alg\":\"EdDSA\"",
    "\"alg\":\"ES256\"",
    "\"alg\":\"RS256\"",
    "\"alg\":\"none\"",
    "\"alg\":\"HS256\"",
    "\"typ\":\"at+jwt\"",
    "\"typ\":\"JWT\"",
    "\"kid\":\"ed\"",
    "\"kid\":\"ec\"",
    "\"kid\":\"rsa\"",
    "\"jwk\":{}",
    "\"jku\":\"https://evil.example\"",
    "\"crit\":[\"exp\"]",
    "\"b64\":false",
    "\"x5c\":[]",
    "\"zip\":\"DEF\"",
    "\"iss\":\"https://id.steppe.example\"",
    "\"aud\":\"https://chat.example\"",
    "\"aud\":[\"https://chat.example\"]",
    "\"exp\":1800000600",
    "\"iat\":1800000000",
    "\"nbf\":1800000000",
    "\"sub\":\"a\"",
    "\"sub\":\"forum\"",
    "\"iss\":\"forum\"",
    "\"client_id\":\"desk\"",
    "\"jti\":\"t\"",
    "\"cnf\":{}",
    "\"scope\":\"openid chat\"",
    "1800000600.5",
    "1e300",
    "-1",
    "null",
    "{}",
    "[]",
    "\\u0000",
    "\\ud800",
    "ed\n",
    "ec\n",
    "rsa\n",
    "hs\n",
    "cut\n",
    "none\n",
    "{access}",
    "{id}",
    "{opaque}",
    "{refresh}",
    "{code}",
];

/// The three kinds of key.
pub struct Keyring {
    ed: Ed25519KeyPair,
    ec: EcdsaKeyPair,
    rsa: RsaKeyPair,
}

pub static KEYS: LazyLock<Keyring> = LazyLock::new(|| Keyring {
    ed: Ed25519KeyPair::generate().unwrap(),
    ec: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
    rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
});

impl Keyring {
    /// The public half of one, as a JWK without `kid`.
    pub fn jwk(&self, name: &str) -> Value {
        match name {
            "ed" => json!({"kty": "OKP", "crv": "Ed25519", "x": b64(self.ed.public_key())}),
            "ec" => {
                let point = self.ec.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..])})
            }
            _ => {
                let public = PublicKeyComponents::<Vec<u8>>::from(self.rsa.public_key());
                json!({"kty": "RSA", "n": b64(public.n), "e": b64(public.e)})
            }
        }
    }

    /// All three as a JWK set, their names as `kid`.
    pub fn jwks(&self) -> String {
        let keys = ["ed", "ec", "rsa"].map(|name| {
            let mut jwk = self.jwk(name);
            jwk["kid"] = name.into();
            jwk
        });
        json!({ "keys": keys }).to_string()
    }

    /// The public half of one, in PEM.
    pub fn pem(&self, name: &str) -> String {
        let der: PublicKeyX509Der<'_> = match name {
            "ed" => self.ed.public_key().as_der().unwrap(),
            "ec" => self.ec.public_key().as_der().unwrap(),
            _ => self.rsa.public_key().as_der().unwrap(),
        };
        pem::encode(&pem::Pem::new("PUBLIC KEY", der.as_ref().to_vec()))
    }

    fn sign(&self, name: &str, message: &[u8]) -> Vec<u8> {
        match name {
            "ed" => self.ed.sign(message).as_ref().to_vec(),
            "ec" => self
                .ec
                .sign(&SystemRandom::new(), message)
                .unwrap()
                .as_ref()
                .to_vec(),
            // The public key as a secret (RFC 8725 3.1).
            "hs" => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, self.ed.public_key().as_ref());
                hmac::sign(&key, message).as_ref().to_vec()
            }
            "rsa" => {
                let mut out = vec![0; self.rsa.public_modulus_len()];
                self.rsa
                    .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut out)
                    .unwrap();
                out
            }
            _ => Vec::new(),
        }
    }
}

/// A token written as three lines: the key's name, the header, the claims.
pub struct Written<'a> {
    pub key: &'a str,
    pub header: &'a str,
    pub claims: &'a str,
    pub token: String,
}

/// Signs what is written; `None` when it has not three lines. A key named `cut` signs with `ed` and
/// loses a byte; one that is not known signs nothing; `none` leaves the third part empty.
pub fn written(text: &str) -> Option<Written<'_>> {
    let (key, rest) = text.split_once('\n')?;
    let (header, claims) = rest.split_once('\n')?;
    let message = format!("{}.{}", b64(header), b64(claims));
    let signature = match key {
        "cut" => KEYS.sign("ed", message.as_bytes())[1..].to_vec(),
        name => KEYS.sign(name, message.as_bytes()),
    };
    Some(Written {
        key,
        header,
        claims,
        token: format!("{message}.{}", b64(signature)),
    })
}

impl Written<'_> {
    /// The only algorithm that the signature can stand for.
    pub fn algorithm(&self) -> Option<&'static str> {
        match self.key {
            "ed" => Some("EdDSA"),
            "ec" => Some("ES256"),
            "rsa" => Some("RS256"),
            _ => None,
        }
    }
}

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
