//! The standards' error codes in one table, each with its public hint.

use serde::Serialize;

/// An error code by its exact name (RFC 6749 4.1.2.1 and 5.2, OpenID Connect Core 3.1.2.6,
/// RFC 8707 2, RFC 9101 7, RFC 9396 5, RFC 6750 3.1, RFC 7591 3.2.2, RFC 9449 5 and 8,
/// RFC 8628 3.5, CIBA 13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // each is the standard's own word
pub enum Code {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    InvalidScope,
    InvalidTarget,
    InvalidGrantId,
    InvalidToken,
    InsufficientScope,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
    UnsupportedTokenType,
    AccessDenied,
    LoginRequired,
    ConsentRequired,
    InteractionRequired,
    AccountSelectionRequired,
    RequestNotSupported,
    InvalidRequestObject,
    InvalidAuthorizationDetails,
    InvalidRequestUri,
    RegistrationNotSupported,
    UnmetAuthenticationRequirements,
    InvalidRedirectUri,
    InvalidClientMetadata,
    InvalidDpopProof,
    UseDpopNonce,
    AuthorizationPending,
    SlowDown,
    ExpiredToken,
    UnknownUserId,
    InvalidBindingMessage,
    ServerError,
    TemporarilyUnavailable,
}

impl Code {
    /// The name that goes over the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidGrantId => "invalid_grant_id",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::AccessDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::AccountSelectionRequired => "account_selection_required",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::InvalidRequestObject => "invalid_request_object",
            Self::RequestNotSupported => "request_not_supported",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::UnknownUserId => "unknown_user_id",
            Self::InvalidBindingMessage => "invalid_binding_message",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }

    /// The HTTP status of an answer in JSON (RFC 6749 5.2, RFC 6750 3.1).
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidClient | Self::InvalidToken => 401,
            Self::InsufficientScope => 403,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            _ => 400,
        }
    }
}

/// A longer command, in bytes, is not proposed.
const LONGEST: usize = 300;

/// A word for a POSIX shell: what a stranger sent must not become a command when it is pasted.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        return word.to_owned();
    }
    let clean: String = word.chars().filter(|c| !c.is_control()).collect();
    format!("'{}'", clean.replace('\'', "'\\''"))
}

/// A refusal with the sentence that says which parameter and why. The sentence never
/// holds a secret that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The standard's code.
    pub code: Code,
    /// `error_description`: ASCII, for the client's developer (RFC 6749 5.2).
    pub description: String,
    /// The command by which the operator mends it, where one does, or what the app has to change.
    /// Never sent: it is for the log.
    pub fix: Option<String>,
}

impl Problem {
    /// A refusal with its reason. Characters that `error_description` may not hold
    /// (RFC 6749 5.2) become `?`, so that a reason may quote what was sent.
    pub fn new(code: Code, description: impl Into<String>) -> Self {
        let description = description
            .into()
            .chars()
            .take(300)
            .map(|letter| match letter {
                '"' | '\\' => '\'',
                ' '..='~' => letter,
                _ => '?',
            })
            .collect();
        Self {
            code,
            description,
            fix: None,
        }
    }

    /// With what mends it, mostly a command of the operator's. What strangers typed may be part of it, and
    /// people copy commands: one with other letters than names have is left out.
    #[must_use]
    pub fn mend(mut self, command: String) -> Self {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || " -_.:/@+".contains(letter);
        self.fix =
            Some(command).filter(|command| command.len() <= LONGEST && command.chars().all(plain));
        self
    }

    /// As [`Self::mend`], where each word that a stranger typed is quoted ([`quote`]). Half a command
    /// is none: in place of one that is too long the operator is shown what is on file.
    #[must_use]
    pub fn mend_quoted(mut self, command: String, client_id: &str) -> Self {
        if command.len() > LONGEST {
            return self.mend(format!("gerege client show {client_id}"));
        }
        self.fix = Some(command);
        self
    }

    /// The body of an answer in JSON (RFC 6749 5.2).
    pub fn json(&self) -> serde_json::Map<String, serde_json::Value> {
        let mut body = serde_json::Map::new();
        body.insert("error".into(), self.code.name().into());
        body.insert("error_description".into(), self.description.clone().into());
        body
    }

    /// The `WWW-Authenticate` header of the token, introspection and revocation endpoints, when
    /// due (RFC 6749 5.2; RFC 9110 11.6.1 wants one with each 401).
    pub fn www_authenticate(&self) -> Option<&'static str> {
        (self.code == Code::InvalidClient).then_some("Basic realm=\"gerege\", charset=\"UTF-8\"")
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.description)
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_agree_with_serde() {
        for code in [
            Code::InvalidRequest,
            Code::InvalidRequestUri,
            Code::InsufficientScope,
            Code::UnmetAuthenticationRequirements,
            Code::InvalidDpopProof,
            Code::UseDpopNonce,
            Code::AuthorizationPending,
            Code::SlowDown,
            Code::UnknownUserId,
            Code::InvalidBindingMessage,
            Code::TemporarilyUnavailable,
        ] {
            assert_eq!(serde_json::to_value(code).unwrap(), code.name());
        }
    }

    #[test]
    fn a_command_for_the_operator_holds_nothing_that_a_shell_reads() {
        let problem = || Problem::new(Code::InvalidScope, "no");
        let mend = |name: &str| problem().mend(format!("gerege client edit x --add-scope {name}"));
        assert!(mend("chat:send").fix.is_some());
        for bad in [
            "$(id)", "a;b", "a|b", "a\nb", "'", "é", "`x`", "a>b", "a&b", "!x", "*",
        ] {
            assert_eq!(mend(bad).fix, None, "{bad}");
        }
        assert_eq!(mend(&"x".repeat(300)).fix, None);
        assert!(
            !mend("chat")
                .json()
                .values()
                .any(|told| told.to_string().contains("gerege "))
        );
    }

    #[test]
    fn a_description_is_fit_for_headers_and_json() {
        let problem = Problem::new(Code::InvalidClient, "a\"b\\c\r\nd\u{e9}\u{1b}");
        assert_eq!(problem.description, "a'b'c??d??");
        assert_eq!(problem.code.status(), 401);
        assert!(problem.www_authenticate().is_some());
        assert_eq!(problem.json()["error"], "invalid_client");
    }
}
