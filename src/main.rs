//! Starts the command line; no logic.

/// What a busy hour took goes back to the system (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    gerege::cli::run()
}
