//! Grants, and the codes and refresh tokens that point at them. Locks are always taken in the
//! order client, account, session, code, grant, token (PROTOCOL 2).

use diesel::prelude::*;

use super::engine::{FEW, db, held, swept};
use super::prepared::Turn;
use super::schema::{code, consent, family, grant};
use super::{Conn, Error};
use crate::clock::Time;
use crate::oauth::grant::{Code, Grant};
use crate::oauth::refresh::Family;

/// Adds a grant. `ends_at` is when its row may go.
pub fn add(c: &mut Conn<'_>, new: &Grant, ends_at: Time) -> Result<(), Error> {
    let body = serde_json::to_string(new)?;
    db!(c, conn => diesel::insert_into(grant::table)
        .values((
            grant::id.eq(&new.id),
            grant::account_id.eq(&new.account_id),
            grant::client_id.eq(&new.client_id),
            grant::sid.eq(&new.sid),
            grant::offline.eq(new.offline),
            grant::body.eq(&body),
            grant::created_at.eq(new.created_at.millis()),
            grant::ends_at.eq(ends_at.millis()),
            grant::managed.eq(new.managed.as_ref().map(|managed| &managed.id)),
        ))
        .execute(conn))?;
    // Who signed in to what outlives the grant: it is told when the session ends.
    super::logout::visit(c, &new.sid, &new.client_id)
}

fn read(row: Option<(String, Option<i64>)>) -> Result<Option<Grant>, Error> {
    row.map(|(body, revoked_at)| {
        let mut grant: Grant = serde_json::from_str(&body)?;
        grant.revoked_at = revoked_at.map(Time::from_millis);
        Ok(grant)
    })
    .transpose()
}

/// By id, ended or not.
pub fn find(c: &mut Conn<'_>, id: &str) -> Result<Option<Grant>, Error> {
    let query = grant::table
        .find(id)
        .select((grant::body, grant::revoked_at));
    read(db!(c, conn => query.get_result(conn).optional())?)
}

/// Locks a grant until the transaction ends and reads it as it then stands.
pub fn lock(c: &mut Conn<'_>, id: &str) -> Result<Option<Grant>, Error> {
    let query = grant::table
        .find(id)
        .select((grant::body, grant::revoked_at));
    read(held!(c, query)?)
}

/// An account's grants that stand, newest first.
pub fn list(c: &mut Conn<'_>, account_id: &str, now: Time) -> Result<Vec<Grant>, Error> {
    let query = grant::table
        .filter(grant::account_id.eq(account_id))
        .filter(grant::revoked_at.is_null())
        .filter(grant::ends_at.gt(now.millis()))
        .order(grant::created_at.desc())
        .select((grant::body, grant::revoked_at));
    let rows: Vec<(String, Option<i64>)> = db!(c, conn => query.load(conn))?;
    rows.into_iter()
        .filter_map(|row| read(Some(row)).transpose())
        .collect()
}

/// Grants that stand under the name by which their client manages them, oldest first.
pub fn managed(c: &mut Conn<'_>, id: &str, now: Time) -> Result<Vec<Grant>, Error> {
    let query = grant::table
        .filter(grant::managed.eq(id))
        .filter(grant::revoked_at.is_null())
        .filter(grant::ends_at.gt(now.millis()))
        .order((grant::created_at, grant::id))
        .select((grant::body, grant::revoked_at));
    let rows: Vec<(String, Option<i64>)> = db!(c, conn => query.load(conn))?;
    rows.into_iter()
        .filter_map(|row| read(Some(row)).transpose())
        .collect()
}

/// Whether a grant waits for its code to be redeemed.
pub fn has_open_code(c: &mut Conn<'_>, id: &str) -> Result<bool, Error> {
    let query = code::table
        .filter(code::grant_id.eq(id))
        .filter(code::used_at.is_null())
        .select(diesel::dsl::count_star());
    let open: i64 = db!(c, conn => query.get_result(conn))?;
    Ok(open > 0)
}

