//! Who gets in: every line of the table of routes, asked by everybody on every listener, held against what each word of
//! the table means. What is meant stands here a second time, so that neither can change alone.

use crate::{
    dialects::chattu::new_key,
    harness::{
        http::{self, Reply},
        visitor::Visitor,
        wire::Wire,
        world::{INSTANCE, World},
    },
    web::server::tls::{dial, public, written},
};
use std::{collections::BTreeMap, net::SocketAddr};
use wa_gateway::{
    app::{
        Access,
        routes::{ROUTES, Route},
    },
    dialects::chattu::http::auth::Asker,
    web::Listener,
};

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Caller {
    Nobody,
    Viewer,
    Owner,
    Admin,
    /// A key of the guarded API.
    ApiKey,
    /// A key of the Chattu dialect, of the whole account.
    AccountKey,
    /// The same for one client.
    ClientKey,
}

const CALLERS: [Caller; 7] = [
    Caller::Nobody,
    Caller::Viewer,
    Caller::Owner,
    Caller::Admin,
    Caller::ApiKey,
    Caller::AccountKey,
    Caller::ClientKey,
];
const LISTENERS: [Listener; 3] = [Listener::Local, Listener::Public, Listener::Metrics];

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    /// Its handler was reached.
    In,
    /// It was turned away for who asks.
    Refused,
    /// There is nothing there, for anybody.
    Hidden,
}

/// What each word of the table means.
fn meant(access: Access, listener: Listener, caller: Caller, is_read: bool) -> Fate {
    use Caller::{AccountKey, Admin, ApiKey, ClientKey, Owner, Viewer};
    let is_hidden = match access {
        Access::Metrics => listener == Listener::Public,
        _ => listener == Listener::Metrics,
    };
    let is_person = [Viewer, Owner, Admin].contains(&caller);
    let may_change = [Owner, Admin].contains(&caller) || (is_read && caller == Viewer);
    let is_in = match access {
        Access::Anybody | Access::Health | Access::Metrics => true,
        // Nobody here has what a provider, a telephone system or a signed address would show; nor a file of a chat.
        Access::Provider | Access::SignedAddress | Access::Integration | Access::KeyInBody | Access::Session => false,
        Access::ApiKey => caller == ApiKey,
        Access::Chattu(Asker::AccountKey) => caller == AccountKey,
        Access::Chattu(Asker::AnyKey) => [AccountKey, ClientKey].contains(&caller),
        Access::Chattu(Asker::Session | Asker::ChatSession) => may_change,
        Access::Chattu(Asker::Either) => may_change || [AccountKey, ClientKey].contains(&caller),
        Access::Socket | Access::Viewer => is_person,
        Access::Owner => [Owner, Admin].contains(&caller),
        Access::Admin => caller == Admin,
    };
    match (is_hidden, is_in) {
        (true, _) => Fate::Hidden,
        (false, true) => Fate::In,
        (false, false) => Fate::Refused,
    }
}

/// What an answer shows of it.
fn shown(access: Access, listener: Listener, reply: &Reply) -> Fate {
    let is_nothing = reply.status == 404 && reply.body.contains("\"not_found\"");
    if is_nothing && (listener == Listener::Metrics || access == Access::Metrics) {
        return Fate::Hidden;
    }
    let to_login = reply.status == 303 && reply.header("location").is_some_and(|l| l.starts_with("/login"));
    let is_refused = match access {
        // Some have a link's token in their path, and say 403 where it is none.
        Access::Anybody | Access::Health | Access::Metrics | Access::ApiKey => reply.status == 401 || to_login,
        Access::Provider | Access::SignedAddress | Access::Integration | Access::KeyInBody | Access::Session => {
            reply.status >= 400
        }
        Access::Chattu(_) => reply.status == 401 || (reply.status == 403 && reply.body.contains("\"ACCESS_DENIED\"")),
        Access::Socket | Access::Viewer | Access::Owner | Access::Admin => {
            to_login || [401, 403].contains(&reply.status)
        }
    };
    if is_refused { Fate::Refused } else { Fate::In }
}

/// A world with all its listeners, everybody in it, and their proofs.
struct Everybody {
    world: World,
    proofs: BTreeMap<Caller, Proof>,
}

/// A session's token, or a header with a key.
enum Proof {
    None,
    Session(String),
    Header(String),
}

impl Everybody {
    async fn meet() -> Self {
        let world = World::start_with(|config| {
            public(config);
            config.listen.metrics = Some("127.0.0.1:0".parse().expect("an address"));
            config.chattu.requests_per_15_minutes = 0;
            config.chattu.deletes_per_15_minutes = 0;
            config.chattu.sensitive_per_hour = 0;
            config.chattu.chat_per_minute = 0;
            config.threecx.failures_per_minute = 0;
        })
        .await;
        let mut proofs = BTreeMap::from([(Caller::Nobody, Proof::None)]);
        for (caller, role) in [(Caller::Viewer, "viewer"), (Caller::Owner, "owner"), (Caller::Admin, "admin")] {
            let token = Visitor::logged_in(&world, role).await.cookies["session"].clone();
            proofs.insert(caller, Proof::Session(token));
        }
        let account_key = new_key(&world, world.account).await;
        let header = vec![format!("x-api-key: {account_key}")];
        let clients = http::call(world.address(), "GET", "/api/clients", &header, &[]).await.json();
        let client =
            clients.as_array().and_then(|all| all.iter().find(|c| c["clientId"] == INSTANCE)).expect("a client");
        let client_key = client["apiKey"].as_str().expect("a key");
        proofs.insert(Caller::ClientKey, Proof::Header(format!("x-api-key: {client_key}")));
        proofs.insert(Caller::AccountKey, Proof::Header(format!("x-api-key: {account_key}")));
        let key = world.new_key(world.account, &[INSTANCE]).await;
        proofs.insert(Caller::ApiKey, Proof::Header(format!("Authorization: Bearer {key}")));
        Self { world, proofs }
    }

