//! The built program as operators meet it, on either engine: how it starts and stops, what it says,
//! its commands beside a running server, its backups.

mod db;
mod outage;
mod serve;
mod start;
mod words;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::app::{free_port, join, own_folder, sql};
use crate::http::Browser;

/// A folder and a database of its own for one program.
pub struct Place {
    pub folder: PathBuf,
    pub address: SocketAddr,
    pub database: String,
    postgres: Option<(String, String)>,
    settings: Vec<(String, String)>,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Checks the exit code and passes it on.
    #[track_caller]
    pub fn is(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    /// Checks that a refusal says something, in three lines.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.err.contains(word), "no {word:?} in:\n{}", self.err);
        }
        for line in ["error: ", "\n  why: ", "\n  try: "] {
            assert!(self.err.contains(line), "no {line:?} in:\n{}", self.err);
        }
        self
    }
}

/// Waits for something that another process does, and that nothing tells of.
#[track_caller]
pub fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if done() {
            return;
        }
        #[allow(clippy::disallowed_methods)] // it orders nothing
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{what} never came");
}

impl Place {
    pub fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = own_folder(&format!("operate-{name}-{number}"));
        let (address, listener) = free_port();
        drop(listener);
        let server = std::env::var("TEST_POSTGRES").ok();
        let postgres = server.filter(|url| !url.is_empty()).map(|server| {
            let name = format!("operate_{}_{number}", std::process::id());
            sql(&server, &format!("CREATE DATABASE {name}"));
            (server, name)
        });
        let database = match &postgres {
            None => "sqlite".to_owned(),
            Some((server, name)) => join(server, name),
        };
        Self {
            folder,
            address,
            database,
            postgres,
            settings: Vec::new(),
        }
    }

    /// With another setting, by its variable without `GEREGE_`.
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.set(name, value);
        self
    }

    pub fn set(&mut self, name: &str, value: impl ToString) {
        self.settings.push((name.to_owned(), value.to_string()));
    }

    pub fn is_postgres(&self) -> bool {
        self.postgres.is_some()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gerege"));
        command
            .args(words)
            .current_dir(&self.folder)
            .env("GEREGE_DATA_DIR", self.folder.join("data"))
            .env("GEREGE_DATABASE__URL", &self.database)
            .env("GEREGE_LISTEN__ADDRESS", self.address.to_string())
            .env("GEREGE_LISTEN__WORKERS", "1")
            .env("GEREGE_CHECK__KIND", "off")
            .env("GEREGE_PASSWORD__MEMORY_KIB", "8")
            .env("GEREGE_PASSWORD__PASSES", "1")
            .stdin(Stdio::null());
        for (name, value) in &self.settings {
            command.env(format!("GEREGE_{name}"), value);
        }
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, words: &[&str]) -> Said {
        let done = self.command(words).output().expect("the program runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said {
            code: done.status.code(),
            out: text(&done.stdout),
            err: text(&done.stderr),
        }
    }

    /// Starts the server, and waits until it is ready.
    pub fn serve(&self) -> Running {
        let log = self.folder.join("server.log");
        let file = std::fs::File::create(&log).unwrap();
        let mut command = self.command(&["serve"]);
        let child = command.stdout(Stdio::null()).stderr(file).spawn().unwrap();
        let mut running = Running {
            child,
            address: self.address,
            log,
        };
        wait_for("the server", || {
            let ended = running.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended: {}", running.log());
            TcpStream::connect(running.address).is_ok()
        });
        let encrypted = self
            .settings
            .iter()
            .any(|(name, _)| name == "LISTEN__TLS_CERT");
        wait_for("the server's keys", || {
            if encrypted {
                self.run(&["health"]).code == Some(0)
            } else {
                running.browser().get("/readyz").status == 200
            }
        });
        running
    }

    /// An account, by command.
    pub fn add_person(&self, username: &str) {
        let file = self.folder.join("password.txt");
        std::fs::write(&file, crate::app::PASSWORD).unwrap();
        let email = format!("{username}@mail.example");
        let file = file.to_str().unwrap();
        let words = ["user", "add", username, "--email", &email];
        self.run(&[&words[..], &["--password-file", file]].concat())
            .is(0);
    }

    /// The names of all people, as `gerege user list` tells them.
    pub fn people(&self) -> Vec<String> {
        let listed = self.run(&["user", "list", "--json"]).is(0);
        let all: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
        let name = |one: &serde_json::Value| one["username"].as_str().unwrap().to_owned();
        all.as_array().unwrap().iter().map(name).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((server, name)) = &self.postgres {
            sql(server, &format!("DROP DATABASE {name} WITH (FORCE)"));
        }
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// A server in a process of its own.
pub struct Running {
    child: Child,
    pub address: SocketAddr,
    log: PathBuf,
}

impl Running {
    pub fn browser(&self) -> Browser {
        Browser::new(self.address, &format!("localhost:{}", self.address.port()))
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Asks it to stop, as systemd does.
    pub fn ask_to_stop(&self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end: how it ended, and what it logged.
    pub fn end(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        (status, self.log())
    }

    /// Stops it, and checks that it went in order.
    #[track_caller]
    pub fn stop(self) {
        self.ask_to_stop();
        let (status, log) = self.end();
        assert!(!log.contains("panicked"), "{log}");
        assert_eq!(status.code(), Some(0), "{log}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that somebody listens on.
pub fn taken_port() -> (SocketAddr, TcpListener) {
    free_port()
}
