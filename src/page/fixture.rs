//! One or more examples of every page and mail, for the tests: each branch of a template is taken.

use super::view::*;
use super::{App, Asked, Engine, Error, FieldError, Lang, Mail, Member, Person, Shell, Step, View};
use crate::clock::Time;

/// A rendered page with its name.
pub(super) type Page = (String, Result<String, Error>);

const AT: Time = Time::from_millis(1_795_338_062_000);
/// A grey PNG of one pixel, as a picture that can be told from a missing one.
const PICTURE: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==";

fn s(text: &str) -> String {
    text.to_owned()
}

pub(super) fn person() -> Person {
    Person {
        name: s("Тэмүүлэн Бат"),
        username: s("temuulen"),
        address: s("temuulen@steppe.example"),
    }
}

pub(super) fn app() -> App {
    App {
        name: s("Steppe Chat"),
        host: s("chat.steppe.example"),
    }
}

fn errors(engine: &Engine, lang: &Lang, list: &[(&str, &str)]) -> Vec<FieldError> {
    let args = |id: &str| -> Vec<(&'static str, String)> {
        match id {
            "username-taken" => vec![("try_a", s("temuulen-b")), ("try_b", s("temuulen7"))],
            "password-short" => vec![("has", s("6")), ("needs", s("10"))],
            "agree-age" => vec![("age", s("16"))],
            "signin-slow" | "code-wait" => vec![("seconds", s("30"))],
            _ => vec![],
        }
    };
    list.iter()
        .map(|(field, id)| engine.error(lang, field, id, &args(id)))
        .collect()
}

fn documents() -> Vec<Document> {
    let one = |id: &str, title: &str, optional: bool| Document {
        id: s(id),
        version: s("3"),
        language: s("en"),
        title: s(title),
        in_force_at: AT,
        summary: vec![
            s("Be kind. Do not send people what they do not want."),
            s("We may close accounts that hurt others."),
            s("You may leave at any time and take your data with you."),
        ],
        changes: s("A line about voice messages is new."),
        html: s(
            "<h2>1. What this is</h2><p>The whole text &amp; more.</p><ul><li>One</li><li>Two</li></ul>",
        ),
        optional,
        ticked: false,
    };
    vec![
        one("terms", "Terms of use", false),
        one("news", "News by email", true),
    ]
}

fn sessions() -> Vec<Session> {
    let one = |id: &str, name: &str, kind: DeviceKind, this: bool| Session {
        id: s(id),
        name: s(name),
        kind,
        place: s("203.0.113.0/24"),
        first_at: AT,
        last_at: AT,
        this,
    };
    vec![
        one("1", "Firefox on Linux", DeviceKind::Computer, true),
        one("2", "Steppe Chat on Android", DeviceKind::Phone, false),
        one("3", "gajim on Debian", DeviceKind::Program, false),
    ]
}

fn entries(engine: &Engine, lang: &Lang) -> Vec<Entry> {
    let one = |id: &str, kind: DeviceKind| Entry {
        text: engine.text(lang, id, &[]),
        device: s("Firefox on Linux"),
        kind,
        place: s("203.0.113.0/24"),
        at: AT,
    };
    vec![
        one("log-signin", DeviceKind::Computer),
        one("log-password", DeviceKind::Phone),
    ]
}

fn connected() -> Vec<Connected> {
    let one = |id: &str, name: &str, host: &str| Connected {
        id: s(id),
        name: s(name),
        host: s(host),
        since: AT,
        can: vec![s("Know your name and username")],
    };
    vec![
        one("steppe-chat", "Steppe Chat", "chat.steppe.example"),
        one("forum", "Herders’ Forum", ""),
    ]
}

fn listed() -> Vec<TermsListed> {
    vec![TermsListed {
        id: s("terms"),
        version: s("2"),
        title: s("Terms of use"),
        in_force_at: AT,
        summary: s("Be kind."),
    }]
}

struct Book<'a> {
    engine: &'a Engine,
    lang: &'a Lang,
    pages: Vec<Page>,
}

