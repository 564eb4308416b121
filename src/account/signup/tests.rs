//! Sign-up: mistakes, steps, checks and codes.

use proptest::prelude::*;

use super::*;
use crate::account::{Code, Field, Own};

const ALL: Settings = Settings {
    check: true,
    terms: true,
    approve: false,
};

fn start() -> Time {
    Time::from_seconds(1_000_000)
}

fn after(seconds: u64) -> Time {
    start().plus(Duration::from_secs(seconds))
}

fn draft() -> Draft {
    Draft {
        id: "draft".into(),
        name: "Temuulen".into(),
        username: "temuulen".into(),
        username_lost: false,
        email: "temuulen@mail.example".into(),
        email_key: "temuulen@mail.example".into(),
        password: "$argon2id$".into(),
        language: "en".into(),
        request_id: None,
        check: Check::default(),
        person_note: None,
        agreed: Vec::new(),
        agreed_at: None,
        mail: Mail::default(),
        decision: None,
        decided_at: None,
        created_at: start(),
        seen_at: start(),
        expires_at: after(86_400),
        done_at: None,
        account_id: None,
    }
}

fn next(draft: &Draft, settings: &Settings, now: Time) -> Step {
    step(draft, settings, &Limits::default(), now)
}

#[test]
fn all_mistakes_are_told_at_once() {
    let wrong = check_profile(&Profile::default(), &Policy::default()).unwrap_err();
    let ids: Vec<_> = wrong.iter().map(|one| (one.field, one.code.id())).collect();
    assert_eq!(
        ids,
        [
            (Field::Name, "name-empty"),
            (Field::Username, "username-empty"),
            (Field::Email, "email-empty"),
            (Field::Password, "password-empty"),
        ]
    );
    let typed = Profile {
        name: "Temuulen Bat",
        username: "тэмүүлэн",
        email: "temuulen",
        password: "temuulen-2026",
    };
    let wrong = check_profile(&typed, &Policy::default()).unwrap_err();
    let codes: Vec<_> = wrong.into_iter().map(|one| one.code).collect();
    assert_eq!(
        codes,
        [
            Code::UsernameCharacters,
            Code::EmailFormat,
            Code::PasswordContains(Own::Email)
        ]
    );
}

#[test]
fn a_good_profile_is_checked() {
    let typed = Profile {
        name: " Temuulen  Bat ",
        username: "Temuulen",
        email: "Temuulen.Bat@Mail.example",
        password: "violet engine hammer",
    };
    let checked = check_profile(&typed, &Policy::default()).unwrap();
    assert_eq!(checked.name.as_str(), "Temuulen Bat");
    assert_eq!(checked.username.as_str(), "temuulen");
    assert_eq!(checked.email.key(), "temuulen.bat@mail.example");
    assert_eq!(checked.password.reveal(), "violet engine hammer");
    assert!(!format!("{typed:?} {checked:?}").contains("violet"));
}

#[test]
fn a_reserved_username_is_answered_as_taken_with_names_of_the_persons_own() {
    let typed = Profile {
        name: "Temuulen Bat",
        username: "adrnin",
        email: "t@mail.example",
        password: "violet engine hammer",
    };
    let wrong = check_profile(&typed, &Policy::default()).unwrap_err();
    assert_eq!(wrong.len(), 1);
    assert_eq!(wrong[0].code.id(), "username-taken");
    assert_eq!(
        wrong[0].code.args(),
        [
            ("try_a", "temuulen-bat2".to_owned()),
            ("try_b", "temuulen-bat3".to_owned())
        ]
    );
}

#[test]
fn the_wizard_goes_through_its_steps() {
    let mut draft = draft();
    assert_eq!(next(&draft, &ALL, start()), Step::Check);
    draft.check = draft.check.renewed(Method::Picture, start());
    draft.pass_check(Method::Picture, after(10));
    assert_eq!(next(&draft, &ALL, after(10)), Step::Agree);
    draft.agreed_at = Some(after(20));
    assert_eq!(next(&draft, &ALL, after(20)), Step::Email);
    draft.mail = draft.mail.renewed(true, after(20));
    assert_eq!(next(&draft, &ALL, after(30)), Step::Email);
    draft.mail.proved_at = Some(after(30));
    assert_eq!(next(&draft, &ALL, after(30)), Step::Done);
    draft.username_lost = true;
    assert_eq!(next(&draft, &ALL, after(30)), Step::Name);
    draft.username_lost = false;
    draft.account_id = Some("account".into());
    assert_eq!(next(&draft, &ALL, after(99_999)), Step::Done);
}

#[test]
fn steps_are_numbered_by_those_that_apply() {
    let few = Settings {
        check: false,
        terms: false,
        approve: false,
    };
    assert_eq!(ALL.total(), 5);
    assert_eq!(few.total(), 3);
    for (step, of_all, of_few) in [
        (Step::Profile, 1, 1),
        (Step::Email, 4, 2),
        (Step::Name, 5, 3),
        (Step::Waiting, 5, 3),
        (Step::Done, 5, 3),
    ] {
        assert_eq!((ALL.number(step), few.number(step)), (of_all, of_few));
    }
    assert_eq!(next(&draft(), &few, start()), Step::Email);
}

