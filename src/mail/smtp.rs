//! The dialogue with a mail server (RFC 5321), step by step, so that a reply to us (greeting,
//! sign-in, sender) is told apart from a reply to the letter.

use std::error::Error as _;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Quit, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::letter::{Letter, Written, sender};
use super::{Error, Failure, Sent, clean};

/// The longest conversation, from the look-up of the name to the answer to the letter: whoever
/// sends a letter holds it for longer than that.
pub const LONGEST: Duration = Duration::from_secs(60);

/// How long to wait for a connection, at whichever address, and for each answer but the last.
const ANSWER_WAIT: Duration = Duration::from_secs(20);

/// How long to wait for a goodbye, which changes nothing.
const GOODBYE_WAIT: Duration = Duration::from_secs(1);

/// How the way to the mail server is kept private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// STARTTLS, required (RFC 3207): without it nothing is sent. Over a network that is not
    /// yours prefer `Tls`: lettre 0.11.23 keeps replies that came before the handshake (tried),
    /// so that somebody on the way can forge "taken", though not read the letter or the password.
    StartTls,
    /// TLS from the first byte (RFC 8314 3.3).
    Tls,
    /// In the clear, to this machine only.
    None,
}

/// What is needed to reach a mail server.
pub struct Smtp {
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way is kept private.
    pub security: Security,
    /// The name and the password to sign in with, when it asks for them.
    pub login: Option<(String, String)>,
    /// Our own name in EHLO: the host of the public URL.
    pub hello: String,
    /// One more certificate authority, PEM, for a server with a certificate of your own.
    pub authority: Option<Vec<u8>>,
}

/// A mail server that letters can be sent to.
pub struct Server {
    host: String,
    port: u16,
    security: Security,
    tls: Option<TlsParameters>,
    login: Option<Credentials>,
    hello: ClientId,
    wait: Duration,
    longest: Duration,
}

impl Server {
    pub(super) fn new(settings: Smtp) -> Result<Self, Error> {
        let bare = settings.host.trim_start_matches('[').trim_end_matches(']');
        let host = bare.to_owned();
        let tls = match settings.security {
            Security::None if !is_loopback_name(&host) => return Err(Error::Clear(host)),
            Security::None => None,
            Security::StartTls | Security::Tls => {
                let mut tls = TlsParameters::builder(host.clone());
                if let Some(pem) = settings.authority {
                    tls = tls.add_root_certificate(certificate(&pem)?);
                }
                let tls = tls.build().map_err(|e| Error::Authority(e.to_string()))?;
                Some(tls)
            }
        };
        Ok(Self {
            host,
            port: settings.port,
            security: settings.security,
            tls,
            login: settings
                .login
                .map(|(name, word)| Credentials::new(name, word)),
            hello: ClientId::Domain(settings.hello),
            wait: ANSWER_WAIT,
            longest: LONGEST,
        })
    }

    pub(super) async fn send(&self, letter: &Letter) -> Result<Sent, Failure> {
        let written = letter.write()?;
        self.whole(async {
            let mut line = self.connect(&self.addresses().await?).await?;
            let result = self.hand_over(&mut line, &written).await;
            Ok((line, result))
        })
        .await
    }

    pub(super) async fn reach(&self, from: &str) -> Result<(), Failure> {
        let sender = sender(from)?;
        self.whole(async {
            let mut line = self.connect(&self.addresses().await?).await?;
            let named = line.command(Mail::new(Some(sender), Vec::new()));
            let result = self.answer(named, ours).await;
            Ok((line, result.map(|_| ())))
        })
        .await
    }

    /// A conversation with its end: a server that answers late, again and again, or one letter at
    /// a time, is given up.
    async fn whole<T>(
        &self,
        talk: impl Future<Output = Result<(AsyncSmtpConnection, Result<T, Failure>), Failure>>,
    ) -> Result<T, Failure> {
        let longest = self.longest;
        let (mut line, result) = timeout(longest, talk)
            .await
            .map_err(|_| later(&format!("not done within {} s", longest.as_secs_f64())))??;
        if !matches!(result, Err(Failure::Later { code: None, .. })) {
            // Whatever it says to a goodbye: the letter was taken or it was not.
            let _ = timeout(GOODBYE_WAIT, line.command(Quit)).await;
        }
        result
    }

    /// One step, which the server answers in time; `failure` says what a refusal means.
    async fn answer<T>(
        &self,
        step: impl Future<Output = Result<T, Reply>>,
        failure: fn(&Reply) -> Failure,
    ) -> Result<T, Failure> {
        timeout(self.wait, step)
            .await
            .map_err(|_| later(NO_ANSWER))?
            .map_err(|error| failure(&error))
    }

