//! Stories of sign-up, told to a database of their own.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use super::agree::{Agreed, Ticked};
use super::email::Answered;
use super::name::Named;
use super::profile::{Begun, Refused, Typed};
use super::*;
use crate::account::{Account, Code, Email};
use crate::clock::Clock;
use crate::config::Config;
use crate::flow::derived::{self, Link};
use crate::flow::terms;
use crate::limit::{Bucket, Limiter};
use crate::rng::Rng;
use crate::store::outbox::Item;

mod gate;

const PASSWORD: &str = "green saddle by the river";

/// A house on a database of its own, with a clock that stands; gone when the test ends.
struct House {
    app: Arc<App>,
    folder: PathBuf,
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// One browser.
#[derive(Clone)]
struct Person {
    draft: Option<String>,
    device: String,
}

impl House {
    fn new(set: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("gerege-test-{}", Rng::System.id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut env: BTreeMap<String, String> = [
            ("GEREGE_PASSWORD__MEMORY_KIB", "8".to_owned()),
            ("GEREGE_CHECK__KIND", "off".to_owned()),
            ("GEREGE_DATA_DIR", folder.display().to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into();
        for (key, value) in set {
            env.insert((*key).to_owned(), (*value).to_owned());
        }
        let config = Config::load(None, &env, Some(true)).unwrap();
        store::migrate::run(&config.database.engine, None).unwrap();
        let clock = Clock::fixed(Time::from_seconds(1_800_000_000));
        let mut app = App::build(config, clock, Rng::seeded(7)).unwrap();
        // Limits by network are tested where they are counted.
        app.limiter = Limiter::new(10).with(Bucket::Mail, None);
        let app = Arc::new(app);
        Self { app, folder }
    }

    fn person(&self) -> Person {
        Person {
            draft: None,
            device: self.app.rng.secret().reveal(),
        }
    }

    fn door(&self, person: &Person) -> Door {
        Door {
            visitor: Visitor {
                address: IpAddr::from([192, 0, 2, 1]),
                agent: "Firefox on Linux".to_owned(),
                language: "en".to_owned(),
            },
            draft: person.draft.clone(),
            browser: None,
            device: person.device.clone(),
        }
    }

    async fn answers(&self, person: &mut Person, name: &str, email: &str) -> Begun {
        let begun = self.try_answers(person, name, email).await.unwrap();
        if let Some(cookie) = &begun.cookie {
            person.draft = Some(cookie.reveal());
        }
        begun
    }

    async fn try_answers(
        &self,
        person: &Person,
        name: &str,
        email: &str,
    ) -> Result<Begun, Refused> {
        let typed = Typed {
            name: "Тэмүүлэн Бат".to_owned(),
            username: name.to_owned(),
            email: email.to_owned(),
            password: PASSWORD.to_owned().into(),
        };
        profile::begin(&self.app, typed, &self.door(person), None).await
    }

    async fn draft(&self, person: &Person) -> Draft {
        let hash = digest(person.draft.as_deref().unwrap());
        let found = self.app.store.read(move |c| store::draft::find(c, &hash));
        found.await.unwrap().unwrap()
    }

    /// The code that the newest mail of a draft carries.
    async fn code(&self, person: &Person) -> String {
        let draft = self.draft(person).await;
        let master = self.app.keys.master();
        derived::mail_code(master, &draft.id, &draft.email_key, draft.mail.number)
    }

    async fn prove(&self, person: &Person, code: &str) -> Answered {
        email::prove(&self.app, &self.door(person), code)
            .await
            .unwrap()
    }

    async fn wrong(&self, person: &Person) -> Answered {
        let right = self.code(person).await;
        let wrong = if right == "000000" {
            "000001"
        } else {
            "000000"
        };
        self.prove(person, wrong).await
    }

    async fn accounts(&self) -> Vec<Account> {
        let all = self.app.store.read(|c| store::account::list(c, "", 100));
        all.await.unwrap()
    }

    async fn letters(&self) -> Vec<Item> {
        let all = self.app.store.read(|c| store::outbox::open(c, 1000));
        all.await.unwrap()
    }

    fn later(&self, span: Duration) {
        let millis = i64::try_from(span.as_millis()).unwrap();
        self.app.clock.shift(millis);
    }
}

fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

fn step_of(answered: &Answered) -> Step {
    match answered {
        Answered::Moved(moved) => moved.step,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_stranger_signs_up() {
    let house = House::new(&[]);
    terms::publish_sample(&house.app).await.unwrap();
    let mut person = house.person();
    let begun = house
        .answers(&mut person, "temuulen", "temuulen@mail.example")
        .await;
    assert_eq!(begun.moved.step, Step::Agree);
    assert!(house.letters().await.is_empty());
    // Typing an address into the browser skips nothing.
    assert_eq!(step_of(&house.wrong(&person).await), Step::Agree);
    let agreed = agree::accept(&house.app, &house.door(&person), Ticked::default()).await;
    let Agreed::Moved(moved) = agreed.unwrap() else {
        panic!("not agreed");
    };
    assert_eq!(moved.step, Step::Email);
    assert_eq!(house.letters().await.len(), 1);
    assert!(house.accounts().await.is_empty()); // SECURITY R13
    let answered = house.prove(&person, &house.code(&person).await).await;
    let Answered::Moved(Moved {
        step: Step::Done,
        cookie: Some(cookie),
        ..
    }) = answered
    else {
        panic!("{answered:?}");
    };
    let account = house.accounts().await.remove(0);
    assert_eq!(account.email_key, "temuulen@mail.example");
    let (id, hash) = (account.id.clone(), cookie.hash());
    let (accepted, session, events) = house
        .app
        .store
        .read(move |c| {
            let browser = store::browser::find(c, &hash)?.unwrap();
            Ok((
                store::terms::accepted(c, &id)?,
                store::browser::sessions(c, &browser.id)?,
                store::event::list(c, &id, 10)?,
            ))
        })
        .await
        .unwrap();
    assert_eq!(accepted.len(), 1); // SECURITY R15
    assert_eq!(
        (accepted[0].document.as_str(), accepted[0].version),
        ("terms", 1)
    );
    assert_eq!(session[0].account_id, account.id);
    assert_eq!(events[0].kind, "signup");
    let draft = house.draft(&person).await;
    assert_eq!(
        (draft.account_id, draft.password),
        (Some(account.id), String::new())
    );
    // Back and a second click find the account ready.
    assert_eq!(step_of(&house.prove(&person, "000000").await), Step::Done);
}

#[tokio::test]
async fn a_code_is_spent_once_by_50_callers() {
    let house = House::new(&[]);
    let mut person = house.person();
    house
        .answers(&mut person, "temuulen", "temuulen@mail.example")
        .await;
    let code = house.code(&person).await;
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let (app, door, code) = (house.app.clone(), house.door(&person), code.clone());
            tokio::spawn(async move { email::prove(&app, &door, &code).await.unwrap() })
        })
        .collect();
    let mut winners = 0;
    for caller in callers {
        match caller.await.unwrap() {
            Answered::Moved(moved) => {
                assert_eq!(moved.step, Step::Done);
                winners += usize::from(moved.made);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((winners, house.accounts().await.len()), (1, 1));
}

#[tokio::test]
async fn wrong_codes_are_counted_for_the_code_and_for_the_address_across_drafts() {
    let house = House::new(&[]);
    let mut person = house.person();
    house.answers(&mut person, "one", "a@mail.example").await;
    for _ in 0..4 {
        assert!(matches!(house.wrong(&person).await, Answered::Wrong));
    }
    assert!(matches!(house.wrong(&person).await, Answered::Spent));
    let right = house.code(&person).await;
    assert!(matches!(
        house.prove(&person, &right).await,
        Answered::Spent
    ));
    // A wrong answer never sends a new code.
    assert_eq!(house.letters().await.len(), 1);
    let mut other = house.person();
    house.answers(&mut other, "two", "A@mail.example").await;
    for _ in 0..5 {
        house.wrong(&other).await;
    }
    // Ten in an hour: the door is closed for a third draft too, right code or not …
    let mut third = house.person();
    house.answers(&mut third, "three", "a@mail.example").await;
    let right = house.code(&third).await;
    assert!(matches!(
        house.prove(&third, &right).await,
        Answered::Closed
    ));
    assert!(house.accounts().await.is_empty());
    // … and the link of its mail still proves the address (PROTOCOL 7).
    let draft = house.draft(&third).await;
    let text = Link::Address.make(house.app.keys.master(), &draft.id, draft.mail.number);
    let answered = link::confirm(&house.app, &house.door(&third), &text).await;
    assert_eq!(step_of(&answered.unwrap()), Step::Done);
}

#[tokio::test]
async fn parallel_guesses_count() {
    let house = House::new(&[]);
    let mut person = house.person();
    house.answers(&mut person, "one", "a@mail.example").await;
    let guesses: Vec<_> = (0..60)
        .map(|n| {
            let (app, door) = (house.app.clone(), house.door(&person));
            tokio::spawn(
                async move { email::prove(&app, &door, &format!("{n:06}")).await.unwrap() },
            )
        })
        .collect();
    let mut compared = 0;
    for guess in guesses {
        compared += usize::from(matches!(guess.await.unwrap(), Answered::Wrong));
    }
    assert_eq!(compared, 4); // the fifth says that the code is spent
    assert_eq!(house.draft(&person).await.mail.tries, 5);
}

#[tokio::test]
async fn an_address_with_an_account_gets_no_second_one_and_the_same_answers() {
    let house = House::new(&[]);
    let mut owner = house.person();
    house
        .answers(&mut owner, "sarnai", "owner@mail.example")
        .await;
    let code = house.code(&owner).await;
    house.prove(&owner, &code).await;
    let mut known = house.person();
    let mut unknown = house.person();
    let with_account = house
        .answers(&mut known, "known", "Owner@mail.example")
        .await;
    let without = house
        .answers(&mut unknown, "unknown", "new@mail.example")
        .await;
    assert_eq!(with_account.moved.step, without.moved.step);
    let (one, other) = (house.draft(&known).await, house.draft(&unknown).await);
    assert_eq!(one.mail, other.mail);
    let here = std::net::Ipv4Addr::LOCALHOST.into();
    assert_eq!(
        email::truth(&house.app, &one, here).await.unwrap(),
        email::truth(&house.app, &other, here).await.unwrap()
    );
    // The code that a mail would have carried proves nothing (SECURITY R11).
    let code = house.code(&known).await;
    assert!(matches!(house.prove(&known, &code).await, Answered::Wrong));
    let kinds: Vec<String> = house
        .letters()
        .await
        .into_iter()
        .map(|letter| letter.kind)
        .collect();
    assert!(kinds.contains(&"already-account".to_owned()));
    assert_eq!(house.accounts().await.len(), 1);
}

#[tokio::test]
async fn a_lost_username_is_asked_for_again_and_the_address_stays_proved() {
    let house = House::new(&[]);
    let mut slow = house.person();
    house
        .answers(&mut slow, "temuulen", "slow@mail.example")
        .await;
    // Held while the check is fresh …
    let other = house.person();
    let held = house
        .try_answers(&other, "temuulen", "q@mail.example")
        .await;
    assert!(matches!(held, Err(Refused::Wrong(_))));
    // … and not for longer.
    house.later(minutes(31));
    let mut quick = house.person();
    house
        .answers(&mut quick, "temuulen", "q@mail.example")
        .await;
    let code = house.code(&quick).await;
    assert_eq!(step_of(&house.prove(&quick, &code).await), Step::Done);
    email::resend(&house.app, &house.door(&slow)).await.unwrap();
    let code = house.code(&slow).await;
    assert_eq!(step_of(&house.prove(&slow, &code).await), Step::Name);
    assert!(house.draft(&slow).await.mail.proved_at.is_some());
    let door = house.door(&slow);
    let again = name::choose(&house.app, &door, "temuulen").await.unwrap();
    assert!(matches!(again, Named::Wrong(Code::UsernameTaken { .. })));
    let named = name::choose(&house.app, &door, "temuulen-b").await.unwrap();
    assert!(matches!(
        named,
        Named::Moved(Moved {
            step: Step::Done,
            made: true,
            ..
        })
    ));
    assert_eq!(house.accounts().await.len(), 2);
}

#[tokio::test]
async fn mails_to_one_address_are_limited_across_drafts() {
    let house = House::new(&[]);
    for n in 0..8 {
        let mut person = house.person();
        house
            .answers(&mut person, &format!("person{n}"), "a@mail.example")
            .await;
    }
    assert_eq!(house.letters().await.len(), 3); // SECURITY R24
    for n in 0..9 {
        house.later(minutes(16));
        let mut person = house.person();
        house
            .answers(&mut person, &format!("again{n}"), "a@mail.example")
            .await;
    }
    assert_eq!(house.letters().await.len(), 10);
}

#[tokio::test]
async fn a_new_code_waits_30_seconds_and_kills_the_old_one() {
    let house = House::new(&[]);
    let mut person = house.person();
    house.answers(&mut person, "one", "a@mail.example").await;
    let old = house.code(&person).await;
    let door = house.door(&person);
    let soon = email::resend(&house.app, &door).await.unwrap();
    assert!(matches!(soon, Answered::Wait(wait) if wait == Duration::from_secs(30)));
    house.later(Duration::from_secs(30));
    let sent = email::resend(&house.app, &door).await.unwrap();
    assert!(matches!(sent, Answered::Sent));
    assert!(matches!(house.prove(&person, &old).await, Answered::Wrong));
    house.later(minutes(15));
    let code = house.code(&person).await;
    assert!(matches!(house.prove(&person, &code).await, Answered::Old));
}

#[tokio::test]
async fn a_mailed_link_changes_nothing_until_its_button_is_pressed_in_the_drafts_browser() {
    let house = House::new(&[]);
    let (mut person, stranger) = (house.person(), house.person());
    house.answers(&mut person, "one", "a@mail.example").await;
    let draft = house.draft(&person).await;
    let text = Link::Address.make(house.app.keys.master(), &draft.id, 1);
    for _ in 0..5 {
        let own = link::look(&house.app, &text, person.draft.as_deref()).await;
        assert!(matches!(own.unwrap(), link::Shown::Confirm(_)));
        let other = link::look(&house.app, &text, None).await;
        assert!(matches!(other.unwrap(), link::Shown::Code(_)));
    }
    assert_eq!(house.draft(&person).await, draft); // SECURITY R29
    let answered = link::confirm(&house.app, &house.door(&stranger), &text).await;
    assert_eq!(step_of(&answered.unwrap()), Step::Profile);
    let mut other = house.person();
    house.answers(&mut other, "two", "b@mail.example").await;
    let answered = link::confirm(&house.app, &house.door(&other), &text).await;
    assert!(matches!(answered.unwrap(), Answered::Old));
    let answered = link::confirm(&house.app, &house.door(&person), &text).await;
    assert_eq!(step_of(&answered.unwrap()), Step::Done);
}

#[tokio::test]
async fn a_draft_left_alone_asks_for_its_address_and_runs_out_after_a_day() {
    let house = House::new(&[]);
    let mut person = house.person();
    house.answers(&mut person, "one", "a@mail.example").await;
    house.later(minutes(30));
    let cookie = person.draft.clone();
    let Found::Idle(wizard) = find(&house.app, cookie.as_deref()).await.unwrap() else {
        panic!("it shows its answers");
    };
    assert!(
        !open_again(&house.app, &wizard.draft, "b@mail.example")
            .await
            .unwrap()
    );
    assert!(
        open_again(&house.app, &wizard.draft, " A@mail.example")
            .await
            .unwrap()
    );
    let found = find(&house.app, cookie.as_deref()).await.unwrap();
    assert!(matches!(found, Found::Open(_)));
    house.later(minutes(24 * 60));
    let found = find(&house.app, cookie.as_deref()).await.unwrap();
    assert!(matches!(found, Found::Nothing));
    assert_eq!(
        step_of(&house.prove(&person, "123456").await),
        Step::Profile
    );
}

#[tokio::test]
async fn all_mistakes_come_at_once_and_a_taken_name_with_free_ones() {
    let house = House::new(&[]);
    let mut first = house.person();
    house
        .answers(&mut first, "temuulen", "a@mail.example")
        .await;
    let typed = Typed {
        username: "temuu1en".to_owned(), // looks like the other
        ..Typed::default()
    };
    let door = house.door(&house.person());
    let Err(Refused::Wrong(wrong)) = profile::begin(&house.app, typed, &door, None).await else {
        panic!("taken");
    };
    let fields: Vec<&str> = wrong.iter().map(|one| one.field.id()).collect();
    assert_eq!(fields, ["name", "username", "email", "password"]);
    let Code::UsernameTaken { try_a, try_b } = &wrong[1].code else {
        panic!("{wrong:?}");
    };
    assert_ne!(try_a, try_b);
    for (n, name) in [try_a, try_b].into_iter().enumerate() {
        let mut person = house.person();
        house
            .answers(&mut person, name, &format!("b{n}@mail.example"))
            .await;
    }
}

#[tokio::test]
async fn someone_elses_half_made_sign_up_costs_the_owner_nothing() {
    let house = House::new(&[]);
    let mut thief = house.person();
    house
        .answers(&mut thief, "thief", "owner@mail.example")
        .await;
    house.later(minutes(1));
    let mut owner = house.person();
    house
        .answers(&mut owner, "sarnai", "owner@mail.example")
        .await;
    let code = house.code(&owner).await;
    // The owner's code opens nothing in the other draft, and the other way round.
    assert!(matches!(house.prove(&thief, &code).await, Answered::Wrong));
    assert_eq!(step_of(&house.prove(&owner, &code).await), Step::Done);
    let own = house.code(&thief).await;
    assert!(matches!(house.prove(&thief, &own).await, Answered::Wrong)); // SECURITY R14
    let accounts = house.accounts().await;
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0].username, "sarnai");
    assert_eq!(
        Email::parse(&accounts[0].email).unwrap().key(),
        "owner@mail.example"
    );
}
