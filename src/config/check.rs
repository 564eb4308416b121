//! From typed values to a `Config`: every form is checked, and so is what fits with what.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::desk::Desk;
use super::file::{Typed, Value};
use super::form::{self, Wrong};
use super::key::{Kind, key};
use super::mistake::{Mistake, Origin};
use super::{
    Check, CheckKind, Clients, Config, Consent, Database, Engine, Hidden, Listen, Log, LogFormat,
    Mail, MailSecurity, Mailbox, Network, Password, Postgres, Privacy, Registration,
    RegistrationMode, Signin, Signup, SignupMode, Terms, Theme, Tokens, is_loopback,
};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Checks what was typed. `dev` as for [`Config::load`]; `beside` is asked what else is wrong where
/// something is.
pub(super) fn check(
    typed: Typed,
    has_file: bool,
    dev: Option<bool>,
    beside: &dyn Fn(&Config) -> Vec<Mistake>,
) -> Result<Config, Vec<Mistake>> {
    if typed.unread {
        return Err(typed.mistakes);
    }
    let mut desk = Desk {
        typed,
        origins: BTreeMap::new(),
        shown: BTreeMap::new(),
    };
    let config = desk.config(has_file, dev);
    let mut mistakes = desk.typed.mistakes;
    if mistakes.is_empty() {
        return Ok(config);
    }
    let known: Vec<String> = mistakes.iter().map(|one| one.key.clone()).collect();
    mistakes.extend(
        beside(&config)
            .into_iter()
            .filter(|one| !known.contains(&one.key)),
    );
    mistakes.sort_by_key(|mistake| match &mistake.origin {
        Origin::File { line, .. } => (0, *line, String::new()),
        Origin::Env(name) => (1, 0, name.clone()),
        Origin::Default => (2, 0, mistake.key.clone()),
    });
    Err(mistakes)
}

impl Desk {
    fn config(&mut self, has_file: bool, dev: Option<bool>) -> Config {
        let dev = dev.unwrap_or_else(|| !has_file && self.stays_here());
        let listen = self.listen(dev);
        let (public_url, host) = self.public_url(dev, &listen);
        let name = self.text("name");
        let domain = self.form("domain", form::domain).unwrap_or_else(|| {
            self.show("domain", host.clone());
            host.clone()
        });
        let data_dir = self.path("data_dir").unwrap_or_default();
        let master_key_file = self.path("master_key_file").unwrap_or_else(|| {
            let file = data_dir.join("master.key");
            self.show("master_key_file", file.display().to_string());
            file
        });
        let mut config = Config {
            dev,
            contact: self.form("contact", form::contact),
            database: self.database(&data_dir),
            signup: self.signup(dev),
            check: self.check(),
            terms: Terms {
                dir: self.path("terms.dir").unwrap_or_default(),
                ask_again_on_change: self.flag("terms.ask_again_on_change"),
            },
            mail: self.mail(&name, &domain),
            password: self.password(dev),
            signin: self.signin(),
            tokens: self.tokens(),
            clients: Clients {
                consent: match self.text("clients.consent").as_str() {
                    "always" => Consent::Always,
                    _ => Consent::ThirdParty,
                },
                error_pages: self.form("clients.error_pages", form::error_pages),
            },
            registration: self.registration(),
            theme: Theme {
                dir: self.path("theme.dir"),
                languages: self.forms("theme.languages", form::language),
            },
            privacy: Privacy {
                security_log_ttl: self.span("privacy.security_log_days", DAY),
            },
            network: Network {
                ca_file: self.path("network.ca_file"),
                allow: self.forms("network.allow", form::reachable),
            },
            mtls: self.mtls(dev, &listen, &host),
            log: self.log(),
            origins: BTreeMap::new(),
            shown: Vec::new(),
            listen,
            name,
            domain,
            data_dir,
            master_key_file,
            public_url,
            host,
        };
        config.shown = self.lines();
        config.origins = std::mem::take(&mut self.origins);
        config
    }

    fn registration(&mut self) -> Registration {
        Registration {
            mode: match self.text("registration.mode").as_str() {
                "token" => RegistrationMode::Token,
                "open" => RegistrationMode::Open,
                _ => RegistrationMode::Off,
            },
            scopes: self.forms("registration.scopes", form::scope),
            pkce_required: self.text("registration.pkce") == "required",
            unused_ttl: self.span("registration.unused_days", DAY),
            metadata_documents: self.flag("registration.metadata_documents"),
        }
    }

    /// No file, and no public URL that others could reach: this is dev mode (PROTOCOL.md 8).
    fn stays_here(&mut self) -> bool {
        let typed = self.some_text("public_url");
        typed.is_none_or(|url| form::public_url(&url).is_ok_and(|(_, host)| is_loopback(&host)))
            && self.sound(&["public_url"])
    }

