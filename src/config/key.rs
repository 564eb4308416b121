//! The one table of keys: what may be typed, its default and its meaning.

use super::file::Value;

/// One key of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Section and name: `mail.host`.
    pub path: &'static str,
    /// What may be typed.
    pub kind: Kind,
    /// The value when nothing is typed, in TOML notation.
    pub default: &'static str,
    /// What it does, with its unit, in one or two plain sentences.
    pub doc: &'static str,
    /// Fixed for the life of a process.
    pub restart: bool,
    /// Never shown; may be given as `<key>_file`.
    pub secret: bool,
}

/// What may be typed for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text; `check` knows its form.
    Text,
    /// A file or folder.
    Path,
    /// `true` or `false`.
    Flag,
    /// A whole number from the first to the second, both included.
    Number(i64, i64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of texts.
    List,
}

impl Key {
    const fn new(path: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Self {
        Self {
            path,
            kind,
            default,
            doc,
            restart: false,
            secret: false,
        }
    }

    const fn restart(mut self) -> Self {
        self.restart = true;
        self
    }

    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// The variable that overrides it: `GEREGE_MAIL__HOST`.
    pub fn variable(&self) -> String {
        format!("GEREGE_{}", self.path.replace('.', "__").to_uppercase())
    }

    /// The section it stands in; empty at the top of the file.
    pub fn section(&self) -> &'static str {
        self.path
            .rsplit_once('.')
            .map_or("", |(section, _)| section)
    }

    /// Its name inside the section.
    pub fn name(&self) -> &'static str {
        self.path
            .rsplit_once('.')
            .map_or(self.path, |(_, name)| name)
    }

    /// The default as a value.
    pub(super) fn preset(&self) -> Value {
        let quoted = |text: &str| text.trim_matches('"').to_owned();
        match self.kind {
            Kind::Text | Kind::Path | Kind::Choice(_) => Value::Text(quoted(self.default)),
            Kind::Flag => Value::Flag(self.default == "true"),
            Kind::Number(least, _) => Value::Number(self.default.parse().unwrap_or(least)),
            Kind::List => Value::List(
                self.default
                    .trim_matches(['[', ']'])
                    .split(',')
                    .map(|one| quoted(one.trim()))
                    .filter(|one| !one.is_empty())
                    .collect(),
            ),
        }
    }
}

