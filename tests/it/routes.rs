//! Every URL of the server, read from its table.

use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The paths, as the table writes them.
pub fn routes() -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/mod.rs");
    let all: TokenStream = std::fs::read_to_string(file).unwrap().parse().unwrap();
    let all: Vec<TokenTree> = all.into_iter().collect();
    let named =
        |tree: &TokenTree, name: &str| matches!(tree, TokenTree::Ident(word) if word == name);
    let at = all
        .windows(2)
        .position(|two| named(&two[0], "fn") && named(&two[1], "routes"))
        .expect("fn routes");
    let body = all[at..].iter().find_map(|tree| match tree {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group.stream()),
        _ => None,
    });
    let mut found = Vec::new();
    collect(body.expect("its body"), &mut found);
    found
}

/// `read(to, "/path", …)`, wherever it stands.
fn collect(tokens: TokenStream, found: &mut Vec<String>) {
    for tree in tokens {
        let TokenTree::Group(group) = tree else {
            continue;
        };
        let inner: Vec<TokenTree> = group.stream().into_iter().collect();
        match inner.as_slice() {
            [TokenTree::Ident(to), TokenTree::Punct(_), path, ..] if to == "to" => {
                let TokenTree::Literal(path) = path else {
                    panic!("a URL is written out, so that it can be found: {path}");
                };
                found.push(path.to_string().trim_matches('"').to_owned());
            }
            _ => collect(group.stream(), found),
        }
    }
}

/// A path with something in each place that is left open.
pub fn filled(route: &str, with: &str) -> String {
    let mut out = String::new();
    let mut rest = route;
    while let Some((head, tail)) = rest.split_once('{') {
        out.push_str(head);
        out.push_str(with);
        rest = tail.split_once('}').expect("a place that ends").1;
    }
    out + rest
}

#[test]
fn the_table_of_urls_is_read_whole() {
    let routes = routes();
    let mut once = routes.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), routes.len(), "each stands there once");
    for known in ["/oauth2/token", "/", "/dev/mail/{id}", "/consent"] {
        assert!(routes.iter().any(|route| route == known), "{known}");
    }
    assert_eq!(filled("/a/{b}/c.{d}", "x"), "/a/x/c.x");
    assert_eq!(filled("/static/{path:.*}", "x"), "/static/x");
}