    /// The public URL and its host.
    fn public_url(&mut self, dev: bool, listen: &Listen) -> (String, String) {
        if let Some((url, host)) = self.form("public_url", form::public_url) {
            if dev && !is_loopback(&host) {
                let what = "dev mode stays on this machine, so its public URL is on a loopback \
                            host; for this one start without --dev";
                self.wrong("public_url", Wrong::new(what, "\"http://localhost:8777\""));
            }
            return (url, host);
        }
        if !dev && self.sound(&["public_url"]) {
            let what = "the address that people and apps use has to be known: it stands in every \
                        mail and every token (for a trial without it: gerege serve --dev)";
            let example = "\"https://id.steppe.example\"";
            self.wrong("public_url", Wrong::new(what, example));
        }
        // `localhost` is what browsers and passkeys like best; other loopback addresses are not
        // what that name means.
        let (ip, port) = (listen.address.ip(), listen.address.port());
        let host = match ip.to_string().as_str() {
            "127.0.0.1" | "::1" => "localhost".to_owned(),
            other => other.to_owned(),
        };
        let scheme = if listen.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let url = format!("{scheme}://{host}:{port}");
        self.show("public_url", url.clone());
        (url, host)
    }

    fn database(&mut self, data_dir: &std::path::Path) -> Database {
        let path = "database.url";
        let engine = match self.form(path, form::database) {
            Some(form::Url::Sqlite(None)) => Some(Engine::Sqlite(data_dir.join("gerege.db"))),
            Some(form::Url::Sqlite(Some(file))) => Some(Engine::Sqlite(self.place(path, file))),
            Some(form::Url::Postgres { url, shown }) => {
                self.show(path, shown);
                Some(Engine::Postgres(Postgres {
                    url: Hidden::new(url),
                    ca_file: self.path("network.ca_file"),
                }))
            }
            None => None,
        };
        if let Some(Engine::Sqlite(file)) = &engine {
            self.show(path, format!("sqlite:{}", file.display()));
        }
        Database {
            engine: engine.unwrap_or(Engine::Sqlite(PathBuf::new())),
            pool: self.number("database.pool"),
            backup_before_migrate: self.flag("database.backup_before_migrate"),
        }
    }

    fn signup(&mut self, dev: bool) -> Signup {
        let path = "signup.per_address_per_hour";
        let mut per_address_per_hour = self.number(path);
        // PROTOCOL.md 7: no limit is the default in dev mode.
        if dev && self.origins.get(path) == Some(&Origin::Default) {
            per_address_per_hour = 0;
            self.shown.insert(path, Value::Number(0));
        }
        Signup {
            mode: match self.text("signup.mode").as_str() {
                "approve" => SignupMode::Approve,
                "closed" => SignupMode::Closed,
                _ => SignupMode::Open,
            },
            allow_domains: self.forms("signup.allow_domains", form::domain),
            block_domains: self.forms("signup.block_domains", form::domain),
            reserved_usernames: self.forms("signup.reserved_usernames", form::username),
            min_age: self.number("signup.min_age"),
            per_address_per_hour,
            draft_ttl: self.span("signup.draft_hours", HOUR),
        }
    }

    fn check(&mut self) -> Check {
        Check {
            kind: match self.text("check.kind").as_str() {
                "work" => CheckKind::Work,
                "off" => CheckKind::Off,
                _ => CheckKind::Picture,
            },
            sound: self.flag("check.sound"),
            questions: self.flag("check.questions"),
            questions_file: self.path("check.questions_file"),
            ask_a_person: self.flag("check.ask_a_person"),
            length: self.number("check.length"),
            ttl: self.span("check.minutes", MINUTE),
        }
    }

