//! Token Status List (draft-ietf-oauth-status-list-20): the place that a token names, and the list
//! in which the bit at that place tells whether it was ended.

use std::io::Read as _;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::read::ZlibDecoder;
use serde_json::{Map, Value};

use crate::key::Keys;
use crate::refusal::{Part, Refusal};
use crate::verifier::{Parts, after, decode, instant, read};

/// The type of a list (5.1).
pub(crate) const TYP: &str = "statuslist+jwt";
/// The longest list as it is sent, and unfolded, in bytes.
pub(crate) const MOST_SENT: usize = 1024 * 1024;
const MOST_BYTES: u64 = 1024 * 1024;
/// A list is asked for again no sooner and no later than this.
const LEAST_TTL: Duration = Duration::from_secs(1);
const MOST_TTL: Duration = Duration::from_secs(300);
/// A list without an end is believed for so long.
const USUAL_LIFE: Duration = Duration::from_secs(300);

/// Where the status of a token stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where the list lies.
    pub uri: String,
    /// The place in it.
    pub idx: u64,
}

/// Reads the claim `status` (6.2) of an issuer's token. The list lies with that issuer: an address
/// elsewhere is no address of ours to ask.
pub fn place(claims: &Map<String, Value>, issuer: &str) -> Result<Option<Place>, Refusal> {
    let bad = Refusal::Claim("status");
    let Some(status) = claims.get("status") else {
        return Ok(None);
    };
    let list = status.get("status_list").ok_or(bad)?;
    let idx = list.get("idx").and_then(Value::as_u64).ok_or(bad)?;
    let uri = list.get("uri").and_then(Value::as_str).ok_or(bad)?;
    let (house, own) = house(issuer);
    let rest = uri
        .strip_prefix(house)
        .and_then(|rest| rest.strip_prefix("/services/"));
    let (id, number) = rest
        .and_then(|rest| rest.split_once("/status/"))
        .ok_or(bad)?;
    let named = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    // `..` alone would be a step, and no name.
    let good = id.bytes().any(|byte| byte.is_ascii_alphanumeric())
        && id.bytes().all(named)
        && own.is_none_or(|own| own == id)
        && (1..=3).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit());
    good.then(|| Place {
        uri: uri.to_owned(),
        idx,
    })
    .map(Some)
    .ok_or(bad)
}

/// The server behind an issuer's name, and the service where the name is a service's own.
pub(crate) fn house(issuer: &str) -> (&str, Option<&str>) {
    let issuer = issuer.trim_end_matches('/');
    match issuer.rsplit_once("/services/") {
        Some((house, id)) if !id.contains('/') => (house, Some(id)),
        _ => (issuer, None),
    }
}

/// A list that was read.
#[derive(Debug)]
pub struct List {
    bytes: Vec<u8>,
    /// How long it is kept before it is asked for again.
    pub ttl: Duration,
    /// When it is not to be believed any more.
    pub ends_at: SystemTime,
}

impl List {
    /// Reads a list (5.1, 8.3) that is to lie at `uri`; `None` when it is no good list.
    pub fn read(
        token: &str,
        uri: &str,
        keys: &Keys,
        leeway: Duration,
        now: SystemTime,
    ) -> Option<Self> {
        let parts = Parts::split_within(token, MOST_SENT).ok()?;
        let header = parts.header(TYP).ok()?;
        let key = keys.choose(header.kid.as_deref())?;
        let signature = decode(parts.signature, Part::Signature).ok()?;
        if header.alg != key.algorithm.name() || !key.verifies(parts.signed.as_bytes(), &signature)
        {
            return None;
        }
        let claims = read(parts.claims, Part::Claims).ok()?;
        if claims.get("sub").and_then(Value::as_str) != Some(uri) {
            return None;
        }
        let made = instant(&claims, "iat").ok()??;
        let ends_at = instant(&claims, "exp").ok()?;
        let ends_at = ends_at.unwrap_or_else(|| after(made, USUAL_LIFE));
        if made > after(now, leeway) || ends_at <= now {
            return None;
        }
        let ttl = match claims.get("ttl") {
            None => MOST_TTL,
            Some(seconds) => Duration::from_secs(seconds.as_u64()?),
        };
        let list = claims.get("status_list")?;
        if list.get("bits").and_then(Value::as_u64) != Some(1) {
            return None;
        }
        Some(Self {
            bytes: unfold(list.get("lst")?.as_str()?)?,
            ttl: ttl.clamp(LEAST_TTL, MOST_TTL),
            ends_at,
        })
    }

