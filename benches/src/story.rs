//! What people and programs do with the server, as they do it: the page is fetched, the form is
//! sent, the code is exchanged.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::http::{Answer, Caller, Jar, encode, form, get, post};
use crate::key::Key;
use crate::process::Gerege;

/// How many people there are.
pub const PEOPLE: usize = 64;
/// Where the app of the bench is returned to.
const BACK: &str = "https://phone.steppe.example/back";
/// An app's verifier for PKCE (RFC 7636 4.1).
const VERIFIER: &str = "dBjftJeZ4CVP-mBQQi0qpW2Yx8z2fFv8o3y6bZ0aZk4";

/// The password of every person of the bench.
const PASSWORD: &str = "ninety-nine grey geese over the lake";

/// What programs prove themselves with.
pub struct Secrets {
    /// The app that asks for itself.
    pub nightly: String,
    /// The service that is asked about tokens.
    pub chat: String,
    /// The program behind that service, which passes tokens on.
    pub behind: String,
    /// The app that pushes its requests: one that keeps a secret is not slowed by its address.
    pub forum: String,
    /// The key of the app that proves itself by what it signs.
    pub signer: Key,
}

/// Puts people, apps and services on file.
///
/// # Errors
/// When a command fails.
pub fn prepare(gerege: &Gerege) -> anyhow::Result<Secrets> {
    let file = gerege.folder.join("password");
    std::fs::write(&file, PASSWORD)?;
    let file = file.display().to_string();
    for n in 0..PEOPLE {
        let (name, address) = (person(n), format!("{}@mail.example", person(n)));
        gerege.run(&[
            "user",
            "add",
            &name,
            "--email",
            &address,
            "--password-file",
            &file,
        ])?;
    }
    let secret = |words: &[&str], name: &str| -> anyhow::Result<String> {
        let said: serde_json::Value = serde_json::from_str(&gerege.run(words)?)?;
        Ok(said[name].as_str().context("no secret")?.to_owned())
    };
    let mut chat = String::new();
    for (id, algorithm, machine) in [
        ("chat-es", "ES256", false),
        ("chat-rs", "RS256", false),
        ("reports", "ES256", true),
    ] {
        let mut words = vec!["service", "add", id, "--audience", id, "--scope", id];
        words.extend(["--json", "--algorithm", algorithm]);
        words.extend(if machine {
            ["--machine"].as_slice()
        } else {
            ["--claim", "jid={username}@{domain}"].as_slice()
        });
        let given = secret(&words, "secret")?;
        if id == "chat-es" {
            chat = given;
        }
    }
    gerege.run(&[
        "client",
        "add",
        "phone",
        "--public",
        "--first-party",
        "--refresh",
        "always",
        "--redirect",
        BACK,
        "--scope",
        "openid profile chat-es chat-rs",
    ])?;
    gerege.run(&[
        "client",
        "add",
        "television",
        "--public",
        "--grant",
        "device_code",
        "--scope",
        "openid",
    ])?;
    let signer = Key::new()?;
    let keys = gerege.folder.join("keys.json");
    std::fs::write(&keys, json!({ "keys": [signer.jwk()] }).to_string())?;
    gerege.run(&[
        "client",
        "add",
        "signer",
        "--auth",
        "private_key_jwt",
        "--jwks",
        &keys.display().to_string(),
        "--grant",
        "client_credentials",
        "--scope",
        "reports",
    ])?;
    let client = |words: &[&str]| {
        let all = [&["client", "add"], words, &["--json"]].concat();
        secret(&all, "client_secret")
    };
    Ok(Secrets {
        nightly: client(&[
            "nightly",
            "--grant",
            "client_credentials",
            "--scope",
            "reports",
        ])?,
        behind: client(&[
            "behind",
            "--grant",
            "token_exchange",
            "--service",
            "chat-es",
            "--exchange",
            "chat-rs",
        ])?,
        forum: client(&["forum", "--redirect", BACK, "--scope", "openid profile"])?,
        chat,
        signer,
    })
}

fn person(n: usize) -> String {
    format!("rider{n}")
}

/// A person's browser, at a network address of its own.
pub struct Browser {
    caller: Caller,
    jar: Jar,
    from: String,
    login: String,
}

