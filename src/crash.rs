//! Points at which a test can end the process, as a power cut would: before and after a commit,
//! and before an answer leaves. Nothing of it is in a release build.

#[cfg(debug_assertions)]
use std::sync::OnceLock;
#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicU64, Ordering};

/// An edge between what is on disk and what somebody was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// The stories of a batch have run; nothing is on disk.
    BeforeCommit,
    /// All of it is on disk; nobody was told.
    AfterCommit,
    /// An answer is ready and was not sent.
    BeforeAnswer,
}

/// Ends the process here when `CRASH_AT` names this edge and its turn: `after-commit:17` ends it
/// after the seventeenth commit.
#[cfg(debug_assertions)]
pub fn point(edge: Edge) {
    static WANTED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);
    let wanted = WANTED.get_or_init(|| {
        let wanted = std::env::var("CRASH_AT").ok()?;
        let (name, turn) = wanted.split_once(':')?;
        Some((name.to_owned(), turn.parse().ok()?))
    });
    let Some((name, turn)) = wanted else {
        return;
    };
    let here = match edge {
        Edge::BeforeCommit => "before-commit",
        Edge::AfterCommit => "after-commit",
        Edge::BeforeAnswer => "before-answer",
    };
    if name == here && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *turn {
        std::process::abort();
    }
}

/// Nothing happens.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn point(_: Edge) {}
