//! A start that fails says why, and so do `config check` and `doctor` before it.

use super::{Place, taken_port};
use crate::app::join;
use crate::mtls::{authority, params};

#[test]
fn an_address_that_is_taken_is_named() {
    let (address, _held) = taken_port();
    for (name, key) in [
        ("LISTEN__ADDRESS", "listen.address"),
        ("LISTEN__METRICS", "listen.metrics"),
    ] {
        let place = Place::new(key).with(name, address);
        place.run(&["serve"]).is(1).says(&[
            "cannot listen on",
            "another program is using this port",
            "use another port: GEREGE_LISTEN__",
            key,
        ]);
    }
}

#[test]
fn a_database_that_cannot_be_had_is_named() {
    let mut place = Place::new("nodb");
    if place.is_postgres() {
        place.database = join(&place.database, "nobody_made_this");
        let words = ["the database cannot be used", "does not exist", "create it"];
        place.run(&["serve"]).is(1).says(&words);
        place.run(&["user", "list"]).is(1).says(&words);
        let found = place.run(&["doctor", "--json"]).is(2).out;
        assert!(found.contains("create it"), "{found}");
        place.database = "postgres://gerege@127.0.0.1:1/nothing".into();
        let words = ["the database cannot be used", "start PostgreSQL"];
        place.run(&["serve"]).is(1).says(&words);
    } else {
        std::fs::create_dir_all(place.folder.join("data/gerege.db")).unwrap();
        place.run(&["serve"]).is(1).says(&["database", "gerege.db"]);
    }
}

#[test]
fn what_stops_the_start_is_found_before_it() {
    let place = Place::new("files");
    let write = |name: &str, text: &str| {
        let file = place.folder.join(name);
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let pair = |name: &str| {
        let (issuer, ca) = authority("Steppe CA");
        let key = rcgen::KeyPair::generate().unwrap();
        let cert = params("localhost").signed_by(&key, &issuer).unwrap();
        [
            write(&format!("{name}.ca"), &ca),
            write(&format!("{name}.pem"), &cert.pem()),
            write(&format!("{name}.key"), &key.serialize_pem()),
        ]
    };
    let ([ca, cert, key], [_, _, other]) = (pair("a"), pair("b"));
    drop(ca);
    let none = place.folder.join("none/none").display().to_string();
    let broken = write("broken.toml", "nonsense");
    let (tls_cert, tls_key) = ("LISTEN__TLS_CERT", "LISTEN__TLS_KEY");
    let header = [
        ("MTLS__HEADER", "client-cert"),
        ("MTLS__PROXIES", "127.0.0.1"),
    ];
    type Case<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str)>);
    let cases: [Case<'_>; 11] = [
        (
            "listen.tls_cert",
            "No such file",
            vec![(tls_cert, &none), (tls_key, &key)],
        ),
        (
            "listen.tls_cert",
            "holds no certificate",
            vec![(tls_cert, &key), (tls_key, &key)],
        ),
        (
            "listen.tls_key",
            "holds no private key",
            vec![(tls_cert, &cert), (tls_key, &cert)],
        ),
        (
            "listen.tls_key",
            "is not the key of",
            vec![(tls_cert, &cert), (tls_key, &other)],
        ),
        (
            "mtls.ca_file",
            "none",
            vec![header[0], header[1], ("MTLS__CA_FILE", &none)],
        ),
        ("network.ca_file", "none", vec![("NETWORK__CA_FILE", &none)]),
        ("theme.dir", "is no folder", vec![("THEME__DIR", &none)]),
        (
            "theme.languages",
            "no texts in xx",
            vec![("THEME__LANGUAGES", "en,xx")],
        ),
        (
            "check.questions_file",
            "broken.toml",
            vec![("CHECK__QUESTIONS_FILE", &broken)],
        ),
        ("log.file", "is not there", vec![("LOG__FILE", &none)]),
        (
            "master_key_file",
            "is not there",
            vec![("MASTER_KEY_FILE", &none)],
        ),
    ];
    for (key, why, settings) in cases {
        let place = settings
            .into_iter()
            .fold(Place::new("case"), |place, (name, value)| {
                place.with(name, value)
            });
        place.run(&["config", "check"]).is(1).says(&[key, why]);
        place.run(&["serve"]).is(1).says(&[key, why]);
        let found = place.run(&["doctor", "--json"]).is(2).out;
        assert!(found.contains(key), "{key}: {found}");
        assert!(!place.folder.join("data/gerege.db").exists(), "{key}");
    }
}

