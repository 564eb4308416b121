//! What apps wait for while a person decides elsewhere (RFC 8628, CIBA).

use std::time::Duration;

use diesel::prelude::*;

use super::engine::{FEW, db, held, swept};
use super::schema::pending;
use super::{Conn, Error};
use crate::clock::Time;
use crate::oauth::pending::Pending;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = pending)]
struct Row {
    hash: String,
    user_code: Option<String>,
    client_id: String,
    body: String,
    created_at: i64,
    expires_at: i64,
    pause: i64,
    next_at: i64,
    grant_id: Option<String>,
    decided_at: Option<i64>,
    used_at: Option<i64>,
    account_id: Option<String>,
    ping: Option<String>,
}

impl TryFrom<Row> for Pending {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            hash: row.hash,
            user_code: row.user_code,
            client_id: row.client_id,
            account_id: row.account_id,
            ping: row.ping,
            body: serde_json::from_str(&row.body)?,
            created_at: row.created_at.into(),
            expires_at: row.expires_at.into(),
            pause: Duration::from_millis(u64::try_from(row.pause).unwrap_or_default()),
            next_at: row.next_at.into(),
            grant_id: row.grant_id,
            decided_at: row.decided_at.map(Time::from_millis),
            used_at: row.used_at.map(Time::from_millis),
        })
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Adds one; `false` when its user code is taken.
pub fn add(c: &mut Conn<'_>, new: &Pending) -> Result<bool, Error> {
    let row = Row {
        hash: new.hash.clone(),
        user_code: new.user_code.clone(),
        client_id: new.client_id.clone(),
        body: serde_json::to_string(&new.body)?,
        created_at: new.created_at.millis(),
        expires_at: new.expires_at.millis(),
        pause: millis(new.pause),
        next_at: new.next_at.millis(),
        grant_id: new.grant_id.clone(),
        decided_at: new.decided_at.map(Time::millis),
        used_at: new.used_at.map(Time::millis),
        account_id: new.account_id.clone(),
        ping: new.ping.clone(),
    };
    Ok(db!(c, conn => diesel::insert_into(pending::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(conn))?
        == 1)
}

/// By the digest of its secret.
pub fn find(c: &mut Conn<'_>, hash: &str) -> Result<Option<Pending>, Error> {
    db!(c, conn => pending::table.find(hash).select(Row::as_select()).first(conn).optional())?
        .map(Pending::try_from)
        .transpose()
}

/// By the keyed digest of its user code, while nobody has decided and it has not run out.
pub fn find_open(c: &mut Conn<'_>, user_code: &str, now: Time) -> Result<Option<Pending>, Error> {
    db!(c, conn => pending::table
        .filter(pending::user_code.eq(user_code))
        .filter(pending::decided_at.is_null())
        .filter(pending::expires_at.gt(now.millis()))
        .select(Row::as_select())
        .first(conn)
        .optional())?
    .map(Pending::try_from)
    .transpose()
}

/// What an account is asked and has not decided, newest first.
pub fn list_open(c: &mut Conn<'_>, account_id: &str, now: Time) -> Result<Vec<Pending>, Error> {
    let rows: Vec<Row> = db!(c, conn => pending::table
        .filter(pending::account_id.eq(account_id))
        .filter(pending::decided_at.is_null())
        .filter(pending::expires_at.gt(now.millis()))
        .order(pending::created_at.desc())
        .select(Row::as_select())
        .load(conn))?;
    rows.into_iter().map(Pending::try_from).collect()
}

/// Locks one until the transaction ends and reads it as it then stands.
pub fn lock(c: &mut Conn<'_>, hash: &str) -> Result<Option<Pending>, Error> {
    held!(c, pending::table.find(hash).select(Row::as_select()))?
        .map(Pending::try_from)
        .transpose()
}

/// Notes when its app may ask again.
pub fn wait(c: &mut Conn<'_>, hash: &str, pause: Duration, next_at: Time) -> Result<(), Error> {
    db!(c, conn => diesel::update(pending::table.find(hash))
        .set((pending::pause.eq(millis(pause)), pending::next_at.eq(next_at.millis())))
        .execute(conn))?;
    Ok(())
}

/// Writes the person's decision: a grant, or none. `false` when somebody decided before, or it has
/// run out. An app that wants to be told is told from now on.
pub fn decide(
    c: &mut Conn<'_>,
    hash: &str,
    grant_id: Option<&str>,
    now: Time,
) -> Result<bool, Error> {
    let decided = db!(c, conn => diesel::update(pending::table
            .find(hash)
            .filter(pending::decided_at.is_null())
            .filter(pending::expires_at.gt(now.millis())))
        .set((pending::grant_id.eq(grant_id), pending::decided_at.eq(now.millis())))
        .execute(conn))?
        == 1;
    if decided {
        db!(c, conn => diesel::update(pending::table.find(hash).filter(pending::ping.is_not_null()))
            .set(pending::ping_at.eq(now.millis()))
            .execute(conn))?;
    }
    Ok(decided)
}

/// An app that is, or was, to be told that a person has decided.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = pending)]
pub struct Ping {
    /// What it waits for.
    pub hash: String,
    /// The app.
    pub client_id: String,
    /// The sealed token by which it is told.
    pub ping: Option<String>,
    /// What it waits for, as JSON.
    pub body: String,
    /// When the person decided, milliseconds since 1970.
    pub decided_at: Option<i64>,
    /// When it is told next; nothing when no more.
    pub ping_at: Option<i64>,
    /// How often it was tried.
    pub ping_tries: i64,
    /// What the app answered last.
    pub ping_said: Option<String>,
    /// When the app took it.
    pub pinged_at: Option<i64>,
    /// When what it waits for runs out.
    pub expires_at: i64,
}

/// Whether any app is to be told now.
pub fn is_ping_due(c: &mut Conn<'_>, now: Time) -> Result<bool, Error> {
    let query = diesel::select(diesel::dsl::exists(
        pending::table.filter(pending::ping_at.le(now.millis())),
    ));
    Ok(db!(c, conn => query.get_result(conn))?)
}

/// Leases up to `limit` apps that are to be told now: each is put off by `lease`, so that no second
/// process tells it meanwhile.
pub fn lease_pings(
    c: &mut Conn<'_>,
    limit: i64,
    lease: Duration,
    now: Time,
) -> Result<Vec<Ping>, Error> {
    let due: Vec<Ping> = db!(c, conn => pending::table
        .filter(pending::ping_at.le(now.millis()))
        .order(pending::ping_at)
        .limit(limit)
        .select(Ping::as_select())
        .load(conn))?;
    let mut leased = Vec::new();
    for one in due {
        // Guarded: another process may have taken it since it was read.
        let taken = db!(c, conn => diesel::update(pending::table
                .find(&one.hash)
                .filter(pending::ping_at.eq(one.ping_at)))
            .set((
                pending::ping_at.eq(now.plus(lease).millis()),
                pending::ping_tries.eq(pending::ping_tries + 1),
            ))
            .execute(conn))?;
        if taken == 1 {
            leased.push(Ping {
                ping_tries: one.ping_tries + 1,
                ..one
            });
        }
    }
    Ok(leased)
}

/// Notes what an app answered: it was told (`told_at`), is told again (`again`), or was given up.
/// One that asked by itself meanwhile is not told again.
pub fn note_ping(
    c: &mut Conn<'_>,
    hash: &str,
    said: &str,
    told_at: Option<Time>,
    again: Option<Time>,
) -> Result<(), Error> {
    db!(c, conn => diesel::update(pending::table.find(hash))
        .set((
            pending::ping_said.eq(said),
            pending::pinged_at.eq(told_at.map(Time::millis)),
        ))
        .execute(conn))?;
    let due = pending::table
        .find(hash)
        .filter(pending::ping_at.is_not_null());
    db!(c, conn => diesel::update(due)
        .set(pending::ping_at.eq(again.map(Time::millis)))
        .execute(conn))?;
    Ok(())
}

/// Notes that an app has heard of the decision by asking: it need not be told.
pub fn hush(c: &mut Conn<'_>, hash: &str) -> Result<(), Error> {
    let due = pending::table
        .find(hash)
        .filter(pending::ping_at.is_not_null());
    db!(c, conn => diesel::update(due)
        .set(pending::ping_at.eq(None::<i64>))
        .execute(conn))?;
    Ok(())
}

/// The newest decisions that apps were or are to be told of, of one app or of all.
pub fn list_pings(
    c: &mut Conn<'_>,
    client_id: Option<&str>,
    limit: i64,
) -> Result<Vec<Ping>, Error> {
    let all = pending::table
        .filter(pending::ping.is_not_null())
        .filter(pending::decided_at.is_not_null())
        .order(pending::decided_at.desc())
        .limit(limit);
    Ok(match client_id {
        Some(id) => db!(c, conn => all
            .filter(pending::client_id.eq(id))
            .select(Ping::as_select())
            .load(conn))?,
        None => db!(c, conn => all.select(Ping::as_select()).load(conn))?,
    })
}

/// Spends one that was allowed; `false` when it was spent before.
pub fn spend(c: &mut Conn<'_>, hash: &str, now: Time) -> Result<bool, Error> {
    Ok(db!(c, conn => diesel::update(pending::table
            .find(hash)
            .filter(pending::used_at.is_null())
            .filter(pending::grant_id.is_not_null())
            .filter(pending::expires_at.gt(now.millis())))
        .set(pending::used_at.eq(now.millis()))
        .execute(conn))?
        == 1)
}

/// Removes what an account was asked.
pub fn remove(c: &mut Conn<'_>, account_id: &str) -> Result<(), Error> {
    db!(c, conn => diesel::delete(pending::table.filter(pending::account_id.eq(account_id))).execute(conn))?;
    Ok(())
}

/// Removes what ran out before `before`, and earlier, before `polled`, what no app is told of by a
/// ping: its operator looks at those for longer. Gives how many rows.
pub fn sweep(c: &mut Conn<'_>, polled: Time, before: Time) -> Result<usize, Error> {
    let old = diesel::alias!(pending as old);
    let few = old
        .filter(old.field(pending::expires_at).lt(polled.millis()))
        .filter(old.field(pending::ping).is_null())
        .select(old.field(pending::hash))
        .limit(FEW);
    let gone = db!(c, conn => diesel::delete(
        pending::table.filter(pending::hash.eq_any(few))
    ).execute(conn))?;
    Ok(gone + swept!(c, pending, hash, expires_at, before)?)
}
