//! Addresses: what is taken, how it is kept, what is refused.

use proptest::prelude::*;

use super::*;

#[test]
fn an_address_is_kept_as_written_and_found_by_its_key() {
    for (typed, shown, key, ascii) in [
        (
            "temuulen.bat@mail.example",
            "temuulen.bat@mail.example",
            "temuulen.bat@mail.example",
            "temuulen.bat@mail.example",
        ),
        (
            " Temuulen@Mail.Example\n",
            "Temuulen@Mail.Example",
            "temuulen@mail.example",
            "Temuulen@mail.example",
        ),
        (
            "a+b@sub.mail.example",
            "a+b@sub.mail.example",
            "a+b@sub.mail.example",
            "a+b@sub.mail.example",
        ),
        (
            "o'brien@mail.example",
            "o'brien@mail.example",
            "o'brien@mail.example",
            "o'brien@mail.example",
        ),
        (
            "Info@Müller.example",
            "Info@müller.example",
            "info@xn--mller-kva.example",
            "Info@xn--mller-kva.example",
        ),
        (
            "info@xn--mller-kva.example",
            "info@xn--mller-kva.example",
            "info@xn--mller-kva.example",
            "info@xn--mller-kva.example",
        ),
        (
            "bat@шуудан.мон",
            "bat@шуудан.мон",
            "bat@xn--80ah2ava2a.xn--l1acc",
            "bat@xn--80ah2ava2a.xn--l1acc",
        ),
        (
            "a@ｍａｉｌ。example",
            "a@mail.example",
            "a@mail.example",
            "a@mail.example",
        ),
        (
            "a@ma\u{ad}il.example",
            "a@mail.example",
            "a@mail.example",
            "a@mail.example",
        ),
    ] {
        let email = Email::parse(typed).unwrap();
        assert_eq!(
            (email.as_str(), email.key().as_str(), email.ascii().as_str()),
            (shown, key, ascii),
            "{typed}"
        );
    }
}

#[test]
fn what_is_no_plain_address_is_refused() {
    assert_eq!(Email::parse("  "), Err(Code::EmailEmpty));
    let long = format!("a@{}.example", "b".repeat(64));
    let local = format!("{}@mail.example", "a".repeat(65));
    let whole = format!("{}@{}example", "a".repeat(64), "bbbbbbbbb.".repeat(19));
    for typed in [
        "temuulen",
        "@mail.example",
        "temuulen@",
        "@",
        "a@b@mail.example",
        "a b@mail.example",
        "\"a b\"@mail.example",
        "\"a\"@mail.example",
        ".a@mail.example",
        "a.@mail.example",
        "a..b@mail.example",
        "a@mail",
        "a@localhost",
        "a@.mail.example",
        "a@mail.example.",
        "a@mail..example",
        "a@-mail.example",
        "a@mail_box.example",
        "a@[127.0.0.1]",
        "a@[IPv6:::1]",
        "a@127.0.0.1",
        "a@1.2",
        "a@mail.example:25",
        "a@mail.example>",
        "<a@mail.example>",
        "Temuulen <a@mail.example>",
        "a@mail.example,b@mail.example",
        "a@mail.example\r\nBcc: b@mail.example",
        "a\r\n@mail.example",
        "a@mail.example\u{0}",
        "a@mail.example b",
        "бат@mail.example",
        "a\u{200b}@mail.example",
        "a@xn--a.example",
        "mailto:a@mail.example@",
        "a%b@mail",
        &long,
        &local,
        &whole,
    ] {
        assert_eq!(Email::parse(typed), Err(Code::EmailFormat), "{typed:?}");
    }
}

#[test]
fn an_address_has_at_most_254_characters() {
    let domain = format!("{}example", "bbbbbbbbb.".repeat(18));
    let local = "a".repeat(64);
    assert_eq!(local.len() + 1 + domain.len(), 252);
    assert!(Email::parse(&format!("{local}@b.{}", &domain)).is_ok());
    assert!(Email::parse(&format!("{local}@bb.{}", &domain)).is_err());
}

