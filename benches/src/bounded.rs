//! What strangers may leave: a million distinct codes of each kind, each row with the life that the
//! program gives it. The server runs in this process, by a clock that is moved on.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use gerege::app::App;
use gerege::clock::Clock;
use gerege::config::Config;
use gerege::rng::Rng;
use gerege::{web, worker};
use serde_json::json;

use crate::database::Database;
use crate::figure::{CALLERS, MB, say};
use crate::http::{Caller, post};
use crate::key::draw;
use crate::process::{Gerege, own_memory};
use crate::standard::Prover;
use crate::story::{MACHINE, Secrets, brought, from, prepare, pushed};
use crate::table::Row;
use crate::television;

/// How many distinct codes of each kind come at first; a quarter as many come after, as fast.
const MANY: usize = 1_000_000;
/// Where the server is found by its people.
const PUBLIC: &str = "http://localhost:8777";
/// How long an assertion counts, in seconds.
const LIFE: i64 = 60;
/// A sweep comes each minute, as the worker does it.
const MINUTE: Duration = Duration::from_secs(60);
/// How much of a file that was once written may be written anew elsewhere.
const SLACK: f64 = 1.05;

/// How many minutes pass between two rounds of PostgreSQL's own cleaning, which goes by the wall
/// clock (`autovacuum_naptime`), not by the one that is moved on.
const VACUUM: usize = 10;

/// Where it is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// In a file of SQLite's.
    Sqlite,
    /// In a database of its own on the PostgreSQL of `TEST_POSTGRES`.
    Postgres,
}

impl Kept {
    /// By the section's name.
    pub fn named(section: &str) -> Option<Self> {
        match section {
            "bounded" => Some(Self::Sqlite),
            "bounded-postgres" => Some(Self::Postgres),
            _ => None,
        }
    }
}

/// What is left behind.
#[derive(Clone, Copy)]
enum Kind {
    State,
    Jti,
    Assertion,
    Pushed,
    Device,
}

impl Kind {
    /// How many minutes the million takes: an hour, or as long as the last of its rows stand.
    fn minutes(self) -> usize {
        match self {
            // Of a browser that never signed in, a day and until the hour's tidying.
            Self::State => 26 * 60,
            // Ten minutes, and an hour in which its device is told that it came too late.
            Self::Device => 2 * 60,
            Self::Jti | Self::Assertion | Self::Pushed => 60,
        }
    }
}

/// All kinds.
///
/// # Errors
/// When the program does not do what it is asked.
pub fn all(
    program: &Path,
    folder: &Path,
    kept: Kept,
    many: Option<usize>,
) -> anyhow::Result<Vec<Row>> {
    [
        (Kind::State, "`state` of browsers that were never here"),
        (Kind::Jti, "`jti` of DPoP proofs"),
        (Kind::Assertion, "`jti` of client assertions"),
        (Kind::Pushed, "pushed requests"),
        (Kind::Device, "device codes"),
    ]
    .into_iter()
    .map(|(kind, what)| {
        say(what);
        let mut gerege = Gerege::new(program, folder.join("bounded"))?;
        let database = match kept {
            Kept::Sqlite => None,
            Kept::Postgres => Some(Database::new()?),
        };
        gerege.database = database.as_ref().map(|database| database.url.clone());
        let (server, _) = gerege.serve()?;
        let secrets = prepare(&gerege)?;
        server.stop()?;
        let house = House::open(&gerege, database)?;
        let row = fill(&house, kind, what, &secrets, many.unwrap_or(MANY))?;
        house.close()?;
        Ok(row)
    })
    .collect()
}

fn fill(
    house: &House,
    kind: Kind,
    what: &str,
    secrets: &Secrets,
    many: usize,
) -> anyhow::Result<Row> {
    let mut callers = (0..CALLERS)
        .map(|_| Stranger::new(house, kind, secrets))
        .collect::<anyhow::Result<Vec<Stranger<'_>>>>()?;
    let empty = house.size()?;
    let (mut file, mut memory) = (0.0_f64, 0.0_f64);
    let (mut swept, minutes) = (0, kind.minutes());
    let mut pass = |those: std::ops::Range<usize>| -> anyhow::Result<(f64, f64)> {
        for minute in those {
            let numbers = many * minute / minutes..many * (minute + 1) / minutes;
            together(&mut callers, numbers)?;
            file = file.max(house.size()?);
            memory = memory.max(own_memory()? as f64 / MB);
            house.app.clock.shift(i64::try_from(MINUTE.as_millis())?);
            swept += house.sweep((minute + 1) % 60 == 0)?;
            if minute % VACUUM == 0 {
                house.vacuum()?;
            }
        }
        Ok((file, memory))
    };
    let hours = minutes / 60;
    let once = pass(0..minutes)?;
    let again = pass(minutes..minutes + minutes / 4)?;
    // What ended stays for a day, so that whoever comes late is told so.
    let late = 26 * 3_600_000;
    house.app.clock.shift(late);
    swept += house.sweep(true)?;
    let more = many / 4;
    Ok(Row {
        what: format!("{many} {what} within {hours} h, then {more} more at the same pace"),
        measured: format!(
            "{} at most {:.0} MB, then {:.0} MB; memory at most {:.0} MB, then {:.0} MB; \
             {swept} rows swept within a day",
            if house.database.is_some() {
                "database"
            } else {
                "file"
            },
            once.0,
            again.0,
            once.1,
            again.1
        ),
        bound: format!("empty: {empty:.1} MB"),
        goal: "what comes later takes the place of what went; all is swept".into(),
        used: Some(if swept < many + more {
            2.0
        } else {
            again.0 / (once.0 * SLACK)
        }),
    })
}

