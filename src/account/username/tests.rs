//! Usernames: the table of SECURITY R12, look-alikes, suggestions.

use proptest::prelude::*;

use super::*;

fn parse(typed: &str) -> Result<Username, Code> {
    Username::parse(typed, &Policy::default())
}

#[test]
fn forty_names_are_refused_each_for_its_reason() {
    // SECURITY R12
    let length = Code::UsernameLength { least: 2, most: 30 };
    let table: &[(&str, &Code)] = &[
        ("", &Code::UsernameEmpty),
        (" \t ", &Code::UsernameEmpty),
        ("\u{3000}", &Code::UsernameEmpty),
        ("pаypal", &Code::UsernameCharacters),   // Cyrillic а
        ("tеmuulen", &Code::UsernameCharacters), // Cyrillic е
        ("οmega", &Code::UsernameCharacters),    // Greek ο
        ("ａdmin", &Code::UsernameCharacters),   // full-width
        ("ｔｅｍｕｕｌｅｎ", &Code::UsernameCharacters), // full-width
        ("te\u{200b}muulen", &Code::UsernameCharacters), // zero-width space
        ("te\u{200d}muulen", &Code::UsernameCharacters), // joiner
        ("te\u{ad}muulen", &Code::UsernameCharacters), // soft hyphen
        ("\u{202e}neluumet", &Code::UsernameCharacters), // turned around
        ("temuulen\u{feff}", &Code::UsernameCharacters), // byte order mark
        ("temuulen\u{0}", &Code::UsernameCharacters), // NUL
        ("te\nmuulen", &Code::UsernameCharacters), // line end
        ("te muulen", &Code::UsernameCharacters), // space
        ("te\u{a0}muulen", &Code::UsernameCharacters), // no-break space
        ("temuulen@mail.example", &Code::UsernameCharacters), // an address
        ("@temuulen", &Code::UsernameCharacters), // a handle
        ("temuulen.bat", &Code::UsernameCharacters), // dot
        ("temuulen+news", &Code::UsernameCharacters), // plus
        ("te/muulen", &Code::UsernameCharacters), // an XMPP resource
        ("te:muulen", &Code::UsernameCharacters), // a Matrix id
        ("te!muulen", &Code::UsernameCharacters), // an IRC mask
        ("te'muulen", &Code::UsernameCharacters), // not in an XMPP local part
        ("<b>temuulen", &Code::UsernameCharacters), // markup
        ("тэмүүлэн", &Code::UsernameCharacters), // Cyrillic
        ("ᠲᠡᠮᠦᠯᠡᠨ", &Code::UsernameCharacters),  // Mongolian
        ("名前", &Code::UsernameCharacters),     // Han
        ("josé", &Code::UsernameCharacters),     // accent
        ("jose\u{301}", &Code::UsernameCharacters), // accent, apart
        ("\u{212a}elvin", &Code::UsernameCharacters), // Kelvin sign, lower-cases to k
        ("\u{130}brahim", &Code::UsernameCharacters), // capital dotted I
        ("te\u{2010}muulen", &Code::UsernameCharacters), // another hyphen
        ("😀temuulen", &Code::UsernameCharacters), // emoji
        ("1temuulen", &Code::UsernameStart),
        ("-temuulen", &Code::UsernameStart),
        ("_temuulen", &Code::UsernameStart),
        ("t", &length),
        ("abcdefghijklmnopqrstuvwxyz01234", &length), // 31
    ];
    assert_eq!(table.len(), 40);
    for (typed, code) in table {
        assert_eq!(&parse(typed).unwrap_err(), *code, "{typed:?}");
    }
}

#[test]
fn good_names_are_taken_in_small_letters() {
    for (typed, name) in [
        ("temuulen", "temuulen"),
        (" Temuulen ", "temuulen"),
        ("T0", "t0"),
        ("a-_-", "a-_-"),
        (
            "abcdefghijklmnopqrstuvwxyz0123",
            "abcdefghijklmnopqrstuvwxyz0123",
        ),
    ] {
        assert_eq!(parse(typed).unwrap().as_str(), name);
    }
}

