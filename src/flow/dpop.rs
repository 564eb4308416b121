//! Proofs of a key with each request (RFC 9449): judged, and taken once. The nonces are stateless:
//! each is the time it was made and a keyed tag.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::app::App;
use crate::clock::Time;
use crate::keys::{Master, Purpose, read_proof};
use crate::oauth::dpop::{Call, check, malformed, use_nonce};
use crate::oauth::error::Problem;
use crate::oauth::fapi;
use crate::rng::digest;
use crate::store::{self, Error};

/// How long a nonce is good.
const LIFE: Duration = Duration::from_secs(300);

/// A proof that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Thumbprint of the key.
    pub jkt: String,
    /// It was signed with an algorithm that FAPI does not take.
    pub weak: bool,
    /// The sender works with nonces: the answer carries the next one (RFC 9449 8.2).
    pub nonce: bool,
}

/// A proof that is good, if it was not used before: that is for [`take`] to say, which writes it
/// down. Anyone can make good proofs of keys of their own, so something else is looked at between.
#[must_use]
#[derive(Debug)]
pub struct Judged {
    /// What it proves once it is taken.
    pub proves: Taken,
    key: String,
    until: Time,
}

/// Judges a proof. `need_nonce` asks for a nonce of ours.
///
/// # Errors
/// `invalid_dpop_proof` or `use_dpop_nonce`.
pub fn judge(app: &App, proof: &str, call: &Call<'_>, need_nonce: bool) -> Result<Judged, Problem> {
    let now = app.clock.now();
    let read = read_proof(proof).ok_or_else(malformed)?;
    let id = check(&read.claims, call, now)?;
    let nonce = read.claims.nonce.as_deref();
    if nonce.map_or(need_nonce, |sent| !is_nonce(app.keys.master(), sent, now)) {
        return Err(use_nonce());
    }
    Ok(Judged {
        key: digest(&format!("dpop {} {}", read.jkt, id.jti)),
        until: id.until,
        proves: Taken {
            nonce: nonce.is_some(),
            weak: !fapi::is_allowed(&read.algorithm),
            jkt: read.jkt,
        },
    })
}

/// Takes a proof, once for all processes (RFC 9449 11.1).
///
/// # Errors
/// The outer one when the database does not answer; the inner one is `invalid_dpop_proof`.
pub async fn take(app: &App, judged: Judged) -> Result<Result<Taken, Problem>, Error> {
    let Judged { proves, key, until } = judged;
    let first = app
        .store
        .write(move |c| store::counter::see_once(c, &key, until))
        .await?;
    Ok(if first {
        Ok(proves)
    } else {
        Err(crate::oauth::dpop::used_before())
    })
}

/// A nonce for the header `DPoP-Nonce`.
pub fn nonce(app: &App) -> String {
    make(app.keys.master(), app.clock.now())
}

fn make(master: &Master, now: Time) -> String {
    let made = now.millis().to_be_bytes();
    let tag = master.mac(Purpose::Nonce, &[&made]);
    URL_SAFE_NO_PAD.encode([&made[..], &tag[..16]].concat())
}

fn is_nonce(master: &Master, text: &str, now: Time) -> bool {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(text) else {
        return false;
    };
    let Some((made, tag)) = bytes.split_first_chunk::<8>() else {
        return false;
    };
    let right = master.mac(Purpose::Nonce, &[made]);
    let ours = aws_lc_rs::constant_time::verify_slices_are_equal(&right[..16], tag).is_ok();
    let made = Time::from_millis(i64::from_be_bytes(*made));
    // Another process may have made it, whose clock is a little ahead.
    ours && now.since(made) <= LIFE && made.since(now) <= LIFE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_ours_and_good_for_five_minutes() {
        let master = Master::new(&[4; 32]);
        let now = Time::from_seconds(1_800_000_000);
        let nonce = make(&master, now);
        assert!(is_nonce(&master, &nonce, now));
        assert!(is_nonce(&master, &nonce, now.plus(LIFE)));
        assert!(!is_nonce(
            &master,
            &nonce,
            now.plus(LIFE + Duration::from_millis(1))
        ));
        assert!(!is_nonce(&Master::new(&[5; 32]), &nonce, now));
        for bad in ["", "AAAA", "!", &nonce[1..], &format!("{nonce}A")] {
            assert!(!is_nonce(&master, bad, now), "{bad}");
        }
    }
}
