//! The only place that prints.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use super::fault::Fault;

/// One line on standard output.
pub fn line(text: &str) {
    println!("{text}");
}

/// An error in three lines on standard error.
pub fn fault(fault: &Fault) {
    match fault {
        Fault::Config(mistakes) => {
            for mistake in mistakes {
                eprintln!("{mistake}");
            }
        }
        Fault::Said { what, why, fix } => {
            eprintln!("error: {what}\n  why: {why}\n  try: {fix}");
        }
    }
}
