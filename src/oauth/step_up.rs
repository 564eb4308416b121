//! How good a proof of a person is, and what a service needs to know to ask for a newer or stronger
//! one (RFC 9470).

use super::claims::{Claims, put};
use super::claims_request::{ClaimsRequest, Wanted};
use super::error::{Code, Problem};
use super::grant::Grant;
use super::scope;

/// `acr` of a sign-in by password (OpenID Connect Core 2): one factor.
pub const ACR_PASSWORD: &str = "urn:gerege:acr:password";

/// Every class that a sign-in here can reach, as it is told (RFC 9470 7, `acr_values_supported`).
pub const ACRS: [&str; 1] = [ACR_PASSWORD];

/// Tells when a person last proved who they are, and how well (RFC 9470 6.1, 6.2).
pub(super) fn tell(claims: &mut Claims, grant: &Grant) {
    put(claims, "auth_time", grant.auth_time.seconds());
    put(claims, "acr", ACR_PASSWORD);
}

/// Whether a sign-in here can reach what is asked for (RFC 9470 4). A class that is only wished
/// for, as all of
/// `acr_values` are, is answered by the one that was reached.
///
/// # Errors
/// `unmet_authentication_requirements` (OpenID Connect Core 5.5.1.1, RFC 9470 5).
pub(super) fn reach(asked: &ClaimsRequest) -> Result<(), Problem> {
    let Wanted { values, essential } = &asked.acr; // OpenID Connect Core 5.5.1.1
    if *essential && !values.is_empty() && !ACRS.iter().any(|acr| scope::has(values, acr)) {
        return Err(Problem::new(
            Code::UnmetAuthenticationRequirements,
            "no way of signing in here reaches an acr that is asked for",
        ));
    }
    Ok(())
}
