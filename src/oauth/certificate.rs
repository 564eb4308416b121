//! Clients that prove themselves by a certificate (mutual TLS, RFC 8705), as values.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::params::decode;

/// A longer certificate, in bytes, is refused.
const LONGEST: usize = 16 * 1024;

/// The one name in its certificate by which a client is known (RFC 8705 2.1.2). As JSON it is
/// the standard's metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Known {
    /// The subject, as RFC 4514 writes it.
    #[serde(rename = "tls_client_auth_subject_dn")]
    SubjectDn(String),
    /// A host name among its alternative names.
    #[serde(rename = "tls_client_auth_san_dns")]
    Dns(String),
    /// A URI among them.
    #[serde(rename = "tls_client_auth_san_uri")]
    Uri(String),
    /// An address among them.
    #[serde(rename = "tls_client_auth_san_ip")]
    Ip(IpAddr),
    /// A mail address among them.
    #[serde(rename = "tls_client_auth_san_email")]
    Email(String),
}

/// The names in a certificate, of the kinds by which a client can be known (RFC 8705 2.1.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The subject, as RFC 4514 writes it.
    pub subject: String,
    /// Host names.
    pub dns: Vec<String>,
    /// URIs.
    pub uri: Vec<String>,
    /// Addresses.
    pub ip: Vec<IpAddr>,
    /// Mail addresses.
    pub email: Vec<String>,
}

impl Names {
    /// Whether the client is named (RFC 8705 2.1). Host names are compared as such, everything else
    /// letter by letter; a wildcard stands for nobody.
    pub fn has(&self, known: &Known) -> bool {
        match known {
            Known::SubjectDn(subject) => !subject.is_empty() && self.subject == *subject,
            Known::Dns(name) => self
                .dns
                .iter()
                .any(|one| one.eq_ignore_ascii_case(name) && !one.contains('*')),
            Known::Uri(uri) => self.uri.contains(uri),
            Known::Ip(ip) => self.ip.contains(ip),
            Known::Email(email) => self.email.contains(email),
        }
    }
}

/// The certificate in a proxy's header, as DER. Proxies write it as RFC 9440 does (`:base64:`), as
/// plain base64, as PEM with percent signs (nginx, Traefik), or as `Cert="…"` among other things
/// (Envoy). More than one is none: a proxy that adds its own to what came would have the caller's
/// word first. `None` when there is none to be read.
pub fn from_header(value: &[u8]) -> Option<Vec<u8>> {
    if value.len() > 4 * LONGEST {
        return None;
    }
    let text = std::str::from_utf8(value).ok()?.trim();
    let text = match text.split_once("Cert=\"") {
        Some(_) if elements(text) > 1 => return None,
        Some((_, rest)) => rest.split('"').next()?,
        None => text,
    };
    // A plus stands for itself: it is a letter of base64.
    let text = decode(text.replace('+', "%2B").as_bytes())?;
    if text.contains("-----BEGIN") {
        let [block] = <[pem::Pem; 1]>::try_from(pem::parse_many(text).ok()?).ok()?;
        return (block.tag() == "CERTIFICATE").then(|| bounded(block.into_contents()))?;
    }
    // RFC 9440 2.2: one item. A comma would begin another.
    let text = text.trim().trim_matches(':');
    let plain: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    bounded(STANDARD.decode(plain).ok()?)
}

/// How many proxies, or how many certificates, a list like Envoy's tells of.
fn elements(text: &str) -> usize {
    let (mut quoted, mut escaped, mut count) = (false, false, 1);
    for letter in text.chars() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => count += 1,
            _ => {}
        }
    }
    let named = text.to_ascii_lowercase();
    let certificates = named.matches("cert=\"").count();
    if quoted {
        usize::MAX
    } else {
        certificates.max(count)
    }
}

/// A certificate that is not too long to be looked at.
pub fn bounded(der: Vec<u8>) -> Option<Vec<u8>> {
    (!der.is_empty() && der.len() <= LONGEST).then_some(der)
}

