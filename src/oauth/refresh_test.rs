//! Tables of refresh tokens.

use proptest::prelude::*;

use super::*;
use crate::oauth::client::tests::client;
use crate::oauth::client::{ClientAuth, RefreshPolicy};
use crate::oauth::grant::tests::grant as granted;

fn at(seconds: i64) -> Time {
    Time::from_seconds(seconds)
}

fn own(text: &str) -> Vec<String> {
    scope::parse(text).unwrap()
}

fn forum() -> Client {
    client(
        &["https://forum.example/cb"],
        "openid profile offline_access chat",
    )
}

fn messenger() -> Client {
    Client {
        auth: ClientAuth::None,
        ..forum()
    }
}

fn grant() -> Grant {
    Grant {
        offline: true,
        ..granted("openid profile offline_access")
    }
}

fn ask(scope: Option<&str>) -> Exchange {
    Exchange::Refresh {
        token: "secret".into(),
        scope: scope.map(own),
        resource: vec![],
    }
}

/// Of the fourth token, given at the start.
fn family() -> Family {
    Family {
        grant_id: grant().id,
        hash: "3".into(),
        generation: 3,
        created_at: at(0),
        used_at: at(0),
        used: vec![],
        idle_until: at(1000),
        ends_at: at(5000),
        binding: None,
    }
}

/// The same, its fourth token exchanged at a time.
fn used(when: i64) -> Family {
    Family {
        hash: "4".into(),
        generation: 4,
        created_at: at(when),
        used_at: at(when),
        used: vec![at(when)],
        idle_until: at(when + 1000),
        ..family()
    }
}

fn shown(generation: i64) -> Shown {
    Shown {
        generation,
        hash: generation.to_string(),
        successor: (generation + 1).to_string(),
    }
}

const LIFETIMES: Lifetimes = Lifetimes {
    idle: Duration::from_secs(1000),
    max: Duration::from_secs(5000),
    grace: Duration::from_secs(30),
};

/// The fourth token is shown.
fn turn(family: &Family, client: &Client, now: i64) -> Rotation {
    show(family, 3, client, now)
}

fn show(family: &Family, generation: i64, client: &Client, now: i64) -> Rotation {
    rotate(
        family,
        &shown(generation),
        &grant(),
        client,
        &ask(None),
        at(now),
        &LIFETIMES,
    )
}

fn fresh(rotation: Rotation) -> Family {
    match rotation {
        Rotation::Fresh { family, scopes } => {
            assert_eq!(scopes, grant().scopes);
            *family
        }
        other => panic!("{other:?}"),
    }
}

fn kept(rotation: Rotation) -> Family {
    match rotation {
        Rotation::Keep { family, scopes } => {
            assert_eq!(scopes, grant().scopes);
            *family
        }
        other => panic!("{other:?}"),
    }
}

const THEFT: Rotation = Rotation::Replayed { end_family: true };
const USED: Rotation = Rotation::Replayed { end_family: false };

#[test]
fn a_public_client_gets_a_new_token_each_time() {
    assert_eq!(fresh(turn(&family(), &messenger(), 500)), used(500));
    let late = Family {
        idle_until: at(5000),
        ..family()
    };
    let next = fresh(turn(&late, &messenger(), 4500));
    assert_eq!(next.idle_until, at(5000), "the family's end does not move");
}

#[test]
fn a_lost_answer_is_given_again_and_a_late_replay_ends_the_family() {
    let retry = Rotation::Retry {
        scopes: grant().scopes,
    };
    let one = used(500);
    for (now, wanted) in [
        (499, &retry), // a clock may step back
        (500, &retry),
        (530, &retry),
        (531, &THEFT),
        (1200, &THEFT),
        // However long nobody came.
        (1600, &THEFT),
    ] {
        assert_eq!(turn(&one, &messenger(), now), *wanted, "{now}");
    }
    // Its successor was exchanged too.
    let two = fresh(show(&one, 4, &messenger(), 510));
    assert_eq!(two.used, [at(510), at(500)]);
    for (shown, now, wanted) in [
        (3, 510, &USED),
        (3, 530, &USED),
        (3, 531, &THEFT),
        (4, 531, &retry),
        (4, 541, &THEFT),
        (2, 511, &THEFT),
    ] {
        assert_eq!(
            show(&two, shown, &messenger(), now),
            *wanted,
            "{shown} {now}"
        );
    }
    // Long after the grace its time is forgotten.
    let three = fresh(show(&two, 5, &messenger(), 561));
    assert_eq!(three.used, [at(561), at(510)]);
    assert_eq!(show(&three, 3, &messenger(), 561), THEFT);
    // But not to somebody who read the clock before that, and waited.
    assert_eq!(show(&three, 4, &messenger(), 540), USED);
    assert_eq!(Rotation::replay().code, Code::InvalidGrant);
    // Past the end there is no family left to end.
    assert!(matches!(
        turn(&one, &messenger(), 5000),
        Rotation::Refused(_)
    ));
}

#[test]
fn whoever_turns_fast_leaves_no_more_than_so_much() {
    let mut family = family();
    for generation in 3..100 {
        family = fresh(show(&family, generation, &messenger(), 10));
    }
    assert_eq!(family.used.len(), MAX_USED);
    assert_eq!(show(&family, 98, &messenger(), 10), USED);
    assert_eq!(show(&family, 84, &messenger(), 10), USED);
    assert_eq!(show(&family, 83, &messenger(), 10), THEFT);
}