    /// Whether the token at a place was ended; `None` where there is no such place.
    pub fn is_ended(&self, idx: u64) -> Option<bool> {
        let byte = self.bytes.get(usize::try_from(idx / 8).ok()?)?;
        Some(byte >> (idx % 8) & 1 == 1) // 4.1: the lowest bit first
    }
}

/// DEFLATE in the ZLIB format (4.1), within bounds.
fn unfold(lst: &str) -> Option<Vec<u8>> {
    let zlib = URL_SAFE_NO_PAD.decode(lst).ok()?;
    let mut bytes = Vec::new();
    let mut bounded = ZlibDecoder::new(zlib.as_slice()).take(MOST_BYTES + 1);
    bounded.read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= MOST_BYTES).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_place_lies_with_the_issuer_or_nowhere() {
        let read = |issuer: &str, uri: &str| {
            let status = json!({"status_list": {"idx": 7, "uri": uri}});
            let claims = json!({ "status": status }).as_object().cloned().unwrap();
            place(&claims, issuer).map(|place| place.is_some())
        };
        let house = "https://id.steppe.example";
        let own = "https://id.steppe.example/services/chat";
        let list = "https://id.steppe.example/services/chat/status/0";
        for (issuer, uri, good) in [
            (house, list, true),
            (own, list, true),
            (
                own,
                "https://id.steppe.example/services/files/status/0",
                false,
            ),
            (
                house,
                "https://id.steppe.example/services/chat/status/63",
                true,
            ),
            (
                house,
                "https://id.steppe.example/services/chat/status/",
                false,
            ),
            (
                house,
                "https://id.steppe.example/services/chat/status/1/2",
                false,
            ),
            (
                house,
                "https://id.steppe.example/services/chat/status/-1",
                false,
            ),
            (
                house,
                "https://id.steppe.example/services/../x/status/1",
                false,
            ),
            (
                house,
                "https://id.steppe.example/services/a?b/status/1",
                false,
            ),
            (
                house,
                "https://id.steppe.example/services/../status/1",
                false,
            ),
            (house, "https://id.steppe.example/services//status/1", false),
            (
                house,
                "https://id.steppe.example.evil.example/services/chat/status/0",
                false,
            ),
            (house, "https://evil.example/services/chat/status/0", false),
            (house, "http://127.0.0.1/services/chat/status/0", false),
            (house, "", false),
        ] {
            let wanted = if good {
                Ok(true)
            } else {
                Err(Refusal::Claim("status"))
            };
            assert_eq!(read(issuer, uri), wanted, "{issuer} {uri}");
        }
        for status in [
            json!(1),
            json!({}),
            json!({"status_list": 1}),
            json!({"status_list": {"uri": list}}),
            json!({"status_list": {"idx": -1, "uri": list}}),
            json!({"status_list": {"idx": "1", "uri": list}}),
        ] {
            let claims = json!({ "status": status }).as_object().cloned().unwrap();
            assert_eq!(place(&claims, house), Err(Refusal::Claim("status")));
        }
        assert_eq!(place(&Map::new(), house), Ok(None));
    }

    // Appendix: 1-bit, the example of section 4.1
    #[test]
    fn the_example_of_the_draft_is_read() {
        let list = List {
            bytes: unfold("eNrbuRgAAhcBXQ").unwrap(),
            ttl: LEAST_TTL,
            ends_at: SystemTime::UNIX_EPOCH,
        };
        let ended: Vec<u64> = (0..16)
            .filter(|idx| list.is_ended(*idx) == Some(true))
            .collect();
        assert_eq!(ended, [0, 3, 4, 5, 7, 8, 9, 13, 15]);
        assert_eq!(list.is_ended(16), None);
        assert_eq!(list.is_ended(u64::MAX), None);
    }

    #[test]
    fn what_unfolds_without_end_is_no_list() {
        use flate2::{Compression, write::ZlibEncoder};
        use std::io::Write as _;
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(&vec![0; 8 * 1024 * 1024]).unwrap();
        assert!(unfold(&URL_SAFE_NO_PAD.encode(zlib.finish().unwrap())).is_none());
        for bad in ["", "AAAA", "eNrbuRgAAhcB", "!"] {
            assert!(unfold(bad).is_none(), "{bad}");
        }
    }
}
