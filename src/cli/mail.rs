//! `gerege mail`: try it, see what waits, try again.

use clap::Subcommand;
use serde_json::{Value, json};

use super::fault::Fault;
use super::house::House;
use super::out::{self, Out};
use super::{count, moment};
use crate::account::Email;
use crate::clock::Time;
use crate::flow::operate::mail::{self as story, Refusal};
use crate::mail::Failure;

/// What to do with mail.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Send a letter now and repeat the mail server's own words
    #[command(after_help = "Examples:\n  gerege mail test you@mail.example")]
    Test {
        /// Where to
        address: String,
    },
    /// List letters that are not sent
    #[command(after_help = "Examples:\n  gerege mail queue")]
    Queue,
    /// Have the running server send letters again now: one, or all
    #[command(after_help = "Examples:\n  gerege mail retry\n  gerege mail retry ID")]
    Retry {
        /// The letter's id, from gerege mail queue
        id: Option<String>,
    },
}

/// The longest list.
const MOST: i64 = 500;

/// Does it.
pub fn run(house: &House, command: Command, out: Out) -> Result<(), Fault> {
    match command {
        Command::Test { address } => test(house, &address, out),
        Command::Queue => queue(house, out),
        Command::Retry { id } => {
            let put = house.wait(story::retry(&house.app, id.clone()))?;
            if put == 0
                && let Some(id) = &id
            {
                return Err(Fault::new(
                    format!("{id} was not put back"),
                    "no letter with this id waits: it was sent, or is being sent now",
                    "gerege mail queue",
                ));
            }
            if out.json {
                out::json(&json!({ "due": put }));
            } else {
                let letters = count(put, "letter", "letters");
                out::line(&format!(
                    "{letters} will be tried by the running server now"
                ));
            }
            Ok(())
        }
    }
}

fn test(house: &House, address: &str, out: Out) -> Result<(), Fault> {
    let config = &house.app.config;
    let to = Email::parse(address).map_err(|_| {
        Fault::usage(
            "nothing was sent",
            format!("{address} is not an e-mail address"),
            "gerege mail test you@mail.example",
        )
    })?;
    let caught = config.dev || config.mail.host.is_none();
    let server = match &config.mail.host {
        Some(host) if !caught => format!("{host}:{}", config.mail.port),
        _ => config.data_dir.join("mail").display().to_string(),
    };
    match house.wait(story::test(&house.app, &to)) {
        Ok(sent) => {
            if out.json {
                out::json(&json!({
                    "sent": !caught,
                    "caught": caught,
                    "server": server,
                    "said": sent.said,
                }));
            } else if caught {
                out::line(&format!("caught in {server}: {}", out::plain(&sent.said)));
                out::line("Nothing left this machine: no mail server is in use here.");
            } else {
                out::line(&format!(
                    "{server} took it and said: {}",
                    out::plain(&sent.said)
                ));
                out::line("If it does not arrive, look at its spam folder, then at that server.");
            }
            Ok(())
        }
        Err(refusal) => {
            let fix = match &refusal {
                Refusal::Failure(Failure::Refused { .. }) => {
                    "read the server's words; mail.from must be an address that it may send for"
                }
                Refusal::Failure(failure) if failure.is_in_the_clear() => {
                    "this port does not begin with TLS: set mail.security to \"starttls\", or \
                     mail.port to 465"
                }
                Refusal::Failure(Failure::Later {
                    code: Some(400..=499),
                    ..
                }) => "wait as the server's words say, and try again",
                Refusal::Failure(_) => {
                    "gerege config show --all: mail.host, mail.port, mail.security, mail.username"
                }
                _ => "gerege doctor",
            };
            Err(Fault::new(
                format!("{server} did not take the letter"),
                refusal,
                fix,
            ))
        }
    }
}

fn queue(house: &House, out: Out) -> Result<(), Fault> {
    let items = house.wait(story::queue(&house.app, MOST))?;
    let now = house.app.clock.now();
    let at = |at: Option<i64>| at.map(|at| Time::from_millis(at).rfc3339());
    if out.json {
        let list: Vec<Value> = items
            .iter()
            .map(|item| {
                json!({
                    "id": item.id,
                    "kind": item.kind,
                    "to": item.recipient,
                    "created_at": at(Some(item.created_at)),
                    "next_try_at": item.failed_at.is_none().then(|| at(Some(item.due_at))),
                    "given_up_at": at(item.failed_at),
                    "being_sent": item.is_on_its_way(now),
                    "tries": item.tries,
                    "said": item.said,
                })
            })
            .collect();
        out::json(&list);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| {
            vec![
                item.id.clone(),
                item.kind.clone(),
                item.recipient.clone(),
                moment(Time::from_millis(item.created_at)),
                item.tries.to_string(),
                match item.failed_at {
                    Some(_) => "given up".to_owned(),
                    None if item.is_on_its_way(now) => "being sent".to_owned(),
                    None => moment(Time::from_millis(item.due_at)),
                },
                item.said.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let heads = [
        "ID",
        "KIND",
        "TO",
        "WRITTEN",
        "TRIES",
        "NEXT TRY",
        "THE SERVER SAID",
    ];
    out.table(&heads, &rows, "Nothing waits.");
    Ok(())
}
