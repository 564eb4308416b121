//! Measures the `gerege` program as a process on loopback, each figure beside a bound taken in the
//! same run, and prints them as a table: `gerege-bench PATH-OF-GEREGE [SECTION,… [COUNT]]`. See
//! docs/performance.md.
// A bench reads the clock and waits: that is what it is for.
#![allow(clippy::disallowed_methods)]

mod bare;
mod bounded;
mod database;
mod figure;
mod http;
mod keep;
mod key;
mod load;
mod process;
mod standard;
mod story;
mod table;
mod television;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let done = match words.next().as_deref() {
        Some("bare") => bare::serve(&PathBuf::from(words.next().unwrap_or_default())),
        Some(program) => measure(
            &PathBuf::from(program),
            words.next().as_deref(),
            words.next().as_deref(),
        ),
        None => Err(anyhow::anyhow!(
            "usage: gerege-bench PATH-OF-GEREGE [SECTION,… [COUNT]]"
        )),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // There is nobody left to tell when this fails.
            let _ = writeln!(std::io::stderr(), "{why:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(program: &Path, only: Option<&str>, many: Option<&str>) -> anyhow::Result<()> {
    let many = many.map(str::parse).transpose().context("no number")?;
    let program = program
        .canonicalize()
        .with_context(|| program.display().to_string())?;
    // Beside the program: a disk, where the system's folder for passing files may be memory.
    let folder = program
        .parent()
        .context("the program lies nowhere")?
        .join(format!("bench-{}", std::process::id()));
    let rows = figure::all(&program, &folder, only, many);
    let _ = std::fs::remove_dir_all(&folder);
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{}\n\n{}",
        table::machine(bare::cores()),
        table::print(&rows?)
    )?;
    Ok(())
}
