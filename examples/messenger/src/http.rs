//! The chat server over HTTP, on the same port: who brings no token learns where to sign in
//! (RFC 9728 5.1), who brings a good one reads who is there.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;

/// The longest head of a request.
const LONGEST: u64 = 16 * 1024;

/// A request, as far as it is read.
#[derive(Debug, PartialEq)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// Scheme and token of `Authorization`.
    pub token: Option<(String, String)>,
    /// The headers `DPoP`; a good request has one at most.
    pub proofs: Vec<String>,
}

/// Whether a connection begins with a request: our own lines begin with a brace or a quote.
pub fn is_request(first: u8) -> bool {
    first.is_ascii_uppercase()
}

/// Reads the head of a request; nothing when it is none, or does not end in time.
pub fn read(stream: &TcpStream) -> Option<Request> {
    let mut head = Vec::new();
    for byte in BufReader::new(stream.take(LONGEST)).bytes() {
        head.push(byte.ok()?);
        if head.ends_with(b"\r\n\r\n") {
            return parse(std::str::from_utf8(&head).ok()?);
        }
    }
    None
}

fn parse(head: &str) -> Option<Request> {
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let mut request = Request {
        method: first.next()?.to_owned(),
        path: first.next()?.to_owned(),
        token: None,
        proofs: Vec::new(),
    };
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':')?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("authorization") {
            let (scheme, token) = value.split_once(' ')?;
            let token = (scheme.to_ascii_lowercase(), token.trim().to_owned());
            // Two of them: neither counts.
            if request.token.replace(token).is_some() {
                return None;
            }
        } else if name.eq_ignore_ascii_case("dpop") {
            request.proofs.push(value.to_owned());
        }
    }
    Some(request)
}

/// Answers, and is done with the connection.
pub fn answer(mut stream: &TcpStream, status: &str, challenges: &[String], body: &str) {
    let challenges: String = challenges
        .iter()
        .map(|one| format!("www-authenticate: {one}\r\n"))
        .collect();
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\n{challenges}content-type: application/json\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_and_two_tokens_are_none() {
        let read = parse("GET / HTTP/1.1\r\nHost: x\r\nauthorization: DPoP abc\r\nDPoP: p\r\n\r\n");
        let read = read.unwrap();
        assert_eq!((read.method.as_str(), read.path.as_str()), ("GET", "/"));
        assert_eq!(read.token, Some(("dpop".into(), "abc".into())));
        assert_eq!(read.proofs, ["p"]);
        let two = "GET / HTTP/1.1\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n";
        assert_eq!(parse(two), None);
        assert_eq!(parse("GET\r\n\r\n"), None);
        assert!(is_request(b'G') && !is_request(b'{') && !is_request(b'"'));
    }
}
