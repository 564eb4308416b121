//! The sections of the configuration, in the types that the rest of the house uses.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::hidden::Hidden;

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
    /// Copy an SQLite database into `backup/` in the data folder before a migration.
    pub backup_before_migrate: bool,
}

/// The engine that `database.url` chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file.
    Sqlite(PathBuf),
    /// PostgreSQL.
    Postgres(Postgres),
}

/// A PostgreSQL database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postgres {
    /// Its URL, in a form that tokio-postgres reads.
    pub url: Hidden,
    /// One more certificate authority for it, in PEM.
    pub ca_file: Option<PathBuf>,
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
    /// How long a person has to allow an app on another device.
    pub device_ttl: Duration,
    /// How long a pushed authorization request waits for its browser.
    pub par_ttl: Duration,
    /// Age at which an issuer key is replaced.
    pub rotate_keys_ttl: Duration,
    /// How long a replaced key stays published.
    pub keep_old_keys_ttl: Duration,
}

/// `[clients]`
#[derive(Clone, Debug)]
pub struct Clients {
    /// Who is asked before an app is let in.
    pub consent: Consent,
    /// Where the pages about error codes lie, with a slash at the end.
    pub error_pages: Option<String>,
}

impl Clients {
    /// The page about an error code (`error_uri`, RFC 6749 4.1.2.1 and 5.2).
    pub fn error_page(&self, code: &str) -> Option<String> {
        Some(format!("{}{code}", self.error_pages.as_deref()?))
    }
}

/// `clients.consent`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Ask for every app.
    Always,
    /// Ask for the apps of others.
    ThirdParty,
}

/// `[registration]`
#[derive(Clone, Debug)]
pub struct Registration {
    /// Who may register an app by `/oauth2/register`.
    pub mode: RegistrationMode,
    /// Scopes that an app which registered itself may ask for.
    pub scopes: Vec<String>,
    /// Whether each of its sign-ins must bring a code challenge, where it keeps a secret; one
    /// that keeps none always must.
    pub pkce_required: bool,
    /// How long one that nobody uses is kept; zero = for ever.
    pub unused_ttl: Duration,
    /// A `client_id` may be the address of a document about the app.
    pub metadata_documents: bool,
}

/// `registration.mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationMode {
    /// Nobody.
    Off,
    /// Who was given an initial access token.
    Token,
    /// Everyone.
    Open,
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

/// `[network]`
#[derive(Clone, Debug)]
pub struct Network {
    /// One more certificate authority for calls to others, in PEM.
    pub ca_file: Option<PathBuf>,
    /// Machines inside a network that addresses typed by strangers may lead to all the same.
    pub allow: Vec<Reachable>,
}

/// One of `network.allow`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reachable {
    /// A network, or one address.
    Net(IpNet),
    /// A host by its name, in small letters.
    Host(String),
}

impl Reachable {
    /// An address, a network or a host name, as it is typed.
    pub fn parse(text: &str) -> Option<Self> {
        super::form::reachable(text).ok()
    }

    /// Whether a URL's host is meant.
    pub fn names<S: AsRef<str>>(&self, host: &url::Host<S>) -> bool {
        match (self, host) {
            (Self::Host(own), url::Host::Domain(name)) => own.eq_ignore_ascii_case(name.as_ref()),
            (Self::Net(net), url::Host::Ipv4(ip)) => net.contains(&IpAddr::V4(*ip)),
            (Self::Net(net), url::Host::Ipv6(ip)) => net.contains(&IpAddr::V6(*ip)),
            _ => false,
        }
    }

    /// Whether it is a network or an address, not a name.
    pub fn is_net(&self) -> bool {
        matches!(self, Self::Net(_))
    }

    /// Whether an address is among it.
    pub fn holds(&self, ip: IpAddr) -> bool {
        matches!(self, Self::Net(net) if net.contains(&ip))
    }
}

/// `[mtls]`, when certificates of apps count (RFC 8705).
#[derive(Clone, Debug)]
pub struct Mtls {
    /// A proxy tells of them.
    pub told: Option<Told>,
    /// A door of our own asks for them.
    pub door: Option<Door>,
    /// Who vouches for clients, in PEM.
    pub ca_file: Option<PathBuf>,
}

/// How a proxy tells of a certificate.
#[derive(Clone, Debug)]
pub struct Told {
    /// The header in which it does, in small letters.
    pub header: String,
    /// The proxies that are believed.
    pub proxies: Vec<IpNet>,
}

/// A second address, for apps alone, at which a connection may show a certificate. At the first
/// one nobody is asked: browsers would ask people to choose one.
#[derive(Clone, Debug)]
pub struct Door {
    /// Where it listens.
    pub address: SocketAddr,
    /// The URL by which apps reach it, without a slash at its end.
    pub url: String,
}
