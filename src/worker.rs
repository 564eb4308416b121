//! What happens by itself: the outbox is sent, what has run out is swept, keys are kept ready.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::App;
use crate::clock::Time;
use crate::flow::{ciba, health, keyring, letter, logout, recover};
use crate::keys;
use crate::mail::{self, Failure};
use crate::store::outbox::Item;
use crate::store::{self, Error};

/// How often the worker looks when nothing rings.
const BEAT: Duration = Duration::from_millis(500);
/// How long a letter can take, from its first word to what was said being written down.
const LONGEST: Duration = Duration::from_secs(mail::LONGEST.as_secs() + 10);
const _: () = assert!(store::outbox::LEASE.as_secs() > LONGEST.as_secs());
/// Letters sent side by side.
const AT_ONCE: usize = 16;
/// How often what has run out is swept.
const SWEEP: Duration = Duration::from_secs(60);
/// How many idle browsers are removed in one transaction.
const AT_A_TIME: usize = 1000;
/// How often what has to be looked for is tidied.
const TIDY: Duration = Duration::from_secs(3600);
/// How long what came once is remembered after its time: by another process's clock, behind this
/// one's, it may still come. Other rows open nothing once they are gone.
const KEEP_SEEN: Duration = Duration::from_secs(60);
/// How long ended rows stay, so that a late replay still meets them.
const KEEP: Duration = Duration::from_secs(24 * 3600);
/// How long what ran out stays where an app asks every few seconds: it is told so once, and stops.
const KEEP_POLLED: Duration = Duration::from_secs(3600);
/// How long sent and given-up letters stay on the list.
const KEEP_LETTERS: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long known devices are remembered.
const KEEP_DEVICES: Duration = Duration::from_secs(400 * 24 * 3600);
/// How long retired public keys are kept, for old ID token hints (PROTOCOL 3).
const KEEP_KEYS: Duration = Duration::from_secs(400 * 24 * 3600);

/// Runs until `stop` says so.
pub async fn run(app: Arc<App>, stop: watch::Receiver<bool>) {
    // Apart: neither an app that does not answer nor much to sweep may hold up the mail, nor a slow
    // mail server the keys.
    tokio::join!(
        keep_clean(app.clone(), stop.clone()),
        tell_apps(app.clone(), stop.clone()),
        ping_apps(app.clone(), stop.clone()),
        send_mail(app.clone(), stop.clone()),
        keep_house(app, stop)
    );
}

/// What does not work now is tried again with the next beat. An outage has its own line.
fn failed(error: &Error, what: &'static str) {
    if !matches!(error, Error::Away(_)) {
        tracing::warn!(%error, what, "work.failed");
    }
}

async fn tell_apps(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut telling = logout::Telling::default();
    let warn = |told: Result<_, Error>| {
        if let Err(error) = told {
            failed(&error, "logouts");
        }
    };
    while !*stop.borrow() {
        warn(telling.begin(&app).await.map(|_| ()));
        tokio::select! {
            Some(ended) = telling.ended() => warn(ended),
            () = tokio::time::sleep(BEAT) => {}
            _ = stop.changed() => {}
        }
    }
    // What was begun is noted, so that nobody is told twice.
    while let Some(ended) = telling.ended().await {
        warn(ended);
    }
}

