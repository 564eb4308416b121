//! Stories of the account pages, told to a database of their own.

use super::*;
use crate::account::session::PROOF;
use crate::flow::signin::Outcome;
use crate::flow::signin::tests::{DEVICE, House, PASSWORD};
use crate::oauth::grant::Grant;

const NEWER: &str = "forty yaks cross a frozen lake";

impl House {
    async fn let_in(&self, session: &Session, client: &str, offline: bool) -> String {
        let now = self.app.clock.now();
        let given = Grant {
            id: self.app.rng.id(),
            account_id: session.account_id.clone(),
            client_id: client.into(),
            sid: session.sid.clone(),
            scopes: vec!["openid".into(), "profile".into()],
            resources: Vec::new(),
            offline,
            claims: Default::default(),
            details: Default::default(),
            nonce: None,
            auth_time: now,
            amr: vec!["pwd".into()],
            dpop_jkt: None,
            managed: None,
            created_at: now,
            revoked_at: None,
        };
        let (id, ends) = (given.id.clone(), now.plus(PROOF * 1000));
        let add = self.app.store.write(move |c| grant::add(c, &given, ends));
        add.await.unwrap();
        id
    }

    async fn stands(&self, id: &str) -> bool {
        let id = id.to_owned();
        let found = self.app.store.read(move |c| grant::find(c, &id));
        found.await.unwrap().unwrap().revoked_at.is_none()
    }
}

#[tokio::test]
async fn a_name_is_judged_and_kept() {
    let house = House::new().await;
    let account = house.account("temuulen").await;
    let (visitor, now) = (house.visitor(), house.app.clock.now());
    let empty = rename(&house.app, &account, "  ", &visitor, now).await;
    assert_eq!(empty.unwrap(), Err(Code::NameEmpty));
    let good = rename(&house.app, &account, " Тэмүүлэн  Бат ", &visitor, now).await;
    assert_eq!(good.unwrap(), Ok(()));
    assert_eq!(house.account("temuulen").await.name, "Тэмүүлэн Бат");
    assert_eq!(house.log(&account.id).await, ["name"]);
}

// SECURITY R08, R30
#[tokio::test]
async fn a_new_password_ends_every_other_session_and_what_came_from_it() {
    let house = House::new().await;
    let (mine, here) = house.enter("temuulen", DEVICE).await;
    let (session, account) = here.first().cloned().unwrap();
    let (theirs, there) = house.enter("temuulen", "other").await;
    let (other, _) = there.first().cloned().unwrap();
    let kept = house.let_in(&session, "mine", true).await;
    let gone = [
        house.let_in(&other, "theirs", true).await,
        house.let_in(&other, "theirs", false).await,
    ];
    let (visitor, now) = (house.visitor(), house.app.clock.now());
    let change = |typed: &'static str| {
        renew(
            &house.app,
            (&session, &account),
            typed,
            DEVICE,
            &visitor,
            now,
        )
    };
    assert_eq!(
        change("short").await.unwrap(),
        Renewed::Mistake(Code::PasswordShort { has: 5, needs: 10 })
    );
    assert_eq!(change(NEWER).await.unwrap(), Renewed::Done);
    // What was read before is not what stands.
    assert_eq!(change(NEWER).await.unwrap(), Renewed::Gone);
    assert_eq!(house.here(&mine).await.signed_in.len(), 1);
    assert!(house.here(&theirs).await.signed_in.is_empty());
    assert!(house.stands(&kept).await);
    for id in gone {
        assert!(!house.stands(&id).await);
    }
    assert!(matches!(
        house.attempt("temuulen", PASSWORD, DEVICE).await,
        Outcome::Wrong
    ));
    assert!(
        house
            .letters()
            .await
            .contains(&"password-changed".to_owned())
    );
}

