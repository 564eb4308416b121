//! A letter and how it is written down as a message (RFC 5322, RFC 2046 5.1.4). Nothing that a
//! person typed can add a header.

use std::time::{Duration, UNIX_EPOCH};

use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};

use super::Failure;
use crate::clock::Time;
use crate::rng;

/// One letter to one person, words ready.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// The address; its domain in ASCII or as it is typed.
    pub to: String,
    /// The person's name, when it is known.
    pub to_name: Option<String>,
    /// The sender: `no-reply@steppe.example` or `Steppe ID <no-reply@steppe.example>`.
    pub from: String,
    /// Where answers go, in the same form.
    pub reply_to: Option<String>,
    /// One line.
    pub subject: String,
    /// The words without marks.
    pub text: String,
    /// The same words as HTML.
    pub html: String,
    /// `id@domain`, on the server's own domain: the same at each try, so that a letter that
    /// was taken twice can be told (RFC 5322 3.6.4).
    pub message_id: String,
    /// When it was written.
    pub date: Time,
}

/// A letter in the form in which it travels.
pub(super) struct Written {
    pub(super) envelope: Envelope,
    pub(super) bytes: Vec<u8>,
}

/// The address of a sender.
pub(super) fn sender(from: &str) -> Result<Address, Failure> {
    let from = mailbox(from).ok_or(malformed("from"))?;
    Ok(from.email)
}

impl Letter {
    /// The part of the Message-ID before `@`.
    pub(super) fn id(&self) -> &str {
        self.message_id.split('@').next().unwrap_or_default()
    }

    pub(super) fn write(&self) -> Result<Written, Failure> {
        let to = match &self.to_name {
            Some(name) if !name.trim().is_empty() => Some(one_line(name, "to_name")?.to_owned()),
            _ => None,
        };
        let to = Mailbox::new(to, address(&self.to).ok_or(malformed("to"))?);
        let from = mailbox(&self.from).ok_or(malformed("from"))?;
        let envelope = Envelope::new(Some(from.email.clone()), vec![to.email.clone()])
            .map_err(|_| malformed("to"))?;
        if !is_message_id(&self.message_id) {
            return Err(malformed("message_id"));
        }
        let since_1970 = u64::try_from(self.date.millis()).map_err(|_| malformed("date"))?;
        let date = UNIX_EPOCH
            .checked_add(Duration::from_millis(since_1970))
            .filter(|_| since_1970 < MOST_MILLIS)
            .ok_or(malformed("date"))?;
        let mut message = Message::builder()
            .from(from)
            .to(to)
            .subject(one_line(&self.subject, "subject")?)
            .date(date)
            .message_id(Some(format!("<{}>", self.message_id)));
        if let Some(reply_to) = &self.reply_to {
            message = message.reply_to(mailbox(reply_to).ok_or(malformed("reply_to"))?);
        }
        // Derived, so that the same letter is the same bytes at each try.
        let boundary = rng::digest(&self.message_id);
        let mut message = message
            .multipart(
                MultiPart::alternative()
                    .boundary(boundary)
                    .singlepart(SinglePart::plain(self.text.clone()))
                    .singlepart(SinglePart::html(self.html.clone())),
            )
            .map_err(|_| malformed("envelope"))?;
        // RFC 3834 5: nobody's holiday notice shall answer this.
        message.headers_mut().insert_raw(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
        Ok(Written {
            envelope,
            bytes: message.formatted(),
        })
    }
}

/// The last instant that a mail date can name: the end of the year 9999.
const MOST_MILLIS: u64 = 253_402_300_800_000;

fn malformed(field: &'static str) -> Failure {
    Failure::Malformed { field }
}

/// Refuses what could begin another header, or end them (RFC 5322 2.2).
fn one_line<'a>(text: &'a str, field: &'static str) -> Result<&'a str, Failure> {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if text.contains(breaks) {
        return Err(malformed(field));
    }
    Ok(text)
}

/// An address with its domain in ASCII (RFC 5891 4.4).
fn address(text: &str) -> Option<Address> {
    one_line(text, "address").ok()?;
    let (local, domain) = text.rsplit_once('@')?;
    let domain = if domain.is_ascii() {
        domain.to_owned()
    } else {
        idna::domain_to_ascii_strict(domain).ok()?
    };
    Address::new(local, domain).ok()
}

fn mailbox(text: &str) -> Option<Mailbox> {
    one_line(text, "mailbox").ok()?;
    match text.rsplit_once('<') {
        None => Some(Mailbox::new(None, address(text.trim())?)),
        Some((name, rest)) => {
            let name = name.trim();
            let quoted = name.strip_prefix('"').and_then(|n| n.strip_suffix('"'));
            let name = quoted.unwrap_or(name);
            let name = (!name.is_empty()).then(|| name.to_owned());
            let email = address(rest.trim_end().strip_suffix('>')?.trim())?;
            Some(Mailbox::new(name, email))
        }
    }
}

/// RFC 5322 3.6.4, dot-atoms only.
fn is_message_id(text: &str) -> bool {
    let part = |part: &str| {
        let legal = |c: char| c.is_ascii_alphanumeric() || "-_.+=".contains(c);
        !part.is_empty() && part.chars().all(legal)
    };
    text.len() <= 250
        && text
            .split_once('@')
            .is_some_and(|(id, domain)| part(id) && part(domain))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in crate::mail) fn letter() -> Letter {
        Letter {
            to: "temuulen.bat@mail.example".into(),
            to_name: Some("Тэмүүлэн Бат".into()),
            from: "Steppe ID <no-reply@steppe.example>".into(),
            reply_to: Some("people@steppe.example".into()),
            subject: "482 913 is your Steppe ID code".into(),
            text: "Сайн байна уу\n\n482 913\n".into(),
            html: "<p>Сайн байна уу</p><p>482 913</p>".into(),
            message_id: "abc234@steppe.example".into(),
            date: Time::from_millis(1_795_372_862_123),
        }
    }