#[test]
fn a_bound_token_of_a_public_client_is_kept() {
    let bound = Family {
        binding: Some(Binding::Dpop("key".into())),
        ..family()
    };
    let next = kept(turn(&bound, &messenger(), 500));
    let wanted = Family {
        used_at: at(500),
        idle_until: at(1500),
        ..bound
    };
    assert_eq!(next, wanted);
}

#[test]
fn a_confidential_client_keeps_its_token() {
    assert_eq!(kept(turn(&family(), &forum(), 900)).idle_until, at(1900));
    let late = Family {
        idle_until: at(5000),
        ..family()
    };
    assert_eq!(kept(turn(&late, &forum(), 4999)).idle_until, at(5000));
    // A token spent while the client was public stays spent.
    assert_eq!(turn(&used(10), &forum(), 900), THEFT);
}

#[test]
fn a_refresh_token_is_refused_to_others_and_when_it_has_ended() {
    type Change = fn(&mut Family, &mut Shown, &mut Grant, &mut Client, &mut Exchange);
    let table: &[(Code, Change)] = &[
        (Code::InvalidGrant, |f, _, _, _, _| f.idle_until = at(500)),
        (Code::InvalidGrant, |f, _, _, _, _| f.ends_at = at(500)),
        (Code::InvalidGrant, |f, _, _, _, _| f.grant_id = "2".into()),
        (Code::InvalidGrant, |_, _, g, _, _| {
            g.revoked_at = Some(at(1));
        }),
        (Code::InvalidGrant, |f, _, g, _, _| {
            g.revoked_at = Some(at(1));
            *f = used(1);
        }),
        // Whoever else presents a spent token cannot end the family.
        (Code::InvalidGrant, |f, _, _, c, _| {
            c.id = "other".into();
            *f = used(1);
        }),
        (Code::UnauthorizedClient, |f, _, _, c, _| {
            c.grants.truncate(1);
            *f = used(1);
        }),
        // Another secret under its number, and one that was not given yet.
        (Code::InvalidGrant, |_, s, _, _, _| s.hash = "other".into()),
        (Code::InvalidGrant, |_, s, _, _, _| *s = shown(4)),
        (Code::InvalidScope, |_, _, _, _, e| {
            *e = ask(Some("openid chat"));
        }),
        (Code::InvalidScope, |f, _, _, _, e| {
            *f = used(490);
            *e = ask(Some("openid chat"));
        }),
        (Code::InvalidGrant, |_, _, _, _, e| {
            *e = Exchange::Device {
                code: "code".into(),
                resource: vec![],
            };
        }),
    ];
    for (row, (wanted, change)) in table.iter().enumerate() {
        for base in [forum(), messenger()] {
            let (mut family, mut shown, mut grant, mut client, mut ask) =
                (family(), shown(3), grant(), base, ask(None));
            client
                .grants
                .push(crate::oauth::client::GrantType::DeviceCode);
            change(&mut family, &mut shown, &mut grant, &mut client, &mut ask);
            let now = at(500);
            match rotate(&family, &shown, &grant, &client, &ask, now, &LIFETIMES) {
                Rotation::Refused(problem) => assert_eq!(problem.code, *wanted, "row {row}"),
                other => panic!("row {row}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_new_family_ends_in_time() {
    assert_eq!(LIFETIMES.first(at(10)), (at(1010), at(5010)));
    let long = Lifetimes {
        idle: Duration::from_secs(9000),
        ..LIFETIMES
    };
    assert_eq!(long.first(at(0)), (at(5000), at(5000)));
}

proptest! {
    #[test]
    fn scope_never_grows(asked in "[a-d]( [a-d]){0,4}", had in "[a-d]( [a-d]){0,4}") {
        let mut grant = grant();
        grant.scopes = own(&had);
        let lasts = Client { refresh: RefreshPolicy::Always, ..messenger() };
        let asked = ask(Some(&asked));
        let Exchange::Refresh { scope: Some(wanted), .. } = &asked else {
            unreachable!()
        };
        // The first use, and one whose answer was lost.
        for family in [family(), used(1)] {
            match rotate(&family, &shown(3), &grant, &lasts, &asked, at(1), &LIFETIMES) {
                Rotation::Fresh { scopes, .. } | Rotation::Retry { scopes } => {
                    prop_assert_eq!(&scopes, wanted);
                    prop_assert!(scope::within(&scopes, &grant.scopes));
                }
                Rotation::Refused(_) => prop_assert!(!scope::within(wanted, &grant.scopes)),
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }

    // Whatever is shown, in whatever order: one token counts, and it is the one given last.
    #[test]
    fn one_token_counts(steps in proptest::collection::vec((0_i64..8, 0_i64..40), 1..40)) {
        let (mut family, mut now) = (Family { generation: 0, hash: "0".into(), ..family() }, 0);
        for (back, pause) in steps {
            now += pause;
            let generation = (family.generation - back).max(0);
            let before = family.clone();
            match show(&family, generation, &messenger(), now) {
                Rotation::Fresh { family: next, .. } => {
                    prop_assert_eq!(generation, before.generation);
                    prop_assert_eq!(next.generation, generation + 1);
                    prop_assert_eq!(&next.hash, &next.generation.to_string());
                    family = *next;
                }
                Rotation::Retry { .. } => prop_assert_eq!(generation + 1, before.generation),
                Rotation::Replayed { end_family } => {
                    prop_assert!(generation < before.generation);
                    if end_family {
                        break;
                    }
                }
                // Nobody came for too long, or its time is over.
                Rotation::Refused(_) => prop_assert!(now >= 1000),
                Rotation::Keep { .. } => prop_assert!(false, "it is public"),
            }
        }
    }
}
