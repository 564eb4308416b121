//! A real Chromium, driven through its driver; each test has one of its own.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};

use crate::app::{free_port, own_folder};

/// Chromium and its driver; both end when it is dropped.
pub struct Chromium {
    pub client: Client,
    driver: Child,
    profile: PathBuf,
    runtime: tokio::runtime::Runtime,
}

/// A command of Chromium's own protocol.
#[derive(Debug)]
struct Cdp(&'static str, Value);

impl WebDriverCompatibleCommand for Cdp {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!(
            "session/{}/goog/cdp/execute",
            session.unwrap_or_default()
        ))
    }

    fn method_and_body(&self, _: &url::Url) -> (::http::Method, Option<String>) {
        let body = json!({ "cmd": self.0, "params": self.1 });
        (::http::Method::POST, Some(body.to_string()))
    }
}

impl Chromium {
    /// Starts one; without `script` its pages run none.
    pub fn start(name: &str, script: bool) -> Self {
        let profile = own_folder(&format!("chromium-{name}"));
        let (address, held) = free_port();
        drop(held);
        let driver = Command::new("chromedriver")
            .arg(format!("--port={}", address.port()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed: scripts/test does it");
        let mut arguments = vec![
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--hide-scrollbars".to_owned(),
            "--lang=en".to_owned(),
            "--window-size=1280,1000".to_owned(),
            format!("--user-data-dir={}", profile.display()),
        ];
        if !script {
            arguments.push("--blink-settings=scriptEnabled=false".to_owned());
        }
        let options = json!({ "goog:chromeOptions": { "args": arguments } });
        let Value::Object(capabilities) = options else {
            unreachable!()
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let client = runtime.block_on(async {
            let url = format!("http://{address}");
            let mut last = String::new();
            // The driver tells nobody when it listens.
            for _ in 0..300 {
                let mut builder = ClientBuilder::rustls().unwrap();
                builder.capabilities(capabilities.clone());
                match builder.connect(&url).await {
                    Ok(client) => return client,
                    Err(error) => last = error.to_string(),
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            panic!("no Chromium: {last}")
        });
        Self {
            client,
            driver,
            profile,
            runtime,
        }
    }

    fn wait<T>(&self, story: impl Future<Output = Result<T, fantoccini::error::CmdError>>) -> T {
        self.runtime
            .block_on(story)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn open(&self, url: &str) {
        self.wait(self.client.goto(url));
    }

    pub fn url(&self) -> String {
        self.wait(self.client.current_url()).to_string()
    }

    pub fn source(&self) -> String {
        self.wait(self.client.source())
    }

    pub fn h1(&self) -> String {
        self.text("h1")
    }

    pub fn text(&self, css: &str) -> String {
        let found = self.wait(self.client.find(Locator::Css(css)));
        self.wait(found.text())
    }

    pub fn has(&self, css: &str) -> bool {
        !self
            .wait(self.client.find_all(Locator::Css(css)))
            .is_empty()
    }

    /// Types into a field, in place of what was there.
    pub fn write(&self, css: &str, text: &str) {
        let field = self.wait(self.client.find(Locator::Css(css)));
        self.wait(field.clear());
        self.wait(field.send_keys(text));
    }

    /// Clicks what stays on the page.
    pub fn click(&self, css: &str) {
        let button = self.wait(self.client.find(Locator::Css(css)));
        self.wait(button.click());
    }

    /// Clicks what leads to another page, and waits until that one is there.
    pub fn go(&self, css: &str) {
        self.leave(|| self.click(css));
    }

    /// Clicks twice, as fast as a person who double-clicks everything.
    pub fn click_twice(&self, css: &str) {
        let button = self.wait(self.client.find(Locator::Css(css)));
        let (x, y, width, height) = self.wait(button.rectangle());
        for count in [1, 2] {
            for kind in ["mousePressed", "mouseReleased"] {
                let event = json!({
                    "type": kind, "x": x + width / 2.0, "y": y + height / 2.0,
                    "button": "left", "clickCount": count
                });
                self.cdp("Input.dispatchMouseEvent", event);
            }
        }
    }

    /// Presses Enter where it leads to another page, and waits until that one is there.
    pub fn enter(&self) {
        self.leave(|| self.press("\u{E007}"));
    }

    /// Does what ends this page. The driver does not say when the next one has begun: the old
    /// one's root is asked for until it is gone.
    fn leave(&self, done: impl FnOnce()) {
        let root = self.wait(self.client.find(Locator::Css("html")));
        done();
        self.runtime.block_on(async {
            for _ in 0..1500 {
                if root.tag_name().await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            panic!("the page stayed");
        });
    }

    /// Presses a key, or types, where the focus is.
    pub fn press(&self, keys: &str) {
        let active = self.wait(self.client.active_element());
        self.wait(active.send_keys(keys));
    }

    pub fn run(&self, script: &str) -> Value {
        self.wait(self.client.execute(script, Vec::new()))
    }

    fn cdp(&self, command: &'static str, parameters: Value) {
        self.wait(self.client.issue_cmd(Cdp(command, parameters)));
    }

    /// Light or dark, as the system would ask for it. Without motion, so that nothing is measured
    /// on its way from one colour to the other.
    pub fn color(&self, scheme: &str) {
        let features = json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ] });
        self.cdp("Emulation.setEmulatedMedia", features);
    }

    pub fn size(&self, width: u32, height: u32) {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false
        });
        self.cdp("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// Keeps a picture of the whole page.
    pub fn picture(&self, file: &Path) {
        let height = self
            .run("return document.documentElement.scrollHeight")
            .as_u64()
            .unwrap_or(1000);
        self.size(1280, u32::try_from(height).unwrap().clamp(800, 1600));
        let png = self.wait(self.client.screenshot());
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, png).unwrap();
        self.size(1280, 1000);
    }

    /// What axe finds wrong with the page as it stands.
    pub fn axe(&self) -> Vec<String> {
        let axe =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/js/node_modules/axe-core/axe.min.js");
        let source = std::fs::read_to_string(&axe)
            .unwrap_or_else(|_| panic!("axe-core is not there: npm ci --prefix tests/js"));
        if self.run("return typeof window.axe") != "object" {
            self.run(&source);
        }
        let script = "const done = arguments[arguments.length - 1];
            axe.run(document, { runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag2aaa',
              'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] } })
              .then((found) => done(found.violations.map((one) =>
                one.id + ': ' + one.nodes.map((node) => node.html.slice(0, 120)).join(' | '))))
              .catch((why) => done(['axe failed: ' + why]));";
        let found = self.wait(self.client.execute_async(script, Vec::new()));
        found
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.runtime.block_on(self.client.clone().close());
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

/// A messenger's loopback address, where the browser comes back to.
pub struct Callback {
    listener: TcpListener,
    pub uri: String,
}

impl Callback {
    pub fn listen() -> Self {
        let (address, listener) = free_port();
        Self {
            listener,
            uri: format!("http://127.0.0.1:{}/callback", address.port()),
        }
    }

    /// Answers the browser from now on, as often as it comes; gives each URL that it asked for.
    pub fn all(self) -> std::sync::mpsc::Receiver<String> {
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || while tell.send(self.heard()).is_ok() {});
        told
    }

    /// Waits for the browser and gives the URL that it asked for.
    pub fn heard(&self) -> String {
        loop {
            let (mut stream, _) = self.listener.accept().expect("a browser");
            let mut all = Vec::new();
            let mut piece = [0; 4096];
            while !all.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut piece) {
                    Ok(read) if read > 0 => all.extend_from_slice(&piece[..read]),
                    _ => break,
                }
            }
            let head = String::from_utf8_lossy(&all).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let page = "<!doctype html><title>Back</title><h1>Back in the messenger</h1>";
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
                page.len()
            );
            if path.starts_with("/callback") {
                return path;
            }
        }
    }
}