/// Grants of one account to one client that stand, do not wait for their code to be redeemed and
/// whose rows may go at a time `within`, by their ids: the oldest of them, without `newest`, of the
/// same account and client, and the `most` newest beside it.
pub fn beyond(
    c: &mut Conn<'_>,
    newest: &Grant,
    most: i64,
    within: (Time, Time),
) -> Result<Vec<String>, Error> {
    let query = grant::table
        .filter(grant::account_id.eq(&newest.account_id))
        .filter(grant::client_id.eq(&newest.client_id))
        .filter(grant::id.ne(&newest.id))
        .filter(grant::revoked_at.is_null())
        .filter(grant::ends_at.gt(within.0.millis()))
        .filter(grant::ends_at.le(within.1.millis()))
        .filter(diesel::dsl::not(waits()))
        .order((grant::created_at.desc(), grant::id.desc()))
        .limit(FEW)
        .offset(most)
        .select(grant::id);
    Ok(db!(c, conn => query.load(conn))?)
}

/// Removes grants of one account to one client that wait for their code to be redeemed, with their
/// codes, but for `newest` and the `most` newest beside it.
pub fn forget_waiting(c: &mut Conn<'_>, newest: &Grant, most: i64) -> Result<(), Error> {
    let query = grant::table
        .filter(grant::account_id.eq(&newest.account_id))
        .filter(grant::client_id.eq(&newest.client_id))
        .filter(grant::id.ne(&newest.id))
        .filter(waits())
        .order((grant::created_at.desc(), grant::id.desc()))
        .limit(FEW)
        .offset(most)
        .select(grant::id);
    let old: Vec<String> = db!(c, conn => query.load(conn))?;
    if old.is_empty() {
        return Ok(());
    }
    // One that is redeemed in this moment stays, and what it gave.
    let unused = code::table
        .filter(code::grant_id.eq_any(&old))
        .filter(code::used_at.is_null());
    let gone: Vec<String> = db!(c, conn => diesel::delete(unused)
        .returning(code::grant_id)
        .get_results(conn))?;
    let rest = code::table.filter(code::grant_id.eq(grant::id));
    let bare = grant::table
        .filter(grant::id.eq_any(&gone))
        .filter(diesel::dsl::not(diesel::dsl::exists(rest)));
    db!(c, conn => diesel::delete(bare).execute(conn))?;
    Ok(())
}

/// Its code was not redeemed.
#[diesel::dsl::auto_type(no_type_alias)]
fn waits() -> _ {
    let open = code::table
        .filter(code::grant_id.eq(grant::id))
        .filter(code::used_at.is_null());
    diesel::dsl::exists(open)
}

/// Puts off the end of a grant's row.
pub fn extend(c: &mut Conn<'_>, id: &str, ends_at: Time) -> Result<(), Error> {
    db!(c, conn => diesel::update(grant::table.find(id))
        .set(grant::ends_at.eq(ends_at.millis()))
        .execute(conn))?;
    Ok(())
}

/// Ends a grant; `false` when it had ended before.
pub fn revoke(c: &mut Conn<'_>, id: &str, now: Time) -> Result<bool, Error> {
    Ok(
        db!(c, conn => diesel::update(grant::table.find(id).filter(grant::revoked_at.is_null()))
        .set(grant::revoked_at.eq(now.millis()))
        .execute(conn))?
            == 1,
    )
}

/// Ends the grants that came from a browser session and do not outlive it.
pub fn revoke_session(c: &mut Conn<'_>, sid: &str, now: Time) -> Result<usize, Error> {
    // A code that was not exchanged yet dies with the session, and whatever it was to give.
    let unused: Vec<String> = db!(c, conn => diesel::update(code::table
            .filter(code::used_at.is_null())
            .filter(code::grant_id.eq_any(grant::table.filter(grant::sid.eq(sid)).select(grant::id))))
        .set(code::expires_at.eq(0))
        .returning(code::grant_id)
        .get_results(conn))?;
    Ok(db!(c, conn => diesel::update(grant::table
            .filter(grant::sid.eq(sid))
            .filter(grant::offline.eq(false).or(grant::id.eq_any(&unused)))
            .filter(grant::revoked_at.is_null()))
        .set(grant::revoked_at.eq(now.millis()))
        .execute(conn))?)
}

