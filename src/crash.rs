//! Points at which a test can end the process, as a power cut would: before and after a commit,
//! and before an answer leaves; and at which it can hold one caller, or end that one alone. Nothing
//! of it is in a release build.

#[cfg(debug_assertions)]
use std::cell::RefCell;
#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(debug_assertions)]
use std::sync::{Arc, OnceLock};

/// An edge between what is on disk and what somebody was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// What a story needs was drawn, the time with it; it holds nothing.
    BeforeBegin,
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
        Edge::BeforeBegin => "before-begin",
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

/// Says at each edge whether a caller goes on, and may let it wait there.
#[cfg(debug_assertions)]
type Watcher = Arc<dyn Fn(Edge) -> bool + Send + Sync>;

#[cfg(debug_assertions)]
thread_local! {
    static WATCHER: RefCell<Option<Watcher>> = const { RefCell::new(None) };
}

/// Who watches over the writes that begin on this thread.
#[derive(Clone)]
pub struct Watch {
    #[cfg(debug_assertions)]
    by: Option<Watcher>,
}

impl Watch {
    /// The one of this thread; nobody where no test named one.
    pub fn here() -> Self {
        Self {
            #[cfg(debug_assertions)]
            by: WATCHER.with_borrow(Clone::clone),
        }
    }

    /// Whether a caller goes on.
    #[cfg(debug_assertions)]
    pub fn lets_on(&self, edge: Edge) -> bool {
        self.by.as_ref().is_none_or(|by| by(edge))
    }

    /// It does.
    #[cfg(not(debug_assertions))]
    #[inline(always)]
    pub fn lets_on(&self, _: Edge) -> bool {
        true
    }
}

/// From now on `by` watches over the writes that begin on this thread.
#[cfg(debug_assertions)]
pub fn watch(by: impl Fn(Edge) -> bool + Send + Sync + 'static) {
    WATCHER.set(Some(Arc::new(by)));
}
