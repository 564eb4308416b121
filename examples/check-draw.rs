//! Draws security checks into a folder, for `scripts/check-measure`:
//! `check-draw FOLDER SEED FROM TO [picture|sound|time] [LANGUAGE]` writes `N.png` or `N.wav` and
//! the answers to `answers.txt`; `time` draws without writing and prints microseconds.
#![allow(clippy::print_stdout, clippy::disallowed_methods)] // A tool at a terminal, outside the house.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use aws_lc_rs::digest::{SHA256, digest};
use gerege::captcha::Challenge;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, seed, from, to, rest @ ..] = arguments.as_slice() else {
        anyhow::bail!("check-draw FOLDER SEED FROM TO [picture|sound|time] [LANGUAGE]");
    };
    let folder = PathBuf::from(folder);
    let kind = rest.first().map_or("picture", String::as_str);
    let language = rest.get(1).map_or("en", String::as_str);
    let mut answers = String::new();
    let begin = std::time::Instant::now();
    let (from, to): (u32, u32) = (from.parse()?, to.parse()?);
    for number in from..to {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, format!("{seed} {number}").as_bytes()).as_ref());
        let challenge = Challenge::new(bytes, 6);
        let (file, ending, answer) = match kind {
            "sound" => (challenge.sound(language)?, "wav", challenge.digits()),
            _ => (challenge.picture()?, "png", challenge.letters()),
        };
        if kind != "time" {
            let path = folder.join(format!("{number}.{ending}"));
            std::fs::write(&path, file).with_context(|| path.display().to_string())?;
            writeln!(answers, "{number} {answer}")?;
        }
    }
    if kind == "time" {
        let each = begin.elapsed().as_micros() / u128::from((to - from).max(1));
        println!("{each} microseconds a picture");
    } else {
        std::fs::write(folder.join("answers.txt"), answers)?;
    }
    Ok(())
}
