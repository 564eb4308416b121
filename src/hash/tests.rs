//! The pool as its callers see it.

use std::net::IpAddr;

use super::*;

fn hasher(at_once: usize) -> Hasher {
    let params = Params {
        memory_kib: 64,
        passes: 1,
        lanes: 1,
        at_once,
    };
    Hasher::new(params, Rng::seeded(5)).unwrap()
}

#[tokio::test]
async fn a_password_is_known_again_and_another_is_not() {
    let hasher = hasher(2);
    let phc = hasher.hash(Class::SignUp, "сайн байна уу").await.unwrap();
    let right = hasher.verify(Class::SignIn, "сайн байна уу", Some(&phc));
    assert_eq!(right.await, Ok(Verdict::Right { rehash: false }));
    let wrong = hasher.verify(Class::Known, "сайн байна уу ", Some(&phc));
    assert_eq!(wrong.await, Ok(Verdict::Wrong));
}

// SECURITY.md R10
#[tokio::test]
async fn an_unknown_name_costs_the_same_hash() {
    let hasher = hasher(1);
    let phc = hasher.hash(Class::SignUp, "one two three").await.unwrap();
    let before = hasher.count().done;
    let known = hasher.verify(Class::SignIn, "x", Some(&phc)).await;
    let between = hasher.count().done;
    let unknown = hasher.verify(Class::SignIn, "x", None).await;
    assert_eq!(known, unknown);
    assert_eq!(between - before, hasher.count().done - between);
}

// SECURITY.md R09
#[tokio::test]
async fn a_hash_of_other_parameters_is_to_be_replaced() {
    let old = hasher(1).hash_now("one two three").unwrap();
    let params = Params {
        memory_kib: 128,
        passes: 1,
        lanes: 1,
        at_once: 1,
    };
    let raised = Hasher::new(params, Rng::seeded(6)).unwrap();
    let verdict = raised
        .verify(Class::SignIn, "one two three", Some(&old))
        .await;
    assert_eq!(verdict, Ok(Verdict::Right { rehash: true }));
}

// SECURITY.md R02
#[tokio::test]
async fn long_passwords_that_differ_at_the_end_differ() {
    let hasher = hasher(1);
    let long = "я".repeat(255);
    let phc = hasher.hash_now(&format!("{long}a")).unwrap();
    let other = format!("{long}b");
    let verdict = hasher.verify(Class::SignIn, &other, Some(&phc)).await;
    assert_eq!(verdict, Ok(Verdict::Wrong));
}

#[tokio::test]
async fn past_the_bound_the_oldest_is_sent_away_with_a_time_to_come_back() {
    let hasher = hasher(1);
    let bound = bound(
        &hasher.pool.params,
        1,
        QUEUE_SECONDS[Class::SignUp as usize],
    );
    let calls: Vec<_> = {
        // While the queue is held no thread takes a job: the order is the same in every run.
        let mut state = hasher.pool.shared.lock();
        let mut calls = Vec::new();
        for n in 0..=bound {
            let (answer, turn) = oneshot::channel();
            let job = Job {
                password: Zeroizing::new(vec![1]),
                recipe: hasher.fresh(),
                answer,
            };
            let shed = state.queue.push(Class::SignUp.into(), job);
            assert_eq!(shed.is_some(), n == bound);
            calls.push(turn);
        }
        hasher.pool.shared.work.notify_all();
        calls
    };
    let mut answered = Vec::new();
    for call in calls {
        answered.push(call.await.is_ok());
    }
    assert!(!answered[0], "the oldest lost its place");
    assert!(answered[1..].iter().all(|yes| *yes));
    assert!(matches!(
        hasher.busy(Class::SignUp),
        Error::Busy { retry_after } if retry_after >= Duration::from_secs(1)
    ));
}

#[tokio::test]
async fn many_at_once_are_all_answered() {
    let hasher = hasher(2);
    let phc = hasher.hash_now("one two three").unwrap();
    let calls: Vec<_> = (0..200)
        .map(|n| {
            let (hasher, phc) = (hasher.clone(), phc.clone());
            tokio::spawn(async move {
                let password = if n % 2 == 0 { "one two three" } else { "four" };
                let seat = Class::SignIn.from(IpAddr::from([192, 0, 2, 1]));
                hasher.verify(seat, password, Some(&phc)).await
            })
        })
        .collect();
    for (n, call) in calls.into_iter().enumerate() {
        let right = Ok(Verdict::Right { rehash: false });
        let expected = if n % 2 == 0 {
            right
        } else {
            Ok(Verdict::Wrong)
        };
        assert_eq!(call.await.unwrap(), expected);
    }
    assert_eq!(hasher.count().waiting, [0; 4]);
}

#[test]
fn impossible_parameters_are_refused_with_the_keys_to_change() {
    for (memory_kib, passes, lanes) in [(4, 1, 1), (64, 0, 1), (64, 1, 0), (u32::MAX, 1, 1)] {
        let params = Params {
            memory_kib,
            passes,
            lanes,
            at_once: 1,
        };
        let error = Hasher::new(params, Rng::seeded(1)).err().unwrap();
        assert!(error.to_string().contains("password.memory_kib"), "{error}");
    }
}

#[test]
fn salts_differ_and_the_password_is_not_in_the_hash() {
    let hasher = hasher(1);
    let (one, two) = (hasher.hash_now("secret!"), hasher.hash_now("secret!"));
    assert_ne!(one, two);
    assert!(!one.unwrap().contains("secret!"));
}
