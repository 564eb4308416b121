//! An agreement as a file: a few lines of front matter between `---`, then Markdown.

use super::{Time, Version, sha256};

/// The most lines of a summary.
const SUMMARY: usize = 3;
/// The longest file, in bytes.
const MOST: usize = 1 << 20;

/// An agreement as read from a file, before it is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Which agreement: `a-z 0-9 -`, from the name of the file.
    pub document: String,
    /// The heading.
    pub title: String,
    /// Such as `en`.
    pub language: String,
    /// Midnight (UTC) of the day from which it counts; `None`: at once.
    pub in_force_at: Option<Time>,
    /// Up to three lines in plain words.
    pub summary: Vec<String>,
    /// What changed since the version before.
    pub changes: Vec<String>,
    /// For how many days "later" is an answer.
    pub grace_days: u32,
    /// A person may do without it.
    pub optional: bool,
    /// Markdown, with `\n` as line end and one at its end.
    pub text: String,
}

/// Why a file is no agreement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Mistake {
    /// Counted from 1.
    pub line: usize,
    /// In plain words.
    pub what: String,
}

fn mistake<T>(line: usize, what: impl Into<String>) -> Result<T, Mistake> {
    let what = what.into();
    Err(Mistake { line, what })
}

/// Reads an agreement.
///
/// ```text
/// ---
/// title: Terms of use
/// language: en
/// in_force: 2026-11-22
/// summary: Be kind.
/// summary: We keep your address to ourselves.
/// changes: The second line is new.
/// grace_days: 30
/// optional: false
/// ---
/// # Terms of use
/// …
/// ```
///
/// `title` and `language` are needed; `summary` (up to three) and `changes` may be repeated.
///
/// # Errors
/// The first mistake with its line.
pub fn parse(document: &str, file: &str) -> Result<Draft, Mistake> {
    let named = !document.is_empty()
        && document.len() <= 64
        && document
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if !named {
        return mistake(1, "an agreement is named with a to z, 0 to 9 and hyphens");
    }
    if file.len() > MOST {
        return mistake(1, "the file is longer than 1 MiB");
    }
    let file = file.strip_prefix('\u{feff}').unwrap_or(file);
    if let Some(line) = file
        .lines()
        .position(|line| line.chars().any(|c| c.is_control() && c != '\t'))
    {
        return mistake(line + 1, "a control character; remove it");
    }
    let mut lines = file.lines().enumerate();
    if lines.next().map(|(_, line)| line.trim_end()) != Some("---") {
        return mistake(1, "the file begins with a line ---");
    }
    let mut draft = Draft {
        document: document.to_owned(),
        title: String::new(),
        language: String::new(),
        in_force_at: None,
        summary: Vec::new(),
        changes: Vec::new(),
        grace_days: 0,
        optional: false,
        text: String::new(),
    };
    let mut seen: Vec<&str> = Vec::new();
    let end = loop {
        let Some((at, line)) = lines.next() else {
            return mistake(file.lines().count(), "a second line --- is missing");
        };
        if line.trim_end() == "---" {
            break at + 1;
        }
        if line.trim().is_empty() {
            continue;
        }
        let Some((key, value)) = line.split_once(':') else {
            return mistake(at + 1, "a line here is `key: value`");
        };
        let (key, value) = (key.trim(), value.trim());
        if !matches!(key, "summary" | "changes") {
            if seen.contains(&key) {
                return mistake(at + 1, format!("`{key}` is here twice"));
            }
            seen.push(key);
        }
        draft.set(key, value, at + 1)?;
    };
    if draft.title.is_empty() {
        return mistake(end, "`title` is missing");
    }
    if draft.language.is_empty() {
        return mistake(end, "`language` is missing");
    }
    let text: Vec<&str> = lines.map(|(_, line)| line).collect();
    let text = text.join("\n");
    let text = text.trim_start_matches('\n').trim_end();
    if text.trim().is_empty() {
        return mistake(end, "there is no text after the second line ---");
    }
    draft.text = format!("{text}\n");
    Ok(draft)
}

impl Draft {
    fn set(&mut self, key: &str, value: &str, line: usize) -> Result<(), Mistake> {
        if value.is_empty() {
            return mistake(line, format!("`{key}` is empty"));
        }
        match key {
            "title" => self.title = value.to_owned(),
            "language" => {
                // RFC 5646 2.1, as far as letters, digits and hyphens go
                let tag = value.len() <= 35
                    && value.starts_with(|first: char| first.is_ascii_alphabetic())
                    && value
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
                if !tag {
                    return mistake(line, "`language` is a tag such as en or pt-BR");
                }
                self.language = value.to_owned();
            }
            "in_force" => match Time::from_date(value) {
                Some(at) if at.millis() >= 0 => self.in_force_at = Some(at),
                _ => return mistake(line, "`in_force` is a date such as 2026-11-22"),
            },
            "summary" if self.summary.len() == SUMMARY => {
                return mistake(line, "`summary` has at most three lines");
            }
            "summary" => self.summary.push(value.to_owned()),
            "changes" => self.changes.push(value.to_owned()),
            "grace_days" => match value.parse() {
                Ok(days) if days <= 365 => self.grace_days = days,
                _ => return mistake(line, "`grace_days` is a number from 0 to 365"),
            },
            "optional" => match value {
                "true" => self.optional = true,
                "false" => self.optional = false,
                _ => return mistake(line, "`optional` is true or false"),
            },
            _ => {
                return mistake(
                    line,
                    format!(
                        "`{key}` is no key; there are title, language, in_force, summary, \
                         changes, grace_days and optional"
                    ),
                );
            }
        }
        Ok(())
    }

    /// The canonical file: what is hashed, and what a person can save.
    pub fn render(&self) -> String {
        let mut out = format!("---\ntitle: {}\nlanguage: {}\n", self.title, self.language);
        if let Some(at) = self.in_force_at {
            let (year, month, day, ..) = at.civil();
            out.push_str(&format!("in_force: {year:04}-{month:02}-{day:02}\n"));
        }
        for line in &self.summary {
            out.push_str(&format!("summary: {line}\n"));
        }
        for line in &self.changes {
            out.push_str(&format!("changes: {line}\n"));
        }
        out.push_str(&format!(
            "grace_days: {}\noptional: {}\n---\n{}",
            self.grace_days, self.optional, self.text
        ));
        out
    }

    /// SHA-256 of the canonical file, in hex.
    pub fn sha256(&self) -> String {
        sha256(&self.render())
    }

    /// Publishes it as version `version`. Without a date it counts at once.
    pub fn publish(self, version: i64, now: Time) -> Version {
        Version {
            sha256: self.sha256(),
            document: self.document,
            version,
            language: self.language,
            title: self.title,
            text: self.text,
            summary: self.summary,
            changes: self.changes,
            in_force_at: self.in_force_at.unwrap_or(now),
            grace_days: self.grace_days,
            optional: self.optional,
            published_at: now,
        }
    }
}
