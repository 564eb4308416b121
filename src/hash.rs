//! Argon2id on a bounded pool of threads of lower priority, each with one block of memory that
//! is used again; a dummy hash for unknown names (PROTOCOL.md 7, SECURITY.md R09, R10).

mod queue;
mod recipe;

use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use argon2::Block;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use self::queue::{Queue, Waiting};
use self::recipe::Recipe;
use crate::rng::Rng;

pub use self::queue::{Class, Seat};

/// The longest a caller waits for its turn; after it the answer is [`Error::Busy`].
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a thread without work keeps its memory.
const REST: Duration = Duration::from_secs(5);

/// What one KiB costs in one pass, in nanoseconds, on a slow core. Only bounds the queue and
/// feeds `Retry-After`; nothing breaks when a machine is faster or slower.
const NANOS_PER_KIB: u64 = 500;

/// How much work may wait in each class, in seconds of the whole pool.
const QUEUE_SECONDS: [u64; Class::COUNT] = [4, 4, 2, 2];

/// What a hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// Memory of one hash in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes of one hash.
    pub lanes: u32,
    /// Hashes at the same time; 0 means one for each core.
    pub at_once: usize,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too many passwords wait: 503 with `Retry-After` (RFC 9110 10.2.3).
    #[error("too many passwords are waiting to be hashed")]
    Busy {
        /// When to come back.
        retry_after: Duration,
    },
    /// Argon2 does not take these parameters.
    #[error("password.memory_kib, password.passes and password.lanes do not fit together: {0}")]
    Params(String),
    /// The hash on file is of a kind that is not known here.
    #[error("the password hash on file cannot be read")]
    Unreadable,
    /// The system gave no thread or no memory.
    #[error("hashing has stopped: {0}")]
    Stopped(String),
}

/// What it costs to check a password against a hash on file, which may be another program's.
///
/// # Errors
/// [`Error::Unreadable`], also for a hash that costs more than a server can bear.
pub fn cost_of(phc: &str) -> Result<Params, Error> {
    let (recipe, _) = recipe::read(phc)?;
    Ok(recipe.cost())
}

/// What a password check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The password is the one on file.
    Right {
        /// The hash on file was made with other parameters than today's: replace it.
        rehash: bool,
    },
    /// It is not, or there is none on file.
    Wrong,
}

/// What the pool has done and what waits, for the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Hashes computed since the start.
    pub done: u64,
    /// Callers sent away since the start.
    pub shed: u64,
    /// Callers that wait now, in the order of [`Class::ALL`].
    pub waiting: [usize; Class::COUNT],
}

/// The pool. Clones share it; the threads end with the last clone.
#[derive(Clone)]
pub struct Hasher {
    pool: Arc<Pool>,
    rng: Rng,
}

struct Pool {
    shared: Arc<Shared>,
    params: argon2::Params,
    threads: usize,
}

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    done: AtomicU64,
    shed: AtomicU64,
}

struct State {
    queue: Queue<Job>,
    stopping: bool,
}

struct Job {
    password: Zeroizing<Vec<u8>>,
    recipe: Recipe,
    answer: oneshot::Sender<Result<Zeroizing<Vec<u8>>, Error>>,
}

impl Waiting for Job {
    fn is_gone(&self) -> bool {
        self.answer.is_closed()
    }
}

