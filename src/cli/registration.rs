//! `gerege registration`: who may register an app by itself.

use std::time::Duration;

use clap::Subcommand;
use serde_json::json;

use super::count;
use super::fault::Fault;
use super::house::House;
use super::out::{self, Out};
use crate::config::RegistrationMode;
use crate::flow::register as story;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an initial access token: whoever has it may register apps
    #[command(
        after_help = "Examples:\n  gerege registration token\n  gerege registration token --uses 10 --days 30 --note 'the chat team'"
    )]
    Token {
        /// How many apps it registers
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        uses: u32,
        /// Days that it works
        #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
        /// Whom it is for, in your words
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
    },
    /// End all initial access tokens
    #[command(after_help = "Examples:\n  gerege registration end-tokens")]
    EndTokens,
}

/// Does it.
pub fn run(house: &House, command: Command, out: Out) -> Result<(), Fault> {
    let app = &house.app;
    match command {
        Command::Token { uses, days, note } => {
            if app.config.registration.mode == RegistrationMode::Off {
                out.warn("registration.mode is off: set it to token, then start the server again");
            }
            let life = Duration::from_secs(u64::from(days) * 86_400);
            let made = story::make_initial(app, &note, i64::from(uses), life);
            let (token, ends_at) = house.wait(made)?;
            let endpoint = app.config.url("/oauth2/register");
            if out.json {
                out::json(&json!({
                    "initial_access_token": token,
                    "registration_endpoint": endpoint,
                    "uses": uses,
                    "expires_at": ends_at.rfc3339(),
                }));
            } else {
                out::facts(&[
                    ("token", format!("{token}\n(shown once: keep it now)")),
                    ("registers at", endpoint),
                    ("good for", count(uses as usize, "app", "apps")),
                    ("until", ends_at.rfc3339()),
                ]);
            }
        }
        Command::EndTokens => {
            let ended = house.wait(story::end_initial(app))?;
            if out.json {
                out::json(&json!({ "ended": ended }));
            } else {
                out::line(&format!("{} ended", count(ended, "token", "tokens")));
            }
        }
    }
    Ok(())
}
