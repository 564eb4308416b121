//! `gerege doctor`: looks at everything and says what to do.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::fault::Fault;
use super::file;
use super::health;
use super::house::{due, is_there, place};
use super::out::{self, Out, State};
use crate::account::terms::{self, Version};
use crate::clock::{Clock, Time};
use crate::config::{Config, Engine};
use crate::flow::{demo, domain};
use crate::keys::{Keys, Master, Purpose};
use crate::oauth::client::Client;
use crate::oauth::service::{Algorithm, KeyOwner, Rotation, Service};
use crate::rng::Rng;
use crate::store::{self, Store, migrate};
use crate::web;

/// Check everything; exit code 0 good, 1 something to look at, 2 broken
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gerege doctor\n  gerege -c /etc/gerege/gerege.toml doctor --json"
)]
pub struct Doctor {}

/// How long another machine may take to answer.
const WAIT: Duration = Duration::from_secs(5);
/// A pinned key older than this is worth a thought.
const OLD: Duration = Duration::from_secs(365 * 24 * 3600);

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    state: State,
    says: String,
    hint: Option<String>,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn good(&mut self, what: &'static str, says: impl Into<String>) {
        self.add(what, State::Good, says, None);
    }

    fn warn(&mut self, what: &'static str, says: impl Into<String>, hint: impl Into<String>) {
        self.add(what, State::Warning, says, Some(hint.into()));
    }

    fn broken(&mut self, what: &'static str, says: impl Into<String>, hint: impl Into<String>) {
        self.add(what, State::Broken, says, Some(hint.into()));
    }

    fn database(&mut self, error: &store::Error) {
        let hint = match error {
            store::Error::Away(cause) => store::Error::fix(cause),
            _ => "gerege db status",
        };
        self.broken("database", error.to_string(), hint);
    }

    fn add(
        &mut self,
        what: &'static str,
        state: State,
        says: impl Into<String>,
        hint: Option<String>,
    ) {
        self.0.push(Finding {
            what,
            state,
            says: says.into(),
            hint,
        });
    }
}

/// Looks, prints, and answers by the exit code.
pub fn run(
    file: Option<PathBuf>,
    config: Result<Config, Fault>,
    out: Out,
) -> Result<ExitCode, Fault> {
    let mut found = Findings::default();
    match config {
        Ok(config) => look(&mut found, file.as_deref(), &config),
        Err(Fault::Config(mistakes)) => {
            for mistake in mistakes {
                let says = format!("{} ({}): {}", mistake.key, mistake.origin, mistake.what);
                found.broken("configuration", says, mistake.fix);
            }
        }
        Err(fault) => return Err(fault),
    }
    let worst = found.0.iter().map(|one| one.state).max();
    let worst = worst.unwrap_or(State::Good);
    if out.json {
        out::json(&json!({ "state": worst, "findings": found.0 }));
    } else {
        for one in &found.0 {
            out.state(one.state, &format!("{}: {}", one.what, one.says));
            if let Some(hint) = &one.hint {
                out::line(&format!("    try: {}", out::plain(hint)));
            }
        }
    }
    Ok(ExitCode::from(match worst {
        State::Good => 0,
        State::Warning => 1,
        State::Broken => 2,
    }))
}

