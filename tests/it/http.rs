//! A small browser: it keeps cookies, follows nothing by itself, and can send what no browser
//! would.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

/// Long enough for a slow machine: it only bounds a server that never answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub bytes: Vec<u8>,
    /// The path and query that were asked for.
    pub path: String,
}

impl Answer {
    /// Reads an answer to its end.
    fn parse(all: &[u8], path: &str) -> Self {
        let end = find(all, b"\r\n\r\n").unwrap_or_else(|| {
            panic!(
                "no answer to {path}: {:?}",
                String::from_utf8_lossy(&all[..all.len().min(200)])
            )
        });
        let head = String::from_utf8_lossy(&all[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .and_then(|code| code.parse().ok())
            .unwrap_or_else(|| panic!("no status: {head}"));
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let body = &all[end + 4..];
        let chunked = headers
            .iter()
            .any(|(name, value)| name == "transfer-encoding" && value == "chunked");
        Self {
            status,
            bytes: if chunked {
                unchunk(body)
            } else {
                body.to_vec()
            },
            headers,
            path: path.to_owned(),
        }
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{} gave no JSON ({error}): {}", self.path, self.text()))
    }

    /// The first header of a name in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }

    /// All headers of a name in small letters.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }

    /// Where it leads.
    pub fn location(&self) -> &str {
        self.header("location")
            .unwrap_or_else(|| panic!("{} {} leads nowhere: {}", self.path, self.status, self.h1()))
    }

    /// The page that a refused request of an unchecked app ends on, with its link pressed.
    pub fn clicked(mut self) -> Self {
        self = self.is(400);
        let text = self.text();
        let tag = between(&text, "<a class=\"btn alt\"", ">").expect("a link back to the app");
        let to = attribute(tag, "href").expect("where the link leads");
        self.headers.push(("location".into(), to));
        self
    }

    /// A parameter of the place it leads to, in its query or fragment.
    pub fn param(&self, name: &str) -> Option<String> {
        param(self.location(), name)
    }

    /// The page's heading.
    pub fn h1(&self) -> String {
        let text = self.text();
        between(&text, "<h1", "</h1>")
            .and_then(|rest| rest.split_once('>'))
            .map(|(_, words)| unescape(words))
            .unwrap_or_else(|| text.chars().take(300).collect())
    }

    /// The page token of its forms.
    pub fn token(&self) -> Option<String> {
        self.hidden("form")
    }

    /// The value of a field of its forms.
    pub fn hidden(&self, name: &str) -> Option<String> {
        let (text, name) = (self.text(), format!("name=\"{name}\""));
        let tag = text.split("<input").find(|tag| tag.contains(&name))?;
        attribute(tag, "value")
    }

    /// The reference number that an error page or a broken answer carries.
    pub fn reference(&self) -> Option<String> {
        let text = self.text();
        let at = text.find("Number to quote")?;
        let letters = |c: char| c.is_ascii_digit() || c.is_ascii_uppercase();
        text[at + 15..]
            .split(|c: char| !letters(c))
            .find(|word| word.len() == 6)
            .map(str::to_owned)
    }

    /// Checks the status and passes the answer on.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(
            self.status,
            status,
            "{} answered: {} {}",
            self.path,
            self.h1(),
            self.errors().join(" | ")
        );
        self
    }

    /// Checks that it is a 303 to a path and passes the answer on.
    #[track_caller]
    pub fn leads(self, to: &str) -> Self {
        let answer = self.is(303);
        assert!(
            answer.location().starts_with(to),
            "{} leads to {}, not to {to}",
            answer.path,
            answer.location()
        );
        answer
    }

    /// The values of the ticked boxes of one name.
    pub fn ticked(&self, name: &str) -> Vec<String> {
        let html = self.text();
        let boxes = html.split("<input ").filter(|one| {
            let tag = one.split('>').next().unwrap_or_default();
            tag.contains(&format!("name=\"{name}\"")) && tag.contains(" checked")
        });
        let value = |one: &str| {
            one.split("value=\"")
                .nth(1)?
                .split('"')
                .next()
                .map(str::to_owned)
        };
        boxes.filter_map(value).collect()
    }

