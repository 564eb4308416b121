//! Authorization requests that go no further: what a page says, and what is sent back.

use std::time::Duration;

use super::error::Problem;
use super::jarm::Answer;
use super::redirect::{Delivery, Difference, RedirectUri};

/// Why a page is shown and nothing is sent anywhere (RFC 6749 4.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageError {
    /// No `client_id`.
    ClientMissing,
    /// No such client.
    ClientUnknown {
        /// What was sent.
        client_id: String,
    },
    /// A reference to a pushed request that is another client's, was used, or has run out (RFC
    /// 9126 4).
    PushedGone {
        /// The client that was named.
        client_id: String,
    },
    /// Whoever asks has not been read, and may not be before this time has passed.
    Slow(Duration),
    /// No `redirect_uri` where one is needed.
    RedirectMissing,
    /// An address that is not on file (UX.md C3).
    RedirectUnknown {
        /// The client, for the command that would register it.
        client_id: String,
        /// What was sent.
        asked: String,
        /// All on file.
        on_file: Vec<String>,
        /// The one on file that agrees longest, and the first difference from it.
        nearest: Option<(String, Difference)>,
    },
}

/// A request that goes no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Shown to the person, never redirected.
    Page(PageError),
    /// Sent back to the client.
    Redirect {
        /// Where to.
        to: RedirectUri,
        /// How it travels.
        delivery: Delivery,
        /// What was wrong.
        problem: Problem,
        /// To be sent back as it is.
        state: Option<String>,
    },
}

impl Refusal {
    /// What the client is told; nothing where a page is shown.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Page(_) => None,
            Self::Redirect { problem, .. } => Some(problem),
        }
    }

    /// The answer to the client (RFC 6749 4.1.2.1, RFC 9207 2), or what the page must say.
    ///
    /// # Errors
    /// The page error, where nothing may be sent back.
    pub fn answer(&self, issuer: &str) -> Result<Answer, &PageError> {
        match self {
            Self::Page(error) => Err(error),
            Self::Redirect {
                to,
                delivery,
                problem,
                state,
            } => Ok(Answer::new(
                to,
                *delivery,
                &[
                    ("error", problem.code.name()),
                    ("error_description", problem.description.as_str()),
                ],
                state.as_deref(),
                issuer,
            )),
        }
    }
}
