//! The pages in a real browser: with script, without, by keyboard alone; for everyone's eyes and
//! ears (issue 2, 19; UX 6).

use std::path::PathBuf;

use gerege::flow::derived::check_seed;

use crate::app::{PASSWORD, TestApp};
use crate::chromium::{Callback, Chromium};
use crate::http::param;
use crate::road::{FORUM, register, request};

const TAB: &str = "\u{E004}";
const ENTER: &str = "\u{E007}";
const SPACE: &str = " ";

fn fill_profile(chromium: &Chromium, username: &str) {
    chromium.write("#name", "Temuulen Bat");
    chromium.write("#username", username);
    chromium.write("#email", &format!("{username}@mail.example"));
    chromium.write("#password", PASSWORD);
}

/// The way of a stranger from the messenger through the wizard and back.
fn wizard(app: &TestApp, chromium: &Chromium) {
    let callback = Callback::listen();
    let at = request(&[("redirect_uri", &callback.uri), ("prompt", "create")]);
    chromium.open(&format!("{}{at}", app.origin));
    assert_eq!(chromium.h1(), "Create an account");
    assert!(chromium.source().contains("Demo messenger"));
    fill_profile(chromium, "temuulen");
    chromium.go("main form button.btn[type=submit]");
    assert_eq!(chromium.h1(), "Read and accept");
    chromium.go("button[value=accept]");
    assert_eq!(chromium.h1(), "Enter the code we sent");
    let code = app.letter("temuulen@mail.example").code();
    chromium.write("#code", &code);
    chromium.go("main form button.btn[type=submit]");
    assert_eq!(chromium.h1(), "Your account is ready");
    let back = std::thread::scope(|scope| {
        let heard = scope.spawn(|| callback.heard());
        chromium.go("main form button.btn[type=submit]");
        heard.join().unwrap()
    });
    assert_eq!(chromium.h1(), "Back in the messenger");
    let code = param(&back, "code").unwrap_or_else(|| panic!("{back}"));
    let answer = crate::road::token(
        &mut app.browser(),
        &[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", &callback.uri),
            ("code_verifier", crate::road::VERIFIER),
        ],
    );
    answer.is(200);
}

fn sign_out_and_in(app: &TestApp, chromium: &Chromium) {
    chromium.open(&format!("{}/signout", app.origin));
    chromium.go("button[value=signout]");
    assert!(chromium.h1().contains("signed out"), "{}", chromium.h1());
    chromium.open(&format!("{}/signin", app.origin));
    chromium.write("#login", "temuulen");
    chromium.write("#password", "a wrong guess of someone");
    chromium.go("main form button.btn[type=submit]");
    assert!(chromium.has(".sum[role=alert]"));
    assert!(chromium.source().contains("does not match"));
    chromium.write("#password", PASSWORD);
    chromium.go("main form button.btn[type=submit]");
    assert!(chromium.url().ends_with("/account"), "{}", chromium.url());
    assert!(chromium.source().contains("Temuulen Bat"));
}

#[test]
fn a_stranger_signs_up_and_in_with_script() {
    let app = TestApp::new();
    let chromium = Chromium::start("script", true);
    wizard(&app, &chromium);
    sign_out_and_in(&app, &chromium);
    // What script adds: the password can be seen.
    chromium.open(&format!("{}/signup", app.origin));
    let other = Chromium::start("show", true);
    other.open(&format!("{}/signin", app.origin));
    other.write("#password", "shown");
    other.click("button[data-shows=password]");
    assert_eq!(
        other.run("return document.querySelector('#password').type"),
        "text"
    );
    assert_eq!(other.text("#password-state"), "Your password is visible");
}

#[test]
fn a_stranger_signs_up_and_in_without_script() {
    let app = TestApp::new();
    let chromium = Chromium::start("bare", false);
    chromium.open("data:text/html,<title>before</title><script>document.title = 'after'</script>");
    let title = chromium.source();
    assert!(
        title.contains("<title>before</title>"),
        "script runs: {title}"
    );
    wizard(&app, &chromium);
    sign_out_and_in(&app, &chromium);
}

/// Goes on by Tab until the focus is on what is looked for; every stop must be seen.
fn tab_to(chromium: &Chromium, wanted: &str) {
    for _ in 0..40 {
        chromium.press(TAB);
        let seen = chromium.run(
            "const now = document.activeElement;
             return [now.id, now.name || '', now.value || '', now.tagName,
                     [now, now.parentElement].map((one) => getComputedStyle(one)).some((one) =>
                       one.outlineStyle !== 'none' && parseFloat(one.outlineWidth) > 0
                       || one.boxShadow !== 'none')]",
        );
        if seen[3] == "BODY" {
            continue;
        }
        assert_eq!(seen[4], true, "the focus cannot be seen: {seen}");
        if seen[0] == wanted || seen[2] == wanted || (wanted == "submit" && seen[3] == "BUTTON") {
            return;
        }
    }
    panic!("no way to {wanted} by Tab");
}

