//! What others sign: requests (RFC 9101), proofs that a key is held (RFC 9449), and the lists of
//! ended tokens that services read with `gerege-verify`.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gerege::keys::{read_proof, read_signed};
use gerege::oauth::dpop::{Call, check};
use gerege::oauth::request_object::{TYPES, read, read_backchannel};
use gerege::oauth::status;
use gerege::rng::digest;
use gerege_verify::{Keys, StatusList, Verifier, status_place};
use serde_json::{Map, Value, json};
use url::Url;

use super::registered::{ISSUER, NOW};
use super::signer::{KEYS, Written, written};
use super::{oauth, text};
use crate::Depth;

pub const REQUEST: &[&str] = &[
    "\"alg\":\"EdDSA\"",
    "\"alg\":\"Ed25519\"",
    "\"alg\":\"RS256\"",
    "\"alg\":\"none\"",
    "\"typ\":\"oauth-authz-req+jwt\"",
    "\"typ\":\"application/oauth-authz-req+jwt\"",
    "\"typ\":\"JWT\"",
    "\"kid\":\"ed\"",
    "\"crit\":[\"exp\"]",
    "\"x5t\":\"AA\"",
    "\"iss\":\"forum\"",
    "\"client_id\":\"forum\"",
    "\"aud\":\"https://id.steppe.example\"",
    "\"aud\":[\"https://id.steppe.example\"]",
    "\"exp\":1800000060",
    "\"exp\":1800003660",
    "\"iat\":1800000000",
    "\"nbf\":1800000060",
    "\"jti\":\"t\"",
    "\"sub\":\"forum\"",
    "\"request\":\"x\"",
    "\"request_uri\":\"x\"",
    "\"redirect_uri\":\"https://forum.example/back\"",
    "\"response_type\":\"code\"",
    "\"scope\":\"openid chat\"",
    "\"resource\":[\"https://chat.example\"]",
    "\"claims\":{\"userinfo\":{\"name\":null}}",
    "\"authorization_details\":[{\"type\":\"room\"}]",
    "\"max_age\":300",
    "\"prompt\":\"none\"",
    "\"state\":\"s\"",
    "1800000060.5",
    "1e300",
    "-1",
    "null",
    "true",
    "[]",
    "{}",
    "\\u0000",
    "\\ud800",
];

static JWKS: LazyLock<String> = LazyLock::new(|| KEYS.jwks());

/// What the signature stands for, and the header agrees with. `Ed25519` is another name.
fn algorithm_agrees(written: &Written<'_>, header: &Value) -> bool {
    let algorithm = written.algorithm().expect("the signature cannot be right");
    header["alg"] == algorithm || algorithm == "EdDSA" && header["alg"] == "Ed25519"
}

fn short(header: &Value) -> &str {
    let typ = header["typ"].as_str().unwrap_or_default();
    match typ.split_once('/') {
        Some((kind, rest)) if kind.eq_ignore_ascii_case("application") => rest,
        _ => typ,
    }
}

/// A number that prints as another one when it is read again tells nothing here.
fn has_float(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(all) => all.iter().any(has_float),
        Value::Object(all) => all.values().any(has_float),
        _ => false,
    }
}

