//! Refusals as developers and operators meet them: each code has its page and each page its code,
//! the answer names the page where there are pages, and the log names the command that mends it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use gerege::store;

use crate::app::TestApp;
use crate::http::{basic, encode};
use crate::log;
use crate::road::*;

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
        "gerege client edit demo-messenger --add-grant client_credentials",
        "gerege client rotate-secret forum",
        "gerege client edit forum --auth post",
        "gerege client edit demo-messenger --par optional",
    ] {
        assert!(said.contains(command), "{command}");
    }
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
