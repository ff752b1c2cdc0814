//! Debian's Chromium, driven through chromedriver: a page as a person sees it, with its script and its policy.

use super::{
    ports,
    program::{run, wait_until},
};
use serde_json::{Value, json};
use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// One window. Its driver ends with it.
pub struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
    origin: String,
    _profile: TempDir,
}

/// How an element is named in the driver's answers.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

impl Browser {
    /// A new window on the pages at `origin`, `width` pixels wide.
    pub async fn open(origin: &str, width: u32) -> Self {
        let profile = TempDir::new().expect("a directory");
        let port = ports::free().port();
        let log = profile.path().join("driver.log");
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .arg(format!("--log-path={}", log.display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is missing: `./tests/run` installs it (Debian: chromium, chromium-driver)");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut browser =
            Self { driver, address, session: String::new(), origin: origin.to_owned(), _profile: profile };
        wait_until("chromedriver", || std::net::TcpStream::connect(address).is_ok());
        let profile = browser._profile.path().join("profile");
        let made = browser.ask("POST", "/session", &capabilities(&profile, width)).await;
        browser.session = made["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {made}")).to_owned();
        browser
    }

    /// The pages are at another place now, such as after a restart on another port.
    #[cfg(feature = "whatsapp-web-double")]
    pub fn move_to(&mut self, origin: &str) {
        origin.clone_into(&mut self.origin);
    }

    /// Opens a path of the pages.
    pub async fn goto(&self, path: &str) {
        self.command("POST", "url", &json!({"url": format!("{}{path}", self.origin)})).await;
    }

    /// The path that is open, with its query.
    pub async fn path(&self) -> String {
        let url = self.command("GET", "url", &Value::Null).await;
        url.as_str().and_then(|u| u.strip_prefix(&self.origin)).unwrap_or_default().to_owned()
    }

    /// Clicks on the first element that the selector finds.
    pub async fn click(&self, css: &str) {
        let id = self.find(css).await;
        self.command("POST", &format!("element/{id}/click"), &json!({})).await;
    }

    /// Clicks on what asks first whether one is sure, and says yes.
    pub async fn click_and_confirm(&self, css: &str) {
        self.click(css).await;
        self.command("POST", "alert/accept", &json!({})).await;
    }

    /// Types into a field, instead of what stood there.
    pub async fn fill(&self, css: &str, text: &str) {
        let id = self.find(css).await;
        self.command("POST", &format!("element/{id}/clear"), &json!({})).await;
        self.command("POST", &format!("element/{id}/value"), &json!({"text": text})).await;
    }

    /// Chooses an option of a list by its value.
    pub async fn choose(&self, css: &str, value: &str) {
        self.click(&format!("{css} option[value=\"{value}\"]")).await;
    }

    /// What a person reads in an element.
    pub async fn text(&self, css: &str) -> String {
        let id = self.find(css).await;
        self.command("GET", &format!("element/{id}/text"), &Value::Null).await.as_str().unwrap_or_default().to_owned()
    }

    /// What a script says about the page.
    pub async fn script(&self, script: &str) -> Value {
        self.command("POST", "execute/sync", &json!({"script": script, "args": []})).await
    }

    /// Shows the pages as on a screen that is `width` CSS pixels wide, to somebody who likes it light or dark.
    pub async fn looks(&self, width: u32, dark: bool) {
        let screen = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", screen).await;
        let scheme = if dark { "dark" } else { "light" };
        let likes = json!({"features": [{"name": "prefers-color-scheme", "value": scheme},
                                        {"name": "prefers-reduced-motion", "value": "reduce"}]});
        self.devtools("Emulation.setEmulatedMedia", likes).await;
    }

    /// What comes from the pages comes at so many bytes a second, and a moment late.
    pub async fn line_is_slow(&self, bytes_a_second: u32) {
        self.devtools("Network.enable", json!({})).await;
        let line =
            json!({"offline": false, "latency": 40, "downloadThroughput": bytes_a_second, "uploadThroughput": 50_000});
        self.devtools("Network.emulateNetworkConditions", line).await;
    }

    async fn devtools(&self, what: &str, params: Value) {
        self.command("POST", "goog/cdp/execute", &json!({"cmd": what, "params": params})).await;
    }

    /// Runs a script that gives what it found to `done`, and waits for it.
    pub async fn script_until_done(&self, script: &str) -> Value {
        let script = format!("const done = arguments[arguments.length - 1]; {script}");
        self.command("POST", "execute/async", &json!({"script": script, "args": []})).await
    }

    /// Sets a cookie for the pages; one of them must be open.
    pub async fn set_cookie(&self, name: &str, value: &str) {
        let cookie = json!({"cookie": {"name": name, "value": value, "path": "/"}});
        self.command("POST", "cookie", &cookie).await;
    }

    /// What the browser complained of since it was asked last: blocked scripts and styles, failed requests.
    pub async fn complaints(&self) -> Vec<String> {
        let all = self.command("POST", "se/log", &json!({"type": "browser"})).await;
        let texts =
            all.as_array().map(|all| all.iter().filter_map(|l| l["message"].as_str().map(str::to_owned)).collect());
        texts.unwrap_or_default()
    }

    async fn find(&self, css: &str) -> String {
        let wanted = json!({"using": "css selector", "value": css});
        let (_, value) = self.ask_raw("POST", &self.at("element"), &wanted).await;
        match value[ELEMENT].as_str() {
            Some(id) => id.to_owned(),
            None => panic!("{css} is not on {}: {}", self.path().await, self.text_of_page().await),
        }
    }

    async fn text_of_page(&self) -> String {
        let text = self.script("return document.body.innerText").await;
        text.as_str().unwrap_or_default().chars().take(2000).collect()
    }

    async fn command(&self, method: &str, what: &str, body: &Value) -> Value {
        self.ask(method, &self.at(what), body).await
    }

    fn at(&self, what: &str) -> String {
        format!("/session/{}/{what}", self.session)
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, value) = self.ask_raw(method, path, body).await;
        assert_eq!(status, 200, "{method} {path} {body}: {value}");
        value
    }

