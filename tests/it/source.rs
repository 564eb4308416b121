//! Reads the house's source: which paths each file names, through `use`, `pub use`, renames, full
//! paths and macros.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// What a file uses, its tests left out.
pub struct Source {
    pub name: String,
    /// `store::outbox` as its parts.
    pub module: Vec<String>,
    pub paths: BTreeSet<Named>,
    pub functions: Vec<String>,
}

/// A path that a file names.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// In this package, from its root.
    Ours(Vec<String>),
    /// In another package; whether it is handed on by `pub use`.
    Outside(Vec<String>, bool),
}

pub fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let packages = packages();
    files(&root)
        .iter()
        .filter_map(|file| {
            let name = file.strip_prefix(&root).unwrap().display().to_string();
            // Files that are only compiled for tests.
            let stem = file.file_stem().unwrap().to_str().unwrap();
            if ["test", "tests", "fixture"].contains(&stem) || stem.ends_with("_test") {
                return None;
            }
            let mut module: Vec<String> = name
                .trim_end_matches(".rs")
                .split('/')
                .map(str::to_owned)
                .collect();
            if module.last().is_some_and(|last| last == "mod") {
                module.pop();
            }
            let text = std::fs::read_to_string(file).unwrap();
            let tokens: TokenStream = text.parse().unwrap();
            let mut reader = Reader {
                packages: &packages,
                module: module.clone(),
                names: BTreeMap::new(),
                children: BTreeSet::new(),
                paths: BTreeSet::new(),
                functions: Vec::new(),
            };
            let tokens: Vec<TokenTree> = tokens.into_iter().collect();
            reader.declare(&tokens);
            reader.walk(&tokens);
            Some(Source {
                name: format!("src/{name}"),
                module,
                paths: reader.paths,
                functions: reader.functions,
            })
        })
        .collect()
}

struct Reader<'a> {
    packages: &'a BTreeSet<String>,
    module: Vec<String>,
    /// What `use` gave a name to.
    names: BTreeMap<String, Vec<String>>,
    children: BTreeSet<String>,
    paths: BTreeSet<Named>,
    functions: Vec<String>,
}

impl Reader<'_> {
    /// First the names, wherever they stand, then what is done with them.
    fn declare(&mut self, tokens: &[TokenTree]) {
        let mut at = 0;
        while at < tokens.len() {
            if let Some(after) = test_item(tokens, at) {
                at = after;
                continue;
            }
            match &tokens[at] {
                TokenTree::Ident(word) if word == "mod" => {
                    if let Some(TokenTree::Ident(name)) = tokens.get(at + 1) {
                        self.children.insert(name.to_string());
                    }
                }
                TokenTree::Ident(word) if word == "use" => {
                    let mut found = Vec::new();
                    tree(tokens, at + 1, &mut Vec::new(), &mut found);
                    for (path, name) in found {
                        self.names.insert(name, path);
                    }
                }
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    self.declare(&inner);
                }
                _ => {}
            }
            at += 1;
        }
    }

    fn walk(&mut self, tokens: &[TokenTree]) {
        let mut at = 0;
        while at < tokens.len() {
            if let Some(after) = test_item(tokens, at) {
                at = after;
                continue;
            }
            match &tokens[at] {
                TokenTree::Ident(word) if word == "use" => {
                    let public = at > 0
                        && match &tokens[at - 1] {
                            TokenTree::Ident(word) => word == "pub",
                            _ => false,
                        };
                    let mut found = Vec::new();
                    at = tree(tokens, at + 1, &mut Vec::new(), &mut found);
                    for (path, _) in found {
                        self.note(&path, public, true);
                    }
                    continue;
                }
                TokenTree::Ident(word) => {
                    if word == "fn"
                        && let Some(TokenTree::Ident(name)) = tokens.get(at + 1)
                    {
                        self.functions.push(name.to_string());
                    }
                    let (path, after) = path(tokens, at);
                    if path.len() > 1 {
                        self.note(&path, false, false);
                    }
                    at = after;
                    continue;
                }
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    self.walk(&inner);
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Resolves a path and keeps it. `whole`: it stands in a `use`.
    fn note(&mut self, path: &[String], public: bool, whole: bool) {
        let first = path[0].as_str();
        let ours = |parts: Vec<String>| Named::Ours(parts);
        let found = match first {
            "crate" => ours(path[1..].to_vec()),
            "self" | "Self" => return,
            "super" => {
                let ups = path.iter().take_while(|part| *part == "super").count();
                // An inline module's `super` is the file itself: the file's own floor.
                let keep = self.module.len().saturating_sub(ups);
                let mut parts = self.module[..keep].to_vec();
                parts.extend_from_slice(&path[ups..]);
                if keep == 0 && parts.is_empty() {
                    return;
                }
                ours(parts)
            }
            _ if !whole && self.names.contains_key(first) => {
                let known = self.names[first].clone();
                if known[0] == first && known.len() == 1 {
                    self.outside(path, public);
                    return;
                }
                let mut longer = known;
                longer.extend_from_slice(&path[1..]);
                return self.note(&longer, public, true);
            }
            _ if self.children.contains(first) => return,
            _ => {
                self.outside(path, public);
                return;
            }
        };
        self.paths.insert(found);
    }

    fn outside(&mut self, path: &[String], public: bool) {
        if self.packages.contains(&path[0]) {
            self.paths.insert(Named::Outside(path.to_vec(), public));
        }
    }
}

/// Where an item that is compiled for tests only ends, when one begins here.
fn test_item(tokens: &[TokenTree], at: usize) -> Option<usize> {
    let TokenTree::Punct(hash) = tokens.get(at)? else {
        return None;
    };
    let TokenTree::Group(attribute) = tokens.get(at + 1)? else {
        return None;
    };
    let text = attribute.stream().to_string().replace(' ', "");
    if hash.as_char() != '#' || !(text == "cfg(test)" || text == "test") {
        return None;
    }
    let mut next = at + 2;
    while let Some(token) = tokens.get(next) {
        next += 1;
        match token {
            TokenTree::Punct(end) if end.as_char() == ';' => break,
            TokenTree::Group(body) if body.delimiter() == Delimiter::Brace => break,
            _ => {}
        }
    }
    Some(next)
}

fn colons(tokens: &[TokenTree], at: usize) -> bool {
    let colon =
        |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(p)) if p.as_char() == ':');
    colon(at) && colon(at + 1)
}

