//! A small messenger: `messenger server` is the chat server, `messenger chat` the app in a terminal.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a terminal program talks to its terminal

mod chat;
mod find;
mod http;
mod keep;
mod key;
mod line;
mod option;
mod server;
mod signin;
mod web;

use std::process::ExitCode;

use option::{Command, Options};

fn main() -> ExitCode {
    let result =
        option::read(std::env::args().skip(1).collect()).and_then(|Options { command, rest }| {
            match command {
                Command::Server => server::run(&rest),
                Command::Chat => chat::run(&rest),
                Command::SignOut => chat::sign_out(&rest),
                Command::Help => {
                    println!("{}", option::HELP);
                    Ok(())
                }
            }
        });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
