//! `gerege config`: what is set, where it came from, and what is wrong with it.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::fault::Fault;
use super::file;
use super::out::{self, Out};
use crate::config::Config;

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read the configuration and name every mistake
    #[command(
        after_help = "Examples:\n  gerege config check\n  gerege -c /etc/gerege/gerege.toml config check"
    )]
    Check,
    /// Print what is set; secrets stay hidden
    #[command(after_help = "Examples:\n  gerege config show\n  gerege config show --all --origin")]
    Show {
        /// Every key, also those that nobody set
        #[arg(long)]
        all: bool,
        /// Say where each value came from
        #[arg(long)]
        origin: bool,
    },
}

/// Does it.
pub fn run(
    command: Command,
    from: Option<PathBuf>,
    config: Result<Config, Fault>,
    out: Out,
) -> Result<(), Fault> {
    let config = match (&command, config) {
        (Command::Check, Ok(config)) => match file::judge(&config) {
            mistakes if mistakes.is_empty() => Ok(config),
            mistakes => Err(Fault::Config(mistakes)),
        },
        (_, config) => config,
    };
    if out.json
        && let (Command::Check, Err(Fault::Config(mistakes))) = (&command, &config)
    {
        let list: Vec<_> = mistakes
            .iter()
            .map(|one| {
                json!({
                    "key": one.key,
                    "origin": one.origin.to_string(),
                    "why": one.what,
                    "try": one.fix,
                })
            })
            .collect();
        out::json(&json!({ "ok": false, "mistakes": list }));
    }
    let config = config?;
    match command {
        Command::Check => {
            let from = from.map(|file| file.display().to_string());
            if out.json {
                out::json(&json!({
                    "ok": true,
                    "file": from,
                    "dev": config.dev,
                    "public_url": config.issuer(),
                }));
            } else {
                let from = from.unwrap_or_else(|| "no file, variables and defaults".into());
                let mode = if config.dev { ", dev mode" } else { "" };
                out::line(&format!(
                    "good: {from}, {} set{mode}",
                    config.show(false).count()
                ));
            }
        }
        Command::Show { all, origin } => {
            if out.json {
                out::json(&config.show(all).collect::<Vec<_>>());
                return Ok(());
            }
            for shown in config.show(all) {
                let from = if origin {
                    format!("  # {}", shown.origin)
                } else {
                    String::new()
                };
                out::line(&format!(
                    "{} = {}{}",
                    shown.key,
                    shown.value,
                    out::plain(&from)
                ));
            }
        }
    }
    Ok(())
}
