//! A database of an earlier version is brought up to this one, and the people in it are there.

use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use gerege::account::{Email, Username, username};
use gerege::clock::Clock;
use gerege::config::{Engine, Hidden, Postgres};
use gerege::hash::{Hasher, Params};
use gerege::rng::Rng;
use gerege::store::lock::Lock;

use crate::app::{PASSWORD, sql};
use crate::operate::{Place, wait_for};

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

/// What a newer program leaves in a database.
const NEWER: &str = "INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')";

/// Runs statements on a place's database, past the program.
fn run(place: &Place, statements: &str) {
    if place.is_postgres() {
        sql(&place.database, statements);
    } else {
        let file = place.folder.join("data/gerege.db").display().to_string();
        let mut conn = SqliteConnection::establish(&file).unwrap();
        conn.batch_execute(statements).unwrap();
    }
}

fn place(migrations: &[String]) -> Place {
    let place = Place::new(&format!("upgrade-{}", migrations.len()));
    std::fs::create_dir_all(place.folder.join("data")).unwrap();
    run(&place, &made_by(migrations));
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
    browser.fill("/signin", &fields).leads("/");
    server.stop();
    // One that a newer program changed is left alone.
    run(&place, NEWER);
    place
        .run(&["serve"])
        .is(1)
        .says(&["made by a newer Gerege", "9999"]);
}

#[test]
fn what_waits_for_a_migration_looks_again_at_what_it_left() {
    for words in [&["user", "list"][..], &["serve"]] {
        let place = place(&migrations());
        place.add_person("sarnai");
        let file = place.folder.join("data/gerege.db");
        let engine = match place.is_postgres() {
            false => Engine::Sqlite(file),
            true => Engine::Postgres(Postgres {
                url: Hidden::new(place.database.clone()),
                ca_file: None,
            }),
        };
        // The program finds the database as it knows it, and someone who holds it alone.
        let migrates = Lock::alone(&engine).unwrap().expect("nobody else");
        let done = std::thread::scope(|scope| {
            let waits = scope.spawn(|| place.run(words));
            let (clock, begun) = (Clock::system(), Clock::system().now());
            wait_for("its first look", || {
                clock.now().since(begun) > Duration::from_millis(700)
            });
            run(&place, NEWER);
            drop(migrates);
            waits.join().unwrap()
        });
        done.is(1).says(&["made by a newer Gerege", "9999"]);
    }
}
