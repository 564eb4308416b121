//! Clients and services, as the operator registered them: a JSON document each.

use diesel::prelude::*;

use super::engine::{db, held, shared, write_alone};
use super::schema::{client, logout, pending, pushed, request, service, session_client};
use super::{Conflict, Conn, Error};
use crate::oauth::client::Client;
use crate::oauth::service::Service;

/// Registers a client, unless the id is taken.
pub fn add(c: &mut Conn<'_>, new: &Client) -> Result<Result<(), Conflict>, Error> {
    let body = serde_json::to_string(new)?;
    let added = db!(c, conn => diesel::insert_into(client::table)
        .values((client::id.eq(&new.id), client::body.eq(&body), client::created_at.eq(new.created_at.millis())))
        .on_conflict_do_nothing()
        .execute(conn))?;
    Ok(if added == 1 {
        Ok(())
    } else {
        Err(Conflict("client"))
    })
}

/// Writes a changed client; `false` when there is none of that id.
pub fn save(c: &mut Conn<'_>, changed: &Client) -> Result<bool, Error> {
    let body = serde_json::to_string(changed)?;
    let saved = db!(c, conn => diesel::update(client::table.find(&changed.id))
        .set(client::body.eq(&body))
        .execute(conn))?;
    Ok(saved == 1)
}

/// By `client_id`.
pub fn find(c: &mut Conn<'_>, id: &str) -> Result<Option<Client>, Error> {
    let query = client::table.find(id).select(client::body);
    let body: Option<String> = db!(c, conn => query.get_result(conn).optional())?;
    Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
}

/// Holds a client as it stands until the transaction ends, beside others who do: whoever changes it
/// waits, and sees what all of them wrote. Taken before anything of a person's.
pub fn hold(c: &mut Conn<'_>, id: &str) -> Result<Option<Client>, Error> {
    let body: Option<String> = shared!(c, client::table.find(id).select(client::body))?;
    Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
}

/// The same of a client that was read earlier, for what is built upon it.
///
/// # Errors
/// [`Error::Stale`] when it is another one by now.
pub fn hold_as_read(c: &mut Conn<'_>, read: &Client) -> Result<(), Error> {
    match hold(c, &read.id)?.as_ref() == Some(read) {
        true => Ok(()),
        false => Err(Error::Stale),
    }
}

/// Locks a client until the transaction ends and reads it as it then stands: of two who change it
/// at once the second sees what the first wrote.
pub fn lock(c: &mut Conn<'_>, id: &str) -> Result<Option<Client>, Error> {
    let body: Option<String> = held!(c, client::table.find(id).select(client::body))?;
    Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
}

/// The same of several.
pub(super) fn lock_all(c: &mut Conn<'_>, ids: &[String]) -> Result<Vec<Client>, Error> {
    let query = client::table.filter(client::id.eq_any(ids));
    // In one order, so that two who lock some of the same wait for each other and no more.
    let query = query.order(client::id).select(client::body);
    let bodies: Vec<String> = match c {
        Conn::Sqlite(conn) => query.load(&mut **conn)?,
        Conn::Pg(conn) => query.for_update().load(&mut **conn)?,
    };
    bodies
        .iter()
        .map(|body| Ok(serde_json::from_str(body)?))
        .collect()
}

/// All of them, by id.
pub fn list(c: &mut Conn<'_>) -> Result<Vec<Client>, Error> {
    let query = client::table.order(client::id).select(client::body);
    let bodies: Vec<String> = db!(c, conn => query.load(conn))?;
    bodies
        .iter()
        .map(|body| Ok(serde_json::from_str(body)?))
        .collect()
}

/// Removes a client; `false` when there was none.
pub fn remove(c: &mut Conn<'_>, id: &str) -> Result<bool, Error> {
    Ok(db!(c, conn => diesel::delete(client::table.find(id)).execute(conn))? == 1)
}

/// Forgets whom clients that are gone knew and what they waited for: another client may be given
/// the id of one, and is told nothing of its people. What they were given in exchange ends.
pub(crate) fn forget_people(c: &mut Conn<'_>, ids: &[&str]) -> Result<(), Error> {
    super::status::end_traded_by(c, ids)?;
    db!(c, conn => diesel::delete(session_client::table.filter(session_client::client_id.eq_any(ids))).execute(conn))?;
    db!(c, conn => diesel::delete(logout::table.filter(logout::client_id.eq_any(ids))).execute(conn))?;
    db!(c, conn => diesel::delete(pending::table.filter(pending::client_id.eq_any(ids))).execute(conn))?;
    db!(c, conn => diesel::delete(pushed::table.filter(pushed::client_id.eq_any(ids))).execute(conn))?;
    db!(c, conn => diesel::delete(request::table.filter(request::client_id.eq_any(ids))).execute(conn))?;
    Ok(())
}

/// Lets nobody else add or change services until the transaction ends: what must be theirs alone,
/// a scope or an id, is compared with all of them first.
pub fn lock_services(c: &mut Conn<'_>) -> Result<(), Error> {
    write_alone(c, "service")
}

/// Registers a service, unless its id or audience is taken.
pub fn add_service(c: &mut Conn<'_>, new: &Service) -> Result<Result<(), Conflict>, Error> {
    let body = serde_json::to_string(new)?;
    let added = db!(c, conn => diesel::insert_into(service::table)
        .values((
            service::id.eq(&new.id),
            service::audience.eq(&new.audience),
            service::body.eq(&body),
            service::created_at.eq(new.created_at.millis()),
        ))
        .on_conflict_do_nothing()
        .execute(conn))?;
    if added == 1 {
        return Ok(Ok(()));
    }
    Ok(Err(Conflict(if find_service(c, &new.id)?.is_some() {
        "service"
    } else {
        "audience"
    })))
}

/// Writes a changed service (its audience stays); `false` when there is none of that id.
pub fn save_service(c: &mut Conn<'_>, changed: &Service) -> Result<bool, Error> {
    let body = serde_json::to_string(changed)?;
    let saved = db!(c, conn => diesel::update(service::table.find(&changed.id))
        .set(service::body.eq(&body))
        .execute(conn))?;
    Ok(saved == 1)
}

/// By id.
pub fn find_service(c: &mut Conn<'_>, id: &str) -> Result<Option<Service>, Error> {
    let query = service::table.find(id).select(service::body);
    let body: Option<String> = db!(c, conn => query.get_result(conn).optional())?;
    Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
}

/// All of them, by id.
pub fn list_services(c: &mut Conn<'_>) -> Result<Vec<Service>, Error> {
    let query = service::table.order(service::id).select(service::body);
    let bodies: Vec<String> = db!(c, conn => query.load(conn))?;
    bodies
        .iter()
        .map(|body| Ok(serde_json::from_str(body)?))
        .collect()
}

/// Removes a service; `false` when there was none.
pub fn remove_service(c: &mut Conn<'_>, id: &str) -> Result<bool, Error> {
    Ok(db!(c, conn => diesel::delete(service::table.find(id)).execute(conn))? == 1)
}
