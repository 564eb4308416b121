//! `gerege token inspect`, on a database of its own that lives in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use gerege::account::{Account, username};
use gerege::app::App;
use gerege::clock::Clock;
use gerege::config::{Config, Engine};
use gerege::flow::opaque;
use gerege::flow::operate::token::{Kind, inspect as explain};
use gerege::keys::Purpose;
use gerege::oauth::client::RefreshPolicy;
use gerege::oauth::refresh::Family;
use gerege::oauth::service::Algorithm;
use gerege::rng::{Rng, Secret, digest};
use gerege::store::{self, Store, migrate};
use serde_json::{Map, Value};

use super::registered::{NOW, clients, grant, services};
use super::signer::b64;
use super::text;
use crate::Depth;

struct House {
    app: Arc<App>,
    runtime: tokio::runtime::Runtime,
    refresh: String,
}

static HOUSE: LazyLock<House> = LazyLock::new(House::build);

impl House {
    fn build() -> Self {
        let folder = std::env::temp_dir().join(format!("gerege-fuzz-{}", Rng::System.id()));
        let env: BTreeMap<String, String> = [
            ("GEREGE_DATA_DIR", folder.display().to_string()),
            ("GEREGE_PASSWORD__MEMORY_KIB", "8".into()),
            ("GEREGE_DATABASE__POOL", "2".into()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let mut config = Config::load(None, &env, Some(true)).unwrap();
        // Kept by whoever has it open; nothing is left on the disk when the process ends.
        let name = format!("file:{}?mode=memory&cache=shared", Rng::System.id());
        config.database.engine = Engine::Sqlite(name.into());
        std::fs::create_dir_all(&folder).unwrap();
        let _open = Store::open(&config.database.engine, 1).unwrap();
        migrate::run(&config.database.engine, None).unwrap();
        let app = Arc::new(App::build(config, Clock::fixed(NOW), Rng::seeded(1)).unwrap());
        std::fs::remove_dir_all(&folder).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let bare = Secret::derived([7; 32]);
        let refresh = opaque::Refresh::first(app.keys.master(), &bare, "g");
        let refresh = refresh.reveal().to_owned();
        let hash = digest(&refresh);
        let key = app
            .keys
            .make("chat", Algorithm::ES256, 0, NOW, NOW, &app.rng)
            .unwrap();
        let write = app.store.write(move |c| {
            let [forum, mut desk, ..] = clients();
            desk.refresh = RefreshPolicy::Always;
            store::client::add(c, &forum)?.expect("free");
            store::client::add(c, &desk)?.expect("free");
            for service in services() {
                store::client::add_service(c, &service)?.expect("free");
            }
            let person = account();
            let skeleton = username::skeleton(&person.username);
            store::account::add(c, &person, &skeleton, "mac")?.expect("free");
            store::key::add(c, &key)?;
            store::grant::add(c, &grant(), NOW.plus(Duration::from_secs(1000)))?;
            store::grant::add_family(
                c,
                &Family {
                    grant_id: "g".into(),
                    hash: hash.clone(),
                    generation: 0,
                    created_at: NOW,
                    used_at: NOW,
                    used: Vec::new(),
                    idle_until: NOW.plus(Duration::from_secs(900)),
                    ends_at: NOW.plus(Duration::from_secs(1000)),
                    binding: None,
                },
            )
        });
        runtime.block_on(write).unwrap();
        app.keys
            .load(&app.store.read_now(store::key::list).unwrap())
            .unwrap();
        Self {
            app,
            runtime,
            refresh,
        }
    }
}

fn account() -> Account {
    Account {
        id: "a".into(),
        username: "temuulen".into(),
        name: "Temuulen".into(),
        email: "temuulen@mail.example".into(),
        email_key: "temuulen@mail.example".into(),
        password: String::new(),
        language: "en".into(),
        created_at: NOW,
        password_at: NOW,
        locked_at: None,
    }
}

/// A token; `at+jwt`, `JWT` or `sealed` in a first line has the claims after it signed or sealed.
pub fn inspect(input: &[u8]) -> Depth {
    let text = text!(input);
    let house = &*HOUSE;
    let asked = match text.split_once('\n') {
        Some((typ @ ("at+jwt" | "JWT"), claims)) => {
            let Ok(claims) = serde_json::from_str::<Map<String, Value>>(claims) else {
                return Depth::Door;
            };
            house
                .app
                .keys
                .sign("chat", Algorithm::ES256, typ, &claims, NOW)
                .unwrap()
        }
        Some(("sealed", claims)) => {
            let master = house.app.keys.master();
            let rng = Rng::seeded(1);
            let sealed = master
                .seal(Purpose::Opaque, b"access", claims.as_bytes(), &rng)
                .unwrap();
            format!("ga_{}", b64(sealed))
        }
        _ => text.replace("{refresh}", &house.refresh),
    };
    let report = house.runtime.block_on(explain(&house.app, &asked)).unwrap();
    if !report.is_good() {
        assert!(report.why_not.iter().all(|why| !why.is_empty()));
        let vouched = report.kind == Kind::Opaque && !report.claims.is_empty()
            || report.kind == Kind::Refresh
            || report
                .signature
                .as_deref()
                .is_some_and(|words| words.starts_with("good"));
        assert!(
            vouched || report.account.is_none(),
            "nobody vouches for it, and it names one"
        );
        return if asked.contains('.') || asked.starts_with('g') {
            Depth::Judged
        } else {
            Depth::Door
        };
    }
    let claim = |name: &str| report.claims.get(name).and_then(Value::as_str);
    match report.kind {
        Kind::Refresh => assert_eq!(asked.trim(), house.refresh, "nobody handed it out"),
        Kind::Access | Kind::Id | Kind::Opaque => {
            assert_eq!(claim("iss"), Some(house.app.config.issuer()));
            assert!(
                report.expires_at.is_some_and(|end| end > NOW),
                "it has no end ahead"
            );
            assert!(report.client.is_some(), "an app that is not on file");
            let machine = claim("sub") == claim("client_id") && report.kind != Kind::Id;
            assert!(machine || report.account.as_ref().is_some_and(|one| one.id == "a"));
            if report.kind == Kind::Access {
                // The key that signs here is trusted by one service alone.
                assert_eq!(claim("aud"), Some("https://chat.example"));
            }
        }
        Kind::Code | Kind::Unknown => panic!("{asked} is taken for good"),
    }
    Depth::Accepted
}
