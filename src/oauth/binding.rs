//! Which key a token is bound to (RFC 7800 3.1; RFC 9449 6, RFC 8705 3).

use serde::{Deserialize, Serialize};

use super::client::Client;
use super::error::{Code, Problem};
use super::fapi::{self, Unfit};
use super::service::{Proof, Service};

/// The key that a token is bound to. As JSON it is the claim `cnf`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Binding {
    /// RFC 7638 thumbprint of the key that signs proofs (RFC 9449 6.1).
    #[serde(rename = "jkt")]
    Dpop(String),
    /// SHA-256 of the certificate (RFC 8705 3.1).
    #[serde(rename = "x5t#S256")]
    Mtls(String),
}

impl Binding {
    /// What `token_type` says of a token bound so (RFC 9449 5; RFC 8705 has none of its own).
    pub fn token_type(binding: Option<&Self>) -> &'static str {
        match binding {
            Some(Self::Dpop(_)) => "DPoP",
            Some(Self::Mtls(_)) | None => "Bearer",
        }
    }
}

/// What the sender of a request proved to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Thumbprint of the key that signed its proof.
    pub jkt: Option<String>,
    /// SHA-256 of its certificate, where certificates count.
    pub certificate: Option<String>,
    /// The proof was signed with an algorithm that FAPI does not take.
    pub weak: bool,
}

impl Held {
    /// Whether the key of a binding is among what was proved.
    pub fn has(&self, binding: &Binding) -> bool {
        match binding {
            Binding::Dpop(jkt) => self.jkt.as_ref() == Some(jkt),
            Binding::Mtls(thumbprint) => self.certificate.as_ref() == Some(thumbprint),
        }
    }

    /// What a client's tokens are bound to where nothing else is asked for.
    fn first(&self, client: &Client) -> Option<Binding> {
        let certificate = self.certificate.clone().map(Binding::Mtls);
        let certificate = certificate.filter(|_| client.certificate_bound);
        self.jkt.clone().map(Binding::Dpop).or(certificate)
    }
}

/// The binding of an access token for `service` (`None`: ourselves). A bound token is never made
/// for a service that would take it from anyone (PROTOCOL.md 1).
///
/// # Errors
/// `invalid_dpop_proof` when a proof is needed and none came, `invalid_target` when the client
/// takes bound tokens only and the service cannot check them.
pub fn access(
    client: &Client,
    service: Option<&Service>,
    held: &Held,
) -> Result<Option<Binding>, Problem> {
    if client.must_prove_key() && held.jkt.is_none() {
        // RFC 9449 5.2
        let problem = missing("this client must send a DPoP proof");
        return Err(match client.fapi {
            None => problem.mend(format!("gerege client edit {} --dpop optional", client.id)),
            // One that is held to a profile sends it in any case.
            Some(_) => problem,
        });
    }
    if client.certificate_bound && held.certificate.is_none() {
        // RFC 8705 3.4
        return Err(
            Problem::new(Code::InvalidRequest, "this client must use its certificate").mend(
                format!("gerege client edit {} --certificate-bound false", client.id),
            ),
        );
    }
    check_proof(client, held)?;
    let Some(service) = service else {
        return Ok(held.first(client));
    };
    if fapi::judge_service(client, service) == Err(Unfit::Algorithm) {
        return Err(Problem::new(
            Code::InvalidTarget,
            "the service's tokens are signed with RS256, which FAPI does not take",
        )
        .mend(format!(
            "gerege service edit {} --algorithm ES256",
            service.id
        )));
    }
    let bound_only = client.must_prove_key() || client.certificate_bound;
    match service.proof {
        Proof::Bearer if bound_only => {
            let proof = match client.must_prove_key() {
                true => "dpop",
                false => "mtls",
            };
            Err(Problem::new(
                Code::InvalidTarget,
                "this client takes bound tokens only, and the service does not check a proof",
            )
            .mend(format!(
                "gerege service edit {} --proof {proof}",
                service.id
            )))
        }
        Proof::Bearer => Ok(None),
        Proof::Dpop => match &held.jkt {
            Some(jkt) => Ok(Some(Binding::Dpop(jkt.clone()))),
            None => Err(missing("this service takes tokens with a DPoP proof only")
                .mend(format!("gerege service edit {} --proof bearer", service.id))),
        },
        Proof::Mtls => match &held.certificate {
            Some(thumbprint) => Ok(Some(Binding::Mtls(thumbprint.clone()))),
            None => Err(Problem::new(
                Code::InvalidRequest,
                "this service takes tokens bound to a client certificate only",
            )
            .mend(format!("gerege service edit {} --proof bearer", service.id))),
        },
    }
}

