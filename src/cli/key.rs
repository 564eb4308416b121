//! `gerege key`: signing keys.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::algorithm;
use super::fault::Fault;
use super::house::House;
use super::moment;
use super::out::{self, Out};
use crate::clock::Time;
use crate::flow::operate::key::{self as story, Refusal, When};
use crate::keys;
use crate::oauth::service::Algorithm;
use crate::store::key::Row;

/// What to do with signing keys.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List signing keys and what each is doing
    #[command(after_help = "Examples:\n  gerege key list\n  gerege key list --json")]
    List,
    /// Bring in a new key: published now, signing in a week
    #[command(
        after_help = "Examples:\n  gerege key rotate\n  gerege key rotate --owner chat --now\n  gerege key rotate --compromised"
    )]
    Rotate(Rotate),
}

/// Which keys, and how fast.
#[derive(Debug, Args)]
pub struct Rotate {
    /// issuer, or the id of a service with keys of its own
    #[arg(long, default_value = keys::ISSUER, value_name = "OWNER")]
    owner: String,
    /// Only this algorithm; else all that the owner has
    #[arg(long, value_name = "ALG", value_parser = algorithm)]
    algorithm: Option<Algorithm>,
    /// Sign with the new key now; the old one stays published for a while
    #[arg(long, conflicts_with = "compromised")]
    now: bool,
    /// Someone may have the key: sign with a new one now, unpublish the old
    #[arg(long)]
    compromised: bool,
}

/// Does it.
pub fn run(house: &House, command: Command, out: Out) -> Result<(), Fault> {
    match command {
        Command::List => list(house, out),
        Command::Rotate(rotate) => turn(house, &rotate, out),
    }
}

fn state(row: &Row, now: Time) -> &'static str {
    let past = |at: Option<i64>| at.is_some_and(|at| at <= now.millis());
    if past(row.gone_at) {
        "gone"
    } else if past(row.retired_at) {
        "retired"
    } else if row.active_at > now.millis() {
        "next"
    } else {
        "signs"
    }
}

fn list(house: &House, out: Out) -> Result<(), Fault> {
    let rows = house.wait(story::list(&house.app))?;
    let now = house.app.clock.now();
    let at = |at: Option<i64>| at.map(|at| Time::from_millis(at).rfc3339());
    if out.json {
        let list: Vec<Value> = rows
            .iter()
            .map(|row| {
                json!({
                    "kid": row.kid,
                    "owner": row.owner,
                    "algorithm": row.algorithm,
                    "state": state(row, now),
                    "created_at": at(Some(row.created_at)),
                    "active_at": at(Some(row.active_at)),
                    "retired_at": at(row.retired_at),
                    "gone_at": at(row.gone_at),
                })
            })
            .collect();
        out::json(&list);
        return Ok(());
    }
    let short = |at: Option<i64>| at.map_or_else(String::new, |at| moment(Time::from_millis(at)));
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            vec![
                row.owner.clone(),
                row.algorithm.clone(),
                state(row, now).to_owned(),
                short(Some(row.active_at)),
                short(row.retired_at),
                short(row.gone_at),
                row.kid.clone(),
            ]
        })
        .collect();
    let heads = [
        "OWNER",
        "ALGORITHM",
        "STATE",
        "SIGNS FROM",
        "UNTIL",
        "PUBLISHED UNTIL",
        "KID",
    ];
    out.table(&heads, &lines, "No key yet; gerege serve makes them");
    Ok(())
}

fn turn(house: &House, rotate: &Rotate, out: Out) -> Result<(), Fault> {
    let when = if rotate.compromised {
        When::Compromised
    } else if rotate.now {
        When::Now
    } else {
        When::Ahead
    };
    let turned = house
        .wait(story::rotate(
            &house.app,
            &rotate.owner,
            rotate.algorithm,
            when,
        ))
        .map_err(|refusal| {
            let fix = match &refusal {
                Refusal::Owner(_) => "gerege service list tells which services have own keys",
                Refusal::Algorithm(..) => "gerege key list",
                Refusal::Store(_) | Refusal::Keys(_) => "gerege doctor",
            };
            Fault::new("no key was changed", refusal, fix)
        })?;
    if out.json {
        let mut list: Vec<Value> = (turned.turns)
            .iter()
            .map(|turn| {
                json!({
                    "owner": rotate.owner,
                    "algorithm": keys::name(turn.algorithm),
                    "kid": turn.kid,
                    "active_at": turn.active_at.rfc3339(),
                    "was_published": turn.waited,
                    "replaces": turn.before,
                })
            })
            .collect();
        if !turned.left.is_empty() {
            list.push(json!({ "owner": rotate.owner, "kid": null, "replaces": turned.left }));
        }
        out::json(&list);
        return Ok(());
    }
    for turn in &turned.turns {
        let what = match (when, turn.waited) {
            (When::Ahead, true) => "was published already and signs from",
            (When::Ahead, false) => "is published and signs from",
            _ => "signs from",
        };
        out::line(&format!(
            "{} {}: {} {what} {}",
            rotate.owner,
            keys::name(turn.algorithm),
            turn.kid,
            moment(turn.active_at)
        ));
        if when == When::Compromised {
            for kid in &turn.before {
                out::line(&format!(
                    "  {kid} is published no more; its tokens are refused"
                ));
            }
        }
    }
    for kid in &turned.left {
        out::line(&format!(
            "{}: {kid}, which signed nothing any more, is published no more; its tokens are refused",
            rotate.owner
        ));
    }
    if when == When::Compromised {
        out.warn(
            "services that hold a copy of the old key go on trusting it until they read the key \
             set again: restart them, or give them the new key file",
        );
    }
    Ok(())
}
