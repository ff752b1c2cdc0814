//! `wa-gateway demo`: one command to see it work. Data of its own, kept for the next time; one message sent through the
//! guard; everything printed that one needs to go on.

use super::{context::Context, output, serve, shell};
use crate::{
    app::{
        App, Inherited, Running,
        commands::{
            AccountCreate, AccountList, Execute, InstanceCreate, InstanceStatus, KeyCreate, SendText, UserCreate,
            UserList, UserLoginLink,
        },
    },
    config::{Config, Overrides},
    dialects::AppState,
    model::{clock::SystemClock, random::SystemRandom},
    ops::logging,
};
use serde_json::{Value, json};
use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::Arc,
};

const ACCOUNT: &str = "Demo";
const INSTANCE: &str = "demo-support-line";
const INSTANCE_NAME: &str = "Demo Support Line";
const EMAIL: &str = "demo@demo.invalid";
const PHONE: &str = "+966501234567";

#[derive(clap::Args)]
pub(super) struct DemoArgs {
    /// Where to listen; a busy port: the next free one
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

impl DemoArgs {
    pub(super) fn override_config(&self, overrides: &mut Overrides) {
        overrides.data_dir.get_or_insert_with(|| PathBuf::from("wa-gateway-demo"));
        overrides.listen_local = Some(self.listen.to_string());
        overrides.listen_public = Some(String::new());
    }
}

/// `program`: how it is called again, as a word for a shell.
pub(super) async fn run(args: DemoArgs, context: Context, program: &str) -> Result<Option<Value>, String> {
    logging::start("warn", logging::LineFormat::Text)?;
    let mut config: Config = context.config;
    let (address, socket) = free_socket(args.listen)?;
    config.listen.local = Some(address);
    config.public_url = Some(format!("http://{address}"));
    let signals = serve::Signals::listen()?;
    let app = App::open(config, Arc::new(SystemClock), Arc::new(SystemRandom)).await.map_err(|e| e.to_string())?;
    // The socket itself, so that nobody takes the port in between, and a port that the system chose is the one printed.
    let socket = Inherited::new(vec![("local".to_owned(), socket)]);
    let running = app.serve_on(socket).await.map_err(|e| e.to_string())?;
    let made = make(&running.gateway).await?;
    if context.json {
        output::print(&described(&running, &made), true);
    } else {
        if args.listen.port() != 0 && address != args.listen {
            output::line(&format!("{} is in use; listening on {address} instead", args.listen));
        }
        print(&running, &made, program);
    }
    signals.until_stopped(&running).await;
    running.stop().await;
    Ok(None)
}

struct DemoAccess {
    key: String,
    link: String,
    sent: Value,
}

/// The next free port from the wanted one on, and a socket that listens there; port 0: the one that the system chooses.
fn free_socket(wanted: SocketAddr) -> Result<(SocketAddr, TcpListener), String> {
    for port in wanted.port()..=wanted.port().saturating_add(50) {
        let address = SocketAddr::new(wanted.ip(), port);
        match TcpListener::bind(address).and_then(|socket| Ok((socket.local_addr()?, socket))) {
            Ok(found) => return Ok(found),
            Err(e) if e.kind() == std::io::ErrorKind::AddrInUse => {}
            Err(e) => return Err(format!("cannot listen on {address}: {e}")),
        }
    }
    Err(format!("{wanted} and the 50 ports after it are in use"))
}

/// Account, instance and user where they are missing; a new key, a new link, one message.
async fn make(gateway: &AppState) -> Result<DemoAccess, String> {
    let accounts = AccountList.execute(gateway).await?;
    let existing = accounts.as_array().and_then(|all| all.iter().find(|a| a["name"] == ACCOUNT));
    let account = match existing {
        Some(account) => account["id"].as_i64(),
        None => {
            let modules = vec!["api_access".into(), "3cx".into(), "chattu".into()];
            let new = AccountCreate { name: ACCOUNT.into(), plan: "growth".into(), modules, ..Default::default() };
            new.execute(gateway).await?["id"].as_i64()
        }
    };
    let account = account.ok_or("the demo account has no id")?;
    if (InstanceStatus { id: INSTANCE.into() }).execute(gateway).await.is_err() {
        let (id, name, connector) = (INSTANCE.into(), INSTANCE_NAME.into(), "sandbox".into());
        InstanceCreate { account, id, name, connector, ..Default::default() }.execute(gateway).await?;
    }
    let users = UserList.execute(gateway).await?;
    if !users.as_array().is_some_and(|all| all.iter().any(|u| u["email"] == EMAIL)) {
        let (email, role) = (EMAIL.into(), "admin".into());
        UserCreate { account: Some(account), email, role, ..Default::default() }.execute(gateway).await?;
    }
    let link = UserLoginLink { email: EMAIL.into() }.execute(gateway).await?;
    let key = KeyCreate { account, name: "demo".into(), ..Default::default() }.execute(gateway).await?;
    let message = SendText {
        instance: INSTANCE.into(),
        to: PHONE.into(),
        purpose: "transactional".into(),
        text: "Your order #2041 has been shipped.".into(),
        source: "demo".into(),
    };
    let text = |v: &Value, name: &str| v[name].as_str().unwrap_or_default().to_owned();
    Ok(DemoAccess { key: text(&key, "key"), link: text(&link, "link"), sent: message.execute(gateway).await? })
}

fn print(running: &Running, made: &DemoAccess, program: &str) {
    let portal = &running.gateway.public_url;
    let sent = match made.sent["success"].as_bool() {
        Some(true) => format!("one message was sent to {PHONE}: log id {}", made.sent["log_id"]),
        _ => format!("the first message was refused: {}", made.sent["message"].as_str().unwrap_or("?")),
    };
    let data = shell::path(&running.gateway.data_dir);
    let curl = curl(running, made);
    output::line(&format!(
        "\nWhatsApp Gateway is running, with a sandbox instead of WhatsApp.\n\n\
         Portal     {portal}/\n\
         Log in     {}   (once, within an hour)\n\
         API key    {}\n\
         Instance   {INSTANCE}\n\
         Sent       {sent}\n\n\
         Send one yourself:\n\n\
         {curl}\n\n\
         Look at the phones:\n\n\
         {program} --data-dir {data} sandbox inbox --instance {INSTANCE}\n\n\
         Ctrl+C ends it; the data stays in {data}.",
        made.link, made.key
    ));
}

/// A line that sends a message; it works as it stands.
fn curl(running: &Running, made: &DemoAccess) -> String {
    format!(
        "curl -i -X POST {}/api/send-message \\\n  \
         -H 'Content-Type: application/json' \\\n  \
         -H 'Authorization: Bearer {}' \\\n  \
         -d '{{\"instance_id\":\"{INSTANCE}\",\"phone\":\"{PHONE}\",\"message\":\"Your invoice INV-2041 is ready.\",\
         \"message_purpose\":\"transactional\"}}'",
        running.gateway.public_url, made.key
    )
}

/// The same for programs.
fn described(running: &Running, made: &DemoAccess) -> Value {
    json!({
        "ok": true,
        "portal": format!("{}/", running.gateway.public_url),
        "login": made.link,
        "key": made.key,
        "instance": INSTANCE,
        "sent": made.sent,
        "curl": curl(running, made),
        "data_dir": running.gateway.data_dir.display().to_string(),
    })
}