/// The key named `path`.
pub(super) fn key(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// What each section is about, in the order of the file.
pub(super) const SECTIONS: &[(&str, &str)] = &[
    ("", "The server itself."),
    ("listen", "Where the server is heard."),
    ("database", "Where it remembers."),
    ("signup", "Who may make an account."),
    ("check", "The security check, step 2 of the sign-up wizard."),
    ("terms", "The agreements, step 3 of the sign-up wizard."),
    (
        "mail",
        "How mail leaves. In dev mode none does: it is shown at /dev/mail.",
    ),
    (
        "password",
        "What a password must be, and what guessing it costs.",
    ),
    ("signin", "Signing in and staying signed in."),
    ("tokens", "How long tokens, codes and signing keys live."),
    ("clients", "Rules for all connected apps."),
    ("registration", "Apps that register themselves."),
    ("theme", "Looks and languages."),
    ("privacy", "What is forgotten when."),
    (
        "mtls",
        "Apps that prove themselves by a certificate, shown to Gerege itself or to a proxy in front.",
    ),
    ("network", "How Gerege speaks to other machines."),
    ("log", "What is written down."),
];

use Kind::{Choice, Flag, List, Number, Path, Text};

/// A number that has no upper end of its own.
const MANY: i64 = 1_000_000;

/// Every key, in the order of the file.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    Key::new("public_url", Text, "\"\"",
        "The address people and apps use, without a path, and the issuer of every token. https, or http on a loopback host. Required outside dev mode; in dev mode empty means http://localhost with the port of listen.address.").restart(),
    Key::new("name", Text, "\"Gerege\"",
        "The server's name, shown on every page and in every mail."),
    Key::new("domain", Text, "\"\"",
        "The domain of the people's addresses, user@domain. Empty means the host of public_url. It cannot change once people have signed up: the server does not start then.").restart(),
    Key::new("contact", Text, "\"\"",
        "A mail address or URL shown to people in trouble. Empty shows none."),
    Key::new("data_dir", Path, "\"gerege-data\"",
        "The folder of everything that must be kept. A relative path starts at the folder of this file, or without a file where Gerege was started.").restart(),
    Key::new("master_key_file", Path, "\"\"",
        "The file of 32 bytes that protects the signing keys in the database. Empty means master.key in data_dir, made at the first start. In a systemd unit set GEREGE_MASTER_KEY_FILE=%d/NAME to use a credential.").restart(),

    Key::new("listen.address", Text, "\"127.0.0.1:8777\"",
        "The IP address and port of the server. In dev mode a loopback address.").restart(),
    Key::new("listen.metrics", Text, "\"\"",
        "The IP address and port of the Prometheus metrics, such as 127.0.0.1:9777. Empty means none.").restart(),
    Key::new("listen.trusted_proxies", List, "[]",
        "Addresses or networks (CIDR) of the proxies in front. Only their word about a caller's address is believed.").restart(),
    Key::new("listen.tls_cert", Path, "\"\"",
        "The certificate chain in PEM. Set it together with tls_key; leave both empty behind a proxy.").restart(),
    Key::new("listen.tls_key", Path, "\"\"",
        "The certificate's private key in PEM.").restart(),
    Key::new("listen.workers", Number(0, 1024), "0",
        "Threads that answer. 0 means one for each core.").restart(),

    Key::new("database.url", Text, "\"sqlite\"",
        "sqlite (the file gerege.db in data_dir), sqlite:PATH, or postgres://USER:PASSWORD@HOST/NAME with ?sslmode=disable, prefer, require, verify-ca or verify-full; from require on the certificate is checked.").restart().secret(),
    Key::new("database.pool", Number(0, 1000), "0",
        "Connections to the database. 0 chooses by the number of cores.").restart(),
    Key::new("database.backup_before_migrate", Flag, "true",
        "Copy an SQLite database into backup/ in data_dir before an upgrade changes its tables.").restart(),

    Key::new("signup.mode", Choice(&["open", "approve", "closed"]), "\"open\"",
        "open lets everyone sign up, approve lets in whom the operator approves, closed lets in nobody (make accounts with gerege user add)."),
    Key::new("signup.allow_domains", List, "[]",
        "Mail domains that may sign up. Empty means all."),
    Key::new("signup.block_domains", List, "[]",
        "Mail domains that may not sign up."),
    Key::new("signup.reserved_usernames", List, "[\"admin\", \"root\", \"postmaster\", \"abuse\", \"support\"]",
        "Usernames that nobody can take."),
    Key::new("signup.min_age", Number(0, 120), "0",
        "The age in years that a person has to state. 0 asks nobody."),
    Key::new("signup.per_address_per_hour", Number(0, MANY), "20",
        "Finished accounts from one network address in an hour; past it people there are asked to come back later. 0 means no limit, and is the default in dev mode."),
    Key::new("signup.draft_hours", Number(1, 720), "24",
        "Hours that a sign-up may be left and taken up again."),

    Key::new("check.kind", Choice(&["picture", "work", "off"]), "\"picture\"",
        "picture shows letters to type, work lets the browser do a sum (with the picture where it cannot), off asks nothing."),
    Key::new("check.sound", Flag, "true",
        "Offer a sound beside the picture."),
    Key::new("check.questions", Flag, "true",
        "Offer a question in words beside the picture."),
    Key::new("check.questions_file", Path, "\"\"",
        "The file of your own questions. Empty means the built-in sample, which others know too."),
    Key::new("check.ask_a_person", Flag, "true",
        "Offer to ask the operator to be let in, as a way around the check."),
    Key::new("check.length", Number(4, 8), "6",
        "Characters in the picture."),
    Key::new("check.minutes", Number(1, 60), "5",
        "Minutes that an answer is taken."),

    Key::new("terms.dir", Path, "\"terms\"",
        "The folder of the agreements, one Markdown file each."),
    Key::new("terms.ask_again_on_change", Flag, "true",
        "Ask people at their next sign-in when a newer version is in force."),

    Key::new("mail.host", Text, "\"\"",
        "The SMTP server. Without one no mail leaves, and nobody can finish signing up."),
    Key::new("mail.port", Number(1, 65535), "587",
        "Its port. With security = \"tls\" the default is 465."),
    Key::new("mail.security", Choice(&["starttls", "tls", "none"]), "\"starttls\"",
        "How the way to the SMTP server is protected. none is allowed only to a loopback host."),
    Key::new("mail.username", Text, "\"\"",
        "The name to sign in with at the SMTP server. Empty means not to sign in."),
    Key::new("mail.password", Text, "\"\"",
        "The password to sign in with at the SMTP server.").secret(),
    Key::new("mail.from", Text, "\"\"",
        "The sender, such as Steppe ID <no-reply@steppe.example>. Empty means name and no-reply@domain."),
    Key::new("mail.reply_to", Text, "\"\"",
        "The address for answers. Empty means `contact` if that is a mail address, else the sender."),
    Key::new("mail.code_minutes", Number(5, 60), "15",
        "Minutes that a mailed code which proves an address is good."),
    Key::new("mail.retry_hours", Number(1, 120), "24",
        "Hours that a mail is tried again while the SMTP server does not take it."),

    Key::new("password.min_length", Number(10, 64), "10",
        "The fewest characters of a new password."),
    Key::new("password.memory_kib", Number(8, 4_194_304), "19456",
        "Memory in KiB that one Argon2id hash takes. Raised, it counts for each person from their next sign-in. Outside dev mode memory and passes cannot be weaker than 47104 and 1, 19456 and 2, 12288 and 3, 9216 and 4, or 7168 and 5.").restart(),
    Key::new("password.passes", Number(1, 64), "2",
        "Passes that one Argon2id hash makes over its memory.").restart(),
    Key::new("password.lanes", Number(1, 64), "1",
        "Lanes of one Argon2id hash.").restart(),
    Key::new("password.at_once", Number(0, 1024), "0",
        "Hashes worked on at once; others wait in line. 0 means one for each core.").restart(),

    Key::new("signin.tries_before_delay", Number(1, 100), "5",
        "Wrong passwords before the next try has to wait."),
    Key::new("signin.max_delay_seconds", Number(1, 86_400), "900",
        "The longest wait between two tries, in seconds."),
    Key::new("signin.confirm_minutes", Number(1, 60), "10",
        "Minutes that a person is not asked again to confirm it is them."),
    Key::new("signin.session_hours", Number(1, 720), "12",
        "Hours without use after which a browser is signed out when \"Keep me signed in\" was not ticked. It ends after twice as long in any case."),
    Key::new("signin.keep_days", Number(3, 400), "180",
        "Days after which a browser is signed out when \"Keep me signed in\" was ticked. It ends after a third of that without use."),
    Key::new("signin.keep_default", Flag, "true",
        "Tick \"Keep me signed in\" on the last page of sign-up. Set false where computers are shared."),

    Key::new("tokens.access_minutes", Number(1, 1440), "10",
        "Minutes that an access token is good. A service that checks tokens by itself lets a person in for as long after they were signed out."),
    Key::new("tokens.refresh_days", Number(1, 3650), "90",
        "Days without use after which a messenger has to send the person to the browser again."),
    Key::new("tokens.refresh_max_days", Number(1, 3650), "365",
        "Days after which it has to in any case."),
    Key::new("tokens.code_seconds", Number(10, 600), "60",
        "Seconds that an authorization code is good."),
    Key::new("tokens.device_minutes", Number(1, 60), "10",
        "Minutes that a person has to allow an app on another device by its code."),
    Key::new("tokens.par_seconds", Number(5, 600), "60",
        "Seconds that a request which an app pushed waits until the browser brings its reference."),
    Key::new("tokens.rotate_keys_days", Number(14, 3650), "90",
        "Days after which an issuer key is replaced. The next one is published 7 days before."),
    Key::new("tokens.keep_old_keys_days", Number(1, 3650), "14",
        "Days that a replaced key stays published."),

    Key::new("clients.consent", Choice(&["always", "third-party"]), "\"third-party\"",
        "Whether people are asked before every app is let in, or only before the apps of others."),
    Key::new("clients.error_pages", Text, "\"\"",
        "Where pages about error codes lie, such as a copy of docs/errors: a web address with a slash at its end. Refusals then point the app's developer to the page (error_uri). Empty means that they do not."),

    Key::new("registration.mode", Choice(&["off", "token", "open"]), "\"off\"",
        "Who may register an app at /oauth2/register: nobody, whoever has a token of gerege registration token, or everyone. People are told that nobody here has looked at such an app."),
    Key::new("registration.scopes", List, "[\"openid\", \"profile\", \"email\", \"offline_access\"]",
        "Scopes that an app which registered itself may ask for."),
    Key::new("registration.pkce", Choice(&["required", "optional"]), "\"required\"",
        "Whether an app which registered itself and keeps a secret must bring a code challenge with each sign-in. One that keeps no secret always must."),
    Key::new("registration.unused_days", Number(0, 3650), "30",
        "Days after which an app that registered itself and that nobody uses is removed. 0 keeps it."),
    Key::new("registration.metadata_documents", Flag, "false",
        "Take the address of a document about an app as its client_id, read the document, and let people sign in to the app."),

    Key::new("theme.dir", Path, "\"\"",
        "A folder whose files replace the built-in templates, texts and pictures of the same name. Empty means none.").restart(),
    Key::new("theme.languages", List, "[]",
        "Languages offered, such as en or de; the first is the default. Empty means all built-in ones.").restart(),

    Key::new("privacy.security_log_days", Number(1, 3650), "365",
        "Days that the security log is kept."),

    Key::new("mtls.listen", Text, "\"\"",
        "A second address and port, for apps alone, at which Gerege itself asks for their certificate; it speaks TLS with listen.tls_cert. Browsers of people never come here. Empty means none.").restart(),
    Key::new("mtls.public_url", Text, "\"\"",
        "How apps reach mtls.listen: https, host and port. Empty means the host of public_url and the port of mtls.listen.").restart(),
    Key::new("mtls.header", Text, "\"\"",
        "The header in which a proxy tells the app's certificate, such as client-cert. It must take away what a caller sends under that name. Empty means that no proxy is believed.").restart(),
    Key::new("mtls.proxies", List, "[]",
        "Addresses or networks (CIDR) of the proxies whose word about certificates is believed.").restart(),
    Key::new("mtls.ca_file", Path, "\"\"",
        "Certificates in PEM of the authority that vouches for apps (tls_client_auth). Empty means that only certificates that apps registered themselves count.").restart(),

    Key::new("log.format", Choice(&["text", "json"]), "\"text\"",
        "text writes key=value lines, json one object a line.").restart(),
    Key::new("network.ca_file", Path, "\"\"",
        "One more certificate authority, in PEM, for the SMTP server, PostgreSQL and the servers of apps. Empty means the built-in public ones alone.").restart(),
    Key::new("network.allow", List, "[]",
        "Addresses, networks (CIDR) or hosts inside your network that apps which registered themselves may name all the same. Addresses that you type yourself need no leave.").restart(),

    Key::new("log.level", Choice(&["error", "warn", "info", "debug", "trace"]), "\"info\"",
        "The least important lines that are written.").restart(),
    Key::new("log.file", Path, "\"\"",
        "The file that lines are added to. Empty means standard error.").restart(),
];
