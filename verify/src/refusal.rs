//! Why a token is refused, in plain words for a log or a developer. No part of the token is in it.

use std::fmt;

/// A part of a token (RFC 7515 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The first part: algorithm, type, key id.
    Header,
    /// The second part: what the token says.
    Claims,
    /// The third part.
    Signature,
}

/// Why a token is refused. All but [`Refusal::UnknownKey`] are final for this token and key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Longer than 16 KiB.
    TooLong,
    /// Not three parts with two dots between (RFC 7515 7.1).
    Shape,
    /// A part is not canonical base64url: padding, other letters, or stray bits at the end.
    Base64(Part),
    /// A part is not a JSON object.
    Json(Part),
    /// A part names a member twice.
    Doubled(Part),
    /// The header carries a member that would choose keys or rules for us (RFC 7515 4.1).
    HeaderMember(&'static str),
    /// `typ` is not `at+jwt`: an ID token, perhaps, or a logout token (RFC 9068 4).
    Type,
    /// The key that the token names is not in the set. A newer set may have it.
    UnknownKey,
    /// The header names another algorithm than the one that the key is for (RFC 8725 3.1).
    Algorithm,
    /// The signature does not fit.
    Signature,
    /// A claim that must be there is missing, or has the wrong type.
    Claim(&'static str),
    /// Signed for another issuer.
    Issuer,
    /// Meant for another service.
    Audience,
    /// Its time is over.
    Expired,
    /// Its time has not begun: `nbf` or `iat` lies in the future.
    NotYet,
    /// What it stands for was ended before its time (Token Status List).
    Ended,
    /// It is bound to its holder's key (`cnf`), and a bearer check cannot see the proof.
    Bound,
    /// It is not bound to a key, so that a proof beside it proves nothing (RFC 9449 7.1).
    NotBound,
    /// The proof beside it is not good, and why (RFC 9449 4.3). Answer `invalid_dpop_proof`.
    Proof(&'static str),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Claims => "claims",
            Self::Signature => "signature",
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("the token is longer than 16 KiB"),
            Self::Shape => f.write_str("this is not a signed token: it must have three parts"),
            Self::Base64(part) => write!(f, "the token's {part} is not written in base64url"),
            Self::Json(part) => write!(f, "the token's {part} is not a JSON object"),
            Self::Doubled(part) => write!(f, "the token's {part} names a member twice"),
            Self::HeaderMember(name) => {
                write!(f, "the token's header has `{name}`, which is not accepted")
            }
            Self::Type => f.write_str("this is not an access token: `typ` is not `at+jwt`"),
            Self::UnknownKey => f.write_str("the token was signed with a key that is not known"),
            Self::Algorithm => f.write_str("the token names another algorithm than its key has"),
            Self::Signature => f.write_str("the token's signature does not fit"),
            Self::Claim(name) => write!(f, "the token's `{name}` is missing or has a wrong form"),
            Self::Issuer => f.write_str("the token comes from another issuer"),
            Self::Audience => f.write_str("the token is meant for another service"),
            Self::Expired => f.write_str("the token has run out"),
            Self::NotYet => f.write_str("the token is not good yet; compare the clocks"),
            Self::Ended => f.write_str("what the token stands for was ended"),
            Self::NotBound => f.write_str("the token is not bound to a key"),
            Self::Proof(why) => write!(f, "the proof is not good: {why}"),
            Self::Bound => f.write_str("the token is bound to a key that was not proved"),
        }
    }
}

impl std::error::Error for Refusal {}
