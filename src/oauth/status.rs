//! Token Status List (draft-ietf-oauth-status-list-20): what of a service's tokens was ended,
//! as a bit each in a signed list that the service reads again and again. Section numbers are its
//! own.

use std::io::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::{Compression, write::ZlibEncoder};
use serde_json::{Map, Value, json};

use crate::clock::Time;

/// The last place of a list.
pub const LAST: u16 = u16::MAX;
/// Lists of one service: four million tokens that live at the same time.
pub const LISTS: i64 = 64;
/// How long a reader keeps a list: `ttl` (5.1).
pub const TTL: Duration = Duration::from_secs(5);
/// How long a list may be believed while no newer one can be had: `exp` (5.1).
pub const LIFE: Duration = Duration::from_secs(300);
/// How long a place stays taken after its token's end: as far as clocks may be apart.
pub const AFTER: Duration = Duration::from_secs(120);
/// `typ` of a list (5.1).
pub const TYP: &str = "statuslist+jwt";
/// The kind of document that it is sent as (8.2).
pub const SENT_AS: &str = "application/statuslist+jwt";

/// Where the status of a token stands (6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of the list.
    pub list: i64,
    /// The place in it.
    pub idx: i64,
}

/// Where a list lies; its name, too (`uri` in 6.2, `sub` in 5.1).
pub fn uri(house: &str, service_id: &str, list: i64) -> String {
    let root = house.trim_end_matches('/');
    format!("{root}/services/{service_id}/status/{list}")
}

/// The claim `status` of a token (6.2).
pub fn claim(house: &str, service_id: &str, place: Place) -> Value {
    let uri = uri(house, service_id, place.list);
    json!({ "status_list": { "idx": place.idx, "uri": uri } })
}

/// The service and the place that the claim `status` (6.2) of a token of ours names.
pub fn named<'a>(house: &str, claim: &'a Value) -> Option<(&'a str, Place)> {
    let at = claim.get("status_list")?;
    let root = house.trim_end_matches('/');
    let rest = at.get("uri")?.as_str()?.strip_prefix(root)?;
    let (service_id, list) = rest.strip_prefix("/services/")?.split_once("/status/")?;
    let (list, idx) = (list.parse().ok()?, at.get("idx")?.as_i64()?);
    Some((service_id, Place { list, idx }))
}

/// The claims of a list (5.1) in which the tokens at `ended` are invalid and all others valid.
pub fn list(house: &str, uri: &str, ended: &[i64], now: Time) -> Map<String, Value> {
    let fields = [
        ("iss", json!(house)),
        ("sub", json!(uri)),
        ("iat", json!(now.seconds())),
        ("exp", json!(now.plus(LIFE).seconds())),
        ("ttl", json!(TTL.as_secs())),
        (
            "status_list",
            json!({ "bits": 1, "lst": URL_SAFE_NO_PAD.encode(squeeze(&bits(ended))) }),
        ),
    ];
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// One bit for each place, the lowest of a byte first (4.1). The length is always the same: it
/// tells nobody how many tokens there are.
fn bits(ended: &[i64]) -> Vec<u8> {
    let mut bytes = vec![0; usize::from(LAST / 8) + 1];
    for place in ended.iter().filter_map(|idx| usize::try_from(*idx).ok()) {
        if let Some(byte) = bytes.get_mut(place / 8) {
            *byte |= 1 << (place % 8);
        }
    }
    bytes
}

/// DEFLATE in the ZLIB format, as small as it gets (4.1).
fn squeeze(bytes: &[u8]) -> Vec<u8> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail.
    let _ = zlib.write_all(bytes);
    zlib.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn unfold(claims: &Map<String, Value>) -> Vec<u8> {
        let lst = claims["status_list"]["lst"].as_str().unwrap();
        let zlib = URL_SAFE_NO_PAD.decode(lst).unwrap();
        let mut bytes = Vec::new();
        flate2::read::ZlibDecoder::new(zlib.as_slice())
            .read_to_end(&mut bytes)
            .unwrap();
        bytes
    }

    // 4.1, with its example
    #[test]
    fn the_lowest_bit_of_a_byte_comes_first() {
        let bytes = bits(&[0, 3, 4, 5, 7, 8, 9, 13, 15]);
        assert_eq!(bytes[..2], [0xb9, 0xa3]);
        assert!(bytes[2..].iter().all(|byte| *byte == 0));
        assert_eq!(bytes.len(), 8192);
    }

    #[test]
    fn a_list_says_what_it_is_and_how_long_it_is_good() {
        let now = Time::from_seconds(1_800_000_000);
        let name = uri("https://id.steppe.example/", "chat", 3);
        assert_eq!(name, "https://id.steppe.example/services/chat/status/3");
        let last = i64::from(LAST);
        let claims = list("https://id.steppe.example", &name, &[9, last], now);
        assert_eq!(claims["sub"], name);
        assert_eq!(claims["iat"], 1_800_000_000);
        assert_eq!(claims["exp"], 1_800_000_300);
        assert_eq!(claims["ttl"], 5);
        assert_eq!(claims["status_list"]["bits"], 1);
        let bytes = unfold(&claims);
        assert_eq!((bytes[1], bytes[8191]), (2, 128));
        // A place that is none changes nothing.
        assert_eq!(unfold(&list("", &name, &[last + 1, -1], now)), bits(&[]));
        let place = Place { list: 3, idx: 9 };
        let told = claim("https://id.steppe.example", "chat", place);
        assert_eq!(told["status_list"]["uri"], name);
        let house = "https://id.steppe.example";
        assert_eq!(named(house, &told), Some(("chat", place)));
        assert_eq!(named("https://other.example", &told), None);
    }
}
