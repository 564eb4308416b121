//! Who answers: our name in every answer to an authorization request, so that the code of one
//! server is not carried to another (RFC 9207).

/// The parameter (RFC 9207 2). No address to return to may bring one of its own.
pub const NAME: &str = "iss";

/// The member of the metadata that tells apps to look for it (RFC 9207 3).
pub const SUPPORTED: &str = "authorization_response_iss_parameter_supported";

/// The parameter of an answer with a code as of one with an error (RFC 9207 2): the issuer, letter
/// by letter as in the metadata, since apps compare it so (RFC 9207 2.4). A signed answer has the
/// same inside, as a claim, and needs none beside it (RFC 9207 2.4, JARM 2.1).
pub(super) fn parameter(issuer: &str) -> (&'static str, &str) {
    (NAME, issuer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::client::tests::client;
    use crate::oauth::error::{Code, Problem};
    use crate::oauth::metadata::discovery;
    use crate::oauth::redirect::{Delivery, Fault, Response, register_check};
    use crate::oauth::refusal::Refusal;
    use url::Url;

    const BACK: &str = "https://forum.example/cb";

    #[test]
    fn a_refusal_says_once_who_refuses_and_by_the_name_that_is_told() {
        let told = discovery("https://steppe.example", &[], &[]);
        assert_eq!(told[SUPPORTED], true);
        let refusal = Refusal::Redirect {
            to: client(&[BACK], "openid").redirect(Some(BACK)).unwrap(),
            delivery: Delivery::QUERY,
            problem: Problem::new(Code::LoginRequired, "nobody is here"),
            state: None,
        };
        let answer = refusal.answer(told["issuer"].as_str().unwrap()).unwrap();
        let Response::Redirect(to) = answer.plain() else {
            panic!("the query is a redirect");
        };
        let names: Vec<String> = Url::parse(&to)
            .unwrap()
            .query_pairs()
            .filter(|(name, _)| name == NAME)
            .map(|(_, value)| value.into_owned())
            .collect();
        assert_eq!(names, ["https://steppe.example"]);
    }

    #[test]
    fn no_address_brings_a_name_of_its_own() {
        let own = format!("{BACK}?{NAME}=https://other.example");
        assert_eq!(register_check(&own), Err(Fault::Query));
    }
}
