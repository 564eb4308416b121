//! Codes and refresh tokens as they are handed out: a prefix, a secret, and a keyed tag, so that
//! a made-up one is refused without a read (PROTOCOL 5).

use aws_lc_rs::constant_time::verify_slices_are_equal;

use crate::app::App;
use crate::keys::{Master, Purpose};
use crate::oauth::error::{Code, Problem};
use crate::oauth::token::Exchange;
use crate::rng::Secret;

/// What is handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An authorization code.
    Code,
    /// A refresh token.
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
        let bare = format!("{}{}", self.prefix(), secret.reveal());
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

/// Looks at the secrets in a token request before anything is written or counted for it: their
/// tags alone.
///
/// # Errors
/// `invalid_grant` for a made-up one.
pub fn check(app: &App, ask: &Exchange) -> Result<(), Problem> {
    let ours = |kind: Kind, secret: &str| kind.is_ours(app.keys.master(), secret);
    let good = match ask {
        Exchange::Code { code, .. } => ours(Kind::Code, code),
        Exchange::Refresh { token, .. } => ours(Kind::Refresh, token),
        Exchange::Device { code, .. } => ours(Kind::Device, code),
        Exchange::Trade(ask) => {
            super::presented::read(app, &ask.subject_token, app.clock.now()).is_some()
        }
        _ => true,
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
        let token = Kind::Refresh.dress(&master, &Rng::seeded(1).secret());
        assert!(Kind::Refresh.is_ours(&master, &token));
        assert!(!Kind::Code.is_ours(&master, &token));
        assert!(!Kind::Refresh.is_ours(&Master::new(&[8; 32]), &token));
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
}
