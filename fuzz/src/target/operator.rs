//! What an operator writes: agreements and the configuration.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use gerege::account::terms;
use gerege::config::{Config, is_loopback};

use super::text;
use crate::Depth;

pub const TERMS: &[&str] = &[
    "---\n",
    "title: ",
    "language: ",
    "in_force: ",
    "2026-11-22",
    "summary: ",
    "changes: ",
    "grace_days: ",
    "optional: true",
    "optional: false",
    "en",
    "de-AT",
    "365",
    "366",
    "\n",
    ": ",
    "# ",
    "\u{feff}",
];

pub const MARKDOWN: &[&str] = &[
    "# ",
    "###### ",
    "- ",
    "1. ",
    "> ",
    "```\n",
    "`",
    "**",
    "_",
    "~~",
    "---\n",
    "|a|b|\n|-|:-:|\n",
    "[a](https://steppe.example)",
    "[a](javascript:alert(1))",
    "![a](https://evil.example/x.png)",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!--",
    "-->",
    "<https://a.example>",
    "<a@b.example>",
    "[a]: data:text/html,x\n",
    "[a][a]",
    "\" onclick=\"",
    "&lt;",
    "&#106;",
    "\n\n",
    "    ",
    "\\",
    "](",
    " \"title\")",
    "JaVaScRiPt:",
    "\t",
];

pub const CONFIG: &[&str] = &[
    "public_url = \"https://id.steppe.example\"\n",
    "[mail]\n",
    "[listen]\n",
    "[database]\n",
    "host = \"mail.example\"\n",
    "password_file = \"smtp.secret\"\n",
    "address = \"127.0.0.1:1\"\n",
    "trusted_proxies = [\"10.0.0.0/8\"]\n",
    "url = \"postgres://a:b@db.example/c\"\n",
    "GEREGE_PUBLIC_URL=http://localhost:1\n",
    "GEREGE_MAIL__HOST=mail.example\n",
    "GEREGE_LISTEN__WORKERS=3\n",
    "dev\n",
    "[password]\n",
    "[signup]\n",
    "[terms]\n",
    "[tokens]\n",
    "min_length = 12\n",
    "name = \"Steppe\"\n",
    "domain = \"steppe.example\"\n",
    "true",
    "[]",
    "{}",
    "\"\"\"",
    "'",
    "10m",
    "30d",
    "1979-05-27",
    "0x10",
    "_",
    "[theme]\nlanguages = [\"de\"]\n",
];

/// An agreement's file.
pub fn terms(input: &[u8]) -> Depth {
    let text = text!(input);
    let draft = match terms::parse("terms", text) {
        Ok(draft) => draft,
        Err(mistake) => {
            assert!(mistake.line >= 1 || text.is_empty());
            assert!(mistake.line <= text.lines().count().max(1), "{mistake}");
            let door = !text.trim_start_matches('\u{feff}').starts_with("---");
            return if door { Depth::Door } else { Depth::Judged };
        }
    };
    // What is hashed and what a person can save is read again as the same.
    let rendered = draft.render();
    let again = terms::parse("terms", &rendered).unwrap_or_else(|e| panic!("{e}\n{rendered}"));
    assert_eq!(again, draft);
    assert_eq!(again.sha256(), draft.sha256());
    assert!(!draft.title.is_empty() && !draft.language.is_empty() && !draft.text.trim().is_empty());
    assert!(draft.summary.len() <= 3 && draft.grace_days <= 365);
    tame(&gerege::page::markdown(&draft.text));
    Depth::Accepted
}

/// An agreement's text.
pub fn markdown(input: &[u8]) -> Depth {
    let text = text!(input);
    let tags = tame(&gerege::page::markdown(text));
    // A paragraph and no more: the text was shown as it is.
    if tags > 2 {
        Depth::Accepted
    } else {
        Depth::Judged
    }
}