/// A request object of `forum`: the key's name, the header and the claims, a line each.
pub fn request_object(input: &[u8]) -> Depth {
    let text = text!(input);
    let Some(written) = written(text) else {
        return Depth::Door;
    };
    let Ok(payload) = read_signed(&JWKS, &written.token, &TYPES) else {
        return Depth::Judged;
    };
    let header: Value = serde_json::from_str(written.header).unwrap();
    assert!(algorithm_agrees(&written, &header), "{header}");
    let typed = TYPES
        .iter()
        .any(|one| one.eq_ignore_ascii_case(short(&header)));
    assert!(typed || header.get("typ").is_none_or(Value::is_null));
    for name in ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc"] {
        assert!(header.get(name).is_none(), "{name} in {header}");
    }
    assert_eq!(payload, written.claims.as_bytes());
    let asked_back = read_backchannel(&payload, "forum", ISSUER, NOW);
    if let Ok(asked) = &asked_back {
        let said = judged(&payload);
        assert!(said.contains_key("exp"), "no end");
        assert!(said["jti"] == asked.jti.as_str() && !asked.jti.is_empty());
        for name in ["iat", "nbf"] {
            let at = said[name].as_f64().expect("a time");
            assert!(
                at > (NOW.seconds() - 3661) as f64,
                "{name} is long ago: {at}"
            );
        }
        let late = read_backchannel(&payload, "forum", ISSUER, asked.until);
        assert!(late.is_err(), "good for longer than it is remembered");
        for name in ["iss", "aud", "exp", "nbf", "iat", "jti", "sub"] {
            assert!(!asked.params.has(name), "{name} is no parameter");
        }
    }
    let Ok(request) = read(&payload, "forum", ISSUER, NOW) else {
        return match asked_back {
            Ok(_) => Depth::Accepted,
            Err(_) => Depth::Judged,
        };
    };
    let said = judged(&payload);
    assert!(request.signed && !request.pushed);
    assert_eq!(said["client_id"], "forum");
    assert_eq!(request.client_id.as_deref(), Some("forum"));
    for (name, value) in [("state", &request.state), ("nonce", &request.nonce)] {
        if let Some(text) = said.get(name).and_then(Value::as_str) {
            let wanted = Some(text).filter(|text| !text.is_empty());
            assert_eq!(value.as_deref(), wanted, "{name}");
        }
    }
    if !said.values().any(has_float) {
        let again = serde_json::to_vec(&said).unwrap();
        assert!(read(&again, "forum", ISSUER, NOW).unwrap() == request);
    }
    if let Some(end) = said.get("exp") {
        let end = end.as_f64().unwrap() as u64 + 61;
        let late = gerege::clock::Time::default().plus(Duration::from_secs(end));
        assert!(read(&payload, "forum", ISSUER, late).is_err());
    }
    assert!(read(&payload, "robot", ISSUER, NOW).is_err());
    if said["aud"].is_string() {
        assert!(read(&payload, "forum", "https://evil.example", NOW).is_err());
    }
    oauth::asked(&request);
    Depth::Accepted
}

/// What every request object that is taken says.
fn judged(payload: &[u8]) -> Map<String, Value> {
    let said: Map<String, Value> = serde_json::from_slice(payload).unwrap();
    assert_eq!(said["iss"], "forum");
    let aud = &said["aud"];
    assert!(
        aud == ISSUER
            || aud
                .as_array()
                .is_some_and(|all| all.contains(&ISSUER.into())),
        "{aud}"
    );
    for name in ["sub", "request", "request_uri"] {
        assert!(!said.contains_key(name), "{name}");
    }
    let now = NOW.seconds() as f64;
    if let Some(exp) = said.get("exp") {
        let exp = exp.as_f64().expect("an end");
        assert!(exp > now - 60.0 && exp < now + 3661.0, "{exp}");
    }
    for name in ["iat", "nbf"] {
        if let Some(at) = said.get(name) {
            assert!(at.as_f64().expect("a time") < now + 61.0, "{name}");
        }
    }
    said
}

pub const PROOF: &[&str] = &[
    "{ed}",
    "{ec}",
    "{rsa}",
    "{ath}",
    "ed\n",
    "ec\n",
    "rsa\n",
    "\"typ\":\"dpop+jwt\"",
    "\"typ\":\"application/dpop+jwt\"",
    "\"typ\":\"JWT\"",
    "\"alg\":\"EdDSA\"",
    "\"alg\":\"Ed25519\"",
    "\"alg\":\"ES256\"",
    "\"alg\":\"none\"",
    "\"kid\":\"ed\"",
    "\"tx_id\":\"1\"",
    "\"zip\":\"DEF\"",
    "\"d\":\"AAAA\"",
    "\"jwk\":",
    "\"htm\":\"POST\"",
    "\"htm\":\"GET\"",
    "\"htu\":\"https://id.steppe.example/oauth2/token\"",
    "HTTPS://ID.steppe.example:443/oauth2/../oauth2/token?a#b",
    "\"iat\":1800000000",
    "\"ath\":\"{ath}\"",
    "\"nonce\":\"n\"",
    "\"jti\":\"1\"",
    "1799999881",
    "1800000060.5",
    "null",
    "\\u0000",
    "%2e",
    "@",
];

const CALLED: &str = "https://id.steppe.example/oauth2/token";
const AUDIENCE: &str = "https://chat.example";

static VERIFIER: LazyLock<Verifier> =
    LazyLock::new(|| Verifier::new(ISSUER, AUDIENCE, Keys::from_jwks(&JWKS).unwrap()));

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW.seconds() as u64)
}

