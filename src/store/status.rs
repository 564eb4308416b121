//! The places of access tokens in the status lists of their services.

use diesel::prelude::*;

use super::engine::{FEW, db};
use super::schema::{grant, status};
use super::{Conn, Error};
use crate::clock::Time;
use crate::oauth::grant::Grant;
use crate::oauth::status::{LISTS, Place};

/// Takes a free place for a token of a grant until `ends_at`: the first of `drawn` that is free,
/// in the first list that has one. `None` when all lists are full. `traded_by` is whom an exchanged
/// token is given to.
pub fn take(
    c: &mut Conn<'_>,
    service_id: &str,
    grant_id: &str,
    traded_by: Option<&str>,
    drawn: &[i64],
    ends_at: Time,
) -> Result<Option<Place>, Error> {
    for list in 0..LISTS {
        let query = status::table
            .filter(status::service_id.eq(service_id))
            .filter(status::list.eq(list))
            .filter(status::idx.eq_any(drawn))
            .select(status::idx);
        let taken: Vec<i64> = db!(c, conn => query.load(conn))?;
        for idx in drawn.iter().filter(|idx| !taken.contains(idx)) {
            // Another may take it at the same moment; then it is not ours.
            let ours = db!(c, conn => diesel::insert_into(status::table)
                .values((
                    status::service_id.eq(service_id),
                    status::list.eq(list),
                    status::idx.eq(idx),
                    status::grant_id.eq(grant_id),
                    status::ends_at.eq(ends_at.millis()),
                    status::client_id.eq(traded_by),
                ))
                .on_conflict_do_nothing()
                .execute(conn))?;
            if ours == 1 {
                return Ok(Some(Place { list, idx: *idx }));
            }
        }
    }
    Ok(None)
}

/// The places of a list whose tokens were ended before their time, in order.
pub fn ended(c: &mut Conn<'_>, service_id: &str, list: i64) -> Result<Vec<i64>, Error> {
    let own = || {
        status::table
            .filter(status::service_id.eq(service_id))
            .filter(status::list.eq(list))
    };
    let revoked = own()
        .inner_join(grant::table.on(grant::id.eq(status::grant_id)))
        .filter(grant::revoked_at.gt(0))
        .select(status::idx);
    let mut places: Vec<i64> = db!(c, conn => revoked.load(conn))?;
    let left = own()
        .filter(status::grant_id.eq(NOBODY))
        .select(status::idx);
    places.extend(db!(c, conn => left.load::<i64>(conn))?);
    places.sort_unstable();
    Ok(places)
}

/// Keeps what was ended so when the grants that were ended before `before` are removed.
pub fn outlive(c: &mut Conn<'_>, before: Time) -> Result<(), Error> {
    let gone = grant::table
        .filter(grant::revoked_at.lt(before.millis()))
        .select(grant::id);
    db!(c, conn => diesel::update(status::table.filter(status::grant_id.eq_any(gone)))
        .set(status::grant_id.eq(NOBODY))
        .execute(conn))?;
    Ok(())
}

/// The grants of one client that stand and whose tokens have places that are taken.
pub fn holders(c: &mut Conn<'_>, client_id: &str) -> Result<Vec<Grant>, Error> {
    let held = status::table.filter(status::grant_id.eq(grant::id));
    let query = grant::table
        .filter(grant::client_id.eq(client_id))
        .filter(grant::revoked_at.is_null())
        .filter(diesel::dsl::exists(held))
        .select(grant::body);
    let bodies: Vec<String> = db!(c, conn => query.load(conn))?;
    bodies
        .iter()
        .map(|body| Ok(serde_json::from_str(body)?))
        .collect()
}

/// Ends the tokens of a grant that are out; the grant itself stands, and gives new ones.
pub fn end(c: &mut Conn<'_>, grant_id: &str) -> Result<(), Error> {
    db!(c, conn => diesel::update(status::table.filter(status::grant_id.eq(grant_id)))
        .set(status::grant_id.eq(NOBODY))
        .execute(conn))?;
    Ok(())
}

/// Ends the token that has this place and was given by this grant.
pub fn end_one(
    c: &mut Conn<'_>,
    service_id: &str,
    place: Place,
    grant_id: &str,
) -> Result<(), Error> {
    let one = status::table
        .find((service_id, place.list, place.idx))
        .filter(status::grant_id.eq(grant_id));
    db!(c, conn => diesel::update(one)
        .set(status::grant_id.eq(NOBODY))
        .execute(conn))?;
    Ok(())
}

/// Ends the exchanged tokens that an app was given for a service.
pub fn end_traded(c: &mut Conn<'_>, client_id: &str, service_id: &str) -> Result<(), Error> {
    let traded = status::table
        .filter(status::client_id.eq(client_id))
        .filter(status::service_id.eq(service_id));
    db!(c, conn => diesel::update(traded)
        .set(status::grant_id.eq(NOBODY))
        .execute(conn))?;
    Ok(())
}

/// Ends all exchanged tokens that apps were given.
pub(super) fn end_traded_by(c: &mut Conn<'_>, client_ids: &[&str]) -> Result<(), Error> {
    db!(c, conn => diesel::update(status::table.filter(status::client_id.eq_any(client_ids)))
        .set(status::grant_id.eq(NOBODY))
        .execute(conn))?;
    Ok(())
}

/// In the place of a grant: what has its place here was ended. No grant has this id.
const NOBODY: &str = "";

/// Whether a token that may be alive has its place in a list.
pub fn is_used(c: &mut Conn<'_>, service_id: &str, list: i64) -> Result<bool, Error> {
    let query = status::table
        .filter(status::service_id.eq(service_id))
        .filter(status::list.eq(list))
        .select(diesel::dsl::max(status::ends_at));
    let last: Option<i64> = db!(c, conn => query.get_result(conn))?;
    Ok(last.is_some())
}

/// Frees the places of tokens that have run out; gives how many.
pub fn sweep(c: &mut Conn<'_>, now: Time) -> Result<usize, Error> {
    let old = status::table.filter(status::ends_at.lt(now.millis()));
    // Tokens end by the second, so that few end with the last of these.
    let last: Option<i64> = db!(c, conn => old
        .order(status::ends_at)
        .select(status::ends_at)
        .offset(FEW)
        .limit(1)
        .get_result(conn)
        .optional())?;
    let last = last.unwrap_or(now.millis() - 1);
    Ok(db!(c, conn => diesel::delete(old.filter(status::ends_at.le(last))).execute(conn))?)
}
