//! Somebody who looks at the portal, as far as HTTP shows: a browser's cookies and headers, and no script.

use super::{
    http::{self, Reply},
    world::World,
};
use std::{collections::BTreeMap, net::SocketAddr};
use wa_gateway::{
    app::commands::{UserCreate, UserLoginLink},
    model::percent::encode,
};

/// A browser.
pub struct Visitor {
    address: SocketAddr,
    /// Its cookies by name.
    pub cookies: BTreeMap<String, String>,
}

impl Visitor {
    /// Nobody yet.
    pub fn nobody(world: &World) -> Self {
        Self { address: world.address(), cookies: BTreeMap::new() }
    }

    /// Somebody with this role, logged in by a one-time link; admins have the account too.
    pub async fn logged_in(world: &World, role: &str) -> Self {
        Self::of_account(world, role, world.account, &format!("{role}@shop.example")).await
    }

    /// The same of an account of the test's own.
    pub async fn of_account(world: &World, role: &str, account: i64, email: &str) -> Self {
        let new = UserCreate {
            account: Some(account),
            email: email.into(),
            role: role.into(),
            password: Some(PASSWORD.into()),
            ..Default::default()
        };
        let _ = world.command(new).await;
        let link = world.command(UserLoginLink { email: email.into() }).await.expect("a link");
        let link = link["link"].as_str().expect("an address").to_owned();
        let mut visitor = Self::nobody(world);
        let path = link.split_once("/login/").map(|(_, token)| format!("/login/{token}")).expect("a login link");
        assert_eq!(visitor.get(&path).await.status, 200);
        assert!(visitor.cookies.contains_key("session"), "no session began");
        visitor
    }

    /// Opens a page.
    pub async fn get(&mut self, path: &str) -> Reply {
        let headers = self.headers(&[]);
        let reply = http::call(self.address, "GET", path, &headers, &[]).await;
        self.keep(&reply);
        reply
    }

    /// Sends a form from one of our own pages.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.post_with(path, fields, &["Sec-Fetch-Site: same-origin"]).await
    }

    /// Sends a form with headers of the test's own.
    pub async fn post_with(&mut self, path: &str, fields: &[(&str, &str)], more: &[&str]) -> Reply {
        let body: Vec<String> = fields.iter().map(|(n, v)| format!("{}={}", encode(n), encode(v))).collect();
        let mut headers = self.headers(more);
        headers.push("Content-Type: application/x-www-form-urlencoded".into());
        let reply = http::call(self.address, "POST", path, &headers, body.join("&").as_bytes()).await;
        self.keep(&reply);
        reply
    }

    /// Sends a form with a file (its name, its type, its bytes) from one of our own pages.
    pub async fn post_file(&mut self, path: &str, fields: &[(&str, &str)], file: (&str, &str, &[u8])) -> Reply {
        let mut body = Vec::new();
        for (name, value) in fields {
            let part = format!("--B0undary\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend(part.into_bytes());
        }
        let (name, kind, bytes) = file;
        let head =
            format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {kind}");
        body.extend(format!("--B0undary\r\n{head}\r\n\r\n").into_bytes());
        body.extend(bytes);
        body.extend(b"\r\n--B0undary--\r\n");
        let mut headers = self.headers(&["Sec-Fetch-Site: same-origin"]);
        headers.push("Content-Type: multipart/form-data; boundary=B0undary".into());
        let reply = http::call(self.address, "POST", path, &headers, &body).await;
        self.keep(&reply);
        reply
    }

    /// Asks as a script of one of our own pages does.
    pub async fn json(&mut self, method: &str, path: &str, body: &serde_json::Value) -> Reply {
        let mut headers = self.headers(&["Sec-Fetch-Site: same-origin"]);
        headers.push("Content-Type: application/json".into());
        http::call(self.address, method, path, &headers, body.to_string().as_bytes()).await
    }

    /// Speaks another language from here on.
    pub fn speaks(&mut self, lang: &str) {
        self.cookies.insert("lang".into(), lang.into());
    }

    fn headers(&self, more: &[&str]) -> Vec<String> {
        let cookies: Vec<String> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let mut all = vec!["Accept: text/html".to_owned()];
        if !cookies.is_empty() {
            all.push(format!("Cookie: {}", cookies.join("; ")));
        }
        all.extend(more.iter().map(ToString::to_string));
        all
    }

    fn keep(&mut self, reply: &Reply) {
        for (_, cookie) in reply.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let Some((name, rest)) = cookie.split_once('=') else { continue };
            let value = rest.split(';').next().unwrap_or_default();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// The password of everybody here.
pub const PASSWORD: &str = "four words in a row";
