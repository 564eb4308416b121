//! The command tree as a whole: its help, its page in the reference, its errors.

use std::path::Path;

use clap::{Command, CommandFactory as _, Parser as _};

use super::{Args, Fault, written};

/// Every command with its path, such as `gerege client add`.
fn commands() -> Vec<(String, Command)> {
    fn walk(path: &str, command: &Command, all: &mut Vec<(String, Command)>) {
        all.push((path.to_owned(), command.clone().bin_name(path)));
        for inner in command.get_subcommands() {
            walk(&format!("{path} {}", inner.get_name()), inner, all);
        }
    }
    let mut tree = Args::command().term_width(80);
    tree.build();
    let mut all = Vec::new();
    walk("gerege", &tree, &mut all);
    all
}

fn help(command: &Command) -> String {
    command
        .clone()
        .term_width(80)
        .render_long_help()
        .to_string()
}

/// `docs/reference/cli.md`.
fn reference() -> String {
    let mut out = String::from(
        "<!-- Written from the code: UPDATE=1 cargo test --lib cli:: -->\n\
         # Commands\n\n\
         Every command finds the configuration as the server does: the file named by `--config`, \
         else by `GEREGE_CONFIG`, else `gerege.toml` where it was started, else \
         `/etc/gerege/gerege.toml`, and the `GEREGE_` variables; without any of them it is dev \
         mode's. Commands work while the server runs, which sees what they changed within a \
         second; `db migrate` and `db restore` want the database alone.\n\n\
         Facts are printed as JSON with `--json`. An error has three lines: what happened, why, \
         and what to type. The exit code is 0, or 1 when the command could not do its work, or 2 \
         when the command line is wrong; `doctor` answers 0 good, 1 something to look at, 2 \
         broken.\n",
    );
    for (path, command) in commands() {
        let depth = "#".repeat(1 + path.split(' ').count().min(3));
        out.push_str(&format!("\n{depth} `{path}`\n\n```text\n"));
        for line in help(&command).trim_end().lines() {
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out.push_str("```\n");
    }
    out
}

#[test]
fn the_tree_is_sound() {
    Args::command().debug_assert();
}

#[test]
fn every_command_has_examples_and_fits_80_columns() {
    for (path, command) in commands() {
        let text = help(&command);
        let group = command.has_subcommands() && path != "gerege";
        assert!(
            group || text.contains("Examples:"),
            "{path} has no examples"
        );
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{path}: {line}");
        }
    }
}

#[test]
fn the_examples_are_commands() {
    for (path, command) in commands() {
        let text = help(&command);
        let Some((_, examples)) = text.split_once("Examples:\n") else {
            continue;
        };
        let joined = examples.replace("\\\n", " ");
        for line in joined.lines().map(str::trim) {
            let line = line.rsplit_once("| ").map_or(line, |(before, after)| {
                if after.starts_with("gerege") {
                    after
                } else {
                    before
                }
            });
            let line = line.split(['>', '<']).next().unwrap_or_default();
            let words: Vec<String> = words(line);
            if words.is_empty() {
                continue;
            }
            let parsed = Args::try_parse_from(&words);
            assert!(parsed.is_ok(), "{path}: {line}: {}", parsed.unwrap_err());
        }
    }
}

/// What the log proposes to an operator (`Problem::mend`).
#[test]
fn what_mends_a_refusal_is_a_command() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folders = ["oauth", "flow", "web/oauth"].map(|folder| source.join(folder));
    let mut found = 0;
    for file in folders.iter().flat_map(|at| std::fs::read_dir(at).unwrap()) {
        let source = std::fs::read_to_string(file.unwrap().path()).unwrap_or_default();
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        for rest in source.split("\"gerege ").skip(1) {
            let command = rest.split('"').next().unwrap_or_default();
            let command = command
                .replace("{short}", "token_exchange")
                .replace("{proof}", "mtls")
                .replace("{all}", " --request-uri x");
            // Any other name is one of the operator's.
            let mut parts = command.split('{');
            let first = parts.next().unwrap_or_default().to_owned();
            let command = parts.fold(first, |all, part| {
                all + "x" + part.split_once('}').map_or("", |(_, rest)| rest)
            });
            // What else helps stands behind it.
            let command = command.split(", ").next().unwrap_or_default();
            let line = format!("gerege {command}");
            let parsed = Args::try_parse_from(words(&line));
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
            found += 1;
        }
    }
    assert!(found >= 40, "{found}");
}