impl Book<'_> {
    fn shell(&self) -> Shell {
        let mut shell = self.engine.shell(self.lang, "Steppe ID");
        shell.form = s("1a2b3c");
        shell.reference = s("4F7K2");
        shell.contact = s("help@steppe.example");
        shell
    }

    fn add<V: View>(&mut self, name: &str, shell: &Shell, view: &V) {
        let page = self.engine.page(shell, view);
        let name = if name.is_empty() {
            s(V::TEMPLATE)
        } else {
            format!("{}-{name}", V::TEMPLATE)
        };
        self.pages.push((name, page));
    }

    fn plain<V: View>(&mut self, name: &str, view: &V) {
        self.add(name, &self.shell(), view);
    }

    fn for_app<V: View>(&mut self, name: &str, view: &V) {
        let mut shell = self.shell();
        shell.app = Some(app());
        self.add(name, &shell, view);
    }

    fn step<V: View>(&mut self, name: &str, number: u32, view: &V) {
        let mut shell = self.shell();
        shell.app = Some(app());
        shell.step = Some(Step { number, total: 5 });
        self.add(name, &shell, view);
    }

    fn account<V: View>(&mut self, name: &str, notice: Option<&str>, view: &V) {
        let mut shell = self.shell();
        shell.account = Some(Member {
            person: person(),
            since: AT,
        });
        shell.notice = notice.map(|id| self.engine.text(self.lang, id, &[]));
        self.add(name, &shell, view);
    }

    fn errors(&self, list: &[(&str, &str)]) -> Vec<FieldError> {
        errors(self.engine, self.lang, list)
    }
}

/// Every page in one language.
pub(super) fn pages(engine: &Engine, lang: &Lang) -> Vec<Page> {
    let mut book = Book {
        engine,
        lang,
        pages: Vec::new(),
    };
    wizard(&mut book);
    ways_in(&mut book);
    account(&mut book);
    rest(&mut book);
    book.pages
}

fn wizard(book: &mut Book<'_>) {
    let mut profile = Profile {
        domain: s("steppe.example"),
        min_length: 10,
        signin: s("/signin?request=1"),
        ..Profile::default()
    };
    book.step("", 1, &profile);
    profile.name = person().name;
    profile.username = person().username;
    profile.email = s("temuulen.bat@mail.example");
    profile.errors = book.errors(&[
        ("username", "username-taken"),
        ("password", "password-short"),
    ]);
    book.step("wrong", 1, &profile);

    let ways = Ways {
        picture: true,
        sound: true,
        question: true,
        person: true,
    };
    let mut picture = CheckPicture {
        picture: s(PICTURE),
        length: 6,
        ways,
        ..CheckPicture::default()
    };
    picture.ways.picture = false;
    book.step("", 2, &picture);
    picture.others_first = true;
    picture.errors = book.errors(&[("code", "check-others")]);
    book.step("wrong", 2, &picture);
    picture = CheckPicture {
        picture: s(PICTURE),
        length: 5,
        ..CheckPicture::default()
    };
    book.step("alone", 2, &picture);
    let mut sound = CheckSound {
        sound: s("/signup/check/sound.wav"),
        ways,
        errors: vec![],
    };
    book.step("", 2, &sound);
    sound.errors = book.errors(&[("code", "check-sound-wrong")]);
    book.step("wrong", 2, &sound);
    let question = CheckQuestion {
        question: s("Which of these is an animal: table, horse, Tuesday?"),
        ways,
        errors: book.errors(&[("code", "check-question-wrong")]),
    };
    book.step("", 2, &question);
    let mut asked = CheckPerson {
        ways,
        ..CheckPerson::default()
    };
    book.step("", 2, &asked);
    asked.note = s("I know <Saraa> from the choir.\nI want to write to her.");
    asked.errors = book.errors(&[("note", "check-person-empty")]);
    book.step("wrong", 2, &asked);
    book.step(
        "",
        2,
        &CheckWork {
            challenge: s("c0ffee"),
            bits: 16,
            picture: s(PICTURE),
            length: 6,
            ways,
            errors: vec![],
        },
    );

    let mut agree = Agree {
        documents: documents(),
        min_age: 16,
        ..Agree::default()
    };
    book.step("", 3, &agree);
    agree.errors = book.errors(&[("age", "agree-age")]);
    book.step("wrong", 3, &agree);
    book.step("", 3, &Declined {});

    let email = Email {
        address: s("temuulen.bat@gmial.com"),
        from: s("Steppe ID <no-reply@steppe.example>"),
        minutes: 15,
        ..Email::default()
    };
    book.step("", 4, &email);
    book.step(
        "wrong",
        4,
        &Email {
            slip: Some(s("gmail.com")),
            wait_seconds: 30,
            errors: book.errors(&[("code", "code-wrong")]),
            ..email.clone()
        },
    );
    book.step(
        "refused",
        4,
        &Email {
            refused: Some(RefusedMail {
                domain: s("mail.example"),
                said: s("550 5.1.1 <script>No such person</script>"),
            }),
            email: s("new@mail.example"),
            errors: book.errors(&[("email", "email-format")]),
            ..email.clone()
        },
    );
    book.step(
        "down",
        4,
        &Email {
            mail_down: true,
            ..email.clone()
        },
    );
    book.step(
        "link-only",
        4,
        &Email {
            link_only: true,
            ..email
        },
    );
    book.step(
        "",
        4,
        &NameAgain {
            username: s("temuulen"),
            domain: s("steppe.example"),
            address: s("temuulen.bat@mail.example"),
            errors: book.errors(&[("username", "username-taken")]),
        },
    );
    book.plain(
        "",
        &Waiting {
            address: s("temuulen.bat@mail.example"),
            days: 14,
        },
    );
    let done = Done {
        person: person(),
        keep: true,
        ..Done::default()
    };
    book.step("", 5, &done);
    book.plain(
        "no-app",
        &Done {
            keep: false,
            messengers: vec![MessengerHint {
                name: s("Gajim"),
                server: s("chat.steppe.example"),
            }],
            ..done.clone()
        },
    );
    book.step(
        "late",
        5,
        &Done {
            late: true,
            start_again: Some(s("https://chat.steppe.example/start")),
            ..done
        },
    );
    book.plain(
        "",
        &DraftAsksAddress {
            email: s("someone@mail.example"),
            errors: book.errors(&[("email", "address-wrong")]),
        },
    );
    book.plain(
        "same",
        &MailLink {
            address: Some(s("temuulen.bat@mail.example")),
            code: None,
        },
    );
    book.plain(
        "other",
        &MailLink {
            address: None,
            code: Some(s("482 913")),
        },
    );
    book.plain("", &LetIn { person: person() });
}

