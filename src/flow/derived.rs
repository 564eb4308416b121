//! Secrets that are derived, never stored: mailed codes and links, ways back in, the security
//! check's seed. Each comes from a key and the row's id.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::keys::{Master, Purpose};

/// The six digits that prove `address` for a draft or a change; `number` counts its codes.
pub fn mail_code(master: &Master, draft_id: &str, address: &str, number: u32) -> String {
    let mac = master.mac(
        Purpose::MailCode,
        &[
            draft_id.as_bytes(),
            address.as_bytes(),
            &number.to_be_bytes(),
        ],
    );
    let mut first = [0; 8];
    first.copy_from_slice(&mac[..8]);
    format!("{:06}", u64::from_be_bytes(first) % 1_000_000)
}

/// Whether a typed code is right.
pub fn is_mail_code(
    master: &Master,
    draft_id: &str,
    address: &str,
    number: u32,
    typed: &str,
) -> bool {
    same(
        mail_code(master, draft_id, address, number).as_bytes(),
        typed.as_bytes(),
    )
}

/// What a mailed link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// `/e/{…}`: proves a draft's address.
    Address,
    /// `/signup/let-in/{…}`: the operator let the draft in.
    LetIn,
    /// `/reset/{…}`: a way back in.
    Reset,
}

impl Link {
    const fn purpose(self) -> (Purpose, &'static [u8]) {
        match self {
            Self::Address => (Purpose::MailLink, b"address"),
            Self::LetIn => (Purpose::MailLink, b"let in"),
            Self::Reset => (Purpose::Reset, b"reset"),
        }
    }

    /// The secret part of a link: the row's id, a number, and 128 bits that only we can make.
    pub fn make(self, master: &Master, id: &str, number: u32) -> String {
        let (purpose, label) = self.purpose();
        let mac = master.mac(purpose, &[label, id.as_bytes(), &number.to_be_bytes()]);
        format!("{id}.{number}.{}", URL_SAFE_NO_PAD.encode(&mac[..16]))
    }

    /// The row's id and number behind a link of ours.
    pub fn read(self, master: &Master, text: &str) -> Option<(String, u32)> {
        let mut parts = text.trim().splitn(3, '.');
        let (id, number) = (parts.next()?, parts.next()?.parse().ok()?);
        let right = self.make(master, id, number);
        same(right.as_bytes(), text.trim().as_bytes()).then(|| (id.to_owned(), number))
    }
}

/// The seed of a draft's `number`th picture, sound or question.
pub fn check_seed(master: &Master, draft_id: &str, number: u32) -> [u8; 32] {
    master.mac(
        Purpose::Check,
        &[draft_id.as_bytes(), &number.to_be_bytes()],
    )
}

/// What a page hashes for the proof of work in place of a draft's `number`th picture. It tells
/// nothing of the picture's seed.
pub fn work_challenge(master: &Master, draft_id: &str, number: u32) -> String {
    master.mac_text(
        Purpose::Check,
        &[b"work", draft_id.as_bytes(), &number.to_be_bytes()],
    )
}

fn same(one: &[u8], other: &[u8]) -> bool {
    verify_slices_are_equal(one, other).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_only_what_it_was_made_for() {
        let master = Master::new(&[5; 32]);
        let text = Link::Address.make(&master, "abc", 2);
        assert_eq!(Link::Address.read(&master, &text), Some(("abc".into(), 2)));
        assert_eq!(Link::LetIn.read(&master, &text), None);
        assert_eq!(Link::Reset.read(&master, &text), None);
        assert_eq!(Link::Address.read(&Master::new(&[6; 32]), &text), None);
        for bad in [
            "",
            ".",
            "..",
            "abc.2",
            "abc.3.x",
            &text[1..],
            &format!("{text}A"),
        ] {
            assert_eq!(Link::Address.read(&master, bad), None, "{bad}");
        }
    }

    #[test]
    fn each_code_has_six_digits_and_its_own_draft() {
        let master = Master::new(&[5; 32]);
        let code = mail_code(&master, "abc", "b@x.example", 1);
        assert_eq!(code.len(), 6);
        let is = |key: &str, number| is_mail_code(&master, "abc", key, number, &code);
        assert!(is("b@x.example", 1));
        assert!(!is("c@x.example", 1), "a code is its address's own");
        assert!((2..200).filter(|number| is("b@x.example", *number)).count() < 3);
    }
}