fn look(found: &mut Findings, file: Option<&Path>, config: &Config) {
    let from = file.map_or_else(
        || "no file, variables and defaults".to_owned(),
        |file| file.display().to_string(),
    );
    let mistakes = file::judge(config);
    if mistakes.is_empty() {
        let says = format!("{from}, {} set", config.show(false).count());
        found.good("configuration", says);
    }
    for mistake in mistakes {
        let says = format!("{} ({}): {}", mistake.key, mistake.origin, mistake.what);
        found.broken("configuration", says, mistake.fix);
    }
    address(found, config);
    folder(found, config);
    tls(found, config);
    mail(found, config);
    let database = database(found, config);
    let master = master(found, config);
    if let (Some(store), Some(master)) = (&database, master) {
        contents(found, config, store, master);
    }
    match health::ask(config) {
        Ok((200, _)) => found.good("server", format!("ready on {}", config.listen.address)),
        Ok((status, facts)) => found.broken(
            "server",
            format!(
                "runs on {} and is not ready ({status}): {facts}",
                config.listen.address
            ),
            "mend what is marked above; its log says more",
        ),
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => found.warn(
            "server",
            format!("none runs on {}", config.listen.address),
            "gerege serve",
        ),
        Err(error) => found.warn(
            "server",
            format!(
                "{} does not answer as it should: {error}",
                config.listen.address
            ),
            "read its log; is it this server that listens there?",
        ),
    }
}

fn address(found: &mut Findings, config: &Config) {
    if config.dev {
        let says = format!("{}: dev mode, for this machine alone", config.issuer());
        found.good("public address", says);
    } else {
        found.good("public address", config.issuer());
    }
    let behind = config.listen.tls.is_none() && config.secure();
    if behind && config.listen.trusted_proxies.is_empty() {
        found.warn(
            "proxy",
            "public_url is https, there is no certificate here, and no proxy is trusted: every \
             visitor seems to come from the proxy's address",
            "set listen.trusted_proxies to the proxy's address, or listen.tls_cert and tls_key",
        );
    }
}

fn folder(found: &mut Findings, config: &Config) {
    let folder = &config.data_dir;
    match std::fs::metadata(folder) {
        Err(error) => found.warn(
            "data folder",
            format!("{}: {error}", folder.display()),
            "gerege serve makes it; or set data_dir to where your data lies",
        ),
        Ok(is) if !is.is_dir() => found.broken(
            "data folder",
            format!("{} is no folder", folder.display()),
            "set data_dir to a folder",
        ),
        Ok(_) => {
            let probe = folder.join(format!(".doctor-{}", Rng::System.id()));
            match std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe)) {
                Ok(()) => found.good("data folder", folder.display().to_string()),
                Err(error) => found.broken(
                    "data folder",
                    format!("{} cannot be written: {error}", folder.display()),
                    "give it to the user that Gerege runs as",
                ),
            }
        }
    }
}

