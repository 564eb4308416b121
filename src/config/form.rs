//! The forms of single values: URLs, addresses, networks, domains, mailboxes, languages.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use ipnet::{IpNet, Ipv4Net};
use url::Url as Parsed;

use super::{Mailbox, Reachable, is_loopback};

/// What is wrong with a value, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// What is wrong, and why.
    pub what: String,
    /// A value, in TOML notation, that would do …
    pub value: Option<String>,
    /// … or else what to do.
    pub fix: String,
}

impl Wrong {
    /// `value` is in TOML notation.
    pub(super) fn new(what: &str, value: &str) -> Self {
        Self {
            what: what.into(),
            value: Some(value.into()),
            fix: String::new(),
        }
    }

    fn quoted(what: &str, value: &str) -> Self {
        Self::new(what, &format!("\"{value}\""))
    }

    fn member(what: String, fix: &str) -> Self {
        Self {
            what,
            value: None,
            fix: fix.into(),
        }
    }
}

/// A `database.url`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Url {
    /// This file, or the one in the data folder.
    Sqlite(Option<String>),
    /// The URL, and what of it may be shown.
    Postgres { url: String, shown: String },
}

/// Scheme, host and port alone; https unless the host is loopback. Gives the URL and its host.
pub(super) fn public_url(text: &str) -> Result<(String, String), Wrong> {
    let example = "https://id.steppe.example";
    let web = Parsed::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "https" | "http"));
    let Some((url, host)) = web.and_then(|url| Some((url.clone(), url.host_str()?.to_owned())))
    else {
        return Err(Wrong::quoted("this is not a web address", example));
    };
    // The URL standard lets signs pass that no host name has (RFC 1123 2.1).
    if self::host(&host).is_err() {
        return Err(Wrong::quoted(
            "a host name has letters, digits, hyphens and dots",
            example,
        ));
    }
    let origin = url.origin().ascii_serialization();
    if url.scheme() == "http" && !is_loopback(&host) {
        return Err(Wrong::quoted(
            "passwords and codes travel here, so it has to be https (http only on this machine)",
            &origin.replacen("http:", "https:", 1),
        ));
    }
    // The issuer is compared letter by letter (OpenID Connect Discovery 4.3), so only one
    // spelling is taken.
    if origin != text {
        return Err(Wrong::quoted(
            "it is scheme, host and port alone: small letters, no path, no slash at the end, \
             no port that goes without saying",
            &origin,
        ));
    }
    Ok((origin, host))
}

/// An IP address with a port.
pub(super) fn address(text: &str) -> Result<SocketAddr, Wrong> {
    text.parse().map_err(|_| {
        Wrong::quoted(
            "an IP address and a port are needed, such as 127.0.0.1:8777 or [::1]:8777",
            "127.0.0.1:8777",
        )
    })
}

/// The name of an HTTP header (RFC 9110 5.1), in small letters.
pub(super) fn header(text: &str) -> Result<String, Wrong> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if text.len() <= 64 && text.bytes().all(good) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(Wrong::new(
        &format!("{} is no header's name", quote(text)),
        "\"client-cert\"",
    ))
}

/// A network, or one address. IPv4 written as IPv6 is IPv4, as peers are read (RFC 4291 2.5.5.2).
pub(super) fn network(text: &str) -> Result<IpNet, Wrong> {
    let one = text.parse::<IpAddr>().map(IpNet::from);
    let plain = |net: IpNet| {
        let mapped = match net {
            IpNet::V4(_) => None,
            IpNet::V6(six) => six.addr().to_ipv4_mapped(),
        };
        let length = net.prefix_len().checked_sub(96);
        let four = mapped.zip(length).and_then(|(four, length)| {
            let four = Ipv4Net::new(four, length).ok()?;
            Some(IpNet::V4(four))
        });
        four.unwrap_or(net)
    };
    match one.or_else(|_| text.parse::<IpNet>()).map(plain) {
        Ok(net) if net.prefix_len() == 0 => Err(Wrong::member(
            "this network is everyone, so anyone could pretend to be any address".into(),
            "name only the addresses of your own proxies",
        )),
        Ok(net) => Ok(net.trunc()),
        Err(_) => Err(Wrong::member(
            format!("{} is no address and no network", quote(text)),
            "write each like 10.0.0.5, 10.0.0.0/24 or fd00::/8",
        )),
    }
}

