//! The configuration as typed: TOML text and environment variables become plain values, each with
//! its origin; what is no key of the table or of the wrong kind becomes a mistake.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use toml_edit::{Document, Item, TableLike};

use super::key::{KEYS, Key, Kind, key};
use super::mistake::{Mistake, Origin};

/// Variables that start with `GEREGE_` and are no keys.
const OTHER_VARIABLES: &[&str] = &["GEREGE_CONFIG"];

/// A value of a known kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Text, a path or a chosen word.
    Text(String),
    /// A whole number.
    Number(i64),
    /// `true` or `false`.
    Flag(bool),
    /// A list of texts.
    List(Vec<String>),
}

impl Value {
    /// In TOML notation.
    pub(super) fn toml(&self) -> String {
        match self {
            Self::Text(text) => toml_edit::Value::from(text.as_str()).to_string(),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::List(list) => {
                let array: toml_edit::Array = list.iter().map(String::as_str).collect();
                array.to_string()
            }
        }
    }
}

/// Everything typed, and what was wrong with it.
#[derive(Debug, Default)]
pub(super) struct Typed {
    /// The folder where relative paths of the file start.
    pub folder: PathBuf,
    /// What was typed for each key. A key whose value was of the wrong kind is missing.
    pub values: BTreeMap<&'static str, (Value, Origin)>,
    /// What is wrong so far.
    pub mistakes: Vec<Mistake>,
    /// Keys typed wrongly: their absence is no second mistake.
    pub spoilt: Vec<&'static str>,
    /// The file could not be read or is not TOML.
    pub unread: bool,
}

impl Typed {
    /// Reads the file, then the variables, which win.
    pub(super) fn read(
        file: Option<&Path>,
        env: &BTreeMap<String, String>,
        read: &dyn Fn(&Path) -> io::Result<String>,
    ) -> Self {
        let mut typed = Self::default();
        if let Some(path) = file {
            typed.folder = path.parent().map(Path::to_owned).unwrap_or_default();
            typed.file(path, env, read);
        }
        // The file's value must not be complained of where a variable replaces it, but a file
        // that is wrong stays wrong: its mistakes are kept.
        let from_file = std::mem::take(&mut typed.values);
        typed.variables(env, read);
        for (path, value) in from_file {
            typed.values.entry(path).or_insert(value);
        }
        typed
    }

    fn file(
        &mut self,
        path: &Path,
        env: &BTreeMap<String, String>,
        read: &dyn Fn(&Path) -> io::Result<String>,
    ) {
        let file = path.display().to_string();
        let whole = |line| Origin::File {
            file: file.clone(),
            line,
        };
        let text = match read(path) {
            Ok(text) => text,
            Err(error) => {
                self.unread = true;
                return self.mistakes.push(Mistake {
                    origin: whole(0),
                    key: String::new(),
                    what: format!("the file cannot be read: {error}"),
                    fix: "check the file's name and that Gerege may read it".into(),
                });
            }
        };
        match Document::parse(text.as_str()) {
            Ok(document) => {
                let mut walk = Walk {
                    typed: self,
                    text: &text,
                    file: &file,
                    env,
                    read,
                };
                walk.table("", document.as_table(), 1);
            }
            Err(error) => {
                self.unread = true;
                self.mistakes.push(Mistake {
                    origin: whole(error.span().map_or(0, |span| line_of(&text, span.start))),
                    key: String::new(),
                    what: format!("this is not TOML: {}", one_line(error.message())),
                    fix: "write each setting as key = value; texts stand in \"quotes\"".into(),
                });
            }
        }
    }

    fn variables(
        &mut self,
        env: &BTreeMap<String, String>,
        read: &dyn Fn(&Path) -> io::Result<String>,
    ) {
        for (name, text) in env.iter().filter(|(name, _)| name.starts_with("GEREGE_")) {
            let origin = Origin::Env(name.clone());
            if OTHER_VARIABLES.contains(&name.as_str()) {
                continue;
            }
            if let Some(key) = KEYS.iter().find(|key| key.variable() == *name) {
                match value_of_text(key, text) {
                    Ok(value) => self.take(key, value, origin),
                    Err((what, fix)) => {
                        let fix = typing(key, &origin, &fix);
                        self.wrong(key, origin, what, fix);
                    }
                }
            } else if let Some(key) = KEYS
                .iter()
                .find(|key| key.secret && file_variable(key) == *name)
            {
                if !text.is_empty() {
                    self.secret(key, Path::new(text), origin, read);
                }
            } else {
                let names = KEYS.iter().map(Key::variable);
                self.mistakes.push(Mistake {
                    origin,
                    key: name.clone(),
                    what: "Gerege has no such setting".into(),
                    fix: nearest(name, names).unwrap_or_else(|| "remove it".into()),
                });
            }
        }
    }