fn ways_in(book: &mut Book<'_>) {
    let mut signin = SignIn {
        signup: s("/signup?request=1"),
        forgot: s("/forgot"),
        ..SignIn::default()
    };
    book.for_app("", &signin);
    signin.login = s("temuulen");
    signin.keep = true;
    signin.signup = String::new();
    signin.errors = book.errors(&[("password", "signin-wrong"), ("", "form-old")]);
    book.plain("wrong", &signin);
    let choices = vec![
        Choice {
            id: s("a1"),
            person: person(),
            signed_in: true,
        },
        Choice {
            id: s("a2"),
            person: Person {
                name: s("Ida"),
                username: s("ida"),
                address: s("ida@steppe.example"),
            },
            signed_in: false,
        },
    ];
    book.for_app("", &Choose { choices });
    let go_on = ContinueAs {
        id: s("a1"),
        person: person(),
    };
    book.for_app("", &go_on);
    book.plain("no-app", &go_on);
    book.plain(
        "",
        &Forgot {
            signin: s("/signin"),
            ..Forgot::default()
        },
    );
    book.plain(
        "wrong",
        &Forgot {
            login: s("x"),
            signin: s("/signin"),
            errors: book.errors(&[("login", "login-empty")]),
        },
    );
    book.plain(
        "",
        &ForgotSent {
            minutes: 30,
            from: s("no-reply@steppe.example"),
            limited: false,
            errors: book.errors(&[("secret", "secret-wrong")]),
        },
    );
    let reset = Reset {
        person: person(),
        min_length: 10,
        ..Reset::default()
    };
    book.plain("", &reset);
    book.plain(
        "wrong",
        &Reset {
            secret: Some(s("pasted")),
            sessions: sessions(),
            errors: book.errors(&[("password", "password-common")]),
            ..reset
        },
    );
    book.plain(
        "",
        &ResetDone {
            signin: s("/signin"),
        },
    );
    book.plain(
        "",
        &Confirm {
            person: person(),
            minutes: 10,
            errors: book.errors(&[("password", "confirm-wrong")]),
        },
    );
    book.plain(
        "",
        &SignOut {
            person: person(),
            app: Some(s("Steppe Chat")),
        },
    );
    book.plain(
        "",
        &SignedOut {
            apps: vec![s("Steppe Chat"), s("Herders’ Forum")],
            signin: s("/signin"),
        },
    );
    let again = TermsAgain {
        documents: documents(),
        later_until: Some(AT),
        errors: vec![],
    };
    book.plain("", &again);
    book.plain(
        "now",
        &TermsAgain {
            later_until: None,
            ..again
        },
    );
    let scopes: Vec<String> = ["openid", "profile", "chat", "offline_access", "weather"]
        .map(s)
        .into();
    let (mut can, cannot) = book.engine.abilities(
        book.lang,
        &Asked {
            scopes: &scopes,
            services: &[(s("chat"), s("steppe.example"))],
            name: "Тэмүүлэн Бат",
            address: "temuulen@steppe.example",
            email: "temuulen.bat@mail.example",
            days: 90,
        },
    );
    let consent = Consent {
        app: app(),
        person: person(),
        can: can.clone(),
        cannot,
        privacy: Some(s("https://chat.steppe.example/privacy")),
        unchecked_since: None,
        not_you: s("/signin/choose"),
    };
    book.for_app("", &consent);
    if let Some(last) = can.last_mut() {
        last.optional = true;
    }
    book.for_app(
        "unchecked",
        &Consent {
            app: App {
                name: s("<b>Odd</b>"),
                host: String::new(),
            },
            can,
            privacy: None,
            unchecked_since: Some(AT),
            ..consent
        },
    );
    let post = FormPost {
        action: s("https://chat.steppe.example/cb"),
        fields: vec![Hidden {
            name: s("code"),
            value: s("abc"),
        }],
    };
    book.for_app("", &post);
    book.plain("no-app", &post);
}

