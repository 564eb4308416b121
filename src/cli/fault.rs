//! What a command says when it cannot: what happened, why, what to type.

use crate::app;
use crate::config::Mistake;
use crate::store;

/// A command that could not do its work.
#[derive(Debug)]
pub enum Fault {
    /// Mistakes in the configuration, all of them.
    Config(Vec<Mistake>),
    /// The command line itself is wrong: exit code 2.
    Usage(Words),
    /// Anything else.
    Said(Words),
}

/// The three lines.
#[derive(Debug, PartialEq, Eq)]
pub struct Words {
    /// What happened.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to type or do.
    pub fix: String,
}

impl Fault {
    /// Three lines.
    pub fn new(what: impl Into<String>, why: impl ToString, fix: impl Into<String>) -> Self {
        Self::Said(Words {
            what: what.into(),
            why: why.to_string(),
            fix: fix.into(),
        })
    }

    /// Three lines about the command line itself.
    pub fn usage(what: impl Into<String>, why: impl ToString, fix: impl Into<String>) -> Self {
        Self::Usage(Words {
            what: what.into(),
            why: why.to_string(),
            fix: fix.into(),
        })
    }

    /// What the process answers: 2 when the command line is wrong, else 1.
    pub fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Config(_) | Self::Said(_) => 1,
        }
    }

    /// As it is printed: three lines for each thing that is wrong.
    pub fn texts(&self) -> Vec<String> {
        match self {
            Self::Config(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
            Self::Usage(words) | Self::Said(words) => {
                let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
                vec![format!(
                    "error: {}\n  why: {}\n  try: {}",
                    flat(&words.what),
                    flat(&words.why),
                    flat(&words.fix)
                )]
            }
        }
    }

    /// What clap found wrong with `command`, in our three lines.
    pub fn from_clap(error: &clap::Error, command: &str) -> Self {
        use clap::error::{ContextKind, ContextValue, ErrorKind};
        let help = format!("{command} --help");
        let said = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.clone()),
            Some(ContextValue::Strings(all)) => Some(all.join(", ")),
            _ => None,
        };
        if let ErrorKind::InvalidValue | ErrorKind::ValueValidation = error.kind()
            && let Some(option) = said(ContextKind::InvalidArg)
        {
            let value = said(ContextKind::InvalidValue).filter(|value| !value.is_empty());
            let what = match value {
                Some(value) => format!("{value} does not fit {option}"),
                None => format!("{option} needs a value"),
            };
            let choices = said(ContextKind::ValidValue).filter(|all| !all.is_empty());
            let why = match (choices, std::error::Error::source(error)) {
                (Some(choices), _) => format!("it is one of {choices}"),
                (None, Some(cause)) => cause.to_string(),
                (None, None) => "nothing stands after it".to_owned(),
            };
            return Self::usage(what, why, help);
        }
        let text = error.render().to_string();
        let mut parts = text.split("\n\n");
        let first = parts.next().unwrap_or_default();
        let what = first.strip_prefix("error: ").unwrap_or(first);
        let rest: Vec<&str> = parts.collect();
        let find = |prefix: &str| {
            rest.iter()
                .flat_map(|part| part.lines())
                .find_map(|line| line.trim().strip_prefix(prefix))
        };
        let why = match (find("tip: "), find("Usage: ")) {
            (Some(tip), _) => tip.to_owned(),
            (None, Some(usage)) => format!("the command is written: {usage}"),
            (None, None) => "its words do not fit together".to_owned(),
        };
        Self::usage(what, why, help)
    }
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Self {
        let again = "gerege db status, then the same command again";
        match &error {
            store::Error::Away(cause) => Self::new(
                "the database cannot be used",
                cause,
                store::Error::fix(cause),
            ),
            store::Error::Busy(cause) => Self::new("the database is busy", cause, again),
            store::Error::Unready | store::Error::Stale => Self::new("not yet", error, again),
            store::Error::Broken(cause) => Self::new("the database is broken", cause, again),
        }
    }
}

impl From<app::Error> for Fault {
    fn from(error: app::Error) -> Self {
        if let app::Error::Store(error) = error {
            return error.into();
        }
        let fix = match &error {
            app::Error::Keys(crate::keys::Error::OtherMaster) => {
                "put back the master key that this database was made with (master_key_file)"
            }
            app::Error::Keys(_) => "check master_key_file: 32 bytes, readable by this user",
            app::Error::Store(_) => "check database.url, and that the database runs",
            app::Error::Authority(_) => {
                "name a file with certificates in PEM (mtls.ca_file), or leave it out"
            }
            app::Error::Mail(_) => "check the [mail] section",
            app::Error::Hash(_) => "check the [password] section",
            app::Error::Call(_) => {
                "name a file with certificates in PEM, or leave network.ca_file out"
            }
            app::Error::Questions { .. } => "check check.questions_file, or leave it out",
            app::Error::Page(_) => "check the files in theme.dir, or leave it out",
            app::Error::Domain { stands, .. } => &format!("set domain = \"{stands}\""),
        };
        Self::new("gerege cannot start", error, fix)
    }
}