// SECURITY R39
#[tokio::test]
async fn a_person_sees_and_ends_their_own_places_only() {
    let house = House::new().await;
    let (_, here) = house.enter("temuulen", DEVICE).await;
    let (session, account) = here.first().cloned().unwrap();
    let (other_cookie, there) = house.enter("temuulen", "other").await;
    let (other, _) = there.first().cloned().unwrap();
    let (sarnai_cookie, sarnai) = house.enter("sarnai", "third").await;
    let (sarnai, _) = sarnai.first().cloned().unwrap();
    let messenger = house.let_in(&session, "talker", true).await;
    house.let_in(&session, "site", false).await;
    let sarnais = house.let_in(&sarnai, "talker", true).await;
    let (visitor, now) = (house.visitor(), house.app.clock.now());

    let seen = places(&house.app, &account.id, &session.sid, now);
    let seen = seen.await.unwrap();
    assert_eq!(seen.len(), 3);
    assert!(seen[0].this && seen[0].id == session.sid);
    assert_eq!(seen.iter().filter(|place| place.program).count(), 1);

    for (id, ends) in [
        (sarnai.sid.clone(), false),
        (format!("app-{sarnais}"), false),
        ("made-up".to_owned(), false),
        (format!("app-{messenger}"), true),
        (format!("app-{messenger}"), false),
        (other.sid.clone(), true),
        (other.sid.clone(), false),
    ] {
        let ended = end_place(&house.app, &account.id, &id, &visitor, now).await;
        assert_eq!(ended.unwrap(), ends, "{id}");
    }
    assert!(house.here(&other_cookie).await.signed_in.is_empty());
    assert_eq!(house.here(&sarnai_cookie).await.signed_in.len(), 1);
    assert!(house.stands(&sarnais).await && !house.stands(&messenger).await);
}

#[tokio::test]
async fn everywhere_else_is_all_but_this_session_and_what_dies_with_it() {
    let house = House::new().await;
    let (mine, here) = house.enter("temuulen", DEVICE).await;
    let (session, _) = here.first().cloned().unwrap();
    let (theirs, _) = house.enter("temuulen", "other").await;
    let messenger = house.let_in(&session, "talker", true).await;
    let site = house.let_in(&session, "site", false).await;
    let (visitor, now) = (house.visitor(), house.app.clock.now());
    end_others(&house.app, &session, &visitor, now)
        .await
        .unwrap();
    assert_eq!(house.here(&mine).await.signed_in.len(), 1);
    assert!(house.here(&theirs).await.signed_in.is_empty());
    assert!(!house.stands(&messenger).await);
    assert!(house.stands(&site).await);
}

// SECURITY R59
#[tokio::test]
async fn a_removed_app_loses_its_grants_and_its_consent() {
    let house = House::new().await;
    let (_, here) = house.enter("temuulen", DEVICE).await;
    let (session, account) = here.first().cloned().unwrap();
    let grants = [
        house.let_in(&session, "forum", true).await,
        house.let_in(&session, "forum", false).await,
    ];
    let other = house.let_in(&session, "wiki", false).await;
    house.pass(1);
    let (visitor, now) = (house.visitor(), house.app.clock.now());
    let (id, email) = (account.id.clone(), vec!["email".to_owned()]);
    let allow = house
        .app
        .store
        .write(move |c| grant::allow(c, &id, "forum", &email, now));
    allow.await.unwrap();
    let listed = apps(&house.app, &account.id, now).await.unwrap();
    assert_eq!(listed.len(), 2);
    let forum = listed.iter().find(|one| one.client_id == "forum").unwrap();
    assert_eq!(forum.scopes, ["openid", "profile", "email"]);

    let remove = || remove_app(&house.app, &account.id, "forum", &visitor, now);
    assert_eq!(remove().await.unwrap().as_deref(), Some("forum"));
    assert_eq!(remove().await.unwrap(), None);
    for id in grants {
        assert!(!house.stands(&id).await);
    }
    assert!(house.stands(&other).await);
    let listed = apps(&house.app, &account.id, now).await.unwrap();
    assert_eq!(listed.len(), 1);
    let lines = log(&house.app, &account.id, None, 1).await.unwrap();
    assert_eq!(
        (lines[0].kind.as_str(), lines[0].app.as_str()),
        ("app.removed", "forum")
    );
}

impl House {
    /// The code of the change that waits, as it is mailed.
    async fn code(&self, account_id: &str) -> String {
        let (id, now) = (account_id.to_owned(), self.app.clock.now());
        let found = self
            .app
            .store
            .read(move |c| store::address::find(c, &id, now));
        let change = found.await.unwrap().unwrap();
        crate::flow::derived::mail_code(self.app.keys.master(), &change.id, &change.email, 0)
    }
}

