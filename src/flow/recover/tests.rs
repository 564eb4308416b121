//! Stories of getting back in, told to a database of their own.

use super::*;
use crate::flow::signin::Outcome;
use crate::flow::signin::tests::{DEVICE, House, PASSWORD};
use crate::oauth::grant::Grant;
use crate::worker;

const NEWER: &str = "forty yaks cross a frozen lake";

impl House {
    async fn ask(&self, typed: &str, device: Option<&str>) -> Asked {
        let now = self.app.clock.now();
        ask(&self.app, typed, device, &self.visitor(), now)
            .await
            .unwrap()
    }

    /// The secrets of the resets of an account, in no order.
    async fn secrets(&self, name: &str) -> Vec<String> {
        let account = self.account(name).await.id;
        let open = self.app.store.read(|c| store::outbox::open(c, 100));
        let mut secrets = Vec::new();
        for item in open.await.unwrap() {
            let Ok(Letter::Reset { reset_id }) = serde_json::from_str(&item.body) else {
                continue;
            };
            let id = reset_id.clone();
            let row = self.app.store.read(move |c| reset::find(c, &id));
            if row
                .await
                .unwrap()
                .is_some_and(|row| row.account_id == account)
            {
                secrets.push(Link::Reset.make(self.app.keys.master(), &reset_id, 0));
            }
        }
        secrets
    }

    async fn renew(&self, secret: &str, password: &str) -> Renewed {
        let now = self.app.clock.now();
        renew(
            &self.app,
            secret,
            password,
            "reset-device",
            &self.visitor(),
            now,
        )
        .await
        .unwrap()
    }
}

// SECURITY R27, R30
#[tokio::test]
async fn a_reset_ends_everything_and_signs_nobody_in() {
    let house = House::new().await;
    let (cookie, here) = house.enter("temuulen", DEVICE).await;
    let (session, account) = here.first().cloned().unwrap();
    let (now, grant_id) = (house.app.clock.now(), house.app.rng.id());
    let given = Grant {
        id: grant_id.clone(),
        account_id: account.id.clone(),
        client_id: "demo-messenger".into(),
        sid: session.sid,
        scopes: vec!["openid".into()],
        resources: Vec::new(),
        offline: true,
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
    let ends = now.plus(LIFE * 100);
    let add = house.app.store.write(move |c| grant::add(c, &given, ends));
    add.await.unwrap();

    house.ask("temuulen", None).await;
    house.ask("temuulen@mail.example", None).await;
    let secrets = house.secrets("temuulen").await;
    assert_eq!(secrets.len(), 2);
    // Looking changes nothing (SECURITY R29).
    for _ in 0..5 {
        let opened = open(&house.app, &secrets[0], now).await.unwrap().unwrap();
        assert_eq!(
            (opened.account.username.as_str(), opened.places.len()),
            ("temuulen", 2)
        );
    }
    assert_eq!(
        house.renew(&secrets[0], "temuulen temuulen").await,
        Renewed::Mistake(Code::PasswordContains(crate::account::Own::Username))
    );
    assert_eq!(house.renew(&secrets[0], NEWER).await, Renewed::Done);

    assert!(house.here(&cookie).await.signed_in.is_empty());
    let grant = house.app.store.read(move |c| grant::find(c, &grant_id));
    assert!(grant.await.unwrap().unwrap().revoked_at.is_some());
    for secret in &secrets {
        assert_eq!(house.renew(secret, PASSWORD).await, Renewed::Old);
    }
    assert!(matches!(
        house.attempt("temuulen", PASSWORD, DEVICE).await,
        Outcome::Wrong
    ));
    assert!(matches!(
        house.attempt("temuulen", NEWER, "reset-device").await,
        Outcome::In { .. }
    ));
    assert_eq!(
        house.letters().await,
        ["reset", "reset", "password-changed"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_is_spent_once() {
    let house = Arc::new(House::new().await);
    house.ask("temuulen", None).await;
    let secret = house.secrets("temuulen").await.remove(0);
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let (house, secret) = (house.clone(), secret.clone());
            tokio::spawn(async move { house.renew(&secret, NEWER).await })
        })
        .collect();
    let mut done = 0;
    for one in callers {
        done += usize::from(one.await.unwrap() == Renewed::Done);
    }
    assert_eq!(done, 1);
}

#[tokio::test]
async fn a_reset_runs_out_and_a_made_up_one_opens_nothing() {
    let house = House::new().await;
    house.ask("temuulen", None).await;
    let secret = house.secrets("temuulen").await.remove(0);
    let now = house.app.clock.now();
    for bad in ["", "x", &secret[1..], &format!("{secret}A")] {
        assert!(open(&house.app, bad, now).await.unwrap().is_none(), "{bad}");
    }
    house.pass(30 * 60);
    assert_eq!(house.renew(&secret, NEWER).await, Renewed::Old);
}

// SECURITY R24, PROTOCOL 7
#[tokio::test]
async fn resets_are_limited_by_name_and_quietly_by_account() {
    let house = House::new().await;
    for name in ["temuulen", "nobody"] {
        for _ in 0..3 {
            assert_eq!(house.ask(name, None).await, Asked::Sent, "{name}");
        }
        for _ in 0..100 {
            assert_eq!(house.ask(name, None).await, Asked::Limited, "{name}");
        }
    }
    // By the address it looks as if nothing had been asked for.
    assert_eq!(house.ask("temuulen@mail.example", None).await, Asked::Sent);
    assert_eq!(house.secrets("temuulen").await.len(), 3);
    // What was refused did not spend the day's allowance.
    for _ in 0..2 {
        house.pass(31 * 60);
        assert_eq!(house.ask("temuulen", None).await, Asked::Sent);
    }
    assert_eq!(house.secrets("temuulen").await.len(), 5);
}

#[tokio::test]
async fn nobody_spends_the_allowance_of_a_known_device() {
    let house = House::new().await;
    house.enter("temuulen", DEVICE).await;
    for _ in 0..100 {
        house.ask("temuulen", Some("attacker")).await;
        house.pass(60);
    }
    house.pass(31 * 60);
    let before = house.secrets("temuulen").await.len();
    assert_eq!(
        house.ask("temuulen", Some("attacker")).await,
        Asked::Limited
    );
    assert_eq!(house.ask("temuulen", Some(DEVICE)).await, Asked::Sent);
    assert_eq!(house.secrets("temuulen").await.len(), before + 1);
}

// SECURITY R10, R28
#[tokio::test]
async fn a_letter_about_nobody_is_never_sent() {
    let house = House::new().await;
    house.ask("nobody", None).await;
    assert_eq!(house.letters().await, ["reset"]);
    worker::send_due(&house.app).await.unwrap();
    let crate::mail::Mailer::Folder(folder) = &house.app.mailer else {
        panic!("not dev mode");
    };
    assert!(folder.list().unwrap().is_empty());
    house.ask("temuulen", None).await;
    worker::send_due(&house.app).await.unwrap();
    let caught = folder.list().unwrap();
    assert_eq!(caught.len(), 1);
    assert_eq!(caught[0].to, "temuulen@mail.example");
}