/// Lets the callers share out numbers.
fn together(callers: &mut [Stranger<'_>], numbers: std::ops::Range<usize>) -> anyhow::Result<()> {
    let count = callers.len();
    thread::scope(|scope| {
        let threads: Vec<_> = callers
            .iter_mut()
            .enumerate()
            .map(|(first, caller)| {
                let own = numbers.clone().skip(first).step_by(count);
                scope.spawn(move || own.into_iter().try_for_each(|number| caller.leave(number)))
            })
            .collect();
        for one in threads {
            one.join().map_err(|_| anyhow!("a caller ended"))??;
        }
        Ok(())
    })
}

/// Somebody who leaves things behind.
struct Stranger<'a> {
    house: &'a House,
    kind: Kind,
    caller: Caller,
    prover: Prover,
    secrets: &'a Secrets,
}

impl<'a> Stranger<'a> {
    fn new(house: &'a House, kind: Kind, secrets: &'a Secrets) -> anyhow::Result<Self> {
        Ok(Self {
            house,
            kind,
            caller: Caller::new(house.server.address),
            prover: Prover::new(house.server.address, &secrets.nightly)?,
            secrets,
        })
    }

    fn leave(&mut self, number: usize) -> anyhow::Result<()> {
        let state = format!("state-{number}");
        let (ask, good) = match self.kind {
            Kind::Jti => {
                let now = self.house.app.clock.now().seconds();
                return self.prover.ask(u64::try_from(now)?);
            }
            Kind::State => (brought(&state, &from(number)), 303),
            Kind::Assertion => (self.assertion()?, 200),
            Kind::Pushed => (pushed(&self.secrets.forum, &state), 201),
            Kind::Device => (television::begin(number), 200),
        };
        self.caller.send(&ask)?.expect(good)?;
        Ok(())
    }

    /// An app proves itself by what it signs (RFC 7523 2.2).
    fn assertion(&self) -> anyhow::Result<Vec<u8>> {
        let now = self.house.app.clock.now().seconds();
        let header = json!({ "alg": "ES256" });
        let claims = json!({
            "iss": "signer", "sub": "signer", "aud": PUBLIC, "jti": draw()?,
            "iat": now, "exp": now + LIFE,
        });
        let assertion = self.secrets.signer.sign(&header, &claims)?;
        let proof = [
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", &assertion),
        ];
        Ok(post("/oauth2/token", "", &[MACHINE, proof].concat()))
    }
}

/// The server, in this process.
struct House {
    app: Arc<App>,
    server: Served,
    folder: std::path::PathBuf,
    database: Option<Database>,
    thread: thread::JoinHandle<anyhow::Result<()>>,
}

/// Where it is heard, and how it ends.
struct Served {
    address: std::net::SocketAddr,
    handle: Box<dyn Fn() + Send + Sync>,
}

impl House {
    fn open(gerege: &Gerege, database: Option<Database>) -> anyhow::Result<Self> {
        let env = [
            ("GEREGE_DATA_DIR", gerege.data().display().to_string()),
            ("GEREGE_LISTEN__ADDRESS", "127.0.0.1:0".into()),
            ("GEREGE_LISTEN__TRUSTED_PROXIES", "127.0.0.1".into()),
            ("GEREGE_PUBLIC_URL", PUBLIC.into()),
        ];
        let url = database.as_ref().map(|database| database.url.clone());
        let env: BTreeMap<String, String> = env
            .into_iter()
            .chain(url.map(|url| ("GEREGE_DATABASE__URL", url)))
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let config = Config::load(None, &env, Some(true))
            .map_err(|wrong| anyhow!("{}", wrong.len()).context("wrong settings"))?;
        let now = Clock::system().now();
        let app = Arc::new(App::build(config, Clock::fixed(now), Rng::System)?);
        let (tell, told) = mpsc::channel();
        let own = app.clone();
        let thread = thread::spawn(move || {
            web::run(async move {
                let server = web::bind(own)?;
                let (address, handle) = (server.address, server.handle.clone());
                let handle = Box::new(move || drop(handle.stop(false)));
                tell.send(Served { address, handle }).ok();
                server.run.await?;
                Ok(())
            })
        });
        Ok(Self {
            server: told.recv().context("the server does not listen")?,
            folder: gerege.data(),
            database,
            app,
            thread,
        })
    }

    /// What the worker does each minute, and each hour.
    fn sweep(&self, tidy: bool) -> anyhow::Result<usize> {
        let (app, now) = (self.app.clone(), self.app.clock.now());
        web::run(async move {
            let swept = worker::sweep(&app, now).await?;
            match tidy {
                true => Ok(swept + worker::tidy(&app, now).await?),
                false => Ok(swept),
            }
        })
    }

    /// What a database does by itself, by a clock that is not moved on.
    fn vacuum(&self) -> anyhow::Result<()> {
        self.database.as_ref().map_or(Ok(()), Database::vacuum)
    }

    /// The database with what waits beside it, in MB.
    fn size(&self) -> anyhow::Result<f64> {
        if let Some(database) = &self.database {
            return Ok(database.size()? as f64 / MB);
        }
        let mut size = 0;
        for file in fs::read_dir(&self.folder)? {
            let file = file?;
            if file.file_name().to_string_lossy().starts_with("gerege.db") {
                size += file.metadata()?.len();
            }
        }
        Ok(size as f64 / MB)
    }

    fn close(self) -> anyhow::Result<()> {
        (self.server.handle)();
        self.thread
            .join()
            .map_err(|_| anyhow!("the server broke"))?
    }
}
