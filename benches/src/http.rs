//! A small HTTP/1.1 caller on one kept connection: little of its own work stands in the figures.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail};

/// The longest that an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection.
pub struct Caller {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// What came back.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The lines of the head after the first.
    head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's first value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).next()
    }

    /// All values of a header.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.head.lines().filter_map(move |line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// The body as text.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// Fails unless it is what was asked for.
    ///
    /// # Errors
    /// What came instead.
    pub fn expect_good(self) -> anyhow::Result<Self> {
        let status = if self.status == 201 { 201 } else { 200 };
        self.expect(status)
    }

    /// Fails unless the status is this one.
    ///
    /// # Errors
    /// What came instead.
    pub fn expect(self, status: u16) -> anyhow::Result<Self> {
        if self.status != status {
            let text: String = self.text().chars().take(300).collect();
            bail!("{} in place of {status}: {text}", self.status);
        }
        Ok(self)
    }
}

impl Caller {
    /// Connects at the first request.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            stream: None,
            buffer: Vec::new(),
        }
    }

    /// Sends a whole request and reads its answer.
    ///
    /// # Errors
    /// When the server is not there, or speaks otherwise than expected.
    pub fn send(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.address)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream
            }
        };
        stream.write_all(request)?;
        let (answer, keep) = read(&mut stream, &mut self.buffer)?;
        if keep {
            self.stream = Some(stream);
        }
        Ok(answer)
    }
}

fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<(Answer, bool)> {
    buffer.clear();
    let mut piece = [0; 16 * 1024];
    let mut more = |buffer: &mut Vec<u8>| -> anyhow::Result<()> {
        let n = stream.read(&mut piece)?;
        if n == 0 {
            bail!("the server closed the connection");
        }
        buffer.extend_from_slice(piece.get(..n).unwrap_or_default());
        Ok(())
    };
    let end = loop {
        match buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            Some(at) => break at,
            None => more(buffer)?,
        }
    };
    let head = String::from_utf8_lossy(buffer.get(..end).unwrap_or_default()).into_owned();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .context("no status line")?;
    let mut answer = Answer {
        status,
        head,
        body: Vec::new(),
    };
    let length: usize = match answer.header("content-length") {
        Some(length) => length.parse()?,
        None if matches!(status, 204 | 304) => 0,
        None => bail!("an answer without its length"),
    };
    while buffer.len() < end + 4 + length {
        more(buffer)?;
    }
    answer.body = buffer
        .get(end + 4..end + 4 + length)
        .unwrap_or_default()
        .to_vec();
    let keep = answer
        .header("connection")
        .is_none_or(|value| !value.eq_ignore_ascii_case("close"));
    Ok((answer, keep))
}

/// A GET with further header lines.
pub fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n").into_bytes()
}

/// A POST of a form with further header lines.
pub fn post(path: &str, headers: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let body = form(fields);
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Fields as a form, or as the query of a URL.
pub fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    pairs.join("&")
}

/// Percent-encoding of whatever is not plain.
pub fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| match byte {
            byte if plain(byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// A browser's cookies.
#[derive(Clone, Default)]
pub struct Jar(BTreeMap<String, String>);

impl Jar {
    /// Takes what an answer sets.
    pub fn take(&mut self, answer: &Answer) {
        for set in answer.headers("set-cookie") {
            let pair = set.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.0.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Forgets a cookie.
    pub fn drop(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// As a header line; nothing when there are none.
    pub fn line(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let pairs: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        format!("Cookie: {}\r\n", pairs.join("; "))
    }
}