/// Whether the proof beside a request is good enough for this client (FAPI 2.0 Security Profile
/// 5.4.1).
///
/// # Errors
/// `invalid_dpop_proof`.
pub fn check_proof(client: &Client, held: &Held) -> Result<(), Problem> {
    if client.fapi.is_some() && held.weak {
        return Err(fapi::weak(Code::InvalidDpopProof, "the DPoP proof"));
    }
    Ok(())
}

/// The binding of a new refresh token. One of a confidential client is bound to it by its own
/// authentication, so that its keys may change (RFC 9449 5, RFC 8705 4).
pub fn refresh(client: &Client, held: &Held) -> Option<Binding> {
    held.first(client).filter(|_| client.is_public())
}

/// Whether a refresh token may be used by who proved `held`. Judged before all else, so that
/// whoever saw a bound token gets nothing by it, nor ends here what it stands for. Giving it back
/// ends that, as with any token of a public client: RFC 7009 2.1 asks for its id alone, RFC 9449
/// knows no proof there, and client libraries send none.
///
/// # Errors
/// `invalid_grant`.
pub fn may_refresh(binding: Option<&Binding>, held: &Held) -> Result<(), Problem> {
    match binding {
        Some(binding) if !held.has(binding) => Err(Problem::new(
            Code::InvalidGrant,
            "the refresh token is bound to a key that was not proved",
        )),
        _ => Ok(()),
    }
}

/// Whether a code may be redeemed by who proved `held`; `dpop_jkt` is the one of the
/// authorization request (RFC 9449 10).
///
/// # Errors
/// `invalid_grant`.
pub fn may_redeem(dpop_jkt: Option<&str>, held: &Held) -> Result<(), Problem> {
    if dpop_jkt.is_some() && held.jkt.as_deref() != dpop_jkt {
        return Err(Problem::new(
            Code::InvalidGrant,
            "the code is bound by dpop_jkt to a key that was not proved",
        ));
    }
    Ok(())
}