#[test]
fn a_stranger_signs_up_and_in_by_keyboard_alone() {
    let app = TestApp::new();
    let chromium = Chromium::start("keys", true);
    chromium.open(&format!("{}/signup", app.origin));
    // Nothing typed: the summary is what is heard first, and its first link leads to the field.
    tab_to(&chromium, "password");
    chromium.enter();
    assert_eq!(
        chromium.run("return document.activeElement.id"),
        "sum",
        "focus on the summary"
    );
    chromium.press(TAB);
    chromium.press(ENTER);
    assert_eq!(
        chromium.run("return document.activeElement.id"),
        "name",
        "the link leads to the field"
    );
    chromium.press("Temuulen Bat");
    for (id, text) in [
        ("username", "temuulen"),
        ("email", "temuulen@mail.example"),
        ("password", PASSWORD),
    ] {
        tab_to(&chromium, id);
        chromium.press(text);
    }
    chromium.enter();
    assert_eq!(chromium.h1(), "Read and accept");
    tab_to(&chromium, "accept");
    chromium.enter();
    let code = app.letter("temuulen@mail.example").code();
    tab_to(&chromium, "code");
    chromium.press(&code);
    chromium.enter();
    assert_eq!(chromium.h1(), "Your account is ready");
    tab_to(&chromium, "keep");
    chromium.press(SPACE);
    tab_to(&chromium, "submit");
    chromium.enter();
    assert!(chromium.url().ends_with("/account"), "{}", chromium.url());
    chromium.open(&format!("{}/signout", app.origin));
    tab_to(&chromium, "signout");
    chromium.enter();
    chromium.open(&format!("{}/signin", app.origin));
    tab_to(&chromium, "login");
    chromium.press("temuulen");
    chromium.press(TAB);
    // UX S1: Tab goes straight from the name to the password.
    assert_eq!(chromium.run("return document.activeElement.id"), "password");
    chromium.press(PASSWORD);
    chromium.enter();
    assert!(chromium.url().ends_with("/account"), "{}", chromium.url());
}

/// Looks at pages as they come, in both colours and narrow.
struct Eye<'a> {
    chromium: &'a Chromium,
    wrong: Vec<String>,
    seen: usize,
}

impl Eye<'_> {
    fn look(&mut self, name: &str) {
        self.seen += 1;
        for (scheme, width) in [
            ("light", 1280),
            ("dark", 1280),
            ("light", 320),
            ("dark", 320),
        ] {
            self.chromium.color(scheme);
            self.chromium.size(width, 900);
            for found in self.chromium.axe() {
                self.wrong.push(format!("{name} {scheme} {width}: {found}"));
            }
            let over = self.chromium.run(
                "return document.documentElement.scrollWidth - document.documentElement.clientWidth",
            );
            if over.as_i64() != Some(0) {
                self.wrong
                    .push(format!("{name} {width}: {over} px over the side"));
            }
        }
        self.chromium.color("light");
        self.chromium.size(1280, 1000);
    }

    fn open(&mut self, url: &str, name: &str) {
        self.chromium.open(url);
        self.look(name);
    }

    fn picture(&self, name: &str) {
        if std::env::var("UPDATE_PICTURES").is_ok_and(|set| set == "1") {
            let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/pictures");
            self.chromium.picture(&folder.join(format!("{name}.png")));
        }
    }
}

/// The letters of a draft's picture now.
fn letters(app: &TestApp) -> String {
    let email = "temuulen@mail.example";
    let drafts = app.drafts();
    let draft = drafts
        .into_iter()
        .find(|draft| draft.email == email)
        .expect("a draft");
    let seed = check_seed(app.app.keys.master(), &draft.id, draft.check.number);
    gerege::captcha::Challenge::new(seed, usize::from(app.app.config.check.length)).letters()
}

