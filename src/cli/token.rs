//! `gerege token`: what a token is and why it is refused, in plain words.

use clap::Subcommand;
use serde_json::json;

use super::fault::Fault;
use super::house::House;
use super::moment;
use super::out::{self, Out, State};
use super::user::read_secret;
use crate::clock::Time;
use crate::flow::operate::token::{self as story, Kind, Report};

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
    if out.json {
        out::json(&json!({
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
        print(&report, house.app.clock.now(), out);
    }
    Ok(())
}

fn print(report: &Report, now: Time, out: Out) {
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
    } else if let Some(sub) = report.claims.get("sub").and_then(|sub| sub.as_str()) {
        lines.push(("who", format!("no person: {sub}")));
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
    out::facts(&lines);
    if !report.claims.is_empty()
        && let Ok(all) = serde_json::to_string_pretty(&report.claims)
    {
        out::line("it says");
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
