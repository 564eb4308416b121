//! The modules of `grant_management=enabled`: each request asks for a grant with a name and for the
//! scopes of the endpoint, and what is given for the person's sake manages that grant.

use super::*;

const SCOPE: &str = "openid grant_management_query grant_management_revoke";
const CREATE: [(&str, &str); 2] = [("scope", SCOPE), ("grant_management_action", "create")];

impl Bank {
    /// The plans' provider, its clients registered for the endpoint.
    fn managing() -> [Self; 2] {
        [Self::new(), Self::signing()].map(|bank| {
            bank.app().write(|c| {
                for id in [ONE, TWO] {
                    let mut client = store::client::find(c, id)?.expect("the client");
                    client
                        .scopes
                        .extend(SCOPE.split(' ').skip(1).map(str::to_owned));
                    store::client::save(c, &client)?;
                }
                Ok(())
            });
            bank
        })
    }

    /// A request that creates a grant, or changes one; gives the tokens, and the grant's name.
    fn granted(&mut self, client: &str, more: &[(&str, &str)]) -> (Value, String) {
        let (tokens, _) = self.sign_in(client, more);
        assert_eq!(tokens["scope"], SCOPE);
        let id = text(&tokens, "grant_id");
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
        assert!(id.len() >= 20 && id.bytes().all(safe), "{id}");
        (tokens, id)
    }

    /// Asks the endpoint that the document names, with the token and its proof.
    fn manage(&self, method: &str, tokens: &Value, id: &str) -> Answer {
        let at = "/.well-known/openid-configuration";
        let told = self.app().browser().get(at).is(200).json();
        let endpoint = text(&told, "grant_management_endpoint");
        let actions = told["grant_management_actions_supported"].as_array();
        assert_eq!(actions.map(Vec::len), Some(5));
        let path = format!(
            "{}/{id}",
            endpoint.strip_prefix(&self.app().origin).unwrap()
        );
        self.show(method, &path, tokens, &self.bound, &json!({}))
    }

    /// Reads it, and judges what is told as the suite does.
    fn queried(&self, tokens: &Value, id: &str) {
        let answer = self.manage("GET", tokens, id).is(200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert!(answer.header("cache-control").unwrap().contains("no-store"));
        let told = answer.json();
        for (name, value) in told.as_object().unwrap() {
            assert!(
                ["scopes", "claims", "created_at"].contains(&name.as_str()),
                "{name}: {value}"
            );
        }
        assert_eq!(told["scopes"], json!([{ "scope": "openid" }]));
        assert!(told["created_at"].as_i64() <= Some(self.now()));
    }

    fn end(&self, tokens: &Value, id: &str) {
        let ended = self.manage("DELETE", tokens, id).is(204);
        assert_eq!(ended.text(), "");
    }

    /// Creates a grant and changes it, by an action.
    fn changed(&mut self, action: &str) {
        let (first, id) = self.granted(ONE, &CREATE);
        let more = [
            ("scope", SCOPE),
            ("grant_management_action", action),
            ("grant_id", id.as_str()),
        ];
        let (tokens, same) = self.granted(ONE, &more);
        assert_eq!(same, id);
        self.queried(&tokens, &id);
        self.manage("GET", &first, &id).is(404);
    }

    /// What the second client's token does with the grant of the first.
    fn by_another(&mut self, method: &str) {
        let (first, id) = self.granted(ONE, &CREATE);
        let (second, own) = self.granted(TWO, &CREATE);
        self.manage(method, &second, &id).is(404);
        self.queried(&first, &id);
        self.queried(&second, &own);
    }
}

#[test]
fn fapi2_security_profile_final_grant_management_query_and_revoke() {
    for mut bank in Bank::managing() {
        let (tokens, id) = bank.granted(ONE, &CREATE);
        bank.queried(&tokens, &id);
        bank.end(&tokens, &id);
        bank.manage("GET", &tokens, &id).is(404);
    }
}

#[test]
fn fapi2_security_profile_final_grant_management_merge() {
    Bank::managing()
        .iter_mut()
        .for_each(|bank| bank.changed("merge"));
}

#[test]
fn fapi2_security_profile_final_grant_management_replace() {
    Bank::managing()
        .iter_mut()
        .for_each(|bank| bank.changed("replace"));
}

#[test]
fn fapi2_security_profile_final_grant_management_ensure_invalid_grant_id_fails() {
    for mut bank in Bank::managing() {
        let more = [
            ("scope", SCOPE),
            ("grant_management_action", "merge"),
            (
                "grant_id",
                "invalid-grant-id-that-does-not-exist-1800000000",
            ),
        ];
        let answer = bank.answer(ONE, &more);
        assert_eq!(answer["error"], "invalid_grant_id");
        assert_eq!(answer["state"], "state-of-the-suite");
    }
}

#[test]
fn fapi2_security_profile_final_grant_management_ensure_query_nonexistent_grant_fails() {
    for mut bank in Bank::managing() {
        let (tokens, _) = bank.granted(ONE, &CREATE);
        let id = "nonexistent-grant-id-1800000000";
        bank.manage("GET", &tokens, id).is(404);
    }
}

#[test]
fn fapi2_security_profile_final_grant_management_ensure_query_after_revoke_fails() {
    for mut bank in Bank::managing() {
        let (tokens, id) = bank.granted(ONE, &CREATE);
        bank.end(&tokens, &id);
        bank.manage("GET", &tokens, &id).is(404);
        refused(bank.resource(&tokens), 401, "invalid_token");
    }
}

#[test]
fn fapi2_security_profile_final_grant_management_ensure_wrong_client_cannot_query_grant() {
    Bank::managing()
        .iter_mut()
        .for_each(|bank| bank.by_another("GET"));
}

#[test]
fn fapi2_security_profile_final_grant_management_ensure_wrong_client_cannot_revoke_grant() {
    Bank::managing()
        .iter_mut()
        .for_each(|bank| bank.by_another("DELETE"));
}