impl Hasher {
    /// Starts the threads. Salts come from `rng`.
    ///
    /// # Errors
    /// [`Error::Params`] when Argon2 refuses the parameters, [`Error::Stopped`] when the system
    /// gives no threads.
    pub fn new(params: Params, rng: Rng) -> Result<Self, Error> {
        let threads = match params.at_once {
            0 => thread::available_parallelism().map_or(1, NonZero::get),
            n => n,
        };
        let costs = recipe::costs(&params)?;
        let bounds = QUEUE_SECONDS.map(|seconds| bound(&costs, threads, seconds));
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                queue: Queue::new(bounds),
                stopping: false,
            }),
            work: Condvar::new(),
            done: AtomicU64::new(0),
            shed: AtomicU64::new(0),
        });
        let blocks = costs.block_count();
        // Made before the threads, so that those already running end when a later one fails.
        let pool = Pool {
            shared,
            params: costs,
            threads,
        };
        for _ in 0..threads {
            let shared = Arc::clone(&pool.shared);
            thread::Builder::new()
                .name("hash".into())
                .spawn(move || work(&shared, blocks))
                .map_err(|e| Error::Stopped(e.to_string()))?;
        }
        Ok(Self {
            pool: Arc::new(pool),
            rng,
        })
    }

    /// Hashes a new password; the answer is a PHC string, ready to be stored. `seat` is a
    /// [`Class`], or a class with the caller's address: `Class::SignUp.from(ip)`.
    ///
    /// # Errors
    /// [`Error::Busy`] when the queue is full or the turn did not come in time.
    pub async fn hash(&self, seat: impl Into<Seat>, password: &str) -> Result<String, Error> {
        let recipe = self.fresh();
        let output = self.run(seat.into(), password, recipe.clone()).await?;
        recipe.write(&output)
    }

    /// Checks a password against the PHC string on file. Without one (the name is unknown) a
    /// hash at today's parameters is computed all the same and the answer is `Wrong`
    /// (SECURITY.md R10).
    ///
    /// # Errors
    /// [`Error::Busy`] as in [`Hasher::hash`]; [`Error::Unreadable`] when `phc` is not an
    /// Argon2 hash or asks for absurd amounts of memory or passes.
    pub async fn verify(
        &self,
        seat: impl Into<Seat>,
        password: &str,
        phc: Option<&str>,
    ) -> Result<Verdict, Error> {
        let seat = seat.into();
        let Some(phc) = phc else {
            self.run(seat, password, self.fresh()).await?;
            return Ok(Verdict::Wrong);
        };
        let (recipe, expected) = recipe::read(phc)?;
        let rehash = !recipe.costs_as(&self.pool.params);
        let output = self.run(seat, password, recipe).await?;
        let right = aws_lc_rs::constant_time::verify_slices_are_equal(&output, &expected).is_ok();
        Ok(if right {
            Verdict::Right { rehash }
        } else {
            Verdict::Wrong
        })
    }

    /// Hashes on the caller's own thread, for the command line.
    ///
    /// # Errors
    /// [`Error::Stopped`] when there is not enough memory.
    pub fn hash_now(&self, password: &str) -> Result<String, Error> {
        let recipe = self.fresh();
        let output = recipe.compute(password.as_bytes(), &mut Vec::new())?;
        recipe.write(&output)
    }

    /// What was done and what waits.
    pub fn count(&self) -> Count {
        Count {
            done: self.pool.shared.done.load(Ordering::Relaxed),
            shed: self.pool.shared.shed.load(Ordering::Relaxed),
            waiting: self.pool.shared.lock().queue.lengths(),
        }
    }

    /// How many hashes run at the same time.
    pub fn at_once(&self) -> usize {
        self.pool.threads
    }

    fn fresh(&self) -> Recipe {
        let mut salt = [0; 16];
        self.rng.fill(&mut salt);
        Recipe::fresh(self.pool.params.clone(), &salt)
    }

    async fn run(
        &self,
        seat: Seat,
        password: &str,
        recipe: Recipe,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (answer, turn) = oneshot::channel();
        let job = Job {
            password: Zeroizing::new(password.as_bytes().to_vec()),
            recipe,
            answer,
        };
        let shared = &self.pool.shared;
        let shed = {
            let mut state = shared.lock();
            let shed = state.queue.push(seat, job);
            shared.work.notify_one();
            shed
        };
        if let Some(shed) = shed {
            shared.shed.fetch_add(1, Ordering::Relaxed);
            // A caller that went away meanwhile wants no answer.
            let _ = shed.answer.send(Err(self.busy(seat.class)));
        }
        match tokio::time::timeout(PATIENCE, turn).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Error::Stopped("its threads ended".into())),
            Err(_) => {
                shared.shed.fetch_add(1, Ordering::Relaxed);
                Err(self.busy(seat.class))
            }
        }
    }

    /// `Retry-After` is the time the pool needs for what waits in this class and before it.
    fn busy(&self, class: Class) -> Error {
        let lengths = self.pool.shared.lock().queue.lengths();
        let ahead: usize = lengths.iter().take(class as usize + 1).sum();
        let nanos = cost(&self.pool.params).saturating_mul(ahead as u64) / self.pool.threads as u64;
        let seconds = nanos.div_ceil(1_000_000_000).clamp(1, 30);
        Error::Busy {
            retry_after: Duration::from_secs(seconds),
        }
    }
}

/// The estimated cost of one hash in nanoseconds.
fn cost(params: &argon2::Params) -> u64 {
    u64::from(params.m_cost())
        .saturating_mul(u64::from(params.t_cost()))
        .saturating_mul(NANOS_PER_KIB)
        .max(1)
}

/// How many may wait: what the pool gets done in `seconds`, but a few for each thread.
fn bound(params: &argon2::Params, threads: usize, seconds: u64) -> usize {
    let each = usize::try_from(seconds.saturating_mul(1_000_000_000) / cost(params));
    each.unwrap_or(usize::MAX)
        .clamp(4, 4096)
        .saturating_mul(threads)
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().stopping = true;
        self.shared.work.notify_all();
    }
}

/// One thread: takes the next job, computes, answers, until the pool ends.
fn work(shared: &Shared, blocks: usize) {
    step_back();
    let mut memory: Vec<Block> = Vec::new(); // filled at the first hash: an idle server is small
    loop {
        let job = {
            let mut state = shared.lock();
            loop {
                if state.stopping {
                    return;
                }
                if let Some(job) = state.queue.pop() {
                    break job;
                }
                if memory.is_empty() {
                    state = shared
                        .work
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                    continue;
                }
                let (woken, rested) = shared
                    .work
                    .wait_timeout(state, REST)
                    .unwrap_or_else(PoisonError::into_inner);
                state = woken;
                if rested.timed_out() {
                    memory = Vec::new();
                }
            }
        };
        let result = job.recipe.compute(&job.password, &mut memory);
        shared.done.fetch_add(1, Ordering::Relaxed);
        let _ = job.answer.send(result);
        if memory.len() > blocks {
            // An imported hash needed more than ours do.
            memory.truncate(blocks);
            memory.shrink_to_fit();
        }
    }
}

/// Lowers this thread's priority, so that discovery and tokens stay quick while sign-ins wait.
/// On Linux a priority belongs to a thread, and "the calling process" is the calling thread
/// (setpriority(2), "C library/kernel differences").
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, 10) {
        tracing::warn!(%error, "hashing threads run at normal priority");
    }
}

#[cfg(test)]
mod tests;