    /// Connects, makes the way private and signs in. Any refusal here is about us, not about
    /// the letter, so it is never final.
    async fn connect(&self, addresses: &[SocketAddr]) -> Result<AsyncSmtpConnection, Failure> {
        let wrapped = match self.security {
            Security::Tls => self.tls.clone(),
            Security::StartTls | Security::None => None,
        };
        // However many are silent, most of the time is left for the one that takes us.
        let all = self.wait.min(self.longest / 3);
        let each = all / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
        let line =
            AsyncSmtpConnection::connect_tokio1(addresses, Some(each), &self.hello, wrapped, None);
        // Whichever takes us has its time for the greeting.
        let mut line = timeout(all + self.wait, line)
            .await
            .map_err(|_| later(NO_ANSWER))?
            .map_err(|error| ours(&error))?;
        if let (Security::StartTls, Some(tls)) = (self.security, &self.tls) {
            let private = line.starttls(tls.clone(), &self.hello);
            self.answer(private, ours).await?;
        }
        if let Some(login) = &self.login {
            let signed_in = line.auth(DEFAULT_MECHANISMS, login);
            self.answer(signed_in, ours).await?;
        }
        Ok(line)
    }

    async fn addresses(&self) -> Result<Vec<SocketAddr>, Failure> {
        let found = timeout(self.wait, lookup_host((self.host.as_str(), self.port)))
            .await
            .map_err(|_| later(&format!("{}: the name was not found in time", self.host)))?
            .map_err(|error| later(&format!("{}: {error}", self.host)))?;
        // A name can be made to point anywhere: the address decides what is this machine.
        let clear = self.security == Security::None;
        let usable: Vec<_> = found
            .filter(|address| !clear || address.ip().to_canonical().is_loopback())
            .collect();
        if usable.is_empty() {
            return Err(later(&format!("{} has no address to use", self.host)));
        }
        Ok(usable)
    }

    /// RFC 5321 3.3: sender, recipient, words.
    async fn hand_over(
        &self,
        line: &mut AsyncSmtpConnection,
        letter: &Written,
    ) -> Result<Sent, Failure> {
        let mut parameters = Vec::new();
        let addresses = letter.envelope.to().iter().chain(letter.envelope.from());
        if addresses
            .into_iter()
            .any(|address| !address.user().is_ascii())
        {
            // RFC 6531 3.2: such an address may only be given to a server that knows them.
            if !line.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(Failure::Malformed { field: "to" });
            }
            parameters.push(MailParameter::SmtpUtfEight);
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let sender = Mail::new(letter.envelope.from().cloned(), parameters);
        self.answer(line.command(sender), ours).await?;
        for recipient in letter.envelope.to() {
            let recipient = Rcpt::new(recipient.clone(), Vec::new());
            self.answer(line.command(recipient), theirs).await?;
        }
        self.answer(line.command(Data), theirs).await?;
        // RFC 5321 4.5.3.2.6: this answer may be long in coming. Whoever does not wait for it
        // sends the letter again to a server that took it.
        let reply = line.message(&letter.bytes).await;
        let reply = reply.map_err(|error| theirs(&error))?;
        let said: Vec<&str> = reply.message().collect();
        Ok(Sent {
            said: clean(&said.join(" ")),
        })
    }
}

fn certificate(pem: &[u8]) -> Result<Certificate, Error> {
    // A file without any would be taken, and nothing would be trusted more.
    let parts = pem::parse_many(pem).unwrap_or_default();
    if !parts.iter().any(|part| part.tag() == "CERTIFICATE") {
        return Err(Error::Authority("it holds no certificate".into()));
    }
    Certificate::from_pem(pem).map_err(|e| Error::Authority(e.to_string()))
}

fn is_loopback_name(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// What is said of a server that is silent.
const NO_ANSWER: &str = "no answer in time";

/// There was no reply to speak of.
fn later(said: &str) -> Failure {
    Failure::Later {
        code: None,
        said: clean(said),
    }
}

type Reply = lettre::transport::smtp::Error;

fn code(error: &Reply) -> Option<u16> {
    error.status().map(u16::from)
}

/// The server's own words; when there are none, the system's.
fn words(error: &Reply) -> String {
    let Some(cause) = error.source() else {
        return clean(&error.to_string());
    };
    let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
    if kind == Some(io::ErrorKind::TimedOut) {
        return NO_ANSWER.to_owned();
    }
    clean(&cause.to_string())
}

/// A failure that is about us: try again, and let the operator read why.
fn ours(error: &Reply) -> Failure {
    Failure::Later {
        code: code(error),
        said: words(error),
    }
}

/// A failure that is about the letter: a 5yz reply is final (RFC 5321 4.2.1), unless it says
/// that we did something out of turn or did not sign in (503; RFC 4954 6: 530, 534, 535, 538).
fn theirs(error: &Reply) -> Failure {
    match code(error) {
        Some(code @ 500..=599) if !matches!(code, 503 | 530 | 534 | 535 | 538) => {
            Failure::Refused {
                code,
                said: words(error),
            }
        }
        _ => ours(error),
    }
}

#[cfg(test)]
mod tests;
