//! The stories: what happens from a request to its answer. The only owners of transactions.

mod access;
mod answer;
pub mod authorize;
pub mod browser;
pub mod ciba;
pub mod client;
mod code;
pub mod delivery;
pub mod demo;
pub mod derived;
pub mod device;
pub mod document;
pub mod domain;
pub mod dpop;
pub mod exchange;
pub mod grants;
pub mod health;
pub mod hint;
pub mod keyring;
pub mod letter;
pub mod logout;
pub mod opaque;
pub mod operate;
pub mod pending;
pub mod presented;
pub mod pushed;
pub mod recover;
mod refresh;
pub mod register;
pub mod request;
pub mod request_object;
pub mod revoke;
pub mod settings;
pub mod shown;
pub mod signin;
pub mod signup;
pub mod sso;
pub mod status;
pub mod subject;
pub mod terms;
pub mod token;
pub mod waiting;

use std::net::IpAddr;

use crate::app::App;
use crate::clock::Time;
use crate::limit;
use crate::store::{Conn, Error, event};

/// Who is at the door, as far as a story needs to know.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The network address.
    pub address: IpAddr,
    /// The browser in words, such as `Firefox on Linux`; may be empty.
    pub agent: String,
    /// The language of pages and mails, such as `en`.
    pub language: String,
}

impl Visitor {
    /// The network, shortened for logs: a /24 or /48.
    pub fn network(&self) -> String {
        limit::network(self.address)
    }

    /// A line of the security log about this visitor. Drawn before the transaction.
    pub fn event(&self, app: &App, account_id: &str, kind: &str, now: Time) -> event::Event {
        event::Event {
            id: app.rng.id(),
            account_id: account_id.to_owned(),
            at: now.millis(),
            kind: kind.to_owned(),
            detail: serde_json::json!({ "device": self.agent, "network": self.network() })
                .to_string(),
        }
    }
}

/// What a stranger wrote, as a line of the log holds it: 200 bytes of it at most.
pub fn short(text: &str) -> &str {
    const LONGEST: usize = 200;
    &text[..text.floor_char_boundary(LONGEST)]
}

/// Ends a browser session and what does not outlive it, the same way from every door.
pub(crate) fn end_session(c: &mut Conn<'_>, sid: &str, now: Time) -> Result<bool, Error> {
    let ended = crate::store::browser::end(c, sid, now)?;
    crate::store::grant::revoke_session(c, sid, now)?;
    if ended {
        logout::tell(c, sid, now)?;
    }
    Ok(ended)
}
