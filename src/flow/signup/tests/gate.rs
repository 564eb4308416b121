//! Who stands between a stranger and an account: the security check, and the operator.

use super::*;
use crate::account::signup::Method;
use crate::flow::waiting;

#[tokio::test]
async fn a_check_is_answered_once_in_time_and_with_three_tries() {
    let house = House::new(&[("GEREGE_CHECK__KIND", "picture")]);
    let mut person = house.person();
    let begun = house.answers(&mut person, "one", "a@mail.example").await;
    assert_eq!(begun.moved.step, Step::Check);
    let shown = async || {
        let Found::Open(wizard) = find(&house.app, person.draft.as_deref()).await.unwrap() else {
            panic!("no draft");
        };
        check::prepare(&house.app, *wizard, "en")
            .await
            .unwrap()
            .draft
    };
    let answer = async |code: &str| {
        let typed = check::Typed {
            code: code.to_owned(),
            ..check::Typed::default()
        };
        check::answer(&house.app, &house.door(&person), typed)
            .await
            .unwrap()
    };
    let letters = |draft: &Draft| {
        let seed = derived::check_seed(house.app.keys.master(), &draft.id, draft.check.number);
        crate::captcha::Challenge::new(seed, usize::from(house.app.config.check.length)).letters()
    };
    let first = shown().await;
    assert_eq!(shown().await.check, first.check); // a reload shows the same picture
    assert!(matches!(answer(" ").await, check::Answered::Empty));
    assert!(matches!(answer("??????").await, check::Answered::Wrong));
    assert!(matches!(answer("??????").await, check::Answered::Wrong));
    assert!(matches!(answer("??????").await, check::Answered::WrongNew));
    let second = shown().await;
    assert_eq!(second.check.number, first.check.number + 1);
    assert!(matches!(
        answer(&letters(&first)).await,
        check::Answered::Wrong
    ));
    house.later(minutes(5));
    assert!(matches!(
        answer(&letters(&second)).await,
        check::Answered::Old
    ));
    // By another way the letters are no answer.
    let door = house.door(&person);
    check::change(&house.app, &door, Some(Method::Sound))
        .await
        .unwrap();
    let third = shown().await;
    assert!(matches!(
        answer(&letters(&third)).await,
        check::Answered::Wrong
    ));
    assert!(check::picture(&house.app, &third).await.unwrap().is_none());
    // Each wrong answer to a question is followed by another one.
    check::change(&house.app, &door, Some(Method::Question))
        .await
        .unwrap();
    let asked = shown().await;
    assert!(matches!(answer("?").await, check::Answered::WrongNew));
    assert_eq!(shown().await.check.number, asked.check.number + 1);
    check::change(&house.app, &door, Some(Method::Picture))
        .await
        .unwrap();
    let fourth = shown().await;
    let passed = answer(&letters(&fourth)).await;
    assert!(matches!(
        passed,
        check::Answered::Moved(Moved {
            step: Step::Email,
            ..
        })
    ));
    assert_eq!(house.letters().await.len(), 1);
    // Three addresses; then the check is asked again, and the old answer is spent.
    for address in ["b@mail.example", "c@mail.example"] {
        let moved = email::change_address(&house.app, &door, address).await;
        assert_eq!(step_of(&moved.unwrap()), Step::Email);
    }
    let moved = email::change_address(&house.app, &door, "d@mail.example").await;
    assert_eq!(step_of(&moved.unwrap()), Step::Check);
    assert!(matches!(
        answer(&letters(&fourth)).await,
        check::Answered::Old
    ));
}

#[tokio::test]
async fn the_operator_lets_in_or_not() {
    let house = House::new(&[("GEREGE_SIGNUP__MODE", "approve")]);
    let (mut yes, mut no) = (house.person(), house.person());
    for (person, name) in [(&mut yes, "temuulen"), (&mut no, "sarnai")] {
        let address = format!("{name}@mail.example");
        house.answers(person, name, &address).await;
        let code = house.code(person).await;
        assert_eq!(step_of(&house.prove(person, &code).await), Step::Waiting);
    }
    let listed = waiting::list(&house.app).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert!(house.accounts().await.is_empty());
    // One for each address: who proves it again takes the place of the first.
    let mut again = house.person();
    house.later(minutes(31));
    house
        .answers(&mut again, "temuulen-b", "temuulen@mail.example")
        .await;
    let code = house.code(&again).await;
    house.prove(&again, &code).await;
    let names: Vec<String> = waiting::list(&house.app)
        .await
        .unwrap()
        .into_iter()
        .map(|one| one.username)
        .collect();
    assert_eq!(names, ["sarnai", "temuulen-b"]);
    // Another who asks for the same name is not let in, nor refused, in the place of the first.
    let mut other = house.person();
    let address = "another@mail.example";
    house.later(minutes(31));
    house.answers(&mut other, "temuulen-b", address).await;
    let code = house.code(&other).await;
    assert_eq!(step_of(&house.prove(&other, &code).await), Step::Waiting);
    for refusal in [
        waiting::approve(&house.app, "temuulen-b").await,
        waiting::refuse(&house.app, "temuulen-b", "").await,
    ] {
        assert!(matches!(refusal, Err(waiting::Refusal::Several(two)) if two.len() == 2));
    }
    let listed = waiting::list(&house.app).await.unwrap();
    let other = listed.iter().find(|one| one.email == address).unwrap();
    waiting::refuse(&house.app, &other.id, "").await.unwrap();
    let refused = waiting::refuse(&house.app, "sarnai", "Not this week").await;
    assert_eq!(refused.unwrap().username, "sarnai");
    let again = waiting::approve(&house.app, "sarnai").await;
    assert!(matches!(again, Err(waiting::Refusal::Unknown)));
    let let_in = waiting::approve(&house.app, "temuulen-b").await.unwrap();
    assert!(waiting::list(&house.app).await.unwrap().is_empty());
    let text = Link::LetIn.make(house.app.keys.master(), &let_in.id, 0);
    let stranger = house.person();
    let door = house.door(&stranger);
    assert!(
        link::look_let_in(&house.app, &text)
            .await
            .unwrap()
            .is_some()
    );
    assert!(house.accounts().await.is_empty());
    let (answered, _) = link::enter(&house.app, &door, &text).await.unwrap();
    assert!(matches!(
        answered,
        Answered::Moved(Moved {
            step: Step::Done,
            made: true,
            ..
        })
    ));
    let (again, _) = link::enter(&house.app, &door, &text).await.unwrap();
    assert!(matches!(again, Answered::Old));
    assert_eq!(house.accounts().await.len(), 1);
}