/// Ends all of an account's grants.
pub fn revoke_account(c: &mut Conn<'_>, account_id: &str, now: Time) -> Result<usize, Error> {
    Ok(db!(c, conn => diesel::update(grant::table
            .filter(grant::account_id.eq(account_id))
            .filter(grant::revoked_at.is_null()))
        .set(grant::revoked_at.eq(now.millis()))
        .execute(conn))?)
}

/// Ends all of an account's grants to one client, and the consent.
pub fn revoke_client(
    c: &mut Conn<'_>,
    account_id: &str,
    client_id: &str,
    now: Time,
) -> Result<usize, Error> {
    db!(c, conn => diesel::delete(consent::table.find((account_id, client_id))).execute(conn))?;
    Ok(db!(c, conn => diesel::update(grant::table
            .filter(grant::account_id.eq(account_id))
            .filter(grant::client_id.eq(client_id))
            .filter(grant::revoked_at.is_null()))
        .set(grant::revoked_at.eq(now.millis()))
        .execute(conn))?)
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = code)]
struct CodeRow {
    hash: String,
    grant_id: String,
    redirect_uri: String,
    challenge: Option<String>,
    expires_at: i64,
    used_at: Option<i64>,
    wrong: i64,
}

impl From<CodeRow> for Code {
    fn from(row: CodeRow) -> Self {
        Self {
            hash: row.hash,
            grant_id: row.grant_id,
            redirect_uri: row.redirect_uri,
            challenge: row.challenge,
            expires_at: row.expires_at.into(),
            used_at: row.used_at.map(Time::from_millis),
            wrong: row.wrong,
        }
    }
}

/// Ends everyone's grants to one client, and the consents; gives how many grants.
pub fn revoke_app(c: &mut Conn<'_>, client_id: &str, now: Time) -> Result<usize, Error> {
    db!(c, conn => diesel::delete(consent::table.filter(consent::client_id.eq(client_id))).execute(conn))?;
    Ok(db!(c, conn => diesel::update(grant::table
            .filter(grant::client_id.eq(client_id))
            .filter(grant::revoked_at.is_null()))
        .set(grant::revoked_at.eq(now.millis()))
        .execute(conn))?)
}

/// Forgets scopes of what an account allowed a client; what it granted before stands.
pub fn disallow(
    c: &mut Conn<'_>,
    account_id: &str,
    client_id: &str,
    scopes: &[String],
    now: Time,
) -> Result<(), Error> {
    let Some(mut left) = consent(c, account_id, client_id)? else {
        return Ok(());
    };
    left.retain(|scope| !scopes.contains(scope));
    if left.is_empty() {
        db!(c, conn => diesel::delete(consent::table.find((account_id, client_id))).execute(conn))?;
        return Ok(());
    }
    allow(c, account_id, client_id, &left, now)
}

/// Forgets what everyone allowed one client; what they granted before stands.
pub fn forget_app(c: &mut Conn<'_>, client_id: &str) -> Result<(), Error> {
    db!(c, conn => diesel::delete(consent::table.filter(consent::client_id.eq(client_id))).execute(conn))?;
    Ok(())
}

/// Adds a code.
pub fn add_code(c: &mut Conn<'_>, new: &Code) -> Result<(), Error> {
    let row = CodeRow {
        hash: new.hash.clone(),
        grant_id: new.grant_id.clone(),
        redirect_uri: new.redirect_uri.clone(),
        challenge: new.challenge.clone(),
        expires_at: new.expires_at.millis(),
        used_at: new.used_at.map(Time::millis),
        wrong: new.wrong,
    };
    db!(c, conn => diesel::insert_into(code::table).values(row).execute(conn))?;
    Ok(())
}

/// By the digest of its secret, spent or not.
pub fn find_code(c: &mut Conn<'_>, hash: &str) -> Result<Option<Code>, Error> {
    Ok(
        db!(c, conn => code::table.find(hash).select(CodeRow::as_select()).get_result(conn).optional())?
            .map(Code::from),
    )
}

