//! The figures: what is asked of the server, for how long, and what is to be reached.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::bare;
use crate::bounded::{self, Kept};
use crate::http::{Caller, get, post};
use crate::load::{Call, Done, beside, drive};
use crate::process::{Gerege, Process, start_self};
use crate::standard;
use crate::story::{Browser, PEOPLE, Phone, machine, prepare};
use crate::table::Row;

/// Callers at the same time.
pub const CALLERS: usize = 16;
/// Each figure and its bound are taken so often, in turns; of each the best counts.
const ROUNDS: usize = 3;
/// How long each is taken.
const SPAN: Duration = Duration::from_secs(3);
/// How long a server is left alone before it counts as idle.
const SETTLE: Duration = Duration::from_secs(2);
/// How long after the load its memory is looked at.
const REST: Duration = Duration::from_secs(8);
pub const MB: f64 = 1e6;

/// Shows whoever waits that something happens.
pub fn say(what: &str) {
    // Only to show that something happens.
    let _ = writeln!(std::io::stderr(), "bench: {what}");
}

/// All of them, or only those of some sections, with commas between. What strangers leave behind is
/// asked for by itself; there `many` of each kind come.
///
/// # Errors
/// When the program does not do what it is asked.
pub fn all(
    program: &Path,
    folder: &Path,
    only: Option<&str>,
    many: Option<usize>,
) -> anyhow::Result<Vec<Row>> {
    let due = |section: &str| {
        let due = only.is_none_or(|only| only.split(',').any(|one| one == section));
        if due {
            say(section);
        }
        due
    };
    let mut rows = Vec::new();
    if due("size") {
        rows.push(size(program)?);
    }
    if due("start") {
        rows.extend(starts(program, folder)?);
    }
    if let Some(kept) = only.and_then(Kept::named) {
        return bounded::all(program, folder, kept, many);
    }
    let gerege = Gerege::new(program, folder.join("load"))?;
    let (server, _) = gerege.serve()?;
    thread::sleep(SETTLE);
    let idle = server.resident()?;
    let secrets = prepare(&gerege)?;
    // Running servers see what was put on file within a second.
    thread::sleep(Duration::from_secs(1));
    let bare = start_self("bare", &gerege.folder)?;
    let mut browsers: Vec<Browser> = (0..PEOPLE)
        .map(|n| Browser::new(server.address, n))
        .collect();
    if due("documents") {
        let path = "/.well-known/openid-configuration";
        rows.push(document(&server, &bare, path, "Discovery")?);
        rows.push(document(&server, &bare, "/jwks.json", "JWKS")?);
    }
    if due("credentials") {
        rows.push(credentials(&server, &bare, &secrets.nightly)?);
    }
    if due("refresh") {
        for (scope, algorithm) in [("chat-es", "ES256"), ("chat-rs", "RS256")] {
            let mut phones = Vec::new();
            for browser in browsers.iter_mut().take(CALLERS) {
                browser.sign_in()?;
                phones.push(Phone::new(server.address, browser.allow(scope)?.refresh));
            }
            rows.push(refresh(&server, &bare, &mut phones, algorithm)?);
        }
    }
    if due("signin") {
        rows.push(sign_ins(&server, &mut browsers)?);
    }
    if due("waits") {
        rows.extend(waits(&server, &mut browsers, &secrets.nightly)?);
    }
    if due("flood") {
        rows.push(flood(&server)?);
    }
    if due("standards") {
        // A connection of its own: those of the others have been idle for long.
        let mut browser = Browser::new(server.address, 0);
        browser.sign_in()?;
        rows.extend(standard::all(&server, &bare, &mut browser, &secrets)?);
    }
    if due("memory") {
        thread::sleep(REST);
        let loaded = server.resident()?;
        rows.push(memory("Resident memory, idle", idle, 15.0));
        rows.push(memory("Resident memory, after all of this", loaded, 70.0));
    }
    server.stop()?;
    Ok(rows)
}

fn size(program: &Path) -> anyhow::Result<Row> {
    let size = fs::metadata(program)?.len() as f64 / MB;
    Ok(Row {
        what: "The program, stripped".into(),
        measured: format!("{size:.1} MB"),
        bound: "–".into(),
        goal: "< 25 MB".into(),
        used: Some(size / 25.0),
    })
}

fn starts(program: &Path, folder: &Path) -> anyhow::Result<Vec<Row>> {
    let mut empty = Vec::new();
    let mut later = Vec::new();
    for n in 0..5 {
        let gerege = Gerege::new(program, folder.join(format!("start-{n}")))?;
        for times in [&mut empty, &mut later] {
            let (server, took) = gerege.serve()?;
            times.push(took.as_secs_f64() * 1000.0);
            server.stop()?;
        }
    }
    let row = |what: &str, mut times: Vec<f64>, goal: f64| {
        times.sort_by(f64::total_cmp);
        let middle = times.get(times.len() / 2).copied().unwrap_or(f64::MAX);
        let worst = times.last().copied().unwrap_or(f64::MAX);
        Row {
            what: what.into(),
            measured: format!("{middle:.0} ms (worst of 5: {worst:.0})"),
            bound: "–".into(),
            goal: format!("≤ {goal:.0} ms"),
            used: Some(middle / goal),
        }
    };
    Ok(vec![
        row("First page after the start, empty folder", empty, 150.0),
        row("First page after the start, later", later, 50.0),
    ])
}

