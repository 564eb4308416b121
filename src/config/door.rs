//! Where the server listens, and how apps show it their certificates.

use super::desk::Desk;
use super::form::{self, Wrong};
use super::section::{Door, Listen, Mtls, Tls, Told};

impl Desk {
    pub(super) fn listen(&mut self, dev: bool) -> Listen {
        let address = self.form("listen.address", form::address);
        if dev && address.is_some_and(|address| !address.ip().is_loopback()) {
            self.wrong(
                "listen.address",
                Wrong::new(
                    "dev mode answers this machine alone, so it needs a loopback address; \
                     for others to reach the server set public_url and start it without --dev",
                    "\"127.0.0.1:8777\"",
                ),
            );
        }
        let preset = std::net::SocketAddr::from(([127, 0, 0, 1], 8777));
        let cert = self.path("listen.tls_cert");
        let key = self.path("listen.tls_key");
        let both = ["listen.tls_cert", "listen.tls_key"];
        let missing = match (&cert, &key) {
            (Some(_), None) => Some(both[1]),
            (None, Some(_)) => Some(both[0]),
            _ => None,
        };
        if let Some(missing) = missing.filter(|_| self.sound(&both)) {
            let what = "tls_cert and tls_key belong together, and only one is set";
            self.wrong(missing, Wrong::new(what, "\"PATH\""));
        }
        Listen {
            address: address.unwrap_or(preset),
            metrics: self.form("listen.metrics", form::address),
            trusted_proxies: self.forms("listen.trusted_proxies", form::network),
            tls: cert.zip(key).map(|(cert, key)| Tls { cert, key }),
            workers: self.number("listen.workers"),
        }
    }

    /// Certificates are believed by the connection itself, by one header from named proxies, or not
    /// at all (PROTOCOL.md 7).
    pub(super) fn mtls(&mut self, dev: bool, listen: &Listen, host: &str) -> Option<Mtls> {
        let door = self.mtls_door(dev, listen, host);
        let told = self.mtls_told();
        let ca_file = self.path("mtls.ca_file");
        let ways = ["mtls.listen", "mtls.header", "mtls.proxies"];
        if ca_file.is_some() && door.is_none() && told.is_none() && self.sound(&ways) {
            let what = "it says who vouches for the certificates of apps, and nothing shows any: \
                        set mtls.listen, or mtls.header and mtls.proxies";
            self.wrong("mtls.ca_file", Wrong::new(what, "\"\""));
        }
        (door.is_some() || told.is_some()).then_some(Mtls {
            told,
            door,
            ca_file,
        })
    }

    fn mtls_door(&mut self, dev: bool, listen: &Listen, host: &str) -> Option<Door> {
        let address = self.form("mtls.listen", form::address);
        let url = self.form("mtls.public_url", form::public_url);
        let Some(address) = address else {
            if url.is_some() && self.sound(&["mtls.listen"]) {
                let what = "it is the URL of mtls.listen, which is not set";
                self.wrong("mtls.public_url", Wrong::new(what, "\"\""));
            }
            return None;
        };
        let wrong = if dev && !address.ip().is_loopback() {
            Some((
                "dev mode answers this machine alone, so it needs a loopback address",
                "\"127.0.0.1:8443\"",
            ))
        } else if address == listen.address {
            Some((
                "it has to differ from listen.address: browsers would ask people for a certificate",
                "\"0.0.0.0:8443\"",
            ))
        } else if listen.tls.is_none() && self.sound(&["listen.tls_cert", "listen.tls_key"]) {
            Some((
                "apps show their certificates while TLS is set up, so Gerege needs its own: set \
                 listen.tls_cert and listen.tls_key (behind a proxy that ends TLS, set \
                 mtls.header and mtls.proxies instead)",
                "\"\"",
            ))
        } else {
            None
        };
        if let Some((what, example)) = wrong {
            self.wrong("mtls.listen", Wrong::new(what, example));
        }
        let url = url.map(|(url, _)| url);
        if url.as_ref().is_some_and(|url| !url.starts_with("https:")) {
            let what = "certificates are shown over TLS, so it has to be https";
            let example = "\"https://id.steppe.example:8443\"";
            self.wrong("mtls.public_url", Wrong::new(what, example));
        }
        let url = url.unwrap_or_else(|| {
            let url = match address.port() {
                443 => format!("https://{host}"),
                port => format!("https://{host}:{port}"),
            };
            self.show("mtls.public_url", url.clone());
            url
        });
        Some(Door { address, url })
    }

    fn mtls_told(&mut self) -> Option<Told> {
        let header = self.form("mtls.header", form::header);
        let proxies = self.forms("mtls.proxies", form::network);
        let missing = match (&header, proxies.as_slice()) {
            (Some(_), []) => Some(("mtls.proxies", "[\"127.0.0.1\"]")),
            (None, [_, ..]) => Some(("mtls.header", "\"client-cert\"")),
            _ => None,
        };
        if let Some((missing, example)) =
            missing.filter(|_| self.sound(&["mtls.header", "mtls.proxies"]))
        {
            let what = "header and proxies belong together, and only one is set";
            self.wrong(missing, Wrong::new(what, example));
        }
        header.map(|header| Told { header, proxies })
    }
}
