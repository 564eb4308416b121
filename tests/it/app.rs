//! A whole Gerege for one test: its own database, port and mailbox, a clock that stands, and a
//! worker driven by hand. Dropped, it demands that every letter was sent and no error was logged.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use gerege::account::signup::Draft;
use gerege::account::{Account, Email, Username};
use gerege::app::App;
use gerege::clock::{Clock, Time};
use gerege::config::{Config, Engine};
use gerege::flow::{demo, keyring};
use gerege::limit::{Bucket, Limiter};
use gerege::mail::Mailer;
use gerege::rng::Rng;
use gerege::store::{self, Conn, migrate};
use gerege::{web, worker};

use crate::dump;
use crate::http::Browser;
use crate::log;
use crate::sealed::trusting;

/// When every test begins: 2027-01-15T08:00:00Z.
pub const NOON: Time = Time::from_seconds(1_800_000_000);

/// A password that every rule accepts.
pub const PASSWORD: &str = "velvet comet seven harbour";

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A running server.
pub struct TestApp {
    pub app: Arc<App>,
    pub address: SocketAddr,
    /// The issuer.
    pub origin: String,
    folder: PathBuf,
    postgres: Option<(String, String)>,
    mark: usize,
    runtime: tokio::runtime::Runtime,
    handle: actix_web::dev::ServerHandle,
    thread: Option<JoinHandle<()>>,
}

/// A letter that was caught.
#[derive(Clone, Debug)]
pub struct Letter {
    pub subject: String,
    pub text: String,
}

impl Letter {
    /// The six digits in its subject.
    pub fn code(&self) -> String {
        self.subject
            .chars()
            .filter(char::is_ascii_digit)
            .take(6)
            .collect()
    }

    /// The first link to one of our pages, as a path.
    pub fn link(&self, page: &str) -> String {
        let at = self
            .text
            .find(page)
            .unwrap_or_else(|| panic!("no {page} in the letter:\n{}", self.text));
        self.text[at..]
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned()
    }
}

impl TestApp {
    /// Dev mode with the demo messenger and without a security check.
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// With other settings, by their `GEREGE_` variables without that prefix; `{folder}` in one
    /// stands for the test's own folder.
    pub fn with(settings: &[(&str, &str)]) -> Self {
        Self::build(settings, Some(true), true)
    }

    /// With the limits by network address that operators get.
    pub fn limited(settings: &[(&str, &str)]) -> Self {
        Self::build(settings, Some(true), false)
    }

    /// As operators run it: not dev mode, behind https.
    pub fn real() -> Self {
        Self::mailing(9)
    }

    /// The same with its mail server at a port of this machine.
    pub fn mailing(port: u16) -> Self {
        let port = port.to_string();
        let settings = [
            ("PUBLIC_URL", "https://id.steppe.example"),
            ("MAIL__HOST", "127.0.0.1"),
            ("MAIL__PORT", port.as_str()),
            ("MAIL__SECURITY", "none"),
            ("PASSWORD__MEMORY_KIB", "7168"),
            ("PASSWORD__PASSES", "5"),
        ];
        Self::build(&settings, None, true)
    }

    fn build(settings: &[(&str, &str)], dev: Option<bool>, unlimited: bool) -> Self {
        log::listen();
        let mark = log::mark();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = own_folder(&format!("app-{number}"));
        let template = template();
        std::fs::copy(
            template.folder.join("master.key"),
            folder.join("master.key"),
        )
        .unwrap();
        let mut postgres = None;
        let database = match &template.postgres {
            None => {
                std::fs::copy(template.folder.join("gerege.db"), folder.join("gerege.db")).unwrap();
                "sqlite".to_owned()
            }
            Some((server, from)) => {
                let name = format!("{from}_{number}");
                sql(server, &format!("CREATE DATABASE {name} TEMPLATE {from}"));
                postgres = Some((server.clone(), name.clone()));
                join(server, &name)
            }
        };
        let (address, server) = free_port();
        drop(server);
        let mut env = environment(&folder, address, &database);
        for (name, value) in settings {
            let value = value.replace("{folder}", &folder.display().to_string());
            env.insert(format!("GEREGE_{name}"), value);
        }
        let config = Config::load(None, &env, dev).unwrap_or_else(|mistakes| {
            let all: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            panic!("{}", all.join("\n"))
        });
        let origin = config.issuer().to_owned();
        let mut app = App::build(config, Clock::fixed(NOON), Rng::seeded(u64::from(number)))
            .unwrap_or_else(|error| panic!("{error}"));
        if unlimited {
            // All callers of a test share one address, and its clock stands.
            app.limiter = Limiter::new(1000)
                .with(Bucket::General, None)
                .with(Bucket::SignIn, None)
                .with(Bucket::SignUp, None)
                .with(Bucket::Register, None)
                .with(Bucket::Begin, None)
                .with(Bucket::Mail, None);
        }
        let app = Arc::new(app);
        let (tell, told) = mpsc::channel();
        let served = app.clone();
        let thread = std::thread::Builder::new()
            .name(format!("server {number}"))
            .spawn(move || {
                actix_web::rt::System::new().block_on(async move {
                    let server = web::bind(served).unwrap();
                    tell.send((server.address, server.handle.clone())).unwrap();
                    server.run.await.unwrap();
                });
            })
            .unwrap();
        let (address, handle) = told.recv().expect("the server listens");
        Self {
            app,
            address,
            origin,
            folder,
            postgres,
            mark,
            runtime: runtime(),
            handle,
            thread: Some(thread),
        }
    }