/// Callers that send the same request again and again.
pub fn same<'a>(server: &Process, request: &'a [u8], callers: usize) -> Vec<Call<'a>> {
    (0..callers)
        .map(|_| {
            let mut caller = Caller::new(server.address);
            let call: Call<'a> = Box::new(move || {
                let answer = caller.send(request)?;
                // A device that polls is told to wait.
                let waits = ["slow_down", "authorization_pending"];
                let told =
                    answer.status == 400 && waits.iter().any(|word| answer.text().contains(word));
                if !told {
                    answer.expect_good()?;
                }
                Ok(())
            });
            call
        })
        .collect()
}

pub fn flat_out(server: &Process, callers: Vec<Call<'_>>) -> anyhow::Result<Done> {
    drive(server, callers, SPAN, Duration::ZERO)
}

/// The lowest of each in microseconds of CPU for each request, ours and the bound taken in turns:
/// whatever else the machine does can only make either higher.
pub fn best(
    mut ours: impl FnMut() -> anyhow::Result<Done>,
    mut bound: impl FnMut() -> anyhow::Result<Done>,
) -> anyhow::Result<(Done, Done)> {
    let lower = |one: Done, other: Done| {
        if other.micros() < one.micros() {
            other
        } else {
            one
        }
    };
    let mut best = (ours()?, bound()?);
    for _ in 1..ROUNDS {
        best = (lower(best.0, ours()?), lower(best.1, bound()?));
    }
    Ok(best)
}

fn document(server: &Process, bare: &Process, path: &str, what: &str) -> anyhow::Result<Row> {
    let (ask, ask_bare) = (get(path, ""), get("/document", ""));
    let (ours, bound) = best(
        || flat_out(server, same(server, &ask, CALLERS)),
        || flat_out(bare, same(bare, &ask_bare, CALLERS)),
    )?;
    Ok(Row {
        what: format!("{what}, CPU for each request"),
        measured: format!("{:.1} µs ({:.0}/s)", ours.micros(), ours.rate()),
        bound: format!("{:.1} µs, a bare handler with a fixed text", bound.micros()),
        goal: "≤ 15 µs".into(),
        used: Some(ours.micros() / 15.0),
    })
}

fn credentials(server: &Process, bare: &Process, secret: &str) -> anyhow::Result<Row> {
    let ask = machine(secret);
    let ask_bare = bare_token("ES256", secret);
    let (ours, bound) = best(
        || flat_out(server, same(server, &ask, CALLERS)),
        || flat_out(bare, same(bare, &ask_bare, CALLERS)),
    )?;
    let ratio = ours.micros() / bound.micros();
    Ok(Row {
        what: "client_credentials, ES256, CPU for each request".into(),
        measured: format!(
            "{:.1} µs, {ratio:.2} × ({:.0}/s)",
            ours.micros(),
            ours.rate()
        ),
        bound: format!("{:.1} µs, a bare handler that signs", bound.micros()),
        goal: "≤ 2 ×".into(),
        used: Some(ratio / 2.0),
    })
}

/// A request of the bare handler, as long as a real one.
fn bare_token(algorithm: &str, filler: &str) -> Vec<u8> {
    let path = format!("/{}", algorithm.to_ascii_lowercase());
    let fields = [("grant_type", "client_credentials"), ("filler", filler)];
    post(&path, "", &fields)
}