fn missing(why: &str) -> Problem {
    Problem::new(Code::InvalidDpopProof, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::client::tests::client;
    use crate::oauth::client::{ClientAuth, Need};
    use crate::oauth::service::tests::service;
    use crate::oauth::service::{Algorithm, TokenFormat};

    fn held(jkt: bool, certificate: bool) -> Held {
        Held {
            jkt: jkt.then(|| "key".to_owned()),
            certificate: certificate.then(|| "cert".to_owned()),
            weak: false,
        }
    }

    #[test]
    fn a_binding_reads_as_the_claim_cnf() {
        let bound = Binding::Dpop("key".to_owned());
        let json = serde_json::to_value(&bound).unwrap();
        assert_eq!(json, serde_json::json!({ "jkt": "key" }));
        assert_eq!(serde_json::from_value::<Binding>(json).unwrap(), bound);
        let json = serde_json::to_value(Binding::Mtls("cert".to_owned())).unwrap();
        assert_eq!(json, serde_json::json!({ "x5t#S256": "cert" }));
    }

    #[test]
    fn a_bound_token_is_never_made_for_a_service_that_does_not_check() {
        let dpop = || Ok(Some(Binding::Dpop("key".to_owned())));
        let mtls = || Ok(Some(Binding::Mtls("cert".to_owned())));
        // required; the service, none being ourselves; key and certificate; what comes of it
        let table = [
            (false, None, (false, false), Ok(None)),
            (false, None, (true, false), dpop()),
            (false, None, (false, true), Ok(None)),
            (false, None, (true, true), dpop()),
            (true, None, (false, false), Err(Code::InvalidDpopProof)),
            (true, None, (false, true), Err(Code::InvalidDpopProof)),
            (true, None, (true, false), dpop()),
            (false, Some(Proof::Bearer), (false, false), Ok(None)),
            (false, Some(Proof::Bearer), (true, true), Ok(None)),
            (
                true,
                Some(Proof::Bearer),
                (true, true),
                Err(Code::InvalidTarget),
            ),
            (
                false,
                Some(Proof::Dpop),
                (false, true),
                Err(Code::InvalidDpopProof),
            ),
            (false, Some(Proof::Dpop), (true, true), dpop()),
            (
                false,
                Some(Proof::Mtls),
                (true, false),
                Err(Code::InvalidRequest),
            ),
            (false, Some(Proof::Mtls), (true, true), mtls()),
        ];
        for (required, proof, (jkt, certificate), wanted) in table {
            let mut client = client(&[], "chat");
            if required {
                client.dpop = Need::Required;
            }
            let service = proof.map(|proof| {
                let mut service = service("chat", &["chat"]);
                service.proof = proof;
                service
            });
            let got = access(&client, service.as_ref(), &held(jkt, certificate));
            assert_eq!(
                got.map_err(|problem| problem.code),
                wanted,
                "{required} {proof:?} {jkt} {certificate}"
            );
        }
    }

    #[test]
    fn a_client_may_be_bound_to_its_certificate() {
        let mut client = client(&[], "chat");
        client.certificate_bound = true;
        let bound = Some(Binding::Mtls("cert".to_owned()));
        assert_eq!(access(&client, None, &held(false, true)).unwrap(), bound);
        let none = access(&client, None, &held(true, false)).unwrap_err();
        assert_eq!(none.code, Code::InvalidRequest);
        let mut chat = service("chat", &["chat"]);
        let refused = access(&client, Some(&chat), &held(false, true)).unwrap_err();
        assert_eq!(refused.code, Code::InvalidTarget);
        chat.proof = Proof::Mtls;
        assert_eq!(
            access(&client, Some(&chat), &held(false, true)).unwrap(),
            bound
        );
    }

    #[test]
    fn a_fapi_client_gets_bound_tokens_only_and_none_signed_with_rs256() {
        let mut bank = client(&[], "chat");
        bank.auth = ClientAuth::PrivateKeyJwt;
        bank.fapi = Some(fapi::Fapi::default());
        let mut chat = service("chat", &["chat"]);
        chat.algorithm = Algorithm::ES256;
        chat.proof = Proof::Dpop;
        let refused = |service: Option<&Service>, held: &Held| {
            access(&bank, service, held).map_err(|problem| problem.code)
        };
        let bound = Ok(Some(Binding::Dpop("key".to_owned())));
        assert_eq!(refused(Some(&chat), &held(true, false)), bound);
        assert_eq!(refused(None, &held(true, false)), bound);
        let none = Err(Code::InvalidDpopProof);
        assert_eq!(refused(None, &held(false, true)), none);
        let mut weak = held(true, false);
        weak.weak = true;
        assert_eq!(refused(None, &weak), none);
        assert!(access(&client(&[], "chat"), None, &weak).is_ok());
        let target = Err(Code::InvalidTarget);
        chat.algorithm = Algorithm::RS256;
        assert_eq!(refused(Some(&chat), &held(true, false)), target);
        chat.format = TokenFormat::Opaque;
        assert_eq!(refused(Some(&chat), &held(true, false)), bound);
        chat.proof = Proof::Bearer;
        assert_eq!(refused(Some(&chat), &held(true, false)), target);
        bank.certificate_bound = true;
        assert!(matches!(
            access(&bank, None, &held(false, true)),
            Ok(Some(Binding::Mtls(_)))
        ));
    }

    #[test]
    fn only_a_public_clients_refresh_token_is_bound() {
        let mut client = client(&[], "chat");
        assert_eq!(refresh(&client, &held(true, true)), None);
        client.auth = ClientAuth::None;
        assert_eq!(refresh(&client, &held(false, false)), None);
        assert_eq!(refresh(&client, &held(false, true)), None);
        let bound = refresh(&client, &held(true, true)).unwrap();
        assert!(held(true, false).has(&bound));
        assert!(!held(false, true).has(&bound));
        assert!(!Held::default().has(&bound));
        for (binding, held, good) in [
            (None, Held::default(), true),
            (Some(&bound), held(true, false), true),
            (Some(&bound), held(false, true), false),
            (Some(&bound), Held::default(), false),
        ] {
            assert_eq!(may_refresh(binding, &held).is_ok(), good);
        }
    }

    #[test]
    fn a_code_may_name_the_key_that_redeems_it() {
        assert!(may_redeem(None, &Held::default()).is_ok());
        assert!(may_redeem(None, &held(true, false)).is_ok());
        assert!(may_redeem(Some("key"), &held(true, false)).is_ok());
        assert!(may_redeem(Some("other"), &held(true, true)).is_err());
        assert!(may_redeem(Some("key"), &held(false, true)).is_err());
    }
}