/// A username that is kept back, in small letters.
pub(super) fn username(text: &str) -> Result<String, Wrong> {
    let name = text.to_ascii_lowercase();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !name.is_empty() && name.bytes().all(plain) {
        return Ok(name);
    }
    Err(Wrong::member(
        format!("{} is no username", quote(text)),
        "write each with a to z, numbers, hyphens and underscores alone",
    ))
}

/// A scope (RFC 6749 3.3).
pub(super) fn scope(text: &str) -> Result<String, Wrong> {
    let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    if !text.is_empty() && text.bytes().all(fits) {
        return Ok(text.to_owned());
    }
    Err(Wrong::member(
        format!("{} is no scope", quote(text)),
        "write each as one word, like profile",
    ))
}

/// An address, a network, or a host by its name.
pub(super) fn reachable(text: &str) -> Result<Reachable, Wrong> {
    let one = text.parse::<IpAddr>().map(IpNet::from);
    match one.or_else(|_| text.parse::<IpNet>()) {
        Ok(net) => Ok(Reachable::Net(net.trunc())),
        Err(_) => domain(text).map(Reachable::Host).map_err(|_| {
            Wrong::member(
                format!("{} is no address, no network and no host", quote(text)),
                "write each like 10.0.0.5, 10.0.0.0/24, fd00::/8 or app.steppe.example",
            )
        }),
    }
}

/// A domain in ASCII form and small letters.
pub(super) fn domain(text: &str) -> Result<String, Wrong> {
    idna::domain_to_ascii_strict(text)
        .ok()
        .filter(|domain| {
            let last = domain.rsplit('.').next().unwrap_or_default();
            !domain.is_empty()
                && domain.split('.').all(|label| !label.is_empty())
                && !last.chars().all(|c| c.is_ascii_digit())
        })
        .ok_or_else(|| {
            Wrong::member(
                format!("{} is not a domain", quote(text)),
                "write it like steppe.example, without @ and https://",
            )
        })
}

/// A host to connect to: a domain or an IP address.
pub(super) fn host(text: &str) -> Result<String, Wrong> {
    let ip = text.trim_start_matches('[').trim_end_matches(']');
    match ip.parse::<IpAddr>() {
        Ok(ip) => Ok(ip.to_string()),
        Err(_) => domain(text).map_err(|_| {
            Wrong::quoted(
                "a host name or an IP address is needed, without a port",
                "smtp.steppe.example",
            )
        }),
    }
}

/// A web address that a word may follow (`error_uri`, RFC 6749 5.2).
pub(super) fn error_pages(text: &str) -> Result<String, Wrong> {
    let web = Parsed::parse(text).is_ok_and(|url| {
        let plain = url.query().is_none() && url.fragment().is_none();
        plain && matches!(url.scheme(), "https" | "http")
    });
    let letters = |byte: u8| byte.is_ascii_graphic() && !b"\"\\".contains(&byte);
    if web && text.ends_with('/') && text.bytes().all(letters) {
        return Ok(text.to_owned());
    }
    Err(Wrong::quoted(
        "a web address with a slash at its end is needed, which an error's code can follow",
        "https://docs.steppe.example/errors/",
    ))
}

/// A mail address or a web address; nothing else may become a link.
pub(super) fn contact(text: &str) -> Result<String, Wrong> {
    let web = Parsed::parse(text).is_ok_and(|url| matches!(url.scheme(), "https" | "http"));
    if web {
        return Ok(text.to_owned());
    }
    match mailbox(text) {
        Ok(Mailbox {
            name: None,
            address,
        }) => Ok(address),
        _ => Err(Wrong::quoted(
            "a mail address or a web address is needed",
            "help@steppe.example",
        )),
    }
}