#[test]
fn a_database_whose_master_key_is_gone_is_given_no_new_one() {
    let place = Place::new("keyless");
    place.add_person("temuulen");
    let key = place.folder.join("data/master.key");
    std::fs::remove_file(&key).unwrap();
    place
        .run(&["serve"])
        .is(1)
        .says(&["the master key is missing", "put the key back"]);
    assert!(!key.exists());
}

/// A place whose passwords cost what they must outside dev mode.
fn dear(name: &str) -> Place {
    Place::new(name)
        .with("PASSWORD__MEMORY_KIB", 19456)
        .with("PASSWORD__PASSES", 2)
}

#[test]
fn the_domain_of_people_who_are_here_stays() {
    let mut place = dear("domain")
        .with("PUBLIC_URL", "https://id.steppe.example")
        .with("DOMAIN", "wrong.example");
    place.serve().stop();
    // Nobody is here yet.
    place.set("DOMAIN", "steppe.example");
    place.serve().stop();
    place.add_person("temuulen");
    for other in ["horde.example", ""] {
        place.set("DOMAIN", other);
        let words = [
            "have addresses at steppe.example",
            "set domain = \"steppe.example\"",
        ];
        place.run(&["serve"]).is(1).says(&words);
        let found = place.run(&["doctor"]).is(2).out;
        assert!(
            found.contains("people have addresses at steppe.example"),
            "{found}"
        );
    }
    place.set("DOMAIN", "steppe.example");
    place.serve().stop();
    place.run(&["user", "delete", "temuulen", "--yes"]).is(0);
    place.set("DOMAIN", "horde.example");
    place.serve().stop();
    // Where people tried it on this machine, a name comes later.
    for trial in ["localhost", "chat.localhost"] {
        let mut place = dear("trial-domain")
            .with("PUBLIC_URL", "https://id.steppe.example")
            .with("DOMAIN", trial);
        place.serve().stop();
        place.add_person("temuulen");
        place.serve().stop();
        place.set("DOMAIN", "steppe.example");
        place.serve().stop();
    }
}

// PROTOCOL 8
#[test]
fn dev_mode_does_not_touch_a_folder_that_was_used_outside_it() {
    let mark = |place: &Place| place.folder.join("data/in-use").exists();
    let add = ["service", "add", "room", "--audience", "room"];
    let mut real = dear("real").with("PUBLIC_URL", "https://id.steppe.example");
    real.run(&add).is(0);
    assert!(mark(&real));
    real.set(
        "PUBLIC_URL",
        format!("http://localhost:{}", real.address.port()),
    );
    real.run(&["serve", "--dev"])
        .is(1)
        .says(&["dev mode does not touch", "was used outside dev mode"]);

    // What dev mode's own commands use stays dev mode's, with a file and without.
    let mut trial = dear("trial");
    trial.run(&add).is(0);
    std::fs::write(trial.folder.join("gerege.toml"), "").unwrap();
    trial.set(
        "PUBLIC_URL",
        format!("http://localhost:{}", trial.address.port()),
    );
    trial.run(&["service", "list"]).is(0);
    assert!(!mark(&trial));
    std::fs::remove_file(trial.folder.join("gerege.toml")).unwrap();
    trial.serve().stop();

    // What dev mode brought with it is for nobody else.
    trial.set("PUBLIC_URL", "https://id.steppe.example");
    let told = trial.run(&["doctor"]).out;
    let commands = "gerege client remove demo-messenger; gerege service remove demo-chat";
    assert!(told.contains(commands), "{told}");
    trial.run(&["client", "remove", "demo-messenger"]).is(0);
    trial.run(&["service", "remove", "demo-chat"]).is(0);
    let told = trial.run(&["doctor"]).out;
    assert!(!told.contains("demo"), "{told}");
    assert!(mark(&trial));
}
