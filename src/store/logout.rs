//! Which apps a session signed in to, and which are to be told that it ended.

use std::collections::HashSet;
use std::time::Duration;

use diesel::prelude::*;

use super::engine::{db, swept};
use super::schema::{logout, registered, session_client};
use super::{Conn, Error};
use crate::clock::Time;

/// An app that is to be told that a session ended. One for each session and app.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = logout)]
pub struct Logout {
    /// The session.
    pub sid: String,
    /// The app.
    pub client_id: String,
    /// Whose session it was.
    pub account_id: String,
    /// When it ended, milliseconds since 1970.
    pub created_at: i64,
    /// When the app is told next, milliseconds since 1970.
    pub due_at: i64,
    /// When the session would have ended by itself, milliseconds since 1970.
    pub ends_at: i64,
    /// How often it was tried.
    pub tries: i64,
    /// When the app took it.
    pub sent_at: Option<i64>,
    /// When it was given up.
    pub failed_at: Option<i64>,
    /// What the app answered last.
    pub said: Option<String>,
}

/// Notes that a session signed in to an app.
pub fn visit(c: &mut Conn<'_>, sid: &str, client_id: &str) -> Result<(), Error> {
    db!(c, conn => diesel::insert_into(session_client::table)
        .values((session_client::sid.eq(sid), session_client::client_id.eq(client_id)))
        .on_conflict_do_nothing()
        .execute(conn))?;
    Ok(())
}

/// The apps that a session signed in to.
pub fn visited(c: &mut Conn<'_>, sid: &str) -> Result<Vec<String>, Error> {
    let query = session_client::table
        .filter(session_client::sid.eq(sid))
        .order(session_client::client_id)
        .select(session_client::client_id);
    Ok(db!(c, conn => query.load(conn))?)
}

/// Adds one; one that is there already stays.
pub fn add(c: &mut Conn<'_>, new: &Logout) -> Result<(), Error> {
    db!(c, conn => diesel::insert_into(logout::table)
        .values(new)
        .on_conflict_do_nothing()
        .execute(conn))?;
    Ok(())
}

/// Whether any is due; what the worker asks before it takes the writer's time.
pub fn is_due(c: &mut Conn<'_>, now: Time) -> Result<bool, Error> {
    let query = diesel::select(diesel::dsl::exists(
        logout::table
            .filter(logout::sent_at.is_null())
            .filter(logout::failed_at.is_null())
            .filter(logout::due_at.le(now.millis())),
    ));
    Ok(db!(c, conn => query.get_result(conn))?)
}

/// Whose apps are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Those that the operator registered.
    Operator,
    /// Those that registered themselves, or are known by a document.
    Strangers,
}

/// Leases up to `limit` that are due, one for each app and none for those in `busy`: each is put
/// off by `lease`, so that no second process sends it meanwhile.
pub fn lease(
    c: &mut Conn<'_>,
    queue: Queue,
    busy: &HashSet<String>,
    limit: usize,
    lease: Duration,
    now: Time,
) -> Result<Vec<Logout>, Error> {
    use diesel::dsl::min;
    let rows = i64::try_from(limit.saturating_add(busy.len())).unwrap_or(i64::MAX);
    let due = logout::table
        .filter(logout::sent_at.is_null())
        .filter(logout::failed_at.is_null())
        .filter(logout::due_at.le(now.millis()));
    let apps = due
        .group_by(logout::client_id)
        .order(min(logout::due_at))
        .limit(rows)
        .select(logout::client_id);
    let strangers = || registered::table.select(registered::client_id);
    let apps: Vec<String> = match queue {
        Queue::Operator => {
            let apps = apps.filter(logout::client_id.ne_all(strangers()));
            db!(c, conn => apps.load(conn))?
        }
        Queue::Strangers => {
            let apps = apps.filter(logout::client_id.eq_any(strangers()));
            db!(c, conn => apps.load(conn))?
        }
    };
    let mut leased = Vec::new();
    for app in apps.iter().filter(|app| !busy.contains(*app)).take(limit) {
        let first: Option<Logout> = db!(c, conn => due
            .filter(logout::client_id.eq(app))
            .order(logout::due_at)
            .select(Logout::as_select()).first(conn).optional())?;
        let Some(one) = first else { continue };
        // Guarded: another process may have taken it since it was read.
        let taken = db!(c, conn => diesel::update(logout::table
                .find((&one.sid, &one.client_id))
                .filter(logout::due_at.eq(one.due_at))
                .filter(logout::sent_at.is_null())
                .filter(logout::failed_at.is_null()))
            .set((logout::due_at.eq(now.plus(lease).millis()), logout::tries.eq(logout::tries + 1)))
            .execute(conn))?;
        if taken == 1 {
            leased.push(Logout {
                tries: one.tries + 1,
                ..one
            });
        }
    }
    Ok(leased)
}

