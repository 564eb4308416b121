//! What became of a letter, for the page of the person who waits for it.

use crate::store::{Conn, Error, outbox};

/// How the sending goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// The other mail server's refusal, in its own words.
    pub refused: Option<String>,
    /// Our own mail does not get out at the moment.
    pub down: bool,
    /// The letter is not at the mail server yet.
    pub sending: bool,
}

impl Delivery {
    /// Of the newest letter about `what`: a draft, or a new address.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn of(c: &mut Conn<'_>, what: &str) -> Result<Self, Error> {
        let letter = outbox::newest_of(c, what)?;
        let said = letter
            .as_ref()
            .and_then(|letter| letter.said.clone())
            .unwrap_or_default();
        let open = letter.filter(|letter| letter.sent_at.is_none());
        let (failed, tried) = open.as_ref().map_or((false, false), |letter| {
            (letter.failed_at.is_some(), letter.said.is_some())
        });
        let sending = open.is_some() && !failed && !tried;
        // A refusal for good begins with the server's own code (RFC 5321 4.2.1).
        let refused = failed && said.starts_with('5');
        Ok(Self {
            // Not tried yet: what became of the one before says it.
            down: !refused && (failed || tried || sending && outbox::is_down(c)?),
            sending,
            refused: refused.then_some(said),
        })
    }
}
