//! What people and programs do with the server, as they do it: the page is fetched, the form is
//! sent, the code is exchanged.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::http::{Answer, Caller, Jar, encode, get, post};
use crate::process::Gerege;

/// How many people there are.
pub const PEOPLE: usize = 64;
/// Where the app of the bench is returned to.
const BACK: &str = "https://phone.steppe.example/back";
/// An app's verifier for PKCE (RFC 7636 4.1).
const VERIFIER: &str = "dBjftJeZ4CVP-mBQQi0qpW2Yx8z2fFv8o3y6bZ0aZk4";

/// The password of every person of the bench.
const PASSWORD: &str = "ninety-nine grey geese over the lake";

/// Puts people, apps and services on file; gives the secret of the app that asks for itself.
///
/// # Errors
/// When a command fails.
pub fn prepare(gerege: &Gerege) -> anyhow::Result<String> {
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
    for (id, algorithm, machine) in [
        ("chat-es", "ES256", false),
        ("chat-rs", "RS256", false),
        ("reports", "ES256", true),
    ] {
        let mut words = vec!["service", "add", id, "--audience", id, "--scope", id];
        words.extend(["--algorithm", algorithm]);
        words.extend(if machine {
            ["--machine", "--no-secret"].as_slice()
        } else {
            ["--claim", "jid={username}@{domain}", "--no-secret"].as_slice()
        });
        gerege.run(&words)?;
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
        "chat-es chat-rs",
    ])?;
    let said = gerege.run(&[
        "client",
        "add",
        "nightly",
        "--grant",
        "client_credentials",
        "--scope",
        "reports",
        "--json",
    ])?;
    let said: serde_json::Value = serde_json::from_str(&said)?;
    let secret = said["client_secret"].as_str().context("no secret")?;
    Ok(secret.to_owned())
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

    /// Gives the app a refresh token with this scope; the person is signed in.
    ///
    /// # Errors
    /// When the way to it is another.
    pub fn allow(&mut self, scope: &str) -> anyhow::Result<String> {
        let challenge = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, VERIFIER.as_bytes());
        let mut at = format!(
            "/oauth2/authorize?response_type=code&client_id=phone&redirect_uri={}&scope={scope}\
             &state=s&code_challenge_method=S256&code_challenge={}",
            encode(BACK),
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
                return self.redeem(&code);
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

    fn redeem(&mut self, code: &str) -> anyhow::Result<String> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", "phone"),
            ("code", code),
            ("redirect_uri", BACK),
            ("code_verifier", VERIFIER),
        ];
        let answer = self.submit("/oauth2/token", &fields)?.expect(200)?;
        refresh_token(&answer)
    }
}

fn refresh_token(answer: &Answer) -> anyhow::Result<String> {
    let said: serde_json::Value = serde_json::from_slice(&answer.body)?;
    let token = said["refresh_token"].as_str();
    Ok(token.context("no refresh token")?.to_owned())
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
        let next = refresh_token(&answer)?;
        if next == self.token {
            bail!("the refresh token did not change");
        }
        self.token = next;
        Ok(())
    }
}

/// The request of the app that asks for itself.
pub fn machine(secret: &str) -> Vec<u8> {
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("nightly:{secret}"));
    let headers = format!("Authorization: Basic {basic}\r\n");
    post(
        "/oauth2/token",
        &headers,
        &[("grant_type", "client_credentials"), ("scope", "reports")],
    )
}
