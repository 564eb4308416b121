//! Accounts, and the names that were theirs.

use diesel::prelude::*;

use super::engine::{db, shared};
use super::schema::{acceptance, account, consent, device, event, retired_name};
use super::{Conflict, Conn, Error};
use crate::account::Account;
use crate::clock::Time;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = account)]
struct Row {
    id: String,
    username: String,
    name: String,
    email: String,
    email_key: String,
    password: String,
    language: String,
    created_at: i64,
    password_at: i64,
    locked_at: Option<i64>,
}

impl From<Row> for Account {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            username: row.username,
            name: row.name,
            email: row.email,
            email_key: row.email_key,
            password: row.password,
            language: row.language,
            created_at: row.created_at.into(),
            password_at: row.password_at.into(),
            locked_at: row.locked_at.map(Time::from_millis),
        }
    }
}

impl From<&Account> for Row {
    fn from(account: &Account) -> Self {
        Self {
            id: account.id.clone(),
            username: account.username.clone(),
            name: account.name.clone(),
            email: account.email.clone(),
            email_key: account.email_key.clone(),
            password: account.password.clone(),
            language: account.language.clone(),
            created_at: account.created_at.millis(),
            password_at: account.password_at.millis(),
            locked_at: account.locked_at.map(Time::millis),
        }
    }
}

/// Adds an account, unless its name (or one that looks like it) or its address is taken.
/// `name_mac` is the keyed digest of the skeleton, by which names of deleted accounts are known.
pub fn add(
    c: &mut Conn<'_>,
    new: &Account,
    skeleton: &str,
    name_mac: &str,
) -> Result<Result<(), Conflict>, Error> {
    let row = Row::from(new);
    let added = db!(c, conn => diesel::insert_into(account::table)
        .values((row, account::skeleton.eq(skeleton)))
        .on_conflict_do_nothing()
        .execute(conn))?;
    // Looked at afterwards: who had the name may have been deleted while this one waited.
    if added == 1 && is_retired(c, name_mac)? {
        db!(c, conn => diesel::delete(account::table.find(&new.id)).execute(conn))?;
        return Ok(Err(Conflict("username")));
    }
    if added == 1 {
        return Ok(Ok(()));
    }
    let column = if find_by_email(c, &new.email_key)?.is_some() {
        "email"
    } else {
        "username"
    };
    Ok(Err(Conflict(column)))
}

/// By `sub`.
pub fn find(c: &mut Conn<'_>, id: &str) -> Result<Option<Account>, Error> {
    Ok(
        db!(c, conn => account::table.find(id).select(Row::as_select()).get_result(conn).optional())?
            .map(Account::from),
    )
}

/// By exact username.
pub fn find_by_username(c: &mut Conn<'_>, username: &str) -> Result<Option<Account>, Error> {
    Ok(db!(c, conn => account::table
        .filter(account::username.eq(username))
        .select(Row::as_select()).get_result(conn).optional())?
    .map(Account::from))
}

/// By canonical e-mail address.
pub fn find_by_email(c: &mut Conn<'_>, email_key: &str) -> Result<Option<Account>, Error> {
    Ok(db!(c, conn => account::table
        .filter(account::email_key.eq(email_key))
        .select(Row::as_select()).get_result(conn).optional())?
    .map(Account::from))
}

/// Whether a name that looks like this one belongs to an account.
pub fn is_name_taken(c: &mut Conn<'_>, skeleton: &str) -> Result<bool, Error> {
    let query = diesel::select(diesel::dsl::exists(
        account::table.filter(account::skeleton.eq(skeleton)),
    ));
    Ok(db!(c, conn => query.get_result(conn))?)
}

/// Whether the name belonged to a deleted account.
pub fn is_retired(c: &mut Conn<'_>, name_mac: &str) -> Result<bool, Error> {
    let query = diesel::select(diesel::dsl::exists(retired_name::table.find(name_mac)));
    Ok(db!(c, conn => query.get_result(conn))?)
}

/// A page of accounts in the order of their names, from after `after`.
pub fn list(c: &mut Conn<'_>, after: &str, limit: i64) -> Result<Vec<Account>, Error> {
    let rows: Vec<Row> = db!(c, conn => account::table
        .filter(account::username.gt(after))
        .order(account::username)
        .limit(limit)
        .select(Row::as_select()).load(conn))?;
    Ok(rows.into_iter().map(Account::from).collect())
}

/// How many accounts there are.
pub fn count(c: &mut Conn<'_>) -> Result<i64, Error> {
    Ok(db!(c, conn => account::table.count().get_result(conn))?)
}

