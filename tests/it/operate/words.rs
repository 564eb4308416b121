//! What commands say when something was mistyped.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::Place;

#[test]
fn what_is_not_there_is_not_removed() {
    let place = Place::new("remove");
    let back = "https://forum.example/back";
    place
        .run(&["client", "add", "forum", "--redirect", back])
        .is(0);
    let typo = "https://forum.example/bakc";
    place
        .run(&["client", "edit", "forum", "--remove-redirect", typo])
        .is(1)
        .says(&[
            "forum was not changed",
            typo,
            back,
            "gerege client show forum",
        ]);
    place
        .run(&["client", "edit", "forum", "--remove-redirect", back])
        .is(1)
        .says(&["gerege client edit forum --add-redirect"]);
    let add = [
        "service",
        "add",
        "chat",
        "--audience",
        "chat",
        "--scope",
        "chat",
    ];
    place
        .run(&[&add[..], &["--claim", "jid={username}@{domain}"]].concat())
        .is(0);
    for (option, typo, has) in [
        ("--remove-scope", "caht", "chat"),
        ("--remove-claim", "jdi", "jid"),
    ] {
        place
            .run(&["service", "edit", "chat", option, typo])
            .is(1)
            .says(&["chat was not changed", typo, has]);
    }
    // Together with what is there, nothing goes either.
    place
        .run(&[
            "service",
            "edit",
            "chat",
            "--remove-scope",
            "chat",
            "--remove-claim",
            "x",
        ])
        .is(1);
    let shown = place.run(&["service", "show", "chat", "--json"]).is(0).out;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["scope"], "chat");
}

#[test]
fn a_value_that_does_not_fit_is_named_with_the_command() {
    let place = Place::new("values");
    place
        .run(&["client", "add", "forum", "--auth", "magic"])
        .is(2)
        .says(&[
            "magic does not fit --auth",
            "basic",
            "gerege client add --help",
        ]);
    place
        .run(&["user", "list", "--limit", "0"])
        .is(2)
        .says(&["0 does not fit --limit", "gerege user list --help"]);
    place
        .run(&["user", "list", "--limit"])
        .is(2)
        .says(&["--limit", "gerege user list --help"]);
    place
        .run(&["client", "ad"])
        .is(2)
        .says(&["gerege client --help"]);
    place.add_person("temuulen");
    let nobody = place.run(&["user", "list", "--after", "zzz"]).is(0).out;
    assert!(nobody.contains("Nobody after zzz"), "{nobody}");
    let config = place.folder.join("gerege.toml");
    std::fs::write(&config, "[mail]\nhost = 3\n").unwrap();
    let said = place.run(&["config", "check"]).is(1);
    assert!(said.err.contains("not an integer"), "{}", said.err);
}

#[test]
fn a_service_without_a_scope_is_warned_of() {
    let place = Place::new("scopeless");
    let said = place
        .run(&["service", "add", "chat", "--audience", "chat"])
        .is(0);
    assert!(said.err.contains("it has no scope"), "{}", said.err);
    let said = place
        .run(&["service", "edit", "chat", "--add-scope", "chat"])
        .is(0);
    assert!(!said.err.contains("it has no scope"), "{}", said.err);
}

