//! A bound token opens only with a proof of its key, for this request, at this time (RFC 9449).
#![allow(clippy::unwrap_used)]

mod sign;

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use gerege_verify::{Call, Keys, Proved, Refusal, Verifier};
use serde_json::{Value, json};
use sign::{AUDIENCE, ISSUER, NOW, Signer, b64, claims, now, set, with, without};

const URL: &str = "https://chat.steppe.example/rooms?page=2";

struct World {
    issuer: Signer,
    holder: Signer,
    verifier: Verifier,
    token: String,
}

/// The members that make the thumbprint.
fn bare(signer: &Signer) -> Value {
    let mut jwk = signer.jwk(None);
    for name in ["alg", "use"] {
        jwk.as_object_mut().unwrap().remove(name);
    }
    jwk
}

fn thumbprint(signer: &Signer) -> String {
    b64(digest(&SHA256, bare(signer).to_string().as_bytes()))
}

fn token(issuer: &Signer, holder: &Signer) -> String {
    let bound = with(claims(), "cnf", json!({ "jkt": thumbprint(holder) }));
    issuer.sign(&issuer.header("e"), &bound)
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let (issuer, holder) = (Signer::ec(), Signer::ec());
    let keys = Keys::from_jwks(&set(&[issuer.jwk(Some("e"))])).unwrap();
    World {
        verifier: Verifier::new(ISSUER, AUDIENCE, keys),
        token: token(&issuer, &holder),
        issuer,
        holder,
    }
});

fn header(holder: &Signer) -> Value {
    json!({ "typ": "dpop+jwt", "alg": holder.alg(), "jwk": bare(holder) })
}

fn says(token: &str) -> Value {
    let ath = b64(digest(&SHA256, token.as_bytes()));
    json!({ "jti": "p1", "htm": "GET", "htu": "https://chat.steppe.example/rooms", "iat": NOW, "ath": ath })
}

fn check(token: &str, proof: &str) -> Result<Proved, Refusal> {
    let call = Call {
        proof,
        method: "GET",
        url: URL,
    };
    WORLD.verifier.check_dpop(token, &call, now())
}

#[test]
fn a_bound_token_opens_with_a_proof_of_its_key() {
    for holder in [Signer::ec(), Signer::ed(), Signer::rsa()] {
        let token = token(&WORLD.issuer, &holder);
        let proof = holder.sign(&header(&holder), &with(says(&token), "nonce", json!("n")));
        let proved = check(&token, &proof).unwrap();
        assert_eq!(proved.claims.sub, "8f3kq");
        assert_eq!(proved.jkt, thumbprint(&holder));
        assert_eq!(proved.jti, "p1");
        assert_eq!(proved.nonce.as_deref(), Some("n"));
        assert_eq!(proved.until, sign::at(NOW + 90));
    }
    let rsa = Signer::rsa();
    let token = token(&WORLD.issuer, &rsa);
    let head = with(header(&rsa), "alg", json!("PS256"));
    let message = format!(
        "{}.{}",
        b64(head.to_string()),
        b64(says(&token).to_string())
    );
    let proof = format!("{message}.{}", b64(rsa.sign_pss(message.as_bytes())));
    assert!(check(&token, &proof).is_ok());
    let ed = Signer::ed();
    let token = self::token(&WORLD.issuer, &ed);
    let proof = ed.sign(&with(header(&ed), "alg", json!("Ed25519")), &says(&token));
    assert!(check(&token, &proof).is_ok());
}

#[test]
fn a_bound_token_is_no_bearer_token_and_the_other_way_round() {
    let w = &*WORLD;
    assert_eq!(w.verifier.check(&w.token, now()), Err(Refusal::Bound));
    let loose = w.issuer.sign(&w.issuer.header("e"), &claims());
    let proof = w.holder.sign(&header(&w.holder), &says(&loose));
    assert_eq!(check(&loose, &proof), Err(Refusal::NotBound));
    let by_certificate = with(claims(), "cnf", json!({ "x5t#S256": "abc" }));
    let token = w.issuer.sign(&w.issuer.header("e"), &by_certificate);
    let proof = w.holder.sign(&header(&w.holder), &says(&token));
    assert_eq!(check(&token, &proof), Err(Refusal::Bound));
}