/// Spends a code; `false` when it was spent before, or has run out.
pub fn spend_code(c: &mut Conn<'_>, hash: &str, now: Time) -> Result<bool, Error> {
    Ok(db!(c, conn => diesel::update(code::table
            .find(hash)
            .filter(code::used_at.is_null())
            .filter(code::expires_at.gt(now.millis())))
        .set(code::used_at.eq(now.millis()))
        .execute(conn))?
        == 1)
}

/// Counts an exchange with a wrong verifier.
pub fn count_wrong(c: &mut Conn<'_>, hash: &str) -> Result<(), Error> {
    db!(c, conn => diesel::update(code::table.find(hash))
        .set(code::wrong.eq(code::wrong + 1))
        .execute(conn))?;
    Ok(())
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = family)]
struct FamilyRow {
    grant_id: String,
    hash: String,
    generation: i64,
    created_at: i64,
    used_at: i64,
    used: String,
    idle_until: i64,
    ends_at: i64,
    binding: Option<String>,
}

impl TryFrom<FamilyRow> for Family {
    type Error = Error;

    fn try_from(row: FamilyRow) -> Result<Self, Error> {
        let used: Vec<i64> = serde_json::from_str(&row.used)?;
        let binding = row.binding.map(|text| serde_json::from_str(&text));
        Ok(Self {
            grant_id: row.grant_id,
            hash: row.hash,
            generation: row.generation,
            created_at: row.created_at.into(),
            used_at: row.used_at.into(),
            used: used.into_iter().map(Time::from_millis).collect(),
            idle_until: row.idle_until.into(),
            ends_at: row.ends_at.into(),
            binding: binding.transpose()?,
        })
    }
}

impl TryFrom<&Family> for FamilyRow {
    type Error = Error;

    fn try_from(family: &Family) -> Result<Self, Error> {
        let used: Vec<i64> = family.used.iter().map(|at| at.millis()).collect();
        let binding = family.binding.as_ref().map(serde_json::to_string);
        Ok(Self {
            grant_id: family.grant_id.clone(),
            hash: family.hash.clone(),
            generation: family.generation,
            created_at: family.created_at.millis(),
            used_at: family.used_at.millis(),
            used: serde_json::to_string(&used)?,
            idle_until: family.idle_until.millis(),
            ends_at: family.ends_at.millis(),
            binding: binding.transpose()?,
        })
    }
}

/// Adds the refresh tokens of a grant.
pub fn add_family(c: &mut Conn<'_>, new: &Family) -> Result<(), Error> {
    let row = FamilyRow::try_from(new)?;
    db!(c, conn => diesel::insert_into(family::table).values(row).execute(conn))?;
    Ok(())
}

/// The refresh tokens of a grant.
pub fn find_family(c: &mut Conn<'_>, grant_id: &str) -> Result<Option<Family>, Error> {
    // One row by its key: `get_result` adds no LIMIT to a statement that is kept prepared.
    db!(c, conn => family::table.find(grant_id).select(FamilyRow::as_select()).get_result(conn).optional())?
        .map(Family::try_from)
        .transpose()
}

/// Writes a family as it is after the token of the generation `from` was exchanged; `false` when
/// another counts meanwhile.
pub fn turn(c: &mut Conn<'_>, from: i64, family: &Family) -> Result<bool, Error> {
    let row = FamilyRow::try_from(family)?;
    let turn = Turn {
        grant_id: &row.grant_id,
        from,
        hash: &row.hash,
        generation: row.generation,
        created_at: row.created_at,
        used_at: row.used_at,
        used: &row.used,
        idle_until: row.idle_until,
    };
    Ok(db!(c, conn => turn.execute(conn))? == 1)
}

/// The scopes that a person has allowed a client so far.
pub fn consent(
    c: &mut Conn<'_>,
    account_id: &str,
    client_id: &str,
) -> Result<Option<Vec<String>>, Error> {
    let query = consent::table
        .find((account_id, client_id))
        .select(consent::scopes);
    let scopes: Option<String> = db!(c, conn => query.get_result(conn).optional())?;
    Ok(scopes.map(|scopes| scopes.split(' ').map(str::to_owned).collect()))
}