    /// The mistakes of its summary.
    pub fn errors(&self) -> Vec<String> {
        let text = self.text();
        let Some(summary) = between(&text, "class=\"sum\"", "</div>") else {
            return Vec::new();
        };
        summary.split("<li>").skip(1).map(unescape).collect()
    }
}

/// What is said and heard over a connection.
pub trait Line: Read + Write {}
impl<T: Read + Write> Line for T {}

/// How it is kept from others on its way.
pub type Seal = Arc<dyn Fn(TcpStream) -> Box<dyn Line> + Send + Sync>;

/// A person's browser.
#[derive(Clone)]
pub struct Browser {
    pub address: SocketAddr,
    /// The `Host` header.
    pub host: String,
    pub cookies: BTreeMap<String, String>,
    /// Further headers of every request.
    pub headers: Vec<(String, String)>,
    /// How it speaks TLS, where the server does.
    seal: Option<Seal>,
}

impl Browser {
    pub fn new(address: SocketAddr, host: &str) -> Self {
        Self {
            seal: None,
            address,
            host: host.to_owned(),
            cookies: BTreeMap::new(),
            headers: vec![(
                "User-Agent".into(),
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".into(),
            )],
        }
    }

    /// The same browser over TLS.
    pub fn sealed(mut self, seal: Seal) -> Self {
        self.seal = Some(seal);
        self
    }

    /// The server that it speaks to.
    fn origin(&self) -> String {
        let scheme = ["http", "https"][usize::from(self.seal.is_some())];
        format!("{scheme}://{}", self.host)
    }

