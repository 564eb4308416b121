//! A database of its own on a PostgreSQL server that is there already.

use anyhow::Context as _;
use gerege::web;
use tokio_postgres::{Client, NoTls};

/// Gone when it is dropped.
pub struct Database {
    /// Where it is.
    pub url: String,
    server: String,
    name: String,
}

impl Drop for Database {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = self.remove();
    }
}

impl Database {
    /// An empty one on the server of `TEST_POSTGRES`.
    ///
    /// # Errors
    /// When it names none, or that one makes none.
    pub fn new() -> anyhow::Result<Self> {
        let server = std::env::var("TEST_POSTGRES").context("TEST_POSTGRES is not set")?;
        let name = format!("gerege_bench_{}", std::process::id());
        let (head, query) = server.split_once('?').unwrap_or((&server, ""));
        let (root, _) = head
            .rsplit_once('/')
            .context("no database in TEST_POSTGRES")?;
        let database = Self {
            url: format!("{root}/{name}?{query}"),
            name,
            server,
        };
        database.remove()?;
        run(
            &database.server,
            &format!("CREATE DATABASE {}", database.name),
        )?;
        Ok(database)
    }

    fn remove(&self) -> anyhow::Result<()> {
        let name = &self.name;
        run(
            &self.server,
            &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        )
    }

    /// Makes room that was left usable again, as the server does by itself each minute.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn vacuum(&self) -> anyhow::Result<()> {
        run(&self.url, "VACUUM ANALYZE")
    }

    /// Tables and indexes in bytes.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn size(&self) -> anyhow::Result<i64> {
        let url = self.url.clone();
        web::run(async move {
            let client = connect(&url).await?;
            let row = client
                .query_one("SELECT pg_database_size(current_database())", &[])
                .await?;
            anyhow::Ok(row.get(0))
        })
    }
}

fn run(url: &str, statement: &str) -> anyhow::Result<()> {
    let (url, statement) = (url.to_owned(), statement.to_owned());
    web::run(async move {
        let client = connect(&url).await?;
        client.batch_execute(&statement).await?;
        anyhow::Ok(())
    })
}

async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    actix_web::rt::spawn(connection);
    Ok(client)
}
