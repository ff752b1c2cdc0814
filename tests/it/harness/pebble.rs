//! A real ACME authority on this machine: Debian's pebble with its test name server, which says that every name is
//! here. Reached through a door that can be shut, so that it can be down without forgetting anything.

use super::{ports, program::wait_until};
use rcgen::{CertificateParams, KeyPair};
use serde_json::json;
use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use tempfile::TempDir;

/// Both processes; ended when this is dropped.
pub struct Pebble {
    children: Vec<Child>,
}

/// Where the authority is reached: known before it runs, so that a gateway can be told.
pub struct Gate {
    address: SocketAddr,
    behind: Arc<Mutex<SocketAddr>>,
    open: Arc<AtomicBool>,
    /// For the directory's certificate.
    dir: TempDir,
}

impl Gate {
    /// Shut, and nobody behind it yet; the certificate of its directory is written already.
    pub fn new() -> Self {
        let dir = TempDir::new().expect("a directory");
        let key = KeyPair::generate().expect("a key");
        let made = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name").self_signed(&key);
        fs::write(dir.path().join("root.pem"), made.expect("a certificate").pem()).expect("written");
        fs::write(dir.path().join("root.key"), key.serialize_pem()).expect("written");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (behind, open) = (Arc::new(Mutex::new(address)), Arc::new(AtomicBool::new(false)));
        let (leads_to, is_open) = (behind.clone(), open.clone());
        std::thread::spawn(move || pass(&listener, &leads_to, &is_open));
        Self { address, behind, open, dir }
    }

    /// The directory's address.
    pub fn directory(&self) -> String {
        format!("https://{}/dir", self.address)
    }

    /// The host and port for an egress list.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// The root of the directory's certificate.
    pub fn root(&self) -> PathBuf {
        self.dir.path().join("root.pem")
    }

    /// Lets calls through from now on, or refuses them.
    pub fn set_open(&self, open: bool) {
        self.open.store(open, Ordering::SeqCst);
    }

    /// Starts the authority behind the gate and opens it. It looks for proofs on these ports of 127.0.0.1.
    pub fn start(&self, tls_port: u16, http_port: u16) -> Pebble {
        // Its own ports must be chosen before it runs, and another test may be quicker to take one.
        let mut started = None;
        wait_until("pebble listens", || {
            started = self.try_start(tls_port, http_port);
            started.is_some()
        });
        self.set_open(true);
        started.expect("it listens")
    }

    fn try_start(&self, tls_port: u16, http_port: u16) -> Option<Pebble> {
        let (behind, names) = (ports::free(), ports::free());
        let config = self.dir.path().join("pebble.json");
        let file = |name: &str| self.dir.path().join(name).to_str().expect("UTF-8").to_owned();
        let settings = json!({"pebble": {
            "listenAddress": behind.to_string(), "managementListenAddress": ports::free().to_string(),
            "certificate": file("root.pem"), "privateKey": file("root.key"),
            "httpPort": http_port, "tlsPort": tls_port, "ocspResponderURL": "",
            "externalAccountBindingRequired": false, "certificateValidityPeriod": 90 * 24 * 3600,
        }});
        fs::write(&config, settings.to_string()).expect("written");
        let spawn = |mut command: Command| {
            let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().expect("pebble is installed (apt-get install pebble; tests/run does it)")
        };
        let mut server = Command::new("pebble-challtestsrv");
        server.args(["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", "", "-defaultIPv4", "127.0.0.1"]);
        server.args(["-dns01", &names.to_string(), "-management", &ports::free().to_string()]);
        let mut authority = Command::new("pebble");
        authority.arg("-config").arg(&config).args(["-dnsserver", &names.to_string()]);
        authority.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_AUTHZREUSE", "0");
        let mut pebble = Pebble { children: vec![spawn(server), spawn(authority)] };
        let mut ended = false;
        wait_until("pebble listens or ends", || {
            ended = pebble.children.iter_mut().any(|child| child.try_wait().expect("its state").is_some());
            ended || TcpStream::connect(behind).is_ok()
        });
        *self.behind.lock().expect("no holder panics") = behind;
        (!ended).then_some(pebble)
    }
}

/// Passes connections on while the gate is open. Ends with the test's process.
fn pass(listener: &TcpListener, behind: &Mutex<SocketAddr>, open: &AtomicBool) {
    for coming in listener.incoming() {
        let Ok(coming) = coming else { return };
        if !open.load(Ordering::SeqCst) {
            continue;
        }
        let behind = *behind.lock().expect("no holder panics");
        let Ok(going) = TcpStream::connect(behind) else { continue };
        for (mut from, mut to) in
            [(coming.try_clone().expect("a socket"), going.try_clone().expect("a socket")), (going, coming)]
        {
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(std::net::Shutdown::Both);
            });
        }
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
