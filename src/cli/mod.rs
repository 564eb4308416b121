//! Doors over the command line. `serve` starts the worker and the web; the rest calls the same
//! stories as the pages do.

mod client;
mod config;
mod db;
mod doctor;
mod fault;
mod file;
mod health;
mod house;
mod key;
mod mail;
mod out;
mod postgres;
mod reference;
mod registration;
mod serve;
mod service;
mod signup;
mod terms;
#[cfg(test)]
mod tests;
mod token;
mod user;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::clock::Time;
use crate::config::{self as configuration, Config};
use fault::Fault;
use house::{House, Missing};
use out::{Color, Out};

/// What every command takes stands below what is its own.
const LAST: usize = 900;

/// Sign-up and sign-in for messengers.
#[derive(Debug, Parser)]
#[command(
    name = "gerege",
    version,
    max_term_width = 80,
    infer_subcommands = false,
    disable_help_subcommand = true,
    subcommand_value_name = "COMMAND",
    after_help = "Examples:\n  gerege\n  gerege client add forum --redirect https://forum.example/back\n  gerege doctor"
)]
struct Args {
    /// The configuration file; else GEREGE_CONFIG, ./gerege.toml,
    /// /etc/gerege/gerege.toml
    #[arg(short, long, global = true, value_name = "FILE", display_order = LAST)]
    config: Option<PathBuf>,
    /// Print facts as JSON, for programs
    #[arg(long, global = true, display_order = LAST)]
    json: bool,
    /// Colour the output
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t, display_order = LAST)]
    color: Color,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server; with no configuration at all this is dev mode
    Serve(serve::Serve),
    /// Check everything and say what to do
    Doctor(doctor::Doctor),
    /// Ask the running server; for containers and systemd
    Health(health::Health),
    /// People: add, list, show, lock, unlock, signout, delete
    #[command(subcommand)]
    User(user::User),
    /// Apps that people sign in to: add, list, show, edit, rotate-secret,
    /// logouts, pings, remove
    #[command(subcommand)]
    Client(client::Command),
    /// Servers that trust our tokens: add, list, show, edit, remove
    #[command(subcommand)]
    Service(service::Command),
    /// Apps that register themselves: token, end-tokens
    #[command(subcommand)]
    Registration(registration::Command),
    /// Signing keys: list, rotate
    #[command(subcommand)]
    Key(key::Command),
    /// Tokens: inspect
    #[command(subcommand)]
    Token(token::Command),
    /// People who wait to be let in: list, approve, refuse
    #[command(subcommand)]
    Signup(signup::Command),
    /// Agreements: publish, list, diff, who
    #[command(subcommand)]
    Terms(terms::Command),
    /// Mail: test, queue, retry
    #[command(subcommand)]
    Mail(mail::Command),
    /// The database: status, migrate, backup, restore
    #[command(subcommand)]
    Db(db::Command),
    /// The configuration: check, show
    #[command(subcommand)]
    Config(config::Command),
    /// Write completions for a shell
    Completions(reference::Completions),
    /// Write the manual page
    Man(reference::Man),
    /// Say which version this is
    Version(reference::Version),
}

/// Reads the command line and does what it says.
pub fn run() -> ExitCode {
    let matches = Args::command().try_get_matches();
    let args = match matches.and_then(|matches| {
        names_a_change(&matches)?;
        Args::from_arg_matches(&matches)
    }) {
        Ok(args) => args,
        Err(error) => {
            if matches!(
                error.kind(),
                ErrorKind::DisplayHelp
                    | ErrorKind::DisplayVersion
                    | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            ) {
                let asked = error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
                let _ = error.print();
                return ExitCode::from(if asked { 0 } else { 2 });
            }
            let fault = Fault::from_clap(&error, &written(std::env::args()));
            Out::default().fault(&fault);
            return ExitCode::from(fault.code());
        }
    };
    let out = Out {
        json: args.json,
        color: args.color,
    };
    match dispatch(args, out) {
        Ok(code) => code,
        Err(fault) => {
            out.fault(&fault);
            ExitCode::from(fault.code())
        }
    }
}