    /// The value of a secret that lies in a file of its own, without the newline at its end.
    fn secret(
        &mut self,
        key: &'static Key,
        path: &Path,
        origin: Origin,
        read: &dyn Fn(&Path) -> io::Result<String>,
    ) {
        match read(path) {
            Ok(text) => {
                let text = text.strip_suffix('\n').unwrap_or(&text);
                let text = text.strip_suffix('\r').unwrap_or(text);
                match within(key, Value::Text(text.to_owned())) {
                    Ok(value) => self.take(key, value, origin),
                    Err(_) => self.wrong(
                        key,
                        origin,
                        format!("the file {} has more than one line", path.display()),
                        "keep the secret alone in it, on one line".into(),
                    ),
                }
            }
            Err(error) => self.wrong(
                key,
                origin,
                format!("the file {} cannot be read: {error}", path.display()),
                "check the file's name and that Gerege may read it".into(),
            ),
        }
    }

    fn take(&mut self, key: &'static Key, value: Value, origin: Origin) {
        if let Some((_, first)) = self.values.get(key.path) {
            let what = format!("it is set twice, the other time by {first}");
            let fix = format!("keep only one of {0} and {0}_file", key.path);
            return self.wrong(key, origin, what, fix);
        }
        self.values.insert(key.path, (value, origin));
    }

    /// Notes a mistake about `key`.
    pub(super) fn wrong(&mut self, key: &'static Key, origin: Origin, what: String, fix: String) {
        self.spoilt.push(key.path);
        self.mistakes.push(Mistake {
            origin,
            key: key.path.into(),
            what,
            fix,
        });
    }
}

/// A walk over the tables of one file.
struct Walk<'a> {
    typed: &'a mut Typed,
    text: &'a str,
    file: &'a str,
    env: &'a BTreeMap<String, String>,
    read: &'a dyn Fn(&Path) -> io::Result<String>,
}

impl Walk<'_> {
    fn table(&mut self, section: &str, table: &dyn TableLike, line: usize) {
        for (name, item) in table.iter() {
            let line = table
                .get_key_value(name)
                .and_then(|(key, _)| key.span())
                .or_else(|| item.span())
                .map_or(line, |span| line_of(self.text, span.start));
            let path = match section {
                "" => name.to_owned(),
                _ => format!("{section}.{name}"),
            };
            self.item(&path, item, line);
        }
    }

    fn item(&mut self, path: &str, item: &Item, line: usize) {
        let origin = Origin::File {
            file: self.file.to_owned(),
            line,
        };
        let below = format!("{path}.");
        let is_section = KEYS.iter().any(|key| key.path.starts_with(&below));
        if let Some(key) = key(path) {
            match value_of_item(key, item) {
                Ok(value) => self.typed.take(key, value, origin),
                Err((what, fix)) => {
                    let fix = typing(key, &origin, &fix);
                    self.typed.wrong(key, origin, what, fix);
                }
            }
        } else if let Some(key) = path
            .strip_suffix("_file")
            .and_then(key)
            .filter(|key| key.secret)
        {
            match item.as_str() {
                Some("") => {}
                // The user that Gerege runs as need not be able to read what does not count.
                Some(_) if is_in_variable(key, self.env) => {
                    self.typed.take(key, Value::Text(String::new()), origin);
                }
                Some(text) => {
                    let path = self.typed.folder.join(text);
                    self.typed.secret(key, &path, origin, self.read);
                }
                None => self.typed.wrong(
                    key,
                    origin,
                    format!("{path} is the name of a file, in quotes"),
                    format!("{}_file = \"FILE\"", key.name()),
                ),
            }
        } else if is_section && let Some(table) = item.as_table_like() {
            self.table(path, table, line);
        } else {
            self.unknown(path, is_section, origin);
        }
    }

    fn unknown(&mut self, path: &str, is_section: bool, origin: Origin) {
        let (what, fix) = if is_section {
            let first = KEYS.iter().find(|key| key.section() == path);
            let example = first.map_or("key", |key| key.name());
            (
                "this is a section, not a setting".to_owned(),
                format!("[{path}] on a line of its own, then {example} = …"),
            )
        } else {
            let sections = KEYS.iter().map(|key| key.section().to_owned());
            let paths = KEYS.iter().map(|key| key.path.to_owned());
            (
                "Gerege has no such setting".to_owned(),
                nearest(path, paths.chain(sections)).unwrap_or_else(|| "remove it".into()),
            )
        };
        self.typed.mistakes.push(Mistake {
            origin,
            key: path.chars().filter(|c| !c.is_control()).take(80).collect(),
            what,
            fix,
        });
    }
}

/// The variable that names the file of a secret.
fn file_variable(key: &Key) -> String {
    format!("{}_FILE", key.variable())
}

/// Whether a variable sets a secret, by itself or by a file.
fn is_in_variable(key: &Key, env: &BTreeMap<String, String>) -> bool {
    let file = env.get(&file_variable(key));
    env.contains_key(&key.variable()) || file.is_some_and(|file| !file.is_empty())
}

