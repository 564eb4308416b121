//! What a client signs, and what looks as if it had.

use serde_json::{Value, json};

use super::{NONE, Row, hs256, members, parts, signatures, spellings};
use crate::sign::{Signer, b64, set};

/// Keys of a client, and another client's.
pub struct Pens {
    pub ec: Signer,
    pub rsa: Signer,
    other: Signer,
}

impl Pens {
    pub fn new() -> Self {
        Self {
            ec: Signer::ec(),
            rsa: Signer::rsa(),
            other: Signer::ec(),
        }
    }

    /// The public halves.
    pub fn own(&self) -> String {
        set(&[self.ec.jwk(Some("e")), self.rsa.jwk(Some("r"))])
    }

    /// The other client's: of the same name.
    pub fn others(&self) -> String {
        set(&[self.other.jwk(Some("e"))])
    }

    pub fn header(&self) -> Value {
        json!({ "alg": "ES256", "kid": "e" })
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.ec.sign(&self.header(), claims)
    }

    /// Claims that would be taken, as `claims` makes them anew, under signatures and headers that
    /// must not be.
    pub fn rows(&self, claims: &dyn Fn() -> Value) -> Vec<Row> {
        let good = self.sign(&claims());
        let [_, said, signature] = parts(&good);
        let head = |name: &str, value: Value| {
            let mut header = self.header();
            header[name] = value;
            header
        };
        let mut rows = spellings(&good);
        rows.extend(signatures(&good));
        rows.extend(members(&Signer::ec(), &self.header(), &claims()));
        // The right key signed these.
        for (name, value) in [
            ("jwk", self.ec.jwk(Some("e"))),
            ("jku", json!("https://forum.example/keys")),
            ("x5u", json!("https://forum.example/chain")),
            ("x5c", json!(["MII"])),
            ("crit", json!(["exp"])),
            ("crit", json!([])),
            ("b64", json!(false)),
            ("b64", json!(true)),
            ("enc", json!("A128GCM")),
            ("zip", json!("DEF")),
            ("zip", Value::Null),
        ] {
            let row = format!("{name} {value:.40}, signed");
            rows.push((row, self.ec.sign(&head(name, value), &claims())));
        }
        for none in NONE {
            let header = b64(head("alg", json!(none)).to_string());
            rows.push((none.into(), format!("{header}.{said}.")));
            rows.push((
                format!("{none}, signed"),
                format!("{header}.{said}.{signature}"),
            ));
        }
        let keys = self.own();
        let (pem, der) = (self.rsa.pem(), self.rsa.der());
        let jwk = self.rsa.jwk(Some("r")).to_string();
        let hashed = json!({ "alg": "HS256", "kid": "r" });
        for (name, secret) in [
            ("the PEM", pem.as_bytes()),
            ("the DER", &der),
            ("the JWK", jwk.as_bytes()),
            ("the JWK set", keys.as_bytes()),
            ("nothing", b""),
        ] {
            rows.push((format!("HS256 with {name}"), hs256(secret, &hashed, said)));
        }
        for alg in ["RS256", "PS256", "ES384", "EdDSA", "es256", "RS1", ""] {
            let header = b64(head("alg", json!(alg)).to_string());
            rows.push((format!("alg {alg}"), format!("{header}.{said}.{signature}")));
        }
        for (name, header) in [
            (
                "an RS256 signature as PS256",
                json!({ "alg": "PS256", "kid": "r" }),
            ),
            (
                "the RSA key under the other's kid",
                json!({ "alg": "RS256", "kid": "e" }),
            ),
        ] {
            rows.push((name.into(), self.rsa.sign(&header, &claims())));
        }
        let header = self.header().to_string();
        let twice = header.replacen('{', r#"{"alg":"none","#, 1);
        rows.push((
            "alg twice".into(),
            self.ec.sign_text(&twice, &claims().to_string()),
        ));
        for text in ["[]", "1", "\"forum\"", "{}", "null", "{"] {
            rows.push((format!("claims {text}"), self.ec.sign_text(&header, text)));
        }
        rows.push((
            "the other client's key".into(),
            self.other.sign(&self.header(), &claims()),
        ));
        rows
    }
}
