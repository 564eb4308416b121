//! Rich authorization requests (RFC 9396): `authorization_details`, of the types that services
//! declare.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::client::Client;
use super::error::{Code, Problem};
use super::scope;
use super::service::Service;
use crate::account::label::is_hidden;

/// More details than this in one request are refused.
const MAX_COUNT: usize = 16;

/// A longer detail, in bytes of JSON, is refused: a person has to read it.
const MAX_BYTES: usize = 1024;

/// A longer name of a type, in bytes, is refused.
pub const MAX_TYPE: usize = 100;

/// What was asked for in detail (RFC 9396 2), in its order. Kept with the grant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Details(Vec<Map<String, Value>>);

// JSON of ours has no number that is not itself.
impl Eq for Details {}

/// One detail as a person reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The id of the service that it is about.
    pub service: String,
    /// Its type.
    pub kind: String,
    /// All that it says beside: each name, and its value as one line.
    pub says: Vec<(String, String)>,
}

impl Details {
    /// Reads the parameter. Each detail is of a type that a service among those of `scopes`
    /// declares and that the client is registered for.
    ///
    /// # Errors
    /// `invalid_authorization_details` (RFC 9396 5).
    pub fn parse(
        text: &str,
        client: &Client,
        scopes: &[String],
        services: &[Service],
    ) -> Result<Self, Problem> {
        let details: Vec<Map<String, Value>> = serde_json::from_str(text)
            .map_err(|_| wrong("authorization_details is not a JSON list of objects"))?;
        if details.is_empty() || details.len() > MAX_COUNT {
            return Err(wrong("authorization_details is empty or has too many"));
        }
        if !numbers_stand(text) {
            return Err(wrong(
                "authorization_details has a number that is not kept as it was written; write it as a text",
            ));
        }
        for detail in &details {
            judge(detail, client, scopes, services)?;
        }
        Ok(Self(details))
    }

    /// Whether nothing was asked for in detail.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of one service: what its tokens say (RFC 9396 7.1, 9.1).
    pub fn of(&self, service: Option<&Service>) -> Self {
        let own = |detail: &&Map<String, Value>| {
            service.is_some_and(|service| scope::has(&service.details, kind(detail)))
        };
        Self(self.0.iter().filter(own).cloned().collect())
    }

    /// Those of these types: what a client may ask for (RFC 9396 10).
    #[must_use]
    pub fn among(&self, types: &[String]) -> Self {
        let own = |detail: &&Map<String, Value>| scope::has(types, kind(detail));
        Self(self.0.iter().filter(own).cloned().collect())
    }

    /// These and then the others, each once.
    pub fn and(&self, others: &Self) -> Self {
        let mut all = self.0.clone();
        all.extend(others.0.iter().filter(|one| !self.0.contains(one)).cloned());
        Self(all)
    }

    /// As they go over the wire (RFC 9396 7).
    pub fn json(&self) -> Value {
        self.0.iter().cloned().map(Value::Object).collect()
    }

    /// As a person reads them. Nothing is left out.
    pub fn lines(&self, services: &[Service]) -> Vec<Line> {
        let line = |detail: &Map<String, Value>| Line {
            service: owner(kind(detail), services).map_or_else(String::new, |one| one.id.clone()),
            kind: kind(detail).to_owned(),
            says: detail
                .iter()
                .filter(|(name, _)| *name != "type")
                .map(|(name, value)| (name.clone(), plain(value)))
                .collect(),
        };
        self.0.iter().map(line).collect()
    }
}

/// A type (RFC 9396 2) as an operator may write it.
pub fn is_type(name: &str) -> bool {
    name.len() <= MAX_TYPE && scope::is_token(name)
}

