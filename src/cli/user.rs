//! `gerege user`: people.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::fault::Fault;
use super::house::{House, Missing};
use super::out::{self, Out};
use super::{count, moment};
use crate::account::{Account, Invalid};
use crate::app::App;
use crate::clock::Time;
use crate::flow::operate::person::{self, Ended, New, Refusal};

/// What to do with people.
#[derive(Debug, Subcommand)]
pub enum User {
    /// Make an account whose e-mail address counts as proved
    #[command(
        after_help = "Examples:\n  gerege user add temuulen --email t@mail.example --password-file pw.txt\n  printf %s \"$PASSWORD\" | gerege user add temuulen \\\n    --email t@mail.example --name 'Temüülen' --password-file -"
    )]
    Add(Add),
    /// List people by username
    #[command(
        after_help = "Examples:\n  gerege user list\n  gerege user list --after m --limit 50"
    )]
    List {
        /// Begin after this username
        #[arg(
            long,
            default_value = "",
            value_name = "NAME",
            hide_default_value = true
        )]
        after: String,
        /// How many at most
        #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Show a person: where they are signed in, and what happened lately
    #[command(
        after_help = "Examples:\n  gerege user show temuulen\n  gerege user show t@mail.example --json"
    )]
    Show(Who),
    /// Close an account: signed out everywhere, and no way in
    #[command(after_help = "Examples:\n  gerege user lock temuulen")]
    Lock(Who),
    /// Open a closed account; the person signs in again
    #[command(after_help = "Examples:\n  gerege user unlock temuulen")]
    Unlock(Who),
    /// Sign a person out everywhere, messengers too
    #[command(after_help = "Examples:\n  gerege user signout temuulen")]
    Signout(Who),
    /// Delete an account for good; its username is never given again
    #[command(after_help = "Examples:\n  gerege user delete temuulen --yes")]
    Delete {
        #[command(flatten)]
        who: Who,
        /// Yes, for good
        #[arg(long)]
        yes: bool,
    },
}

/// A person.
#[derive(Debug, Args)]
pub struct Who {
    /// Username, e-mail address or id
    #[arg(value_name = "WHO")]
    who: String,
}