// SECURITY R27
#[tokio::test]
async fn an_address_is_changed_only_by_its_code() {
    let house = House::new().await;
    let (_, here) = house.enter("temuulen", DEVICE).await;
    let (session, account) = here.first().cloned().unwrap();
    let (visitor, now) = (house.visitor(), house.app.clock.now());
    let (app, whose) = (&house.app, (&session, &account));
    for (typed, told) in [
        ("", Asked::Mistake(Code::EmailEmpty)),
        ("x", Asked::Mistake(Code::EmailFormat)),
        ("Temuulen@mail.example", Asked::Same),
        ("new@mail.example", Asked::Sent),
    ] {
        let asked = ask_email(app, &account, typed, &visitor, now).await;
        assert_eq!(asked.unwrap(), told, "{typed}");
    }
    crate::flow::recover::ask(app, "temuulen", None, &visitor, now)
        .await
        .unwrap();
    let code = house.code(&account.id).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for (typed, told) in [("12", Proved::Empty), (wrong, Proved::Wrong)] {
        let proved = prove_email(app, whose, typed, &visitor, now).await;
        assert_eq!(proved.unwrap(), told);
    }
    assert_eq!(
        house.account("temuulen").await.email,
        "temuulen@mail.example"
    );
    let proved = prove_email(app, whose, &code, &visitor, now).await;
    assert_eq!(proved.unwrap(), Proved::Done);
    assert_eq!(house.account("temuulen").await.email, "new@mail.example");
    let again = prove_email(app, whose, &code, &visitor, now).await;
    assert_eq!(again.unwrap(), Proved::Spent);
    let id = account.id.clone();
    let live = app
        .store
        .read(move |c| store::reset::count_live(c, &id, now));
    assert_eq!(
        live.await.unwrap(),
        0,
        "what went to the old address is dead"
    );
    assert_eq!(
        house.letters().await,
        ["email-code", "reset", "email-changed", "email-changed"]
    );
}

// SECURITY R25
#[tokio::test]
async fn an_address_code_dies_after_five_tries_and_fifteen_minutes() {
    let house = House::new().await;
    let (_, here) = house.enter("temuulen", DEVICE).await;
    let (session, account) = here.first().cloned().unwrap();
    let (app, whose, visitor) = (&house.app, (&session, &account), house.visitor());
    let (account, visitor) = (&account, &visitor);
    let ask = || ask_email(app, account, "new@mail.example", visitor, app.clock.now());
    let prove = |typed: String| async move {
        let now = app.clock.now();
        prove_email(app, whose, &typed, visitor, now).await.unwrap()
    };
    assert_eq!(ask().await.unwrap(), Asked::Sent);
    let code = house.code(&account.id).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..4 {
        assert_eq!(prove(wrong.to_owned()).await, Proved::Wrong);
    }
    assert_eq!(prove(wrong.to_owned()).await, Proved::Spent);
    assert_eq!(prove(code).await, Proved::Spent);
    assert_eq!(ask().await.unwrap(), Asked::Sent);
    let code = house.code(&account.id).await;
    house.pass(15 * 60);
    assert_eq!(prove(code).await, Proved::Spent);
    // Three mails to one address in 15 minutes (SECURITY R24).
    for _ in 0..3 {
        assert_eq!(ask().await.unwrap(), Asked::Sent);
    }
    let quarter = std::time::Duration::from_secs(900);
    assert_eq!(ask().await.unwrap(), Asked::Limited(quarter));
}

// SECURITY R10, R11
#[tokio::test]
async fn an_address_of_another_account_is_not_told_and_never_taken() {
    let house = House::new().await;
    let (_, here) = house.enter("temuulen", DEVICE).await;
    let (session, account) = here.first().cloned().unwrap();
    let (visitor, now) = (house.visitor(), house.app.clock.now());
    let asked = ask_email(&house.app, &account, "sarnai@mail.example", &visitor, now).await;
    assert_eq!(asked.unwrap(), Asked::Sent);
    assert_eq!(house.letters().await, ["already-account"]);
    let code = house.code(&account.id).await;
    let whose = (&session, &account);
    let proved = prove_email(&house.app, whose, &code, &visitor, now).await;
    assert_eq!(proved.unwrap(), Proved::Spent);
    assert_eq!(
        house.account("temuulen").await.email,
        "temuulen@mail.example"
    );
}
