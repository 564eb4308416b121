//! Unpacks a target's inputs into a folder, and packs what a run found there:
//! `corpus list`, `corpus unpack TARGET FOLDER`, `corpus pack TARGET FOLDER`, `corpus show FILE`.
#![allow(clippy::print_stdout, clippy::print_stderr)] // it speaks to the one who started it

use std::process::ExitCode;

use gerege_fuzz::{corpus, target::TARGETS};

/// The most inputs that are kept for a target, and the longest, in bytes.
const MOST: usize = 80;
const LONGEST: usize = 600;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["list"] => {
            TARGETS
                .iter()
                .for_each(|target| println!("{}", target.name));
            Ok(())
        }
        ["unpack", target, folder] => unpack(target, folder),
        ["pack", target, folder] => pack(target, folder),
        ["show", file] => std::fs::read(file).map(|input| println!("{}", corpus::escape(&input))),
        _ => {
            eprintln!("corpus list | unpack TARGET FOLDER | pack TARGET FOLDER | show FILE");
            return ExitCode::FAILURE;
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn unpack(target: &str, folder: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (number, input) in corpus::read(target).iter().enumerate() {
        std::fs::write(format!("{folder}/{number:04}"), input)?;
    }
    Ok(())
}

/// Adds the shortest of a folder's inputs behind those that are there.
fn pack(target: &str, folder: &str) -> std::io::Result<()> {
    let mut lines: Vec<String> = std::fs::read_to_string(corpus::file(target))?
        .lines()
        .map(str::to_owned)
        .collect();
    let mut found: Vec<Vec<u8>> = std::fs::read_dir(folder)?
        .map(|entry| std::fs::read(entry?.path()))
        .collect::<Result<_, _>>()?;
    found.retain(|input| input.len() <= LONGEST);
    found.sort_by_key(|input| (input.len(), input.clone()));
    for line in found.iter().map(|input| corpus::escape(input)) {
        if lines.len() < MOST && !lines.contains(&line) {
            lines.push(line);
        }
    }
    std::fs::write(corpus::file(target), lines.join("\n") + "\n")
}