/// A new account.
#[derive(Debug, Args)]
pub struct Add {
    /// The username: a to z, 0 to 9, hyphens, underscores
    #[arg(value_name = "NAME")]
    username: String,
    /// The e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// A file that holds the password alone; - reads standard input
    #[arg(long, value_name = "FILE")]
    password_file: PathBuf,
    /// The name that others see; else the username
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

impl User {
    /// What to do where there is no database.
    pub fn missing(&self) -> Missing {
        match self {
            Self::Add(_) => Missing::Make,
            _ => Missing::Refuse,
        }
    }
}

/// Does it.
pub fn run(house: &House, command: User, out: Out) -> Result<(), Fault> {
    match command {
        User::Add(new) => add(house, new, out),
        User::List { after, limit } => list(house, after, limit, out),
        User::Show(who) => show(house, &who, out),
        User::Lock(who) => {
            let account = find(house, &who.who)?;
            let ended = house.wait(person::lock(&house.app, account.id.clone()))?;
            done(&account, "locked", ended, out);
            Ok(())
        }
        User::Unlock(who) => {
            let account = find(house, &who.who)?;
            house.wait(person::unlock(&house.app, account.id.clone()))?;
            done(&account, "unlocked", Ended::default(), out);
            Ok(())
        }
        User::Signout(who) => {
            let account = find(house, &who.who)?;
            let ended = house.wait(person::sign_out(&house.app, account.id.clone()))?;
            done(&account, "signed out", ended, out);
            Ok(())
        }
        User::Delete { who, yes } => {
            let account = find(house, &who.who)?;
            if !yes {
                return Err(Fault::usage(
                    format!("{} was not deleted", account.username),
                    "an account cannot be brought back, and its username is never given again",
                    format!("gerege user delete {} --yes", account.username),
                ));
            }
            let ended = house.wait(person::delete(&house.app, account.clone()))?;
            done(&account, "deleted", ended, out);
            Ok(())
        }
    }
}

fn find(house: &House, who: &str) -> Result<Account, Fault> {
    house.wait(person::find(&house.app, who))?.ok_or_else(|| {
        Fault::new(
            format!("there is no person {who}"),
            "no account has that username, e-mail address or id",
            "gerege user list",
        )
    })
}

fn add(house: &House, new: Add, out: Out) -> Result<(), Fault> {
    let password = read_secret(&new.password_file)?;
    let username = new.username.clone();
    let made = house.wait(person::add(
        &house.app,
        New {
            username: new.username,
            email: new.email,
            name: new.name,
            password,
        },
    ));
    let account = made.map_err(|refusal| refused(&house.app, &username, refusal))?;
    if out.json {
        out::json(&facts(&house.app, &account));
    } else {
        out::line(&format!(
            "added {} ({}), {}",
            account.username,
            house.app.address(&account.username),
            account.email
        ));
    }
    Ok(())
}

fn refused(app: &App, username: &str, refusal: Refusal) -> Fault {
    let what = format!("{username} was not added");
    match refusal {
        Refusal::Invalid(wrong) => {
            let lang = app.page.pick(Some("en"), None, None);
            let say = |one: &Invalid| {
                let args = one.code.args();
                let text = app.page.error(&lang, one.field.id(), one.code.id(), &args);
                format!("{}: {}.", one.field.id(), text.text.trim_end_matches('.'))
            };
            let why: Vec<String> = wrong.iter().map(say).collect();
            let fix = "put it right, then the same command again";
            Fault::new(what, why.join(" "), fix)
        }
        Refusal::Taken("email") => Fault::new(
            what,
            "another account has this e-mail address",
            "gerege user show with that address tells whose it is",
        ),
        Refusal::Taken(_) => Fault::new(
            what,
            "the username is taken, looks like one that is, or belonged to a deleted account",
            "choose another username",
        ),
        Refusal::Hash(error) => Fault::new(what, error, "check the [password] section"),
        Refusal::Store(error) => error.into(),
    }
}

/// A secret from a file or standard input, without the line end after it.
pub fn read_secret(file: &Path) -> Result<Zeroizing<String>, Fault> {
    let mut text = Zeroizing::new(String::new());
    let read = if file == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(1 << 16)
            .read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|open| open.take(1 << 16).read_to_string(&mut text))
    };
    read.map_err(|error| {
        Fault::new(
            format!("cannot read {}", file.display()),
            error,
            "name a file that this user may read, or - for standard input",
        )
    })?;
    // One line end belongs to the file, not to the secret.
    let bare = text.strip_suffix('\n').unwrap_or(&text);
    let end = bare.strip_suffix('\r').unwrap_or(bare).len();
    text.truncate(end);
    Ok(text)
}

fn facts(app: &App, account: &Account) -> Value {
    json!({
        "id": account.id,
        "username": account.username,
        "address": app.address(&account.username),
        "name": account.name,
        "email": account.email,
        "language": account.language,
        "created_at": account.created_at.rfc3339(),
        "password_at": account.password_at.rfc3339(),
        "locked_at": account.locked_at.map(Time::rfc3339),
    })
}

