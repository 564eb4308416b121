//! The order of the house (DESIGN 2), read from the source: a module uses only what stands before
//! it, and each outside package has one home.

use std::collections::BTreeMap;
use std::path::Path;

use crate::source::{Named, files, packages, sources};

/// A module may use only what stands before it.
const ORDER: [&str; 21] = [
    "clock", "rng", "recent", "crash", "config", "account", "oauth", "store", "keys", "hash",
    "limit", "captcha", "mail", "call", "page", "app", "flow", "worker", "web", "cli", "main",
];

/// Packages and the modules that may use them.
const HOMES: [(&str, &[&str]); 42] = [
    ("ab_glyph_rasterizer", &["captcha"]),
    ("actix_tls", &["web"]),
    ("actix_web", &["web"]),
    ("argon2", &["hash"]),
    ("captcha", &["captcha"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("diesel", &["store"]),
    ("diesel_async", &["store"]),
    ("diesel_migrations", &["store"]),
    ("diffy", &["cli"]),
    ("flate2", &["oauth"]),
    ("fluent_bundle", &["page"]),
    ("futures_core", &["web"]),
    ("gerege_verify", &["cli"]),
    ("jiff", &["clock"]),
    ("jsonwebtoken", &["keys"]),
    ("lettre", &["mail"]),
    ("libsqlite3_sys", &["store"]),
    ("mimalloc", &["main"]),
    ("minijinja", &["page"]),
    ("png", &["captcha"]),
    ("prometheus", &["web"]),
    ("pulldown_cmark", &["page"]),
    ("qrcodegen", &["page"]),
    ("r2d2", &["store"]),
    ("rand", &["rng"]),
    ("rand_core", &["captcha"]),
    ("rust_embed", &["page"]),
    ("tokio_postgres", &["store"]),
    ("tokio_postgres_rustls_improved", &["store"]),
    ("toml_edit", &["config", "captcha"]),
    ("tracing_subscriber", &["cli"]),
    ("unic_langid", &["page"]),
    ("unicode_normalization", &["account", "captcha"]),
    ("unicode_properties", &["account", "captcha"]),
    ("unicode_security", &["account"]),
    ("ureq", &["call"]),
    ("webpki_root_certs", &["call"]),
    ("x509_cert", &["keys"]),
    ("zxcvbn", &["account"]),
];

/// Packages that may be used on several floors: data, errors, cryptography, addresses.
const EVERYWHERE: [&str; 20] = [
    "anyhow",
    "aws_lc_rs",
    "base64",
    "idna",
    "ipnet",
    "pem",
    "rustix",
    "rustls",
    "rustls_pki_types",
    "serde",
    "serde_json",
    "strsim",
    "thiserror",
    "tokio",
    "tracing",
    "url",
    "webpki_roots",
    "zeroize",
    "std",
    "core",
];

/// The floors that decide: no async, no clock, no randomness.
const PURE: [&str; 2] = ["account", "oauth"];

#[test]
fn a_module_uses_only_what_stands_before_it() {
    let place: BTreeMap<&str, usize> = ORDER.iter().enumerate().map(|(at, m)| (*m, at)).collect();
    let mut wrong = Vec::new();
    for source in sources() {
        let own = source.module[0].as_str();
        if own == "lib" {
            continue;
        }
        let Some(at) = place.get(own) else {
            wrong.push(format!("{}: {own} has no place in the order", source.name));
            continue;
        };
        for path in &source.paths {
            let Named::Ours(path) = path else { continue };
            let Some(used) = path.first() else { continue };
            if used == own {
                continue;
            }
            match place.get(used.as_str()) {
                Some(below) if below < at => {}
                _ => wrong.push(format!("{}: {own} uses {}", source.name, path.join("::"))),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_package_has_its_home() {
    let homes: BTreeMap<&str, &[&str]> = HOMES.into_iter().collect();
    let mut wrong = Vec::new();
    for package in packages() {
        if !homes.contains_key(package.as_str()) && !EVERYWHERE.contains(&package.as_str()) {
            wrong.push(format!(
                "{package} has no home: name one in tests/it/floors.rs"
            ));
        }
    }
    for source in sources() {
        let own = source.module[0].as_str();
        for path in &source.paths {
            let Named::Outside(path, public) = path else {
                continue;
            };
            let package = path[0].as_str();
            if let Some(allowed) = homes.get(package)
                && !allowed.contains(&own)
            {
                wrong.push(format!(
                    "{}: {} is at home in {allowed:?}",
                    source.name,
                    path.join("::")
                ));
            }
            if *public && homes.contains_key(package) {
                wrong.push(format!("{}: {} is handed on", source.name, path.join("::")));
            }
            if PURE.contains(&own) && ["tokio", "tracing"].contains(&package) {
                wrong.push(format!(
                    "{}: {} on a pure floor",
                    source.name,
                    path.join("::")
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// DESIGN 2: "`web` may use `flow`, `page` and the types of `oauth` and `account`, never `store`'s
/// functions."
#[test]
fn the_doors_ask_the_stories_and_not_the_store() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.module[0] == "web") {
        for path in &source.paths {
            let Named::Ours(path) = path else { continue };
            let last = path.last().map_or("", String::as_str);
            let function = last.starts_with(|c: char| c.is_ascii_lowercase());
            let line = format!("{}: {}", source.name, path.join("::"));
            if path[0] == "store" && path.len() > 2 && function {
                wrong.push(line);
            }
        }
    }
    // Nor by the way of a field: `app.store.read(…)`.
    for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let close: String = text.split_whitespace().collect();
        if [".store.read", ".store.write"]
            .iter()
            .any(|call| close.contains(call))
        {
            wrong.push(format!("{}: asks the store", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_is_longer_than_six_hundred_lines_and_each_says_what_it_is() {
    let mut wrong = Vec::new();
    for root in [
        "src",
        "tests",
        "verify/src",
        "examples",
        "benches",
        "fuzz/src",
    ] {
        for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(root)) {
            let text = std::fs::read_to_string(&file).unwrap();
            let lines = text.lines().count();
            if lines > 600 {
                wrong.push(format!("{}: {lines} lines", file.display()));
            }
            let head = text
                .lines()
                .take_while(|line| line.starts_with("//!"))
                .count();
            if head == 0 {
                wrong.push(format!("{}: does not open with //!", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// DESIGN 2: these words say nothing.
#[test]
fn no_name_is_empty() {
    let banned = ["manager", "helper", "util", "utils", "handler", "common"];
    let mut wrong = Vec::new();
    for source in sources() {
        for part in &source.module {
            if banned.contains(&part.as_str()) {
                wrong.push(source.name.clone());
            }
        }
        for name in &source.functions {
            if name.starts_with("get_") {
                wrong.push(format!("{}: {name}", source.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
