//! Statements that messengers make us run all day, prepared once: diesel prepares its own UPDATE
//! anew each time, which takes longer than to run it. The same text serves both databases.

use diesel::backend::Backend;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Nullable, Text};

/// Locks the grant of a refresh token until the transaction ends; gives its document and when it
/// was ended.
pub(super) struct LockByRefresh<'a> {
    pub(super) hash: &'a str,
}

impl<DB> QueryFragment<DB> for LockByRefresh<'_>
where
    DB: Backend,
    str: ToSql<Text, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(
            "UPDATE \"grant\" SET version = version + 1 \
             WHERE id = (SELECT grant_id FROM refresh WHERE hash = ",
        );
        out.push_bind_param::<Text, str>(self.hash)?;
        out.push_sql(") RETURNING body, revoked_at");
        Ok(())
    }
}

impl Query for LockByRefresh<'_> {
    type SqlType = (Text, Nullable<BigInt>);
}

impl<Conn> RunQueryDsl<Conn> for LockByRefresh<'_> {}

impl QueryId for LockByRefresh<'_> {
    type QueryId = LockByRefresh<'static>;
}

/// Spends a refresh token that was not spent before.
pub(super) struct SpendRefresh<'a> {
    pub(super) hash: &'a str,
    pub(super) used_at: i64,
}

impl<DB> QueryFragment<DB> for SpendRefresh<'_>
where
    DB: Backend,
    str: ToSql<Text, DB>,
    i64: ToSql<BigInt, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE refresh SET used_at = ");
        out.push_bind_param::<BigInt, i64>(&self.used_at)?;
        out.push_sql(" WHERE used_at IS NULL AND hash = ");
        out.push_bind_param::<Text, str>(self.hash)?;
        Ok(())
    }
}

impl<Conn> RunQueryDsl<Conn> for SpendRefresh<'_> {}

impl QueryId for SpendRefresh<'_> {
    type QueryId = SpendRefresh<'static>;
}