    /// Where its files lie.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A browser that was never here.
    pub fn browser(&self) -> Browser {
        let host = self.origin.split_once("://").unwrap().1;
        let browser = Browser::new(self.address, host);
        match &self.app.config.listen.tls {
            Some(tls) => browser.sealed(trusting(&tls.cert, None)),
            None => browser,
        }
    }

    /// Reads from the database.
    pub fn read<T: Send + 'static>(
        &self,
        story: impl FnOnce(&mut Conn<'_>) -> Result<T, store::Error> + Send + 'static,
    ) -> T {
        self.runtime.block_on(self.app.store.read(story)).unwrap()
    }

    /// Writes to the database.
    pub fn write<T: Send + 'static>(
        &self,
        story: impl Fn(&mut Conn<'_>) -> Result<T, store::Error> + Send + 'static,
    ) -> T {
        self.runtime.block_on(self.app.store.write(story)).unwrap()
    }

    /// The same database, as another process has it open.
    pub fn elsewhere(&self) -> store::Store {
        store::Store::open(&self.app.config.database.engine, 1).unwrap()
    }

    /// Another process on the same database, with the same clock.
    pub fn second(&self) -> Arc<App> {
        let (config, clock) = (self.app.config.clone(), self.app.clock.clone());
        let built = App::build(config, clock, Rng::seeded(1 << 41));
        Arc::new(built.unwrap_or_else(|error| panic!("{error}")))
    }

    /// Runs something of the house to its end.
    pub fn wait<T>(&self, story: impl Future<Output = T>) -> T {
        self.runtime.block_on(story)
    }

    /// Moves the clock on.
    pub fn pass(&self, span: Duration) {
        self.app
            .clock
            .shift(i64::try_from(span.as_millis()).unwrap());
    }

    /// Sends what lies in the outbox.
    pub fn deliver(&self) {
        while self.wait(worker::send_due(&self.app)).unwrap() > 0 {}
        // Letters sort by time: what comes later must have a later one.
        self.pass(Duration::from_millis(1));
    }

    /// Sends what lies in the outbox and gives every letter to an address so far, oldest first.
    pub fn letters(&self, to: &str) -> Vec<Letter> {
        self.deliver();
        let Mailer::Folder(folder) = &self.app.mailer else {
            panic!("mail is not caught");
        };
        let mut all = folder.list().unwrap();
        all.reverse();
        all.into_iter()
            .filter(|caught| caught.to == to)
            .map(|caught| Letter {
                subject: caught.subject,
                text: caught.text,
            })
            .collect()
    }

    /// The newest letter to an address.
    #[track_caller]
    pub fn letter(&self, to: &str) -> Letter {
        self.letters(to)
            .pop()
            .unwrap_or_else(|| panic!("no letter to {to}"))
    }

    /// An account that is there from the start: `name@mail.example` with [`PASSWORD`].
    pub fn person(&self, username: &str) -> Account {
        let email = Email::parse(&format!("{username}@mail.example")).unwrap();
        let name = Username::parse(username, &self.app.policy.username).unwrap();
        let account = Account {
            id: self.app.rng.id(),
            username: username.to_owned(),
            name: format!("{}{}", username[..1].to_uppercase(), &username[1..]),
            email: email.as_str().to_owned(),
            email_key: email.key(),
            password: self.app.hasher.hash_now(PASSWORD).unwrap(),
            language: "en".into(),
            created_at: self.app.clock.now(),
            password_at: self.app.clock.now(),
            locked_at: None,
        };
        let mac = self.app.name_mac(&name.skeleton());
        let (new, skeleton) = (account.clone(), name.skeleton());
        let now = account.created_at;
        self.write(move |c| {
            for version in store::terms::list(c)? {
                store::terms::accept(c, &new.id, &version.accept(now))?;
            }
            store::account::add(c, &new, &skeleton, &mac)
        })
        .expect("the name is free");
        account
    }

    /// The drafts of sign-ups, newest last.
    pub fn drafts(&self) -> Vec<Draft> {
        let engine = &self.app.config.database.engine;
        let ids = match engine {
            Engine::Sqlite(path) => dump::sqlite_ids(path, "draft"),
            Engine::Postgres(at) => self
                .runtime
                .block_on(dump::postgres_ids(at.url.reveal(), "draft")),
        };
        ids.into_iter()
            .filter_map(|id| self.read(move |c| store::draft::find_by_id(c, &id)))
            .collect()
    }

