//! No text, typed anywhere, makes the configuration panic.

use std::path::Path;

use proptest::prelude::*;

use super::tests::{bare, env};
use super::*;

/// Lines that are nearly a configuration: known keys and values of any kind.
fn nearly() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        (0..KEYS.len()).prop_map(|n| KEYS[n].path.to_owned()),
        (0..KEYS.len()).prop_map(|n| format!("{}_file", KEYS[n].path)),
        "[a-z_.\"]{0,12}",
    ];
    let value = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        "\\PC{0,20}".prop_map(|text| toml_edit::Value::from(text).to_string()),
        "[a-z:/@.?=%\\[\\]#]{0,30}".prop_map(|text| toml_edit::Value::from(text).to_string()),
        Just("{ a = [1, {}] }".to_owned()),
        Just("[\"a\", \"\"]".to_owned()),
        Just("true".to_owned()),
        "[-0-9T:.{}\\[\\]\"]{0,12}",
    ];
    proptest::collection::vec((key, value), 0..6).prop_map(|lines| {
        let lines = lines
            .into_iter()
            .map(|(key, value)| format!("{key} = {value}\n"));
        lines.collect()
    })
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(text in any::<String>(), near in nearly(), dev in any::<bool>()) {
        for toml in [text, near] {
            let read = |_: &Path| Ok(toml.clone());
            let answer = Config::load_with(Some(Path::new("a")), &env(&[]), Some(dev), &read);
            match answer {
                Ok(config) => prop_assert!(dev || config.issuer().starts_with("http")),
                Err(mistakes) => {
                    prop_assert!(!mistakes.is_empty());
                    for one in mistakes {
                        prop_assert!(!one.what.is_empty() && !one.fix.is_empty());
                        prop_assert_eq!(one.to_string().lines().count(), 3, "{}", one);
                    }
                }
            }
        }
    }

    #[test]
    fn no_variable_makes_it_panic(n in 0..KEYS.len(), text in "\\PC*", name in "[A-Z_]{0,20}") {
        let known = KEYS[n].variable();
        let unknown = format!("GEREGE_{name}");
        let _ = bare(&[(&known, &text)]);
        let _ = bare(&[(&unknown, &text)]);
    }

    #[test]
    fn what_is_accepted_as_public_url_is_an_origin(text in "(https?://)?[a-zA-Z0-9.:/@\\[\\]?#-]{0,24}") {
        if let Ok((url, host)) = form::public_url(&text) {
            prop_assert_eq!(&url, &text);
            prop_assert!(url.starts_with("https://") || is_loopback(&host));
            prop_assert_eq!(url.matches('/').count(), 2);
        }
    }
}