fn refresh(
    server: &Process,
    bare: &Process,
    phones: &mut [Phone],
    algorithm: &str,
) -> anyhow::Result<Row> {
    let ask_bare = bare_token(algorithm, "");
    let (ours, bound) = best(
        || {
            let calls = phones
                .iter_mut()
                .map(|phone| -> Call<'_> { Box::new(|| phone.refresh()) });
            flat_out(server, calls.collect())
        },
        || flat_out(bare, same(bare, &ask_bare, CALLERS)),
    )?;
    let own = ours.micros() - bound.micros();
    let (goal, used) = match algorithm {
        "ES256" => ("≤ 125 µs".into(), Some(ours.micros() / 125.0)),
        _ => ("beside its bound".into(), None),
    };
    Ok(Row {
        what: format!(
            "Refresh with rotation, on disk, {CALLERS} callers, {algorithm}, CPU for each"
        ),
        measured: format!(
            "{:.0} µs, {own:.0} over the bound ({:.0}/s)",
            ours.micros(),
            ours.rate()
        ),
        bound: format!("{:.0} µs, a bare handler that signs", bound.micros()),
        goal,
        used,
    })
}

/// Each person opens the page and sends the form, again and again.
fn signers(browsers: &mut [Browser]) -> Vec<Call<'_>> {
    browsers
        .iter_mut()
        .map(|browser| -> Call<'_> { Box::new(|| browser.sign_in()) })
        .collect()
}

fn sign_ins(server: &Process, browsers: &mut [Browser]) -> anyhow::Result<Row> {
    // The first one of each is from a new device.
    for browser in browsers.iter_mut() {
        browser.sign_in()?;
    }
    let mut bound = bare::argon2(SPAN)?;
    let mut done = flat_out(server, signers(&mut browsers[..CALLERS]))?;
    for _ in 1..ROUNDS {
        bound = bound.max(bare::argon2(SPAN)?);
        let again = flat_out(server, signers(&mut browsers[..CALLERS]))?;
        if done.rate() < again.rate() {
            done = again;
        }
    }
    let ratio = done.rate() / bound;
    Ok(Row {
        what: "Password sign-ins over HTTP, page and form".into(),
        measured: format!(
            "{:.1}/s, {ratio:.3} of the bound (load generator: {:.0} % of a core)",
            done.rate(),
            share(&done)
        ),
        bound: format!("{bound:.1}/s, bare Argon2id on all cores"),
        goal: "≥ 0.95".into(),
        used: Some(0.95 / ratio),
    })
}

/// The load generator's CPU, in per cent of a core.
fn share(done: &Done) -> f64 {
    done.generator.as_secs_f64() * 100.0 / done.took.as_secs_f64()
}

fn waits(server: &Process, browsers: &mut [Browser], secret: &str) -> anyhow::Result<Vec<Row>> {
    let asks = [
        ("Discovery", get("/.well-known/openid-configuration", "")),
        ("client_credentials", machine(secret)),
    ];
    let pause = Duration::from_millis(2);
    let span = SPAN * 2;
    let quiet = asks
        .iter()
        .map(|(_, ask)| drive(server, same(server, ask, 1), SPAN, pause))
        .collect::<anyhow::Result<Vec<Done>>>()?;
    let patient: Vec<Call<'_>> = browsers
        .iter_mut()
        .map(|browser| -> Call<'_> { Box::new(|| browser.sign_in_or_wait()) })
        .collect();
    let busy = beside(patient, || {
        // Until they stand in line.
        thread::sleep(Duration::from_secs(1));
        asks.iter()
            .map(|(_, ask)| drive(server, same(server, ask, 1), span, pause))
            .collect::<anyhow::Result<Vec<Done>>>()
    })?;
    let rows = asks.iter().zip(quiet).zip(busy);
    Ok(rows
        .map(|(((what, _), quiet), busy)| Row {
            what: format!("{what} while {PEOPLE} sign-ins wait, 99 % of answers within"),
            measured: format!(
                "{:.1} ms (half within {:.1}; load generator: {:.0} % of a core)",
                busy.within(0.99),
                busy.within(0.5),
                share(&busy)
            ),
            bound: format!("{:.1} ms with nobody waiting", quiet.within(0.99)),
            goal: "< 10 ms".into(),
            used: Some(busy.within(0.99) / 10.0),
        })
        .collect())
}

/// Six hundred people at once, more than may wait.
fn flood(server: &Process) -> anyhow::Result<Row> {
    const CROWD: usize = 600;
    let mut crowd: Vec<(Browser, String)> = Vec::new();
    for n in 0..CROWD {
        let mut browser = Browser::stranger(server.address, n);
        let form = browser.open_sign_in()?;
        crowd.push((browser, form));
    }
    let began = Instant::now();
    let answers: Vec<anyhow::Result<(u16, Option<u64>)>> = thread::scope(|scope| {
        let threads: Vec<_> = crowd
            .iter_mut()
            .map(|(browser, form)| {
                scope.spawn(|| {
                    let answer = browser.send_sign_in(form)?;
                    let wait = answer.header("retry-after").and_then(|v| v.parse().ok());
                    Ok((answer.status, wait))
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|one| {
                one.join()
                    .unwrap_or_else(|_| Err(anyhow::anyhow!("a caller ended")))
            })
            .collect()
    });
    let took = began.elapsed();
    let (mut compared, mut shed, mut told, mut other) = (0, 0, 0, 0);
    for answer in answers {
        match answer? {
            (422, _) => compared += 1,
            (503, Some(_)) => {
                shed += 1;
                told += 1;
            }
            (503, None) => shed += 1,
            _ => other += 1,
        }
    }
    let good = shed > 0 && told == shed && other == 0;
    Ok(Row {
        what: format!("{CROWD} sign-ins at once: the queue is bounded"),
        measured: format!(
            "{compared} compared, {shed} answered 503, {told} of them with Retry-After, \
             {other} otherwise, in {:.1} s",
            took.as_secs_f64()
        ),
        bound: "–".into(),
        goal: "503 with Retry-After".into(),
        used: Some(if good { 1.0 } else { 2.0 }),
    })
}

fn memory(what: &str, resident: crate::process::Resident, goal: f64) -> Row {
    let all = resident.all as f64 / MB;
    Row {
        what: what.into(),
        measured: format!(
            "{all:.1} MB, of it {:.1} MB its own (at most {:.1} so far)",
            resident.own as f64 / MB,
            resident.most as f64 / MB
        ),
        bound: "–".into(),
        goal: format!("≤ {goal:.0} MB"),
        used: Some(all / goal),
    }
}
