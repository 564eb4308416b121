//! Starts the command line; no logic.

fn main() -> std::process::ExitCode {
    gerege::cli::run()
}