#[test]
fn a_passed_check_lasts_30_minutes_until_a_mail_is_sent() {
    let mut draft = draft();
    draft.pass_check(Method::Sound, start());
    draft.agreed_at = Some(start());
    assert_eq!(next(&draft, &ALL, after(1799)), Step::Email);
    assert_eq!(next(&draft, &ALL, after(1800)), Step::Check);
    draft.mail = draft.mail.renewed(true, after(60));
    assert_eq!(next(&draft, &ALL, after(80_000)), Step::Email);
}

#[test]
fn who_asks_for_a_person_waits_for_one() {
    let mut draft = draft();
    draft.pass_check(Method::Person, start());
    draft.agreed_at = Some(start());
    assert_eq!(next(&draft, &ALL, start()), Step::Email);
    draft.mail = draft.mail.renewed(true, start());
    draft.mail.proved_at = Some(start());
    for (decision, step) in [
        (None, Step::Waiting),
        (Some(Decision::Refused), Step::Waiting),
        (Some(Decision::LetIn), Step::Done),
    ] {
        draft.decision = decision;
        assert_eq!(next(&draft, &ALL, after(9)), step, "{decision:?}");
    }
    // Where the operator lets everybody in by hand, a passed picture is not enough.
    draft.decision = None;
    draft.check.method = Some(Method::Picture);
    assert_eq!(next(&draft, &ALL, after(9)), Step::Done);
    let approve = Settings {
        approve: true,
        ..ALL
    };
    assert_eq!(next(&draft, &approve, after(9)), Step::Waiting);
}

#[test]
fn no_step_can_be_skipped_and_back_works_until_the_address_is_proved() {
    let limits = Limits::default();
    let shown = |draft: &Draft, step| may_show(step, draft, &ALL, &limits, after(40));
    let mut draft = draft();
    for step in [
        Step::Agree,
        Step::Email,
        Step::Name,
        Step::Waiting,
        Step::Done,
    ] {
        assert!(!shown(&draft, step), "{step:?}");
    }
    assert!(shown(&draft, Step::Profile) && shown(&draft, Step::Check));
    draft.pass_check(Method::Picture, start());
    draft.agreed_at = Some(start());
    assert!(shown(&draft, Step::Profile) && shown(&draft, Step::Agree));
    assert!(shown(&draft, Step::Email) && !shown(&draft, Step::Check));
    draft.mail = draft.mail.renewed(true, start());
    draft.mail.proved_at = Some(start());
    for step in [Step::Profile, Step::Check, Step::Agree, Step::Email] {
        assert!(!shown(&draft, step), "{step:?}");
    }
    assert!(shown(&draft, Step::Done));
}

#[test]
fn a_check_is_answered_once_in_5_minutes_with_3_tries() {
    // SECURITY R17
    let limits = Limits::default();
    let mut draft = draft();
    let judge = |draft: &Draft, right, now| judge_check(draft, right, &limits, now);
    assert_eq!(judge(&draft, true, start()), CheckVerdict::Old);
    draft.check = draft.check.renewed(Method::Picture, start());
    assert_eq!(judge(&draft, true, after(299)), CheckVerdict::Passed);
    assert_eq!(judge(&draft, true, after(300)), CheckVerdict::Old);
    for (tries, verdict) in [
        (0, CheckVerdict::Wrong { tries_left: 2 }),
        (1, CheckVerdict::Wrong { tries_left: 1 }),
        (2, CheckVerdict::Spent),
        (3, CheckVerdict::Spent),
    ] {
        draft.check.tries = tries;
        assert_eq!(judge(&draft, false, after(1)), verdict);
    }
    assert_eq!(judge(&draft, true, after(1)), CheckVerdict::Spent);
    draft.check.tries = 0;
    draft.pass_check(Method::Picture, after(1));
    assert_eq!(judge(&draft, true, after(2)), CheckVerdict::Spent);
    draft.check = draft.check.renewed(Method::Picture, after(3));
    assert_eq!(draft.check.number, 2);
    assert_eq!(judge(&draft, true, after(3)), CheckVerdict::Passed);
}

#[test]
fn after_five_pictures_the_other_ways_come_first() {
    let mut draft = draft();
    for number in 1..=6 {
        draft.check = draft.check.renewed(Method::Picture, start());
        let first = other_ways_first(&draft, &Limits::default());
        assert_eq!(first, number >= 5, "{number}");
    }
}