#[test]
fn a_proof_is_for_this_request_this_token_and_this_time() {
    let w = &*WORLD;
    let good = says(&w.token);
    let table = [
        ("htm", json!("GET"), true),
        ("htm", json!("get"), false),
        ("htm", json!("POST"), false),
        (
            "htu",
            json!("HTTPS://chat.STEPPE.example:443/rooms#x"),
            true,
        ),
        ("htu", json!("https://chat.steppe.example/rooms/"), false),
        ("htu", json!("https://chat.steppe.example/room"), false),
        ("htu", json!("https://chat.steppe.example"), false),
        ("htu", json!("http://chat.steppe.example/rooms"), false),
        (
            "htu",
            json!("https://chat.steppe.example:8443/rooms"),
            false,
        ),
        (
            "htu",
            json!("https://chat.steppe.example@evil.example/rooms"),
            false,
        ),
        ("htu", json!("/rooms"), false),
        ("htu", json!(1), false),
        ("ath", json!(b64(digest(&SHA256, b"another"))), false),
        ("ath", json!(""), false),
        ("iat", json!(NOW + 30), true),
        ("iat", json!(NOW + 31), false),
        ("iat", json!(NOW - 89), true),
        ("iat", json!(NOW - 90), false),
        ("iat", json!(NOW as f64 + 0.5), true),
        ("iat", json!("1800000000"), false),
        ("jti", json!(""), false),
        ("jti", json!("a".repeat(257)), false),
        ("nonce", json!(1), false),
    ];
    for (name, value, fits) in table {
        let proof = w
            .holder
            .sign(&header(&w.holder), &with(good.clone(), name, value.clone()));
        assert_eq!(check(&w.token, &proof).is_ok(), fits, "{name} {value}");
    }
    for name in ["htm", "htu", "ath", "iat", "jti"] {
        let proof = w
            .holder
            .sign(&header(&w.holder), &without(good.clone(), name));
        assert!(
            matches!(check(&w.token, &proof), Err(Refusal::Proof(_))),
            "{name}"
        );
    }
}

#[test]
fn a_forged_proof_is_refused() {
    let w = &*WORLD;
    let (head, says) = (header(&w.holder), says(&w.token));
    let good = w.holder.sign(&head, &says);
    assert!(check(&w.token, &good).is_ok());
    // RFC 7515 4: what is not understood says nothing.
    for (name, value) in [
        ("tx_id", json!("1")),
        ("x5t", json!("AA")),
        ("kid", json!("1")),
        ("more", json!({ "crit": [] })),
    ] {
        let proof = w.holder.sign(&with(head.clone(), name, value), &says);
        assert!(check(&w.token, &proof).is_ok(), "{name}");
    }
    let other = Signer::ec();
    let mut forged = vec![
        // By another key, and by another key in this one's name.
        other.sign(&header(&other), &says),
        other.sign(&head, &says),
        w.token.clone(),
        good.replace('.', ""),
        format!("{good}="),
        format!("{good}.x"),
        String::new(),
        "..".to_owned(),
    ];
    for alg in [
        "none", "None", "NONE", "nOnE", "HS256", "RS256", "ES384", "EdDSA",
    ] {
        forged.push(w.holder.sign(&with(head.clone(), "alg", json!(alg)), &says));
    }
    for typ in ["JWT", "at+jwt", "DPOP+JWT", "text/dpop+jwt"] {
        forged.push(w.holder.sign(&with(head.clone(), "typ", json!(typ)), &says));
    }
    for (name, value) in [
        ("crit", json!(["b64"])),
        ("b64", json!(false)),
        ("enc", json!("A128GCM")),
        ("zip", json!("DEF")),
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/chain")),
        ("x5c", json!(["AA"])),
        ("jwk", json!("https://evil.example/key")),
        ("jwk", json!({ "kty": "oct", "k": "AA" })),
        ("jwk", with(bare(&w.holder), "d", json!("AA"))),
        ("jwk", with(bare(&w.holder), "crv", json!("P-384"))),
        ("jwk", without(bare(&w.holder), "y")),
    ] {
        forged.push(w.holder.sign(&with(head.clone(), name, value), &says));
    }
    let doubled = says
        .to_string()
        .replacen("\"htm\"", "\"htm\":\"POST\",\"htm\"", 1);
    forged.push(w.holder.sign_text(&head.to_string(), &doubled));
    let [header, body, _] = good.split('.').collect::<Vec<_>>()[..] else {
        unreachable!()
    };
    forged.push(format!("{header}.{body}.{}", b64([0; 64])));
    forged.push(format!("{header}.{body}."));
    for proof in forged {
        assert!(
            matches!(check(&w.token, &proof), Err(Refusal::Proof(_))),
            "{proof}"
        );
    }
}
