//! Where an address that was asked for differs from one on file, for those who have to mend it.

use super::error::quote;
use super::redirect::{ANY_PORT, split};

/// The part of an address in which two differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // each is the word of the same name
pub enum Part {
    Scheme,
    Host,
    Port,
    Path,
    TrailingSlash,
    Query,
    Fragment,
    Case,
    Space,
}

impl Part {
    /// The word for logs and the error page.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scheme => "scheme",
            Self::Host => "host",
            Self::Port => "port",
            Self::Path => "path",
            Self::TrailingSlash => "trailing-slash",
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::Case => "case",
            Self::Space => "space",
        }
    }
}

/// The first difference between an address that was asked for and one on file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// How many characters of the one that was asked for stand before it.
    pub index: usize,
    /// How many of the one on file do: others where a port, which may vary, was passed over.
    pub on_file: usize,
    /// What kind of difference it is.
    pub part: Part,
}

/// Where `asked` first differs from `on_file`; `None` when they are equal.
pub fn difference(asked: &str, on_file: &str) -> Option<Difference> {
    // RFC 8252 7.3: another port on loopback is no difference, unless it is the only one.
    if let (Some((one, cut)), Some((other, cut_on_file))) =
        (without_port(asked), without_port(on_file))
        && let Some(found) = first_difference(&one, &other)
        && split(asked).host == split(on_file).host
    {
        return Some(Difference {
            index: found.index + cut,
            on_file: found.on_file + cut_on_file,
            part: found.part,
        });
    }
    first_difference(asked, on_file)
}

/// An address on loopback as it stands without its port, and how many characters that left out.
fn without_port(text: &str) -> Option<(String, usize)> {
    let parts = split(text);
    let plain = parts.authority?.starts_with(parts.host);
    let port = parts
        .port
        .map_or_else(String::new, |port| format!(":{port}"));
    let place = format!("{}{port}", parts.host);
    (parts.scheme == Some("http") && ANY_PORT.contains(&parts.host) && plain).then(|| {
        let bare = text.replacen(&place, parts.host, 1);
        (bare, port.chars().count())
    })
}

/// What to put on file so that `asked` is answered to: on loopback without a port, since one that
/// is registered there stands for all.
pub fn worth_registering(asked: &str) -> String {
    without_port(asked).map_or_else(|| asked.to_owned(), |(bare, _)| bare)
}

/// The command that puts on file what `asked` needs.
pub fn registering(client_id: &str, asked: &str) -> String {
    format!(
        "gerege client edit {} --add-redirect {}",
        quote(client_id),
        quote(&worth_registering(asked))
    )
}

/// The address on file that agrees longest with `asked`, by its place, and where they part.
pub fn nearest(asked: &str, on_file: &[String]) -> Option<(usize, Difference)> {
    let differences = on_file.iter().enumerate();
    differences
        .filter_map(|(place, known)| Some((place, difference(asked, known)?)))
        .max_by_key(|(place, found)| (found.index, std::cmp::Reverse(*place)))
}

fn first_difference(asked: &str, on_file: &str) -> Option<Difference> {
    if asked == on_file {
        return None;
    }
    let index = asked
        .chars()
        .zip(on_file.chars())
        .take_while(|(one, other)| one == other)
        .count();
    let (one, other) = (split(asked), split(on_file));
    let part = if asked.trim() == on_file.trim() {
        Part::Space
    } else if asked.eq_ignore_ascii_case(on_file) {
        Part::Case
    } else if asked.strip_suffix('/') == Some(on_file) || on_file.strip_suffix('/') == Some(asked) {
        Part::TrailingSlash
    } else if one.scheme != other.scheme {
        Part::Scheme
    } else if one.host != other.host {
        Part::Host
    } else if one.port != other.port {
        Part::Port
    } else if one.path.strip_suffix('/') == Some(other.path)
        || other.path.strip_suffix('/') == Some(one.path)
    {
        Part::TrailingSlash
    } else if one.path != other.path {
        Part::Path
    } else if one.query != other.query {
        Part::Query
    } else if one.fragment != other.fragment {
        Part::Fragment
    } else {
        Part::Host // a user name before the host
    };
    Some(Difference {
        index,
        on_file: index,
        part,
    })
}