/// `local@domain` or `Name <local@domain>` (RFC 5322 3.4, without comments and groups).
pub(super) fn mailbox(text: &str) -> Result<Mailbox, Wrong> {
    let wrong = || {
        Wrong::quoted(
            "a mail address is needed, with or without a name",
            "Steppe ID <no-reply@steppe.example>",
        )
    };
    let (name, address) = match text.trim().strip_suffix('>') {
        Some(rest) => rest.split_once('<').ok_or_else(wrong)?,
        None => ("", text.trim()),
    };
    let name = name.trim().trim_matches('"').trim();
    let (local, at) = address.rsplit_once('@').ok_or_else(wrong)?;
    // RFC 5322 3.2.3: a dot-atom; nobody sends from anything else.
    let atoms = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let sound = local
        .split('.')
        .all(|atom| !atom.is_empty() && atom.chars().all(atoms));
    if !sound || name.contains(['<', '>', '"', '\\']) {
        return Err(wrong());
    }
    Ok(Mailbox {
        name: Some(name.to_owned()).filter(|name| !name.is_empty()),
        address: format!("{local}@{}", domain(at).map_err(|_| wrong())?),
    })
}

impl fmt::Display for Mailbox {
    /// As an operator types it; mail has its own, encoded form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => f.write_str(&self.address),
        }
    }
}

/// A language tag such as `en`, `zh-Hant` or `mn-MN` (RFC 5646 2.1, the common part).
pub(super) fn language(text: &str) -> Result<String, Wrong> {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or_default();
    let letters = (2..=3).contains(&first.len()) && first.chars().all(|c| c.is_ascii_alphabetic());
    let rest = parts.all(|part| {
        (2..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric())
    });
    if letters && rest {
        return Ok(text.to_owned());
    }
    Err(Wrong::member(
        format!("{} is not a language", quote(text)),
        "write each like en, mn or zh-Hant",
    ))
}

/// `sqlite`, `sqlite:PATH`, `postgres://…`. The value is a secret: no mistake repeats it.
pub(super) fn database(text: &str) -> Result<Url, Wrong> {
    if text == "sqlite" {
        return Ok(Url::Sqlite(None));
    }
    if let Some(path) = text.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        return match path {
            "" | ":memory:" => Err(Wrong::new("sqlite: is followed by a file", "\"sqlite\"")),
            path => Ok(Url::Sqlite(Some(path.to_owned()))),
        };
    }
    let example = "\"postgres://gerege@localhost/gerege\"";
    if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
        return Err(Wrong::new(
            "sqlite, sqlite:PATH or postgres://… is needed",
            "\"sqlite\"",
        ));
    }
    // An unescaped sign in a password moves the rest of it, and the @ behind it, into the path, the
    // query or the fragment, where it would be shown and logged.
    let whole = |url: &Parsed| {
        let after = [Some(url.path()), url.query()];
        url.fragment().is_none() && !after.into_iter().flatten().any(|part| part.contains('@'))
    };
    let Some(url) = Parsed::parse(text).ok().filter(whole) else {
        return Err(Wrong::new(
            "this PostgreSQL URL cannot be read; write signs such as @ / : # ? % in its password \
             as %40 %2F %3A %23 %3F %25",
            example,
        ));
    };
    let known = ["disable", "prefer", "require", "verify-ca", "verify-full"];
    let mut modes = url.query_pairs().filter(|(name, _)| name == "sslmode");
    if !modes.all(|(_, mode)| known.contains(&mode.as_ref())) {
        return Err(Wrong::new(
            "its sslmode is one of disable, prefer, require, verify-ca and verify-full",
            "\"postgres://gerege@db.steppe.example/gerege?sslmode=require\"",
        ));
    }
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let host = url.host_str().unwrap_or_default();
    let shown = format!("postgres://{host}{port}{}", url.path());
    // With TLS the certificate and its name are always checked; the driver knows only the
    // shorter word. Only the query is touched: a password may hold the same letters.
    let url = match text.split_once('?') {
        Some((front, query)) => format!(
            "{front}?{}",
            query
                .replace("sslmode=verify-full", "sslmode=require")
                .replace("sslmode=verify-ca", "sslmode=require")
        ),
        None => text.to_owned(),
    };
    Ok(Url::Postgres { url, shown })
}

/// A short piece of what was typed, fit for a message.
fn quote(text: &str) -> String {
    let short: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
    format!("\"{short}\"")
}
