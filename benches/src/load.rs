//! Callers that ask again and again for a while, and what that cost whom.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;

use crate::process::{Process, cpu};

/// One call of a caller: it holds its own connection.
pub type Call<'a> = Box<dyn FnMut() -> anyhow::Result<()> + Send + 'a>;

/// What a span of load came to.
pub struct Done {
    /// Calls answered.
    pub count: u64,
    /// How long it went on.
    pub took: Duration,
    /// CPU time of the server in it.
    pub server: Duration,
    /// CPU time of the load generator in it.
    pub generator: Duration,
    /// How long each answer took, shortest first.
    pub waits: Vec<Duration>,
}

impl Done {
    /// Calls in a second.
    pub fn rate(&self) -> f64 {
        self.count as f64 / self.took.as_secs_f64()
    }

    /// CPU time of the server for each call, in microseconds.
    pub fn micros(&self) -> f64 {
        self.server.as_secs_f64() * 1e6 / (self.count.max(1) as f64)
    }

    /// The time within which this share of the answers came, in milliseconds.
    pub fn within(&self, share: f64) -> f64 {
        let at = (self.waits.len() as f64 * share).ceil() as usize;
        self.waits
            .get(at.saturating_sub(1))
            .map_or(0.0, |wait| wait.as_secs_f64() * 1000.0)
    }
}

/// Lets callers call for `span`, each after a pause of `pause`. Each has called once before the
/// clock starts.
///
/// # Errors
/// The first that a caller met.
pub fn drive(
    server: &Process,
    callers: Vec<Call<'_>>,
    span: Duration,
    pause: Duration,
) -> anyhow::Result<Done> {
    let ready = Barrier::new(callers.len() + 1);
    let go = Barrier::new(callers.len() + 1);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let threads: Vec<_> = callers
            .into_iter()
            .map(|mut call| {
                let (ready, go, stop) = (&ready, &go, &stop);
                scope.spawn(move || -> anyhow::Result<Vec<Duration>> {
                    let first = call();
                    ready.wait();
                    go.wait();
                    first?;
                    let mut waits = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let began = Instant::now();
                        call()?;
                        waits.push(began.elapsed());
                        if !pause.is_zero() {
                            thread::sleep(pause);
                        }
                    }
                    Ok(waits)
                })
            })
            .collect();
        ready.wait();
        let before = (server.cpu()?, cpu("self")?);
        let began = Instant::now();
        go.wait();
        thread::sleep(span);
        stop.store(true, Ordering::Relaxed);
        let mut waits = Vec::new();
        for one in threads {
            waits.extend(one.join().map_err(|_| anyhow!("a caller ended"))??);
        }
        let took = began.elapsed();
        let after = (server.cpu()?, cpu("self")?);
        waits.sort_unstable();
        Ok(Done {
            count: waits.len() as u64,
            took,
            server: after.0.saturating_sub(before.0),
            generator: after.1.saturating_sub(before.1),
            waits,
        })
    })
}

/// Runs `work` while callers call without a pause.
///
/// # Errors
/// The first that a caller or the work met.
pub fn beside<T>(
    callers: Vec<Call<'_>>,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let threads: Vec<_> = callers
            .into_iter()
            .map(|mut call| {
                let stop = &stop;
                scope.spawn(move || -> anyhow::Result<()> {
                    while !stop.load(Ordering::Relaxed) {
                        call()?;
                    }
                    Ok(())
                })
            })
            .collect();
        let worked = work();
        stop.store(true, Ordering::Relaxed);
        for one in threads {
            one.join().map_err(|_| anyhow!("a caller ended"))??;
        }
        worked
    })
}