    async fn ask_raw(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("http://{}{path}", self.address);
        let mut curl = Command::new("curl");
        curl.args(["-s", "-m", "60", "-w", "\n%{http_code}", "-X", method, &url]);
        let body = if method == "POST" { body.to_string() } else { String::new() };
        if method == "POST" {
            // By its input: a script may be longer than an argument can be.
            curl.args(["-H", "Content-Type: application/json", "--data-binary", "@-"]);
        }
        // The driver asks the gateway, which runs on this runtime's other threads.
        let output = tokio::task::block_in_place(|| run(curl, &body));
        let text = output.stdout;
        let (answer, status) = text.rsplit_once('\n').unwrap_or((&text, "0"));
        let answer: Value = serde_json::from_str(answer).unwrap_or_else(|e| panic!("{method} {path}: {e}: {text}"));
        (status.parse().unwrap_or(0), answer["value"].clone())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends its browser when it is asked to end.
        let path = format!("http://{}/shutdown", self.address);
        let _ = Command::new("curl").args(["-s", "-m", "5", &path]).stdout(Stdio::null()).status();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn capabilities(profile: &PathBuf, width: u32) -> Value {
    fs::create_dir_all(profile).expect("a directory");
    let args = [
        "--headless=new".to_owned(),
        // Tests run as root in clean machines, where the sandbox refuses to start; the pages are our own.
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        format!("--user-data-dir={}", profile.display()),
        format!("--window-size={width},900"),
    ];
    json!({"capabilities": {"alwaysMatch": {
        "browserName": "chrome",
        "goog:loggingPrefs": {"browser": "ALL"},
        "goog:chromeOptions": {"args": args},
    }}})
}