/// Reads a page's piece as browsers do, and finds nothing in it that acts, loads or leads astray.
/// Gives the number of tags.
fn tame(html: &str) -> usize {
    let mut tags = 0;
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        tags += 1;
        let name_at = usize::from(rest.starts_with('/'));
        let end = rest[name_at..]
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap()
            + name_at;
        let name = &rest[name_at..end];
        let known = [
            "p",
            "h3",
            "h4",
            "h5",
            "h6",
            "blockquote",
            "pre",
            "code",
            "ul",
            "ol",
            "li",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "em",
            "strong",
            "del",
            "a",
            "img",
            "hr",
            "br",
        ];
        assert!(known.contains(&name), "<{name}> in {html}");
        rest = &rest[end..];
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix("/>").or_else(|| rest.strip_prefix('>')) {
                rest = after;
                break;
            }
            let (attribute, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{html}"));
            let (value, after) = after.split_once('"').unwrap();
            match (name, attribute) {
                ("a", "href") => {
                    let lower = value.to_ascii_lowercase();
                    let safe = ["http://", "https://", "mailto:"]
                        .iter()
                        .any(|s| lower.starts_with(s));
                    assert!(safe || value.is_empty(), "a link to {value}");
                }
                ("img", "src") => assert_eq!(value, "", "a picture is loaded"),
                (_, "title" | "alt" | "class" | "start") => {}
                ("th" | "td", "style") => assert!(value.starts_with("text-align: "), "{value}"),
                _ => panic!("<{name} {attribute}> in {html}"),
            }
            rest = after;
        }
    }
    tags
}

/// A configuration; lines that begin with `GEREGE_` are variables, a first line `dev` is `--dev`.
pub fn config(input: &[u8]) -> Depth {
    let text = text!(input);
    let (dev, text) = match text.strip_prefix("dev\n") {
        Some(rest) => (Some(true), rest),
        None => (None, text),
    };
    let mut toml = String::new();
    let mut env = BTreeMap::new();
    for line in text.split_inclusive('\n') {
        match line
            .strip_prefix("GEREGE_")
            .and_then(|line| line.split_once('='))
        {
            Some((name, value)) => {
                env.insert(
                    format!("GEREGE_{name}"),
                    value.trim_end_matches('\n').to_owned(),
                );
            }
            None => toml.push_str(line),
        }
    }
    // A fuzzer that compares finds the secret out, and then types it elsewhere.
    if text.contains("hunter2") {
        return Depth::Door;
    }
    let load = |toml: &str, env: &BTreeMap<String, String>| {
        Config::load_with(
            Some(Path::new("/etc/gerege/gerege.toml")),
            env,
            dev,
            &|path| match path.to_str() {
                Some("/etc/gerege/gerege.toml") => Ok(toml.to_owned()),
                Some("/etc/gerege/smtp.secret") => Ok("hunter2\n".to_owned()),
                _ => Err(io::Error::from(io::ErrorKind::NotFound)),
            },
        )
    };
    let config = match load(&toml, &env) {
        Ok(config) => config,
        Err(mistakes) => {
            assert!(!mistakes.is_empty());
            for one in &mistakes {
                assert!(!one.what.is_empty() && !one.fix.is_empty());
                assert_eq!(one.to_string().lines().count(), 3, "{one}");
                assert!(
                    !one.to_string().contains("hunter2"),
                    "a secret is shown: {one}"
                );
            }
            return Depth::Judged;
        }
    };
    assert!(config.secure() || is_loopback(config.host()));
    assert!(
        !config.dev || is_loopback(config.host()),
        "dev mode on {}",
        config.host()
    );
    assert!(
        config.issuer().matches('/').count() == 2 && !config.issuer().contains(['?', '#', '@'])
    );
    // What `config show` prints is a configuration, and the same one. (A variable's relative path
    // starts elsewhere than a file's.)
    let shown: Vec<(&str, &str)> = config
        .show(true)
        .filter(|shown| shown.value != "(hidden)")
        .map(|shown| (shown.key, shown.value.as_str()))
        .collect();
    assert!(!shown.iter().any(|(_, value)| value.contains("hunter2")));
    let hidden = config
        .show(false)
        .any(|shown| shown.value == "(hidden)" || shown.value.contains("(hidden)"));
    if !hidden && env.is_empty() {
        let printed: String = shown
            .iter()
            .map(|(key, value)| format!("{key} = {value}\n"))
            .collect();
        let again = load(&printed, &BTreeMap::new()).unwrap_or_else(|mistakes| {
            let all: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            panic!("{}\n{printed}", all.join("\n"))
        });
        let twice: Vec<(&str, &str)> = again
            .show(true)
            .filter(|shown| shown.value != "(hidden)")
            .map(|shown| (shown.key, shown.value.as_str()))
            .collect();
        assert_eq!(twice, shown);
    }
    Depth::Accepted
}
