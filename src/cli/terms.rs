//! `gerege terms`: agreements.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::fault::Fault;
use super::house::{House, Missing};
use super::moment;
use super::out::{self, Out};
use crate::flow::terms::{self as story, Refused};

/// What to do with agreements.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Publish what is new or changed; a published version never changes
    #[command(
        after_help = "Examples:\n  gerege terms publish\n  gerege terms publish terms/privacy.en.md"
    )]
    Publish(From),
    /// List published versions
    #[command(after_help = "Examples:\n  gerege terms list --json")]
    List,
    /// Show how the files differ from what is published
    #[command(
        after_help = "Examples:\n  gerege terms diff\n  gerege terms diff terms/privacy.en.md"
    )]
    Diff(From),
    /// List who accepted an agreement, newest first
    #[command(after_help = "Examples:\n  gerege terms who privacy")]
    Who {
        /// The agreement, such as terms or privacy
        document: String,
    },
}

/// Where agreements are read from.
#[derive(Debug, Args)]
pub struct From {
    /// A folder, or one Markdown file; else terms.dir
    path: Option<PathBuf>,
}

impl Command {
    /// What to do where there is no database.
    pub fn missing(&self) -> Missing {
        match self {
            Self::Publish(_) => Missing::Make,
            _ => Missing::Refuse,
        }
    }
}

/// Does it.
pub fn run(house: &House, command: Command, out: Out) -> Result<(), Fault> {
    match command {
        Command::Publish(from) => publish(house, from, out),
        Command::List => list(house, out),
        Command::Diff(from) => diff(house, from, out),
        Command::Who { document } => who(house, &document, out),
    }
}

fn place(house: &House, from: From) -> PathBuf {
    from.path
        .unwrap_or_else(|| house.app.config.terms.dir.clone())
}

fn refused(what: &str, refusal: Refused) -> Fault {
    let fix = match &refusal {
        Refused::Unreadable { .. } => "name a folder or file that this user may read",
        Refused::Mistake { .. } => "put that line right, then the same command again",
        Refused::Twice { .. } => "keep one of the two files",
        Refused::Differs { .. } => "give all languages of an agreement the same line",
        Refused::Empty(_) => "write one Markdown file for each agreement, such as terms.en.md",
        Refused::Store(_) => "gerege db status, then the same command again",
    };
    Fault::new(what, refusal, fix)
}

fn publish(house: &House, from: From, out: Out) -> Result<(), Fault> {
    let path = place(house, from);
    let done = house
        .wait(story::publish(&house.app, &path))
        .map_err(|refusal| refused("nothing was published", refusal))?;
    if out.json {
        let list: Vec<Value> = done
            .iter()
            .map(|one| {
                json!({
                    "document": one.document,
                    "language": one.language,
                    "version": one.version,
                    "sha256": one.sha256,
                    "in_force_at": one.in_force_at.rfc3339(),
                    "new": one.new,
                })
            })
            .collect();
        out::json(&list);
        return Ok(());
    }
    for one in &done {
        let what = if one.new {
            let from = format!("published, in force from {} UTC", moment(one.in_force_at));
            if one.in_force_at < one.published_at {
                format!("{from}; that date lies in the past, and the grace counts from today")
            } else {
                from
            }
        } else {
            "stands already".to_owned()
        };
        out::line(&format!(
            "{} ({}) version {}: {what}",
            one.document, one.language, one.version
        ));
    }
    Ok(())
}

fn list(house: &House, out: Out) -> Result<(), Fault> {
    let versions = house.wait(story::list(&house.app))?;
    if out.json {
        let list: Vec<Value> = versions
            .iter()
            .map(|one| {
                json!({
                    "document": one.document,
                    "version": one.version,
                    "language": one.language,
                    "title": one.title,
                    "sha256": one.sha256,
                    "summary": one.summary,
                    "changes": one.changes,
                    "in_force_at": one.in_force_at.rfc3339(),
                    "grace_days": one.grace_days,
                    "optional": one.optional,
                    "published_at": one.published_at.rfc3339(),
                    "url": house.app.config.url(&format!(
                        "/terms/{}/{}",
                        one.document, one.version
                    )),
                })
            })
            .collect();
        out::json(&list);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = versions
        .iter()
        .map(|one| {
            vec![
                one.document.clone(),
                one.version.to_string(),
                one.language.clone(),
                one.title.clone(),
                moment(one.in_force_at),
                one.sha256.chars().take(12).collect(),
            ]
        })
        .collect();
    let heads = [
        "DOCUMENT",
        "VERSION",
        "LANGUAGE",
        "TITLE",
        "IN FORCE (UTC)",
        "SHA-256",
    ];
    out.table(
        &heads,
        &rows,
        "No agreement is published: gerege terms publish --help",
    );
    Ok(())
}

fn diff(house: &House, from: From, out: Out) -> Result<(), Fault> {
    let path = place(house, from);
    let found = house
        .wait(story::diff(&house.app, &path))
        .map_err(|refusal| refused("nothing to compare", refusal))?;
    let unified = |one: &story::Difference| {
        diffy::DiffOptions::new()
            .set_original_filename("published")
            .set_modified_filename("file")
            .create_patch(&one.standing, &one.file)
            .to_string()
    };
    if out.json {
        let list: Vec<Value> = found
            .iter()
            .map(|one| {
                json!({
                    "document": one.document,
                    "language": one.language,
                    "version": one.version,
                    "differs": one.standing != one.file,
                    "diff": unified(one),
                })
            })
            .collect();
        out::json(&list);
        return Ok(());
    }
    for one in &found {
        let name = format!("{} ({})", one.document, one.language);
        match one.version {
            None => out::line(&format!("{name}: not published yet")),
            Some(version) if one.standing == one.file => {
                out::line(&format!("{name}: as published in version {version}"));
            }
            Some(version) => {
                out::line(&format!("{name}: differs from version {version}"));
                for line in unified(one).lines() {
                    out::line(&out::plain(line));
                }
            }
        }
    }
    Ok(())
}

fn who(house: &House, document: &str, out: Out) -> Result<(), Fault> {
    let known = house.wait(story::list(&house.app))?;
    if !known.iter().any(|one| one.document == document) {
        return Err(Fault::new(
            format!("there is no agreement {document}"),
            "no version of it was ever published",
            "gerege terms list",
        ));
    }
    let accepted = house.wait(story::who(&house.app, document))?;
    if out.json {
        let list: Vec<Value> = accepted
            .iter()
            .map(|(username, one)| {
                json!({
                    "username": username,
                    "version": one.version,
                    "language": one.language,
                    "sha256": one.sha256,
                    "accepted_at": one.accepted_at.rfc3339(),
                })
            })
            .collect();
        out::json(&list);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = accepted
        .iter()
        .map(|(username, one)| {
            vec![
                username.clone(),
                one.version.to_string(),
                one.language.clone(),
                moment(one.accepted_at),
            ]
        })
        .collect();
    let heads = ["USERNAME", "VERSION", "LANGUAGE", "ACCEPTED (UTC)"];
    out.table(&heads, &rows, "Nobody has accepted it yet.");
    Ok(())
}
