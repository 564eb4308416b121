//! Which addresses pages of other origins may ask (the CORS protocol of Fetch): exactly those that
//! an app in a browser fetches. No cookie is read at any of them, so none is said to take
//! credentials.

/// The addresses, as the table of URLs writes them: what an app itself asks (OpenID Connect
/// Discovery 3). Everything else is closed: pages of people, where the browser goes as a whole
/// (`/oauth2/authorize`, `/oauth2/logout`), and what an app's or a service's own server asks
/// (`par`, `ciba`, `introspect`, `grants`, a service's `userinfo`).
const OPEN: [&str; 17] = [
    // What an app reads first (OpenID Connect Discovery 4, RFC 8414 3) and the keys by which it
    // checks what it is given (OpenID Connect Core 10.1.1).
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/jwks.json",
    // The same of a service that is its own issuer, wherever a reader looks (RFC 8414 3.1 and 5).
    "/.well-known/openid-configuration/services/{id}",
    "/.well-known/oauth-authorization-server/services/{id}",
    "/services/{id}/.well-known/openid-configuration",
    "/services/{id}/.well-known/oauth-authorization-server",
    "/services/{id}/jwks.json",
    "/services/{id}/current.{form}",
    // By which an app finds us from the service (RFC 9728 3.1).
    "/.well-known/oauth-protected-resource/services/{id}",
    // Token Status List 8.1: for whoever checks tokens in a browser.
    "/services/{id}/status/{list}",
    // A public app redeems its code and refreshes (RFC 6749 3.2; RFC 9449 8 for nonces), ends what
    // it was given (RFC 7009 2.3), and asks who it is (OpenID Connect Core 5.3).
    "/oauth2/token",
    "/oauth2/revoke",
    "/oauth2/userinfo",
    // A page on a television asks for its codes (RFC 8628 3.1).
    "/oauth2/device",
    // An app registers itself and looks after it (RFC 7591 3, RFC 7592 2).
    "/oauth2/register",
    "/oauth2/register/{id}",
];

/// What a page may send beside a form: a token (RFC 6750 2.1), JSON (RFC 7591 3.1), a proof (RFC
/// 9449 4.1).
pub const SENDABLE: &str = "Authorization, Content-Type, DPoP";

/// What a page may read beside the body: why a token was refused (RFC 6750 3), the
/// next nonce (RFC 9449 8.2), and the number to ask the operator about.
pub const READABLE: &str = "WWW-Authenticate, DPoP-Nonce, Request-Id";

/// Whether pages of other origins may ask at an address (OpenID Connect Discovery 3), as it is
/// called or as the table of URLs writes it.
pub fn is_open(path: &str) -> bool {
    OPEN.iter().any(|open| fits(open, path))
}

/// Step by step; `{…}` stands for the rest of one step, which is never empty.
fn fits(open: &str, path: &str) -> bool {
    let (mut steps, mut asked) = (open.split('/'), path.split('/'));
    loop {
        match (steps.next(), asked.next()) {
            (None, None) => return true,
            (Some(step), Some(asked)) => match step.split_once('{') {
                None if step == asked => {}
                Some((head, _)) if asked.len() > head.len() && asked.starts_with(head) => {}
                _ => return false,
            },
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_open_step_by_step() {
        for open in OPEN {
            assert!(is_open(open), "{open}");
            assert!(!is_open(&format!("{open}/")), "{open}");
            assert!(!is_open(&format!("/x{open}")), "{open}");
        }
        for (path, open) in [
            ("/oauth2/register/app-1", true),
            ("/oauth2/register/app-1/x", false),
            ("/oauth2/register/", false),
            ("/oauth2/registered", false),
            ("/services/chat/current.pem", true),
            ("/services/chat/current.", false),
            ("/services/chat/userinfo", false),
            ("/services//jwks.json", false),
            ("/services/chat/status/3", true),
            ("/oauth2/token/x", false),
            ("/OAUTH2/token", false),
            ("/oauth2/introspect", false),
            ("/.well-known/other", false),
            ("/", false),
            ("", false),
        ] {
            assert_eq!(is_open(path), open, "{path}");
        }
    }
}
