//! Browsers, the sessions they hold, and the devices on which an account was seen before.

use diesel::prelude::*;

use super::engine::{FEW, db, swept};
use super::schema::{browser, device, session};
use super::{Conn, Error};
use crate::account::Session;
use crate::clock::Time;

/// A browser, known by its cookie.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = browser)]
pub struct Browser {
    /// Its id; stays when the cookie's value changes.
    pub id: String,
    /// Digest of the cookie's value.
    pub secret_hash: String,
    /// First seen, milliseconds since 1970.
    pub created_at: i64,
    /// Last seen, milliseconds since 1970.
    pub seen_at: i64,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = session)]
struct Row {
    id: String,
    browser_id: String,
    account_id: String,
    auth_time: i64,
    amr: String,
    keep: bool,
    agent: String,
    network: String,
    created_at: i64,
    seen_at: i64,
    ends_at: i64,
    ended_at: Option<i64>,
    terms_later: bool,
}

impl From<Row> for Session {
    fn from(row: Row) -> Self {
        Self {
            sid: row.id,
            browser_id: row.browser_id,
            account_id: row.account_id,
            auth_time: row.auth_time.into(),
            amr: row.amr.split(' ').map(str::to_owned).collect(),
            keep: row.keep,
            agent: row.agent,
            network: row.network,
            created_at: row.created_at.into(),
            seen_at: row.seen_at.into(),
            ends_at: row.ends_at.into(),
            ended_at: row.ended_at.map(Time::from_millis),
            terms_later: row.terms_later,
        }
    }
}

/// Notes a new browser.
pub fn add(c: &mut Conn<'_>, new: &Browser) -> Result<(), Error> {
    db!(c, conn => diesel::insert_into(browser::table).values(new).execute(conn))?;
    Ok(())
}

/// By the digest of its cookie.
pub fn find(c: &mut Conn<'_>, secret_hash: &str) -> Result<Option<Browser>, Error> {
    Ok(db!(c, conn => browser::table
        .filter(browser::secret_hash.eq(secret_hash))
        .select(Browser::as_select()).get_result(conn).optional())?)
}

/// The id of the browser with that digest of a cookie, which is seen now, so that it stays for what
/// begins in it; where there is no record of it, one of the id `new` is made.
pub fn enter(c: &mut Conn<'_>, secret_hash: &str, new: &str, now: Time) -> Result<String, Error> {
    let own = browser::table.filter(browser::secret_hash.eq(secret_hash));
    let seen: Option<String> = db!(c, conn => diesel::update(own)
        .set(browser::seen_at.eq(now.millis()))
        .returning(browser::id)
        .get_result(conn)
        .optional())?;
    if let Some(id) = seen {
        return Ok(id);
    }
    let made = Browser {
        id: new.to_owned(),
        secret_hash: secret_hash.to_owned(),
        created_at: now.millis(),
        seen_at: now.millis(),
    };
    add(c, &made)?;
    Ok(made.id)
}

/// Gives a browser a new cookie; the old value opens nothing from here on.
pub fn rekey(c: &mut Conn<'_>, id: &str, secret_hash: &str, now: Time) -> Result<(), Error> {
    let none = None::<String>;
    db!(c, conn => diesel::update(browser::table.find(id))
        .set((
            browser::secret_hash.eq(secret_hash),
            browser::seen_at.eq(now.millis()),
            browser::former_hash.eq(&none),
            browser::former_salt.eq(&none),
            browser::former_until.eq(None::<i64>),
        ))
        .execute(conn))?;
    Ok(())
}

/// The cookie that a browser came to its sign-in with. It opens nothing; it tells a form that was
/// sent twice from a stranger's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Former {
    /// Digest of its value.
    pub hash: String,
    /// What the value that took its place was derived with.
    pub salt: String,
    /// Until when it is known.
    pub until: Time,
}

/// Notes the cookie that a browser came with.
pub fn note_former(c: &mut Conn<'_>, id: &str, former: &Former) -> Result<(), Error> {
    db!(c, conn => diesel::update(browser::table.find(id))
        .set((
            browser::former_hash.eq(&former.hash),
            browser::former_salt.eq(&former.salt),
            browser::former_until.eq(former.until.millis()),
        ))
        .execute(conn))?;
    Ok(())
}