/// Whether a certificate is one that a client registered in its keys, as the first of an `x5c`
/// (RFC 8705 2.2.2).
pub fn is_registered(jwks: &str, der: &[u8]) -> bool {
    let set: Value = serde_json::from_str(jwks).unwrap_or_default();
    let keys = set.get("keys").and_then(Value::as_array);
    keys.into_iter()
        .flatten()
        .filter_map(|key| key.get("x5c")?.as_array()?.first()?.as_str())
        .any(|text| STANDARD.decode(text).is_ok_and(|known| known == der))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_header_is_read_as_proxies_write_it() {
        // Bytes whose base64 has a plus and a slash.
        let der = b"\xfb\xef\xbe\xff\xff certificate".to_vec();
        let b64 = STANDARD.encode(&der);
        assert!(b64.contains('+') && b64.contains('/'));
        let pem = format!("-----BEGIN CERTIFICATE-----\n{b64}\n-----END CERTIFICATE-----\n");
        let escaped = crate::oauth::params::encode(&pem);
        let half = pem.replace('\n', "%0A").replace(' ', "%20");
        for good in [
            b64.clone(),
            format!(":{b64}:"),
            escaped.clone(),
            half,
            format!("By=spiffe://a;Hash=1;Cert=\"{escaped}\";Subject=\"\""),
            format!("By=a;Subject=\"CN=a\\\",b\";Cert=\"{escaped}\""),
        ] {
            assert_eq!(from_header(good.as_bytes()), Some(der.clone()), "{good}");
        }
        let key = escaped.replace("CERTIFICATE", "PRIVATE%20KEY");
        for bad in [
            "",
            "::",
            "!",
            "%",
            "Cert=\"\"",
            "-----BEGIN CERTIFICATE-----",
            &key,
        ] {
            assert_eq!(from_header(bad.as_bytes()), None, "{bad}");
        }
        // The caller's own, with the one that the proxy added after it.
        let element = format!("By=a;Cert=\"{escaped}\"");
        for two in [
            format!("{b64},{b64}"),
            format!(":{b64}:,:{b64}:"),
            format!(":{b64}:, :{b64}:"),
            format!("{escaped}{escaped}"),
            format!("{escaped},{escaped}"),
            format!("{element},{element}"),
            format!("{element};Cert=\"{escaped}\""),
            format!("{element};cert=\"{escaped}\""),
            format!("{element},By=b;Hash=1"),
            format!("By=b;Hash=1,{element}"),
            format!("{element};Subject=\"CN=a"),
        ] {
            assert_eq!(from_header(two.as_bytes()), None, "{two}");
        }
        assert_eq!(from_header(&[b'A'; 4 * LONGEST + 1]), None);
        assert_eq!(from_header(b"\xff\xff"), None);
    }

    #[test]
    fn a_client_is_known_by_one_name() {
        let names = Names {
            subject: "CN=chat,O=Steppe".into(),
            dns: vec!["chat.example".into(), "*.example".into()],
            uri: vec!["spiffe://steppe/chat".into()],
            ip: vec![IpAddr::from([192, 0, 2, 1])],
            email: vec!["chat@steppe.example".into()],
        };
        for (known, is) in [
            (Known::SubjectDn("CN=chat,O=Steppe".into()), true),
            (Known::SubjectDn("CN=chat".into()), false),
            (Known::SubjectDn(String::new()), false),
            (Known::Dns("CHAT.example".into()), true),
            (Known::Dns("files.example".into()), false),
            (Known::Dns("*.example".into()), false),
            (Known::Uri("spiffe://steppe/chat".into()), true),
            (Known::Uri("spiffe://steppe".into()), false),
            (Known::Ip(IpAddr::from([192, 0, 2, 1])), true),
            (Known::Ip(IpAddr::from([192, 0, 2, 2])), false),
            (Known::Email("chat@steppe.example".into()), true),
            (Known::Email("chat".into()), false),
        ] {
            assert_eq!(names.has(&known), is, "{known:?}");
        }
        let as_json = serde_json::to_value(Known::Dns("a".into())).unwrap();
        assert_eq!(as_json, json!({ "tls_client_auth_san_dns": "a" }));
    }

    #[test]
    fn a_certificate_of_its_own_stands_among_the_clients_keys() {
        let set = json!({ "keys": [
            { "kty": "EC" },
            { "kty": "EC", "x5c": [] },
            { "kty": "EC", "x5c": [STANDARD.encode(b"mine"), STANDARD.encode(b"issuer")] },
        ]});
        assert!(is_registered(&set.to_string(), b"mine"));
        assert!(!is_registered(&set.to_string(), b"issuer"));
        assert!(!is_registered(&set.to_string(), b""));
        assert!(!is_registered("", b"mine"));
    }

    proptest! {
        #[test]
        fn any_header_is_read_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(der) = from_header(&bytes) {
                prop_assert!(!der.is_empty());
            }
        }
    }
}
