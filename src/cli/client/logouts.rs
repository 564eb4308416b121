//! `gerege client logouts`: which apps were told that a session ended, and which could not be.

use serde_json::{Value, json};

use crate::cli::fault::Fault;
use crate::cli::house::House;
use crate::cli::moment;
use crate::cli::out::{self, Out};
use crate::clock::Time;
use crate::flow::logout;
use crate::store::logout::Logout;

/// The longest list.
const MOST: i64 = 500;

/// Lists them, newest first: of one app or of all.
pub fn run(house: &House, id: Option<String>, out: Out) -> Result<(), Fault> {
    let all = house.wait(logout::list(&house.app, id, MOST))?;
    let at = |at: Option<i64>| at.map(|at| Time::from_millis(at).rfc3339());
    if out.json {
        let list: Vec<Value> = all
            .iter()
            .map(|one| {
                json!({
                    "client_id": one.client_id,
                    "sid": one.sid,
                    "state": state(one),
                    "ended_at": at(Some(one.created_at)),
                    "next_try_at": (state(one) == "waits").then(|| at(Some(one.due_at))),
                    "told_at": at(one.sent_at),
                    "given_up_at": at(one.failed_at),
                    "tries": one.tries,
                    "said": one.said,
                })
            })
            .collect();
        out::json(&list);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|one| {
            vec![
                one.client_id.clone(),
                moment(Time::from_millis(one.created_at)),
                state(one).to_owned(),
                one.tries.to_string(),
                match state(one) {
                    "waits" => moment(Time::from_millis(one.due_at)),
                    _ => String::new(),
                },
                one.said.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let heads = [
        "APP",
        "SIGNED OUT (UTC)",
        "STATE",
        "TRIES",
        "NEXT TRY",
        "THE APP SAID",
    ];
    out.table(&heads, &rows, "No app was to be told of a sign-out lately.");
    Ok(())
}

fn state(one: &Logout) -> &'static str {
    match (one.sent_at, one.failed_at) {
        (Some(_), _) => "told",
        (None, Some(_)) => "given up",
        (None, None) => "waits",
    }
}
