//! `gerege token`: what a token is and why it is refused, in plain words.

use clap::Subcommand;
use serde_json::json;

use super::fault::Fault;
use super::house::House;
use super::moment;
use super::out::{self, Out, State};
use super::user::read_secret;
use crate::app::App;
use crate::clock::Time;
use crate::flow::operate::token::{self as story, Kind, Report};
use crate::keys;
use crate::oauth::service::KeyOwner;

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Explain a token: who, which app, until when, why refused
    ///
    /// A token on the command line is seen by other users of this machine and
    /// stays in the shell's history; - reads it from standard input.
    #[command(
        after_help = "Examples:\n  gerege token inspect - < token.txt\n  gerege token inspect eyJ… --json"
    )]
    Inspect {
        /// The token; - reads standard input
        token: String,
    },
}

/// Does it.
pub fn run(house: &House, command: Command, out: Out) -> Result<(), Fault> {
    let Command::Inspect { token } = command;
    let token = match token.as_str() {
        "-" => read_secret(std::path::Path::new("-"))?,
        _ => zeroize::Zeroizing::new(token),
    };
    let report = house.wait(story::inspect(&house.app, &token))?;
    let verdict = verdict(&house.app, &report, &token);
    if out.json {
        out::json(&json!({
            "service_check": verdict,
            "kind": report.kind.name(),
            "good": report.is_good(),
            "why_not": report.why_not,
            "signature": report.signature,
            "username": report.account.as_ref().map(|account| &account.username),
            "client_id": report.client.as_ref().map(|client| &client.id),
            "service": report.service.as_ref().map(|service| &service.id),
            "audience": report.audience,
            "scope": report.scopes.join(" "),
            "issued_at": report.issued_at.map(Time::rfc3339),
            "expires_at": report.expires_at.map(Time::rfc3339),
            "claims": report.claims,
        }));
    } else {
        print(&report, verdict, house.app.clock.now(), out);
    }
    Ok(())
}

/// What a service says that checks the token by itself, with the keys that are published now.
fn verdict(app: &App, report: &Report, token: &str) -> Option<String> {
    let service = report
        .service
        .as_ref()
        .filter(|_| report.kind == Kind::Access)?;
    let owner = match service.keys {
        KeyOwner::Own => service.id.as_str(),
        KeyOwner::Issuer => keys::ISSUER,
    };
    let now = app.clock.now();
    let set = gerege_verify::Keys::from_jwks(&app.keys.jwks(owner, now).to_string()).ok()?;
    let verifier = gerege_verify::Verifier::new(app.config.issuer(), &service.audience, set);
    let since = std::time::Duration::from_millis(now.millis().try_into().ok()?);
    let at = std::time::UNIX_EPOCH.checked_add(since)?;
    Some(match verifier.check(token.trim(), at) {
        Ok(_) => "good".to_owned(),
        Err(refusal) => format!("refused: {refusal}"),
    })
}

fn print(report: &Report, verdict: Option<String>, now: Time, out: Out) {
    let article = if report.kind == Kind::Id || report.kind.name().starts_with(['a', 'o']) {
        "an"
    } else {
        "a"
    };
    match (report.kind, report.is_good()) {
        (Kind::Unknown, _) => out.state(State::Broken, "This is no token of this server"),
        (kind, true) => out.state(
            State::Good,
            &format!("This is {article} {}, and good", kind.name()),
        ),
        (kind, false) => out.state(
            State::Broken,
            &format!("This is {article} {}, and it is refused", kind.name()),
        ),
    }
    for why in &report.why_not {
        out::line(&format!("  because {}", out::plain(why)));
    }
    let mut lines = Vec::new();
    if let Some(account) = &report.account {
        let who = format!("{} ({})", account.username, account.name);
        lines.push(("who", who));
    } else if let Some(client) = &report.client {
        lines.push(("who", format!("no person: {} itself", client.id)));
    }
    if let Some(client) = &report.client {
        lines.push(("which app", format!("{} ({})", client.id, client.name)));
    }
    match (&report.service, &report.audience) {
        (Some(service), _) => {
            lines.push(("for", format!("{} ({})", service.id, service.audience)));
        }
        (None, Some(audience)) => lines.push(("for", audience.clone())),
        (None, None) => {}
    }
    if !report.scopes.is_empty() {
        lines.push(("it may", report.scopes.join(" ")));
    }
    if let Some(at) = report.issued_at {
        lines.push(("made", format!("{} UTC", moment(at))));
    }
    if let Some(end) = report.expires_at {
        let left = if end > now {
            format!("in {}", span(end.since(now).as_secs()))
        } else {
            format!("{} ago", span(now.since(end).as_secs()))
        };
        lines.push(("until", format!("{} UTC, {left}", moment(end))));
    }
    if let Some(signature) = &report.signature {
        lines.push(("signature", signature.clone()));
    }
    if let Some(verdict) = verdict {
        lines.push(("a service says", verdict));
    }
    out::facts(&lines);
    if !report.claims.is_empty()
        && let Ok(all) = serde_json::to_string_pretty(&report.claims)
    {
        let proved = report.kind == Kind::Opaque
            || report
                .signature
                .as_deref()
                .is_some_and(|said| said.starts_with("good"));
        out::line(if proved {
            "it says"
        } else {
            "it says, and nothing proves it"
        });
        for line in all.lines() {
            out::line(&format!("  {}", out::plain(line)));
        }
    }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