    /// The same browser with one more header.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[], None)
    }

    /// Posts fields as they are.
    pub fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_bytes(path, encode(fields).as_bytes())
    }

    /// Posts a body in the form of a form.
    pub fn post_bytes(&mut self, path: &str, body: &[u8]) -> Answer {
        let kind = [("Content-Type", "application/x-www-form-urlencoded")];
        self.send("POST", path, &kind, Some(body))
    }

    /// Fills in the form of a page that was seen, with its token, and sends it where it says.
    pub fn submit(&mut self, page: &Answer, fields: &[(&str, &str)]) -> Answer {
        let token = page
            .token()
            .unwrap_or_else(|| panic!("{} has no form: {}", page.path, page.h1()));
        let shown = page.hidden("shown").unwrap_or_default();
        let mut all = vec![("form", token.as_str())];
        if !shown.is_empty() {
            all.push(("shown", &shown));
        }
        all.extend_from_slice(fields);
        self.post(&page.path, &all)
    }

    /// Allows what a consent page asks for, with every box as it is ticked on the page.
    pub fn allow(&mut self, page: &Answer) -> Answer {
        let ticked = page.ticked("scope");
        let boxes = ticked.iter().map(|value| ("scope", value.as_str()));
        let all: Vec<(&str, &str)> = boxes.chain([("decision", "allow")]).collect();
        self.submit(page, &all)
    }

    /// Opens a page and submits its form.
    pub fn fill(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let page = self.get(path).is(200);
        self.submit(&page, fields)
    }

    /// Goes where an answer leads, on our own server.
    pub fn follow(&mut self, answer: &Answer) -> Answer {
        let to = answer.location().to_owned();
        let own = self.origin();
        let path = to.strip_prefix(&own).unwrap_or(&to).to_owned();
        assert!(path.starts_with('/'), "{to} is not on {own}");
        self.get(&path)
    }

    /// Follows until a page or another server comes.
    pub fn arrive(&mut self, mut answer: Answer) -> Answer {
        let own = self.origin();
        for _ in 0..10 {
            let ours = answer
                .header("location")
                .is_some_and(|to| to.starts_with('/') || to.starts_with(&own));
            if !(300..400).contains(&answer.status) || !ours {
                return answer;
            }
            answer = self.follow(&answer);
        }
        panic!("{} goes round in circles", answer.path)
    }

    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Answer {
        self.attempt(method, path, headers, body)
            .unwrap_or_else(|| panic!("no answer to {path}"))
    }

    /// Sends a request to a server that may die over it.
    pub fn attempt(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Option<Answer> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.host);
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if !self.cookies.is_empty() {
            let cookies: Vec<String> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let _ = write!(head, "Cookie: {}\r\n", cookies.join("; "));
        }
        if let Some(body) = body {
            let _ = write!(head, "Content-Length: {}\r\n", body.len());
        }
        head.push_str("Connection: close\r\n\r\n");
        let mut all = head.into_bytes();
        all.extend_from_slice(body.unwrap_or_default());
        let bytes = try_exchange(self.address, self.seal.as_ref(), &all)?;
        if bytes.is_empty() {
            return None;
        }
        let answer = Answer::parse(&bytes, path);
        self.keep(&answer);
        Some(answer)
    }

    fn keep(&mut self, answer: &Answer) {
        for set in answer.headers("set-cookie") {
            let mut parts = set.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            if value.is_empty() || parts.any(|part| part == "Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// Sends bytes and reads what comes until the end.
pub fn raw(address: SocketAddr, bytes: &[u8], path: &str) -> Answer {
    Answer::parse(&exchange(address, bytes), path)
}

/// Sends bytes and gives the bytes that come back. A server may close before it has read all.
pub fn exchange(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    try_exchange(address, None, bytes).expect("the server listens")
}

fn try_exchange(address: SocketAddr, seal: Option<&Seal>, bytes: &[u8]) -> Option<Vec<u8>> {
    let stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    Some(match seal {
        None => say(stream, bytes),
        Some(seal) => say(seal(stream), bytes),
    })
}

fn say(mut stream: impl Line, bytes: &[u8]) -> Vec<u8> {
    let _ = stream.write_all(bytes);
    let mut all = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return all,
            Ok(read) => all.extend_from_slice(&piece[..read]),
            // Reset after an early answer: what came so far counts.
            Err(_) => return all,
        }
    }
}

fn unchunk(mut body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(end) = find(body, b"\r\n") {
        let size = std::str::from_utf8(&body[..end])
            .ok()
            .and_then(|hex| usize::from_str_radix(hex.trim(), 16).ok())
            .unwrap_or(0);
        if size == 0 || body.len() < end + 2 + size {
            break;
        }
        out.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = body.get(end + 2 + size + 2..).unwrap_or_default();
    }
    out
}

fn find(all: &[u8], part: &[u8]) -> Option<usize> {
    all.windows(part.len()).position(|window| window == part)
}

/// Fields as a form sends them.
pub fn encode(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

/// A parameter of a URL, in its query or fragment.
pub fn param(url: &str, name: &str) -> Option<String> {
    let at = url.find(['?', '#'])?;
    url::form_urlencoded::parse(&url.as_bytes()[at + 1..])
        .find(|(own, _)| own == name)
        .map(|(_, value)| value.into_owned())
}

/// `Authorization: Basic` (RFC 6749 2.3.1).
pub fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// What a JWT says, unchecked: (header, claims).
pub fn jwt(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| {
        let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64url");
        serde_json::from_slice(&bytes).unwrap_or(Value::Null)
    });
    (parts.next().unwrap(), parts.next().expect("two parts"))
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let start = text.find(from)? + from.len();
    let end = text[start..].find(to)?;
    Some(&text[start..start + end])
}

/// An attribute of a tag.
pub fn attribute(tag: &str, name: &str) -> Option<String> {
    between(tag, &format!("{name}=\""), "\"").map(unescape)
}

/// Words without tags and references.
pub fn unescape(html: &str) -> String {
    let mut out = String::new();
    let mut within = false;
    for letter in html.chars() {
        match letter {
            '<' => within = true,
            '>' if within => within = false,
            _ if within => {}
            _ => out.push(letter),
        }
    }
    for (from, to) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#x27;", "'"),
        ("&#39;", "'"),
        ("&#x2f;", "/"),
        ("&#x2F;", "/"),
        ("&amp;", "&"),
    ] {
        out = out.replace(from, to);
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}