/// The path that begins at a word, and where it ends.
fn path(tokens: &[TokenTree], at: usize) -> (Vec<String>, usize) {
    let mut parts = Vec::new();
    let mut next = at;
    while let Some(TokenTree::Ident(word)) = tokens.get(next) {
        parts.push(word.to_string());
        next += 1;
        if !colons(tokens, next) {
            break;
        }
        next += 2;
    }
    (parts, next.max(at + 1))
}

/// The paths of a `use`, each with the name that it gives, and where it ends.
fn tree(
    tokens: &[TokenTree],
    mut at: usize,
    before: &mut Vec<String>,
    found: &mut Vec<(Vec<String>, String)>,
) -> usize {
    let start = before.len();
    let mut named = None;
    let mut open = false;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            TokenTree::Ident(word) if word == "as" => {
                if let Some(TokenTree::Ident(name)) = tokens.get(at) {
                    named = Some(name.to_string());
                    at += 1;
                }
            }
            TokenTree::Ident(word) => {
                // `{self}` is the path itself.
                if word != "self" || before.is_empty() {
                    before.push(word.to_string());
                }
                open = true;
            }
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let mut next = 0;
                while next < inner.len() {
                    next = tree(&inner, next, before, found);
                }
                open = false;
            }
            TokenTree::Punct(mark) if mark.as_char() == '*' => open = true,
            TokenTree::Punct(mark) if [',', ';'].contains(&mark.as_char()) => break,
            _ => {}
        }
    }
    if open && let Some(last) = before.last().cloned() {
        found.push((before.clone(), named.unwrap_or(last)));
    }
    before.truncate(start);
    at
}

/// The packages that Cargo.toml names, as code writes them.
pub fn packages() -> BTreeSet<String> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
    let document: toml_edit::DocumentMut = text.unwrap().parse().unwrap();
    let mut names = BTreeSet::new();
    let mut tables = vec![document.get("dependencies")];
    if let Some(targets) = document.get("target").and_then(|target| target.as_table()) {
        tables.extend(targets.iter().map(|(_, target)| target.get("dependencies")));
    }
    for table in tables
        .into_iter()
        .flatten()
        .filter_map(|table| table.as_table_like())
    {
        names.extend(table.iter().map(|(name, _)| name.replace('-', "_")));
    }
    names
}

pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return found;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("node_modules") && !path.ends_with(".venv") {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn the_reader_sees_through_names() {
    let read = |text: &str| {
        let tokens: Vec<TokenTree> = text.parse::<TokenStream>().unwrap().into_iter().collect();
        let packages = ["diesel", "captcha"].map(str::to_owned).into();
        let mut reader = Reader {
            packages: &packages,
            module: vec!["web".into(), "form".into()],
            names: BTreeMap::new(),
            children: BTreeSet::new(),
            paths: BTreeSet::new(),
            functions: Vec::new(),
        };
        reader.declare(&tokens);
        reader.walk(&tokens);
        format!("{:?}", reader.paths)
    };
    let cases = [
        (
            "use crate::store::{self, Error}; fn f() { store::account::count(c) }",
            "\"store\", \"account\", \"count\"",
        ),
        ("use super::super::worker;", "[\"worker\"]"),
        ("fn f() { crate::cli::run() }", "\"cli\", \"run\""),
        (
            "use diesel as d; fn f() { d::insert() }",
            "Outside([\"diesel\", \"insert\"]",
        ),
        (
            "pub use diesel::prelude::*;",
            "Outside([\"diesel\", \"prelude\"], true",
        ),
        (
            "use crate::captcha; fn f() { captcha::draw() }",
            "Ours([\"captcha\", \"draw\"])",
        ),
        (
            "fn f() { ::captcha::draw() }",
            "Outside([\"captcha\", \"draw\"]",
        ),
        (
            "fn f() { m!(c, conn => diesel::delete(x)) }",
            "Outside([\"diesel\", \"delete\"]",
        ),
    ];
    for (text, has) in cases {
        assert!(read(text).contains(has), "{text}: {}", read(text));
    }
    assert_eq!(read("#[cfg(test)] mod tests { use crate::cli; }"), "{}");
}
