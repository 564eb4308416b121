//! The only place that prints. A reader that has gone away (`gerege user list | head`) is no
//! error, so nothing here can fail.

use std::io::{IsTerminal as _, Write};

use clap::ValueEnum;
use serde::Serialize;

use super::fault::Fault;

/// When output is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How this run prints.
#[derive(Clone, Copy, Debug, Default)]
pub struct Out {
    /// Facts are printed for programs.
    pub json: bool,
    /// When output is coloured.
    pub color: Color,
}

/// One line on standard output.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Text as it is, without a line end of its own.
pub fn raw(bytes: &[u8]) {
    let _ = std::io::stdout().lock().write_all(bytes);
}

/// Facts for programs.
pub fn json<T: Serialize>(facts: &T) {
    if let Ok(text) = serde_json::to_string_pretty(facts) {
        line(&text);
    }
}

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Good,
    /// To be looked at.
    Warning,
    /// It does not work.
    Broken,
}

impl Out {
    /// A line on standard error that does not stop the work: something to know.
    pub fn warn(self, text: &str) {
        let word = self.paint("33", "warning:", std::io::stderr().is_terminal());
        let _ = writeln!(std::io::stderr().lock(), "{word} {}", plain(text));
    }

    /// An error in three lines on standard error.
    pub fn fault(self, fault: &Fault) {
        let terminal = std::io::stderr().is_terminal();
        let mut err = std::io::stderr().lock();
        for text in fault.texts() {
            let text = match text.strip_prefix("error:") {
                Some(rest) => format!("{}{rest}", self.paint("1;31", "error:", terminal)),
                None => text,
            };
            let _ = writeln!(err, "{text}");
        }
    }

    /// A line with ✓, ⚠ or ✗ before it.
    pub fn state(self, state: State, text: &str) {
        let (code, mark) = match state {
            State::Good => ("32", "✓"),
            State::Warning => ("33", "⚠"),
            State::Broken => ("31", "✗"),
        };
        let mark = self.paint(code, mark, std::io::stdout().is_terminal());
        line(&format!("{mark} {}", plain(text)));
    }

    /// Columns under their headings; `nothing` is said when there are no rows.
    pub fn table(self, heads: &[&str], rows: &[Vec<String>], nothing: &str) {
        if rows.is_empty() {
            return line(nothing);
        }
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(|cell| plain(cell)).collect())
            .collect();
        let wide = |text: &str| text.chars().count();
        let widths: Vec<usize> = heads
            .iter()
            .enumerate()
            .map(|(at, head)| {
                let cells = rows.iter().filter_map(|row| row.get(at));
                let widest = cells.map(|cell| wide(cell)).max();
                widest.unwrap_or(0).max(wide(head))
            })
            .collect();
        let row = |cells: &mut dyn Iterator<Item = &str>| {
            let mut out = String::new();
            for (cell, width) in cells.zip(&widths) {
                out.push_str(cell);
                out.extend(std::iter::repeat_n(
                    ' ',
                    2 + width.saturating_sub(wide(cell)),
                ));
            }
            out.trim_end().to_owned()
        };
        let terminal = std::io::stdout().is_terminal();
        line(&self.paint("1", &row(&mut heads.iter().copied()), terminal));
        for cells in &rows {
            line(&row(&mut cells.iter().map(String::as_str)));
        }
    }

    fn paint(self, code: &str, text: &str, terminal: bool) -> String {
        let colored = match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                terminal && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty())
            }
        };
        if colored {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Names and their values, one a line; a value of several lines stands under itself.
pub fn facts(facts: &[(&str, String)]) {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in facts {
        let mut lines = value.lines();
        let first = plain(lines.next().unwrap_or_default());
        line(format!("{name:width$}  {first}").trim_end());
        for more in lines {
            line(&format!("{:width$}  {}", "", plain(more)));
        }
    }
}

/// Text of others (names, a mail server's words) without what could command a terminal or turn
/// the reading direction.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            c if c.is_control() => '\u{fffd}',
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                '\u{fffd}'
            }
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_command_a_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
        assert_eq!(plain("a\u{202e}b\n"), "a\u{fffd}b\u{fffd}");
        assert_eq!(plain("Тэмүүлэн 🐎"), "Тэмүүлэн 🐎");
    }
}