/// The known name that `typed` most likely meant.
fn nearest(typed: &str, known: impl Iterator<Item = String>) -> Option<String> {
    fn last(path: &str) -> &str {
        path.rsplit(['.']).next().unwrap_or(path)
    }
    // A long name is no slip of ours, and comparing it would be slow.
    if typed.len() > 80 {
        return None;
    }
    known
        .filter(|name| !name.is_empty())
        .map(|name| {
            let whole = strsim::normalized_damerau_levenshtein(typed, &name);
            // The right name in no section, or in another one.
            let moved = if last(typed) == last(&name) { 0.8 } else { 0.0 };
            (whole.max(moved), name)
        })
        .filter(|(score, _)| *score >= 0.5)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

type Wrong = (String, String);

fn value_of_item(key: &Key, item: &Item) -> Result<Value, Wrong> {
    let found = item.type_name();
    let article = if found.starts_with(['a', 'i']) {
        "an"
    } else {
        "a"
    };
    let wrong = || {
        (
            format!("{} is needed here, not {article} {found}", needed(key)),
            example(key),
        )
    };
    match key.kind {
        Kind::Text | Kind::Path | Kind::Choice(_) => within(
            key,
            Value::Text(item.as_str().ok_or_else(wrong)?.to_owned()),
        ),
        Kind::Flag => item.as_bool().map(Value::Flag).ok_or_else(wrong),
        Kind::Number(..) => within(key, Value::Number(item.as_integer().ok_or_else(wrong)?)),
        Kind::List => item
            .as_array()
            .and_then(|array| {
                let texts = array.iter().map(|one| one.as_str().map(str::to_owned));
                texts.collect::<Option<Vec<_>>>()
            })
            .map(Value::List)
            .ok_or_else(wrong),
    }
}

/// Variables have no types: lists are separated by commas.
fn value_of_text(key: &Key, text: &str) -> Result<Value, Wrong> {
    let wrong = || (format!("{} is needed here", needed(key)), example(key));
    let value = match key.kind {
        Kind::Text | Kind::Path | Kind::Choice(_) => Value::Text(text.to_owned()),
        Kind::Flag => Value::Flag(text.trim().parse().map_err(|_| wrong())?),
        Kind::Number(..) => Value::Number(text.trim().parse().map_err(|_| wrong())?),
        Kind::List => Value::List(
            text.split(',')
                .map(|one| one.trim().to_owned())
                .filter(|one| !one.is_empty())
                .collect(),
        ),
    };
    within(key, value)
}

fn within(key: &Key, value: Value) -> Result<Value, Wrong> {
    let right = match (&value, key.kind) {
        (Value::Text(text), Kind::Choice(words)) => words.contains(&text.as_str()),
        (Value::Number(number), Kind::Number(least, most)) => (least..=most).contains(number),
        (Value::Text(text), _) => !text.contains(|c: char| c.is_control()),
        _ => true,
    };
    if right {
        return Ok(value);
    }
    let near = match (&value, key.kind) {
        (Value::Text(text), Kind::Choice(words)) => {
            nearest(text, words.iter().map(|word| (*word).to_owned()))
        }
        _ => None,
    };
    let fix = near.map_or_else(|| example(key), |word| format!("\"{word}\""));
    Err((format!("{} is needed here", needed(key)), fix))
}

/// What a key wants, in words.
pub(super) fn needed(key: &Key) -> String {
    match key.kind {
        Kind::Text => "a text without control characters, in quotes,".into(),
        Kind::Path => "the name of a file or folder, in quotes,".into(),
        Kind::Flag => "true or false".into(),
        Kind::Number(least, most) => format!("a whole number from {least} to {most}"),
        Kind::Choice(words) => format!("one of {}", words.join(", ")),
        Kind::List => "a list of texts in quotes".into(),
    }
}

fn example(key: &Key) -> String {
    match key.kind {
        Kind::Text if key.default == "\"\"" => "\"…\"".into(),
        Kind::Path if key.default == "\"\"" => "\"PATH\"".into(),
        Kind::List if key.default == "[]" => "[\"…\", \"…\"]".into(),
        _ => key.default.into(),
    }
}

/// How `value`, in TOML notation, is typed for `key` in the place that `origin` names.
pub(super) fn typing(key: &Key, origin: &Origin, value: &str) -> String {
    match origin {
        Origin::Default => format!("{} = {value}", key.path),
        Origin::File { .. } => format!("{} = {value}", key.name()),
        Origin::Env(_) if key.kind == Kind::List => {
            format!("{}={}", key.variable(), value.replace(['[', ']', '"'], ""))
        }
        Origin::Env(_) => format!("{}={}", key.variable(), value.trim_matches('"')),
    }
}

/// The line of a byte, from 1.
fn line_of(text: &str, byte: usize) -> usize {
    let before = text.as_bytes().get(..byte).unwrap_or_default();
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