#[test]
fn an_operator_may_narrow_the_length_and_not_widen_it() {
    let narrow = Policy::new::<&str>(5, 8, &[]);
    let length = Err(Code::UsernameLength { least: 5, most: 8 });
    assert_eq!(Username::parse("abcd", &narrow), length);
    assert_eq!(Username::parse("abcdefghi", &narrow), length);
    assert!(Username::parse("abcde", &narrow).is_ok());
    let wide = Policy::new::<&str>(0, 99, &[]);
    assert!(Username::parse("a", &wide).is_err());
    assert!(Username::parse(&"a".repeat(31), &wide).is_err());
}

#[test]
fn look_alikes_share_a_skeleton() {
    for (one, other) in [
        ("paypal", "paypa1"),
        ("modern", "modem"),
        ("morning", "rnorning"),
        ("bob", "b0b"),
        ("willow", "vvillow"),
        ("willow", "vvi11ovv"),
        ("a-b", "a_b"),
        ("a-b", "a--b"),
        ("a-b", "a_-_b"),
        ("bat", "bat_"),
        ("Bob", "bob"),
        ("paypal", "pаypal"), // Cyrillic а
    ] {
        assert_eq!(skeleton(one), skeleton(other), "{one} {other}");
    }
    for (one, other) in [
        ("a-b", "ab"),
        ("bat", "bet"),
        ("tim", "tin"),
        ("vera", "wera"),
    ] {
        assert_ne!(skeleton(one), skeleton(other), "{one} {other}");
    }
}

#[test]
fn reserved_words_are_known_in_disguise() {
    let policy = Policy::new(2, 30, &["Steppe-Team"]);
    for name in [
        "admin",
        "adrnin",
        "root",
        "r00t",
        "postmaster",
        "no_reply",
        "support",
        "gerege",
        "webmaster",
        "vvebrnaster",
        "mailer_daemon",
        "steppe_team",
        "abuse",
        "system",
        "he1p",
    ] {
        assert!(policy.reserves(name), "{name}");
    }
    for name in ["temuulen", "adam", "rooty", "helper", "supporter"] {
        assert!(!policy.reserves(name), "{name}");
    }
}

#[test]
fn suggestions_are_free_legal_and_always_the_same() {
    let policy = Policy::default();
    let taken = |name: &str| name == "temuulen2" || name == "temuulen3";
    assert_eq!(
        suggest("temuulen", &policy, taken),
        ["temuulen4", "temuulen5"]
    );
    assert_eq!(
        suggest("Temuulen Bat", &policy, |_| false),
        ["temuulen-bat2", "temuulen-bat3"]
    );
    assert_eq!(suggest("José", &policy, |_| false)[0], "jose2");
    assert_eq!(suggest("Тэмүүлэн", &policy, |_| false)[0], "rider2");
    let mut asked = 0;
    let crowded = suggest("bat", &policy, |_| {
        asked += 1;
        true
    });
    assert!((10..=110).contains(&asked), "{asked}");
    assert_ne!(crowded[0], crowded[1]);
}

proptest! {
    #[test]
    fn a_skeleton_is_its_own_skeleton(name in "\\PC{0,20}|[a-z0-9_-]{0,30}") {
        let once = skeleton(&name);
        prop_assert_eq!(skeleton(&once), once);
    }

    #[test]
    fn a_parsed_username_is_legal_and_its_own_parse(typed in ".{0,32}|[A-Za-z][A-Za-z0-9_-]{0,31}") {
        if let Ok(name) = parse(&typed) {
            prop_assert!(name.as_str().bytes().all(legal));
            prop_assert!((2..=30).contains(&name.as_str().len()));
            prop_assert_eq!(parse(name.as_str()), Ok(name));
        }
    }

    #[test]
    fn suggestions_can_be_taken_up(wish in "\\PC{0,40}", most in 2_usize..=30) {
        let policy = Policy::new::<&str>(2, most, &[]);
        for name in suggest(&wish, &policy, |_| false) {
            let parsed = Username::parse(&name, &policy).unwrap();
            prop_assert_eq!(parsed.as_str(), &name);
        }
    }
}
