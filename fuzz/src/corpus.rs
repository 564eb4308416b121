//! The inputs to start from: `fuzz/corpus/<target>.txt`, one a line, with `\n`, `\xff` and the like
//! written out.

use std::io;
use std::path::{Path, PathBuf};

/// The most inputs that are kept for a target, and the longest, in bytes.
const MOST: usize = 60;
const LONGEST: usize = 400;

/// Where a target's inputs lie.
pub fn file(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(format!("{target}.txt"))
}

/// A target's inputs.
pub fn read(target: &str) -> Vec<Vec<u8>> {
    let file = file(target);
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    text.lines().map(unescape).collect()
}

/// Writes a target's inputs into a folder, a file each.
///
/// # Errors
/// When a file cannot be written.
pub fn unpack(target: &str, folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (number, input) in read(target).iter().enumerate() {
        std::fs::write(folder.join(format!("{number:04}")), input)?;
    }
    Ok(())
}

/// Adds the shortest of a folder's inputs that get past the door, behind those that are there.
///
/// # Errors
/// When a file cannot be read or written.
pub fn pack(target: &str, folder: &Path) -> io::Result<()> {
    let text = std::fs::read_to_string(file(target))?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut found: Vec<Vec<u8>> = std::fs::read_dir(folder)?
        .map(|entry| std::fs::read(entry?.path()))
        .collect::<Result<_, _>>()?;
    let run = crate::find(target).expect("a target").run;
    found.retain(|input| input.len() <= LONGEST && run(input) > crate::Depth::Door);
    found.sort_by_key(|input| (input.len(), input.clone()));
    for line in found.iter().map(|input| escape(input)) {
        if lines.len() < MOST && !lines.contains(&line) {
            lines.push(line);
        }
    }
    std::fs::write(file(target), lines.join("\n") + "\n")
}

/// An input as one line.
pub fn escape(input: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(input) else {
        return input.escape_ascii().to_string();
    };
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // What is invisible, or could end a line.
            _ if letter.is_control() || (!letter.is_ascii() && !letter.is_alphanumeric()) => {
                let mut bytes = [0; 4];
                for byte in letter.encode_utf8(&mut bytes).bytes() {
                    out.push_str(&format!("\\x{byte:02x}"));
                }
            }
            _ => out.push(letter),
        }
    }
    out
}

/// The input of a line. A lone backslash stands for itself.
pub fn unescape(line: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = |at: usize| {
            after
                .get(at)
                .and_then(|byte| char::from(*byte).to_digit(16))
        };
        let (byte, used) = match (first, after.first()) {
            (b'\\', Some(b'n')) => (b'\n', 1),
            (b'\\', Some(b'r')) => (b'\r', 1),
            (b'\\', Some(b't')) => (b'\t', 1),
            (b'\\', Some(letter @ (b'\\' | b'"' | b'\''))) => (*letter, 1),
            (b'\\', Some(b'x')) => match (hex(1), hex(2)) {
                (Some(high), Some(low)) => ((high * 16 + low) as u8, 3),
                _ => (b'\\', 0),
            },
            _ => (*first, 0),
        };
        out.push(byte);
        rest = &after[used..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stands_for_its_bytes() {
        for input in [
            &b""[..],
            b"plain",
            b"a\nb\\c\t\"'\r",
            b"\xff\x00\\x41",
            "Тэмүүлэн\u{202e}🐎".as_bytes(),
            b"\\",
        ] {
            let line = escape(input);
            assert!(!line.contains('\n'));
            assert_eq!(unescape(&line), input, "{line}");
        }
    }
}
