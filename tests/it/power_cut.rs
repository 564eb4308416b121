//! The power goes, at every call that SQLite makes to the system while people sign up and apps
//! refresh: what was acknowledged is there afterwards, and nothing is half there (SECURITY L01).

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use gerege::config::Engine;
use gerege::rng::{Rng, digest};
use gerege::store::{self, migrate};

use crate::app::{TestApp, first_database, own_folder};
use crate::disk::{self, Call, Disk, Step, Unsynced};
use crate::http::Browser;
use crate::road::{redeem, refresh, request, text};
use crate::signup::{sign_up, walk_to_code};

/// Where chance begins; `POWER_CUT_SEED` sets another.
const SEED: u64 = 21;

/// As many different disks are looked at, and no fewer than the second.
const MOST: usize = 900;
const LEAST: usize = 500;

/// People who sign up, each with an app that refreshes.
const PEOPLE: usize = 6;

/// What somebody was told, and so must be there.
#[derive(Clone, Debug)]
enum Told {
    /// `Account ready`.
    Account(String),
    /// A draft waits for its code.
    Draft(String),
    /// A refresh token.
    Token(String),
}

/// A story told on a disk that forgets.
struct Story {
    steps: Vec<Step>,
    /// After how many calls each answer came.
    told: Vec<(usize, Told)>,
}

fn tell() -> Story {
    disk::install();
    let app = TestApp::with(&[
        (
            "DATABASE__URL",
            &format!("sqlite:file:{{folder}}/gerege.db?vfs={}", disk::NAME),
        ),
        ("DATABASE__POOL", "2"),
    ]);
    let Engine::Sqlite(database) = app.app.config.database.engine.clone() else {
        panic!("this is a story of SQLite");
    };
    let folder = app.folder().to_owned();
    let mut told = Vec::new();
    let mut say = |what| told.push((disk::count(&folder), what));
    let mut checkpoints = SqliteConnection::establish(&database.display().to_string()).unwrap();
    let mut tokens = Vec::new();
    for number in 0..PEOPLE {
        let visitor = format!("visitor{number}");
        walk_to_code(&mut app.browser(), "/signup", &visitor);
        say(Told::Draft(visitor));
        let (name, mut browser) = (format!("person{number}"), app.browser());
        sign_up(&app, &mut browser, "/signup", &name);
        say(Told::Account(name.clone()));
        let mut token = first_token(&app, &mut browser, &name);
        say(Told::Token(token.clone()));
        for _ in 0..3 {
            token = text(
                &refresh(&mut browser, &token).is(200).json(),
                "refresh_token",
            );
            say(Told::Token(token.clone()));
        }
        tokens.push((browser, token));
        // What the log's thousandth page sets off by itself, in all its ways.
        let way = ["PASSIVE", "FULL", "RESTART", "TRUNCATE"][number % 4];
        checkpoints
            .batch_execute(&format!("PRAGMA wal_checkpoint({way})"))
            .unwrap();
    }
    // All at once, so that one commit carries several stories.
    let answers: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = tokens
            .iter_mut()
            .map(|(browser, old)| {
                let folder = &folder;
                scope.spawn(move || {
                    let new = text(&refresh(browser, old).is(200).json(), "refresh_token");
                    (disk::count(folder), Told::Token(new))
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|one| one.join().expect("an answer"))
            .collect()
    });
    told.extend(answers);
    app.deliver();
    drop(checkpoints);
    // What is written when the server stops belongs to it.
    drop(app);
    Story {
        steps: disk::take(&folder),
        told,
    }
}

/// The first refresh token of the person who is signed in here.
fn first_token(app: &TestApp, browser: &mut Browser, name: &str) -> String {
    let stored = browser.get(&request(&[]));
    let page = browser.arrive(stored).is(200);
    let name = name.to_owned();
    let account = app
        .read(move |c| store::account::find_by_username(c, &name))
        .unwrap();
    let on = browser.submit(&page, &[("account", &account.id)]);
    let back = browser.arrive(on).is(303);
    let code = back
        .param("code")
        .unwrap_or_else(|| panic!("{}", back.location()));
    text(&redeem(browser, &code).is(200).json(), "refresh_token")
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// What may never be: each counts the rows that are half there.
const HALVES: [(&str, &str); 6] = [
    (
        "an account without its acceptances",
        "SELECT count(*) AS count FROM account WHERE (SELECT count(*) FROM acceptance
         WHERE account_id = account.id) <> (SELECT count(DISTINCT document) FROM terms)",
    ),
    (
        "an account without its session",
        "SELECT count(*) AS count FROM account WHERE id NOT IN (SELECT account_id FROM session)",
    ),
    (
        "an account whose draft is not over",
        "SELECT count(*) AS count FROM account WHERE id NOT IN (SELECT
         json_extract(body, '$.account_id') FROM draft
         WHERE json_extract(body, '$.done_at') IS NOT NULL)",
    ),
    (
        "a draft that is over and gave no account",
        "SELECT count(*) AS count FROM draft WHERE json_extract(body, '$.done_at') IS NOT NULL
         AND json_extract(body, '$.account_id') NOT IN (SELECT id FROM account)",
    ),
    (
        "a spent code that gave nothing",
        "SELECT count(*) AS count FROM code WHERE used_at IS NOT NULL
         AND grant_id NOT IN (SELECT grant_id FROM family)",
    ),
    (
        "a family whose count and times do not agree",
        "SELECT count(*) AS count FROM family
         WHERE json_array_length(used) > generation
         OR json_array_length(used) = 0 AND generation > 0",
    ),
];

