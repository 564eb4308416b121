//! Changes an input as an attacker or an accident would: by the pieces that it is made of, by words
//! that mean something to the target, and by single bytes.

/// Repeatable chance (splitmix64).
pub struct Dice(u64);

impl Dice {
    /// The same seed gives the same throws.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 when there is none.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// One of a list that is not empty.
    pub fn one<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// The longest input that is made, in bytes.
pub const LONGEST: usize = 4096;

/// Where texts come apart.
const MARKS: &[u8] = b"&=;,. \n/:?#@|{}[]\"-_$%";

/// What parsers stumble over.
const ODD: &[&[u8]] = &[
    b"\0",
    b"%00",
    b"%",
    b"%zz",
    b"%2e",
    b"%0d%0a",
    b"%C3%A9",
    b"\r\n",
    b"\n",
    b"\t",
    b" ",
    b"+",
    b"\xff",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"..",
    b"//",
    b"\\",
    b"@",
    b":",
    b"?",
    b"#",
    b"&",
    b"=",
    b";",
    b",",
    b"*",
    b"\"",
    b"'",
    b"<",
    b">",
    b"{",
    b"}",
    b"[",
    b"]",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e400",
    b"4294967296",
    b"9223372036854775807",
    b"18446744073709551616",
    b"xn--",
    b"https://",
    b"127.0.0.1",
    b"[::1]",
    "\u{202e}".as_bytes(),
    "\u{200d}".as_bytes(),
    "\u{feff}".as_bytes(),
    "\u{ad}".as_bytes(),
    "\u{3000}".as_bytes(),
    "\u{2028}".as_bytes(),
    "é".as_bytes(),
    "e\u{301}".as_bytes(),
    "İ".as_bytes(),
    "ß".as_bytes(),
    "ﬁ".as_bytes(),
    "а".as_bytes(),
    "ａ".as_bytes(),
    "。".as_bytes(),
    "🐎".as_bytes(),
    "\u{10ffff}".as_bytes(),
];

/// A changed copy of `input`. `words` mean something to the target; `others` are inputs to borrow
/// pieces from.
pub fn mutate(input: &[u8], words: &[&str], others: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut out = input.to_vec();
    // Mostly one change, so that what is deep stays deep.
    let rounds = *dice.one(&[1, 1, 1, 1, 2, 2, 3, 6]);
    for _ in 0..rounds {
        change(&mut out, words, others, dice);
    }
    out.truncate(LONGEST);
    out
}

fn change(out: &mut Vec<u8>, words: &[&str], others: &[Vec<u8>], dice: &mut Dice) {
    let at = dice.below(out.len() + 1);
    let byte = at.min(out.len().saturating_sub(1));
    match dice.below(16) {
        0 if !out.is_empty() => out[byte] ^= 1 << dice.below(8),
        1 if !out.is_empty() => out[byte] = dice.below(256) as u8,
        2 if !out.is_empty() => {
            let end = (byte + 1 + dice.below(8)).min(out.len());
            out.drain(byte..end);
        }
        3 => insert(out, at, dice.one::<&[u8]>(ODD)),
        4 | 5 if !words.is_empty() => insert(out, at, dice.one(words).as_bytes()),
        6 if !out.is_empty() => {
            let piece = out[byte..(byte + 1 + dice.below(16)).min(out.len())].to_vec();
            let times = *dice.one(&[1, 1, 1, 2, 8, 64]);
            insert(out, at, &piece.repeat(times));
        }
        7 if !out.is_empty() => out[byte] = swap_case(out[byte]),
        8 if !out.is_empty() => {
            let encoded = format!("%{:02X}", out[byte]);
            out.splice(byte..=byte, encoded.bytes());
        }
        9 => number(out, dice),
        10 => {
            let pieces = pieces(out);
            let (one, other) = (dice.one(&pieces).clone(), dice.one(&pieces).clone());
            if one.end <= other.start {
                let (first, second) = (out[one.clone()].to_vec(), out[other.clone()].to_vec());
                out.splice(other, first);
                out.splice(one, second);
            }
        }
        11 => {
            let piece = dice.one(&pieces(out)).clone();
            out.drain(piece);
        }
        12 if !words.is_empty() => {
            let piece = dice.one(&pieces(out)).clone();
            out.splice(piece, dice.one(words).bytes());
        }
        13 if !others.is_empty() => {
            let other = dice.one(others);
            let theirs = dice.one(&pieces(other)).clone();
            let piece = dice.one(&pieces(out)).clone();
            out.splice(piece, other[theirs].iter().copied());
        }
        14 if !others.is_empty() => {
            let other = dice.one(others);
            let from = dice.one(&pieces(other)).start;
            out.truncate(dice.one(&pieces(out)).start);
            out.extend_from_slice(&other[from..]);
        }
        _ => {
            let piece = out[dice.one(&pieces(out)).clone()].to_vec();
            let mark = *dice.one(MARKS);
            insert(out, at, &[&[mark], piece.as_slice()].concat());
        }
    }
}

fn insert(out: &mut Vec<u8>, at: usize, piece: &[u8]) {
    out.splice(at..at, piece.iter().copied());
}

fn swap_case(byte: u8) -> u8 {
    if byte.is_ascii_alphabetic() {
        byte ^ 0x20
    } else {
        byte
    }
}

/// A number in it becomes one at an edge.
fn number(out: &mut Vec<u8>, dice: &mut Dice) {
    let digits: Vec<usize> = (0..out.len())
        .filter(|at| out[*at].is_ascii_digit())
        .collect();
    if digits.is_empty() {
        return;
    }
    let at = *dice.one(&digits);
    let start = out[..at]
        .iter()
        .rposition(|b| !b.is_ascii_digit())
        .map_or(0, |at| at + 1);
    let end = out[at..]
        .iter()
        .position(|b| !b.is_ascii_digit())
        .map_or(out.len(), |n| at + n);
    let edges = [
        "0",
        "1",
        "-1",
        "7",
        "64",
        "65535",
        "65536",
        "2147483648",
        "4294967296",
        "9007199254740993",
        "9223372036854775807",
        "18446744073709551615",
        "1e9",
        "0.5",
        "007",
    ];
    out.splice(start..end, dice.one(&edges).bytes());
}

/// The pieces between marks; never none.
fn pieces(text: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, byte) in text.iter().enumerate() {
        if MARKS.contains(byte) {
            found.push(start..at);
            start = at + 1;
        }
    }
    found.push(start..text.len());
    found
}