/// Gives a browser that came with `former` a new cookie; `false` when it has another one by now.
pub fn turn(
    c: &mut Conn<'_>,
    id: &str,
    secret_hash: &str,
    former: &Former,
    now: Time,
) -> Result<bool, Error> {
    let own = browser::table
        .find(id)
        .filter(browser::secret_hash.eq(&former.hash));
    let turned = db!(c, conn => diesel::update(own)
        .set((browser::secret_hash.eq(secret_hash), browser::seen_at.eq(now.millis())))
        .execute(conn))?;
    if turned == 1 {
        note_former(c, id, former)?;
    }
    Ok(turned == 1)
}

/// By the digest of the cookie it had a moment ago, with what its present one was derived with.
pub fn find_former(
    c: &mut Conn<'_>,
    hash: &str,
    now: Time,
) -> Result<Option<(Browser, String)>, Error> {
    let found: Option<(Browser, Option<String>)> = db!(c, conn => browser::table
        .filter(browser::former_hash.eq(hash))
        .filter(browser::former_until.gt(now.millis()))
        .order(browser::former_until.desc())
        .limit(1)
        .select((Browser::as_select(), browser::former_salt))
        .get_result(conn)
        .optional())?;
    Ok(found.map(|(browser, salt)| (browser, salt.unwrap_or_default())))
}

/// The digest of the cookie that a browser had a moment ago.
pub fn former_of(c: &mut Conn<'_>, secret_hash: &str, now: Time) -> Result<Option<String>, Error> {
    let query = browser::table
        .filter(browser::secret_hash.eq(secret_hash))
        .filter(browser::former_until.gt(now.millis()))
        .select(browser::former_hash);
    let found: Option<Option<String>> = db!(c, conn => query.get_result(conn).optional())?;
    Ok(found.flatten())
}

/// Notes that a browser and one of its sessions were seen.
pub fn touch(c: &mut Conn<'_>, browser_id: &str, sid: &str, now: Time) -> Result<(), Error> {
    db!(c, conn => diesel::update(browser::table.find(browser_id))
        .set(browser::seen_at.eq(now.millis()))
        .execute(conn))?;
    db!(c, conn => diesel::update(session::table.find(sid))
        .set(session::seen_at.eq(now.millis()))
        .execute(conn))?;
    Ok(())
}

/// Begins a session.
pub fn add_session(c: &mut Conn<'_>, new: &Session) -> Result<(), Error> {
    let row = || Row {
        id: new.sid.clone(),
        browser_id: new.browser_id.clone(),
        account_id: new.account_id.clone(),
        auth_time: new.auth_time.millis(),
        amr: new.amr.join(" "),
        keep: new.keep,
        agent: new.agent.clone(),
        network: new.network.clone(),
        created_at: new.created_at.millis(),
        seen_at: new.seen_at.millis(),
        ends_at: new.ends_at.millis(),
        ended_at: new.ended_at.map(Time::millis),
        terms_later: new.terms_later,
    };
    db!(c, conn => diesel::insert_into(session::table).values(row()).execute(conn))?;
    Ok(())
}

/// By `sid`, ended or not.
pub fn find_session(c: &mut Conn<'_>, sid: &str) -> Result<Option<Session>, Error> {
    Ok(
        db!(c, conn => session::table.find(sid).select(Row::as_select()).get_result(conn).optional())?
            .map(Session::from),
    )
}

/// The sessions of a browser that were not ended, newest proof first. Whether they have run
/// out is for the caller to judge.
pub fn sessions(c: &mut Conn<'_>, browser_id: &str) -> Result<Vec<Session>, Error> {
    let rows: Vec<Row> = db!(c, conn => session::table
        .filter(session::browser_id.eq(browser_id))
        .filter(session::ended_at.is_null())
        .order(session::auth_time.desc())
        .select(Row::as_select()).load(conn))?;
    Ok(rows.into_iter().map(Session::from).collect())
}