fn judge(
    detail: &Map<String, Value>,
    client: &Client,
    scopes: &[String],
    services: &[Service],
) -> Result<(), Problem> {
    let kind = kind(detail);
    let owner = owner(kind, services);
    let known = owner.filter(|_| scope::has(&client.asking.details, kind));
    let Some(service) = known else {
        let named = detail
            .get("type")
            .is_some_and(|name| name.is_string() && name != "");
        if !named {
            // RFC 9396 2
            return Err(wrong(
                "type of one of authorization_details is missing or no text",
            ));
        }
        let problem = wrong(&format!(
            "this client is not registered for a type among authorization_details: {kind}"
        ));
        // A type that no service has is a service's first: of which, its scopes tell.
        let mut asked = services.iter().filter(|one| reaches(scopes, one));
        return Err(match (owner, asked.next(), asked.next()) {
            (Some(_), ..) => problem.mend(format!(
                "gerege client edit {} --add-detail-type {kind}",
                client.id
            )),
            (None, Some(service), None) if is_type(kind) && !kind.starts_with('-') => {
                problem.mend(format!(
                    "gerege service edit {} --add-detail-type {kind}",
                    service.id
                ))
            }
            _ => problem.mend("gerege service list".into()),
        });
    };
    // Without a scope of a service there is no token for it.
    if !reaches(scopes, service) {
        return Err(wrong(&format!(
            "{kind} is of a service none of whose scopes is asked for"
        )));
    }
    if Value::Object(detail.clone()).to_string().len() > MAX_BYTES {
        return Err(wrong("one of authorization_details is too long"));
    }
    // A person reads it: nothing hides in it, breaks its line or turns it round.
    if !readable(&Value::Object(detail.clone())) {
        return Err(wrong("authorization_details has hidden characters"));
    }
    // RFC 9396 2.2
    for name in ["locations", "actions", "datatypes", "privileges"] {
        let texts = |value: &Value| {
            let all = value.as_array();
            all.is_some_and(|all| all.iter().all(Value::is_string))
        };
        if !detail.get(name).is_none_or(texts) {
            return Err(wrong(&format!("{name} of {kind} is not a list of texts")));
        }
    }
    if !detail.get("identifier").is_none_or(Value::is_string) {
        return Err(wrong(&format!("identifier of {kind} is not a text")));
    }
    let there = |at: &Value| at.as_str() == Some(&service.audience);
    let locations = detail.get("locations").and_then(Value::as_array);
    if !locations.is_none_or(|all| all.iter().all(there)) {
        return Err(wrong(&format!("locations of {kind} name another service")));
    }
    Ok(())
}

/// Whether one of these scopes is the service's.
fn reaches(scopes: &[String], service: &Service) -> bool {
    scopes.iter().any(|name| scope::has(&service.scopes, name))
}

fn kind(detail: &Map<String, Value>) -> &str {
    let kind = detail.get("type").and_then(Value::as_str);
    kind.unwrap_or_default()
}

fn owner<'a>(kind: &str, services: &'a [Service]) -> Option<&'a Service> {
    services
        .iter()
        .find(|service| scope::has(&service.details, kind))
}

/// A value in one line, texts in their quotes: what stands inside cannot pass for another value.
fn plain(value: &Value) -> String {
    match value {
        Value::Array(all) => {
            let all: Vec<String> = all.iter().map(Value::to_string).collect();
            all.join(", ")
        }
        other => other.to_string(),
    }
}

/// Whether a value, names in it too, holds nothing that a person cannot see.
fn readable(value: &Value) -> bool {
    let shown = |text: &str| !text.chars().any(is_hidden);
    match value {
        Value::String(text) => shown(text),
        Value::Array(all) => all.iter().all(readable),
        Value::Object(all) => all
            .iter()
            .all(|(name, value)| shown(name) && readable(value)),
        _ => true,
    }
}

/// Whether each number of a JSON text is told on as it was written: a person allows, and a service
/// is told, what was sent.
fn numbers_stand(json: &str) -> bool {
    let (mut number, mut inside, mut escaped) = (String::new(), false, false);
    for letter in json.chars().chain([' ']) {
        let part = letter.is_ascii_digit() || matches!(letter, '-' | '+' | '.');
        let power = !number.is_empty() && matches!(letter, 'e' | 'E');
        if !inside && (part || power) {
            number.push(letter);
            continue;
        }
        if !number.is_empty() {
            let kept = serde_json::from_str::<Value>(&number).map(|kept| kept.to_string());
            if kept.ok().as_ref() != Some(&number) {
                return false;
            }
        }
        number.clear();
        (inside, escaped) = match (inside, letter) {
            _ if escaped => (inside, false),
            (true, '\\') => (true, true),
            (_, '"') => (!inside, false),
            _ => (inside, false),
        };
    }
    true
}