/// An RSA key whose modulus has so many bits.
fn rsa(bits: usize) -> Value {
    let mut modulus = vec![0xFF; bits.div_ceil(8)];
    modulus[0] = u8::try_from((1_u32 << ((bits - 1) % 8 + 1)) - 1).unwrap();
    json!({ "kty": "RSA", "n": URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB" })
}

#[test]
fn keys_that_could_check_nothing_are_refused() {
    let place = Place::new("keys").with("REGISTRATION__MODE", "open");
    let server = place.serve();
    let mut browser = server.browser();
    let off = URL_SAFE_NO_PAD.encode([1; 32]);
    let point = json!({ "kty": "EC", "crv": "P-256", "x": off, "y": off });
    let file = place.folder.join("keys.json");
    for (number, (key, good)) in [
        (rsa(17), false),
        (rsa(1024), false),
        (rsa(16384), false),
        (point, false),
        (
            json!({ "kty": "OKP", "crv": "Ed25519", "x": "AQAB" }),
            false,
        ),
        (rsa(2048), true),
        // Not for signatures, so not ours to judge.
        (
            json!({ "kty": "EC", "crv": "P-521", "use": "enc", "x": "AQAB", "y": "AQAB" }),
            true,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let set = json!({ "keys": [key] });
        std::fs::write(&file, set.to_string()).unwrap();
        let (id, jwks) = (format!("app{number}"), file.to_str().unwrap());
        let back = "https://forum.example/back";
        let said = place.run(&["client", "add", &id, "--redirect", back, "--jwks", jwks]);
        let said = said.is(i32::from(!good));
        if !good {
            said.says(&["ask the app for its JWK set"]);
        }
        let body = json!({
            "redirect_uris": [back],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": set,
        });
        let kind = [("Content-Type", "application/json")];
        let body = body.to_string();
        let answer = browser.send("POST", "/oauth2/register", &kind, Some(body.as_bytes()));
        assert_eq!(
            answer.status,
            if good { 201 } else { 400 },
            "{body}: {}",
            answer.text()
        );
    }
    let form = browser
        .post("/oauth2/register", &[("redirect_uris", "x")])
        .is(415);
    assert_eq!(
        form.json()["error_description"],
        "the body must be application/json"
    );
    server.stop();
}

#[test]
fn an_edit_names_what_it_changes() {
    let place = Place::new("edits");
    let back = "https://forum.example/back";
    place
        .run(&["client", "add", "forum", "--redirect", back])
        .is(0);
    for words in [
        &["client", "edit", "forum"][..],
        &["client", "edit", "forum", "--json"],
        &["service", "edit", "chat"],
    ] {
        place
            .run(words)
            .is(2)
            .says(&["nothing says what is to be changed", "edit --help"]);
    }
    place
        .run(&["client", "edit", "forum", "--name", "Forum", "--json"])
        .is(0);
    let help = place.run(&["--help"]).is(0).out;
    for word in ["rotate-secret", "logouts", "pings"] {
        assert!(help.contains(word), "{word} in {help}");
    }
    let machine = ["--audience", "api", "--scope", "api", "--machine"];
    let added = place.run(&[&["service", "add", "api"], &machine[..]].concat());
    assert!(!added.is(0).err.contains("jid"));
}

#[test]
fn all_mistakes_of_a_configuration_are_told_at_once() {
    let place = Place::new("mistakes");
    std::fs::write(
        place.folder.join("gerege.toml"),
        "public_url = \"https://id.steppe.example\"\n[signup]\nmin_age = 999\n\
         reserved_usernames = [\"A B\"]\n[check]\nquestions_file = \"none.toml\"\n\
         [theme]\ndir = \"nowhere\"\n",
    )
    .unwrap();
    for words in [&["config", "check"][..], &["doctor"]] {
        let said = place.run(words);
        let told = format!("{}{}", said.out, said.err);
        for key in [
            "signup.min_age",
            "signup.reserved_usernames",
            "check.questions_file",
            "theme.dir",
        ] {
            assert!(told.contains(key), "{key} in {told}");
        }
    }
    // Nothing is good about a configuration that is not.
    std::fs::write(
        place.folder.join("gerege.toml"),
        "public_url = \"https://id.steppe.example\"\n[theme]\ndir = \"nowhere\"\n",
    )
    .unwrap();
    let place = place
        .with("PASSWORD__MEMORY_KIB", "19456")
        .with("PASSWORD__PASSES", "2");
    let told = place.run(&["doctor", "--json"]).is(2).out;
    let told: Value = serde_json::from_str(&told).unwrap();
    let of = |one: &&Value| one["what"] == "configuration";
    let states: Vec<_> = told["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(of)
        .collect();
    assert_eq!(states.len(), 1, "{states:?}");
    assert_eq!(states[0]["state"], "broken");
}

#[test]
fn doctor_tells_when_nobody_is_asked_to_accept() {
    let place = Place::new("agreements");
    let terms = place.folder.join("terms");
    std::fs::create_dir_all(&terms).unwrap();
    let file = |more: &str| {
        let text = format!("---\ntitle: Terms\nlanguage: en\n{more}---\n# {more}\n");
        std::fs::write(terms.join("rules.en.md"), text).unwrap();
    };
    let finding = |place: &Place| {
        place.run(&["terms", "publish", "terms"]).is(0);
        let told: Value = serde_json::from_str(&place.run(&["doctor", "--json"]).out).unwrap();
        let all = told["findings"].as_array().unwrap().clone();
        all.into_iter()
            .find(|one| one["what"] == "agreements")
            .unwrap()
    };
    file("in_force: 2999-01-01\n");
    let found = finding(&place);
    assert_eq!(found["state"], "warning");
    assert!(found["says"].as_str().unwrap().contains("2999-01-01"));
    file("optional: true\n");
    assert_eq!(finding(&place)["state"], "warning");
    file("grace_days: 3\n");
    assert_eq!(finding(&place)["state"], "good");
}
