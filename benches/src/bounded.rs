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

use crate::figure::{CALLERS, MB, say};
use crate::http::{Caller, post};
use crate::process::{Gerege, own_memory};
use crate::standard::Prover;
use crate::story::{Secrets, brought, from, prepare, pushed};
use crate::table::Row;

/// How many distinct codes of each kind come at first, and then as fast as before.
const MANY: usize = 1_000_000;
const MORE: usize = MANY / 4;
/// A sweep comes each minute, as the worker does it.
const MINUTE: Duration = Duration::from_secs(60);
/// How much of a file that was once written may be written anew elsewhere.
const SLACK: f64 = 1.05;

/// What is left behind.
#[derive(Clone, Copy)]
enum Kind {
    State,
    Jti,
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
            Self::Jti | Self::Pushed => 60,
        }
    }
}

/// All kinds.
///
/// # Errors
/// When the program does not do what it is asked.
pub fn all(program: &Path, folder: &Path) -> anyhow::Result<Vec<Row>> {
    [
        (Kind::State, "`state` of browsers that were never here"),
        (Kind::Jti, "`jti` of DPoP proofs"),
        (Kind::Pushed, "pushed requests"),
        (Kind::Device, "device codes"),
    ]
    .into_iter()
    .map(|(kind, what)| {
        say(what);
        let gerege = Gerege::new(program, folder.join("bounded"))?;
        let (server, _) = gerege.serve()?;
        let secrets = prepare(&gerege)?;
        server.stop()?;
        let house = House::open(&gerege)?;
        let row = fill(&house, kind, what, &secrets)?;
        house.close()?;
        Ok(row)
    })
    .collect()
}

fn fill(house: &House, kind: Kind, what: &str, secrets: &Secrets) -> anyhow::Result<Row> {
    let mut callers = (0..CALLERS)
        .map(|_| Stranger::new(house, kind, secrets))
        .collect::<anyhow::Result<Vec<Stranger<'_>>>>()?;
    let empty = house.size()?;
    let (mut file, mut memory) = (0.0_f64, 0.0_f64);
    let (mut swept, minutes) = (0, kind.minutes());
    let mut pass = |those: std::ops::Range<usize>| -> anyhow::Result<(f64, f64)> {
        for minute in those {
            let numbers = MANY * minute / minutes..MANY * (minute + 1) / minutes;
            together(&mut callers, numbers)?;
            file = file.max(house.size()?);
            memory = memory.max(own_memory()? as f64 / MB);
            house.app.clock.shift(i64::try_from(MINUTE.as_millis())?);
            swept += house.sweep((minute + 1) % 60 == 0)?;
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
    let sent = MANY + MORE;
    Ok(Row {
        what: format!("{MANY} {what} within {hours} h, then {MORE} more at the same pace"),
        measured: format!(
            "file at most {:.0} MB, then {:.0} MB; memory at most {:.0} MB, then {:.0} MB; \
             {swept} rows swept within a day",
            once.0, again.0, once.1, again.1
        ),
        bound: format!("an empty file: {empty:.1} MB"),
        goal: "what comes later takes the place of what went; all is swept".into(),
        used: Some(if swept < sent {
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
    forum: &'a str,
}

impl<'a> Stranger<'a> {
    fn new(house: &'a House, kind: Kind, secrets: &'a Secrets) -> anyhow::Result<Self> {
        Ok(Self {
            house,
            kind,
            caller: Caller::new(house.server.address),
            prover: Prover::new(house.server.address, &secrets.nightly)?,
            forum: &secrets.forum,
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
            Kind::Pushed => (pushed(self.forum, &state), 201),
            Kind::Device => {
                let fields = [("client_id", "television"), ("scope", "openid")];
                (post("/oauth2/device", &from(number), &fields), 200)
            }
        };
        self.caller.send(&ask)?.expect(good)?;
        Ok(())
    }
}

/// The server, in this process.
struct House {
    app: Arc<App>,
    server: Served,
    folder: std::path::PathBuf,
    thread: thread::JoinHandle<anyhow::Result<()>>,
}

/// Where it is heard, and how it ends.
struct Served {
    address: std::net::SocketAddr,
    handle: Box<dyn Fn() + Send + Sync>,
}

impl House {
    fn open(gerege: &Gerege) -> anyhow::Result<Self> {
        let env = [
            ("GEREGE_DATA_DIR", gerege.data().display().to_string()),
            ("GEREGE_LISTEN__ADDRESS", "127.0.0.1:0".into()),
            ("GEREGE_LISTEN__TRUSTED_PROXIES", "127.0.0.1".into()),
            ("GEREGE_PUBLIC_URL", "http://localhost:8777".into()),
        ];
        let env: BTreeMap<String, String> = env
            .into_iter()
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

    /// The database with what waits beside it, in MB.
    fn size(&self) -> anyhow::Result<f64> {
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
