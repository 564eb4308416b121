//! What is handed out as opaque text, and comes back: codes, refresh tokens, mailed links.

use std::sync::LazyLock;

use gerege::flow::derived::{Link, is_mail_code, mail_code};
use gerege::flow::opaque::{Kind, Refresh};
use gerege::keys::{Master, Purpose};
use gerege::rng::{Rng, Secret};

use super::text;
use crate::Depth;

pub const WORDS: &[&str] = &[
    "{code}",
    "{refresh}",
    "{address}",
    "{let_in}",
    "{reset}",
    "{sealed}",
    "{mailed}",
    "gc_",
    "gr_",
    "ga_",
    ".",
    "1",
    "0",
    "A",
    "=",
    "-",
    "_",
    "+1",
    "01",
];

static MASTER: LazyLock<Master> = LazyLock::new(|| Master::new(&[9; 32]));

const LINKS: [(&str, Link); 3] = [
    ("{address}", Link::Address),
    ("{let_in}", Link::LetIn),
    ("{reset}", Link::Reset),
];
const ID: &str = "abcdefghijklmnopqrstuvwxyz";
const ADDRESS: &str = "temuulen@mail.example";

/// A text that claims to be ours; names in braces stand for what was really handed out.
pub fn opaque(input: &[u8]) -> Depth {
    let text = text!(input);
    let secret = Secret::derived([7; 32]);
    let refresh = Refresh::first(&MASTER, &secret, ID).successor(&MASTER);
    let handed = [
        ("{code}", Kind::Code.dress(&MASTER, &secret)),
        ("{refresh}", refresh.reveal().to_owned()),
        ("{mailed}", mail_code(&MASTER, ID, ADDRESS, 1)),
    ];
    let links = LINKS.map(|(name, link)| (name, link.make(&MASTER, ID, 1)));
    let mut asked = text.to_owned();
    for (name, value) in handed.iter().chain(&links) {
        asked = asked.replace(name, value);
    }
    let mut depth = Depth::Judged;
    for (kind, (_, real)) in [(Kind::Code, &handed[0]), (Kind::Refresh, &handed[1])] {
        if kind.is_ours(&MASTER, &asked) {
            assert_eq!(&asked, real, "nobody handed it out");
            depth = Depth::Accepted;
        }
    }
    if let Some(read) = Refresh::read(&MASTER, &asked) {
        assert!(read == refresh, "nobody handed it out");
    }
    for ((_, link), (_, real)) in LINKS.into_iter().zip(&links) {
        if let Some(read) = link.read(&MASTER, &asked) {
            assert_eq!(asked.trim(), real, "nobody mailed it");
            assert_eq!(read, (ID.to_owned(), 1));
            depth = Depth::Accepted;
        }
    }
    if is_mail_code(&MASTER, ID, ADDRESS, 1, &asked) {
        assert_eq!(asked, handed[2].1);
        depth = Depth::Accepted;
    }
    // Sealed and cut: opened only whole, and only for what it was sealed for.
    let mut sealed = MASTER
        .seal(Purpose::Opaque, b"access", input, &Rng::seeded(1))
        .unwrap();
    let opened = MASTER.open(Purpose::Opaque, b"access", &sealed).unwrap();
    assert_eq!(opened.as_slice(), input);
    assert!(MASTER.open(Purpose::Opaque, b"other", &sealed).is_err());
    let at = input.iter().map(|byte| usize::from(*byte)).sum::<usize>() % sealed.len();
    sealed[at] ^= 1;
    assert!(MASTER.open(Purpose::Opaque, b"access", &sealed).is_err());
    depth
}
