//! `check JWKS_URL ISSUER AUDIENCE`: reads a token from standard input, prints its claims.
use std::io::Read;
use std::process::ExitCode;
use std::time::SystemTime;

use gerege_verify::{Claims, Remote};

fn main() -> ExitCode {
    match check() {
        Ok(claims) => {
            print(&serde_json::Value::from(claims.raw).to_string());
            ExitCode::SUCCESS
        }
        Err(why) => {
            print(&format!("refused: {why}"));
            ExitCode::FAILURE
        }
    }
}

fn check() -> Result<Claims, Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [key_set, issuer, audience] = arguments.as_slice() else {
        return Err("usage: check JWKS_URL ISSUER AUDIENCE".into());
    };
    // Make one of these when your service starts, and keep it: it holds the keys.
    let remote = Remote::from_key_set(key_set, issuer, audience)?;

    let mut token = String::new();
    std::io::stdin().read_to_string(&mut token)?;
    // For each request. It blocks while keys are loaded.
    Ok(remote.check(token.trim_end_matches('\n'), now())?)
}

#[allow(clippy::disallowed_methods)] // a program may ask for the time, the library does not
fn now() -> SystemTime {
    SystemTime::now()
}

#[allow(clippy::print_stdout)]
fn print(line: &str) {
    println!("{line}");
}
