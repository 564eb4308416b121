//! The openidconnect crate against a built Gerege in dev mode: code + PKCE, refresh, userinfo,
//! sign-out. `SERVER_BINARY` names the program; the last line counts.

#[allow(dead_code)]
#[path = "../../it/http.rs"]
mod http;

use std::error::Error;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use http::{Answer, Browser};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims,
};
use openidconnect::http::{Request, Response};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, CsrfToken, IssuerUrl, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, RedirectUrl, Scope, TokenResponse,
};

const CALLBACK: &str = "http://127.0.0.1:7656/callback";
const PASSWORD: &str = "velvet comet seven harbour";

type Done = Result<(), Box<dyn Error>>;

struct Server {
    address: SocketAddr,
    issuer: String,
    folder: PathBuf,
    child: Child,
}

impl Server {
    fn start() -> Self {
        let binary = std::env::var("SERVER_BINARY").unwrap_or("../../target/debug/gerege".into());
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let issuer = format!("http://localhost:{}", address.port());
        let folder = std::env::temp_dir().join(format!("gerege-rust-{}", std::process::id()));
        let mut child = Command::new(binary)
            .args(["serve", "--dev"])
            .env_clear()
            .env("GEREGE_LISTEN__ADDRESS", address.to_string())
            .env("GEREGE_PUBLIC_URL", &issuer)
            .env("GEREGE_DATA_DIR", &folder)
            .env("GEREGE_CHECK__KIND", "off")
            .env("GEREGE_PASSWORD__MEMORY_KIB", "8")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("SERVER_BINARY runs");
        let host = issuer.trim_start_matches("http://").to_owned();
        for _ in 0..600 {
            assert!(
                child.try_wait().unwrap().is_none(),
                "the server does not start"
            );
            if TcpStream::connect(address).is_ok()
                && Browser::new(address, &host).get("/readyz").status == 200
            {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Self {
            address,
            issuer,
            folder,
            child,
        }
    }

    fn browser(&self) -> Browser {
        Browser::new(self.address, self.issuer.trim_start_matches("http://"))
    }

    /// What the client sends, by the same small HTTP as the person's.
    fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, std::io::Error> {
        let uri = request.uri();
        let path = uri
            .path_and_query()
            .map_or("/", |path| path.as_str())
            .to_owned();
        let headers: Vec<(String, String)> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("").to_owned()))
            .collect();
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let body = (!request.body().is_empty()).then_some(request.body().as_slice());
        let answer = self
            .browser()
            .send(request.method().as_str(), &path, &headers, body);
        let mut response = Response::builder().status(answer.status);
        for (name, value) in &answer.headers {
            response = response.header(name, value);
        }
        Ok(response.body(answer.bytes).unwrap())
    }

    /// The newest letter's code, as dev mode shows it.
    fn code(&self) -> String {
        for _ in 0..200 {
            let list = self.browser().get("/dev/mail").text();
            if let Some(at) = list.find("href=\"/dev/mail/") {
                let path = list[at + 6..].split('"').next().unwrap().to_owned();
                let subject = self.browser().get(&path).h1();
                return subject
                    .chars()
                    .filter(char::is_ascii_digit)
                    .take(6)
                    .collect();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("no letter came")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The wizard, from its first page to where it leads in the end.
fn sign_up(server: &Server, browser: &mut Browser, page: &Answer) -> Answer {
    let fields = [
        ("name", "Temuulen Bat"),
        ("username", "temuulen"),
        ("email", "temuulen@mail.example"),
        ("password", PASSWORD),
    ];
    let answer = browser.submit(page, &fields);
    let page = browser.arrive(answer);
    let answer = browser.submit(&page, &[("decision", "accept")]);
    let page = browser.arrive(answer);
    let answer = browser.submit(&page, &[("code", &server.code())]);
    let page = browser.arrive(answer);
    let answer = browser.submit(&page, &[("keep", "1")]);
    browser.arrive(answer)
}

fn a_messenger(server: &Server) -> Done {
    let http = |request: Request<Vec<u8>>| server.send(request);
    let metadata = CoreProviderMetadata::discover(&IssuerUrl::new(server.issuer.clone())?, &http)?;
    let client =
        CoreClient::from_provider_metadata(metadata, ClientId::new("demo-messenger".into()), None)
            .set_redirect_uri(RedirectUrl::new(CALLBACK.into())?);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scopes(
            ["profile", "email", "offline_access", "chat"].map(|name| Scope::new(name.into())),
        )
        .add_extra_param("prompt", "create")
        .set_pkce_challenge(challenge)
        .url();
    let mut browser = server.browser();
    let path = url
        .as_str()
        .strip_prefix(&server.issuer)
        .ok_or("another server")?
        .to_owned();
    let stored = browser.get(&path);
    let page = browser.arrive(stored);
    let back = sign_up(server, &mut browser, &page);
    assert_eq!(
        back.param("state").as_deref(),
        Some(state.secret().as_str())
    );
    let code = AuthorizationCode::new(back.param("code").ok_or("no code")?);
    let tokens = client
        .exchange_code(code)?
        .set_pkce_verifier(verifier)
        .request(&http)?;
    let id_token = tokens.id_token().ok_or("no ID token")?;
    let check = client.id_token_verifier();
    let claims = id_token.claims(&check, &nonce)?;
    assert_eq!(
        claims.preferred_username().map(|name| name.as_str()),
        Some("temuulen")
    );
    let hash = AccessTokenHash::from_token(
        tokens.access_token(),
        id_token.signing_alg()?,
        id_token.signing_key(&check)?,
    )?;
    assert_eq!(claims.access_token_hash(), Some(&hash));
    let refresh = tokens.refresh_token().ok_or("no refresh token")?;
    let next = client
        .exchange_refresh_token(refresh)?
        .add_extra_param("resource", &server.issuer)
        .request(&http)?;
    let info: CoreUserInfoClaims = client
        .user_info(
            next.access_token().to_owned(),
            Some(claims.subject().clone()),
        )?
        .request(&http)?;
    assert_eq!(
        info.email().map(|email| email.as_str()),
        Some("temuulen@mail.example")
    );
    let out = http::encode(&[
        ("id_token_hint", &id_token.to_string()),
        ("post_logout_redirect_uri", "http://127.0.0.1/signed-out"),
        ("state", "bye"),
    ]);
    let gone = browser.get(&format!("/oauth2/logout?{out}"));
    assert!(
        gone.location().starts_with("http://127.0.0.1/signed-out"),
        "{}",
        gone.location()
    );
    assert_eq!(gone.param("state").as_deref(), Some("bye"));
    browser.get("/account").leads("/signin");
    let last = next.refresh_token().ok_or("no successor")?.clone();
    // The crate revokes over https only, also on loopback: this one is sent by hand.
    let fields = [
        ("client_id", "demo-messenger"),
        ("token", last.secret().as_str()),
    ];
    server.browser().post("/oauth2/revoke", &fields).is(200);
    assert!(
        client
            .exchange_refresh_token(&last)?
            .request(&http)
            .is_err()
    );
    Ok(())
}

fn main() -> ExitCode {
    let server = Server::start();
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| a_messenger(&server)));
    drop(server);
    let failed = match done {
        Ok(Ok(())) => {
            println!("ok   openidconnect: a public messenger, a stranger who signs up");
            0
        }
        Ok(Err(why)) => {
            println!("FAIL openidconnect: {why}");
            1
        }
        Err(_) => {
            println!("FAIL openidconnect");
            1
        }
    };
    println!("{} passed, {failed} failed", 1 - failed);
    ExitCode::from(failed)
}
