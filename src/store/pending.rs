//! What apps wait for while a person decides elsewhere (RFC 8628).

use std::time::Duration;

use diesel::prelude::*;

use super::engine::db;
use super::schema::pending;
use super::{Conn, Error};
use crate::clock::Time;
use crate::oauth::device::Pending;

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
}

impl TryFrom<Row> for Pending {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            hash: row.hash,
            user_code: row.user_code,
            client_id: row.client_id,
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

/// Locks one until the transaction ends and reads it as it then stands.
pub fn lock(c: &mut Conn<'_>, hash: &str) -> Result<Option<Pending>, Error> {
    db!(c, conn => diesel::update(pending::table.find(hash))
        .set(pending::created_at.eq(pending::created_at))
        .returning(Row::as_returning())
        .get_result(conn)
        .optional())?
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
/// run out.
pub fn decide(
    c: &mut Conn<'_>,
    hash: &str,
    grant_id: Option<&str>,
    now: Time,
) -> Result<bool, Error> {
    Ok(db!(c, conn => diesel::update(pending::table
            .find(hash)
            .filter(pending::decided_at.is_null())
            .filter(pending::expires_at.gt(now.millis())))
        .set((pending::grant_id.eq(grant_id), pending::decided_at.eq(now.millis())))
        .execute(conn))?
        == 1)
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

/// Removes what has run out; gives how many rows.
pub fn sweep(c: &mut Conn<'_>, before: Time) -> Result<usize, Error> {
    Ok(
        db!(c, conn => diesel::delete(pending::table.filter(pending::expires_at.lt(before.millis()))).execute(conn))?,
    )
}