fn dispatch(args: Args, out: Out) -> Result<ExitCode, Fault> {
    let asked = args.config;
    let load = |dev| load(asked.clone(), dev);
    let house = |missing| House::open(load(None)?, missing);
    let done = match args.command {
        None => serve::run(load(None)?),
        Some(Command::Serve(serve)) => serve::run(load(serve.dev.then_some(true))?),
        Some(Command::Doctor(_)) => return doctor::run(file(asked.clone()), load(None), out),
        Some(Command::Health(_)) => return health::run(&load(None)?, out),
        Some(Command::User(command)) => user::run(&house(command.missing())?, command, out),
        Some(Command::Client(command)) => client::run(&house(command.missing())?, command, out),
        Some(Command::Service(command)) => service::run(&house(command.missing())?, command, out),
        Some(Command::Registration(command)) => {
            registration::run(&house(Missing::Refuse)?, command, out)
        }
        Some(Command::Key(command)) => key::run(&house(Missing::Refuse)?, command, out),
        Some(Command::Token(command)) => token::run(&house(Missing::Refuse)?, command, out),
        Some(Command::Signup(command)) => signup::run(&house(Missing::Refuse)?, command, out),
        Some(Command::Terms(command)) => terms::run(&house(command.missing())?, command, out),
        Some(Command::Mail(command)) => mail::run(&house(Missing::Make)?, command, out),
        Some(Command::Db(command)) => db::run(&load(None)?, command, out),
        Some(Command::Config(command)) => {
            config::run(command, file(asked.clone()), load(None), out)
        }
        Some(Command::Completions(command)) => {
            reference::completions(&command);
            Ok(())
        }
        Some(Command::Man(command)) => reference::man(&command),
        Some(Command::Version(_)) => {
            reference::version(out);
            Ok(())
        }
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// `client edit` and `service edit` say what is to be changed.
fn names_a_change(matches: &ArgMatches) -> Result<(), clap::Error> {
    let Some((of @ ("client" | "service"), below)) = matches.subcommand() else {
        return Ok(());
    };
    let Some(("edit", typed)) = below.subcommand() else {
        return Ok(());
    };
    let mut command = Args::command();
    let mut command = command.find_subcommand_mut(of);
    let Some(edit) = command
        .as_mut()
        .and_then(|it| it.find_subcommand_mut("edit"))
    else {
        return Ok(());
    };
    let is_typed = |arg: &clap::Arg| {
        let id = arg.get_id().as_str();
        typed.try_contains_id(id).is_ok()
            && typed.value_source(id) == Some(ValueSource::CommandLine)
    };
    let own = |arg: &&clap::Arg| !arg.is_positional();
    if edit.get_arguments().filter(own).any(is_typed) {
        return Ok(());
    }
    Err(edit.error(
        ErrorKind::MissingRequiredArgument,
        "nothing says what is to be changed",
    ))
}

/// The command that was typed, as far as its words are commands: `gerege client add`.
fn written(words: impl Iterator<Item = String>) -> String {
    let mut command = &Args::command();
    let mut path = command.get_name().to_owned();
    for word in words.skip(1) {
        if let Some(found) = command.find_subcommand(&word) {
            path = format!("{path} {word}");
            command = found;
        }
    }
    path
}

fn environment() -> BTreeMap<String, String> {
    std::env::vars()
        .filter(|(name, _)| name.starts_with("GEREGE_"))
        .collect()
}

/// The configuration file that counts, if there is one.
fn file(asked: Option<PathBuf>) -> Option<PathBuf> {
    configuration::find(asked, &environment(), |path| path.exists())
}

fn load(asked: Option<PathBuf>, dev: Option<bool>) -> Result<Config, Fault> {
    let from = file(asked);
    Config::load_beside(from.as_deref(), &environment(), dev, &file::judge).map_err(Fault::Config)
}

/// An instant in a table: `2026-11-22 18:41`, UTC.
fn moment(at: Time) -> String {
    let (year, month, day, hour, minute) = at.civil();
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}")
}

/// How many, in words that fit.
fn count(n: usize, one: &str, many: &str) -> String {
    match n {
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    }
}
