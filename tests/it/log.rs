//! What all servers of this process log, kept in memory: no error may be among it, and no secret.

use std::io;
use std::sync::{Mutex, Once, PoisonError};

use tracing_subscriber::EnvFilter;

static KEPT: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static BEGUN: Once = Once::new();

struct Ear;

impl io::Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        KEPT.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Listens from now on: to every line at the most talkative level, and to every panic of a thread
/// of the server.
pub fn listen() {
    BEGUN.call_once(|| {
        tracing_subscriber::fmt()
            // A pool outlives its test by a moment, and its database does not.
            .with_env_filter(EnvFilter::new("warn,actix_http=off,r2d2=off,gerege=trace"))
            .with_ansi(false)
            .with_writer(|| Ear)
            .init();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let thread = std::thread::current();
            let name = thread.name().unwrap_or("unnamed");
            // Tests may panic, and so may the threads that they start.
            let own = panic
                .location()
                .is_some_and(|at| at.file().starts_with("tests/"));
            if !own && !name.contains("::") && name != "main" {
                tracing::error!(thread = name, "PANIC {panic}");
            }
            before(panic);
        }));
    });
}

/// How much was logged so far.
pub fn mark() -> usize {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).len()
}

/// What was logged since a mark.
pub fn since(mark: usize) -> String {
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(kept.get(mark..).unwrap_or_default()).into_owned()
}

/// The errors among it.
pub fn errors_since(mark: usize) -> Vec<String> {
    since(mark)
        .lines()
        .filter(|line| line.split_whitespace().nth(1) == Some("ERROR"))
        .map(str::to_owned)
        .collect()
}
