//! `gerege client logouts` and `gerege client pings`: which apps were told that a session ended, or
//! that a person decided what they asked, and which could not be.

use serde_json::{Map, Value, json};

use crate::cli::fault::Fault;
use crate::cli::house::House;
use crate::cli::moment;
use crate::cli::out::{self, Out};
use crate::clock::Time;
use crate::flow::{ciba, logout};

/// The longest list.
const MOST: i64 = 500;

/// One thing that an app is told. Times in milliseconds.
struct News {
    app: String,
    /// When it happened.
    at: Option<i64>,
    sent_at: Option<i64>,
    /// When it is tried again; `None` where nobody tries any more.
    due_at: Option<i64>,
    tries: i64,
    /// What the app answered.
    said: Option<String>,
    /// Members of its own in JSON.
    more: Value,
}

impl News {
    fn state(&self) -> &'static str {
        match (self.sent_at, self.due_at) {
            (Some(_), _) => "told",
            (None, None) => "given up",
            (None, Some(_)) => "waits",
        }
    }

    fn json(&self) -> Map<String, Value> {
        let own = json!({
            "client_id": self.app,
            "state": self.state(),
            "next_try_at": stamp(self.due_at),
            "told_at": stamp(self.sent_at),
            "tries": self.tries,
            "said": self.said,
        });
        let members = [own, self.more.clone()];
        let members = members.into_iter().filter_map(|all| match all {
            Value::Object(all) => Some(all),
            _ => None,
        });
        members.flatten().collect()
    }

    fn row(&self) -> Vec<String> {
        let day = |at: Option<i64>| at.map_or(String::new(), |at| moment(Time::from_millis(at)));
        vec![
            self.app.clone(),
            day(self.at),
            self.state().to_owned(),
            self.tries.to_string(),
            day(self.due_at),
            self.said.clone().unwrap_or_default(),
        ]
    }
}

fn stamp(at: Option<i64>) -> Option<String> {
    at.map(|at| Time::from_millis(at).rfc3339())
}

/// Lists sign-outs, newest first: of one app or of all.
///
/// # Errors
/// [`Fault`].
pub fn logouts(house: &House, id: Option<String>, out: Out) -> Result<(), Fault> {
    let all = house.wait(logout::list(&house.app, id, MOST))?;
    let news = all.into_iter().map(|one| News {
        at: Some(one.created_at),
        sent_at: one.sent_at,
        due_at: (one.sent_at.is_none() && one.failed_at.is_none()).then_some(one.due_at),
        tries: one.tries,
        more: json!({
            "sid": one.sid,
            "ended_at": stamp(Some(one.created_at)),
            "given_up_at": stamp(one.failed_at),
        }),
        app: one.client_id,
        said: one.said,
    });
    let none = "No app was to be told of a sign-out lately.";
    show(&news.collect::<Vec<_>>(), "SIGNED OUT (UTC)", none, out);
    Ok(())
}

/// Lists decisions, newest first: of one app or of all.
///
/// # Errors
/// [`Fault`].
pub fn pings(house: &House, id: Option<String>, out: Out) -> Result<(), Fault> {
    let all = house.wait(ciba::list(&house.app, id, MOST))?;
    let news = all.into_iter().map(|one| News {
        at: one.decided_at,
        sent_at: one.pinged_at,
        due_at: one.ping_at,
        tries: one.ping_tries,
        more: json!({ "decided_at": stamp(one.decided_at) }),
        app: one.client_id,
        said: one.ping_said,
    });
    let none = "No app was to be told of a decision lately.";
    show(&news.collect::<Vec<_>>(), "DECIDED (UTC)", none, out);
    Ok(())
}

fn show(all: &[News], happened: &str, none: &str, out: Out) {
    if out.json {
        out::json(&all.iter().map(News::json).collect::<Vec<_>>());
        return;
    }
    let rows: Vec<Vec<String>> = all.iter().map(News::row).collect();
    let heads = [
        "APP",
        happened,
        "STATE",
        "TRIES",
        "NEXT TRY",
        "THE APP SAID",
    ];
    out.table(&heads, &rows, none);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_wait_until_told_or_given_up() {
        let news = |sent_at, due_at| News {
            app: "forum".into(),
            at: Some(0),
            sent_at,
            due_at,
            tries: 2,
            said: Some("503".into()),
            more: json!({ "sid": "s" }),
        };
        for (sent_at, due_at, state, next) in [
            (None, Some(60_000), "waits", "1970-01-01 00:01"),
            (Some(1), None, "told", ""),
            (None, None, "given up", ""),
        ] {
            let one = news(sent_at, due_at);
            let row = ["forum", "1970-01-01 00:00", state, "2", next, "503"];
            assert_eq!(one.row(), row);
            let json = one.json();
            assert_eq!(json["state"], state);
            assert_eq!(json["next_try_at"].is_null(), due_at.is_none());
            assert!(json["sid"] == "s" && json.len() == 7);
        }
    }
}
