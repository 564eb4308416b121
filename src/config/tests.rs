//! What an operator may type, and what Gerege answers.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::key::SECTIONS;
use super::*;

pub(super) const URL: &str = "public_url = \"https://id.steppe.example\"\n";

pub(super) fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

/// Loads `/etc/gerege/gerege.toml` holding `toml`; the only other file is a secret.
pub(super) fn load(toml: &str, pairs: &[(&str, &str)]) -> Result<Config, Vec<Mistake>> {
    let file = Path::new("/etc/gerege/gerege.toml");
    Config::load_with(Some(file), &env(pairs), None, &|path| match path.to_str() {
        Some("/etc/gerege/gerege.toml") => Ok(toml.to_owned()),
        Some("/etc/gerege/smtp.secret" | "/run/smtp.secret") => Ok("hunter2 \r\n".to_owned()),
        Some("/etc/gerege/two.lines") => Ok("hunter2\nhunter3".to_owned()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    })
}

/// No file at all.
pub(super) fn bare(pairs: &[(&str, &str)]) -> Result<Config, Vec<Mistake>> {
    Config::load(None, &env(pairs), None)
}

pub(super) fn keys(mistakes: &[Mistake]) -> Vec<&str> {
    mistakes.iter().map(|one| one.key.as_str()).collect()
}

#[test]
fn nothing_configured_is_dev_mode_on_loopback() {
    let config = bare(&[("PATH", "/bin")]).unwrap();
    assert!(config.dev && !config.secure());
    assert_eq!(config.issuer(), "http://localhost:8777");
    assert_eq!(config.listen.address.to_string(), "127.0.0.1:8777");
    assert_eq!(
        (config.host(), config.domain.as_str()),
        ("localhost", "localhost")
    );
    assert_eq!(config.data_dir, Path::new("gerege-data"));
    assert_eq!(config.master_key_file, Path::new("gerege-data/master.key"));
    let file = PathBuf::from("gerege-data/gerege.db");
    assert_eq!(config.database.engine, Engine::Sqlite(file));
    assert_eq!(config.signup.per_address_per_hour, 0);
    assert_eq!(config.mail.from.to_string(), "Gerege <no-reply@localhost>");
    assert_eq!(config.show(false).count(), 0);
}

#[test]
fn the_sender_that_the_name_makes_could_be_typed() {
    for (name, from) in [
        ("Steppe", "Steppe <no-reply@localhost>"),
        ("Steppe, Inc.", "Steppe, Inc. <no-reply@localhost>"),
        (
            "a \"b\" <c@d.example>",
            "a b c@d.example <no-reply@localhost>",
        ),
        ("<>", "no-reply@localhost"),
    ] {
        let config = bare(&[("GEREGE_NAME", name)]).unwrap();
        let shown = config.mail.from.to_string();
        assert_eq!(shown, from, "{name}");
        assert_eq!(form::mailbox(&shown).unwrap(), config.mail.from, "{name}");
    }
}

#[test]
fn dev_mode_takes_overrides_and_its_url_follows_the_port() {
    for (pairs, url) in [
        (
            vec![("GEREGE_LISTEN__ADDRESS", "127.0.0.1:9001")],
            "http://localhost:9001",
        ),
        (
            vec![("GEREGE_LISTEN__ADDRESS", "[::1]:9001")],
            "http://localhost:9001",
        ),
        (
            vec![("GEREGE_LISTEN__ADDRESS", "127.0.0.2:9001")],
            "http://127.0.0.2:9001",
        ),
        (
            vec![("GEREGE_PUBLIC_URL", "http://a.localhost:99")],
            "http://a.localhost:99",
        ),
        (vec![("GEREGE_PUBLIC_URL", "")], "http://localhost:8777"),
    ] {
        let config = bare(&pairs).unwrap();
        assert!(config.dev, "{pairs:?}");
        assert_eq!(config.issuer(), url, "{pairs:?}");
    }
    let config = bare(&[
        ("GEREGE_DATA_DIR", "/tmp/one"),
        ("GEREGE_CHECK__KIND", "off"),
        ("GEREGE_SIGNUP__PER_ADDRESS_PER_HOUR", "3"),
    ])
    .unwrap();
    assert_eq!(config.check.kind, CheckKind::Off);
    assert_eq!(config.signup.per_address_per_hour, 3);
    let file = PathBuf::from("/tmp/one/gerege.db");
    assert_eq!(config.database.engine, Engine::Sqlite(file));
    assert!(load(URL, &[]).is_ok_and(|config| !config.dev));
}

#[test]
fn no_configuration_and_a_listener_elsewhere_is_an_error() {
    let mistakes = bare(&[("GEREGE_LISTEN__ADDRESS", "0.0.0.0:8777")]).unwrap_err();
    assert_eq!(keys(&mistakes), ["listen.address"]);
    assert_eq!(mistakes[0].fix, "GEREGE_LISTEN__ADDRESS=127.0.0.1:8777");
    // A public URL others can reach is a configuration.
    let config = bare(&[
        ("GEREGE_LISTEN__ADDRESS", "0.0.0.0:8777"),
        ("GEREGE_PUBLIC_URL", "https://id.steppe.example"),
    ])
    .unwrap();
    assert!(!config.dev && config.secure());
    assert_eq!(config.signup.per_address_per_hour, 20);
    let asked = env(&[("GEREGE_PUBLIC_URL", "https://id.steppe.example")]);
    let mistakes = Config::load(None, &asked, Some(true)).unwrap_err();
    assert_eq!(keys(&mistakes), ["public_url"]);
}

#[test]
fn a_public_url_has_one_spelling() {
    for good in [
        "https://id.steppe.example",
        "https://a.example:8443",
        "http://127.0.0.1:8777",
    ] {
        let config = load(&format!("public_url = \"{good}\""), &[]).unwrap();
        assert_eq!(config.issuer(), good);
        assert_eq!(config.url("/signup"), format!("{good}/signup"));
        assert_eq!(config.url("@else.example"), format!("{good}/@else.example"));
    }
    for (wrong, fix) in [
        ("https://id.steppe.example/", "https://id.steppe.example"),
        (
            "https://id.steppe.example/auth",
            "https://id.steppe.example",
        ),
        ("https://id.steppe.example?a=b", "https://id.steppe.example"),
        ("https://me@id.steppe.example", "https://id.steppe.example"),
        ("https://ID.steppe.example:443", "https://id.steppe.example"),
        ("http://id.steppe.example", "https://id.steppe.example"),
        ("http://10.0.0.1:80", "https://10.0.0.1"),
        ("id.steppe.example", "https://id.steppe.example"),
        ("ftp://id.steppe.example", "https://id.steppe.example"),
        ("https://id.st&ppe.example", "https://id.steppe.example"),
        ("https://id.steppe_.example", "https://id.steppe.example"),
    ] {
        let mistakes = load(&format!("public_url = \"{wrong}\""), &[]).unwrap_err();
        assert_eq!(keys(&mistakes), ["public_url"], "{wrong}");
        assert_eq!(
            mistakes[0].fix,
            format!("public_url = \"{fix}\""),
            "{wrong}"
        );
    }
    assert_eq!(keys(&load("", &[]).unwrap_err()), ["public_url"]);
}

#[test]
fn all_mistakes_are_reported_at_once_with_line_and_key() {
    let toml = "
public_url = \"https://id.steppe.example/\"
nmae = \"Steppe\"
[mail]
hots = \"smtp.steppe.example\"
port = \"587\"
security = \"starttsl\"
[password]
min_length = 9
[signup]
block_domains = [\"a@b\", \"ok.example\", \"c d\"]
[tokens]
refresh_days = 400
[mial]
host = 3
";
    let mistakes = load(
        toml,
        &[("GEREGE_MAIL_PORT", "25"), ("GEREGE_CHECK__LENGTH", "99")],
    );
    let mistakes = mistakes.unwrap_err();
    let found: Vec<(String, &str, &str)> = mistakes
        .iter()
        .map(|one| (one.origin.to_string(), one.key.as_str(), one.fix.as_str()))
        .collect();
    let at = |line: usize| format!("/etc/gerege/gerege.toml line {line}");
    let domain = "write it like steppe.example, without @ and https://";
    assert_eq!(
        found,
        [
            (
                at(2),
                "public_url",
                "public_url = \"https://id.steppe.example\""
            ),
            (at(3), "nmae", "name"),
            (at(5), "mail.hots", "mail.host"),
            (at(6), "mail.port", "port = 587"),
            (at(7), "mail.security", "security = \"starttls\""),
            (at(9), "password.min_length", "min_length = 10"),
            (at(11), "signup.block_domains", domain),
            (at(11), "signup.block_domains", domain),
            (at(14), "mial", "mail"),
            (
                "GEREGE_CHECK__LENGTH".into(),
                "check.length",
                "GEREGE_CHECK__LENGTH=6"
            ),
            (
                "GEREGE_MAIL_PORT".into(),
                "GEREGE_MAIL_PORT",
                "GEREGE_MAIL__PORT"
            ),
            (
                "default".into(),
                "tokens.refresh_max_days",
                "tokens.refresh_max_days = 400"
            ),
        ]
    );
    let text = mistakes[2].to_string();
    assert_eq!(
        text,
        "error: mail.hots (/etc/gerege/gerege.toml line 5)\n  \
         why: Gerege has no such setting\n  try: mail.host"
    );
}

#[test]
fn unknown_keys_name_the_nearest_known_one() {
    for (toml, fix) in [
        ("host = \"a\"", "mail.host"),
        ("[password]\nmemory_mib = 19", "password.memory_kib"),
        ("[mail]\nSecurity = \"tls\"", "mail.security"),
        ("[terms]\ndirectory = \"x\"", "terms.dir"),
        ("mail = 3", "[mail] on a line of its own, then host = …"),
        ("zzzzzzzzzzzzzzzz = 3", "remove it"),
        ("signup.mod = 'open'", "signup.mode"),
        (
            "[[mail]]\nhost = 'a'",
            "[mail] on a line of its own, then host = …",
        ),
    ] {
        let mistakes = load(&format!("{URL}{toml}"), &[]).unwrap_err();
        assert_eq!(mistakes.len(), 1, "{toml}");
        assert_eq!(mistakes[0].fix, fix, "{toml}");
    }
}

#[test]
fn a_file_that_is_not_toml_names_the_line() {
    let mistakes = load("name = \"a\"\n\nport = = 3\n", &[]).unwrap_err();
    assert_eq!(
        mistakes[0].origin.to_string(),
        "/etc/gerege/gerege.toml line 3"
    );
    let missing = Config::load_with(Some(Path::new("no.toml")), &env(&[]), None, &|_| {
        Err(io::Error::from(io::ErrorKind::NotFound))
    });
    assert_eq!(missing.unwrap_err()[0].origin.to_string(), "no.toml");
}

#[test]
fn the_door_for_apps_has_a_url_of_its_own() {
    let listen = format!("{URL}[listen]\ntls_cert = \"a.pem\"\ntls_key = \"b.pem\"\n");
    let door = |more: &str| {
        let config = load(&format!("{listen}[mtls]\n{more}"), &[]).unwrap();
        config.mtls.unwrap().door.unwrap().url
    };
    let other = "listen = \"[::]:8443\"\npublic_url = \"https://apps.steppe.example\"";
    for (more, url) in [
        ("listen = \"[::]:8443\"", "https://id.steppe.example:8443"),
        ("listen = \"192.0.2.7:443\"", "https://id.steppe.example"),
        (other, "https://apps.steppe.example"),
    ] {
        assert_eq!(door(more), url);
    }
}

#[test]
fn what_does_not_fit_together_is_refused() {
    for (toml, key) in [
        ("[listen]\ntls_cert = \"a.pem\"", "listen.tls_key"),
        ("[listen]\ntls_key = \"a.pem\"", "listen.tls_cert"),
        ("[listen]\naddress = \"localhost:8777\"", "listen.address"),
        ("[listen]\nmetrics = \"9777\"", "listen.metrics"),
        ("[mtls]\nlisten = \"0.0.0.0:8443\"", "mtls.listen"),
        (
            "[listen]\ntls_cert = \"a.pem\"\ntls_key = \"b.pem\"\naddress = \"[::1]:443\"\n\
             [mtls]\nlisten = \"[::1]:443\"",
            "mtls.listen",
        ),
        (
            "[listen]\ntls_cert = \"a.pem\"\ntls_key = \"b.pem\"\n\
             [mtls]\nlisten = \"[::]:8443\"\npublic_url = \"http://localhost:8443\"",
            "mtls.public_url",
        ),
        (
            "[mtls]\npublic_url = \"https://id.steppe.example:8443\"",
            "mtls.public_url",
        ),
        ("[mtls]\nheader = \"client-cert\"", "mtls.proxies"),
        ("[mtls]\nproxies = [\"127.0.0.1\"]", "mtls.header"),
        ("[mtls]\nca_file = \"ca.pem\"", "mtls.ca_file"),
        (
            "[listen]\ntrusted_proxies = [\"10.0.0.0/33\"]",
            "listen.trusted_proxies",
        ),
        (
            "[listen]\ntrusted_proxies = [\"0.0.0.0/0\"]",
            "listen.trusted_proxies",
        ),
        (
            "[mail]\nhost = \"a.example\"\nsecurity = \"none\"",
            "mail.security",
        ),
        ("[mail]\nhost = \"https://a.example\"", "mail.host"),
        ("[mail]\nusername = \"a\"", "mail.password"),
        ("[mail]\npassword = \"a\"", "mail.username"),
        ("[mail]\nfrom = \"Steppe ID\"", "mail.from"),
        (
            "[mail]\nfrom = \"a@b.example\\r\\nBcc: c@d.example\"",
            "mail.from",
        ),
        ("[mail]\nreply_to = \"<a@b.example\"", "mail.reply_to"),
        ("[password]\nmemory_kib = 19455", "password.memory_kib"),
        (
            "[password]\nlanes = 64\nmemory_kib = 511\npasses = 9",
            "password.memory_kib",
        ),
        ("[database]\nurl = \"mysql://a\"", "database.url"),
        ("[database]\nurl = \"sqlite:\"", "database.url"),
        (
            "[database]\nurl = \"postgres://a/b?sslmode=on\"",
            "database.url",
        ),
        ("[database]\nurl = \"postgres://a:p/w@h/b\"", "database.url"),
        ("[theme]\nlanguages = [\"english!\"]", "theme.languages"),
        ("[theme]\nlanguages = [1]", "theme.languages"),
        ("domain = \"https://a.example\"", "domain"),
        ("domain = \"10.0.0.1\"", "domain"),
        ("contact = \"javascript:alert(1)\"", "contact"),
        ("name = \"a\\nb\"", "name"),
    ] {
        let mistakes = load(&format!("{URL}{toml}"), &[]).unwrap_err();
        assert_eq!(keys(&mistakes), [key], "{toml}");
    }
    for toml in [
        "[mail]\nhost = \"127.0.0.1\"\nsecurity = \"none\"",
        "[password]\nmemory_kib = 12288\npasses = 3",
        "[listen]\ntls_cert = \"a.pem\"\ntls_key = \"b.pem\"",
    ] {
        load(&format!("{URL}{toml}"), &[]).unwrap();
    }
    // Cheap hashes are for trials only.
    assert!(bare(&[("GEREGE_PASSWORD__MEMORY_KIB", "8")]).is_ok());
}

#[test]
fn values_arrive_in_their_own_types() {
    let toml = format!(
        "{URL}contact = \"help@steppe.example\"\ndomain = \"Бичиг.Example\"\ndata_dir = \"data\"
        [listen]\ntrusted_proxies = [\"10.0.0.7\", \"fd00::1/8\"]\nmetrics = \"127.0.0.1:9777\"
        [signup]\nmode = \"approve\"\nreserved_usernames = [\"Boss\"]
        [mail]\nhost = \"SMTP.steppe.example\"\nfrom = \"Steppe ID <no-reply@steppe.example>\"
        security = \"tls\"\ncode_minutes = 20
        [database]\nurl = \"sqlite:x/y.db\"\n[check]\nkind = \"work\"\n[clients]\nconsent = \"always\"
        [log]\nformat = \"json\"\nlevel = \"trace\"\n[theme]\nlanguages = [\"mn\", \"zh-Hant\"]"
    );
    let config = load(&toml, &[("GEREGE_LOG__FILE", "here.log")]).unwrap();
    assert_eq!(config.domain, "xn--90aeoa8e.example");
    assert_eq!(config.data_dir, Path::new("/etc/gerege/data"));
    assert_eq!(config.terms.dir, Path::new("/etc/gerege/terms"));
    assert_eq!(config.log.file.as_deref(), Some(Path::new("here.log")));
    let proxies: Vec<String> = config
        .listen
        .trusted_proxies
        .iter()
        .map(|n| n.to_string())
        .collect();
    assert_eq!(proxies, ["10.0.0.7/32", "fd00::/8"]);
    assert_eq!(config.signup.mode, SignupMode::Approve);
    assert_eq!(config.signup.reserved_usernames, ["boss"]);
    assert_eq!(config.mail.host.as_deref(), Some("smtp.steppe.example"));
    assert_eq!(config.mail.from.name.as_deref(), Some("Steppe ID"));
    assert_eq!(config.mail.from.address, "no-reply@steppe.example");
    assert_eq!(
        (config.mail.security, config.mail.port),
        (MailSecurity::Tls, 465)
    );
    assert_eq!(config.mail.code_ttl, Duration::from_secs(1200));
    assert_eq!(
        config.database.engine,
        Engine::Sqlite("/etc/gerege/x/y.db".into())
    );
    assert_eq!(config.check.kind, CheckKind::Work);
    assert_eq!(config.clients.consent, Consent::Always);
    assert_eq!(
        (config.log.format, config.log.level),
        (LogFormat::Json, "trace")
    );
    assert_eq!(config.theme.languages, ["mn", "zh-Hant"]);
    assert_eq!(config.signin.keep_ttl, Duration::from_secs(180 * 86_400));
    assert_eq!(config.tokens.code_ttl, Duration::from_secs(60));
}

#[test]
fn every_word_of_a_choice_means_something_of_its_own() {
    for key in KEYS {
        let Kind::Choice(words) = key.kind else {
            continue;
        };
        let meanings: BTreeSet<String> = words
            .iter()
            .map(|word| {
                let config = load(URL, &[(&key.variable(), word)]).unwrap();
                let parts = (config.signup.mode, config.check.kind, config.mail.security);
                format!(
                    "{parts:?} {:?} {:?} {:?}",
                    config.clients, config.log, config.registration
                )
            })
            .collect();
        assert_eq!(meanings.len(), words.len(), "{}", key.path);
    }
}

#[test]
fn a_variable_wins_over_the_file_and_origins_say_so() {
    let toml = format!("{URL}name = \"File\"\n[mail]\nport = 25\n");
    let config = load(
        &toml,
        &[("GEREGE_NAME", "Variable"), ("GEREGE_CONFIG", "x")],
    )
    .unwrap();
    assert_eq!(config.name, "Variable");
    assert_eq!(config.origins["name"], Origin::Env("GEREGE_NAME".into()));
    let file = "/etc/gerege/gerege.toml".to_owned();
    assert_eq!(config.origins["mail.port"], Origin::File { file, line: 4 });
    assert_eq!(config.origins["mail.host"], Origin::Default);
    let shown: Vec<(&str, &str)> = config
        .show(false)
        .map(|one| (one.key, &*one.value))
        .collect();
    assert_eq!(
        shown,
        [
            ("public_url", "\"https://id.steppe.example\""),
            ("name", "\"Variable\""),
            ("mail.port", "25"),
        ]
    );
    let list = load(
        URL,
        &[("GEREGE_SIGNUP__BLOCK_DOMAINS", "a.example, b.example,")],
    )
    .unwrap();
    assert_eq!(list.signup.block_domains, ["a.example", "b.example"]);
}

#[test]
fn a_secret_may_lie_in_a_file() {
    let user = "[mail]\nusername = \"a\"\n";
    let file = format!("{URL}{user}password_file = \"smtp.secret\"\n");
    let typed = format!("{URL}{user}password = \"typed\"\n");
    let roots = format!("{URL}{user}password_file = \"no.secret\"\n");
    let by_file = ("GEREGE_MAIL__PASSWORD_FILE", "/run/smtp.secret");
    let by_name = ("GEREGE_MAIL__PASSWORD", "variable");
    for (toml, pairs, secret) in [
        (&file, vec![], "hunter2 "),
        (&typed, vec![by_file], "hunter2 "),
        (&file, vec![by_name], "variable"),
        // What only root may read is handed over elsewhere (contrib/gerege.service).
        (&roots, vec![by_file], "hunter2 "),
        (&roots, vec![by_name], "variable"),
    ] {
        let config = load(toml, &pairs).unwrap();
        assert_eq!(config.mail.password.as_ref().unwrap().reveal(), secret);
    }
    for (line, word) in [
        (
            "password_file = \"smtp.secret\"\npassword = \"typed\"",
            "set twice",
        ),
        ("password_file = \"no.secret\"", "cannot be read"),
        ("password_file = \"two.lines\"", "more than one line"),
        ("password_file = 3", "name of a file"),
    ] {
        let mistakes = load(&format!("{URL}{user}{line}"), &[]).unwrap_err();
        assert_eq!(keys(&mistakes), ["mail.password"], "{line}");
        assert!(
            mistakes[0].what.contains(word),
            "{line}: {}",
            mistakes[0].what
        );
    }
    // The variable's own file is read, and one that is empty names none.
    for (file, word) in [("/run/none", "/run/none"), ("", "no.secret")] {
        let mistakes = load(&roots, &[("GEREGE_MAIL__PASSWORD_FILE", file)]).unwrap_err();
        assert_eq!(keys(&mistakes), ["mail.password"], "{file}");
        assert!(mistakes[0].what.contains(word), "{}", mistakes[0].what);
    }
}

#[test]
fn secrets_are_never_shown() {
    let url = "postgres://me:canary-1@db.steppe.example:5433/gerege?sslmode=verify-full";
    let toml = format!(
        "{URL}[mail]\nusername = \"a\"\npassword = \"canary-2\"\n[database]\nurl = \"{url}\"\n"
    );
    let config = load(&toml, &[]).unwrap();
    let shown: Vec<String> = config.show(true).map(|one| format!("{one:?}")).collect();
    assert_eq!(shown.len(), KEYS.len());
    assert!(!shown.join("\n").contains("canary"));
    assert!(!format!("{config:?}").contains("canary"));
    let value = |key: &str| {
        config
            .show(true)
            .find(|one| one.key == key)
            .unwrap()
            .value
            .clone()
    };
    assert_eq!(
        value("database.url"),
        "\"postgres://db.steppe.example:5433/gerege\""
    );
    assert_eq!(value("mail.password"), "(hidden)");
    let Engine::Postgres(kept) = &config.database.engine else {
        panic!()
    };
    assert_eq!(kept.url.reveal(), url.replace("verify-full", "require"));

    for wrong in [
        "[mail]\npassword = 4711\nusername = \"a\"",
        "[mail]\npassword = \"4711\\n\"\nusername = \"a\"",
        "[mail]\npasword = \"4711\"",
        "[database]\nurl = \"postgres://a:4711/7@b/c\"",
        "[database]\nurl = \"postgres://a:x?4711@b/c\"",
        "[database]\nurl = \"postgres://a:x#4711@b/c\"",
        "[database]\nurl = \"pg://a:4711@b/c\"",
        "[mail]\npassword = \"4711",
    ] {
        let mistakes = load(&format!("{URL}{wrong}"), &[]).unwrap_err();
        assert!(
            !format!("{mistakes:?}").contains("4711"),
            "{wrong}: {mistakes:?}"
        );
    }
}

#[test]
fn the_file_is_found_in_its_order() {
    let named = env(&[("GEREGE_CONFIG", "b.toml")]);
    let path = |text: &str| Some(PathBuf::from(text));
    assert_eq!(find(path("a.toml"), &named, |_| true), path("a.toml"));
    assert_eq!(find(None, &named, |_| false), path("b.toml"));
    assert_eq!(find(None, &env(&[]), |_| true), path("gerege.toml"));
    let etc = Path::new("/etc/gerege/gerege.toml");
    assert_eq!(find(None, &env(&[]), |path| path == etc), Some(etc.into()));
    assert_eq!(find(None, &env(&[("GEREGE_CONFIG", "")]), |_| false), None);
}

#[test]
fn every_key_is_read_stands_in_a_section_and_has_a_legal_default() {
    let config = load(URL, &[]).unwrap();
    let read: BTreeSet<&str> = config.origins.keys().copied().collect();
    assert_eq!(read, KEYS.iter().map(|key| key.path).collect());
    for key in KEYS {
        assert!(
            SECTIONS.iter().any(|(name, _)| *name == key.section()),
            "{}",
            key.path
        );
        assert!(key.doc.ends_with('.'), "{}", key.path);
        let typed: toml_edit::Value = key.default.parse().unwrap();
        assert_eq!(typed.to_string(), key.preset().toml(), "{}", key.path);
    }
}