/// Sets the password's hash. `at` is given when the person chose a new password, not when the
/// same one was hashed again with other parameters.
pub fn set_password(c: &mut Conn<'_>, id: &str, hash: &str, at: Option<Time>) -> Result<(), Error> {
    db!(c, conn => diesel::update(account::table.find(id))
        .set(account::password.eq(hash))
        .execute(conn))?;
    if let Some(at) = at {
        db!(c, conn => diesel::update(account::table.find(id))
            .set(account::password_at.eq(at.millis()))
            .execute(conn))?;
    }
    Ok(())
}

/// Replaces a hash by one with other parameters, unless the password changed meanwhile.
pub fn rehash(c: &mut Conn<'_>, id: &str, old: &str, new: &str) -> Result<(), Error> {
    db!(c, conn => diesel::update(account::table.find(id).filter(account::password.eq(old)))
        .set(account::password.eq(new))
        .execute(conn))?;
    Ok(())
}

/// Sets the name that others see; `false` when the account is gone.
pub fn set_name(c: &mut Conn<'_>, id: &str, name: &str) -> Result<bool, Error> {
    let set = db!(c, conn => diesel::update(account::table.find(id))
        .set(account::name.eq(name))
        .execute(conn))?;
    Ok(set == 1)
}

/// Sets the address, unless another account has it; `false` then.
pub fn set_email(c: &mut Conn<'_>, id: &str, email: &str, email_key: &str) -> Result<bool, Error> {
    if find_by_email(c, email_key)?.is_some_and(|other| other.id != id) {
        return Ok(false);
    }
    // Someone who takes it in this instant makes the whole transaction fail; nothing is half done.
    db!(c, conn => diesel::update(account::table.find(id))
        .set((account::email.eq(email), account::email_key.eq(email_key)))
        .execute(conn))?;
    Ok(true)
}

/// Closes or opens an account; `false` when it is not there.
pub fn set_locked(c: &mut Conn<'_>, id: &str, at: Option<Time>) -> Result<bool, Error> {
    Ok(db!(c, conn => diesel::update(account::table.find(id))
        .set(account::locked_at.eq(at.map(Time::millis)))
        .execute(conn))?
        == 1)
}

/// Deletes an account and what hangs on it; its name is kept only as `name_mac`.
/// Sessions and grants are ended by their own modules first.
pub fn delete(c: &mut Conn<'_>, id: &str, name_mac: &str, now: Time) -> Result<(), Error> {
    db!(c, conn => diesel::insert_into(retired_name::table)
        .values((retired_name::mac.eq(name_mac), retired_name::retired_at.eq(now.millis())))
        .on_conflict_do_nothing()
        .execute(conn))?;
    db!(c, conn => diesel::delete(acceptance::table.filter(acceptance::account_id.eq(id))).execute(conn))?;
    db!(c, conn => diesel::delete(consent::table.filter(consent::account_id.eq(id))).execute(conn))?;
    db!(c, conn => diesel::delete(device::table.filter(device::account_id.eq(id))).execute(conn))?;
    db!(c, conn => diesel::delete(event::table.filter(event::account_id.eq(id))).execute(conn))?;
    super::address::remove(c, id)?;
    super::pending::remove(c, id)?;
    db!(c, conn => diesel::delete(account::table.find(id)).execute(conn))?;
    Ok(())
}

/// Holds an account, open or closed, until the transaction ends, beside others who do: whoever
/// deletes it waits, and takes along what this one wrote. `false` when it is gone.
pub fn stays(c: &mut Conn<'_>, id: &str) -> Result<bool, Error> {
    let found: Option<String> = shared!(c, account::table.find(id).select(account::id))?;
    Ok(found.is_some())
}

/// Holds an account until the transaction ends, if it is open: whoever closes it, deletes it or
/// changes its password waits meanwhile, and sees what this one wrote. Whoever lets an app in holds
/// it, and so does whoever ends what apps were given, before anything else of the account's: else
/// one that is let in at that moment would not be seen. With `password` only while that hash is
/// still the account's; `false` when it is not, or is closed or gone.
pub fn hold(c: &mut Conn<'_>, id: &str, password: Option<&str>) -> Result<bool, Error> {
    let open = account::table.find(id).filter(account::locked_at.is_null());
    let held = match password {
        Some(hash) => db!(c, conn => diesel::update(open.filter(account::password.eq(hash)))
            .set(account::password.eq(hash))
            .execute(conn))?,
        None => db!(c, conn => diesel::update(open)
            .set(account::password_at.eq(account::password_at))
            .execute(conn))?,
    };
    Ok(held == 1)
}
