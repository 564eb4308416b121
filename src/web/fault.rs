//! Every way a request can end badly, as one type: a page with a reference number, or JSON
//! (RFC 6749 5.2) where programs ask.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};

use crate::oauth::error::Problem;
use crate::{hash, keys, page, store};

/// A request that ended badly. The guard turns it into what the asker can read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Fault {
    /// A known page by its name (`fault-NAME-…` in the locales).
    #[error("{1}")]
    Page(StatusCode, &'static str),
    /// A standard's refusal, as JSON.
    #[error("{0:?}")]
    Json(Problem),
    /// Too much at once: come again after a while.
    #[error("busy")]
    Busy(Duration),
    /// The database is away, or another program keeps it from us; the log has said so.
    #[error("not available")]
    Away,
    /// Too many from there: come again after a while.
    #[error("too many")]
    TooMany(Duration),
    /// Ours; the cause goes to the log only.
    #[error("broken")]
    Broken(String),
}

/// When to come again while the database is away.
const AGAIN: Duration = Duration::from_secs(5);

impl Fault {
    /// When to come again, if that helps.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Busy(wait) | Self::TooMany(wait) => Some((*wait).max(Duration::from_secs(1))),
            Self::Away => Some(AGAIN),
            Self::Page(..) | Self::Json(_) | Self::Broken(_) => None,
        }
    }

    /// 400: what came cannot be read.
    pub const fn unreadable() -> Self {
        Self::Page(StatusCode::BAD_REQUEST, "bad-request")
    }

    /// 404: nothing is here.
    pub const fn nothing() -> Self {
        Self::Page(StatusCode::NOT_FOUND, "not-found")
    }
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Busy(why) => {
                tracing::warn!(cause = why, "store.busy");
                // Another program holds the file: there is no queue of people.
                if why.contains("locked") {
                    return Self::Away;
                }
                Self::Busy(Duration::from_secs(2))
            }
            store::Error::Unready | store::Error::Stale => Self::Busy(Duration::from_secs(2)),
            store::Error::Away(_) => Self::Away,
            store::Error::Broken(why) => Self::Broken(why),
        }
    }
}

impl From<hash::Error> for Fault {
    fn from(error: hash::Error) -> Self {
        match error {
            hash::Error::Busy { retry_after } => Self::Busy(retry_after),
            other => Self::Broken(other.to_string()),
        }
    }
}

impl From<keys::Error> for Fault {
    fn from(error: keys::Error) -> Self {
        match error {
            // A key that is still being made, or that another process has just made.
            keys::Error::Missing(..) => Self::Busy(Duration::from_secs(1)),
            other => Self::Broken(other.to_string()),
        }
    }
}

impl From<page::Error> for Fault {
    fn from(error: page::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::Json(problem)
    }
}

impl ResponseError for Fault {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Page(status, _) => *status,
            Self::Json(problem) => {
                StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::BAD_REQUEST)
            }
            Self::Busy(_) | Self::Away => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// An empty answer that carries the fault to the guard, which knows the language.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        response.extensions_mut().insert(self.clone());
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_database_is_no_queue_of_people() {
        let of = |cause: &str| Fault::from(store::Error::Busy(cause.to_owned()));
        let locked = of("database is locked");
        assert!(matches!(locked, Fault::Away));
        assert_eq!(locked.status_code(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(locked.wait().is_some());
        assert!(matches!(of("too many writes are waiting"), Fault::Busy(_)));
    }
}
