//! Configuration: one TOML file and `GEREGE_` variables, as typed, become one checked `Config`.
//! The table in `key` names every key; all else here is driven by it.

mod check;
mod docs;
mod file;
mod form;
mod hidden;
mod key;
mod mistake;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;

pub use docs::{example, reference};
pub use hidden::Hidden;
pub use key::{KEYS, Key, Kind};
pub use mistake::{Mistake, Origin};

/// Everything an operator may set, checked and ready to use. Each field's key, unit and default
/// stand in `docs/reference/config.md`.
#[derive(Clone, Debug)]
pub struct Config {
    /// Dev mode: everything stays on this machine (PROTOCOL.md 8).
    pub dev: bool,
    /// The server's name, shown on every page.
    pub name: String,
    /// The domain of the people's addresses, `user@domain`: ASCII, lower case. Never changes.
    pub domain: String,
    /// A mail address or URL for people in trouble.
    pub contact: Option<String>,
    /// Where everything that must be kept lies.
    pub data_dir: PathBuf,
    /// The 32 bytes that wrap the signing keys (PROTOCOL.md 4).
    pub master_key_file: PathBuf,
    /// Where the server is heard.
    pub listen: Listen,
    /// Where it remembers.
    pub database: Database,
    /// Who may make an account.
    pub signup: Signup,
    /// The security check of the wizard's second step.
    pub check: Check,
    /// The agreements.
    pub terms: Terms,
    /// How mail leaves.
    pub mail: Mail,
    /// What a password must be, and what its hash costs.
    pub password: Password,
    /// Signing in and staying signed in.
    pub signin: Signin,
    /// How long tokens, codes and keys live.
    pub tokens: Tokens,
    /// Rules for all connected apps.
    pub clients: Clients,
    /// Looks and languages.
    pub theme: Theme,
    /// What is forgotten when.
    pub privacy: Privacy,
    /// What is written down.
    pub log: Log,
    /// Where each key's value came from: every key of [`KEYS`] is here.
    pub origins: BTreeMap<&'static str, Origin>,
    public_url: String,
    host: String,
    shown: Vec<Shown>,
}

/// `[listen]`
#[derive(Clone, Debug)]
pub struct Listen {
    /// The address of the pages and the protocol.
    pub address: SocketAddr,
    /// The address of Prometheus metrics; none unless set.
    pub metrics: Option<SocketAddr>,
    /// Peers whose forwarding headers count.
    pub trusted_proxies: Vec<IpNet>,
    /// Certificate chain and private key, both PEM; none behind a proxy.
    pub tls: Option<Tls>,
    /// Threads that answer; 0 = number of cores.
    pub workers: usize,
}

/// The server's own certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate chain, PEM.
    pub cert: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

/// `[database]`
#[derive(Clone, Debug)]
pub struct Database {
    /// Which engine, and where it is.
    pub engine: Engine,
    /// Connections; 0 = automatic.
    pub pool: u32,
    /// Copy an SQLite database beside itself before a migration.
    pub backup_before_migrate: bool,
}

/// The engine that `database.url` chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file.
    Sqlite(PathBuf),
    /// A PostgreSQL URL, in a form that tokio-postgres reads.
    Postgres(Hidden),
}

/// `[signup]`
#[derive(Clone, Debug)]
pub struct Signup {
    /// Who may sign up.
    pub mode: SignupMode,
    /// Mail domains that alone are let in (ASCII, lower case); empty = all.
    pub allow_domains: Vec<String>,
    /// Mail domains that are refused (ASCII, lower case).
    pub block_domains: Vec<String>,
    /// Usernames that nobody may take (lower case).
    pub reserved_usernames: Vec<String>,
    /// Years; 0 = nobody is asked.
    pub min_age: u8,
    /// Finished accounts per network address and hour; 0 = no limit (PROTOCOL.md 7).
    pub per_address_per_hour: u32,
    /// How long a draft lives.
    pub draft_ttl: Duration,
}

/// `signup.mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignupMode {
    /// Everyone.
    Open,
    /// Everyone whom the operator then lets in.
    Approve,
    /// Nobody; accounts are made by command.
    Closed,
}