fn wrong(why: &str) -> Problem {
    Problem::new(Code::InvalidAuthorizationDetails, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::client::tests::client;
    use crate::oauth::service::tests::service;
    use proptest::prelude::*;

    fn services() -> Vec<Service> {
        let mut bank = service("bank", &["pay"]);
        bank.details = vec!["payment".into()];
        let mut chat = service("chat", &["chat"]);
        chat.details = vec!["room".into()];
        vec![bank, chat]
    }

    fn app() -> Client {
        let mut app = client(&[], "openid pay");
        app.asking.details = vec!["payment".into(), "room".into()];
        app
    }

    fn read(text: &str) -> Result<Details, Problem> {
        Details::parse(text, &app(), &["openid".into(), "pay".into()], &services())
    }

    #[test]
    fn a_detail_is_kept_as_it_was_asked_for() {
        let text = r#"[{"type":"payment","actions":["initiate"],"locations":["https://bank.example"],"instructedAmount":{"currency":"EUR","amount":"123.50"}}]"#;
        let details = read(text).unwrap();
        assert_eq!(details.json(), serde_json::from_str::<Value>(text).unwrap());
        let services = services();
        assert_eq!(details.of(Some(&services[0])), details);
        assert!(details.of(Some(&services[1])).is_empty());
        assert!(details.of(None).is_empty());
        let lines = details.lines(&services);
        assert_eq!(lines[0].service, "bank");
        let says: Vec<(&str, &str)> = lines[0]
            .says
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            says,
            [
                ("actions", r#""initiate""#),
                (
                    "instructedAmount",
                    r#"{"amount":"123.50","currency":"EUR"}"#
                ),
                ("locations", r#""https://bank.example""#),
            ]
        );
    }

    #[test]
    fn what_a_person_could_not_read_as_it_is_meant_is_refused() {
        let with = |name: &str, value: &str| {
            read(&format!(r#"[{{"type":"payment","{name}":{value}}}]"#)).is_ok()
        };
        for (name, value, good) in [
            ("to", r#""Red Cross; creditor: me""#, true),
            ("to", r#""\u202eyaP""#, false),
            ("to", r#""a\n\nb""#, false),
            ("to", r#""a\u200bb""#, false),
            ("to", r#"[["\u2066"]]"#, false),
            ("to", r#"{"\u202ex":1}"#, false),
            ("\\u202eto", "1", false),
            ("amount", "12", true),
            ("amount", "-12", true),
            ("amount", "12.5", true),
            ("amount", "0.0", true),
            ("amount", r#""1.00 \" 1e9""#, true),
            ("amount", "12.50", false),
            ("amount", "1e3", false),
            ("amount", "1.0000000000000000001", false),
            ("amount", "123456789012345678901234567890", false),
            ("amount", "[1,{\"a\":1.10}]", false),
        ] {
            assert_eq!(with(name, value), good, "{name} {value}");
        }
        let text = r#"[{"type":"payment","to":"a; amount: 1","n":["b","c"],"amount":1000}]"#;
        let lines = read(text).unwrap().lines(&services());
        let says = |name: &str| lines[0].says.iter().find(|(had, _)| had == name);
        assert_eq!(says("to").unwrap().1, r#""a; amount: 1""#);
        assert_eq!(says("n").unwrap().1, r#""b", "c""#);
        assert_eq!(says("amount").unwrap().1, "1000");
    }

    #[test]
    fn what_nobody_declared_is_refused() {
        let long = format!(r#"[{{"type":"payment","x":"{}"}}]"#, "a".repeat(MAX_BYTES));
        let many = format!("[{}]", vec![r#"{"type":"payment"}"#; 17].join(","));
        for text in [
            "",
            "{}",
            "[]",
            "[1]",
            "[{}]",
            r#"[{"type":1}]"#,
            r#"[{"type":"unknown"}]"#,
            r#"[{"type":"room"}]"#,
            r#"[{"type":"payment"},{"type":"unknown"}]"#,
            r#"[{"type":"payment","actions":"all"}]"#,
            r#"[{"type":"payment","locations":["https://chat.example"]}]"#,
            r#"[{"type":"payment","identifier":7}]"#,
            r#"[{"type":"payment","privileges":[1]}]"#,
            &long,
            &many,
        ] {
            let problem = read(text).unwrap_err();
            assert_eq!(
                problem.code,
                Code::InvalidAuthorizationDetails,
                "{text:.60}"
            );
        }
        let mut none = app();
        none.asking.details.clear();
        let none = Details::parse(
            r#"[{"type":"payment"}]"#,
            &none,
            &["pay".into()],
            &services(),
        );
        assert!(none.is_err(), "the client is registered for no type");
    }

    #[test]
    fn a_type_that_nobody_could_register_is_no_part_of_a_command() {
        let services = [service("bank", &["pay"]), service("chat", &["chat"])];
        for (kind, scopes, wanted) in [
            (
                "door",
                &["openid", "pay"][..],
                "gerege service edit bank --add-detail-type door",
            ),
            ("door", &["pay", "chat"], "gerege service list"),
            ("door", &["openid"], "gerege service list"),
            ("a --new-secret", &["pay"], "gerege service list"),
            ("--new-secret", &["pay"], "gerege service list"),
        ] {
            let text = serde_json::json!([{ "type": kind }]).to_string();
            let scopes: Vec<String> = scopes.iter().map(|name| (*name).to_owned()).collect();
            let refused = Details::parse(&text, &app(), &scopes, &services).unwrap_err();
            assert_eq!(refused.fix.as_deref(), Some(wanted), "{kind}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
            let _ = read(&text);
        }
    }
}
