//! Somebody else's server on this machine: it answers what a test told it, by path, and remembers
//! what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

use crate::app::free_port;

/// What it was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    /// The head, in small letters.
    pub head: String,
    pub body: String,
}

#[derive(Default)]
struct Inner {
    answers: BTreeMap<String, (u16, String, String)>,
    asked: Vec<Asked>,
}

/// The server; it lives as long as the test process.
#[derive(Clone)]
pub struct Elsewhere {
    pub address: SocketAddr,
    inner: Arc<Mutex<Inner>>,
}

impl Elsewhere {
    /// Answers 404 to everything until it is told otherwise.
    pub fn new() -> Self {
        let (address, listener) = free_port();
        let inner = Arc::new(Mutex::new(Inner::default()));
        let shared = inner.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                std::thread::spawn(move || {
                    let _ = serve(stream, &shared);
                });
            }
        });
        Self { address, inner }
    }

    /// The whole address of a path here.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sets the answer to a path.
    pub fn answers(&self, path: &str, status: u16, body: &str) {
        self.answers_with(path, status, "Content-Type: application/json\r\n", body);
    }

    /// As [`Self::answers`], with headers of its own.
    pub fn answers_with(&self, path: &str, status: u16, headers: &str, body: &str) {
        let answer = (status, headers.to_owned(), body.to_owned());
        self.inner
            .lock()
            .unwrap()
            .answers
            .insert(path.into(), answer);
    }

    /// Takes what it was asked since it was last asked for it.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.inner.lock().unwrap().asked)
    }
}

fn serve(mut stream: TcpStream, shared: &Mutex<Inner>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let mut words = head.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let path = words.next().unwrap_or_default().to_owned();
    let head = head.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .and_then(|length| length.trim().parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let (status, headers, answer) = {
        let mut inner = shared.lock().unwrap();
        let found = inner.answers.get(&path).cloned();
        inner.asked.push(Asked {
            method,
            path,
            head,
            body: String::from_utf8_lossy(&body).into_owned(),
        });
        found.unwrap_or_else(|| (404, String::new(), String::new()))
    };
    write!(
        stream,
        "HTTP/1.1 {status} Answer\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{answer}",
        answer.len()
    )
}
