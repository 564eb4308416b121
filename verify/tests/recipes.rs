//! The recipes of `docs/recipes`: the pages show the files, and the files refuse what must be refused.
#![allow(clippy::unwrap_used)]

#[cfg(feature = "fetch")]
mod sign;

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_pages_show_the_files_as_they_are() {
    for (page, file, language) in [
        ("rust.md", "verify/examples/check.rs", "rust"),
        ("python.md", "tests/recipes/check.py", "python"),
        ("node.md", "tests/recipes/check.mjs", "javascript"),
    ] {
        let page = fs::read_to_string(root().join("docs/recipes").join(page)).unwrap();
        let code = fs::read_to_string(root().join(file)).unwrap();
        let block = format!("\n```{language}\n{code}```\n");
        assert!(page.contains(&block), "{file} is not in its page");
    }
}

/// Runs the three programs on good and forged tokens. `GEREGE_RECIPES_PYTHON` names a Python that
/// has PyJWT; `tests/recipes/node_modules` has jose (or `GEREGE_RECIPES_NODE` names a folder with
/// `check.mjs` and `node_modules`). First: `cargo build -p gerege-verify --features fetch --example check`.
#[cfg(feature = "fetch")]
mod run {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::process::{Command, Stdio};
    use std::time::{SystemTime, UNIX_EPOCH};

    use serde_json::{Value, json};

    use super::root;
    use super::sign::{AUDIENCE, ISSUER, Signer, b64, claims, set, with, without};

    fn serve(body: String) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        url
    }

    /// Whether the program let the token in, and what it printed: the claims, or why not. Beside
    /// the claims Node may warn of itself.
    fn check(program: &[String], key_set: &str, token: &str) -> (bool, String) {
        let mut child = Command::new(&program[0])
            .args(&program[1..])
            .args([key_set, ISSUER, AUDIENCE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(token.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let good = output.status.success();
        let text = match good {
            true => output.stdout,
            false => [output.stdout, output.stderr].concat(),
        };
        (good, String::from_utf8_lossy(&text).into_owned())
    }

    #[test]
    #[ignore = "needs Python with PyJWT and Node.js with jose: docs/recipes says how"]
    #[allow(clippy::disallowed_methods)] // the programs ask the machine for the time
    fn recipes_let_in_the_good_and_refuse_the_forged() {
        let (rsa, ec, ed, other) = (Signer::rsa(), Signer::ec(), Signer::ed(), Signer::ec());
        let keys = set(&[rsa.jwk(Some("r")), ec.jwk(Some("e")), ed.jwk(Some("d"))]);
        let url = serve(keys);
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let claims = with(with(claims(), "iat", json!(now)), "exp", json!(now + 600));
        let header = ec.header("e");
        let head = |name: &str, value: Value| ec.sign(&with(header.clone(), name, value), &claims);
        let body = |name: &str, value: Value| ec.sign(&header, &with(claims.clone(), name, value));
        let good = ec.sign(&header, &claims);
        let none = with(rsa.header("r"), "alg", json!("none")).to_string();
        let hs = with(rsa.header("r"), "alg", json!("HS256"));
        let hs = {
            let message = format!("{}.{}", b64(hs.to_string()), b64(claims.to_string()));
            let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, rsa.pem().as_bytes());
            let tag = aws_lc_rs::hmac::sign(&key, message.as_bytes());
            format!("{message}.{}", b64(tag.as_ref()))
        };
        let stray = {
            let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let (rest, last) = good.split_at(good.len() - 1);
            let next = letters.find(last).unwrap() + 1;
            format!("{rest}{}", &letters[next..=next])
        };
        let forged = [
            (
                "none",
                format!("{}.{}.", b64(none), b64(claims.to_string())),
            ),
            ("HS256 with the public key", hs),
            ("RS256 named by an EC key", head("alg", json!("RS256"))),
            ("another key", other.sign(&header, &claims)),
            (
                "jwk",
                other.sign(&with(header.clone(), "jwk", other.jwk(None)), &claims),
            ),
            ("jku", head("jku", json!("http://127.0.0.1:9/"))),
            ("crit", head("crit", json!(["exp"]))),
            ("an ID token", head("typ", json!("JWT"))),
            ("no typ", ec.sign(&without(header.clone(), "typ"), &claims)),
            ("unknown kid", head("kid", json!("x"))),
            ("expired", body("exp", json!(now - 60))),
            ("no exp", ec.sign(&header, &without(claims.clone(), "exp"))),
            ("exp a text", body("exp", json!("soon"))),
            ("nbf ahead", body("nbf", json!(now + 300))),
            ("iat ahead", body("iat", json!(now + 300))),
            (
                "another issuer",
                body("iss", json!("https://id.other.example")),
            ),
            ("another audience", body("aud", json!("files"))),
            ("two audiences", body("aud", json!([AUDIENCE, "files"]))),
            ("no sub", ec.sign(&header, &without(claims.clone(), "sub"))),
            (
                "no client_id",
                ec.sign(&header, &without(claims.clone(), "client_id")),
            ),
            ("bound", body("cnf", json!({"jkt": "x"}))),
            ("padded", format!("{good}==")),
            ("stray bits", stray),
            ("a dot behind", format!("{good}.")),
            ("huge", body("pad", json!("x".repeat(16 * 1024)))),
            ("nothing", String::new()),
        ];

        let python = std::env::var("GEREGE_RECIPES_PYTHON").unwrap_or("python3".into());
        let node = std::env::var("GEREGE_RECIPES_NODE")
            .unwrap_or(root().join("tests/recipes").display().to_string());
        let built = std::env::current_exe().unwrap();
        let example = built.ancestors().nth(2).unwrap().join("examples/check");
        let page = root().join("tests/recipes/check.py").display().to_string();
        for program in [
            vec![example.display().to_string()],
            vec![python, page],
            vec!["node".to_owned(), format!("{node}/check.mjs")],
        ] {
            for (signer, kid) in [(&rsa, "r"), (&ec, "e"), (&ed, "d")] {
                let token = signer.sign(&signer.header(kid), &claims);
                let (good, said) = check(&program, &url, &token);
                assert!(good, "{program:?} {kid}: {said}");
                let read: Value = serde_json::from_str(&said).unwrap();
                assert_eq!(read, claims, "{program:?}");
            }
            for (name, token) in &forged {
                let (good, said) = check(&program, &url, token);
                assert!(!good, "{program:?} let in: {name}");
                assert!(said.starts_with("refused: "), "{program:?} {name}: {said}");
            }
        }
    }
}
