//! The messenger as a program, its keyboard and what it prints, and a folder of its own.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use url::Url;

/// One running program, its keyboard and what it printed.
pub struct Program {
    child: Child,
    keys: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Program {
    pub fn start(words: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_messenger"))
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let errors = sender.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(err).lines() {
                let _ = errors.send(format!("error: {}", line.unwrap()));
            }
        });
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines() {
                let _ = sender.send(line.unwrap());
            }
        });
        Self {
            keys: child.stdin.take(),
            child,
            lines,
        }
    }

    /// Reads on to the line that begins so, and gives it.
    pub fn read_to(&self, begin: &str) -> String {
        let mut seen = Vec::new();
        loop {
            match self.lines.recv_timeout(Duration::from_secs(30)) {
                Ok(line) if line.starts_with(begin) => return line,
                Ok(line) => seen.push(line),
                Err(_) => panic!("no line begins with {begin:?}; there were {seen:#?}"),
            }
        }
    }

    pub fn write(&mut self, line: &str) {
        let mut keys = self.keys.as_ref().unwrap();
        writeln!(keys, "{line}").unwrap();
    }

    /// Closes the keyboard and gives the rest of the lines.
    pub fn end(mut self) -> (bool, Vec<String>) {
        self.keys = None;
        let good = self.child.wait().unwrap().success();
        (good, self.lines.iter().collect())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn get(back: &Url, pairs: &[(&str, &str)]) -> String {
    let mut address = back.clone();
    address.query_pairs_mut().extend_pairs(pairs);
    let mut stream = TcpStream::connect(("127.0.0.1", address.port().unwrap())).unwrap();
    let (path, query) = (address.path(), address.query().unwrap());
    write!(stream, "GET {path}?{query} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("messenger-{}-{name}", std::process::id()));
        Self(path)
    }

    pub fn text(&self) -> &str {
        self.0.to_str().unwrap()
    }

    pub fn stay(&self) -> PathBuf {
        Path::new(&self.0).join("stay.json")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
