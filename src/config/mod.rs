//! Configuration: one TOML file and `GEREGE_` variables, as typed, become one checked `Config`.
//! The table in `key` names every key; all else here is driven by it.

mod check;
mod desk;
mod docs;
mod door;
mod file;
mod form;
mod hidden;
mod key;
mod mistake;
#[cfg(test)]
mod property;
mod section;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

pub use docs::{example, reference};
pub use hidden::Hidden;
pub use key::{KEYS, Key, Kind};
pub use mistake::{Mistake, Origin};
pub use section::*;

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
    /// Apps that register themselves.
    pub registration: Registration,
    /// Looks and languages.
    pub theme: Theme,
    /// What is forgotten when.
    pub privacy: Privacy,
    /// How it speaks to other machines.
    pub network: Network,
    /// How certificates of clients are learnt of, if at all.
    pub mtls: Option<Mtls>,
    /// What is written down.
    pub log: Log,
    /// Where each key's value came from: every key of [`KEYS`] is here.
    pub origins: BTreeMap<&'static str, Origin>,
    public_url: String,
    host: String,
    shown: Vec<Shown>,
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
        check::check(typed, file.is_some(), dev, &|_| Vec::new())
    }

    /// [`Config::load`]; where something is wrong, `beside` is asked what else is, so that it is
    /// told at once.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_beside(
        file: Option<&Path>,
        env: &BTreeMap<String, String>,
        dev: Option<bool>,
        beside: &dyn Fn(&Self) -> Vec<Mistake>,
    ) -> Result<Self, Vec<Mistake>> {
        let typed = file::Typed::read(file, env, &|path| std::fs::read_to_string(path));
        check::check(typed, file.is_some(), dev, beside)
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
