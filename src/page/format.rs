//! The functions and filters that templates may use.

use std::collections::HashMap;
use std::fmt::Write as _;

use minijinja::value::{Kwargs, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, escape_formatter};

use super::asset::Source;
use super::text::{Arg, Catalogue};
use crate::clock::Time;

/// Adds them, bound to one language.
pub(super) fn add(
    environment: &mut Environment<'static>,
    source: &Source,
    catalogue: &Catalogue,
    lang: &str,
) {
    let (texts, code) = (catalogue.clone(), lang.to_owned());
    let text = move |id: &str, args: &[Arg]| {
        texts
            .text(&code, id, args)
            .map_err(|cause| Error::new(ErrorKind::InvalidOperation, cause))
    };

    // t("id", name=…): plain words, escaped where the template escapes.
    let plain = text.clone();
    environment.add_function("t", move |id: &str, args: Kwargs| {
        if id.ends_with("-html") {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                format!("{id} is for html()"),
            ));
        }
        plain(id, &arguments(&args, false)?)
    });

    // html("id-html", name=…): words with marks of their own around escaped arguments.
    let marked = text.clone();
    environment.add_function("html", move |id: &str, args: Kwargs| {
        if !id.ends_with("-html") {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                format!("{id} is for t()"),
            ));
        }
        marked(id, &arguments(&args, true)?).map(Value::from_safe_string)
    });

    // hello(name): how a mail begins.
    let greeting = text.clone();
    environment.add_function("hello", move |name: &str| {
        if greetable(name) {
            greeting("mail-hello", &[("name".to_owned(), name.to_owned())])
        } else {
            greeting("mail-hello-plain", &[])
        }
    });

    // date(at), moment(at): UTC, in the language's order.
    let words = text.clone();
    environment.add_function("date", move |at: i64| date(&words, at, "date"));
    environment.add_function("moment", move |at: i64| date(&text, at, "moment"));

    // The same instant for machines: <time datetime>.
    environment.add_filter("rfc3339", |at: i64| Time::from_millis(at).rfc3339());

    // asset("gerege.css"): its path with the content's digest, so that it may be kept for long.
    let versions: HashMap<String, String> = super::asset::static_names()
        .filter_map(|name| {
            let tag = source.asset(&name)?.etag;
            Some((name, tag.trim_matches('"').chars().take(10).collect()))
        })
        .collect();
    environment.add_function("asset", move |name: &str| match versions.get(name) {
        Some(version) => Ok(format!("/static/{name}?v={version}")),
        None => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("no static file {name}"),
        )),
    });

    environment.add_filter("initial", |name: &str| initial(name));
    environment.add_filter("hue", |name: &str| hue(name));
    environment.add_filter("links", |text: &str| Value::from_safe_string(links(text)));
}

/// Writes a value: escaped in HTML, where `/` may stay as it is, since every attribute is quoted.
pub(super) fn write(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    match value.as_str() {
        Some(text) if matches!(state.auto_escape(), AutoEscape::Html) && !value.is_safe() => {
            out.write_str(&escaped(text)).map_err(Error::from)
        }
        _ => escape_formatter(out, state, value),
    }
}

fn arguments(args: &Kwargs, escape: bool) -> Result<Vec<Arg>, Error> {
    let mut list = Vec::new();
    for name in args.args() {
        let value: Value = args.get(name)?;
        if value.is_none() || value.is_undefined() {
            let cause = format!("argument {name} has no value");
            return Err(Error::new(ErrorKind::UndefinedError, cause));
        }
        let text = value.to_string();
        let text = if escape && !value.is_safe() {
            escaped(&text)
        } else {
            text
        };
        list.push((name.to_owned(), text));
    }
    Ok(list)
}

fn date(
    text: &impl Fn(&str, &[Arg]) -> Result<String, Error>,
    at: i64,
    id: &str,
) -> Result<String, Error> {
    let (year, month, day, hour, minute) = Time::from_millis(at).civil();
    let arg = |name: &str, value: String| (name.to_owned(), value);
    text(
        id,
        &[
            arg("day", day.to_string()),
            arg("month", text(&format!("month-{month}"), &[])?),
            arg("year", year.to_string()),
            arg("time", format!("{hour:02}:{minute:02}")),
        ],
    )
}

/// Whether a mail may begin with this name. Sign-up writes to addresses that nobody has proved yet:
/// a name that mail programs would turn into a link, or a long one, would carry anyone's message.
fn greetable(name: &str) -> bool {
    let letters: Vec<char> = name.chars().collect();
    let dotted = letters.windows(3).any(|three| {
        matches!(three, [a, '.' | '。' | '．', b] if a.is_alphanumeric() && b.is_alphanumeric())
    });
    (1..=60).contains(&letters.len()) && !dotted && !name.contains(['/', ':', '@', '\\'])
}

/// The letter on a person's or an app's plate.
fn initial(name: &str) -> String {
    name.chars()
        .find(|c| c.is_alphanumeric())
        .map(|c| c.to_uppercase().collect())
        .unwrap_or_else(|| "·".into())
}

/// One of eight colours, always the same for the same name.
fn hue(name: &str) -> u32 {
    name.chars()
        .fold(5381_u32, |sum, c| sum.wrapping_mul(33) ^ u32::from(c))
        % 8
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Escaped text in which http and https addresses are links: for the mailbox of dev mode.
fn links(text: &str) -> String {
    let mut out = String::new();
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let space = escaped(piece.get(word.len()..).unwrap_or_default());
        let safe = escaped(word);
        if word.starts_with("http://") || word.starts_with("https://") {
            let _ = write!(out, "<a href=\"{safe}\">{safe}</a>{space}");
        } else {
            out.push_str(&safe);
            out.push_str(&space);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_made_of_web_addresses_only() {
        let cases = [
            ("a <b> c", "a &lt;b&gt; c"),
            (
                "see\nhttp://localhost:8777/e/1?a=1&b=2\nend",
                "see\n<a href=\"http://localhost:8777/e/1?a=1&amp;b=2\">http://localhost:8777/e/1?a=1&amp;b=2</a>\nend",
            ),
            ("javascript:alert(1)", "javascript:alert(1)"),
            (
                "https://x/\"onclick=",
                "<a href=\"https://x/&quot;onclick=\">https://x/&quot;onclick=</a>",
            ),
        ];
        for (text, html) in cases {
            assert_eq!(links(text), html);
        }
    }

    #[test]
    fn a_plate_bears_a_capital_letter() {
        for (name, letter) in [
            ("steppe", "S"),
            ("«Тэмүүлэн»", "Т"),
            ("ßa", "SS"),
            ("🐎", "·"),
        ] {
            assert_eq!(initial(name), letter);
        }
    }

    #[test]
    fn a_mail_greets_names_and_not_links() {
        for name in [
            "Тэмүүлэн Бат",
            "J. R. Tolkien",
            "Anne-Marie",
            "李",
            "Dr. Who",
        ] {
            assert!(greetable(name), "{name}");
        }
        let long = "a".repeat(61);
        for name in ["", "win at bad.example", "http://x", "me@x", "a//b", &long] {
            assert!(!greetable(name), "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_typed_becomes_markup(text in ".*") {
            let out = links(&text).replace("<a href=\"", "").replace("</a>", "").replace("\">", "");
            proptest::prop_assert!(!out.contains(['<', '>', '"']));
        }
    }
}
