//! Published agreements, which never change, and who accepted which.

use diesel::prelude::*;

use super::engine::{db, write_alone};
use super::schema::{acceptance, account, terms};
use super::{Conn, Error};
use crate::account::terms::{Acceptance, Version};
use crate::clock::Time;

/// Publishes a version; `false` when that version stands already.
pub fn publish(c: &mut Conn<'_>, new: &Version) -> Result<bool, Error> {
    let body = serde_json::to_string(new)?;
    Ok(db!(c, conn => diesel::insert_into(terms::table)
        .values((
            terms::document.eq(&new.document),
            terms::version.eq(new.version),
            terms::language.eq(&new.language),
            terms::body.eq(&body),
            terms::sha256.eq(&new.sha256),
            terms::published_at.eq(new.published_at.millis()),
        ))
        .on_conflict_do_nothing()
        .execute(conn))?
        == 1)
}

/// Lets nobody else publish until the transaction ends: the number of a version is one more than
/// the last.
pub fn lock(c: &mut Conn<'_>) -> Result<(), Error> {
    write_alone(c, "terms")
}

/// All published versions, by document, then newest first.
pub fn list(c: &mut Conn<'_>) -> Result<Vec<Version>, Error> {
    let query = terms::table
        .order((terms::document, terms::version.desc(), terms::language))
        .select(terms::body);
    let bodies: Vec<String> = db!(c, conn => query.load(conn))?;
    bodies
        .iter()
        .map(|body| Ok(serde_json::from_str(body)?))
        .collect()
}

/// Records that a person accepted a version; again is harmless.
pub fn accept(c: &mut Conn<'_>, account_id: &str, accepted: &Acceptance) -> Result<(), Error> {
    db!(c, conn => diesel::insert_into(acceptance::table)
        .values((
            acceptance::account_id.eq(account_id),
            acceptance::document.eq(&accepted.document),
            acceptance::version.eq(accepted.version),
            acceptance::language.eq(&accepted.language),
            acceptance::sha256.eq(&accepted.sha256),
            acceptance::accepted_at.eq(accepted.accepted_at.millis()),
        ))
        .on_conflict_do_nothing()
        .execute(conn))?;
    Ok(())
}

type AcceptanceRow = (String, i64, String, String, i64);

fn acceptance((document, version, language, sha256, at): AcceptanceRow) -> Acceptance {
    Acceptance {
        document,
        version,
        language,
        sha256,
        accepted_at: Time::from_millis(at),
    }
}

/// What a person accepted, newest first.
pub fn accepted(c: &mut Conn<'_>, account_id: &str) -> Result<Vec<Acceptance>, Error> {
    let query = acceptance::table
        .filter(acceptance::account_id.eq(account_id))
        .order(acceptance::accepted_at.desc())
        .select((
            acceptance::document,
            acceptance::version,
            acceptance::language,
            acceptance::sha256,
            acceptance::accepted_at,
        ));
    let rows: Vec<AcceptanceRow> = db!(c, conn => query.load(conn))?;
    Ok(rows.into_iter().map(acceptance).collect())
}

/// Who accepted a document: username and acceptance, newest first.
pub fn who(c: &mut Conn<'_>, document: &str) -> Result<Vec<(String, Acceptance)>, Error> {
    let query = acceptance::table
        .inner_join(account::table.on(account::id.eq(acceptance::account_id)))
        .filter(acceptance::document.eq(document))
        .order(acceptance::accepted_at.desc())
        .select((
            account::username,
            (
                acceptance::document,
                acceptance::version,
                acceptance::language,
                acceptance::sha256,
                acceptance::accepted_at,
            ),
        ));
    let rows: Vec<(String, AcceptanceRow)> = db!(c, conn => query.load(conn))?;
    Ok(rows
        .into_iter()
        .map(|(username, row)| (username, acceptance(row)))
        .collect())
}
