//! Refusals as developers and operators meet them: each code has its page and each page its code,
//! the answer names the page where there are pages, and the log names the command that mends it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use gerege::store;

use crate::app::TestApp;
use crate::http::{basic, encode};
use crate::log;
use crate::road::*;
use crate::source;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The names that go over the wire, from the one table in which they stand.
fn codes() -> BTreeSet<String> {
    let source = std::fs::read_to_string(root().join("src/oauth/error.rs")).unwrap();
    let table = source.split("pub const fn name(self)").nth(1).unwrap();
    let table = table.split("pub const fn").next().unwrap();
    let names = table.lines().filter_map(|line| {
        let name = line.trim().strip_prefix("Self::")?.split_once(" => \"")?.1;
        Some(name.trim_end_matches("\",").to_owned())
    });
    let all: BTreeSet<String> = names.collect();
    assert!(all.len() >= 30, "{all:?}");
    all
}

#[test]
fn each_code_has_its_page_and_each_page_its_code() {
    let folder = root().join("docs/errors");
    let mut pages = BTreeSet::new();
    let mut index = String::from(
        "# Errors\n\nWhat the answer to an app can say in `error`: what each code means, and what to do about each sentence beside it (`error_description`). The sentences are for developers; apps go by the code.\n\nThe log of the server tells of refusals that a command of the operator mends, as `request.refused` with `try=`, and of callers that did not prove who they are, as `caller.refused` with `why=`. `req=` is the number that the answer has in its header `Request-Id`. With `clients.error_pages` answers point to these pages (`error_uri`).\n\n",
    );
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        if name == "README" {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some(format!("# {name}").as_str()));
        let line = lines.nth(1).unwrap_or_default();
        assert!(
            line.ends_with('.'),
            "{name}: its first line says what it means"
        );
        for part in ["\n**Where:** ", "\n| it says | do this |\n|---|---|\n| "] {
            assert!(text.contains(part), "{name} has no {part:?}");
        }
        index.push_str(&format!("- [{name}]({name}.md): {}\n", lower(line)));
        pages.insert(name);
    }
    let codes = codes();
    let without: Vec<_> = codes.difference(&pages).collect();
    assert!(without.is_empty(), "no page in docs/errors: {without:?}");
    let unknown: Vec<_> = pages.difference(&codes).collect();
    assert!(unknown.is_empty(), "a page without a code: {unknown:?}");
    let file = folder.join("README.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &index).unwrap();
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(there == index, "UPDATE=1 writes docs/errors/README.md anew");
}

/// Texts of more than two words in the sources that judge requests, and are no sentence of an answer:
/// parts of one, words for the log and the operator, names of limits, headers.
const NOT_SAID: [&str; 17] = [
    "the request object",
    "the DPoP proof",
    "answers of userinfo",
    "its secret is wrong",
    "the service's secret is wrong",
    "nobody is to be told",
    "every code that was drawn is taken",
    "have the app send each parameter once",
    "have the app percent-encode what it sends",
    "have the app send less at once",
    "the error page is broken",
    "This page is broken. Reference: {reference}\\n",
    "ciba mail quarter",
    "ciba mail day",
    "WWW-Authenticate, DPoP-Nonce, Request-Id",
    "Authorization, Content-Type, DPoP",
    "alg of {what} must be PS256, ES256 or EdDSA: FAPI asks this client for it",
];

/// The texts of a source in quotation marks, as they are written, each with what stands before it.
fn texts(source: &str) -> Vec<(String, String)> {
    let bytes = source.as_bytes();
    let (mut at, mut all) = (0, Vec::new());
    while at < bytes.len() {
        let rest = &source[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\") {
            at += 3;
        } else if bytes[at] == b'"' {
            let mut end = at + 1;
            while bytes.get(end).is_some_and(|byte| *byte != b'"') {
                end += 1 + usize::from(bytes[end] == b'\\');
            }
            let end = end.min(bytes.len());
            // A line that goes on in the next one.
            let lines: Vec<&str> = source[at + 1..end].split("\\\n").collect();
            let text = lines.iter().enumerate().map(|(number, line)| match number {
                0 => line,
                _ => line.trim_start(),
            });
            let text: String = text.collect();
            let before: String = source[..at].split_whitespace().collect();
            let start = before.len().saturating_sub(60);
            let start = (start..).find(|at| before.is_char_boundary(*at)).unwrap();
            all.push((text, before[start..].to_owned()));
            at = end + 1;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    all
}

/// A text whose places are filled in, each with `with`.
fn filled(text: &str, with: &str) -> String {
    let mut parts = text.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| {
        all + with + part.split_once('}').map_or("", |(_, rest)| rest)
    })
}

/// A row of a page: what an answer says, and what to do about it.
pub struct Row {
    pub page: String,
    pub says: String,
    pub advice: String,
}

/// Those of all pages.
pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for file in std::fs::read_dir(root().join("docs/errors")).unwrap() {
        let file = file.unwrap().path();
        let page = file.file_stem().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let table = text.lines().filter_map(|line| line.strip_prefix("| "));
        rows.extend(table.filter_map(|line| {
            let (says, advice) = line.split_once(" | ")?;
            Some(Row {
                page: page.to_owned(),
                says: says.replace('`', ""),
                advice: advice.to_owned(),
            })
        }));
    }
    rows
}

