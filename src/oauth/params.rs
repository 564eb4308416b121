//! Request parameters from a query or an urlencoded body, read strictly and in order.

use super::error::{Code, Problem};

/// More parameters than this are refused.
pub const MAX_COUNT: usize = 64;
/// A longer query or body, in bytes, is refused.
pub const MAX_BYTES: usize = 64 * 1024;
/// A longer name, in bytes, is refused.
pub const MAX_NAME: usize = 128;

/// The only parameters that may stand more than once (RFC 8707 2, RFC 8693 2.1).
const REPEATABLE: [&str; 2] = ["resource", "audience"];

/// The parameters of one request. Never shows values when printed for debugging.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads `application/x-www-form-urlencoded` bytes: a query without its `?`, or a body.
    ///
    /// # Errors
    /// `invalid_request` for broken percent-encoding or UTF-8, NUL, a name that stands twice,
    /// or too much of anything.
    pub fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        Self::read(bytes, &REPEATABLE)
    }

    /// Reads a form of our own pages, where several check boxes have the name `scope`.
    ///
    /// # Errors
    /// As [`Params::parse`].
    pub fn parse_form(bytes: &[u8]) -> Result<Self, Problem> {
        Self::read(bytes, &["scope"])
    }

    fn read(bytes: &[u8], repeatable: &[&str]) -> Result<Self, Problem> {
        if bytes.len() > MAX_BYTES {
            return Err(refuse("the parameters are too long", LESS));
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        for piece in bytes.split(|byte| *byte == b'&') {
            if piece.is_empty() {
                continue;
            }
            if pairs.len() == MAX_COUNT {
                return Err(refuse("there are too many parameters", LESS));
            }
            let (name, value) = match piece.iter().position(|byte| *byte == b'=') {
                Some(at) => (&piece[..at], &piece[at + 1..]),
                None => (piece, &piece[..0]),
            };
            let name =
                decode(name).ok_or_else(|| refuse("a parameter name is malformed", ENCODED))?;
            if name.is_empty() || name.len() > MAX_NAME {
                return Err(refuse("a parameter name is empty or too long", ENCODED));
            }
            let value = decode(value).ok_or_else(|| {
                let why = format!("{name} is not percent-encoded UTF-8, or holds NUL");
                refuse(&why, ENCODED)
            })?;
            // RFC 6749 3.1 and 3.2: parameters must not be included more than once.
            if !repeatable.contains(&name.as_str()) && pairs.iter().any(|(had, _)| *had == name) {
                return Err(refuse(&format!("{name} stands more than once"), ONCE));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// Takes parameters that came in another way than urlencoded, by the same rules.
    ///
    /// # Errors
    /// As [`Params::parse`].
    pub fn from_pairs(pairs: Vec<(String, String)>) -> Result<Self, Problem> {
        let size: usize = pairs.iter().map(|(_, value)| value.len()).sum();
        if pairs.len() > MAX_COUNT || size > MAX_BYTES {
            return Err(refuse(
                "there are too many parameters, or they are too long",
                LESS,
            ));
        }
        for (at, (name, value)) in pairs.iter().enumerate() {
            let sound = !name.is_empty() && name.len() <= MAX_NAME;
            if !sound || name.contains('\0') || value.contains('\0') {
                return Err(refuse(
                    "a parameter name is malformed, or a value holds NUL",
                    ENCODED,
                ));
            }
            let twice = pairs[..at].iter().any(|(had, _)| had == name);
            if twice && !REPEATABLE.contains(&name.as_str()) {
                return Err(refuse(&format!("{name} stands more than once"), ONCE));
            }
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter. One without a value counts as omitted (RFC 6749 3.1).
    pub fn one(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(had, value)| had == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// All values of a parameter that may be repeated, in order, without empty ones.
    pub fn many(&self, name: &str) -> Vec<String> {
        self.0
            .iter()
            .filter(|(had, value)| had == name && !value.is_empty())
            .map(|(_, value)| value.clone())
            .collect()
    }

    /// An owned value, for requests that are stored.
    pub fn owned(&self, name: &str) -> Option<String> {
        self.one(name).map(str::to_owned)
    }

    /// Whether the name stands in the request at all, even without a value.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(had, _)| had == name)
    }

    /// Names and values in the order of the request.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

/// What whoever runs the app has to change; no command of ours does it.
const ONCE: &str = "have the app send each parameter once";
const ENCODED: &str = "have the app percent-encode what it sends";
const LESS: &str = "have the app send less at once";

fn refuse(why: &str, mend: &str) -> Problem {
    Problem::new(Code::InvalidRequest, why).mend(mend.into())
}

/// Decodes one name or value of an urlencoded form; `None` when it is malformed.
pub fn decode(bytes: &[u8]) -> Option<String> {
    // Tokens and ids stand as they are, and are most of what comes: looked at in one sweep.
    let stands = |byte: &u8| !matches!(byte, b'+' | b'%' | 0);
    if bytes.iter().fold(true, |all, byte| all & stands(byte)) {
        return String::from_utf8(bytes.to_vec()).ok();
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => hex(*rest.next()?)? << 4 | hex(*rest.next()?)?,
            other => *other,
        });
    }
    if out.contains(&0) {
        return None;
    }
    String::from_utf8(out).ok()
}

/// Encodes one name or value so that urlencoded-form and plain URI readers agree: a space is
/// `%20`, never `+`, and only unreserved characters (RFC 3986 2.3) stand as they are.
pub fn encode(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
    out
}

/// `name=value&…` of all pairs, encoded.
pub fn encode_all<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    pairs
        .into_iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn malformed_parameters_are_refused() {
        let table: &[(&[u8], bool)] = &[
            (b"", true),
            (b"&&", true),
            (b"a=1&b=2", true),
            (b"a", true),
            (b"a=b=c", true),
            (b"a=%e2%82%ac", true),
            (b"a=\xe2\x82\xac", true),
            (b"resource=a&resource=b", true),
            (b"audience=a&audience=b", true),
            (b"a=1&a=2", false),
            (b"a=1&a=1", false),
            (b"a=&a=1", false),
            (b"a=1&%61=2", false),
            (b"=1", false),
            (b"a=%", false),
            (b"a=%4", false),
            (b"a=%zz", false),
            (b"a=%+1", false),
            (b"a=%00", false),
            (b"a=\0", false),
            (b"%00=a", false),
            (b"a=%ff", false),
            (b"a=\xff", false),
            (b"a=%c0%80", false),
            (b"a=%ed%a0%80", false),
            (b"Resource=a&Resource=b", false),
        ];
        for (bytes, good) in table {
            let parsed = Params::parse(bytes);
            assert_eq!(parsed.is_ok(), *good, "{}", String::from_utf8_lossy(bytes));
            if let Err(problem) = parsed {
                assert_eq!(problem.code, Code::InvalidRequest);
            }
        }
        let boxes = b"scope=a&scope=b";
        assert!(Params::parse(boxes).is_err() && Params::parse_form(boxes).is_ok());
        assert!(Params::parse_form(b"form=a&form=b").is_err());
        assert!(Params::parse(&vec![b'a'; MAX_BYTES + 1]).is_err());
        assert!(Params::parse(&[b'a'; MAX_NAME + 1]).is_err());
        let many = |count| {
            let pairs: Vec<String> = (0..count).map(|at| format!("p{at}=1")).collect();
            Params::parse(pairs.join("&").as_bytes()).is_ok()
        };
        assert!(many(MAX_COUNT) && !many(MAX_COUNT + 1));
    }

    #[test]
    fn a_parameter_without_a_value_counts_as_omitted() {
        let params = Params::parse(b"a=&b&c=x+y&resource=1&resource=&resource=2").unwrap();
        assert_eq!(params.one("a"), None);
        assert_eq!(params.one("b"), None);
        assert!(params.has("b"));
        assert_eq!(params.one("c"), Some("x y"));
        assert_eq!(params.many("resource"), ["1", "2"]);
    }

    #[test]
    fn values_are_not_shown_when_printed() {
        let params = Params::parse(b"client_secret=opensesame").unwrap();
        assert!(!format!("{params:?}").contains("opensesame"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(params) = Params::parse(&bytes) {
                for (name, value) in params.iter() {
                    prop_assert!(!name.is_empty() && !name.contains('\0') && !value.contains('\0'));
                }
                let again = Params::parse(encode_all(params.iter()).as_bytes()).unwrap();
                prop_assert_eq!(again, params);
            }
        }

        #[test]
        fn what_is_encoded_comes_back(value in "[^\0]{0,40}") {
            prop_assert_eq!(decode(encode(&value).as_bytes()), Some(value.clone()));
            // Readers that know only percent-encoding see the same.
            prop_assert!(!encode(&value).contains('+'));
        }
    }
}
