//! Doors over the command line. `serve` starts the worker and the web; the rest calls the same
//! stories as the pages do.

mod fault;
mod out;
mod serve;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{self, Config};
use fault::Fault;

/// Sign-up and sign-in for messengers.
#[derive(Debug, Parser)]
#[command(name = "gerege", version, max_term_width = 80)]
struct Args {
    /// The configuration file; else GEREGE_CONFIG, ./gerege.toml, /etc/gerege/gerege.toml
    #[arg(short, long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server; with no configuration at all this is dev mode
    Serve(serve::Serve),
}

/// Reads the command line and does what it says.
pub fn run() -> ExitCode {
    let args = Args::parse();
    let dev = match &args.command {
        Some(Command::Serve(serve)) if serve.dev => Some(true),
        _ => None,
    };
    let done = load(args.config, dev).and_then(|config| match args.command {
        None | Some(Command::Serve(_)) => serve::run(config),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            out::fault(&fault);
            ExitCode::FAILURE
        }
    }
}

fn load(asked: Option<PathBuf>, dev: Option<bool>) -> Result<Config, Fault> {
    let env: BTreeMap<String, String> = std::env::vars()
        .filter(|(name, _)| name.starts_with("GEREGE_"))
        .collect();
    let file = config::find(asked, &env, |path| path.exists());
    Config::load(file.as_deref(), &env, dev).map_err(Fault::Config)
}