    fn address(&self, listener: Listener) -> SocketAddr {
        let running = self.world.running();
        let address = match listener {
            Listener::Local => running.local,
            Listener::Public => running.public,
            Listener::Metrics => running.metrics,
        };
        address.expect("a listener")
    }

    /// One line of the table, asked as a page of ours or a program would.
    async fn ask(&self, route: &Route, listener: Listener, caller: Caller) -> Reply {
        let path: Vec<&str> =
            route.path.split('/').map(|part| if part.starts_with('{') { "no-such-thing" } else { part }).collect();
        let is_page = [Access::Anybody, Access::Viewer, Access::Owner, Access::Admin].contains(&route.access);
        let (kind, body) = if is_page { ("application/x-www-form-urlencoded", "") } else { ("application/json", "{}") };
        let body = if route.method == "GET" { "" } else { body };
        let accept = if is_page { "text/html" } else { "*/*" };
        let mut headers = vec![
            "Sec-Fetch-Site: same-origin".to_owned(),
            format!("Content-Type: {kind}"),
            format!("Accept: {accept}"),
        ];
        match &self.proofs[&caller] {
            Proof::None => {}
            Proof::Header(line) => headers.push(line.clone()),
            Proof::Session(token) => {
                let name = if listener == Listener::Public { "__Host-session" } else { "session" };
                headers.push(format!("Cookie: {name}={token}"));
            }
        }
        let (method, path) = (route.method.as_str(), path.join("/"));
        if listener != Listener::Public {
            return http::call(self.address(listener), method, &path, &headers, body.as_bytes()).await;
        }
        let stream = dial(&self.world, &written(&self.world), &[b"http/1.1"]).await.expect("a connection");
        let mut wire = Wire::over(stream);
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", headers.join("\r\n"));
        wire.send(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())).await;
        wire.answer().await.expect("an answer")
    }
}

/// What was seen: the line, the listener, who asked, and what became of it.
type Seen = Vec<(&'static Route, Listener, Caller, Fate)>;

/// Where what was seen is not what a word means.
fn wrong(seen: &Seen, meant: impl Fn(Access, Listener, Caller, bool) -> Fate) -> Vec<String> {
    let is_wrong = |(route, listener, caller, fate): &&(&'static Route, Listener, Caller, Fate)| {
        *fate != meant(route.access, *listener, *caller, route.method == "GET")
    };
    let wrong = seen.iter().filter(is_wrong);
    wrong
        .map(|(route, l, caller, fate)| format!("{} {} on {l:?} as {caller:?}: {fate:?}", route.method, route.path))
        .collect()
}

#[tokio::test]
async fn everybody_gets_into_what_is_theirs_on_every_listener_and_into_nothing_else() {
    let everybody = Everybody::meet().await;
    let mut seen = Seen::new();
    for route in ROUTES.iter() {
        for listener in LISTENERS {
            for caller in CALLERS {
                // Logging out would end the trial for whoever is logged in.
                if route.path == "/logout" && matches!(everybody.proofs[&caller], Proof::Session(_)) {
                    continue;
                }
                // Two contracts share a path: the header says which line is asked.
                let is_dialects = [Caller::AccountKey, Caller::ClientKey].contains(&caller);
                if route.path == "/api/send-message" && is_dialects == (route.access == Access::ApiKey) {
                    continue;
                }
                let reply = everybody.ask(route, listener, caller).await;
                assert!(reply.status < 500, "{} {}: {}", route.method, route.path, reply.status);
                assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{}", route.path);
                assert!(reply.header("cache-control").is_some(), "{} {}", route.method, route.path);
                seen.push((route, listener, caller, shown(route.access, listener, &reply)));
            }
        }
    }
    assert!(seen.len() > 3000, "the table was not found");
    assert_eq!(wrong(&seen, meant), Vec::<String>::new());

    // Were the table read otherwise, it would be found.
    let as_if = |a: Access, b: Access| {
        wrong(&seen, move |access, l, c, read| meant(if access == a { b } else { access }, l, c, read)).len()
    };
    for (one, other) in [
        (Access::Metrics, Access::Health),
        (Access::Health, Access::Metrics),
        (Access::Viewer, Access::Anybody),
        (Access::Owner, Access::Viewer),
        (Access::Admin, Access::Owner),
        (Access::Socket, Access::Anybody),
        (Access::ApiKey, Access::Chattu(Asker::AnyKey)),
        (Access::Chattu(Asker::AccountKey), Access::Chattu(Asker::AnyKey)),
        (Access::Chattu(Asker::AnyKey), Access::Chattu(Asker::Either)),
        (Access::Chattu(Asker::Session), Access::Viewer),
        (Access::Integration, Access::Anybody),
        (Access::Provider, Access::Anybody),
    ] {
        assert!(as_if(one, other) > 0, "{one:?} as {other:?}");
    }
}
