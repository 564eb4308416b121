//! A database of an earlier version is brought up to this one, and the people in it are there.

use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use gerege::account::{Email, Username, username};
use gerege::hash::{Hasher, Params};
use gerege::rng::Rng;

use crate::app::{PASSWORD, sql};
use crate::operate::Place;

/// The folders of the migrations, oldest first.
fn migrations() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut all: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|one| one.unwrap().file_name().into_string().unwrap())
        .collect();
    all.sort();
    assert!(all.len() >= 8, "{all:?}");
    all
}

/// What made a database of that time, with one person in it.
fn made_by(migrations: &[String]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut all = String::from(
        "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, \
         run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);\n",
    );
    for name in migrations {
        all += &std::fs::read_to_string(folder.join(name).join("up.sql")).unwrap();
        let version = name.split('_').next().unwrap();
        all +=
            &format!("\nINSERT INTO __diesel_schema_migrations (version) VALUES ('{version}');\n");
    }
    let weak = Params {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
        at_once: 1,
    };
    let hash = Hasher::new(weak, Rng::System)
        .unwrap()
        .hash_now(PASSWORD)
        .unwrap();
    let policy = username::Policy::new(username::LEAST, username::MOST, &[""; 0]);
    let skeleton = Username::parse("temuulen", &policy).unwrap().skeleton();
    let email = Email::parse("temuulen@mail.example").unwrap();
    all + &format!(
        "INSERT INTO account (id, username, skeleton, name, email, email_key, password, language, \
         created_at, password_at) VALUES ('temuulen-1', 'temuulen', '{skeleton}', 'Temuulen', \
         '{}', '{}', '{hash}', 'en', 1790000000000, 1790000000000);",
        email.as_str(),
        email.key()
    )
}

fn place(migrations: &[String]) -> Place {
    let place = Place::new(&format!("upgrade-{}", migrations.len()));
    let made = made_by(migrations);
    std::fs::create_dir_all(place.folder.join("data")).unwrap();
    if place.is_postgres() {
        sql(&place.database, &made);
    } else {
        let file = place.folder.join("data/gerege.db").display().to_string();
        let mut conn = SqliteConnection::establish(&file).unwrap();
        conn.batch_execute(&made).unwrap();
    }
    place
}

#[test]
fn a_database_of_each_earlier_version_is_brought_up_to_this_one() {
    let all = migrations();
    for number in 1..all.len() {
        let (done, due) = all.split_at(number);
        let place = place(done);
        let refused = place.run(&["user", "list"]).is(1);
        let count = match due.len() {
            1 => "1 migration is due".to_owned(),
            many => format!("{many} migrations are due"),
        };
        refused.says(&["older than this program", &count, "gerege db migrate"]);
        let would = place.run(&["db", "migrate", "--dry-run"]).is(0).out;
        let ran = place.run(&["db", "migrate"]).is(0).out;
        for name in due {
            assert!(
                would.contains(name) && ran.contains(name),
                "{name}: {would}{ran}"
            );
        }
        let copy = place
            .folder
            .join(format!("data/backup/before-{}.db", due[0]));
        assert_eq!(copy.exists(), !place.is_postgres(), "{number}");
        assert_eq!(place.people(), ["temuulen"], "{number}");
    }
}

#[test]
fn a_server_brings_an_old_database_up_and_its_people_sign_in() {
    let place = place(&migrations()[..1]);
    let server = place.serve();
    let mut browser = server.browser();
    let fields = [("login", "temuulen"), ("password", PASSWORD)];
    browser.fill("/signin", &fields).leads("/account");
    server.stop();
    // One that a newer program changed is left alone.
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')";
    if place.is_postgres() {
        sql(&place.database, newer);
    } else {
        let file = place.folder.join("data/gerege.db").display().to_string();
        let mut conn = SqliteConnection::establish(&file).unwrap();
        conn.batch_execute(newer).unwrap();
    }
    place
        .run(&["serve"])
        .is(1)
        .says(&["made by a newer Gerege", "9999"]);
}
