//! Apps that registered themselves, and the tokens with which they may.

use std::time::Duration;

use diesel::prelude::*;

use super::engine::{FEW, db, swept};
use super::schema::{client, consent, grant, registered, registration_token};
use super::{Conn, Error};
use crate::clock::Time;
use crate::oauth::client::Client;

/// An initial access token (RFC 7591 1.2), as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = registration_token)]
pub struct Initial {
    /// Digest of the token.
    pub hash: String,
    /// Whom it was made for, in the operator's words; may be empty.
    pub note: String,
    /// How many apps it still registers.
    pub uses_left: i64,
    /// When it was made, milliseconds since 1970.
    pub created_at: i64,
    /// When it runs out, milliseconds since 1970.
    pub expires_at: i64,
}

/// Notes an app that registered itself; `token_hash` is that of its registration access token.
pub fn add(
    c: &mut Conn<'_>,
    client_id: &str,
    token_hash: Option<&str>,
    now: Time,
) -> Result<(), Error> {
    db!(c, conn => diesel::insert_into(registered::table)
        .values((
            registered::client_id.eq(client_id),
            registered::token_hash.eq(token_hash),
            registered::created_at.eq(now.millis()),
        ))
        .on_conflict_do_nothing()
        .execute(conn))?;
    Ok(())
}

/// The digest of an app's registration access token.
pub fn token_hash(c: &mut Conn<'_>, client_id: &str) -> Result<Option<String>, Error> {
    let query = registered::table
        .find(client_id)
        .select(registered::token_hash);
    let hash: Option<Option<String>> = db!(c, conn => query.first(conn).optional())?;
    Ok(hash.flatten())
}

/// The names of the apps that the operator registered. One that is kept out is not among the
/// strangers that are noted here, and is no app of theirs.
pub fn operators_names(c: &mut Conn<'_>) -> Result<Vec<String>, Error> {
    let strangers = registered::table.select(registered::client_id);
    let query = client::table
        .filter(client::id.ne_all(strangers))
        .select(client::body);
    let bodies: Vec<String> = db!(c, conn => query.load(conn))?;
    let mut names = Vec::new();
    for body in &bodies {
        let client: Client = serde_json::from_str(body)?;
        if !client.is_strangers() {
            names.push(client.name);
        }
    }
    Ok(names)
}

/// Forgets the note about an app.
pub fn remove(c: &mut Conn<'_>, client_id: &str) -> Result<(), Error> {
    db!(c, conn => diesel::delete(registered::table.find(client_id)).execute(conn))?;
    Ok(())
}

/// Keeps an initial access token.
pub fn add_initial(c: &mut Conn<'_>, new: &Initial) -> Result<(), Error> {
    db!(c, conn => diesel::insert_into(registration_token::table).values(new).execute(conn))?;
    Ok(())
}

/// Spends one use of an initial access token; `false` when none is left, or it has run out.
pub fn spend_initial(c: &mut Conn<'_>, hash: &str, now: Time) -> Result<bool, Error> {
    Ok(db!(c, conn => diesel::update(registration_token::table
            .find(hash)
            .filter(registration_token::uses_left.gt(0))
            .filter(registration_token::expires_at.gt(now.millis())))
        .set(registration_token::uses_left.eq(registration_token::uses_left - 1))
        .execute(conn))?
        == 1)
}

/// Whether an initial access token still registers an app; nothing is spent.
pub fn is_initial_open(c: &mut Conn<'_>, hash: &str, now: Time) -> Result<bool, Error> {
    let query = diesel::select(diesel::dsl::exists(
        registration_token::table
            .find(hash)
            .filter(registration_token::uses_left.gt(0))
            .filter(registration_token::expires_at.gt(now.millis())),
    ));
    Ok(db!(c, conn => query.get_result(conn))?)
}

/// Ends all initial access tokens; gives how many still worked.
pub fn end_initial(c: &mut Conn<'_>, now: Time) -> Result<usize, Error> {
    Ok(db!(c, conn => diesel::update(registration_token::table
            .filter(registration_token::uses_left.gt(0))
            .filter(registration_token::expires_at.gt(now.millis())))
        .set(registration_token::uses_left.eq(0))
        .execute(conn))?)
}

/// Nobody let the app in.
#[diesel::dsl::auto_type(no_type_alias)]
fn unused() -> _ {
    let allowed = consent::table.filter(consent::client_id.eq(registered::client_id));
    let given = grant::table.filter(grant::client_id.eq(registered::client_id));
    diesel::dsl::not(diesel::dsl::exists(allowed)).and(diesel::dsl::not(diesel::dsl::exists(given)))
}

