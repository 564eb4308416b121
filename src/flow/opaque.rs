//! Codes and refresh tokens as they are handed out: a prefix, a secret, and a keyed tag, so that
//! a made-up one is refused without a read (PROTOCOL 5).

use aws_lc_rs::constant_time::verify_slices_are_equal;

use crate::app::App;
use crate::keys::{Master, Purpose};
use crate::oauth::error::{Code, Problem};
use crate::oauth::refresh::{Family, Shown};
use crate::oauth::token::Exchange;
use crate::rng::{Secret, digest};

/// Between the parts of a refresh token; in none of them.
const BETWEEN: char = '~';

/// What is handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An authorization code.
    Code,
    /// A refresh token: see [`Refresh`].
    Refresh,
    /// An initial access token (RFC 7591 1.2).
    Initial,
    /// A registration access token (RFC 7592 1.2).
    Manage,
    /// A device code.
    Device,
    /// An `auth_req_id` (CIBA 7.3).
    Ciba,
    /// The reference to a pushed authorization request.
    Pushed,
}

impl Kind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Code => "gc_",
            Self::Refresh => "gr_",
            Self::Initial => "gi_",
            Self::Manage => "gm_",
            Self::Device => "gd_",
            Self::Ciba => "gb_",
            Self::Pushed => "gp_",
        }
    }

    /// A secret as it is handed out.
    pub fn dress(self, master: &Master, secret: &Secret) -> String {
        self.tagged(master, &secret.reveal(), "")
    }

    fn tagged(self, master: &Master, secret: &str, rest: &str) -> String {
        let bare = format!("{}{secret}{rest}", self.prefix());
        let tag = tag(master, &bare);
        bare + &tag
    }

    /// Whether a text can be one of ours.
    pub fn is_ours(self, master: &Master, text: &str) -> bool {
        let Some((bare, sent)) = text.split_at_checked(text.len().saturating_sub(11)) else {
            return false;
        };
        bare.starts_with(self.prefix())
            && verify_slices_are_equal(tag(master, bare).as_bytes(), sent.as_bytes()).is_ok()
    }
}

/// A refresh token: beside its secret it tells its grant and its number among those of the grant.
#[derive(Clone, PartialEq, Eq)]
pub struct Refresh {
    text: String,
    grant_id: String,
    generation: i64,
}

impl Refresh {
    /// The first one of a grant.
    pub fn first(master: &Master, secret: &Secret, grant_id: &str) -> Self {
        Self::new(master, secret, grant_id, 0)
    }

    fn new(master: &Master, secret: &Secret, grant_id: &str, generation: i64) -> Self {
        let place = format!("{BETWEEN}{grant_id}{BETWEEN}{generation}{BETWEEN}");
        Self {
            text: Kind::Refresh.tagged(master, &secret.reveal(), &place),
            grant_id: grant_id.to_owned(),
            generation,
        }
    }

    /// Reads one of ours.
    pub fn read(master: &Master, text: &str) -> Option<Self> {
        if !Kind::Refresh.is_ours(master, text) {
            return None;
        }
        let mut parts = text.split(BETWEEN).skip(1);
        Some(Self {
            text: text.to_owned(),
            grant_id: parts.next()?.to_owned(),
            generation: parts.next()?.parse().ok()?,
        })
    }

    /// The one that follows it: always the same.
    pub fn successor(&self, master: &Master) -> Self {
        let generation = self.generation.saturating_add(1);
        let secret = master.successor(&self.text, &self.grant_id, generation);
        Self::new(master, &secret, &self.grant_id, generation)
    }

    /// As it is handed out.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// The grant that it belongs to.
    pub fn grant_id(&self) -> &str {
        &self.grant_id
    }

    /// Its place among those of its grant, before the one that follows it.
    pub fn shown(&self, successor: &Self) -> Shown {
        Shown {
            generation: self.generation,
            hash: digest(&self.text),
            successor: digest(&successor.text),
        }
    }

    /// Whether it is the one of its family that counts.
    pub fn counts(&self, family: &Family) -> bool {
        family.counts(self.generation, &digest(&self.text))
    }
}

/// Looks at the secrets in a token request before anything is written or counted for it: their
/// tags alone.
///
/// # Errors
/// `invalid_grant` for a made-up one.
pub fn check(app: &App, ask: &Exchange) -> Result<(), Problem> {
    let ours = |kind: Kind, secret: &str| kind.is_ours(app.keys.master(), secret);
    let good = match ask {
        Exchange::Code { code, .. } => ours(Kind::Code, code),
        Exchange::Refresh { token, .. } => Refresh::read(app.keys.master(), token).is_some(),
        Exchange::Device { code, .. } => ours(Kind::Device, code),
        Exchange::Ciba { id, .. } => ours(Kind::Ciba, id),
        Exchange::Trade(ask) => {
            super::presented::read(app, &ask.subject_token, app.clock.now()).is_some()
        }
        Exchange::Sso(ask) => super::sso::are_ours(app, ask),
        // It brings nothing but itself.
        Exchange::Machine { .. } => true,
    };
    if good {
        return Ok(());
    }
    let (code, why) = match ask {
        // RFC 8693 2.2.2
        Exchange::Trade(_) => (
            Code::InvalidRequest,
            "subject_token is unknown, has run out, or was ended",
        ),
        _ => (
            Code::InvalidGrant,
            "what was sent to be redeemed is unknown",
        ),
    };
    Err(Problem::new(code, why))
}

/// 66 bits: enough that guessing them costs more requests than anyone is answered.
fn tag(master: &Master, bare: &str) -> String {
    let mut tag = master.mac_text(Purpose::Refresh, &[b"tag", bare.as_bytes()]);
    tag.truncate(11);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn a_made_up_token_is_known_without_a_read() {
        let master = Master::new(&[9; 32]);
        let token = Refresh::first(&master, &Rng::seeded(1).secret(), "grant");
        let token = token.reveal();
        assert!(Kind::Refresh.is_ours(&master, token));
        assert!(!Kind::Code.is_ours(&master, token));
        assert!(!Kind::Refresh.is_ours(&Master::new(&[8; 32]), token));
        for bad in [
            "",
            "gr_",
            "é",
            &token[1..],
            &format!("{token}A"),
            &token[..token.len() - 1],
        ] {
            assert!(!Kind::Refresh.is_ours(&master, bad), "{bad}");
        }
    }

    #[test]
    fn a_refresh_token_tells_its_place_and_what_follows_it() {
        let master = Master::new(&[9; 32]);
        let first = Refresh::first(&master, &Rng::seeded(1).secret(), "grant");
        let mut token = first.clone();
        for generation in 0..12 {
            let read = Refresh::read(&master, token.reveal()).expect("ours");
            assert!(read == token && read.grant_id() == "grant");
            token = read.successor(&master);
            assert!(token == read.successor(&master) && token != read);
            let shown = read.shown(&token);
            assert_eq!(shown.generation, generation);
            assert_eq!(shown.hash, digest(read.reveal()));
            assert_eq!(shown.successor, digest(token.reveal()));
        }
        for (old, new) in [("~grant~", "~other~"), ("~0~", "~1~"), ("~0~", "~")] {
            let other = first.reveal().replace(old, new);
            assert!(Refresh::read(&master, &other).is_none(), "{other}");
        }
        // A code is tagged too, and tells no place.
        let code = Kind::Refresh.dress(&master, &Rng::seeded(1).secret());
        assert!(Refresh::read(&master, &code).is_none());
    }
}