/// Whether a row of a page, whose `…` stands for anything, is about a sentence.
pub fn fits(row: &str, said: &str) -> bool {
    let mut rest = said;
    let parts: Vec<&str> = row.split('…').collect();
    let last = parts.len() - 1;
    for (number, part) in parts.iter().enumerate() {
        let found = match number {
            0 => rest.starts_with(part).then_some(0),
            _ if number == last && !part.is_empty() => {
                rest.ends_with(part).then(|| rest.len() - part.len())
            }
            _ => rest.find(part),
        };
        let Some(found) = found else { return false };
        rest = &rest[found + part.len()..];
    }
    rest.is_empty() || parts[last].is_empty()
}

/// The sentences beside a code come from many places; each stands on a page, with what to do.
#[test]
fn each_sentence_stands_on_a_page() {
    let rows = rows();
    assert!(rows.len() > 200, "{}", rows.len());
    for Row { page, says, advice } in &rows {
        assert!(advice.len() > 3, "{page}: nothing to do about {says}");
    }
    let (mut seen, mut without) = (0, Vec::new());
    for file in source::files(&root().join("src")) {
        let name = file.file_name().unwrap().to_str().unwrap();
        if name.ends_with("_test.rs") || name.ends_with("tests.rs") {
            continue;
        }
        let source = std::fs::read_to_string(&file).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap();
        if !source.contains("Problem") {
            continue;
        }
        for (text, before) in texts(source) {
            let words = text.split(' ').count();
            // Faults of what an operator types, reasons that stay here, commands.
            let kept = [
                "#[error(",
                "alike(",
                "mend(",
                "mend(format!(",
                "mend_quoted(format!(",
                "try=",
                "Broken(",
                "Broken(format!(",
            ];
            let quiet = kept.iter().any(|end| before.ends_with(end))
                || text.starts_with("gerege ")
                || text.contains("src 'self'")
                || text.contains("=\\\"")
                || NOT_SAID.contains(&text.as_str());
            let plain = filled(&text, "x");
            let names = plain.split(' ').all(|word| word == "x" || word.len() < 2);
            if words < 3 || quiet || names || plain.ends_with(" x x") {
                continue;
            }
            seen += 1;
            // Where the code stands right before it, on that code's page.
            let code = before.trim_end_matches("format!(").strip_suffix(',');
            let code = code.and_then(|before| before.rsplit_once("Code::"));
            let code: Option<String> = code.map(|(_, name)| {
                let letters = name.chars().enumerate().map(|(at, letter)| match letter {
                    'A'..='Z' if at > 0 => format!("_{}", letter.to_ascii_lowercase()),
                    _ => letter.to_ascii_lowercase().to_string(),
                });
                letters.collect()
            });
            let page = |name: &str| code.as_deref().is_none_or(|code| code == name);
            if !rows
                .iter()
                .any(|row| page(&row.page) && fits(&row.says, &plain))
            {
                let code = code.unwrap_or_default();
                without.push(format!("{}: {code} {text}", file.display()));
            }
        }
    }
    assert!(seen > 200, "{seen}");
    assert!(
        without.is_empty(),
        "on no page of docs/errors:\n{}",
        without.join("\n")
    );
}

/// And back: a row outlives no sentence.
#[test]
fn each_row_of_a_page_is_said() {
    let mut rows = rows();
    for file in source::files(&root().join("src")) {
        let source = std::fs::read_to_string(&file).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap();
        for (text, _) in texts(source) {
            let plain = filled(&text, "x");
            // A row may fill in what the text leaves open, where that has words of its own.
            let open = filled(&text, "…");
            let own = filled(&text, "").len() > 20;
            rows.retain(|row| !(fits(&row.says, &plain) || own && fits(&open, &row.says)));
        }
    }
    let stale = rows.iter().map(|row| format!("{}: {}", row.page, row.says));
    let stale: Vec<String> = stale.collect();
    assert!(stale.is_empty(), "said nowhere:\n{}", stale.join("\n"));
}