#[test]
fn others_see_a_masked_address() {
    let masked = |typed| Email::parse(typed).unwrap().masked();
    assert_eq!(masked("temuulen.bat@mail.example"), "t•••@mail.example");
    assert_eq!(masked("t@müller.example"), "t•••@müller.example");
}

#[test]
fn an_operator_refuses_domains_with_what_is_under_them() {
    let check = |policy: &Policy, typed| policy.check(&Email::parse(typed).unwrap(), Some("bat"));
    let refused = |domain: &str| {
        Err(Code::EmailRefused {
            domain: domain.to_owned(),
        })
    };
    let block = Policy::new(&[], &["Trash.example", "müller.example"], "steppe.example");
    assert_eq!(check(&block, "a@trash.example"), refused("trash.example"));
    assert_eq!(
        check(&block, "a@x.TRASH.example"),
        refused("x.TRASH.example")
    );
    assert_eq!(check(&block, "a@müller.example"), refused("müller.example"));
    assert_eq!(check(&block, "a@mytrash.example"), Ok(()));
    let allow = Policy::new(&["work.example"], &["lab.work.example"], "steppe.example");
    assert_eq!(check(&allow, "a@work.example"), Ok(()));
    assert_eq!(check(&allow, "a@hr.work.example"), Ok(()));
    assert_eq!(
        check(&allow, "a@lab.work.example"),
        refused("lab.work.example")
    );
    assert_eq!(check(&allow, "a@mail.example"), refused("mail.example"));
}

#[test]
fn an_address_at_our_own_domain_is_its_owners_only() {
    // PROTOCOL.md 9
    let policy = Policy::new::<&str>(&[], &[], "Steppe.example");
    let email = Email::parse("Bat@steppe.example").unwrap();
    assert_eq!(policy.check(&email, Some("bat")), Ok(()));
    assert_eq!(
        policy.check(&email, Some("temuulen")),
        Err(Code::EmailOwnDomain {
            domain: "steppe.example".into()
        })
    );
    let below = Email::parse("bat@mail.steppe.example").unwrap();
    assert_eq!(policy.check(&below, Some("temuulen")), Ok(()));
}

#[test]
fn a_slip_is_seen_and_a_real_domain_is_not() {
    for (typed, meant) in [
        ("gmial.com", Some("gmail.com")),
        ("gmail.con", Some("gmail.com")),
        ("gmail.co", Some("gmail.com")),
        ("Gmal.com", Some("gmail.com")),
        ("gnail.com", Some("gmail.com")),
        ("hotmial.com", Some("hotmail.com")),
        ("yaho.com", Some("yahoo.com")),
        ("outlok.com", Some("outlook.com")),
        ("iclould.com", Some("icloud.com")),
        ("gmail.com", None),
        ("mail.com", None),
        ("ymail.com", None),
        ("mail.example", None),
        ("", None),
    ] {
        assert_eq!(slip(typed), meant, "{typed}");
    }
}

proptest! {
    #[test]
    fn a_parsed_address_is_its_own_parse(
        typed in ".{0,60}|[a-zA-Z0-9.+-]{1,20}@[a-zA-Z0-9.öß。-]{1,20}\\.[a-z]{2,6}"
    ) {
        if let Ok(email) = Email::parse(&typed) {
            prop_assert_eq!(&Email::parse(email.as_str()), &Ok(email.clone()));
            let key = Email::parse(&email.key()).unwrap();
            prop_assert_eq!(key.key(), email.key());
            prop_assert!(email.ascii().is_ascii());
            prop_assert!(email.ascii().len() <= MOST);
            prop_assert!(!email.as_str().chars().any(|c| c.is_control() || c.is_whitespace()));
            prop_assert!(email.domain().contains('.'));
        }
    }

    #[test]
    fn a_slip_never_fails(domain in "\\PC{0,80}") {
        let _ = slip(&domain);
    }
}