fn account(book: &mut Book<'_>) {
    let entries = entries(book.engine, book.lang);
    book.account(
        "",
        None,
        &Home {
            sessions: sessions(),
            apps: connected(),
            entries: entries.clone(),
        },
    );
    book.account("new", Some("notice-password"), &Home::default());
    let details = Details {
        name: person().name,
        email: s("temuulen.bat@mail.example"),
        ..Details::default()
    };
    book.account("", Some("notice-name"), &details);
    book.account(
        "wrong",
        None,
        &Details {
            new_email: s("x@"),
            pending: Some(s("new@mail.example")),
            errors: book.errors(&[("code", "code-wrong"), ("email", "email-format")]),
            ..details
        },
    );
    book.account(
        "",
        None,
        &SigningIn {
            password_at: AT,
            min_length: 10,
            errors: book.errors(&[("password", "password-weak")]),
        },
    );
    book.account(
        "",
        Some("notice-session"),
        &Devices {
            sessions: sessions(),
        },
    );
    book.account(
        "",
        None,
        &Apps {
            apps: connected(),
            minutes: 10,
        },
    );
    book.account("none", None, &Apps::default());
    book.account(
        "",
        None,
        &Log {
            entries,
            older: Some(s("/account/log?before=1")),
            days: 365,
        },
    );
    book.account("none", None, &Log::default());
    book.account(
        "",
        None,
        &Agreements {
            agreements: vec![Agreed {
                document: s("terms"),
                version: s("3"),
                title: s("Terms of use"),
                accepted_at: AT,
                language: s("en"),
                sha256: "0f".repeat(32),
            }],
        },
    );
    book.account("none", None, &Agreements::default());
}

fn rest(book: &mut Book<'_>) {
    for name in FAULTS {
        let page = book
            .engine
            .fault(book.lang, 400, name, &[("seconds", s("20"))]);
        book.plain(name, &page);
    }
    let mut page = book.engine.fault(book.lang, 400, "app-request", &[]);
    page.facts.push(Fact {
        label: s("code"),
        value: s("invalid_request"),
    });
    book.plain("facts", &page);
    let file = [
        s("https://chat.steppe.example/callback"),
        s("http://127.0.0.1/callback"),
    ];
    let asked = "https://chat.steppe.example/callback/";
    book.for_app(
        "",
        &RedirectMismatch::new(app(), "steppe-chat", asked, &file),
    );
    book.for_app(
        "none",
        &RedirectMismatch::new(app(), "steppe-chat", asked, &[]),
    );
    book.plain(
        "",
        &TermsList {
            documents: listed(),
        },
    );
    book.plain("none", &TermsList::default());
    for document in documents() {
        let id = document.id.clone();
        book.plain(
            &id,
            &TermsDocument {
                document,
                sha256: "0f".repeat(32),
                versions: listed(),
            },
        );
    }
    book.plain(
        "",
        &Cookies {
            prefix: s("__Host-"),
        },
    );
    book.plain("", &Help { signup: true });
    let mut shell = book.shell();
    shell.contact = String::new();
    book.add("no-contact", &shell, &Help { signup: false });
    let mail = ListedMail {
        id: s("1-a"),
        to: s("temuulen.bat@mail.example"),
        subject: s("482 913 is your Steppe ID code"),
        at: AT,
    };
    book.plain(
        "",
        &DevMailbox {
            mails: vec![mail.clone()],
        },
    );
    book.plain("none", &DevMailbox::default());
    book.plain(
        "",
        &DevMail {
            mail,
            from: s("Steppe ID <no-reply@steppe.example>"),
            text: s("Hello,\n\n482 913\n\nhttp://localhost:8777/e/1?a=1&b=2\n<b>"),
        },
    );
}

