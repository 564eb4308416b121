//! Statements that messengers make us run all day, prepared once: diesel prepares its own UPDATE
//! anew each time, which takes longer than to run it. The same text serves both databases.

use diesel::backend::Backend;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Text};

/// Puts the next refresh token of a grant in the place of the one of `from`, or moves the end of
/// that one.
pub(super) struct Turn<'a> {
    pub(super) grant_id: &'a str,
    pub(super) from: i64,
    pub(super) hash: &'a str,
    pub(super) generation: i64,
    pub(super) created_at: i64,
    pub(super) used_at: i64,
    pub(super) used: &'a str,
    pub(super) idle_until: i64,
}

impl<DB> QueryFragment<DB> for Turn<'_>
where
    DB: Backend,
    str: ToSql<Text, DB>,
    i64: ToSql<BigInt, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE family SET hash = ");
        out.push_bind_param::<Text, str>(self.hash)?;
        out.push_sql(", used = ");
        out.push_bind_param::<Text, str>(self.used)?;
        for (name, value) in [
            (", generation = ", &self.generation),
            (", created_at = ", &self.created_at),
            (", used_at = ", &self.used_at),
            (", idle_until = ", &self.idle_until),
            (" WHERE generation = ", &self.from),
        ] {
            out.push_sql(name);
            out.push_bind_param::<BigInt, i64>(value)?;
        }
        out.push_sql(" AND grant_id = ");
        out.push_bind_param::<Text, str>(self.grant_id)?;
        Ok(())
    }
}

impl<Conn> RunQueryDsl<Conn> for Turn<'_> {}

impl QueryId for Turn<'_> {
    type QueryId = Turn<'static>;
}