impl Browser {
    /// The `n`th person's.
    pub fn new(address: SocketAddr, n: usize) -> Self {
        Self {
            caller: Caller::new(address),
            jar: Jar::default(),
            from: format!("X-Forwarded-For: 198.18.{}.{}\r\n", n / 200, n % 200 + 1),
            login: person(n),
        }
    }

    /// The browser of somebody that nobody knows.
    pub fn stranger(address: SocketAddr, n: usize) -> Self {
        Self {
            login: format!("nobody{n}"),
            ..Self::new(address, 1000 + n)
        }
    }

    fn open(&mut self, path: &str) -> anyhow::Result<Answer> {
        let headers = format!("{}{}", self.from, self.jar.line());
        let answer = self.caller.send(&get(path, &headers))?;
        self.jar.take(&answer);
        Ok(answer)
    }

    fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> anyhow::Result<Answer> {
        let headers = format!("{}{}", self.from, self.jar.line());
        let answer = self.caller.send(&post(path, &headers, fields))?;
        self.jar.take(&answer);
        Ok(answer)
    }

    /// Opens the sign-in page as a browser does that was signed out, but is known.
    ///
    /// # Errors
    /// When the page is not there.
    pub fn open_sign_in(&mut self) -> anyhow::Result<String> {
        self.jar.drop("gerege");
        let page = self.open("/signin")?.expect(200)?;
        Ok(hidden(&page)?.1)
    }

    /// Sends the form of the sign-in page.
    ///
    /// # Errors
    /// When the server is not there.
    pub fn send_sign_in(&mut self, form: &str) -> anyhow::Result<Answer> {
        let login = self.login.clone();
        self.submit(
            "/signin",
            &[("form", form), ("login", &login), ("password", PASSWORD)],
        )
    }

    /// Signs in: the page, then the form.
    ///
    /// # Errors
    /// When the person is not let in.
    pub fn sign_in(&mut self) -> anyhow::Result<()> {
        let form = self.open_sign_in()?;
        self.send_sign_in(&form)?.expect(303)?;
        Ok(())
    }

    /// As [`Browser::sign_in`]; where the queue is full the person comes back at once.
    ///
    /// # Errors
    /// As there.
    pub fn sign_in_or_wait(&mut self) -> anyhow::Result<()> {
        let form = self.open_sign_in()?;
        let answer = self.send_sign_in(&form)?;
        if answer.status != 503 {
            answer.expect(303)?;
        }
        Ok(())
    }

    /// Gives the app tokens with this scope; the person is signed in.
    ///
    /// # Errors
    /// When the way to them is another.
    pub fn allow(&mut self, scope: &str) -> anyhow::Result<Tokens> {
        let challenge = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, VERIFIER.as_bytes());
        let mut at = format!(
            "/oauth2/authorize?response_type=code&client_id=phone&redirect_uri={}&scope={}\
             &state=s&code_challenge_method=S256&code_challenge={}",
            encode(BACK),
            encode(scope),
            URL_SAFE_NO_PAD.encode(challenge),
        );
        for _ in 0..8 {
            let answer = self.open(&at)?;
            at = match answer.status {
                302 | 303 => answer.header("location").context("no way on")?.to_owned(),
                // The agreement of dev mode.
                200 => self.agree(&at, &answer)?,
                _ => answer.expect(303)?.text().into_owned(),
            };
            if let Some(query) = at.strip_prefix(BACK) {
                let code = query
                    .trim_start_matches('?')
                    .split('&')
                    .find_map(|pair| pair.strip_prefix("code="))
                    .context("no code")?
                    .to_owned();
                return self.redeem(&code, scope);
            }
            // Ours are paths or whole URLs.
            if let Some((_, path)) = at
                .split_once("://")
                .and_then(|(_, rest)| rest.split_once('/'))
            {
                at = format!("/{path}");
            }
        }
        bail!("the way to the app does not end")
    }

    fn agree(&mut self, at: &str, page: &Answer) -> anyhow::Result<String> {
        let mut fields = all_hidden(page);
        fields.push(("decision".to_owned(), "accept".to_owned()));
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let answer = self.submit(at, &fields)?.expect(303)?;
        Ok(answer.header("location").context("no way on")?.to_owned())
    }

    fn redeem(&mut self, code: &str, scope: &str) -> anyhow::Result<Tokens> {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("client_id", "phone"),
            ("code", code),
            ("redirect_uri", BACK),
            ("code_verifier", VERIFIER),
        ];
        // Of several services the first (RFC 8707 2.2).
        if let Some(service) = scope
            .split(' ')
            .next()
            .filter(|one| one.starts_with("chat"))
        {
            fields.push(("resource", service));
        }
        let answer = self.submit("/oauth2/token", &fields)?.expect(200)?;
        Ok(Tokens {
            access: member(&answer, "access_token")?,
            refresh: member(&answer, "refresh_token")?,
        })
    }
}