/// `[check]`
#[derive(Clone, Debug)]
pub struct Check {
    /// Which check a stranger meets.
    pub kind: CheckKind,
    /// Offer a sound beside the picture.
    pub sound: bool,
    /// Offer a question in words.
    pub questions: bool,
    /// The operator's questions; the built-in sample unless set.
    pub questions_file: Option<PathBuf>,
    /// Offer "ask a person".
    pub ask_a_person: bool,
    /// Characters in the picture.
    pub length: u8,
    /// How long an answer is taken.
    pub ttl: Duration,
}

/// `check.kind`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckKind {
    /// Letters in a picture.
    Picture,
    /// A proof of work in the page, with the picture as its fallback.
    Work,
    /// No check.
    Off,
}

/// `[terms]`
#[derive(Clone, Debug)]
pub struct Terms {
    /// One Markdown file per agreement.
    pub dir: PathBuf,
    /// Ask again at the next sign-in when a newer version is in force.
    pub ask_again_on_change: bool,
}

/// `[mail]`
#[derive(Clone, Debug)]
pub struct Mail {
    /// The SMTP server; without one no mail leaves. Dev mode never uses it.
    pub host: Option<String>,
    /// Its port.
    pub port: u16,
    /// How the way to it is protected.
    pub security: MailSecurity,
    /// The name to sign in with there; none = do not sign in.
    pub username: Option<String>,
    /// The password to sign in with there.
    pub password: Option<Hidden>,
    /// The sender.
    pub from: Mailbox,
    /// Where answers go.
    pub reply_to: Option<Mailbox>,
    /// How long a mailed code that proves an address lives.
    pub code_ttl: Duration,
    /// How long a mail is tried again.
    pub retry_ttl: Duration,
    /// One more certificate authority for the SMTP server, PEM.
    pub ca_file: Option<PathBuf>,
}

/// `mail.security`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailSecurity {
    /// TLS begun inside the connection, required (RFC 3207).
    Starttls,
    /// TLS from the first byte (RFC 8314 3.3).
    Tls,
    /// None; only to a loopback host.
    None,
}

/// A mail address with the name shown beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The name shown.
    pub name: Option<String>,
    /// `local@domain`.
    pub address: String,
}

/// `[password]`
#[derive(Clone, Copy, Debug)]
pub struct Password {
    /// Characters, 10 to 64.
    pub min_length: usize,
    /// Argon2id memory in KiB.
    pub memory_kib: u32,
    /// Argon2id passes.
    pub passes: u32,
    /// Argon2id lanes.
    pub lanes: u32,
    /// Hashes worked on at once; 0 = number of cores.
    pub at_once: usize,
}

/// `[signin]`
#[derive(Clone, Copy, Debug)]
pub struct Signin {
    /// Wrong tries before a wait begins.
    pub tries_before_delay: u32,
    /// The longest wait.
    pub max_delay: Duration,
    /// How long "confirm it is you" counts.
    pub confirm_ttl: Duration,
    /// A session that was not kept ends after so long without use, and after twice as long in all.
    pub session_ttl: Duration,
    /// A kept session ends after so long in all, and after a third of it without use.
    pub keep_ttl: Duration,
    /// "Keep me signed in" is ticked on the wizard's last page.
    pub keep_default: bool,
}

/// `[tokens]`
#[derive(Clone, Copy, Debug)]
pub struct Tokens {
    /// Life of an access token and of an ID token.
    pub access_ttl: Duration,
    /// A refresh token ends after so long without use …
    pub refresh_ttl: Duration,
    /// … and after so long in all.
    pub refresh_max_ttl: Duration,
    /// Life of an authorization code.
    pub code_ttl: Duration,
    /// Age at which an issuer key is replaced.
    pub rotate_keys_ttl: Duration,
    /// How long a replaced key stays published.
    pub keep_old_keys_ttl: Duration,
}

/// `[clients]`
#[derive(Clone, Copy, Debug)]
pub struct Clients {
    /// Who is asked before an app is let in.
    pub consent: Consent,
}

