//! All rows of a database as text, to show that a refusal changed none.

use std::path::Path;

use diesel::prelude::*;
use diesel::sql_types::Text;

/// The tables whose rows count.
const TABLES: [&str; 23] = [
    "account",
    "retired_name",
    "session",
    "device",
    "client",
    "service",
    "grant",
    "code",
    "family",
    "consent",
    "signing_key",
    "outbox",
    "logout",
    "session_client",
    "registered",
    "registration_token",
    "terms",
    "acceptance",
    "reset",
    "event",
    "setting",
    "draft",
    "browser",
];

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// The rows of an SQLite file.
pub fn sqlite(path: &Path) -> String {
    let mut conn = SqliteConnection::establish(&path.display().to_string()).unwrap();
    let mut all = String::new();
    for table in TABLES {
        let columns: Vec<Line> = diesel::sql_query(format!(
            "SELECT 'quote(\"' || name || '\")' AS line FROM pragma_table_info('{table}')"
        ))
        .load(&mut conn)
        .unwrap();
        let columns: Vec<String> = columns.into_iter().map(|column| column.line).collect();
        assert!(!columns.is_empty(), "no table {table}");
        let rows: Vec<Line> = diesel::sql_query(format!(
            "SELECT {} AS line FROM \"{table}\" ORDER BY 1",
            columns.join(" || ',' || ")
        ))
        .load(&mut conn)
        .unwrap();
        for row in rows {
            all.push_str(&format!("{table}: {}\n", row.line));
        }
    }
    all
}

/// The rows of a PostgreSQL database.
pub async fn postgres(url: &str) -> String {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let run = tokio::spawn(connection);
    let mut all = String::new();
    for table in TABLES {
        let rows = client
            .query(
                &format!("SELECT t::text FROM \"{table}\" t ORDER BY 1"),
                &[],
            )
            .await
            .unwrap();
        for row in rows {
            all.push_str(&format!("{table}: {}\n", row.get::<_, String>(0)));
        }
    }
    drop(client);
    let _ = run.await;
    all
}

/// The ids of a table in an SQLite file, in the order in which they were made.
pub fn sqlite_ids(path: &Path, table: &str) -> Vec<String> {
    let mut conn = SqliteConnection::establish(&path.display().to_string()).unwrap();
    let rows: Vec<Line> =
        diesel::sql_query(format!("SELECT id AS line FROM \"{table}\" ORDER BY rowid"))
            .load(&mut conn)
            .unwrap();
    rows.into_iter().map(|row| row.line).collect()
}

/// The same in PostgreSQL, for rows that are never moved.
pub async fn postgres_ids(url: &str, table: &str) -> Vec<String> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let run = tokio::spawn(connection);
    let rows = client
        .query(&format!("SELECT id FROM \"{table}\" ORDER BY id"), &[])
        .await
        .unwrap();
    let ids = rows.iter().map(|row| row.get(0)).collect();
    drop(client);
    let _ = run.await;
    ids
}
