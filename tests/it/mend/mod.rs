//! What mends a refusal: each command that a page of docs/errors names is asked for over HTTP, found
//! in the log, run as a shell runs it, and then the refusal is gone.

mod machine;
mod network;
mod person;

use std::process::Command;

use gerege::config::Engine;
use gerege::oauth::client::Client;
use gerege::oauth::service::Service;
use gerege::store;

use crate::app::TestApp;
use crate::errors::{fits, rows};
use crate::http::Answer;
use crate::log;

/// A line `request.refused` of the log.
struct Line {
    code: String,
    why: String,
    command: String,
}

/// All lines that were provoked, and what went wrong with them.
#[derive(Default)]
struct Book {
    lines: Vec<Line>,
    wrong: Vec<String>,
}

/// What a command does about its refusal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    /// It is gone.
    Gone,
    /// The command shows what is to be compared.
    Shown,
}

/// A text among the fields of a line of the log.
fn field(line: &str, name: &str) -> Option<String> {
    let rest = line.split_once(&format!(" {name}=\""))?.1;
    let (mut text, mut letters) = (String::new(), rest.chars());
    loop {
        match letters.next()? {
            '"' => return Some(text),
            '\\' => text.push(letters.next()?),
            letter => text.push(letter),
        }
    }
}

/// What the log says of the answer's request, where it says what mends it.
fn heard(provoke: &mut dyn FnMut() -> Answer) -> Option<Line> {
    let mark = log::mark();
    let answer = provoke();
    let reference = format!("req=\"{}\"", answer.header("request-id").unwrap());
    let said = log::since(mark);
    let mut lines = said.lines();
    let line = lines.find(|line| line.contains("request.refused") && line.contains(&reference))?;
    Some(Line {
        code: field(line, "code").unwrap(),
        why: field(line, "why").unwrap(),
        command: field(line, "try").unwrap(),
    })
}

/// Runs a command of the operator's as a shell reads it; gives why it did nothing.
fn run(app: &TestApp, command: &str) -> Result<(), String> {
    let words = command.strip_prefix("gerege ").expect("a command of ours");
    let database = match &app.app.config.database.engine {
        Engine::Sqlite(_) => "sqlite".to_owned(),
        Engine::Postgres(at) => at.url.reveal().to_owned(),
    };
    let done = Command::new("sh")
        .args([
            "-c",
            &format!("exec '{}' {words}", env!("CARGO_BIN_EXE_gerege")),
        ])
        .current_dir(app.folder())
        .env("GEREGE_DATA_DIR", app.folder())
        .env("GEREGE_DATABASE__URL", database)
        .env("GEREGE_LISTEN__ADDRESS", app.address.to_string())
        .env("GEREGE_PUBLIC_URL", &app.origin)
        .output()
        .unwrap();
    match done.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&done.stderr).into_owned()),
    }
}

impl Book {
    /// The log names `command` for what is provoked; it runs, and the refusal is gone.
    fn mends(
        &mut self,
        app: &TestApp,
        command: &str,
        after: After,
        provoke: &mut dyn FnMut() -> Answer,
    ) {
        let Some(line) = heard(provoke) else {
            return self.wrong.push(format!("nothing mends it: {command}"));
        };
        let whole = line.command == command || line.command.ends_with(&format!(": {command}"));
        if !whole {
            let said = format!("{}: {}, not {command}", line.why, line.command);
            return self.wrong.push(said);
        }
        if let Err(why) = run(app, command) {
            self.wrong.push(format!("{command}: {why}"));
        } else if after == After::Gone {
            let again = heard(provoke).filter(|again| again.command == line.command);
            let stands = again.map(|line| format!("{command} does not mend: {}", line.why));
            self.wrong.extend(stands);
        }
        let command = command.to_owned();
        self.lines.push(Line { command, ..line });
    }
}

/// Changes an app behind its back.
fn client(app: &TestApp, id: &'static str, change: impl Fn(&mut Client) + Send + 'static) {
    app.write(move |c| {
        let mut client = store::client::find(c, id)?.expect("the client");
        change(&mut client);
        store::client::save(c, &client)
    });
}

/// Changes a service behind its back.
fn service(app: &TestApp, id: &'static str, change: impl Fn(&mut Service) + Send + 'static) {
    app.write(move |c| {
        let mut service = store::client::find_service(c, id)?.expect("the service");
        change(&mut service);
        store::client::save_service(c, &service)
    });
}

/// Commands on the pages that belong to another line of the log, or to no refusal that they end.
const ELSEWHERE: [(&str, &str); 3] = [
    // `db.away` has it.
    ("temporarily_unavailable", "gerege doctor"),
    // The app asked for what cannot be: nothing makes it possible.
    ("unsupported_token_type", "gerege client edit"),
    ("unsupported_token_type", "gerege client remove"),
];

/// Whether a page's command, whose words in capitals stand for anything, begins a command.
fn is_like(page: &str, command: &str) -> bool {
    let any = |word: &str| word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase());
    let mut words = command.split(' ');
    page.split(' ')
        .all(|word| words.next().is_some_and(|other| any(word) || word == other))
}

#[test]
fn each_command_of_a_page_stands_in_the_log_and_mends_the_refusal() {
    let mut book = Book::default();
    person::asked(&mut book);
    person::pushed(&mut book);
    person::granted(&mut book);
    machine::proved(&mut book);
    machine::allowed(&mut book);
    machine::bound(&mut book);
    machine::traded(&mut book);
    machine::managed(&mut book);
    assert!(book.wrong.is_empty(), "{}", book.wrong.join("\n"));
    let (mut seen, mut without) = (0, Vec::new());
    for row in rows() {
        let commands = row.advice.split('`').skip(1).step_by(2);
        for command in commands.filter(|text| text.starts_with("gerege ")) {
            if ELSEWHERE.contains(&(row.page.as_str(), command)) {
                continue;
            }
            seen += 1;
            let said = |line: &Line| {
                line.code == row.page
                    && fits(&row.says, &line.why)
                    && is_like(command, &line.command)
            };
            if !book.lines.iter().any(said) {
                without.push(format!("{}: {}: {command}", row.page, row.says));
            }
        }
    }
    assert!(seen > 30, "{seen}");
    assert!(without.is_empty(), "no log names:\n{}", without.join("\n"));
}
