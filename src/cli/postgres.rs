//! PostgreSQL's own programs, which copy its databases. The password goes by the environment,
//! where other users do not see it.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

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

/// Puts a copy in the place of the database: all of it, or nothing.
pub fn restore(at: &Postgres, file: &Path) -> Result<(), Fault> {
    let mut command = Command::new("pg_restore");
    command.args([
        "--clean",
        "--if-exists",
        "--no-owner",
        "--no-privileges",
        "--single-transaction",
        "--exit-on-error",
    ]);
    // The name of the file stands last: pg_restore takes it as it is.
    run_with(command, at, "nothing was restored", Some(file))
}

fn run(command: Command, at: &Postgres, failed: &str) -> Result<(), Fault> {
    run_with(command, at, failed, None)
}

fn run_with(
    mut command: Command,
    at: &Postgres,
    failed: &str,
    last: Option<&Path>,
) -> Result<(), Fault> {
    let name = command.get_program().to_string_lossy().into_owned();
    let (bare, password) = split(at.url.reveal());
    command.arg("--dbname").arg(bare);
    if let Some(last) = last {
        command.arg("--").arg(last);
    }
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    if let Some(file) = &at.ca_file {
        // With a root certificate libpq checks the server's, as the server program does.
        command.env("PGSSLROOTCERT", file);
    }
    let done = command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => Fault::new(
            failed,
            format!("{name} is not on this machine, and PostgreSQL is copied by its own programs"),
            "install PostgreSQL's client programs (Debian: apt install postgresql-client)",
        ),
        _ => Fault::new(failed, format!("{name}: {error}"), "see that it can be run"),
    })?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let first: Vec<&str> = said.lines().take(3).collect();
    Err(Fault::new(
        failed,
        format!("{name} said: {}", super::out::plain(&first.join(" "))),
        "see that this program is as new as the server, and that the user may do it",
    ))
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
