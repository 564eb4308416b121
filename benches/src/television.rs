//! Devices without a keyboard that wait for somebody to allow them (RFC 8628).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::http::{Caller, post};
use crate::story::{from, member};

/// The pause that the program wants between two questions, with the slack that its clock, which
/// counts milliseconds, needs.
const PAUSE: Duration = Duration::from_millis(5_050);
/// Of so many devices one asks after the other, so that all of them together ask without a pause.
const AT_ONCE: usize = 4_000;

/// A house full of televisions, each on a network address of its own.
pub struct Television {
    caller: Caller,
    number: usize,
    waiting: VecDeque<(Vec<u8>, Instant)>,
}

impl Television {
    /// The `n`th house.
    pub fn new(server: SocketAddr, n: usize) -> Self {
        Self {
            caller: Caller::new(server),
            number: n * 1_000_000,
            waiting: VecDeque::new(),
        }
    }

    /// Begins; gives the device code.
    ///
    /// # Errors
    /// When there is none.
    pub fn begin(&mut self) -> anyhow::Result<String> {
        self.number += 1;
        let answer = self.caller.send(&begin(self.number))?.expect(200)?;
        member(&answer, "device_code")
    }

    /// The device that has waited longest asks, as soon as it may, and is told to wait.
    ///
    /// # Errors
    /// When it is told otherwise.
    pub fn poll_in_time(&mut self) -> anyhow::Result<()> {
        // The first call of each is not counted.
        while self.waiting.len() < AT_ONCE {
            let ask = poll(&self.begin()?);
            self.waiting.push_back((ask, Instant::now()));
        }
        let (ask, may_at) = self.waiting.pop_front().context("nobody waits")?;
        thread::sleep(may_at.saturating_duration_since(Instant::now()));
        let answer = self.caller.send(&ask)?;
        if answer.status != 400 || !answer.text().contains("authorization_pending") {
            bail!("{}: {}", answer.status, answer.text());
        }
        self.waiting.push_back((ask, Instant::now() + PAUSE));
        Ok(())
    }
}

/// The question with which a device begins, from the `n`th network address.
pub fn begin(n: usize) -> Vec<u8> {
    let fields = [("client_id", "television"), ("scope", "openid")];
    post("/oauth2/device", &from(n), &fields)
}

/// The question for the tokens of a code.
pub fn poll(code: &str) -> Vec<u8> {
    let fields = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", "television"),
        ("device_code", code),
    ];
    post("/oauth2/token", "", &fields)
}
