//! `gerege client pings`: which apps were told that a person decided what they asked, and which
//! could not be.

use serde_json::{Value, json};

use crate::cli::fault::Fault;
use crate::cli::house::House;
use crate::cli::moment;
use crate::cli::out::{self, Out};
use crate::clock::Time;
use crate::flow::ciba;
use crate::store::pending::Ping;

/// The longest list.
const MOST: i64 = 500;

/// Lists them, newest first: of one app or of all.
pub fn run(house: &House, id: Option<String>, out: Out) -> Result<(), Fault> {
    let all = house.wait(ciba::list(&house.app, id, MOST))?;
    let at = |at: Option<i64>| at.map(|at| Time::from_millis(at).rfc3339());
    if out.json {
        let list: Vec<Value> = all
            .iter()
            .map(|one| {
                json!({
                    "client_id": one.client_id,
                    "state": state(one),
                    "decided_at": at(one.decided_at),
                    "next_try_at": at(one.ping_at),
                    "told_at": at(one.pinged_at),
                    "tries": one.ping_tries,
                    "said": one.ping_said,
                })
            })
            .collect();
        out::json(&list);
        return Ok(());
    }
    let day = |at: Option<i64>| at.map_or(String::new(), |at| moment(Time::from_millis(at)));
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|one| {
            vec![
                one.client_id.clone(),
                day(one.decided_at),
                state(one).to_owned(),
                one.ping_tries.to_string(),
                day(one.ping_at),
                one.ping_said.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let heads = [
        "APP",
        "DECIDED (UTC)",
        "STATE",
        "TRIES",
        "NEXT TRY",
        "THE APP SAID",
    ];
    out.table(&heads, &rows, "No app was to be told of a decision lately.");
    Ok(())
}

fn state(one: &Ping) -> &'static str {
    match (one.pinged_at, one.ping_at) {
        (Some(_), _) => "told",
        (None, None) => "given up",
        (None, Some(_)) => "waits",
    }
}