/// The sessions of an account that were not ended, last seen first.
pub fn sessions_of(c: &mut Conn<'_>, account_id: &str) -> Result<Vec<Session>, Error> {
    let rows: Vec<Row> = db!(c, conn => session::table
        .filter(session::account_id.eq(account_id))
        .filter(session::ended_at.is_null())
        .order(session::seen_at.desc())
        .select(Row::as_select()).load(conn))?;
    Ok(rows.into_iter().map(Session::from).collect())
}

/// The sessions of `newest`'s account beyond it and the `most` last seen beside it, by `sid`: of
/// those that were not ended and have not run out.
pub fn beyond(
    c: &mut Conn<'_>,
    newest: &Session,
    most: i64,
    now: Time,
) -> Result<Vec<String>, Error> {
    let query = session::table
        .filter(session::account_id.eq(&newest.account_id))
        .filter(session::id.ne(&newest.sid))
        .filter(session::ended_at.is_null())
        .filter(session::ends_at.gt(now.millis()))
        .order((session::seen_at.desc(), session::id.desc()))
        .limit(FEW)
        .offset(most)
        .select(session::id);
    Ok(db!(c, conn => query.load(conn))?)
}

/// Notes a new proof of who the person is.
pub fn prove(
    c: &mut Conn<'_>,
    sid: &str,
    amr: &str,
    keep: bool,
    ends_at: Time,
    now: Time,
) -> Result<(), Error> {
    db!(c, conn => diesel::update(session::table.find(sid))
        .set((
            session::auth_time.eq(now.millis()),
            session::seen_at.eq(now.millis()),
            session::amr.eq(amr),
            session::keep.eq(keep),
            session::ends_at.eq(ends_at.millis()),
        ))
        .execute(conn))?;
    Ok(())
}

/// Notes whether a newer agreement was put off until the next sign-in.
pub fn put_terms_off(c: &mut Conn<'_>, sid: &str, later: bool) -> Result<(), Error> {
    db!(c, conn => diesel::update(session::table.find(sid))
        .set(session::terms_later.eq(later))
        .execute(conn))?;
    Ok(())
}

/// Ticks or unticks "Keep me signed in on this device".
pub fn keep(c: &mut Conn<'_>, sid: &str, keep: bool, ends_at: Time) -> Result<(), Error> {
    db!(c, conn => diesel::update(session::table.find(sid))
        .set((session::keep.eq(keep), session::ends_at.eq(ends_at.millis())))
        .execute(conn))?;
    Ok(())
}

/// Ends a session; `false` when it had ended before.
pub fn end(c: &mut Conn<'_>, sid: &str, now: Time) -> Result<bool, Error> {
    Ok(
        db!(c, conn => diesel::update(session::table.find(sid).filter(session::ended_at.is_null()))
        .set(session::ended_at.eq(now.millis()))
        .execute(conn))?
            == 1,
    )
}

/// Ends all sessions of an account but `except`; gives the ended `sid`s.
pub fn end_all(
    c: &mut Conn<'_>,
    account_id: &str,
    except: Option<&str>,
    now: Time,
) -> Result<Vec<String>, Error> {
    let ended: Vec<String> = db!(c, conn => diesel::update(session::table
            .filter(session::account_id.eq(account_id))
            .filter(session::id.ne(except.unwrap_or_default()))
            .filter(session::ended_at.is_null()))
        .set(session::ended_at.eq(now.millis()))
        .returning(session::id)
        .get_results(conn))?;
    Ok(ended)
}

/// Remembers a device for an account; `true` when it is new to the account.
pub fn remember_device(
    c: &mut Conn<'_>,
    account_id: &str,
    secret_hash: &str,
    now: Time,
) -> Result<bool, Error> {
    let added = db!(c, conn => diesel::insert_into(device::table)
        .values((
            device::account_id.eq(account_id),
            device::secret_hash.eq(secret_hash),
            device::wrong.eq(0),
            device::created_at.eq(now.millis()),
            device::seen_at.eq(now.millis()),
        ))
        .on_conflict_do_nothing()
        .execute(conn))?;
    if added == 0 {
        db!(c, conn => diesel::update(device::table.find((account_id, secret_hash)))
            .set((device::seen_at.eq(now.millis()), device::wrong.eq(0)))
            .execute(conn))?;
    }
    Ok(added == 1)
}