/// Counts the apps that registered themselves and that nobody let in, up to `most`.
pub fn count_unused(c: &mut Conn<'_>, most: i64) -> Result<i64, Error> {
    let query = registered::table
        .filter(unused())
        .limit(most)
        .select(registered::created_at);
    let found: Vec<i64> = db!(c, conn => query.load(conn))?;
    Ok(i64::try_from(found.len()).unwrap_or(i64::MAX))
}

/// How old the note of an app's last use may be: written at each sign-in it would be in its way.
const NOTED_EVERY: Duration = Duration::from_secs(24 * 3600);

/// Notes that an app which registered itself signs somebody in.
pub fn note_use(c: &mut Conn<'_>, client_id: &str, now: Time) -> Result<(), Error> {
    let fresh = now.minus(NOTED_EVERY).millis();
    let stale = registered::used_at
        .is_null()
        .or(registered::used_at.lt(fresh));
    db!(c, conn => diesel::update(registered::table.find(client_id).filter(stale))
        .set(registered::used_at.eq(now.millis()))
        .execute(conn))?;
    Ok(())
}

/// Nobody let the app in, or nobody used it since `before` and could still use it.
#[diesel::dsl::auto_type(no_type_alias)]
fn left(before: i64) -> _ {
    let allowed = consent::table.filter(consent::client_id.eq(registered::client_id));
    let given = grant::table.filter(grant::client_id.eq(registered::client_id));
    let never = registered::used_at
        .is_null()
        .and(diesel::dsl::not(diesel::dsl::exists(allowed)));
    let long_ago: diesel::dsl::AssumeNotNull<diesel::dsl::Lt<registered::used_at, i64>> =
        registered::used_at.lt(before).assume_not_null();
    registered::created_at
        .lt(before)
        .and(diesel::dsl::not(diesel::dsl::exists(given)))
        .and(never.or(long_ago))
}

/// Removes apps that registered themselves before `before` and that nobody let in, or used since
/// then and could still use; gives how many. What the operator has looked at stays.
pub fn sweep_unused(c: &mut Conn<'_>, before: Time) -> Result<usize, Error> {
    let mut after = String::new();
    loop {
        let query = registered::table
            .filter(registered::client_id.gt(&after))
            .filter(left(before.millis()))
            .order(registered::client_id)
            .limit(FEW)
            .select(registered::client_id);
        let some: Vec<String> = db!(c, conn => query.load(conn))?;
        let Some(last) = some.last() else {
            return Ok(0);
        };
        after.clone_from(last);
        let gone = remove_unused(c, some, before)?;
        // Those that the operator has looked at may be as many as one looks for.
        if gone > 0 {
            return Ok(gone);
        }
    }
}

/// Removes those of `ids` that may go; gives how many.
fn remove_unused(c: &mut Conn<'_>, mut ids: Vec<String>, before: Time) -> Result<usize, Error> {
    // Held, so that nobody changes one meanwhile or lets it in (which is noted here), and looked at
    // again.
    for client in super::client::lock_all(c, &ids)? {
        if client.registration.checked {
            ids.retain(|id| *id != client.id);
        }
    }
    let held = registered::table.filter(registered::client_id.eq_any(&ids));
    db!(c, conn => diesel::update(held)
        .set(registered::created_at.eq(registered::created_at))
        .execute(conn))?;
    let query = registered::table
        .filter(registered::client_id.eq_any(&ids))
        .filter(left(before.millis()))
        .select(registered::client_id);
    let ids: Vec<String> = db!(c, conn => query.load(conn))?;
    if ids.is_empty() {
        return Ok(0);
    }
    db!(c, conn => diesel::delete(consent::table.filter(consent::client_id.eq_any(&ids))).execute(conn))?;
    db!(c, conn => diesel::delete(client::table.filter(client::id.eq_any(&ids))).execute(conn))?;
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    super::client::forget_people(c, &names)?;
    Ok(db!(c, conn => diesel::delete(
        registered::table.filter(registered::client_id.eq_any(&ids))
    ).execute(conn))?)
}

/// Removes initial access tokens that have run out; gives how many.
pub fn sweep(c: &mut Conn<'_>, now: Time) -> Result<usize, Error> {
    Ok(swept!(c, registration_token, hash, expires_at, now)?)
}
