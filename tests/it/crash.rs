//! The process is ended at every edge between what is on disk and what somebody was told, 200
//! times over, on PostgreSQL some more: nothing acknowledged is lost, nothing is half there
//! (SECURITY L01, L02).

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gerege::config::{Engine, Hidden, Postgres};
use gerege::rng::Rng;
use gerege::store::{self, Store};

use crate::app::{free_port, join, own_folder, sql};
use crate::http::{Answer, Browser, encode, param};

/// Runs in all, on SQLite and on PostgreSQL, dealt out to this many threads.
const RUNS: u64 = 200;
const RUNS_ON_POSTGRES: u64 = 60;
const THREADS: u64 = 4;
/// One seed for all runs; a failed run names its number.
const SEED: u64 = 0x9e37_79b9;

const EDGES: [&str; 3] = ["before-commit", "after-commit", "before-answer"];
const PASSWORD: &str = "velvet comet seven harbour";
const VERIFIER: &str = "a-verifier-that-is-long-enough-for-rfc-7636-4-1";
const CHALLENGE: &str = "kzVb4ENtuvN3iYcFN2n1S0CtM2fYTlim2Hip-si403s";
const CALLBACK: &str = "http://127.0.0.1:5555/callback";

/// Where the data of a server lies.
struct House {
    folder: PathBuf,
    /// The server and the database's name, where it is not a file in the folder.
    postgres: Option<(String, String)>,
}

impl House {
    fn new(name: &str) -> Self {
        let server = std::env::var("TEST_POSTGRES").ok();
        let postgres = server.filter(|url| !url.is_empty()).map(|server| {
            let name = format!("{name}_{}", std::process::id()).replace('-', "_");
            (server, name)
        });
        Self {
            folder: own_folder(name),
            postgres,
        }
    }

    /// An empty one.
    fn build(name: &str) -> Self {
        let house = Self::new(name);
        if let Some((server, name)) = &house.postgres {
            sql(server, &format!("CREATE DATABASE {name}"));
        }
        house
    }

    /// One of the same data.
    fn copy(&self, name: &str) -> Self {
        let house = Self::new(name);
        let mut files = vec!["master.key"];
        if let (Some((server, name)), Some((_, first))) = (&house.postgres, &self.postgres) {
            sql(server, &format!("CREATE DATABASE {name} TEMPLATE {first}"));
        } else {
            files.push("gerege.db");
        }
        for file in files {
            std::fs::copy(self.folder.join(file), house.folder.join(file)).unwrap();
        }
        house
    }

    fn url(&self) -> String {
        match &self.postgres {
            Some((server, name)) => join(server, name),
            None => "sqlite".into(),
        }
    }

