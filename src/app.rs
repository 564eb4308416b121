//! The parts of the house in one struct, built once and passed to every story.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use tokio::sync::Notify;

use crate::account::Account;
use crate::account::session::Lifetimes;
use crate::account::signup::{Limits, Policy};
use crate::account::{email, password, throttle, username};
use crate::call::{self, Caller};
use crate::captcha::question::Questions;
use crate::clock::{Clock, Time};
use crate::config::Config;
use crate::hash::{self, Hasher};
use crate::keys::certificate::Authority;
use crate::keys::{self, Keys, Master, Purpose};
use crate::limit::{Bucket, Limiter, Rate};
use crate::mail::{self, Mailer};
use crate::oauth::client::Client;
use crate::oauth::grant::Grant;
use crate::oauth::metadata::Document;
use crate::oauth::service::Service;
use crate::page::{self, Engine};
use crate::recent::Recent;
use crate::rng::Rng;
use crate::store::{self, Store, setting};

/// Addresses that are remembered for throttling.
const ADDRESSES: usize = 100_000;

/// Why the house could not be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The master key or a signing key.
    #[error(transparent)]
    Keys(#[from] keys::Error),
    /// Who vouches for the certificates of clients.
    #[error(transparent)]
    Authority(keys::Error),
    /// The hashing threads.
    #[error(transparent)]
    Hash(#[from] hash::Error),
    /// The mailer.
    #[error(transparent)]
    Mail(#[from] mail::Error),
    /// The way out to other servers.
    #[error(transparent)]
    Call(#[from] call::Error),
    /// Templates or texts.
    #[error(transparent)]
    Page(#[from] page::Error),
    /// The list of questions of the security check.
    #[error("{file}: {cause}")]
    Questions {
        /// The operator's file, or the built-in sample.
        file: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The people here have addresses at another domain.
    #[error("the people here have addresses at {stands}, and domain is {set}")]
    Domain {
        /// The domain of the people who signed up.
        stands: String,
        /// What is set now.
        set: String,
    },
}

/// What the operator registered and everyone asks for.
pub struct Registered {
    /// Every service.
    pub services: Vec<Service>,
    /// What we tell about ourselves, as it is sent.
    pub discovery: Document,
}

/// A status list at hand.
pub struct StatusList {
    /// When the database was asked last.
    pub read_at: Time,
    /// When it was signed.
    pub signed_at: Time,
    /// The places of tokens that were ended.
    pub ended: Vec<i64>,
    /// As it is sent.
    pub document: Arc<Document>,
}

/// What a token stands for, as it was read a moment ago.
#[derive(Clone)]
pub struct Standing {
    /// When it was read.
    pub read_at: Time,
    /// What the person allowed.
    pub grant: Grant,
    /// Whose it is.
    pub account: Account,
    /// The client that the token was given to.
    pub client: Client,
}

/// A [`Standing`], and how many writes had ended when it was read.
pub type Stood = (u64, Arc<Standing>);

/// What a caller hears of a token.
pub struct Heard {
    /// The answer (RFC 7662 2.2).
    pub told: serde_json::Map<String, serde_json::Value>,
    /// The same as it is sent.
    pub json: String,
    /// It is told signed or not at all (FAPI 2.0 Message Signing 5.5).
    pub signed: bool,
}

/// What a service heard of a token a moment ago.
#[derive(Clone)]
pub struct Told {
    /// The answer.
    pub heard: Arc<Heard>,
    /// When: what is left of the token's life stands in it.
    pub at: Time,
    /// When its [`Standing`] was read.
    pub read_at: Time,
    /// How many writes had ended then.
    pub written: u64,
}

/// Standings, and answers, that are remembered.
const STANDINGS: usize = 1000;

/// Everything a story needs.
pub struct App {
    /// What the operator set.
    pub config: Config,
    /// The present.
    pub clock: Clock,
    /// Randomness.
    pub rng: Rng,
    /// The database.
    pub store: Store,
    /// Signing keys and the master key.
    pub keys: Keys,
    /// Who vouches for the certificates of clients, if anyone does.
    pub authority: Option<Authority>,
    /// Argon2id.
    pub hasher: Hasher,
    /// Friction by address.
    pub limiter: Limiter,
    /// The way out for mail.
    pub mailer: Mailer,
    /// The way out to the servers of apps.
    pub call: Caller,
    /// Pages and mails.
    pub page: Engine,
    /// The questions of the security check.
    pub questions: Questions,
    /// What an operator decides about new accounts.
    pub policy: Policy,
    /// The numbers of sign-up.
    pub limits: Limits,
    /// How long sessions last.
    pub lifetimes: Lifetimes,
    /// Rung when something is to be sent.
    pub post: Notify,
    /// What the operator registered, as it was read last, and when.
    pub registered: RwLock<Option<(Time, Arc<Registered>)>>,
    /// Clients that proved themselves, as they were read last, and when.
    pub proved: RwLock<HashMap<String, (Time, Client)>>,
    /// Status lists at hand, by service and number.
    pub statuses: RwLock<HashMap<(String, i64), StatusList>>,
    /// What tokens stand for, by grant and client.
    pub standings: Recent<Stood>,
    /// What services heard of tokens, by token and service.
    pub heard: Recent<Told>,
}

impl App {
    /// Builds the house on a migrated database.
    ///
    /// # Errors
    /// The first part that fails.
    pub fn build(config: Config, clock: Clock, rng: Rng) -> Result<Self, Error> {
        let store = Store::open(&config.database.engine, config.database.pool)?;
        let master = Master::load(&config.master_key_file, true, &rng)?;
        prove(&store, &master)?;
        let keys = Keys::new(master);
        keys.load(&store.read_now(store::key::list)?)?;
        let hasher = Hasher::new(
            hash::Params {
                memory_kib: config.password.memory_kib,
                passes: config.password.passes,
                lanes: config.password.lanes,
                at_once: config.password.at_once,
            },
            rng.clone(),
        )?;
        let limiter = Limiter::new(ADDRESSES).with(
            Bucket::Account,
            Rate::per_hour(config.signup.per_address_per_hour),
        );
        Ok(Self {
            mailer: mailer(&config)?,
            call: Caller::new(&config.network)?,
            page: Engine::new(config.theme.dir.clone())?.offering(&config.theme.languages),
            questions: questions(&config)?,
            policy: policy(&config),
            limits: limits(&config),
            lifetimes: lifetimes(&config),
            post: Notify::new(),
            authority: match config
                .mtls
                .as_ref()
                .and_then(|mtls| mtls.ca_file.as_deref())
            {
                Some(file) => Some(Authority::load(file).map_err(Error::Authority)?),
                None => None,
            },
            registered: RwLock::default(),
            proved: RwLock::default(),
            statuses: RwLock::default(),
            standings: Recent::new(STANDINGS),
            heard: Recent::new(STANDINGS),
            config,
            clock,
            rng,
            store,
            keys,
            hasher,
            limiter,
        })
    }

    /// A person's address in the messenger: `temuulen@steppe.example`.
    pub fn address(&self, username: &str) -> String {
        format!("{username}@{}", self.config.domain)
    }

    /// How fast a guesser is slowed.
    pub fn throttle(&self) -> throttle::Policy {
        throttle::Policy {
            tries_before_delay: self.config.signin.tries_before_delay,
            max_delay: self.config.signin.max_delay,
        }
    }

    /// The keyed digest by which the name of a deleted account is known.
    pub fn name_mac(&self, skeleton: &str) -> String {
        self.keys
            .master()
            .mac_text(Purpose::Name, &[skeleton.as_bytes()])
    }
}

/// A process with another master key would sign what no one can check and open nothing.
fn prove(store: &Store, master: &Master) -> Result<(), Error> {
    let proof = master.mac_text(Purpose::Proof, &[]);
    let stands = store.read_now(|c| setting::claim(c, "master_key_proof", &proof))?;
    if stands == proof {
        Ok(())
    } else {
        Err(keys::Error::OtherMaster.into())
    }
}

/// The questions of the security check.
///
/// # Errors
/// When the operator's file cannot be read.
pub fn questions(config: &Config) -> Result<Questions, Error> {
    let Some(file) = &config.check.questions_file else {
        return Questions::sample().map_err(|mistakes| Error::Questions {
            file: "the sample questions".into(),
            cause: mistakes.to_string(),
        });
    };
    let wrong = |cause: String| Error::Questions {
        file: file.display().to_string(),
        cause,
    };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    Questions::parse(&text).map_err(|mistakes| wrong(mistakes.to_string()))
}

fn mailer(config: &Config) -> Result<Mailer, mail::Error> {
    let Some(host) = config.mail.host.clone().filter(|_| !config.dev) else {
        return Mailer::folder(config.data_dir.join("mail"));
    };
    let authority = match &config.network.ca_file {
        Some(file) => Some(
            std::fs::read(file)
                .map_err(|error| mail::Error::Authority(format!("{}: {error}", file.display())))?,
        ),
        None => None,
    };
    let login = config.mail.username.clone().zip(
        config
            .mail
            .password
            .as_ref()
            .map(|hidden| hidden.reveal().to_owned()),
    );
    Mailer::smtp(mail::Smtp {
        host,
        port: config.mail.port,
        security: match config.mail.security {
            crate::config::MailSecurity::Starttls => mail::Security::StartTls,
            crate::config::MailSecurity::Tls => mail::Security::Tls,
            crate::config::MailSecurity::None => mail::Security::None,
        },
        login,
        hello: config.host().to_owned(),
        authority,
    })
}

fn policy(config: &Config) -> Policy {
    Policy {
        username: username::Policy::new(
            username::LEAST,
            username::MOST,
            &config.signup.reserved_usernames,
        ),
        email: email::Policy::new(
            &config.signup.allow_domains,
            &config.signup.block_domains,
            &config.domain,
        ),
        password: password::Policy {
            min_length: config.password.min_length,
            refuse_common: true,
        },
        server: config.name.clone(),
    }
}

fn limits(config: &Config) -> Limits {
    Limits {
        draft: config.signup.draft_ttl,
        check: config.check.ttl,
        code: config.mail.code_ttl,
        ..Limits::default()
    }
}

fn lifetimes(config: &Config) -> Lifetimes {
    let (session, keep) = (config.signin.session_ttl, config.signin.keep_ttl);
    Lifetimes {
        idle: session,
        total: session.saturating_mul(2),
        keep_idle: keep / 3,
        keep_total: keep,
    }
}

/// How long a stored authorization request is good (PROTOCOL 3).
pub const REQUEST: Duration = Duration::from_secs(60 * 60);
