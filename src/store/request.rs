//! Authorization requests on their way through the pages: stored first, only the id travels.

use diesel::prelude::*;

use super::engine::{FEW, db, held, swept};
use super::schema::request;
use super::{Conn, Error};
use crate::clock::Time;

/// A stored request.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = request)]
pub struct Request {
    /// Its id, in the URLs of the pages.
    pub id: String,
    /// The browser it belongs to.
    pub browser_id: String,
    /// The client that asked.
    pub client_id: String,
    /// The request and its way so far, as JSON.
    pub body: String,
    /// When it came, milliseconds since 1970.
    pub created_at: i64,
    /// When it stops being good, milliseconds since 1970.
    pub expires_at: i64,
    /// When it was answered, milliseconds since 1970.
    pub answered_at: Option<i64>,
}

/// Stores a request.
pub fn add(c: &mut Conn<'_>, new: &Request) -> Result<(), Error> {
    db!(c, conn => diesel::insert_into(request::table).values(new).execute(conn))?;
    Ok(())
}

/// Removes the oldest requests of a browser, without the `most` newest.
pub fn bound(c: &mut Conn<'_>, browser_id: &str, most: i64) -> Result<(), Error> {
    let query = request::table
        .filter(request::browser_id.eq(browser_id))
        .order((request::created_at.desc(), request::id.desc()))
        .limit(FEW)
        .offset(most)
        .select(request::id);
    let old: Vec<String> = db!(c, conn => query.load(conn))?;
    if old.is_empty() {
        return Ok(());
    }
    db!(c, conn => diesel::delete(request::table.filter(request::id.eq_any(&old))).execute(conn))?;
    Ok(())
}

/// By id.
pub fn find(c: &mut Conn<'_>, id: &str) -> Result<Option<Request>, Error> {
    Ok(
        db!(c, conn => request::table.find(id).select(Request::as_select()).get_result(conn).optional())?,
    )
}

/// Locks a request until the transaction ends.
pub fn lock(c: &mut Conn<'_>, id: &str) -> Result<(), Error> {
    let _: Option<String> = held!(c, request::table.find(id).select(request::id))?;
    Ok(())
}

/// Writes how far it has come.
pub fn save(c: &mut Conn<'_>, id: &str, body: &str) -> Result<(), Error> {
    db!(c, conn => diesel::update(request::table.find(id))
        .set(request::body.eq(body))
        .execute(conn))?;
    Ok(())
}

/// Marks it answered; `false` when it was before, or has run out.
pub fn answer(c: &mut Conn<'_>, id: &str, now: Time) -> Result<bool, Error> {
    Ok(db!(c, conn => diesel::update(request::table
            .find(id)
            .filter(request::answered_at.is_null())
            .filter(request::expires_at.gt(now.millis())))
        .set(request::answered_at.eq(now.millis()))
        .execute(conn))?
        == 1)
}

/// Removes requests that have run out; gives how many.
pub fn sweep(c: &mut Conn<'_>, now: Time) -> Result<usize, Error> {
    Ok(swept!(c, request, id, expires_at, now)?)
}