    fn written(letter: &Letter) -> String {
        let written = letter.write().ok().unwrap();
        String::from_utf8(written.bytes).unwrap()
    }

    fn headers(message: &str) -> Vec<(String, String)> {
        let (head, _) = message.split_once("\r\n\r\n").unwrap();
        let head = head.replace("\r\n ", " ");
        head.split("\r\n")
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    #[test]
    fn a_letter_has_the_headers_of_a_machine_and_two_forms_of_the_words() {
        let message = written(&letter());
        let headers = headers(&message);
        let value = |name: &str| {
            let mut all = headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
            let (_, value) = all.next().unwrap_or_else(|| panic!("no {name}"));
            assert!(all.next().is_none(), "{name} twice");
            value.as_str()
        };
        assert_eq!(value("Auto-Submitted"), "auto-generated");
        assert_eq!(value("Message-ID"), "<abc234@steppe.example>");
        assert_eq!(value("Reply-To"), "people@steppe.example");
        assert_eq!(value("Subject"), "482 913 is your Steppe ID code");
        assert_eq!(value("Date"), "Sun, 22 Nov 2026 18:41:02 +0000");
        assert!(value("From").contains("<no-reply@steppe.example>"));
        assert!(value("To").ends_with("<temuulen.bat@mail.example>"));
        assert!(value("Content-Type").starts_with("multipart/alternative"));
        let plain = message.find("text/plain").unwrap();
        assert!(plain < message.find("text/html").unwrap(), "best form last");
        assert!(message.is_ascii());
        assert!(message.lines().all(|line| line.len() <= 998)); // RFC 5322 2.1.1
    }

    #[test]
    fn the_same_letter_is_the_same_bytes() {
        assert_eq!(written(&letter()), written(&letter()));
    }

    #[test]
    fn a_line_break_in_a_header_is_refused() {
        type Change = fn(&mut Letter, &str);
        let changes: [(&str, Change); 6] = [
            ("to", |l, x| l.to.push_str(x)),
            ("to_name", |l, x| l.to_name = Some(format!("Bat{x}"))),
            ("from", |l, x| l.from.insert_str(3, x)),
            ("reply_to", |l, x| {
                l.reply_to = Some(format!("{x}a@b.example"))
            }),
            ("subject", |l, x| l.subject.push_str(x)),
            ("message_id", |l, x| l.message_id.push_str(x)),
        ];
        for (field, change) in changes {
            for bad in [
                "\r\nBcc: x@y.example",
                "\n",
                "\r",
                "\0",
                "\u{2028}",
                "\u{85}",
            ] {
                let mut letter = letter();
                change(&mut letter, bad);
                let failure = letter.write().err();
                assert_eq!(failure, Some(Failure::Malformed { field }), "{bad:?}");
            }
        }
    }

    #[test]
    fn a_domain_travels_in_ascii() {
        let mut letter = letter();
        letter.to = "bat@тал.example".into();
        let written = letter.write().ok().unwrap();
        assert_eq!(
            written.envelope.to()[0].to_string(),
            "bat@xn--80awt.example"
        );
    }

    #[test]
    fn addresses_that_are_several_or_none_are_refused() {
        for to in [
            "",
            "bat",
            "@mail.example",
            "bat@",
            "a@b.example, c@d.example",
            "a@b@c d",
        ] {
            let mut letter = letter();
            letter.to = to.into();
            assert!(letter.write().is_err(), "{to}");
        }
        for from in ["Steppe <", "Steppe <>", "Steppe <a@b.example", "Steppe"] {
            let mut letter = letter();
            letter.from = from.into();
            assert!(letter.write().is_err(), "{from}");
        }
    }

    proptest! {
        #[test]
        fn no_name_and_no_subject_adds_a_header(name: String, subject: String, to: String) {
            let mut letter = letter();
            let count = headers(&written(&letter)).len();
            letter.to_name = Some(format!("x{name}"));
            letter.subject = subject;
            if let Ok(message) = letter.write() {
                let message = String::from_utf8(message.bytes).unwrap();
                prop_assert_eq!(headers(&message).len(), count);
                prop_assert!(message.is_ascii());
            }
            letter.to = to;
            if let Ok(message) = letter.write() {
                prop_assert_eq!(message.envelope.to().len(), 1);
            }
        }
    }
}