fn lower(line: &str) -> String {
    let mut letters = line.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

#[test]
fn where_there_are_pages_each_refusal_names_its_own() {
    let pages = "https://docs.steppe.example/errors/";
    let app = TestApp::with(&[("CLIENTS__ERROR_PAGES", pages)]);
    let mut browser = app.browser();
    let refused = redeem(&mut browser, "made-up").is(400).json();
    assert_eq!(refused["error_uri"], format!("{pages}invalid_grant"));
    let refused = browser.get(&request(&[("response_type", "token")])).is(303);
    let page = format!("{pages}unsupported_response_type");
    // The demo messenger looks for an answer to that type behind the hash.
    let at = refused.location().replace('#', "?");
    assert_eq!(crate::http::param(&at, "error_uri"), Some(page));
    let mut bad = app.browser().with("Authorization", "Bearer made-up");
    let refused = bad.get("/oauth2/userinfo").is(401).json();
    assert_eq!(refused["error_uri"], format!("{pages}invalid_token"));
    // By itself it names none.
    let app = TestApp::new();
    let refused = redeem(&mut app.browser(), "made-up").is(400).json();
    assert!(refused["error_uri"].is_null());
    assert!(refused["error_description"].is_string());
}

#[test]
fn the_log_names_the_command_that_mends_a_refusal() {
    let app = TestApp::new();
    register(&app);
    let mark = log::mark();
    let mut browser = app.browser();
    browser.get(&request(&[("scope", "openid room")])).is(303);
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", "demo-messenger"),
    ];
    browser.post("/oauth2/token", &fields).is(400);
    browser.post("/oauth2/device", &fields[1..]).is(400);
    let mut wrong = app
        .browser()
        .with("Authorization", &basic("forum", "guess"));
    wrong
        .post("/oauth2/token", &[("grant_type", "client_credentials")])
        .is(401);
    let post = [
        ("grant_type", "client_credentials"),
        ("client_id", "forum"),
        ("client_secret", SECRET),
    ];
    browser.post("/oauth2/token", &post).is(401);
    app.write(|c| {
        let mut demo = store::client::find(c, "demo-messenger")?.expect("the demo messenger");
        demo.asking.par = gerege::oauth::client::Need::Required;
        store::client::save(c, &demo)
    });
    browser.get(&request(&[])).is(303);
    let said = log::since(mark);
    for command in [
        "gerege client edit demo-messenger --add-scope room",
        "gerege client edit demo-messenger --add-grant device_code",
        "gerege client rotate-secret forum",
        "gerege client edit forum --auth post",
        "gerege client edit demo-messenger --par optional",
    ] {
        assert!(said.contains(command), "{command}");
    }
    // It keeps no secret: the command would refuse.
    assert!(!said.contains("demo-messenger --add-grant client_credentials"));
    // A stranger's words never become part of a command.
    let mark = log::mark();
    let at = format!(
        "/oauth2/authorize?{}",
        encode(&[("client_id", "x; reboot")])
    );
    browser.get(&at).is(400);
    browser
        .get(&request(&[("resource", "https://$(reboot).example")]))
        .is(303);
    let said = log::since(mark);
    let mut lines = said.lines().filter(|line| line.contains("reboot"));
    assert!(!lines.any(|line| line.contains("client edit")), "{said}");
}

// RFC 6749 3.1 and 3.2
#[test]
fn a_parameter_that_stands_twice_is_named() {
    let app = TestApp::new();
    let twice = "send each parameter once";
    let mut browser = app.browser();
    for (path, body, why) in [
        ("/oauth2/token", "grant_type=a&grant_type=b", "grant_type"),
        ("/oauth2/par", "client_id=a&scope=a&scope=b", "scope"),
        ("/oauth2/revoke", "token=a&token=b", "token"),
    ] {
        let mark = log::mark();
        let refused = browser.post_bytes(path, body.as_bytes()).is(400).json();
        let said = log::since(mark);
        assert_eq!(refused["error"], "invalid_request");
        let sentence = format!("{why} stands more than once");
        assert_eq!(refused["error_description"], sentence);
        let line = said.lines().find(|line| line.contains(&sentence)).unwrap();
        assert!(line.contains(twice) && line.contains(" INFO "), "{line}");
    }
    let refused = browser.post_bytes("/oauth2/token", b"grant_type=%ff&code=a");
    let refused = refused.is(400).json();
    assert_eq!(
        refused["error_description"],
        "grant_type is not percent-encoded UTF-8, or holds NUL"
    );
    // A person meets a page; the sentence is for the operator.
    let at = "/oauth2/authorize";
    for method in ["GET", "POST"] {
        let mark = log::mark();
        let answer = if method == "GET" {
            browser.get(&format!("{at}?client_id=a&state=1&state=2"))
        } else {
            browser.post_bytes(at, b"client_id=a&state=1&state=2")
        };
        let page = answer.is(400);
        assert!(page.text().contains("</html>") && page.h1().starts_with("The app asked"));
        let said = log::since(mark);
        let line = said.lines().find(|line| line.contains("state stands more"));
        let line = line.unwrap_or_else(|| panic!("{method}: {said}"));
        assert!(line.contains(twice) && line.contains(at), "{line}");
    }
    let page = browser.get("/oauth2/logout?state=1&state=2").is(400);
    assert!(page.text().contains("</html>"), "a page, and no JSON");
}