/// `clients.consent`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Ask for every app.
    Always,
    /// Ask for the apps of others.
    ThirdParty,
}

/// `[theme]`
#[derive(Clone, Debug)]
pub struct Theme {
    /// Files here replace the embedded ones of the same name.
    pub dir: Option<PathBuf>,
    /// Languages offered, the first being the default; empty = all built in.
    pub languages: Vec<String>,
}

/// `[privacy]`
#[derive(Clone, Copy, Debug)]
pub struct Privacy {
    /// How long the security log is kept.
    pub security_log_ttl: Duration,
}

/// `[log]`
#[derive(Clone, Debug)]
pub struct Log {
    /// One line of text or one JSON object per event.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: &'static str,
    /// Where lines go; none = standard error.
    pub file: Option<PathBuf>,
}

/// `log.format`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// key=value
    Text,
    /// JSON
    Json,
}

/// One line of `gerege config show`; secrets are already hidden.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Shown {
    /// `mail.host`
    pub key: &'static str,
    /// The value in TOML notation, or `(hidden)`.
    pub value: String,
    /// Where it came from, in words: `default`, `gerege.toml line 3`, `GEREGE_MAIL__HOST`.
    pub origin: String,
    /// Nobody set it.
    pub default: bool,
}

impl Config {
    /// Reads `file` and the `GEREGE_` variables of `env`, which win over the file. `dev` is
    /// `Some(true)` for `serve --dev`; with `None`, no file and no public `GEREGE_PUBLIC_URL` it
    /// is dev mode too. Relative paths in the file start at the file's folder, others where
    /// Gerege was started.
    ///
    /// # Errors
    /// All mistakes at once, in the order of the file, then of the variables, then of the keys.
    pub fn load(
        file: Option<&Path>,
        env: &BTreeMap<String, String>,
        dev: Option<bool>,
    ) -> Result<Self, Vec<Mistake>> {
        Self::load_with(file, env, dev, &|path| std::fs::read_to_string(path))
    }

    /// [`Config::load`] with another way to read a file.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_with(
        file: Option<&Path>,
        env: &BTreeMap<String, String>,
        dev: Option<bool>,
        read: &dyn Fn(&Path) -> io::Result<String>,
    ) -> Result<Self, Vec<Mistake>> {
        let typed = file::Typed::read(file, env, read);
        check::check(typed, file.is_some(), dev)
    }

    /// The issuer, which is the public URL as typed: no path, no slash at the end
    /// (RFC 8414 2, OpenID Connect Discovery 3).
    pub fn issuer(&self) -> &str {
        &self.public_url
    }

    /// An absolute link to `path`: the only way one is built, so that no request header can reach
    /// a mail or a redirect.
    pub fn url(&self, path: &str) -> String {
        let slash = if path.starts_with('/') { "" } else { "/" };
        format!("{}{slash}{path}", self.public_url)
    }

    /// The host of the public URL without its port: `id.steppe.example`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The public URL is https, so cookies may be `Secure` and named `__Host-`.
    pub fn secure(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// What `gerege config show` prints: what was set, or with `all` every key.
    pub fn show(&self, all: bool) -> impl Iterator<Item = &Shown> {
        self.shown.iter().filter(move |shown| all || !shown.default)
    }
}

/// The configuration file to read: the one asked for by `--config`, else by `GEREGE_CONFIG`, else
/// the first of `gerege.toml` here and `/etc/gerege/gerege.toml` that exists.
pub fn find(
    asked: Option<PathBuf>,
    env: &BTreeMap<String, String>,
    exists: impl Fn(&Path) -> bool,
) -> Option<PathBuf> {
    let named = env.get("GEREGE_CONFIG").filter(|path| !path.is_empty());
    asked.or_else(|| named.map(PathBuf::from)).or_else(|| {
        ["gerege.toml", "/etc/gerege/gerege.toml"]
            .map(PathBuf::from)
            .into_iter()
            .find(|path| exists(path))
    })
}

/// A host that only this machine can mean: `localhost`, `*.localhost` (RFC 6761 6.3), 127/8, `::1`.
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}