/// The error pages that `Engine::fault` knows.
pub(super) const FAULTS: [&str; 14] = [
    "not-found",
    "bad-request",
    "method",
    "too-large",
    "form",
    "slow",
    "busy",
    "broken",
    "request-old",
    "link-old",
    "signup-closed",
    "app-unknown",
    "app-request",
    "forbidden",
];

/// Every mail in one language.
pub(super) fn mails(engine: &Engine, lang: &Lang) -> Vec<(String, Result<Mail, Error>)> {
    fn one<V: super::MailView>(
        engine: &Engine,
        lang: &Lang,
        view: &V,
    ) -> (String, Result<Mail, Error>) {
        (s(V::TEMPLATE), engine.mail(lang, view))
    }
    let server = Server {
        name: s("Steppe ID"),
        url: s("https://id.steppe.example"),
        contact: s("help@steppe.example"),
    };
    let name = person().name;
    let username = person().username;
    let code = SignupCode {
        server: server.clone(),
        name: name.clone(),
        code: s("482 913"),
        link: s("https://id.steppe.example/e/abc"),
        minutes: 15,
        app: Some(s("Steppe Chat")),
    };
    let reset = ResetSecret {
        server: server.clone(),
        name: name.clone(),
        username: username.clone(),
        link: s("https://id.steppe.example/reset/example"),
        secret: Some(s("EXAMPLE-LINE")),
        minutes: 30,
    };
    let changed = EmailChanged {
        server: server.clone(),
        name: name.clone(),
        old: s("t•••@mail.example"),
        new: s("new@mail.example"),
        to_old: true,
        at: AT,
    };
    vec![
        one(engine, lang, &code),
        one(
            engine,
            lang,
            &SignupCode {
                app: None,
                name: s("win at bad.example"),
                ..code
            },
        ),
        one(
            engine,
            lang,
            &AlreadyAccount {
                server: server.clone(),
                name: name.clone(),
                username,
                signin: s("https://id.steppe.example/signin"),
                forgot: s("https://id.steppe.example/forgot"),
            },
        ),
        one(engine, lang, &reset),
        one(
            engine,
            lang,
            &ResetSecret {
                secret: None,
                ..reset
            },
        ),
        one(
            engine,
            lang,
            &PasswordChanged {
                server: server.clone(),
                name: name.clone(),
                at: AT,
                device: s("Firefox on Linux"),
                forgot: s("https://id.steppe.example/forgot"),
            },
        ),
        one(
            engine,
            lang,
            &NewDevice {
                server: server.clone(),
                name: name.clone(),
                at: AT,
                device: s("Firefox on Linux"),
                place: s("203.0.113.0/24"),
                devices: s("https://id.steppe.example/account/devices"),
            },
        ),
        one(
            engine,
            lang,
            &LetInMail {
                server: server.clone(),
                name: name.clone(),
                link: s("https://id.steppe.example/e/let"),
                days: 14,
            },
        ),
        one(
            engine,
            lang,
            &NotLetIn {
                server: server.clone(),
                name: name.clone(),
                note: s("We know nobody by that name."),
            },
        ),
        one(
            engine,
            lang,
            &EmailCode {
                server: server.clone(),
                name,
                code: s("482 913"),
                minutes: 15,
            },
        ),
        one(engine, lang, &changed),
        one(
            engine,
            lang,
            &EmailChanged {
                to_old: false,
                ..changed
            },
        ),
        one(engine, lang, &MailTest { server, at: AT }),
    ]
}