    fn mail(&mut self, name: &str, domain: &str) -> Mail {
        let host = self.form("mail.host", form::host);
        let security = match self.text("mail.security").as_str() {
            "tls" => MailSecurity::Tls,
            "none" => MailSecurity::None,
            _ => MailSecurity::Starttls,
        };
        let open = security == MailSecurity::None;
        if open && host.as_deref().is_some_and(|host| !is_loopback(host)) {
            let what = "mail without TLS can be read by anyone on the way, so it is allowed only \
                        to a server on this machine";
            self.wrong("mail.security", Wrong::new(what, "\"starttls\""));
        }
        let username = self.some_text("mail.username");
        let password = self.some_text("mail.password").map(Hidden::new);
        let missing = match (&username, &password) {
            (Some(_), None) => Some(("mail.password", "mail.username is set, its password is not")),
            (None, Some(_)) => Some(("mail.username", "mail.password is set, the name is not")),
            _ => None,
        };
        if let Some((path, what)) = missing
            && self.sound(&["mail.username", "mail.password"])
        {
            self.wrong(path, Wrong::new(what, "\"…\""));
        }
        let from = self.form("mail.from", form::mailbox).unwrap_or_else(|| {
            let home = if form::domain(domain).is_ok() {
                domain
            } else {
                "localhost"
            };
            // What a typed one may not hold either.
            let name = name.replace(['<', '>', '"', '\\'], "");
            let name = name.trim();
            Mailbox {
                name: (!name.is_empty()).then(|| name.to_owned()),
                address: format!("no-reply@{home}"),
            }
        });
        self.show("mail.from", from.to_string());
        Mail {
            host,
            port: self.mail_port(security),
            security,
            username,
            password,
            from,
            reply_to: self.form("mail.reply_to", form::mailbox),
            code_ttl: self.span("mail.code_minutes", MINUTE),
            retry_ttl: self.span("mail.retry_hours", HOUR),
        }
    }

    /// RFC 8314 3.3: TLS from the first byte has a port of its own.
    fn mail_port(&mut self, security: MailSecurity) -> u16 {
        let port = self.number("mail.port");
        if security != MailSecurity::Tls || self.origins.get("mail.port") != Some(&Origin::Default)
        {
            return port;
        }
        self.shown.insert("mail.port", Value::Number(465));
        465
    }

    fn password(&mut self, dev: bool) -> Password {
        let password = Password {
            min_length: self.number("password.min_length"),
            memory_kib: self.number("password.memory_kib"),
            passes: self.number("password.passes"),
            lanes: self.number("password.lanes"),
            at_once: self.number("password.at_once"),
        };
        let (memory, passes) = (password.memory_kib, password.passes);
        // RFC 9106 3.1: at least 8 KiB a lane.
        let least = password.lanes.saturating_mul(8);
        // OWASP Password Storage Cheat Sheet, Argon2id: these five cost a guesser the same.
        let strong = [(47104, 1), (19456, 2), (12288, 3), (9216, 4), (7168, 5)]
            .iter()
            .any(|(kib, times)| memory >= *kib && passes >= *times);
        if !self.sound(&["password.memory_kib", "password.passes", "password.lanes"]) {
            return password;
        }
        if memory < least {
            let what = "Argon2id needs 8 KiB for each of password.lanes";
            self.wrong("password.memory_kib", Wrong::new(what, &least.to_string()));
        } else if !dev && !strong {
            let what = format!(
                "{memory} KiB and {passes} passes make guessing stolen passwords too cheap"
            );
            self.wrong("password.memory_kib", Wrong::new(&what, "19456"));
        }
        password
    }

    fn signin(&mut self) -> Signin {
        Signin {
            tries_before_delay: self.number("signin.tries_before_delay"),
            max_delay: self.span("signin.max_delay_seconds", 1),
            confirm_ttl: self.span("signin.confirm_minutes", MINUTE),
            session_ttl: self.span("signin.session_hours", HOUR),
            keep_ttl: self.span("signin.keep_days", DAY),
            keep_default: self.flag("signin.keep_default"),
        }
    }

    fn tokens(&mut self) -> Tokens {
        let tokens = Tokens {
            access_ttl: self.span("tokens.access_minutes", MINUTE),
            refresh_ttl: self.span("tokens.refresh_days", DAY),
            refresh_max_ttl: self.span("tokens.refresh_max_days", DAY),
            code_ttl: self.span("tokens.code_seconds", 1),
            device_ttl: self.span("tokens.device_minutes", MINUTE),
            par_ttl: self.span("tokens.par_seconds", 1),
            rotate_keys_ttl: self.span("tokens.rotate_keys_days", DAY),
            keep_old_keys_ttl: self.span("tokens.keep_old_keys_days", DAY),
        };
        if tokens.refresh_max_ttl < tokens.refresh_ttl
            && self.sound(&["tokens.refresh_days", "tokens.refresh_max_days"])
        {
            let days = (tokens.refresh_ttl.as_secs() / DAY).to_string();
            let what = "it is shorter than tokens.refresh_days, which is part of it";
            self.wrong("tokens.refresh_max_days", Wrong::new(what, &days));
        }
        tokens
    }

    fn log(&mut self) -> Log {
        let level = self.text("log.level");
        let levels = match key("log.level").map(|key| key.kind) {
            Some(Kind::Choice(words)) => words,
            _ => &[],
        };
        Log {
            format: match self.text("log.format").as_str() {
                "json" => LogFormat::Json,
                _ => LogFormat::Text,
            },
            level: levels
                .iter()
                .find(|word| **word == level)
                .unwrap_or(&"info"),
            file: self.path("log.file"),
        }
    }
}
