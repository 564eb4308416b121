//! A built Gerege in dev mode, and the person at it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use openidconnect::http::{Request, Response};
use serde_json::{Value, json};

use crate::http::{Answer, Browser};

const PASSWORD: &str = "velvet comet seven harbour";

fn binary() -> String {
    std::env::var("SERVER_BINARY").unwrap_or("../../target/debug/gerege".into())
}

/// The text of one member.
pub fn text(told: &Value, name: &str) -> String {
    told[name].as_str().expect(name).to_owned()
}

/// A Gerege of one's own, stopped at the end.
pub struct Server {
    address: SocketAddr,
    pub issuer: String,
    folder: PathBuf,
    env: Vec<(&'static str, String)>,
    child: Child,
}

impl Server {
    pub fn start() -> Self {
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let issuer = format!("http://localhost:{}", address.port());
        let folder = std::env::temp_dir().join(format!("gerege-rust-{}", std::process::id()));
        let env = vec![
            ("GEREGE_LISTEN__ADDRESS", address.to_string()),
            ("GEREGE_PUBLIC_URL", issuer.clone()),
            ("GEREGE_DATA_DIR", folder.display().to_string()),
            ("GEREGE_CHECK__KIND", "off".into()),
            ("GEREGE_PASSWORD__MEMORY_KIB", "8".into()),
            ("GEREGE_REGISTRATION__MODE", "token".into()),
        ];
        let mut child = Command::new(binary())
            .args(["serve", "--dev"])
            .env_clear()
            .envs(env.clone())
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
            env,
            child,
        }
    }

    pub fn browser(&self) -> Browser {
        Browser::new(self.address, self.issuer.trim_start_matches("http://"))
    }

    /// A command of the operator's, and what it printed as JSON.
    pub fn command(&self, words: &[&str]) -> Value {
        let ran = Command::new(binary())
            .args(words)
            .arg("--json")
            .env_clear()
            .envs(self.env.clone())
            .output()
            .expect("SERVER_BINARY runs");
        assert!(ran.status.success(), "{words:?} {ran:?}");
        serde_json::from_slice(&ran.stdout).expect("JSON")
    }

    /// A service of its own name and scope, which programs may call for themselves, once it is
    /// served; its secret.
    pub fn service(&self, name: &str) -> String {
        let audience = format!("https://{name}.example");
        let about = ["--audience", &audience, "--scope", name, "--machine"];
        let made = self.command(&[&["service", "add", name], &about[..]].concat());
        for _ in 0..200 {
            let told = self
                .browser()
                .get("/.well-known/openid-configuration")
                .json();
            let keys = self
                .browser()
                .get(&format!("/services/{name}/jwks.json"))
                .json();
            let scopes = told["scopes_supported"].as_array().expect("scopes");
            if scopes.iter().any(|one| one == name) && keys["keys"] != json!([]) {
                return text(&made, "secret");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{name} is not served")
    }

    /// What the client sends, by the same small HTTP as the person's.
    pub fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, std::io::Error> {
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
pub fn sign_up(server: &Server, browser: &mut Browser, page: &Answer) -> Answer {
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

/// Signs in where it is asked for, and allows what an app asks for.
pub fn sign_in(browser: &mut Browser, page: Answer) -> Answer {
    let mut page = page;
    if page.path.starts_with("/signin") {
        let answer = browser.submit(&page, &[("login", "temuulen"), ("password", PASSWORD)]);
        page = browser.arrive(answer);
    }
    if page.path.starts_with("/consent") {
        let answer = browser.allow(&page);
        page = browser.arrive(answer);
    }
    page
}
