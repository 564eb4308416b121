//! `gerege signup`: people who wait for the operator to let them in.

use clap::Subcommand;
use serde_json::{Value, json};

use super::fault::Fault;
use super::house::House;
use super::moment;
use super::out::{self, Out};
use crate::flow::waiting::{self, Refusal, Waiting};

/// What to do with those who wait.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List those who wait, longest first
    #[command(after_help = "Examples:\n  gerege signup list")]
    List,
    /// Let someone in: a mail with a link makes the account
    #[command(after_help = "Examples:\n  gerege signup approve temuulen")]
    Approve {
        /// The username or id, from gerege signup list
        who: String,
    },
    /// Refuse someone: what they entered is deleted, and a mail says so
    #[command(
        after_help = "Examples:\n  gerege signup refuse temuulen --note 'This server is for our club.'"
    )]
    Refuse {
        /// The username or id, from gerege signup list
        who: String,
        /// Words of yours in the mail
        #[arg(
            long,
            default_value = "",
            value_name = "TEXT",
            hide_default_value = true
        )]
        note: String,
    },
}

/// Does it.
pub fn run(house: &House, command: Command, out: Out) -> Result<(), Fault> {
    match command {
        Command::List => {
            list(&house.wait(waiting::list(&house.app))?, out);
            Ok(())
        }
        Command::Approve { who } => {
            let done = house.wait(waiting::approve(&house.app, &who));
            told(
                &done.map_err(|why| fault(&who, "approve", why))?,
                "let in",
                out,
            );
            Ok(())
        }
        Command::Refuse { who, note } => {
            let done = house.wait(waiting::refuse(&house.app, &who, &note));
            told(
                &done.map_err(|why| fault(&who, "refuse", why))?,
                "refused",
                out,
            );
            Ok(())
        }
    }
}

fn facts(one: &Waiting) -> Value {
    json!({
        "id": one.id,
        "username": one.username,
        "name": one.name,
        "email": one.email,
        "note": one.note,
        "since": one.since.rfc3339(),
        "expires_at": one.expires_at.rfc3339(),
    })
}

fn list(waiting: &[Waiting], out: Out) {
    if out.json {
        let list: Vec<Value> = waiting.iter().map(facts).collect();
        return out::json(&list);
    }
    let rows: Vec<Vec<String>> = waiting
        .iter()
        .map(|one| {
            vec![
                one.username.clone(),
                one.name.clone(),
                one.email.clone(),
                moment(one.since),
                moment(one.expires_at),
                one.note.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let heads = [
        "USERNAME",
        "NAME",
        "EMAIL",
        "SINCE (UTC)",
        "UNTIL",
        "THEY SAY",
    ];
    out.table(&heads, &rows, "Nobody waits.");
}

fn fault(who: &str, verb: &str, why: Refusal) -> Fault {
    match why {
        Refusal::Store(error) => error.into(),
        Refusal::Unknown => Fault::new(
            format!("{who} does not wait"),
            format!("{why}; they may have been answered, or their 14 days are over"),
            "gerege signup list",
        ),
        Refusal::Several(ref all) => {
            let of = |one: &Waiting| format!("{} ({})", one.id, one.email);
            let all: Vec<String> = all.iter().map(of).collect();
            Fault::new(
                format!("{who} may be one or another"),
                format!("{why}: {}", all.join(", ")),
                format!("gerege signup {verb} ID"),
            )
        }
    }
}

fn told(one: &Waiting, verb: &str, out: Out) {
    if out.json {
        let mut all = facts(one);
        if let Some(map) = all.as_object_mut() {
            map.insert("done".into(), verb.into());
        }
        out::json(&all);
    } else {
        out::line(&format!(
            "{verb} {} ({}); the running server sends the mail",
            one.username, one.email
        ));
    }
}