/// Opens what a cut left, as the next start does.
fn examine(file: &Path, told: &[&Told]) -> Result<(), String> {
    let file = format!("file:{}?vfs={}", file.display(), disk::HASTY);
    let engine = Engine::Sqlite(file.clone().into());
    let whole = migrate::integrity(&engine).map_err(|error| error.to_string())?;
    if whole != "ok" {
        return Err(whole);
    }
    let mut conn = SqliteConnection::establish(&file).unwrap();
    let mut count = |query: &str, value: &str| -> Result<i64, String> {
        let found: Result<Count, _> = diesel::sql_query(query)
            .bind::<Text, _>(value)
            .get_result(&mut conn);
        found
            .map(|found| found.count)
            .map_err(|error| error.to_string())
    };
    for (what, query) in HALVES {
        let found = count(&format!("{query} AND $1 = ''"), "")?;
        if found > 0 {
            return Err(format!("{what}: {found}"));
        }
    }
    for one in told {
        // A token is a secret even here: it is not named.
        let (what, there) = match one {
            Told::Account(name) => (
                name.as_str(),
                count(
                    "SELECT count(*) AS count FROM account WHERE username = $1",
                    name,
                )? == 1,
            ),
            Told::Draft(name) => (
                name.as_str(),
                count(
                    "SELECT count(*) AS count FROM draft WHERE email_key = $1",
                    &format!("{name}@mail.example"),
                )? == 1,
            ),
            Told::Token(token) => {
                let mut parts = token.split('~').skip(1);
                let (grant, number) = (parts.next().unwrap(), parts.next().unwrap());
                // The next one may have been written, and nobody told.
                let row = format!(
                    "SELECT count(*) AS count FROM family WHERE grant_id = '{grant}'
                     AND (generation > {number} OR generation = {number} AND hash = $1)"
                );
                ("a refresh token", count(&row, &digest(token))? == 1)
            }
        };
        if !there {
            return Err(format!("{what} was acknowledged and is lost"));
        }
    }
    Ok(())
}

/// What the cuts of one story showed.
#[derive(Default)]
struct Seen {
    disks: usize,
    faults: Vec<String>,
}

/// Cuts the power at every call, in every way that makes a difference, `most` times in all.
fn cut(story: &Story, seed: u64, deaf: bool, most: usize) -> Seen {
    let folder = own_folder(&format!("power-cut-{deaf}"));
    let rng = Rng::seeded(seed);
    let mut disk = Disk::default().with("gerege.db", std::fs::read(first_database()).unwrap());
    let mut seen = Seen::default();
    let mut known = HashSet::new();
    // As many edges as there is time for, spread over the whole story; what was synced always.
    let every = (story.steps.len() * 4).div_ceil(most).max(1);
    let mut number = 0;
    for (at, step) in story.steps.iter().enumerate() {
        disk.take(step, deaf);
        let edge = matches!(step.1, Call::Sync | Call::Delete { .. });
        for unsynced in [
            Unsynced::Lost,
            Unsynced::Kept,
            Unsynced::Torn,
            Unsynced::Scattered,
        ] {
            number += 1;
            if !(edge && unsynced == Unsynced::Lost) && number % every != 0 {
                continue;
            }
            let files = disk.cut(unsynced, &rng);
            let mut hasher = DefaultHasher::new();
            (
                &files,
                story
                    .told
                    .iter()
                    .filter(|(after, _)| *after <= at + 1)
                    .count(),
            )
                .hash(&mut hasher);
            if !known.insert(hasher.finish()) {
                continue;
            }
            let place = folder.join(seen.disks.to_string());
            std::fs::create_dir_all(&place).unwrap();
            for (name, bytes) in &files {
                std::fs::write(place.join(name), bytes).unwrap();
            }
            let told: Vec<&Told> = story
                .told
                .iter()
                .filter(|(after, _)| *after <= at + 1)
                .map(|(_, told)| told)
                .collect();
            seen.disks += 1;
            if let Err(fault) = examine(&place.join("gerege.db"), &told) {
                seen.faults
                    .push(format!("call {at} ({:?}), {unsynced:?}: {fault}", step.0));
            }
            let _ = std::fs::remove_dir_all(&place);
        }
    }
    let _ = std::fs::remove_dir_all(&folder);
    seen
}

#[test]
fn nothing_acknowledged_is_lost_when_the_power_goes() {
    let seed = std::env::var("POWER_CUT_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or(SEED);
    let story = tell();
    let syncs = story
        .steps
        .iter()
        .filter(|(_, call)| matches!(call, Call::Sync))
        .count();
    let seen = cut(&story, seed, false, MOST);
    println!(
        "seed {seed}: {} calls, {syncs} syncs, {} answers, {} disks",
        story.steps.len(),
        story.told.len(),
        seen.disks
    );
    assert!(seen.disks >= LEAST, "too few disks: {}", seen.disks);
    assert!(
        seen.faults.is_empty(),
        "seed {seed}: {} of {} disks are broken\n{}",
        seen.faults.len(),
        seen.disks,
        seen.faults.join("\n")
    );
    // The same eyes see a disk that only says that it has synced.
    let lying = cut(&story, seed, true, 60);
    assert!(
        lying
            .faults
            .iter()
            .any(|fault| fault.contains("acknowledged and is lost")),
        "a disk that keeps nothing was found good: {:?}",
        lying.faults
    );
}