/// RFC 7638 3: the members that are required, in order, without spaces.
fn thumbprint(name: &str) -> String {
    let jwk: BTreeMap<String, Value> = serde_json::from_value(KEYS.jwk(name)).unwrap();
    digest(&serde_json::to_string(&jwk).unwrap())
}

/// An access token bound to each key, and who holds it.
static BOUND: LazyLock<[(&str, String, String); 3]> = LazyLock::new(|| {
    ["ed", "ec", "rsa"].map(|name| {
        let jkt = thumbprint(name);
        let claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "a", "client_id": "desk", "jti": "t",
            "iat": NOW.seconds(), "exp": NOW.seconds() + 600, "cnf": { "jkt": jkt },
        });
        let header = r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed"}"#;
        let text = format!("ed\n{header}\n{claims}");
        let token = written(&text).unwrap().token;
        (name, jkt, token)
    })
});

/// A proof: the key's name, the header and the claims, a line each. Names in braces stand for
/// public keys and for the hash of the access token.
pub fn dpop(input: &[u8]) -> Depth {
    let text = text!(input);
    let signs = text.lines().next().unwrap_or_default();
    let bound = BOUND.iter().find(|(name, ..)| *name == signs);
    let (_, jkt, token) = bound.unwrap_or(&BOUND[0]);
    let mut filled = text.replace("{ath}", &digest(token));
    for (name, ..) in BOUND.iter() {
        filled = filled.replace(&format!("{{{name}}}"), &KEYS.jwk(name).to_string());
    }
    let Some(written) = written(&filled) else {
        return Depth::Door;
    };
    let shown = gerege_verify::Call {
        proof: &written.token,
        method: "POST",
        url: CALLED,
    };
    let elsewhere = VERIFIER.check_dpop(token, &shown, now());
    let Some(proof) = read_proof(&written.token) else {
        assert!(elsewhere.is_err(), "a service takes what we do not read");
        return Depth::Judged;
    };
    let header: Value = serde_json::from_str(written.header).unwrap();
    assert!(algorithm_agrees(&written, &header), "{header}");
    assert!(header["alg"] == proof.algorithm.as_str() && short(&header) == "dpop+jwt");
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        assert!(
            header["jwk"].get(name).is_none_or(Value::is_null),
            "a secret"
        );
    }
    for name in ["jku", "x5u", "x5c", "crit", "b64", "zip", "enc"] {
        assert!(header.get(name).is_none(), "{name} in {header}");
    }
    assert_eq!(proof.jkt, *jkt, "another key than the one that signed");
    let mut depth = Depth::Judged;
    for access_token in [None, Some(token.as_str())] {
        let call = Call {
            method: "POST",
            url: CALLED,
            access_token,
        };
        let Ok(id) = check(&proof.claims, &call, NOW) else {
            continue;
        };
        depth = Depth::Accepted;
        let said = &proof.claims;
        assert!(id.jti == said.jti && !id.jti.is_empty() && id.jti.len() <= 256);
        assert_eq!(said.htm, "POST");
        let mut told = Url::parse(&said.htu).unwrap();
        told.set_query(None);
        told.set_fragment(None);
        assert_eq!(told.as_str(), CALLED);
        let made = said.iat.as_f64().unwrap() - NOW.seconds() as f64;
        assert!(made > -120.0 && made < 61.0, "{made}");
        if access_token.is_some() {
            assert_eq!(said.ath, Some(digest(token)));
        }
        assert!(id.until > NOW && check(said, &call, id.until).is_err());
        for other in [
            Call {
                method: "GET",
                ..call
            },
            Call {
                url: "https://id.steppe.example/oauth2/par",
                ..call
            },
            Call {
                access_token: Some("other"),
                ..call
            },
        ] {
            assert!(check(said, &other, NOW).is_err());
        }
    }
    let call = Call {
        method: "POST",
        url: CALLED,
        access_token: Some(token),
    };
    if let Ok(proved) = elsewhere {
        assert!(proved.jkt == proof.jkt && proved.jti == proof.claims.jti);
        assert!(
            check(&proof.claims, &call, NOW).is_ok(),
            "a service takes what we refuse"
        );
    }
    depth
}