#[test]
fn a_code_works_15_minutes_with_5_tries_and_once() {
    // SECURITY R25
    let limits = Limits::default();
    let mut draft = draft();
    let judge = |draft: &Draft, right, now| judge_code(draft, right, &limits, now);
    assert_eq!(judge(&draft, true, start()), CodeVerdict::Old);
    draft.mail = draft.mail.renewed(true, start());
    assert_eq!(judge(&draft, true, after(899)), CodeVerdict::Proved);
    assert_eq!(judge(&draft, true, after(900)), CodeVerdict::Old);
    for (tries, verdict) in [
        (0, CodeVerdict::Wrong { tries_left: 4 }),
        (3, CodeVerdict::Wrong { tries_left: 1 }),
        (4, CodeVerdict::Spent),
        (5, CodeVerdict::Spent),
    ] {
        draft.mail.tries = tries;
        assert_eq!(judge(&draft, false, after(1)), verdict);
    }
    assert_eq!(judge(&draft, true, after(1)), CodeVerdict::Spent);
    draft.mail = draft.mail.renewed(false, after(60));
    assert_eq!((draft.mail.number, draft.mail.addresses), (2, 1));
    assert_eq!(judge(&draft, true, after(61)), CodeVerdict::Proved);
    draft.mail.proved_at = Some(after(61));
    assert_eq!(judge(&draft, true, after(62)), CodeVerdict::Spent);
}

#[test]
fn mails_are_30_seconds_apart_and_go_to_3_addresses() {
    let limits = Limits::default();
    let mut draft = draft();
    assert_eq!(wait_to_send(&draft, &limits, start()), Duration::ZERO);
    draft.mail = draft.mail.renewed(false, start());
    let wait = wait_to_send(&draft, &limits, after(10));
    assert_eq!(wait, Duration::from_secs(20));
    assert_eq!(wait_to_send(&draft, &limits, after(30)), Duration::ZERO);
    for _ in 0..2 {
        assert!(may_use_address(&draft, &limits));
        draft.mail = draft.mail.renewed(true, after(60));
    }
    assert!(!may_use_address(&draft, &limits));
    draft.pass_check(Method::Picture, after(70));
    assert!(may_use_address(&draft, &limits));
}

#[test]
fn a_code_for_the_old_address_proves_nothing_of_the_new_one() {
    let mut draft = draft();
    draft.mail = draft.mail.renewed(true, start());
    draft.change_email(&Email::parse("Temuulen@mail.example").unwrap());
    assert_eq!(draft.email, "Temuulen@mail.example");
    assert!(draft.mail.sent_at.is_some());
    draft.change_email(&Email::parse("other@mail.example").unwrap());
    let verdict = judge_code(&draft, true, &Limits::default(), after(1));
    assert_eq!(verdict, CodeVerdict::Old);
}

#[test]
fn wrong_codes_close_the_door_of_an_address() {
    let limits = Limits::default();
    for (hour, day, open) in [(9, 19, true), (10, 10, false), (0, 20, false)] {
        assert_eq!(door_is_open(hour, day, &limits), open);
    }
}

#[test]
fn six_digits_are_read_however_they_are_typed() {
    for (typed, digits) in [
        ("482913", Some("482913")),
        (" 482 913\t", Some("482913")),
        ("482\u{a0}913", Some("482913")),
        ("４８２９１３", Some("482913")),
        ("٤٨٢٩١٣", Some("482913")),
        ("᠔᠘᠒᠙᠑᠓", Some("482913")),
        ("48291", None),
        ("4829133", None),
        ("48291a", None),
        ("-482913", None),
        ("", None),
    ] {
        assert_eq!(code_digits(typed).as_deref(), digits, "{typed}");
    }
}

#[test]
fn a_draft_holds_its_username_behind_the_check_for_30_minutes() {
    let limits = Limits::default();
    let mut draft = draft();
    assert!(!draft.holds_username(&ALL, &limits, start()));
    draft.pass_check(Method::Work, start());
    assert!(draft.holds_username(&ALL, &limits, after(1799)));
    assert!(!draft.holds_username(&ALL, &limits, after(1800)));
}

#[test]
fn a_draft_left_for_30_minutes_asks_for_its_address() {
    let limits = Limits::default();
    assert!(!draft().needs_address_again(&limits, after(1799)));
    assert!(draft().needs_address_again(&limits, after(1800)));
    assert!(!draft().is_over(after(86_399)));
    assert!(draft().is_over(after(86_400)));
}

proptest! {
    #[test]
    fn codes_are_six_ascii_digits_or_nothing(typed in "\\PC{0,12}|[0-9 ]{0,9}") {
        if let Some(digits) = code_digits(&typed) {
            prop_assert!(digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit()));
        }
    }

    #[test]
    fn any_profile_is_checked_or_refused(
        name in ".{0,20}",
        username in ".{0,12}|[a-z][a-z0-9]{1,9}",
        email in ".{0,20}|[a-z]{1,9}@mail\\.example",
        password in ".{0,40}",
    ) {
        let typed = Profile { name: &name, username: &username, email: &email, password: &password };
        match check_profile(&typed, &Policy::default()) {
            Ok(checked) => prop_assert!(!checked.username.as_str().is_empty()),
            Err(wrong) => prop_assert!((1..=4).contains(&wrong.len())),
        }
    }
}