async fn ping_apps(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = ciba::send_due(&app).await {
            failed(&error, "pings");
        }
        tokio::select! {
            () = tokio::time::sleep(BEAT) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn keep_clean(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut tidied: Option<Time> = None;
    while !*stop.borrow() {
        let now = app.clock.now();
        if let Err(error) = sweep(&app, now).await {
            failed(&error, "sweep");
        }
        if tidied.is_none_or(|at| now.since(at) >= TIDY) {
            if let Err(error) = tidy(&app, now).await {
                failed(&error, "tidy");
            }
            tidied = Some(now);
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn keep_house(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut clock_set: Option<Time> = None;
    // Not waited for: pages need none of it, and whoever signs before it is done waits as long.
    tokio::task::spawn_blocking(keys::seed);
    while !*stop.borrow() {
        if let Err(error) = keyring::refresh(&app).await {
            match error {
                keyring::Error::Store(error) => failed(&error, "keys"),
                error => tracing::warn!(%error, "keys"),
            }
        }
        let now = app.clock.now();
        if clock_set.is_none_or(|at| now.since(at) >= health::CLOCK) {
            if let Err(error) = health::set_clock(&app).await {
                failed(&error, "clock");
            }
            clock_set = Some(app.clock.now());
        }
        tokio::select! {
            () = tokio::time::sleep(BEAT) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn send_mail(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut sending = Sending::default();
    let warn = |sent: Result<_, Error>| {
        if let Err(error) = sent {
            failed(&error, "outbox");
        }
    };
    while !*stop.borrow() {
        warn(sending.begin(&app).await.map(|_| ()));
        tokio::select! {
            Some(ended) = sending.ended() => warn(ended),
            () = app.post.notified() => {}
            () = tokio::time::sleep(BEAT) => {}
            _ = stop.changed() => {}
        }
    }
    // What was begun is noted, so that nobody gets it twice.
    while let Some(ended) = sending.ended().await {
        warn(ended);
    }
}

/// Letters that are being sent, by this process: nobody waits for the slowest.
#[derive(Default)]
pub struct Sending {
    letters: JoinSet<Result<(), Error>>,
}

impl Sending {
    /// Begins to send the letters that are due, as far as there are places; gives how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin(&mut self, app: &Arc<App>) -> Result<usize, Error> {
        let free = AT_ONCE.saturating_sub(self.letters.len());
        if free == 0 {
            return Ok(0);
        }
        let now = app.clock.now();
        let due = app.store.read(move |c| store::outbox::is_due(c, now));
        if !due.await? {
            return Ok(0);
        }
        let most = i64::try_from(free).unwrap_or(i64::MAX);
        let items = app
            .store
            .write(move |c| store::outbox::lease(c, most, now))
            .await?;
        let begun = items.len();
        for item in items {
            let app = app.clone();
            self.letters.spawn(async move {
                let said = send(&app, &item, now).await?;
                note(&app, &item, &said.into()).await
            });
        }
        Ok(begun)
    }

    /// Waits until one of them is sent, or could not be; `None` when there is none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ended(&mut self) -> Option<Result<(), Error>> {
        let ended = self.letters.join_next().await?;
        Some(ended.unwrap_or_else(|error| Err(Error::Broken(error.to_string()))))
    }
}

/// Takes over the letters of processes that were gone at `since`, when this one had the database
/// alone: nobody waits for their leases to run out.
///
/// # Errors
/// When the database does not answer.
pub async fn take_over(app: &App, since: Time) -> Result<usize, Error> {
    let now = app.clock.now();
    let released = app
        .store
        .write(move |c| store::outbox::release(c, since, now));
    released.await
}

/// Sends what is due now and waits for all of it; gives how many letters were tried.
///
/// # Errors
/// When the database does not answer.
pub async fn send_due(app: &Arc<App>) -> Result<usize, Error> {
    let mut sending = Sending::default();
    let tried = sending.begin(app).await?;
    while let Some(ended) = sending.ended().await {
        ended?;
    }
    Ok(tried)
}

enum Said {
    Taken(String),
    Nobody,
    Gone,
    Failed(Failure),
    /// Nothing was: before it was written it had nearly become the next one's.
    Late,
}

async fn send(app: &Arc<App>, item: &Item, now: Time) -> Result<Said, Error> {
    if item.secret_ends_at.is_some_and(|end| end <= now.millis()) {
        return Ok(Said::Gone); // an expired secret is never sent
    }
    if item.recipient == recover::NOBODY {
        return Ok(match app.mailer.reach(&letter::from(app)).await {
            Ok(()) => Said::Nobody,
            Err(failure) => Said::Failed(failure),
        });
    }
    let (house, own) = (app.clone(), item.clone());
    let written = tokio::task::spawn_blocking(move || letter::write(&house, &own, now))
        .await
        .map_err(|error| Error::Broken(error.to_string()))?;
    Ok(match written {
        Ok(_) if !item.is_kept_until(app.clock.now().plus(LONGEST)) => Said::Late,
        Ok(letter) => match app.mailer.send(&letter).await {
            Ok(sent) => Said::Taken(sent.said),
            Err(failure) => Said::Failed(failure),
        },
        Err(letter::Unwritten::Gone) => Said::Gone,
        Err(error) => {
            tracing::error!(%error, kind = item.kind, "letter");
            Said::Failed(Failure::Later {
                code: None,
                said: "the letter could not be written".into(),
            })
        }
    })
}

/// Writes down what was said, for as long as the letter is this process's: a database that is away
/// for a moment sends no letter twice.
async fn note(app: &App, item: &Item, said: &Arc<Said>) -> Result<(), Error> {
    loop {
        match note_once(app, item.clone(), said.clone()).await {
            Err(Error::Away(_) | Error::Busy(_)) if item.is_kept_until(app.clock.now()) => {
                tokio::time::sleep(BEAT).await;
            }
            noted => return noted,
        }
    }
}

async fn note_once(app: &App, item: Item, said: Arc<Said>) -> Result<(), Error> {
    let now = app.clock.now();
    let domain = item
        .recipient
        .rsplit_once('@')
        .map_or("", |(_, domain)| domain)
        .to_owned();
    let keep = app.config.mail.retry_ttl;
    app.store
        .write(move |c| match &*said {
            Said::Taken(said) => {
                tracing::info!(kind = item.kind, to = domain, "mail.sent");
                store::outbox::sent(c, &item.id, said, now)
            }
            // Kept like one that went out: it tells the same of the mail server.
            Said::Nobody => store::outbox::sent(c, &item.id, "", now),
            Said::Late => Ok(()),
            Said::Gone => store::outbox::delete(c, &item.id),
            Said::Failed(Failure::Refused { code, said }) => {
                // The server's words often repeat the address: they stand in the outbox only.
                tracing::error!(kind = item.kind, to = domain, code, "mail.refused");
                store::outbox::unsent(c, &item.id, &format!("{code} {said}"), None, now)
            }
            Said::Failed(Failure::Malformed { field }) => {
                tracing::error!(kind = item.kind, field, "mail.malformed");
                store::outbox::unsent(c, &item.id, "the letter cannot be sent as it is", None, now)
            }
            Said::Failed(Failure::Later { code, said }) => {
                // With its code, where a server was there to give one.
                let said = &code.map_or_else(|| said.clone(), |code| format!("{code} {said}"));
                let again = mail::retry(
                    u32::try_from(item.tries).unwrap_or(u32::MAX),
                    item.created_at.into(),
                    item.secret_ends_at.map(Time::from_millis),
                    keep,
                    now,
                );
                tracing::warn!(
                    kind = item.kind,
                    to = domain,
                    tries = item.tries,
                    "mail.later"
                );
                store::outbox::unsent(c, &item.id, said, again, now)
            }
        })
        .await
}

/// Removes what has run out, a few rows in each transaction, so that nobody who writes waits long;
/// gives how many rows.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep(app: &App, now: Time) -> Result<usize, Error> {
    let (before, seen) = (now.minus(KEEP), now.minus(KEEP_SEEN));
    let polled = now.minus(KEEP_POLLED);
    let letters = now.minus(KEEP_LETTERS);
    let log = now.minus(app.config.privacy.security_log_ttl);
    let steps: [Step; 15] = [
        Box::new(move |c| store::draft::sweep(c, now)),
        Box::new(move |c| store::request::sweep(c, now)),
        Box::new(move |c| store::pending::sweep(c, polled, before)),
        Box::new(move |c| store::pushed::sweep(c, now)),
        Box::new(move |c| store::reset::sweep(c, now)),
        Box::new(move |c| store::address::sweep(c, now)),
        Box::new(move |c| store::counter::sweep(c, seen)),
        Box::new(move |c| store::status::sweep(c, now)),
        Box::new(move |c| store::grant::sweep(c, before)),
        Box::new(move |c| store::logout::sweep(c, letters)),
        Box::new(move |c| store::registered::sweep(c, now)),
        Box::new(move |c| store::browser::sweep(c, before, now.minus(KEEP_DEVICES))),
        Box::new(move |c| store::outbox::sweep(c, letters)),
        Box::new(move |c| store::event::sweep(c, log)),
        Box::new(move |c| store::key::sweep(c, now.minus(KEEP_KEYS))),
    ];
    let mut gone = 0;
    for step in steps {
        gone += drain(app, step).await?;
    }
    Ok(gone)
}

/// What is swept.
type Step = Box<dyn Fn(&mut store::Conn<'_>) -> Result<usize, Error> + Send + Sync>;

/// Repeats a step until nothing is left.
async fn drain(app: &App, step: Step) -> Result<usize, Error> {
    let (step, mut gone) = (Arc::new(step), 0);
    loop {
        let once = step.clone();
        match app.store.write(move |c| once(c)).await? {
            0 => return Ok(gone),
            few => gone += few,
        }
    }
}

/// Removes what has to be looked for among what is kept: browsers without a session, and apps that
/// nobody let in; gives how many.
///
/// # Errors
/// When the database does not answer.
pub async fn tidy(app: &App, now: Time) -> Result<usize, Error> {
    let before = now.minus(KEEP);
    let idle = app
        .store
        .read(move |c| store::browser::idle(c, before))
        .await?;
    let mut gone = 0;
    for few in idle.chunks(AT_A_TIME) {
        let few = few.to_vec();
        gone += app
            .store
            .write(move |c| store::browser::remove_idle(c, &few, before))
            .await?;
    }
    let unused = app.config.registration.unused_ttl;
    if !unused.is_zero() {
        let step =
            move |c: &mut store::Conn<'_>| store::registered::sweep_unused(c, now.minus(unused));
        gone += drain(app, Box::new(step)).await?;
    }
    Ok(gone)
}
