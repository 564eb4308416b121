//! `gerege completions | man | version`, and the reference page: all from the one command tree.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use serde_json::json;

use super::fault::Fault;
use super::out::{self, Out};

/// Write completions for a shell
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gerege completions bash > /etc/bash_completion.d/gerege\n  gerege completions zsh > ~/.zfunc/_gerege"
)]
pub struct Completions {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Write the manual page, or one for each command into a folder
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gerege man | man -l -\n  gerege man --dir /usr/local/share/man/man1"
)]
pub struct Man {
    /// A folder for the pages of all commands
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// Say which version this is
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gerege version\n  gerege version --json")]
pub struct Version {}

/// Writes completions.
pub fn completions(command: &Completions) {
    let mut script = Vec::new();
    let mut tree = super::Args::command();
    clap_complete::generate(command.shell, &mut tree, "gerege", &mut script);
    out::raw(&script);
}

/// Writes manual pages.
pub fn man(command: &Man) -> Result<(), Fault> {
    let tree = super::Args::command();
    let failed = |error: std::io::Error| {
        Fault::new(
            "the manual was not written",
            error,
            "name a folder that is there and that this user may write",
        )
    };
    match &command.dir {
        Some(folder) => clap_mangen::generate_to(tree, folder).map_err(failed),
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(tree)
                .render(&mut page)
                .map_err(failed)?;
            out::raw(&page);
            Ok(())
        }
    }
}

/// Says the version.
pub fn version(out: Out) {
    let version = env!("CARGO_PKG_VERSION");
    if out.json {
        out::json(&json!({ "name": "gerege", "version": version }));
    } else {
        out::line(&format!("gerege {version}"));
    }
}