/// The clients that an account allows something, with what and since when.
pub fn consents(
    c: &mut Conn<'_>,
    account_id: &str,
) -> Result<Vec<(String, Vec<String>, Time)>, Error> {
    let query = consent::table
        .filter(consent::account_id.eq(account_id))
        .select((consent::client_id, consent::scopes, consent::granted_at));
    let rows: Vec<(String, String, i64)> = db!(c, conn => query.load(conn))?;
    Ok(rows
        .into_iter()
        .map(|(client, scopes, at)| {
            let scopes = scopes.split(' ').map(str::to_owned).collect();
            (client, scopes, Time::from_millis(at))
        })
        .collect())
}

/// When a refresh token of a grant was last exchanged, or given.
pub fn last_used(c: &mut Conn<'_>, grant_id: &str) -> Result<Option<Time>, Error> {
    let query = family::table.find(grant_id).select(family::used_at);
    let at: Option<i64> = db!(c, conn => query.get_result(conn).optional())?;
    Ok(at.map(Time::from_millis))
}

/// Remembers what a person allows a client.
pub fn allow(
    c: &mut Conn<'_>,
    account_id: &str,
    client_id: &str,
    scopes: &[String],
    now: Time,
) -> Result<(), Error> {
    let scopes = scopes.join(" ");
    db!(c, conn => diesel::insert_into(consent::table)
        .values((
            consent::account_id.eq(account_id),
            consent::client_id.eq(client_id),
            consent::scopes.eq(&scopes),
            consent::granted_at.eq(now.millis()),
        ))
        .on_conflict((consent::account_id, consent::client_id))
        .do_update()
        .set((consent::scopes.eq(&scopes), consent::granted_at.eq(now.millis())))
        .execute(conn))?;
    Ok(())
}

/// Removes codes, refresh tokens and grants that nothing can use any more; gives how many rows.
pub fn sweep(c: &mut Conn<'_>, before: Time) -> Result<usize, Error> {
    let gone = swept!(c, code, hash, expires_at, before)?;
    // Those of a grant go before it, so that none is left whose grant is not there.
    super::status::outlive(c, before)?;
    match sweep_families(c, before)? {
        0 => Ok(gone
            + swept!(c, grant, id, ends_at, before)?
            + swept!(c, grant, id, revoked_at, before)?),
        few => Ok(gone + few),
    }
}

/// Removes refresh tokens of grants that may go; gives how many families.
fn sweep_families(c: &mut Conn<'_>, before: Time) -> Result<usize, Error> {
    let at = before.millis();
    let of = || family::table.inner_join(grant::table.on(grant::id.eq(family::grant_id)));
    let mut few: Vec<String> = db!(c, conn => of()
        .filter(grant::ends_at.lt(at))
        .select(family::grant_id)
        .limit(FEW)
        .load(conn))?;
    few.extend(db!(c, conn => of()
        .filter(grant::revoked_at.lt(at))
        .select(family::grant_id)
        .limit(FEW)
        .load::<String>(conn))?);
    Ok(
        db!(c, conn => diesel::delete(family::table.filter(family::grant_id.eq_any(&few))).execute(conn))?,
    )
}

/// Locks a code until the transaction ends and reads it as it then stands.
pub fn lock_code(c: &mut Conn<'_>, hash: &str) -> Result<Option<Code>, Error> {
    let row = held!(c, code::table.find(hash).select(CodeRow::as_select()))?;
    Ok(row.map(Code::from))
}

/// Takes back a code that nobody used: it and its grant open nothing from here on. `false` when
/// it was used, or has run out.
pub fn take_code_back(c: &mut Conn<'_>, hash: &str, now: Time) -> Result<bool, Error> {
    let open = lock_code(c, hash)?.filter(|code| code.used_at.is_none() && now < code.expires_at);
    let Some(code) = open else {
        return Ok(false);
    };
    db!(c, conn => diesel::update(code::table.find(hash))
        .set(code::expires_at.eq(0))
        .execute(conn))?;
    revoke(c, &code.grant_id, now)
}
