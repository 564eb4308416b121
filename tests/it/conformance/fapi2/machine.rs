//! `fapi_profile=fapi_client_credentials_grant`: the modules that have meaning for an app that comes
//! for itself, one after the other. The resource is the endpoint where grants are managed, which
//! such a token opens: it knows no grant of the name, and says so to nobody else.

use super::*;

const FIELDS: [(&str, &str); 2] = [
    ("grant_type", "client_credentials"),
    ("scope", "grant_management_query"),
];
const RESOURCE: &str = "/oauth2/grants/no-such-grant";

impl Bank {
    fn machine() -> Self {
        let bank = Self::new();
        bank.app().write(|c| {
            for id in [ONE, TWO] {
                let mut client = store::client::find(c, id)?.expect("the client");
                client.scopes.push("grant_management_query".into());
                client.grants.push(GrantType::ClientCredentials);
                operate::client::check(&client).expect("the operator could register it");
                store::client::save(c, &client)?;
            }
            Ok(())
        });
        bank
    }

    fn seen(&self, tokens: &Value, by: &Signer, more: &Value) -> Answer {
        self.show("GET", RESOURCE, tokens, by, more)
    }

    /// Asks with an assertion that is changed.
    fn asserted(&self, change: impl Fn(&mut Value)) -> Answer {
        let assertion = || {
            let mut claims = self.claims(ONE);
            change(&mut claims);
            self.assert(ONE, &claims)
        };
        self.ask_by(ONE, "/oauth2/token", &FIELDS, Some(&self.bound), &assertion)
    }
}

#[test]
fn the_happy_flow_by_client_credentials() {
    let bank = Bank::machine();
    for client in [ONE, TWO] {
        let tokens = bank.ask(client, "/oauth2/token", &FIELDS, Some(&bank.bound));
        let tokens = tokens.is(200).json();
        assert_eq!(tokens["token_type"], "DPoP");
        assert!(tokens["expires_in"].as_i64() > Some(0));
        assert!(tokens["refresh_token"].is_null() && tokens["id_token"].is_null());
        let (_, access) = jwt(&text(&tokens, "access_token"));
        assert_eq!(access["cnf"]["jkt"], jkt(&bank.bound));
        bank.seen(&tokens, &bank.bound, &json!({})).is(404);
        let now = bank.now();
        for more in [
            json!({ "iat": now - 10 }),
            json!({ "iat": now + 10 }),
            json!({ "nbf": now, "exp": now + 300 }),
        ] {
            bank.seen(&tokens, &bank.bound, &more).is(404);
        }
        let other = Signer::ec();
        bank.seen(&tokens, &other, &json!({})).is(401);
        for more in [
            json!({ "htm": "POST" }),
            json!({ "htu": "https://other.example/x" }),
            json!({ "ath": ath("other") }),
            json!({ "iat": now - 3600 }),
        ] {
            bank.seen(&tokens, &bank.bound, &more).is(401);
        }
    }
}

#[test]
fn a_wrong_assertion_and_a_token_for_any_key_are_refused_by_client_credentials() {
    let bank = Bank::machine();
    let without_key = bank.ask(ONE, "/oauth2/token", &FIELDS, None);
    refused(without_key, 400, "invalid_dpop_proof");
    let old = |claims: &mut Value| claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 300);
    refused(bank.asserted(old), 401, "invalid_client");
    let aud = |claims: &mut Value| claims["aud"] = json!("https://other.example");
    refused(bank.asserted(aud), 401, "invalid_client");
    let sub = |claims: &mut Value| *claims = without(claims.clone(), "sub");
    refused(bank.asserted(sub), 401, "invalid_client");
    bank.asserted(|_| ()).is(200);
    let by = Some(&bank.bound);
    let others = || bank.assert_by(&bank.one, &bank.claims(TWO));
    let answer = bank.ask_by(TWO, "/oauth2/token", &FIELDS, by, &others);
    refused(answer, 401, "invalid_client");
    let own = || bank.assert(ONE, &bank.claims(ONE));
    let answer = bank.ask_by(TWO, "/oauth2/token", &FIELDS, by, &own);
    refused(answer, 400, "invalid_request");
    let rs256 = || {
        let header = json!({ "alg": "RS256", "kid": "rsa" });
        RSA.sign(&header, &bank.claims(ONE))
    };
    let answer = bank.ask_by(ONE, "/oauth2/token", &FIELDS, by, &rs256);
    refused(answer, 401, "invalid_client");
    let bare = [&[("client_id", ONE)], &FIELDS[..]].concat();
    let proof = bank.proof(&bank.bound, "POST", "/oauth2/token", &json!({}));
    let mut nobody = bank.app().browser().with("DPoP", &proof);
    refused(nobody.post("/oauth2/token", &bare), 401, "invalid_client");
}