#[test]
fn every_page_is_for_everyone() {
    let app = TestApp::with(&[("CHECK__KIND", "picture"), ("SIGNUP__MIN_AGE", "16")]);
    register(&app);
    let chromium = Chromium::start("eye", true);
    chromium.color("light");
    let mut eye = Eye {
        chromium: &chromium,
        wrong: Vec::new(),
        seen: 0,
    };
    let at = |path: &str| format!("{}{path}", app.origin);
    for path in [
        "/help",
        "/cookies",
        "/terms",
        "/nothing",
        "/signin",
        "/forgot",
        "/dev/mail",
    ] {
        eye.open(&at(path), path);
    }
    eye.open(
        &at(&request(&[(
            "redirect_uri",
            "http://evil.example/callback",
        )])),
        "redirect",
    );
    eye.open(&at(&request(&[("client_id", "nobody")])), "unknown app");
    chromium.open(&at("/signin"));
    eye.picture("signin");
    chromium.go("main form button.btn[type=submit]");
    eye.look("/signin with mistakes");
    // The wizard.
    eye.open(&at(&request(&[("prompt", "create")])), "/signup");
    eye.picture("signup");
    chromium.go("main form button.btn[type=submit]");
    eye.look("/signup with mistakes");
    fill_profile(&chromium, "temuulen");
    chromium.go("main form button.btn[type=submit]");
    eye.look("/signup/check");
    chromium.go("main form button.btn[type=submit]");
    eye.look("/signup/check with a mistake");
    for way in ["sound", "question", "person", "picture"] {
        if chromium.has(&format!("button[value={way}]")) {
            chromium.go(&format!("button[value={way}]"));
            eye.look(&format!("/signup/check {way}"));
        }
    }
    chromium.write("#code", &letters(&app));
    chromium.go("main form button.btn[type=submit]");
    eye.look("/signup/agree");
    chromium.go("button[value=decline]");
    eye.look("/signup/agree declined");
    chromium.open(&at("/signup/agree"));
    chromium.go("button[value=accept]");
    eye.look("/signup/agree with a mistake");
    chromium.click("#age");
    chromium.go("button[value=accept]");
    eye.look("/signup/email");
    let letter = app.letter("temuulen@mail.example");
    eye.open(&at("/dev/mail"), "/dev/mail with a letter");
    chromium.go("main a[href^='/dev/mail/']");
    eye.look("/dev/mail/…");
    eye.open(&at(&letter.link("/e/")), "/e/…");
    chromium.open(&at("/signup/email"));
    chromium.write("#code", "000000");
    chromium.go("main form button.btn[type=submit]");
    eye.look("/signup/email with a mistake");
    chromium.write("#code", &letter.code());
    chromium.go("main form button.btn[type=submit]");
    eye.look("/signup/done");
    // The account.
    for path in [
        "/account",
        "/account/details",
        "/account/signing-in",
        "/account/devices",
        "/account/apps",
        "/account/log",
        "/account/agreements",
        "/confirm?for=details",
        "/signout",
        "/oauth2/logout",
    ] {
        eye.open(&at(path), path);
        if path == "/account" {
            eye.picture("home");
        }
    }
    let forum = [
        ("client_id", "forum"),
        ("redirect_uri", FORUM),
        ("scope", "openid profile email"),
    ];
    eye.open(&at(&request(&forum)), "/consent");
    assert!(chromium.url().contains("/consent"), "{}", chromium.url());
    eye.picture("consent");
    eye.open(&at(&request(&[])), "/signin/continue");
    eye.open(
        &at(&request(&[("prompt", "select_account")])),
        "/signin/choose",
    );
    crate::ciba::bank(&app);
    crate::ciba::ask(&app, &[("binding_message", "W4SCT, room 5")]).is(200);
    app.deliver();
    eye.open(&at("/account"), "/account with a question");
    eye.open(&at("/account/asked"), "/account/asked");
    chromium.go("button[name=asked]");
    eye.look("/account/asked/allow");
    assert!(
        chromium.url().contains("/account/asked/allow"),
        "{}",
        chromium.url()
    );
    chromium.go("button[value=allow]");
    eye.look("/device/done");
    chromium.open(&at("/account/details"));
    chromium.go("button[value=name]");
    eye.look("/account/details saved");
    chromium.open(&at("/signout"));
    chromium.go("button[value=signout]");
    eye.look("signed out");
    // A way back in.
    chromium.open(&at("/forgot"));
    chromium.write("#login", "temuulen");
    chromium.go("main form button.btn[type=submit]");
    eye.look("/reset");
    let link = app.letter("temuulen@mail.example").link("/reset/");
    eye.open(&at(&link), "/reset/…");
    chromium.write("#password", "another lantern nine saddle");
    chromium.go("main form button.btn[type=submit]");
    eye.look("/reset/done");
    app.deliver();
    assert!(eye.seen > 40, "{} pages", eye.seen);
    assert!(eye.wrong.is_empty(), "{}", eye.wrong.join("\n"));
}