/// Words as a shell reads them, as far as quotes go.
fn words(line: &str) -> Vec<String> {
    let (mut out, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.trim().chars() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(mark), c) if c == mark => quote = None,
            (None, ' ') if word.is_empty() => {}
            (None, ' ') => out.push(std::mem::take(&mut word)),
            (_, c) => word.push(c),
        }
    }
    if !word.is_empty() {
        out.push(word);
    }
    out
}

#[test]
fn the_reference_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/cli.md");
    let fresh = reference();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &fresh).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == fresh,
        "docs/reference/cli.md is stale; write it again with: UPDATE=1 cargo test --lib cli::"
    );
}

#[test]
fn a_wrong_command_line_is_told_in_three_lines() {
    let cases = [
        ("gerege clinet add", "clinet", "gerege --help"),
        ("gerege client ad forum", "ad", "gerege client --help"),
        ("gerege client add", "required", "gerege client add --help"),
        (
            "gerege client add a --redirct b",
            "--redirct",
            "gerege client add --help",
        ),
        ("gerege client add a --auth basics", "basics", "--help"),
        (
            "gerege service add a --audience a --algorithm HS256",
            "HS256",
            "--help",
        ),
        (
            "gerege service add a --audience a --claim jid",
            "jid",
            "--help",
        ),
        (
            "gerege key rotate --now --compromised",
            "--compromised",
            "gerege key rotate --help",
        ),
        (
            "gerege user add a --email b",
            "--password-file",
            "gerege user add --help",
        ),
    ];
    for (line, says, fix) in cases {
        let error = Args::try_parse_from(line.split(' ')).unwrap_err();
        let fault = Fault::from_clap(&error, &written(line.split(' ').map(str::to_owned)));
        assert_eq!(fault.code(), 2, "{line}");
        let texts = fault.texts();
        let [text] = texts.as_slice() else {
            panic!("{line}: one error");
        };
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{line}: {text}");
        assert!(
            lines[0].starts_with("error: ") && lines[0].contains(says),
            "{line}: {text}"
        );
        assert!(
            lines[1].starts_with("  why: ") && lines[1].len() > 10,
            "{line}: {text}"
        );
        assert!(
            lines[2].starts_with("  try: ") && lines[2].contains(fix),
            "{line}: {text}"
        );
    }
}

#[test]
fn flags_may_stand_before_and_after_the_command() {
    for line in [
        "gerege --json -c a.toml client list",
        "gerege client list --json -c a.toml",
        "gerege client --json list --config a.toml --color never",
    ] {
        let args = Args::try_parse_from(line.split(' ')).unwrap();
        assert!(args.json, "{line}");
        assert_eq!(args.config.as_deref(), Some(Path::new("a.toml")), "{line}");
    }
}

/// The commands in the code blocks of a page, as words.
fn typed(page: &str) -> Vec<Vec<String>> {
    let blocks = page.split("```sh\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split("```").next());
    let lines = blocks.flat_map(|block| {
        let whole = block.replace("\\\n", " ");
        let lines = whole.lines().map(str::trim).map(str::to_owned);
        lines.collect::<Vec<_>>()
    });
    lines
        .filter(|line| line.starts_with("gerege "))
        .map(|line| {
            let bare = line.split(['>', '<', '|', '#']).next();
            words(bare.unwrap_or_default())
        })
        .collect()
}

#[test]
fn the_commands_of_the_pages_are_ones() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let mut count = 0;
    for folder in [docs.clone(), docs.join("standards")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|kind| kind != "md") {
                continue;
            }
            let page = std::fs::read_to_string(&path).unwrap();
            for line in typed(&page) {
                // What is left out is for the reader to fill in.
                if line.iter().any(|word| word.contains('…')) {
                    continue;
                }
                let read = Args::try_parse_from(&line);
                assert!(read.is_ok(), "{}: {line:?}", path.display());
                count += 1;
            }
        }
    }
    assert!(count > 20, "{count}");
}
