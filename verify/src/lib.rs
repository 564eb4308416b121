//! How other Rust services check the access tokens that a Gerege server signs (RFC 9068).
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use gerege_verify::{Keys, Verifier};
//!
//! let keys = Keys::from_jwks(&std::fs::read_to_string("jwks.json")?)?;
//! let verifier = Verifier::new("https://id.steppe.example", "chat", keys);
//! # let token = "";
//! let claims = verifier.check(token, std::time::SystemTime::now())?;
//! println!("{} may {}", claims.sub, claims.scopes.join(", "));
//! # Ok(())
//! # }
//! ```
//!
//! There is no clock inside: the present comes in as `now`. With the feature `fetch`, [`Remote`]
//! loads the key set itself and keeps it fresh while keys rotate, and, where tokens name
//! their place in a status list, learns within seconds of one that was ended.
//!
//! Map: `json` refuses doubled members, `key` reads keys, `refusal` says why not, `claims` is
//! what a good token says, `verifier` checks, `dpop` checks the proof beside it, `remote` (feature
//! `fetch`) brings the keys, `status` and `lists` tell which tokens were ended before their time.

mod claims;
mod dpop;
mod json;
mod key;
#[cfg(feature = "fetch")]
mod lists;
mod refusal;
#[cfg(feature = "fetch")]
mod remote;
mod roca;
#[cfg(feature = "fetch")]
mod status;
#[cfg(test)]
#[path = "vectors_test.rs"]
mod vectors;
mod verifier;

pub use claims::Claims;
pub use dpop::{Call, Proved};
pub use key::{Algorithm, KeyError, Keys};
pub use refusal::{Part, Refusal};
// For its fuzz target; no part of what is promised.
#[cfg(feature = "fetch")]
pub use remote::{CheckError, FetchError, Remote};
#[cfg(feature = "fetch")]
#[doc(hidden)]
pub use status::{List as StatusList, Place as StatusPlace, place as status_place};
pub use verifier::Verifier;