/// What an app gets.
pub struct Tokens {
    /// For the service, or for userinfo.
    pub access: String,
    /// For the next ones.
    pub refresh: String,
}

/// A text of a JSON answer.
///
/// # Errors
/// When it is not there.
pub fn member(answer: &Answer, name: &str) -> anyhow::Result<String> {
    let said: serde_json::Value = serde_json::from_slice(&answer.body)?;
    Ok(said[name]
        .as_str()
        .with_context(|| format!("no {name}"))?
        .to_owned())
}

fn all_hidden(page: &Answer) -> Vec<(String, String)> {
    let text = page.text();
    let value = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!("{name}=\""))?;
        Some(rest.split('"').next()?.to_owned())
    };
    text.split("<input type=\"hidden\"")
        .skip(1)
        .filter_map(|tag| {
            let tag = tag.split('>').next()?;
            Some((value(tag, "name")?, value(tag, "value")?))
        })
        .collect()
}

fn hidden(page: &Answer) -> anyhow::Result<(String, String)> {
    let form = all_hidden(page)
        .into_iter()
        .find(|(name, _)| name == "form");
    form.context("a page without its form")
}

/// An app that exchanges its refresh token again and again.
pub struct Phone {
    caller: Caller,
    token: String,
}

impl Phone {
    /// With a first refresh token.
    pub fn new(address: SocketAddr, token: String) -> Self {
        Self {
            caller: Caller::new(address),
            token,
        }
    }

    /// Exchanges the token for the next one.
    ///
    /// # Errors
    /// When it is refused.
    pub fn refresh(&mut self) -> anyhow::Result<()> {
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", "phone"),
            ("refresh_token", self.token.as_str()),
        ];
        let request = post("/oauth2/token", "", &fields);
        let answer = self.caller.send(&request)?.expect(200)?;
        let next = member(&answer, "refresh_token")?;
        if next == self.token {
            bail!("the refresh token did not change");
        }
        self.token = next;
        Ok(())
    }
}

/// What the app that asks for itself sends.
pub const MACHINE: [(&str, &str); 2] = [("grant_type", "client_credentials"), ("scope", "reports")];

/// The request of the app that asks for itself.
pub fn machine(secret: &str) -> Vec<u8> {
    post("/oauth2/token", &basic("nightly", secret), &MACHINE)
}

/// The header line of a program's secret.
pub fn basic(id: &str, secret: &str) -> String {
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
    format!("Authorization: Basic {basic}\r\n")
}

/// A request that is pushed.
pub fn pushed(secret: &str, state: &str) -> Vec<u8> {
    let fields = asked(state);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, v)| (*name, v.as_str())).collect();
    post("/oauth2/par", &basic("forum", secret), &fields)
}

/// The same request, as a browser brings it.
pub fn brought(state: &str, headers: &str) -> Vec<u8> {
    let fields = asked(state);
    let mut fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, v)| (*name, v.as_str())).collect();
    fields.push(("client_id", "forum"));
    get(&format!("/oauth2/authorize?{}", form(&fields)), headers)
}

fn asked(state: &str) -> [(&'static str, String); 6] {
    let challenge = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, VERIFIER.as_bytes());
    [
        ("redirect_uri", BACK.to_owned()),
        ("response_type", "code".to_owned()),
        ("scope", "openid profile".to_owned()),
        ("state", state.to_owned()),
        ("code_challenge_method", "S256".to_owned()),
        ("code_challenge", URL_SAFE_NO_PAD.encode(challenge)),
    ]
}

/// The header line by which a proxy tells of the `n`th caller's network address.
pub fn from(n: usize) -> String {
    let at = std::net::Ipv4Addr::from_bits(0x0a00_0000 + (n % 0x00ff_ffff) as u32);
    format!("X-Forwarded-For: {at}\r\n")
}