    /// Every row that a refusal must not change, as text. Counters, and requests and browser
    /// records that wait, are what refusals may write.
    pub fn dump(&self) -> String {
        match &self.app.config.database.engine {
            Engine::Sqlite(path) => dump::sqlite(path),
            Engine::Postgres(at) => self.runtime.block_on(dump::postgres(at.url.reveal())),
        }
    }
}

impl Default for TestApp {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let open = self
            .runtime
            .block_on(self.app.store.read(|c| store::outbox::open(c, 10)));
        self.runtime.block_on(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
        if let Some((server, name)) = &self.postgres {
            sql(server, &format!("DROP DATABASE {name} WITH (FORCE)"));
        }
        if std::thread::panicking() {
            return;
        }
        let left: Vec<String> = open
            .unwrap()
            .into_iter()
            .filter(|item| item.failed_at.is_none())
            .map(|item| format!("{} to {}", item.kind, item.recipient))
            .collect();
        assert_eq!(left, Vec::<String>::new(), "letters were not sent");
        let errors = log::errors_since(self.mark);
        assert!(
            errors.is_empty(),
            "errors were logged:\n{}",
            errors.join("\n")
        );
    }
}

/// A migrated database with keys and the demo messenger, from which each test's is copied.
struct Template {
    folder: PathBuf,
    postgres: Option<(String, String)>,
}

/// The SQLite file from which each test's is copied.
pub fn first_database() -> PathBuf {
    template().folder.join("gerege.db")
}

fn template() -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let folder = own_folder("template");
        // Not a GEREGE_ name: those belong to the server.
        let server = std::env::var("TEST_POSTGRES").ok().filter(|url| !url.is_empty());
        let postgres = server.map(|server| {
            let name = format!("gerege_{}", std::process::id());
            sql(&server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
            sql(&server, &format!("CREATE DATABASE {name}"));
            (server, name)
        });
        let database = match &postgres {
            None => format!("sqlite:{}", folder.join("first.db").display()),
            Some((server, name)) => join(server, name),
        };
        let env = environment(&folder, SocketAddr::from(([127, 0, 0, 1], 8777)), &database);
        let config = Config::load(None, &env, Some(true)).expect("the settings are good");
        let engine = config.database.engine.clone();
        migrate::run(&engine, None).unwrap();
        let app = Arc::new(
            App::build(config, Clock::fixed(NOON), Rng::seeded(1 << 40))
                .unwrap_or_else(|error| panic!("{error}")),
        );
        runtime().block_on(async {
            demo::set_up(&app).await.unwrap();
            keyring::refresh(&app).await.unwrap();
        });
        drop(app);
        match &postgres {
            None => migrate::copy(&engine, &folder.join("gerege.db")).unwrap(),
            Some((server, name)) => sql(
                server,
                &format!(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
                ),
            ),
        }
        Template { folder, postgres }
    })
}

/// The settings of every test.
fn environment(folder: &Path, address: SocketAddr, database: &str) -> BTreeMap<String, String> {
    [
        ("LISTEN__ADDRESS", address.to_string()),
        ("LISTEN__WORKERS", "2".into()),
        ("PUBLIC_URL", format!("http://localhost:{}", address.port())),
        ("DATA_DIR", folder.display().to_string()),
        ("DATABASE__URL", database.into()),
        ("CHECK__KIND", "off".into()),
        // Weak hashes are quick; what they cost is the business of the benches.
        ("PASSWORD__MEMORY_KIB", "8".into()),
        ("PASSWORD__PASSES", "1".into()),
    ]
    .into_iter()
    .map(|(name, value)| (format!("GEREGE_{name}"), value))
    .collect()
}

/// A loopback port that is free now, with the socket that holds it. It lies below those that the
/// system gives to outgoing connections (from 32768): once let go, none of the hundreds that a race
/// opens can take it, and no other test of this process is given it.
pub fn free_port() -> (SocketAddr, TcpListener) {
    const FIRST: u32 = 12_000;
    const COUNT: u32 = 20_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Two test processes side by side begin at different ones.
    let begin = std::process::id().wrapping_mul(997);
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + begin.wrapping_add(step) % COUNT;
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", u16::try_from(port).unwrap())) {
            return (listener.local_addr().unwrap(), listener);
        }
    }
    panic!("no port is free");
}

/// An empty folder of this process.
pub fn own_folder(name: &str) -> PathBuf {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("it-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// The URL of another database on the same server.
pub fn join(server: &str, name: &str) -> String {
    let (head, query) = server.split_once('?').map_or((server, ""), |(a, b)| (a, b));
    let root = head.rsplit_once('/').map_or(head, |(root, _)| root);
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{root}/{name}{mark}{query}")
}

/// Runs one statement on the server's own database.
pub fn sql(server: &str, statement: &str) {
    runtime().block_on(async {
        let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls)
            .await
            .expect("PostgreSQL answers");
        let run = tokio::spawn(connection);
        client
            .batch_execute(statement)
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error:?}"));
        drop(client);
        let _ = run.await;
    });
}