    fn engine(&self) -> Engine {
        match &self.postgres {
            Some(_) => Engine::Postgres(Postgres {
                url: Hidden::new(self.url()),
                ca_file: None,
            }),
            None => Engine::Sqlite(self.folder.join("gerege.db")),
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some((server, name)) = &self.postgres {
            sql(server, &format!("DROP DATABASE {name} WITH (FORCE)"));
        }
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// A server that may die, and the browser in front of it.
struct Patient {
    house: House,
    address: SocketAddr,
    server: Option<Child>,
    browser: Browser,
    crashes: u32,
}

impl Patient {
    fn new(run: u64, first: &House, crash_at: &str) -> Self {
        let house = first.copy(&format!("crash-{run}"));
        let (address, listener) = free_port();
        drop(listener);
        let mut patient = Self {
            house,
            address,
            server: None,
            browser: Browser::new(address, &format!("localhost:{}", address.port())),
            crashes: 0,
        };
        patient.start(Some(crash_at));
        patient
    }

    fn start(&mut self, crash_at: Option<&str>) {
        self.server = Some(start(&self.house, self.address, crash_at));
        // A crash may come before the server is ready: then it is started again without.
        if !ready(self.address, self.server.as_mut().unwrap()) {
            self.revive();
        }
    }

    fn revive(&mut self) {
        if let Some(mut dead) = self.server.take() {
            let _ = dead.kill();
            let _ = dead.wait();
        }
        self.crashes += 1;
        assert!(self.crashes < 3, "it died again without being told to");
        self.start(None);
    }

    /// Asks until there is an answer; tells whether the first one was lost.
    fn ask(&mut self, method: &str, path: &str, body: Option<&str>) -> (Answer, bool) {
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        for lost in [false, true] {
            let headers: &[(&str, &str)] = if body.is_some() { &form } else { &[] };
            let body = body.map(str::as_bytes);
            if let Some(answer) = self.browser.attempt(method, path, headers, body) {
                return (answer, lost);
            }
            self.revive();
        }
        panic!("no answer to {method} {path}")
    }

    fn get(&mut self, path: &str) -> Answer {
        let mut answer = self.ask("GET", path, None).0;
        while (300..400).contains(&answer.status) && answer.location().starts_with('/') {
            let to = answer.location().to_owned();
            answer = self.ask("GET", &to, None).0;
        }
        answer
    }

    /// Submits a page's form once. A lost answer is not asked for again by posting: the person
    /// opens the page again, as people do.
    fn submit(&mut self, page: &Answer, fields: &[(&str, &str)]) -> Option<Answer> {
        let token = page.token().unwrap_or_default();
        let mut all = vec![("form", token.as_str())];
        all.extend_from_slice(fields);
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        let body = encode(&all);
        let answer = self
            .browser
            .attempt("POST", &page.path, &form, Some(body.as_bytes()));
        if answer.is_none() {
            self.revive();
        }
        answer
    }

    fn store(&self) -> Store {
        Store::open(&self.house.engine(), 1).unwrap()
    }

    fn account(&self, username: &str) -> Option<String> {
        let username = username.to_owned();
        self.store()
            .read_now(|c| {
                let Some(account) = store::account::find_by_username(c, &username)? else {
                    return Ok(None);
                };
                let accepted = store::terms::accepted(c, &account.id)?.len();
                let sessions = store::browser::sessions_of(c, &account.id)?.len();
                // One text counts in each of its languages.
                let published: BTreeSet<String> = store::terms::list(c)?
                    .into_iter()
                    .map(|version| version.document)
                    .collect();
                assert!(
                    !published.is_empty() && accepted == published.len(),
                    "no acceptance with it"
                );
                assert_eq!(sessions, 1, "no session with it");
                Ok(Some(account.id))
            })
            .unwrap()
    }

    /// The newest code that was mailed.
    fn code(&self) -> Option<String> {
        let mut letters: Vec<PathBuf> = std::fs::read_dir(self.house.folder.join("mail"))
            .ok()?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
            .collect();
        letters.sort();
        letters.iter().rev().find_map(|path| {
            let text = std::fs::read_to_string(path).ok()?;
            let caught: serde_json::Value = serde_json::from_str(&text).ok()?;
            let digits: String = caught["subject"]
                .as_str()?
                .chars()
                .filter(char::is_ascii_digit)
                .collect();
            (digits.len() == 6).then_some(digits)
        })
    }
}

impl Drop for Patient {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

fn start(house: &House, address: SocketAddr, crash_at: Option<&str>) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gerege"));
    command
        .arg("serve")
        .env("GEREGE_LISTEN__ADDRESS", address.to_string())
        .env("GEREGE_LISTEN__WORKERS", "1")
        .env("GEREGE_DATA_DIR", &house.folder)
        .env("GEREGE_DATABASE__URL", house.url())
        .env("GEREGE_CHECK__KIND", "off")
        .env("GEREGE_PASSWORD__MEMORY_KIB", "8")
        .env("GEREGE_PASSWORD__PASSES", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some(crash_at) = crash_at {
        command.env("CRASH_AT", crash_at);
    }
    command.spawn().expect("the server starts")
}

/// Waits until it answers; `false` when it died first.
fn ready(address: SocketAddr, server: &mut Child) -> bool {
    loop {
        if std::net::TcpStream::connect(address).is_ok() {
            return true;
        }
        if server.try_wait().unwrap().is_some() {
            return false;
        }
        // Nothing tells when another process listens; this waits for it, it orders nothing.
        #[allow(clippy::disallowed_methods)]
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Signs up, whatever happens to the server meanwhile.
fn sign_up(patient: &mut Patient, username: &str) {
    let email = format!("{username}@mail.example");
    let mut acknowledged = false;
    for _ in 0..12 {
        // Whatever was taken already, the draft leads on to the step that is missing.
        let page = patient.get("/signup/email");
        let answer = match page.path.as_str() {
            "/signup" => patient.submit(
                &page,
                &[
                    ("name", "Temuulen"),
                    ("username", username),
                    ("email", &email),
                    ("password", PASSWORD),
                    ("website", ""),
                ],
            ),
            "/signup/agree" => patient.submit(&page, &[("decision", "accept")]),
            "/signup/email" => {
                // The worker catches the letter within its beat; one that a dead process had taken
                // comes when that process's lease is over, 90 s later.
                let mut code = patient.code();
                for _ in 0..12_000 {
                    if code.is_some() {
                        break;
                    }
                    #[allow(clippy::disallowed_methods)] // another process sends it
                    std::thread::sleep(Duration::from_millis(10));
                    if patient
                        .server
                        .as_mut()
                        .unwrap()
                        .try_wait()
                        .unwrap()
                        .is_some()
                    {
                        patient.revive();
                    }
                    code = patient.code();
                }
                let code = code.expect("a code is mailed");
                let answer = patient.submit(&page, &[("code", &code)]);
                if let Some(answer) = &answer
                    && answer.status == 303
                    && answer.location() == "/signup/done"
                {
                    acknowledged = true;
                    assert!(patient.account(username).is_some(), "acknowledged and lost");
                }
                answer
            }
            "/signup/done" => {
                assert!(
                    patient.account(username).is_some(),
                    "ready without an account"
                );
                return;
            }
            // Made, and the answer with the sign-in was lost: the password lets them in.
            "/signin" => {
                assert!(
                    patient.account(username).is_some(),
                    "sent to sign in to nothing"
                );
                return;
            }
            other => panic!("at {other}: {}", page.h1()),
        };
        if answer.is_none() {
            // Whole or not at all; `account` looks at all its parts.
            let there = patient.account(username).is_some();
            assert!(there || !acknowledged, "an acknowledged account is gone");
        }
    }
    panic!("sign-up does not come to its end")
}

/// Signs in by an app, then refreshes: each lost answer is asked for again with the old token.
fn refresh(patient: &mut Patient, username: &str) {
    let ask = format!(
        "/oauth2/authorize?{}",
        encode(&[
            ("client_id", "demo-messenger"),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid chat"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ])
    );
    let mut token = None;
    // A lost answer to the code's exchange costs a sign-in by the living session, no more.
    for _ in 0..6 {
        let mut at = patient.get(&ask);
        if at.path.starts_with("/signin?") {
            let fields = [("login", username), ("password", PASSWORD)];
            let Some(answer) = patient.submit(&at, &fields) else {
                continue;
            };
            at = patient.get(answer.location());
        } else if at.path.starts_with("/signin/continue") {
            let account = patient.account(username).unwrap();
            let Some(answer) = patient.submit(&at, &[("account", account.as_str())]) else {
                continue;
            };
            at = patient.get(answer.location());
        }
        let Some(code) = at.header("location").and_then(|to| param(to, "code")) else {
            continue;
        };
        let body = encode(&[
            ("grant_type", "authorization_code"),
            ("client_id", "demo-messenger"),
            ("redirect_uri", CALLBACK),
            ("code", &code),
            ("code_verifier", VERIFIER),
        ]);
        let (answer, lost) = patient.ask("POST", "/oauth2/token", Some(&body));
        if answer.status == 200 {
            token = Some(text(&answer, "refresh_token"));
            break;
        }
        assert!(
            lost,
            "a code was refused that nobody had used: {}",
            answer.text()
        );
    }
    let mut token = token.expect("a sign-in comes to its end");
    for _ in 0..3 {
        let body = encode(&[
            ("grant_type", "refresh_token"),
            ("client_id", "demo-messenger"),
            ("refresh_token", &token),
        ]);
        let (answer, _) = patient.ask("POST", "/oauth2/token", Some(&body));
        assert_eq!(
            answer.status,
            200,
            "signed out by a crash: {}",
            answer.text()
        );
        token = text(&answer, "refresh_token");
    }
}

fn text(answer: &Answer, name: &str) -> String {
    answer.json()[name].as_str().unwrap_or_default().to_owned()
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_dies() {
    // What a first start makes, so that the runs begin with the first request.
    let first = House::build("crash-first");
    let (address, listener) = free_port();
    drop(listener);
    let mut server = start(&first, address, None);
    assert!(ready(address, &mut server));
    let browser = &mut Browser::new(address, &format!("localhost:{}", address.port()));
    browser.get("/jwks.json").is(200);
    browser.get("/services/demo-chat/jwks.json").is(200);
    // The process is asked to stop and has closed its database.
    let pid = server.id().to_string();
    Command::new("kill").arg(&pid).status().unwrap();
    server.wait().unwrap();
    if first.postgres.is_none() {
        let whole = first.folder.join("whole.db");
        gerege::store::migrate::copy(&first.engine(), &whole).unwrap();
        for old in ["gerege.db", "gerege.db-wal", "gerege.db-shm"] {
            let _ = std::fs::remove_file(first.folder.join(old));
        }
        std::fs::rename(whole, first.folder.join("gerege.db")).unwrap();
    }
    let runs = match first.postgres {
        Some(_) => RUNS_ON_POSTGRES,
        None => RUNS,
    };

    let crashed: u32 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let first = &first;
                scope.spawn(move || {
                    (0..runs)
                        .filter(|run| run % THREADS == thread)
                        .map(|run| {
                            let rng = Rng::seeded(SEED ^ run);
                            let mut drawn = [0; 2];
                            rng.fill(&mut drawn);
                            let edge = EDGES[usize::from(drawn[0]) % EDGES.len()];
                            let most = if edge == "before-answer" { 24 } else { 16 };
                            let crash_at = format!("{edge}:{}", 1 + drawn[1] % most);
                            println!("run {run}: {crash_at}");
                            let mut patient = Patient::new(run, first, &crash_at);
                            let username = format!("person-{run}");
                            sign_up(&mut patient, &username);
                            refresh(&mut patient, &username);
                            u32::from(patient.crashes > 0)
                        })
                        .sum::<u32>()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .expect("a run failed; its number stands above")
            })
            .sum()
    });
    println!("{crashed} of {runs} runs died on the way");
    assert!(
        u64::from(crashed) > runs / 2,
        "too few runs died: {crashed}"
    );
}
