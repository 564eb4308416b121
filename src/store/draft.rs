//! Half-made sign-ups. A draft is one document; whoever changes it locks it first, so that two
//! tabs and a double click are one after the other.

use diesel::prelude::*;

use super::engine::{db, held, swept};
use super::schema::draft;
use super::{Conn, Error};
use crate::account::signup::Draft;
use crate::clock::Time;

/// Begins a draft.
pub fn add(c: &mut Conn<'_>, new: &Draft, cookie_hash: &str, skeleton: &str) -> Result<(), Error> {
    let body = serde_json::to_string(new)?;
    db!(c, conn => diesel::insert_into(draft::table)
        .values((
            draft::id.eq(&new.id),
            draft::cookie_hash.eq(cookie_hash),
            draft::email_key.eq(&new.email_key),
            draft::skeleton.eq(skeleton),
            draft::body.eq(&body),
            draft::expires_at.eq(new.expires_at.millis()),
        ))
        .execute(conn))?;
    Ok(())
}

/// By the digest of its cookie. Whether it has run out is for the caller to judge.
pub fn find(c: &mut Conn<'_>, cookie_hash: &str) -> Result<Option<Draft>, Error> {
    let query = draft::table
        .filter(draft::cookie_hash.eq(cookie_hash))
        .select(draft::body);
    let body: Option<String> = db!(c, conn => query.get_result(conn).optional())?;
    Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
}

/// By id.
pub fn find_by_id(c: &mut Conn<'_>, id: &str) -> Result<Option<Draft>, Error> {
    let query = draft::table.find(id).select(draft::body);
    let body: Option<String> = db!(c, conn => query.get_result(conn).optional())?;
    Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
}

/// Locks a draft until the transaction ends and reads it as it then stands.
pub fn lock(c: &mut Conn<'_>, id: &str) -> Result<Option<Draft>, Error> {
    let body: Option<String> = held!(c, draft::table.find(id).select(draft::body))?;
    Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
}

/// Writes a draft that this transaction has locked. `held_until` is how long its username is
/// reserved, `waiting_at` when it came onto the operator's list.
pub fn save(
    c: &mut Conn<'_>,
    changed: &Draft,
    skeleton: &str,
    held_until: Option<Time>,
    waiting_at: Option<Time>,
) -> Result<(), Error> {
    let body = serde_json::to_string(changed)?;
    db!(c, conn => diesel::update(draft::table.find(&changed.id))
        .set((
            draft::email_key.eq(&changed.email_key),
            draft::skeleton.eq(skeleton),
            draft::body.eq(&body),
            draft::held_until.eq(held_until.map(Time::millis)),
            draft::waiting_at.eq(waiting_at.map(Time::millis)),
            draft::expires_at.eq(changed.expires_at.millis()),
        ))
        .execute(conn))?;
    Ok(())
}

/// Whether another draft holds a name that looks like this one.
pub fn is_name_held(
    c: &mut Conn<'_>,
    skeleton: &str,
    except: &str,
    now: Time,
) -> Result<bool, Error> {
    let query = diesel::select(diesel::dsl::exists(
        draft::table
            .filter(draft::skeleton.eq(skeleton))
            .filter(draft::id.ne(except))
            .filter(draft::held_until.gt(now.millis())),
    ));
    Ok(db!(c, conn => query.get_result(conn))?)
}

/// Drafts that wait for the operator, oldest first.
pub fn waiting(c: &mut Conn<'_>, now: Time) -> Result<Vec<Draft>, Error> {
    let query = draft::table
        .filter(draft::waiting_at.is_not_null())
        .filter(draft::expires_at.gt(now.millis()))
        .order(draft::waiting_at)
        .select(draft::body);
    let bodies: Vec<String> = db!(c, conn => query.load(conn))?;
    bodies
        .iter()
        .map(|body| Ok(serde_json::from_str(body)?))
        .collect()
}

/// How many wait, and whether one of them is for this address.
pub fn count_waiting(
    c: &mut Conn<'_>,
    email_key: &str,
    except: &str,
    now: Time,
) -> Result<(i64, bool), Error> {
    let all = draft::table
        .filter(draft::waiting_at.is_not_null())
        .filter(draft::expires_at.gt(now.millis()))
        .count();
    let count: i64 = db!(c, conn => all.get_result(conn))?;
    let query = diesel::select(diesel::dsl::exists(
        draft::table
            .filter(draft::waiting_at.is_not_null())
            .filter(draft::expires_at.gt(now.millis()))
            .filter(draft::email_key.eq(email_key))
            .filter(draft::id.ne(except)),
    ));
    Ok((count, db!(c, conn => query.get_result(conn))?))
}

/// Deletes the drafts that wait for the operator with this address, but one.
pub fn delete_waiting(c: &mut Conn<'_>, email_key: &str, except: &str) -> Result<(), Error> {
    db!(c, conn => diesel::delete(draft::table
            .filter(draft::waiting_at.is_not_null())
            .filter(draft::email_key.eq(email_key))
            .filter(draft::id.ne(except)))
        .execute(conn))?;
    Ok(())
}

/// Gives a draft to another browser; the old cookie opens nothing any more.
pub fn rekey(c: &mut Conn<'_>, id: &str, cookie_hash: &str) -> Result<(), Error> {
    db!(c, conn => diesel::update(draft::table.find(id))
        .set(draft::cookie_hash.eq(cookie_hash))
        .execute(conn))?;
    Ok(())
}

/// Deletes a draft.
pub fn delete(c: &mut Conn<'_>, id: &str) -> Result<(), Error> {
    db!(c, conn => diesel::delete(draft::table.find(id)).execute(conn))?;
    Ok(())
}

/// Removes drafts that have run out; gives how many.
pub fn sweep(c: &mut Conn<'_>, now: Time) -> Result<usize, Error> {
    Ok(swept!(c, draft, id, expires_at, now)?)
}