/// How many devices an account is known on.
pub fn count_devices(c: &mut Conn<'_>, account_id: &str) -> Result<i64, Error> {
    let query = device::table
        .filter(device::account_id.eq(account_id))
        .count();
    Ok(db!(c, conn => query.get_result(conn))?)
}

/// Counts a try from a known device: its number, or nothing when the device is not known.
pub fn count_try(
    c: &mut Conn<'_>,
    account_id: &str,
    secret_hash: &str,
) -> Result<Option<i64>, Error> {
    Ok(
        db!(c, conn => diesel::update(device::table.find((account_id, secret_hash)))
        .set(device::wrong.eq(device::wrong + 1))
        .returning(device::wrong)
        .get_result(conn)
        .optional())?,
    )
}

/// Takes back a try that was counted but not compared.
pub fn take_try_back(c: &mut Conn<'_>, account_id: &str, secret_hash: &str) -> Result<(), Error> {
    db!(c, conn => diesel::update(device::table.find((account_id, secret_hash)).filter(device::wrong.gt(0)))
        .set(device::wrong.eq(device::wrong - 1))
        .execute(conn))?;
    Ok(())
}

/// Whether an account is known on a device with fewer than `tries` wrong tries.
pub fn is_known(
    c: &mut Conn<'_>,
    account_id: &str,
    secret_hash: &str,
    tries: i64,
) -> Result<bool, Error> {
    let query = diesel::select(diesel::dsl::exists(
        device::table
            .find((account_id, secret_hash))
            .filter(device::wrong.lt(tries)),
    ));
    Ok(db!(c, conn => query.get_result(conn))?)
}

/// Forgets all devices of an account.
pub fn forget_devices(c: &mut Conn<'_>, account_id: &str) -> Result<(), Error> {
    db!(c, conn => diesel::delete(device::table.filter(device::account_id.eq(account_id))).execute(conn))?;
    Ok(())
}

/// Removes ended and run-out sessions from before `before` with what they signed in to, and devices
/// not seen since `devices_before`; gives how many sessions and devices.
pub fn sweep(c: &mut Conn<'_>, before: Time, devices_before: Time) -> Result<usize, Error> {
    let (at, old) = (before.millis(), || {
        session::table.select(session::id).limit(FEW)
    });
    let mut sids: Vec<String> = db!(c, conn => old().filter(session::ends_at.lt(at)).load(conn))?;
    sids.extend(db!(c, conn => old().filter(session::ended_at.lt(at)).load::<String>(conn))?);
    super::logout::forget(c, &sids)?;
    let sessions = db!(c, conn => diesel::delete(
        session::table.filter(session::id.eq_any(&sids))
    ).execute(conn))?;
    Ok(sessions + swept!(c, device, secret_hash, seen_at, devices_before)?)
}

/// Browsers that were not seen since `before` and hold no session; all are looked through.
pub fn idle(c: &mut Conn<'_>, before: Time) -> Result<Vec<String>, Error> {
    let own = session::table.filter(session::browser_id.eq(browser::id));
    let query = browser::table
        .filter(browser::seen_at.lt(before.millis()))
        .filter(diesel::dsl::not(diesel::dsl::exists(own)))
        .select(browser::id);
    Ok(db!(c, conn => query.load(conn))?)
}

/// Removes those of `ids` that were still not seen since `before`; gives how many.
pub fn remove_idle(c: &mut Conn<'_>, ids: &[String], before: Time) -> Result<usize, Error> {
    let own = session::table.filter(session::browser_id.eq(browser::id));
    let query = browser::table
        .filter(browser::id.eq_any(ids))
        .filter(browser::seen_at.lt(before.millis()))
        .filter(diesel::dsl::not(diesel::dsl::exists(own)));
    Ok(db!(c, conn => diesel::delete(query).execute(conn))?)
}

/// Holds a session until the transaction ends, if it was not ended: whoever ends it waits
/// meanwhile, and sees what this one wrote. `false` when it was ended.
pub fn hold(c: &mut Conn<'_>, sid: &str) -> Result<bool, Error> {
    Ok(
        db!(c, conn => diesel::update(session::table.find(sid).filter(session::ended_at.is_null()))
        .set(session::seen_at.eq(session::seen_at))
        .execute(conn))?
            == 1,
    )
}
