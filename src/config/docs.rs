//! What is written from the table of keys: `gerege.example.toml` and `docs/reference/config.md`.

use super::key::{KEYS, Key, Kind, SECTIONS};

/// `gerege.example.toml`: every key with its default, switched off.
pub fn example() -> String {
    let mut out = String::from(
        "# Gerege's configuration. Every key stands here with its default, switched off by #.\n\
         # Written from the code: UPDATE=1 cargo test --lib config::\n",
    );
    for (section, about) in SECTIONS {
        out.push('\n');
        if !section.is_empty() {
            out.push_str(&format!("[{section}]\n"));
        }
        out.push_str(&format!("# {about}\n"));
        for key in keys(section) {
            out.push('\n');
            for line in wrap(key.doc, 96) {
                out.push_str(&format!("# {line}\n"));
            }
            out.push_str(&format!("#{} = {}\n", key.name(), key.default));
            if key.secret {
                out.push_str(&format!("#{}_file = \"\"\n", key.name()));
            }
        }
    }
    out
}

/// `docs/reference/config.md`.
pub fn reference() -> String {
    let mut out = String::from(
        "<!-- Written from the code: UPDATE=1 cargo test --lib config:: -->\n\
         # Configuration\n\n\
         Gerege reads one TOML file: the one named by `--config`, else by `GEREGE_CONFIG`, else \
         `gerege.toml` where it was started, else `/etc/gerege/gerege.toml`. Without any, and \
         without a public `GEREGE_PUBLIC_URL`, it runs in dev mode, on this machine alone.\n\n\
         - A variable wins over the file: `GEREGE_MAIL__HOST` is `host` in `[mail]`. In a \
         variable, members of a list are separated by commas.\n\
         - A secret can lie in a file of its own: `password_file = \"PATH\"` or \
         `GEREGE_MAIL__PASSWORD_FILE=PATH`. A newline at its end does not count.\n\
         - An empty text means the default.\n\
         - Relative paths in the file start at the file's folder, those in variables where Gerege \
         was started.\n\
         - `gerege config check` names every mistake with its line; `gerege config show --all \
         --origin` prints every value and where it came from.\n\
         - A change counts from the next start. (R) marks what is fixed for the life of a process; \
         a later version may take up the others at once.\n",
    );
    for (section, about) in SECTIONS {
        let title = match *section {
            "" => "At the top".to_owned(),
            section => format!("`[{section}]`"),
        };
        out.push_str(&format!("\n## {title}\n\n{about}\n"));
        for key in keys(section) {
            let restart = if key.restart { " (R)" } else { "" };
            let secret = if key.secret { ", a secret" } else { "" };
            out.push_str(&format!(
                "\n### `{}`{restart}\n\n{}\n\n- {}{secret}\n- Default: `{}`\n- Variable: `{}`\n",
                key.path,
                key.doc,
                kind(key),
                key.default,
                key.variable(),
            ));
        }
    }
    out
}

fn keys(section: &str) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.section() == section)
}

fn kind(key: &Key) -> String {
    match key.kind {
        Kind::Text => "Text".into(),
        Kind::Path => "A file or folder".into(),
        Kind::Flag => "`true` or `false`".into(),
        Kind::Number(least, most) => format!("A whole number from {least} to {most}"),
        Kind::Choice(words) => format!("One of `{}`", words.join("`, `")),
        Kind::List => "A list of texts".into(),
    }
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        if let Some(line) = lines.last_mut() {
            if line.is_empty() {
                line.push_str(word);
                continue;
            }
            if line.chars().count() + 1 + word.chars().count() <= width {
                line.push(' ');
                line.push_str(word);
                continue;
            }
        }
        lines.push(word.to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;
    use crate::config::tests::{URL, keys as wrong, load};

    #[test]
    fn the_example_is_a_configuration_with_every_default() {
        let off = example();
        let on: String = off
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let config = load(&on, &[("GEREGE_PUBLIC_URL", "https://id.steppe.example")]).unwrap();
        let plain = load(URL, &[]).unwrap();
        let values = |config: &Config| -> Vec<String> {
            config.show(true).map(|one| one.value.clone()).collect()
        };
        assert_eq!(values(&config), values(&plain));
        assert_eq!(wrong(&load(&off, &[]).unwrap_err()), ["public_url"]);
    }

    #[test]
    fn what_is_written_from_the_table_is_fresh() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let pages = [
            ("gerege.example.toml", example()),
            ("docs/reference/config.md", reference()),
        ];
        for (name, fresh) in pages {
            let path = root.join(name);
            if std::env::var_os("UPDATE").is_some() {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, &fresh).unwrap();
            }
            assert!(
                std::fs::read_to_string(&path).unwrap_or_default() == fresh,
                "{name} is stale; write it again with: UPDATE=1 cargo test --lib config::"
            );
        }
    }
}
