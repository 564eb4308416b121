//! PostgreSQL's own programs, which copy its databases. The password goes by the environment,
//! where other users do not see it.

use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use url::Url;

use super::fault::Fault;
use crate::config::Postgres;

/// Copies the database into a file that is there already, in PostgreSQL's own form.
pub fn dump(at: &Postgres, file: &Path) -> Result<(), Fault> {
    let mut command = Command::new("pg_dump");
    command.args(["--format=custom", "--no-owner", "--no-privileges", "--file"]);
    command.arg(file);
    run(command, at, "no backup was made")
}

/// The rows of a table in a copy, as PostgreSQL writes them: the values of each row, and nothing
/// where the table is not in it.
pub fn rows(file: &Path, table: &str) -> Result<Vec<Vec<String>>, Fault> {
    let mut command = Command::new("pg_restore");
    command.args(["--data-only", "--table", table, "--file=-", "--"]);
    let said = output(command.arg(file), "nothing was restored")?;
    let text = String::from_utf8_lossy(&said);
    let mut rows = Vec::new();
    let mut lines = text.lines().skip_while(|line| !line.starts_with("COPY "));
    lines.next();
    for line in lines.take_while(|line| *line != "\\.") {
        rows.push(line.split('\t').map(str::to_owned).collect());
    }
    Ok(rows)
}

/// Puts a copy in the place of the database: all of it, or nothing. `tables` are those that this
/// program may have made, in whichever version: what the copy does not know must not stay behind.
pub fn restore(at: &Postgres, file: &Path, tables: &[String]) -> Result<(), Fault> {
    const FAILED: &str = "nothing was restored";
    let mut read = Command::new("pg_restore");
    read.args([
        "--clean",
        "--if-exists",
        "--no-owner",
        "--no-privileges",
        "--file=-",
        "--",
    ]);
    let mut read = read
        .arg(file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| unstarted("pg_restore", FAILED, &error))?;
    let mut write = Command::new("psql");
    // In one transaction: the first mistake undoes it all.
    write.args(["--no-psqlrc", "--quiet", "--single-transaction"]);
    write.args(["--set=ON_ERROR_STOP=1", "--output=/dev/null", "--file=-"]);
    connect(&mut write, at);
    let write = write
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut write = match write {
        Ok(write) => write,
        Err(error) => {
            let _ = read.kill();
            let _ = read.wait();
            return Err(unstarted("psql", FAILED, &error));
        }
    };
    let poured = pour(&mut read, &mut write, tables);
    let read = read
        .wait_with_output()
        .map_err(|error| unstarted("pg_restore", FAILED, &error))?;
    if !read.status.success() || !matches!(poured, Ok(true)) {
        // Before it sees the end of what is to be done: half of it is nothing.
        let _ = write.kill();
    }
    drop(write.stdin.take());
    let write = write
        .wait_with_output()
        .map_err(|error| unstarted("psql", FAILED, &error))?;
    if !write.status.success() && !write.stderr.is_empty() {
        return Err(said("psql", FAILED, &write.stderr));
    }
    if !read.status.success() {
        return Err(said("pg_restore", FAILED, &read.stderr));
    }
    if !write.status.success() {
        return Err(said("psql", FAILED, b"nothing"));
    }
    Ok(())
}

/// Gives what one program writes to another; whether all of it went over.
fn pour(read: &mut Child, write: &mut Child, tables: &[String]) -> std::io::Result<bool> {
    let (Some(from), Some(to)) = (&mut read.stdout, &mut write.stdin) else {
        return Ok(false);
    };
    // Notices of what is not there are no news.
    writeln!(to, "SET client_min_messages = warning;")?;
    for table in tables {
        writeln!(to, "DROP TABLE IF EXISTS \"{table}\" CASCADE;")?;
    }
    std::io::copy(from, to)?;
    to.flush()?;
    Ok(true)
}

fn run(mut command: Command, at: &Postgres, failed: &str) -> Result<(), Fault> {
    connect(&mut command, at);
    output(&mut command, failed).map(drop)
}

/// Where the database is, and how to get in.
fn connect(command: &mut Command, at: &Postgres) {
    let (bare, password) = split(at.url.reveal());
    command.arg("--dbname").arg(bare);
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    if let Some(file) = &at.ca_file {
        // With a root certificate libpq checks the server's, as the server program does.
        command.env("PGSSLROOTCERT", file);
    }
}

fn output(command: &mut Command, failed: &str) -> Result<Vec<u8>, Fault> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done = command
        .output()
        .map_err(|error| unstarted(&name, failed, &error))?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    Err(said(&name, failed, &done.stderr))
}

fn unstarted(name: &str, failed: &str, error: &std::io::Error) -> Fault {
    match error.kind() {
        ErrorKind::NotFound => Fault::new(
            failed,
            format!("{name} is not on this machine, and PostgreSQL is copied by its own programs"),
            "install PostgreSQL's client programs (Debian: apt install postgresql-client)",
        ),
        _ => Fault::new(failed, format!("{name}: {error}"), "see that it can be run"),
    }
}

fn said(name: &str, failed: &str, words: &[u8]) -> Fault {
    let said = String::from_utf8_lossy(words);
    let first: Vec<&str> = said.lines().take(3).collect();
    Fault::new(
        failed,
        format!("{name} said: {}", super::out::plain(&first.join(" "))),
        "see that this program is as new as the server, and that the user may do it",
    )
}

/// The URL without its password, and the password.
fn split(url: &str) -> (String, Option<String>) {
    let Ok(mut parsed) = Url::parse(url) else {
        return (url.to_owned(), None);
    };
    let mut password = parsed.password().map(decode);
    let pairs: Vec<(String, String)> = parsed.query_pairs().into_owned().collect();
    if pairs.iter().any(|(name, _)| name == "password") {
        password = pairs
            .iter()
            .find(|(name, _)| name == "password")
            .map(|(_, value)| value.clone());
        let rest = pairs.iter().filter(|(name, _)| name != "password");
        parsed.query_pairs_mut().clear().extend_pairs(rest);
    }
    let _ = parsed.set_password(None);
    (parsed.to_string(), password)
}

fn decode(text: &str) -> String {
    let pair = format!("p={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_taken_out_of_the_url() {
        let cases = [
            (
                "postgres://u:p%40+%2B@h:5432/d",
                "postgres://u@h:5432/d",
                Some("p@++"),
            ),
            (
                "postgres://u@h/d?sslmode=require",
                "postgres://u@h/d?sslmode=require",
                None,
            ),
            (
                "postgres://h/d?user=u&password=x",
                "postgres://h/d?user=u",
                Some("x"),
            ),
        ];
        for (url, bare, password) in cases {
            let (found, word) = split(url);
            assert_eq!((found.as_str(), word.as_deref()), (bare, password), "{url}");
        }
    }
}