/// Marks one as taken by its app.
pub fn sent(c: &mut Conn<'_>, one: &Logout, said: &str, now: Time) -> Result<(), Error> {
    db!(c, conn => diesel::update(logout::table.find((&one.sid, &one.client_id)))
        .set((logout::sent_at.eq(now.millis()), logout::said.eq(said)))
        .execute(conn))?;
    Ok(())
}

/// Puts one off, or gives it up when `again` is nothing.
pub fn unsent(
    c: &mut Conn<'_>,
    one: &Logout,
    said: &str,
    again: Option<Time>,
    now: Time,
) -> Result<(), Error> {
    let (due_at, failed_at) = match again {
        Some(again) => (again.millis(), None),
        None => (one.due_at, Some(now.millis())),
    };
    db!(c, conn => diesel::update(logout::table.find((&one.sid, &one.client_id)))
        .set((logout::due_at.eq(due_at), logout::failed_at.eq(failed_at), logout::said.eq(said)))
        .execute(conn))?;
    Ok(())
}

/// Takes out one whose app is gone.
pub fn delete(c: &mut Conn<'_>, one: &Logout) -> Result<(), Error> {
    db!(c, conn => diesel::delete(logout::table.find((&one.sid, &one.client_id))).execute(conn))?;
    Ok(())
}

/// The newest, of one app or of all.
pub fn list(c: &mut Conn<'_>, client_id: Option<&str>, limit: i64) -> Result<Vec<Logout>, Error> {
    let all = logout::table.order(logout::created_at.desc()).limit(limit);
    Ok(match client_id {
        Some(id) => db!(c, conn => all
            .filter(logout::client_id.eq(id))
            .select(Logout::as_select()).load(conn))?,
        None => db!(c, conn => all.select(Logout::as_select()).load(conn))?,
    })
}

/// How many wait, were taken and were given up, among those still on the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// To be sent.
    pub waiting: i64,
    /// Taken by their apps.
    pub done: i64,
    /// Given up.
    pub given_up: i64,
}

/// Counts them, of one app or of all.
pub fn count(c: &mut Conn<'_>, client_id: Option<&str>) -> Result<Count, Error> {
    let waiting = logout::table
        .filter(logout::sent_at.is_null())
        .filter(logout::failed_at.is_null())
        .count();
    let done = logout::table.filter(logout::sent_at.is_not_null()).count();
    let given_up = logout::table
        .filter(logout::failed_at.is_not_null())
        .count();
    let of = client_id.unwrap_or_default();
    let own = || logout::client_id.eq(of.to_owned());
    Ok(match client_id {
        None => Count {
            waiting: db!(c, conn => waiting.get_result(conn))?,
            done: db!(c, conn => done.get_result(conn))?,
            given_up: db!(c, conn => given_up.get_result(conn))?,
        },
        Some(_) => Count {
            waiting: db!(c, conn => waiting.filter(own()).get_result(conn))?,
            done: db!(c, conn => done.filter(own()).get_result(conn))?,
            given_up: db!(c, conn => given_up.filter(own()).get_result(conn))?,
        },
    })
}

/// Removes what was taken or given up before `before`; gives how many rows.
pub fn sweep(c: &mut Conn<'_>, before: Time) -> Result<usize, Error> {
    Ok(swept!(c, logout, sid, sent_at, before)? + swept!(c, logout, sid, failed_at, before)?)
}

/// Forgets what sessions signed in to, which are removed themselves.
pub fn forget(c: &mut Conn<'_>, sids: &[String]) -> Result<usize, Error> {
    Ok(db!(c, conn => diesel::delete(
        session_client::table.filter(session_client::sid.eq_any(sids))
    ).execute(conn))?)
}