/// Whether others than the owner may read a file.
fn is_open(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(path).is_ok_and(|is| is.permissions().mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

fn tls(found: &mut Findings, config: &Config) {
    let Some(tls) = &config.listen.tls else {
        return;
    };
    // What is wrong with them was said with the other files.
    if web::certificate(tls).is_err() {
        return;
    }
    found.good("certificate", tls.cert.display().to_string());
    if is_open(&tls.key) {
        found.warn(
            "certificate's key",
            format!("others can read {}", tls.key.display()),
            format!("chmod 600 {}", tls.key.display()),
        );
    } else {
        found.good("certificate's key", tls.key.display().to_string());
    }
}

fn mail(found: &mut Findings, config: &Config) {
    if config.dev {
        return found.good("mail", "caught in the dev mailbox, nothing is sent");
    }
    let Some(host) = config.mail.host.as_deref() else {
        return found.warn(
            "mail",
            "no mail server is set, so nobody gets a code and nobody can sign up",
            "set mail.host, then gerege mail test ADDRESS",
        );
    };
    use std::net::ToSocketAddrs as _;
    let place = format!("{host}:{}", config.mail.port);
    let reached = (host, config.mail.port)
        .to_socket_addrs()
        .and_then(|mut all| {
            all.next()
                .ok_or_else(|| std::io::Error::other("the name has no address"))
        })
        .and_then(|address| TcpStream::connect_timeout(&address, WAIT));
    match reached {
        Ok(_) => found.good(
            "mail",
            format!("{place} can be reached; gerege mail test tells more"),
        ),
        Err(error) => found.broken(
            "mail",
            format!("{place} cannot be reached: {error}"),
            "check mail.host and mail.port, and that a firewall lets this machine out",
        ),
    }
}

fn database(found: &mut Findings, config: &Config) -> Option<Store> {
    let engine = &config.database.engine;
    if !is_there(engine) {
        found.warn(
            "database",
            format!("nothing at {} yet", place(config)),
            "gerege serve makes it; if you had one, data_dir or database.url is wrong",
        );
        return None;
    }
    if let Engine::Sqlite(path) = engine
        && is_open(path)
        && path.parent().is_none_or(is_open)
    {
        found.warn(
            "database file",
            format!("others on this machine can read {}", path.display()),
            format!("chmod 600 {}", path.display()),
        );
    }
    let status = match migrate::status(engine) {
        Ok(status) => status,
        Err(error) => {
            found.database(&error);
            return None;
        }
    };
    if let Some(newer) = status.unknown.first() {
        found.broken(
            "database",
            format!("a newer Gerege made it (migration {newer})"),
            "use the newer program",
        );
        return None;
    }
    if !status.pending.is_empty() {
        found.warn(
            "database",
            due(status.pending.len()),
            "gerege db migrate, or start the server",
        );
        return None;
    }
    match migrate::integrity(engine) {
        Ok(whole) if whole == "ok" => found.good("database", place(config)),
        Ok(told) => found.broken("database", told, "gerege db restore with the last backup"),
        Err(error) => found.database(&error),
    }
    match Store::open(engine, 1) {
        Ok(store) => Some(store),
        Err(error) => {
            found.database(&error);
            None
        }
    }
}

fn master(found: &mut Findings, config: &Config) -> Option<Master> {
    let file = &config.master_key_file;
    if !file.exists() {
        found.warn(
            "master key",
            format!("{} is not there", file.display()),
            "a new server makes one; one with data needs the key that it was made with",
        );
        return None;
    }
    match Master::load(file, false, &Rng::System) {
        Err(error) => {
            found.broken("master key", error.to_string(), "put back the right file");
            None
        }
        Ok(master) => {
            if is_open(file) {
                found.warn(
                    "master key",
                    format!("others on this machine can read {}", file.display()),
                    format!("chmod 600 {}", file.display()),
                );
            } else {
                found.good("master key", format!("{}, yours alone", file.display()));
            }
            Some(master)
        }
    }
}

fn contents(found: &mut Findings, config: &Config, store: &Store, master: Master) {
    let read = store.read_now(|c| {
        Ok((
            store::setting::find(c, "master_key_proof")?,
            domain::other(c, &config.domain)?,
            store::key::list(c)?,
            store::client::list(c)?,
            store::client::list_services(c)?,
            store::terms::list(c)?,
            store::outbox::open(c, 1000)?,
        ))
    });
    let (proof, other, rows, clients, services, published, letters) = match read {
        Ok(read) => read,
        Err(error) => {
            return found.database(&error);
        }
    };
    if proof.is_some_and(|proof| proof != master.mac_text(Purpose::Proof, &[])) {
        return found.broken(
            "master key",
            "this database was made with another one",
            "put back the master key of that time (master_key_file)",
        );
    }
    let now = Clock::system().now();
    let newest = rows.iter().map(|row| row.created_at).max().unwrap_or(0);
    if newest > now.millis() {
        found.broken(
            "clock",
            format!(
                "it is {} here, and the database holds things from {}",
                now.rfc3339(),
                Time::from_millis(newest).rfc3339()
            ),
            "set this machine's clock by NTP",
        );
    } else {
        found.good("clock", now.rfc3339());
    }
    match other {
        Some(stands) => found.broken(
            "domain",
            format!(
                "it is {}, and people have addresses at {stands}",
                config.domain
            ),
            format!("set domain = \"{stands}\""),
        ),
        None => found.good("domain", config.domain.clone()),
    }
    signing(found, master, &rows, &services, now);
    if clients.is_empty() {
        found.warn("apps", "none is registered", "gerege client add --help");
    } else {
        found.good("apps", format!("{} registered", clients.len()));
    }
    if !config.dev {
        demo(found, &clients, &services);
    }
    if published.is_empty() {
        let dir = config.terms.dir.display();
        found.warn(
            "agreements",
            "none is published, so nobody is asked to accept any",
            format!("gerege terms publish {dir}"),
        );
    } else {
        agreements(found, &published, now);
    }
    let (failed, waiting): (Vec<_>, Vec<_>) =
        letters.iter().partition(|one| one.failed_at.is_some());
    let failed = failed.len();
    let late = waiting.iter().filter(|one| one.tries > 1).count();
    if failed + late > 0 {
        found.warn(
            "letters",
            format!("{failed} given up, {late} tried more than once and waiting"),
            "gerege mail queue tells what the mail server said",
        );
    } else {
        found.good("letters", "none is stuck");
    }
}

/// What dev mode brings with it is for nobody else.
fn demo(found: &mut Findings, clients: &[Client], services: &[Service]) {
    let mut there = Vec::new();
    if clients.iter().any(|one| one.id == demo::CLIENT) {
        there.push(("client", demo::CLIENT));
    }
    if services.iter().any(|one| one.id == demo::SERVICE) {
        there.push(("service", demo::SERVICE));
    }
    let remove: Vec<String> = there
        .iter()
        .map(|(kind, id)| format!("gerege {kind} remove {id}"))
        .collect();
    if let [first, ..] = there.as_slice() {
        found.warn(
            "demo",
            format!("dev mode was here, and {} is still on file", first.1),
            remove.join("; "),
        );
    }
}

/// Whether anybody is asked to accept anything.
fn agreements(found: &mut Findings, published: &[Version], now: Time) {
    let asked = terms::current(published, "", now);
    if asked.iter().any(|version| !version.optional) {
        let says = format!("{} versions published", published.len());
        return found.good("agreements", says);
    }
    let required = published.iter().filter(|version| !version.optional);
    let next = required
        .map(|version| terms::in_force_from(published, version))
        .min();
    match next {
        Some(next) => found.warn(
            "agreements",
            format!(
                "none that has to be accepted is in force before {}, so nobody is asked",
                next.rfc3339()
            ),
            "for one that counts at once leave in_force out of its file, then gerege terms publish",
        ),
        None => found.warn(
            "agreements",
            "all that are published are optional, so nobody has to accept any",
            "gerege terms list",
        ),
    }
}

fn signing(
    found: &mut Findings,
    master: Master,
    rows: &[store::key::Row],
    services: &[Service],
    now: Time,
) {
    let keys = Keys::new(master);
    if let Err(error) = keys.load(rows) {
        return found.broken("signing keys", error.to_string(), "put back the master key");
    }
    let mut missing = Vec::new();
    for algorithm in [Algorithm::RS256, Algorithm::ES256] {
        if keys.current(crate::keys::ISSUER, algorithm, now).is_none() {
            missing.push(format!("issuer {}", crate::keys::name(algorithm)));
        }
    }
    for service in services.iter().filter(|one| one.keys == KeyOwner::Own) {
        match keys.current(&service.id, service.algorithm, now) {
            None => missing.push(format!("service {}", service.id)),
            Some(key) if service.rotation == Rotation::Pinned && now.since(key.active_at) > OLD => {
                let days = now.since(key.active_at).as_secs() / 86_400;
                found.warn(
                    "signing keys",
                    format!("the pinned key of {} is {days} days old", service.id),
                    format!(
                        "gerege key rotate --owner {}, then give the service its new file",
                        service.id
                    ),
                );
            }
            Some(_) => {}
        }
    }
    if missing.is_empty() {
        found.good(
            "signing keys",
            format!("{} on file, all that sign are there", rows.len()),
        );
    } else {
        found.warn(
            "signing keys",
            format!("missing: {}", missing.join(", ")),
            "a running server makes them within a second: gerege serve",
        );
    }
}