fn list(house: &House, after: String, limit: u32, out: Out) -> Result<(), Fault> {
    let nothing = if after.is_empty() {
        "Nobody yet. Add someone: gerege user add --help".to_owned()
    } else {
        format!("Nobody after {}.", out::plain(&after))
    };
    let people = house.wait(person::list(&house.app, after, limit.into()))?;
    if out.json {
        let list: Vec<Value> = people.iter().map(|one| facts(&house.app, one)).collect();
        out::json(&list);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = people
        .iter()
        .map(|one| {
            vec![
                one.username.clone(),
                one.name.clone(),
                one.email.clone(),
                moment(one.created_at),
                if one.locked_at.is_some() {
                    "locked"
                } else {
                    ""
                }
                .to_owned(),
            ]
        })
        .collect();
    let heads = ["USERNAME", "NAME", "EMAIL", "SINCE (UTC)", ""];
    out.table(&heads, &rows, &nothing);
    if people.len() == usize::try_from(limit).unwrap_or(usize::MAX)
        && let Some(last) = people.last()
    {
        out.warn(&format!(
            "there may be more: gerege user list --after {}",
            last.username
        ));
    }
    Ok(())
}

fn show(house: &House, who: &Who, out: Out) -> Result<(), Fault> {
    let account = find(house, &who.who)?;
    let signed = house.wait(person::signed(&house.app, account.id.clone()))?;
    if out.json {
        let mut all = facts(&house.app, &account);
        let sessions: Vec<Value> = signed
            .sessions
            .iter()
            .map(|one| {
                json!({
                    "sid": one.sid,
                    "device": one.agent,
                    "network": one.network,
                    "since": one.created_at.rfc3339(),
                    "seen_at": one.seen_at.rfc3339(),
                    "keep": one.keep,
                })
            })
            .collect();
        let apps: Vec<Value> = signed
            .grants
            .iter()
            .map(|one| {
                json!({
                    "client_id": one.client_id,
                    "scope": one.scopes.join(" "),
                    "offline": one.offline,
                    "since": one.created_at.rfc3339(),
                })
            })
            .collect();
        let events: Vec<Value> = signed
            .events
            .iter()
            .map(|one| json!({ "at": Time::from_millis(one.at).rfc3339(), "kind": one.kind }))
            .collect();
        if let Some(map) = all.as_object_mut() {
            map.insert("sessions".into(), sessions.into());
            map.insert("apps".into(), apps.into());
            map.insert("events".into(), events.into());
        }
        out::json(&all);
        return Ok(());
    }
    let lines = |list: Vec<String>| {
        if list.is_empty() {
            "none".to_owned()
        } else {
            list.join("\n")
        }
    };
    let sessions = signed.sessions.iter().map(|one| {
        let device = if one.agent.is_empty() {
            "a browser"
        } else {
            &one.agent
        };
        format!("{}  {device}, {}", moment(one.seen_at), one.network)
    });
    let apps = signed.grants.iter().map(|one| {
        let scopes = one.scopes.join(" ");
        format!("{}  {} ({scopes})", moment(one.created_at), one.client_id)
    });
    let events = signed
        .events
        .iter()
        .map(|one| format!("{}  {}", moment(Time::from_millis(one.at)), one.kind));
    let state = match account.locked_at {
        Some(at) => format!("locked since {}", moment(at)),
        None => "open".to_owned(),
    };
    out::facts(&[
        ("username", account.username.clone()),
        ("address", house.app.address(&account.username)),
        ("name", account.name.clone()),
        ("email", account.email.clone()),
        ("id", account.id.clone()),
        ("since", moment(account.created_at)),
        ("state", state),
        ("browsers", lines(sessions.collect())),
        ("apps", lines(apps.collect())),
        ("lately", lines(events.collect())),
    ]);
    Ok(())
}

fn done(account: &Account, verb: &str, ended: Ended, out: Out) {
    if out.json {
        out::json(&json!({
            "username": account.username,
            "id": account.id,
            "done": verb,
            "sessions_ended": ended.sessions,
            "apps_ended": ended.grants,
        }));
    } else if ended == Ended::default() {
        out::line(&format!("{verb} {}", account.username));
    } else {
        out::line(&format!(
            "{verb} {}: {} and {} ended",
            account.username,
            count(ended.sessions, "browser session", "browser sessions"),
            count(ended.grants, "app sign-in", "app sign-ins"),
        ));
    }
}
