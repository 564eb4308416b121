//! Agreements: reading a file, and what is due.

use proptest::prelude::*;

use super::*;

const FILE: &str = "---\n\
title: Terms of use\n\
language: en\n\
in_force: 2026-11-22\n\
summary: Be kind.\n\
summary: We keep your address: to ourselves.\n\
changes: The second line is new.\n\
grace_days: 30\n\
---\n\
\n\
# Terms of use\n\
\n\
---\n\
Be kind.\n\n";

fn day(date: &str) -> Time {
    Time::from_date(date).unwrap()
}

#[test]
fn a_file_is_read() {
    let draft = parse("terms", FILE).unwrap();
    assert_eq!(draft.title, "Terms of use");
    assert_eq!(draft.language, "en");
    assert_eq!(draft.in_force_at, Some(day("2026-11-22")));
    assert_eq!(draft.summary[1], "We keep your address: to ourselves.");
    assert_eq!(draft.changes, ["The second line is new."]);
    assert_eq!((draft.grace_days, draft.optional), (30, false));
    assert_eq!(draft.text, "# Terms of use\n\n---\nBe kind.\n");
}

#[test]
fn line_ends_and_empty_lines_do_not_change_the_hash() {
    let draft = parse("terms", FILE).unwrap();
    let windows = format!("\u{feff}{}", FILE.replace('\n', "\r\n"));
    assert_eq!(parse("terms", &windows).unwrap().sha256(), draft.sha256());
    let other = parse("terms", &FILE.replace("kind", "rude")).unwrap();
    assert_ne!(other.sha256(), draft.sha256());
    assert_eq!(
        sha256("abc"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-4
    );
}

#[test]
fn a_mistake_names_its_line() {
    for (file, line) in [
        ("", 1),
        ("# Terms", 1),
        ("---\ntitle: T\n", 2),
        ("---\ntitle T\n---\nx", 2),
        ("---\ntitle:\n---\nx", 2),
        ("---\nlanguage: en\n---\nx", 3),
        ("---\ntitle: T\n---\nx", 3),
        ("---\ntitle: T\ntitle: U\n---\nx", 3),
        ("---\ntitle: T\nlanguage: e n\n---\nx", 3),
        ("---\ntitle: T\nin_force: tomorrow\n---\nx", 3),
        ("---\ntitle: T\nin_force: 2026-02-30\n---\nx", 3),
        ("---\ngrace_days: -1\n---\nx", 2),
        ("---\ngrace_days: 366\n---\nx", 2),
        ("---\noptional: yes\n---\nx", 2),
        ("---\nauthor: me\n---\nx", 2),
        (
            "---\nsummary: a\nsummary: b\nsummary: c\nsummary: d\n---\nx",
            5,
        ),
        ("---\ntitle: T\nlanguage: en\n---\n \n\n", 4),
        ("---\ntitle: T\nlanguage: en\n---\na\nb\u{1b}[0m", 6),
    ] {
        assert_eq!(parse("terms", file).unwrap_err().line, line, "{file:?}");
    }
    for document in ["", "Terms", "te rms", "../terms"] {
        assert!(parse(document, FILE).is_err(), "{document}");
    }
}

fn version(document: &str, number: i64, language: &str, date: &str) -> Version {
    let mut draft = parse(document, FILE).unwrap();
    draft.language = language.into();
    draft.in_force_at = Some(day(date));
    draft.publish(number, day("2026-01-01"))
}

fn names(list: &[&Version]) -> Vec<String> {
    list.iter()
        .map(|v| format!("{} {} {}", v.document, v.version, v.language))
        .collect()
}

#[test]
fn a_new_person_is_shown_what_is_in_force_in_their_language() {
    let published = [
        version("terms", 1, "en", "2026-01-01"),
        version("terms", 1, "de", "2026-01-01"),
        version("privacy", 1, "mn", "2026-01-01"),
        version("terms", 2, "en", "2026-06-01"),
        version("terms", 2, "de", "2026-06-01"),
        version("terms", 3, "en", "2026-12-01"),
    ];
    let shown = |language, date| names(&current(&published, language, day(date)));
    assert_eq!(shown("de-AT", "2026-03-01"), ["terms 1 de", "privacy 1 mn"]);
    assert_eq!(shown("DE", "2026-07-01"), ["terms 2 de", "privacy 1 mn"]);
    assert_eq!(shown("fr", "2026-07-01"), ["terms 2 en", "privacy 1 mn"]);
    // A newer version counts even where it is not translated yet.
    assert_eq!(shown("de", "2026-12-01"), ["terms 3 en", "privacy 1 mn"]);
    assert_eq!(shown("de", "2025-12-31"), Vec::<String>::new());
}

#[test]
fn no_language_stands_in_for_one_that_waits() {
    let published = [
        version("terms", 1, "en", "2026-01-01"),
        version("terms", 2, "en", "2027-01-01"),
        version("terms", 2, "de", "2026-06-01"),
    ];
    let shown = |language, date| names(&current(&published, language, day(date)));
    for (language, before, after) in [
        ("en", "terms 1 en", "terms 2 en"),
        ("de", "terms 1 en", "terms 2 de"),
    ] {
        assert_eq!(shown(language, "2026-12-31"), [before]);
        assert_eq!(shown(language, "2027-01-01"), [after]);
    }
    // A translation that comes later takes nothing out of force.
    let mut late = published.to_vec();
    late[1].in_force_at = day("2026-06-01");
    let mut more = version("terms", 2, "mn", "2028-01-01");
    more.published_at = day("2026-08-01");
    late.push(more);
    assert_eq!(
        names(&current(&late, "en", day("2026-09-01"))),
        ["terms 2 en"]
    );
}

#[test]
fn a_newer_version_is_asked_for_with_grace() {
    let mut news = version("news", 1, "en", "2026-01-01");
    news.optional = true;
    let published = [
        version("terms", 1, "en", "2026-01-01"),
        version("terms", 2, "en", "2026-06-01"),
        news,
    ];
    let first = [published[0].accept(day("2026-01-02"))];
    let due_at = |date| due(&published, &first, "en", day(date));
    assert!(due_at("2026-05-31").is_empty());
    let grace = due_at("2026-06-01");
    assert_eq!(names(&grace.may_wait), ["terms 2 en"]);
    assert!(grace.must.is_empty());
    assert_eq!(grace.wait_until, Some(day("2026-07-01")));
    assert_eq!(names(&due_at("2026-07-01").must), ["terms 2 en"]);
    assert!(!grace.first && due(&published, &[], "en", day("2026-06-01")).first);
    // A date in the past takes no grace away, a translation gives none.
    let mut late = published.clone();
    late[1].published_at = day("2026-08-01");
    let mut translated = version("terms", 2, "de", "2026-06-01");
    translated.published_at = day("2026-08-20");
    let late = [&late[..], &[translated]].concat();
    let grace = due(&late, &first, "de", day("2026-08-05"));
    assert_eq!(grace.wait_until, Some(day("2026-08-31")));
    let both = [first[0].clone(), published[1].accept(day("2026-06-05"))];
    assert!(due(&published, &both, "en", day("2027-01-01")).is_empty());
    assert_eq!(both[1].sha256, published[1].sha256);
}

proptest! {
    #[test]
    fn any_file_is_read_or_refused(file in "(---\n)?(title: \\PC{1,9}\n|language: en\n|\\PC{0,20}\n){0,6}(---\n)?.{0,40}") {
        if let Ok(draft) = parse("terms", &file) {
            prop_assert_eq!(parse("terms", &draft.render()), Ok(draft));
        }
    }

    #[test]
    fn what_is_rendered_reads_the_same(
        title in "[^\\p{C}\\p{Z}]{1,20}",
        summary in prop::collection::vec("[a-z:][a-z: ]{0,20}[a-z]", 0..=3),
        days in 0_i64..20_000,
        grace_days in 0_u32..=365,
        optional: bool,
        text in "[a-z#][a-z #\n-]{0,60}[a-z]",
    ) {
        let draft = Draft {
            document: "privacy".into(),
            title,
            language: "mn".into(),
            in_force_at: Some(Time::from_seconds(days * 86_400)),
            changes: summary.clone(),
            summary,
            grace_days,
            optional,
            text: format!("{text}\n"),
        };
        prop_assert_eq!(parse("privacy", &draft.render()), Ok(draft));
    }
}