pub const LIST: &[&str] = &[
    "{lst}",
    "0",
    "7",
    "65535",
    "65536",
    "-1",
    "\"typ\":\"statuslist+jwt\"",
    "\"typ\":\"application/statuslist+jwt\"",
    "\"typ\":\"at+jwt\"",
    "\"alg\":\"EdDSA\"",
    "\"alg\":\"none\"",
    "\"kid\":\"ed\"",
    "\"iss\":\"https://id.steppe.example\"",
    "\"sub\":\"https://id.steppe.example/services/chat/status/0\"",
    "\"iat\":1800000000",
    "\"exp\":1800000300",
    "\"ttl\":5",
    "\"ttl\":86400",
    "\"bits\":1",
    "\"bits\":8",
    "\"lst\":\"eNrbuRgAAhcBXQ\"",
    "\"status\":{\"status_list\":{\"idx\":3,\"uri\":\"https://id.steppe.example/services/chat/status/0\"}}",
    "\"idx\":3",
    "\"uri\":\"https://id.steppe.example/services/chat/status/1\"",
    "/services/",
    "/status/",
    "..",
    "1800000300.5",
    "null",
];

const PLACE: &str = "https://id.steppe.example/services/chat/status/0";
const LEEWAY: Duration = Duration::from_secs(30);

static TRUSTED: LazyLock<Keys> = LazyLock::new(|| Keys::from_jwks(&JWKS).unwrap());

/// A list: the places that were ended, the key's name, the header and the claims, a line each;
/// `{lst}` stands for the places. The claims are asked as a token's, too.
pub fn status_list(input: &[u8]) -> Depth {
    let text = text!(input);
    let Some((places, rest)) = text.split_once('\n') else {
        return Depth::Door;
    };
    let ended: Vec<i64> = places
        .split(' ')
        .filter_map(|place| place.parse().ok())
        .collect();
    let mut filled = rest.to_owned();
    let mut lst = String::new();
    if rest.contains("{lst}") {
        let list = status::list(ISSUER, PLACE, &ended, NOW);
        lst = list["status_list"]["lst"].as_str().unwrap().to_owned();
        filled = rest.replace("{lst}", &lst);
    }
    let Some(written) = written(&filled) else {
        return Depth::Door;
    };
    let mut depth = Depth::Judged;
    if let Ok(claims) = serde_json::from_str::<Map<String, Value>>(written.claims)
        && let Ok(Some(place)) = status_place(&claims, ISSUER)
    {
        depth = Depth::Accepted;
        // It is called: nothing but a list of the issuer's can stand there.
        let url = Url::parse(&place.uri).unwrap();
        assert_eq!(url.as_str(), place.uri);
        assert!(url.query().is_none() && url.fragment().is_none());
        assert!(place.uri.starts_with(&format!("{ISSUER}/services/")));
        assert_eq!(url.path_segments().unwrap().count(), 4, "{url}");
        assert_eq!(claims["status"]["status_list"]["idx"], place.idx);
    }
    let read = |uri: &str, at| StatusList::read(&written.token, uri, &TRUSTED, LEEWAY, at);
    let Some(list) = read(PLACE, now()) else {
        return depth;
    };
    let algorithm = written.algorithm().expect("the signature cannot be right");
    let header: Value = serde_json::from_str(written.header).unwrap();
    assert!(header["alg"] == algorithm && short(&header) == "statuslist+jwt");
    let said: Map<String, Value> = serde_json::from_str(written.claims).unwrap();
    assert!(said["sub"] == PLACE && said["status_list"]["bits"] == 1);
    assert!(list.ttl >= Duration::from_secs(1) && list.ttl <= Duration::from_secs(300));
    assert!(list.ends_at > now(), "it has run out");
    assert!(
        read(PLACE, list.ends_at).is_none(),
        "believed after its end"
    );
    assert!(read("https://id.steppe.example/services/files/status/0", now()).is_none());
    if said["status_list"]["lst"] == lst.as_str() {
        let good = |place: &i64| (0..=65_535).contains(place);
        for place in ended.iter().copied().chain([0, 1, 65_534, 65_535]) {
            if good(&place) {
                let wanted = Some(ended.contains(&place));
                assert_eq!(list.is_ended(place as u64), wanted, "{place}");
            }
        }
        assert_eq!(list.is_ended(65_536), None);
    }
    assert_eq!(list.is_ended(u64::MAX), None);
    Depth::Accepted
}
