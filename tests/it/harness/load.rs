//! Clients that press: each on one connection, each keeping what it was told.

use super::{
    http::{self, Reply},
    program::wait_until,
};
use serde_json::json;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// One request: its text is unlike every other's, so that a second send of it would be seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// The Idempotency-Key, and the number in the text.
    pub name: String,
    pub phone: String,
}

/// A request and what its caller was told; none when the connection ended before that.
#[derive(Clone, Debug)]
pub struct Told {
    pub asked: Asked,
    pub reply: Option<Reply>,
}

/// One connection.
pub struct Client {
    stream: BufReader<TcpStream>,
    key: String,
    instance: String,
}

impl Asked {
    /// What is sent.
    pub fn text(&self) -> String {
        format!("Your order {} has been shipped.", self.name)
    }
}

impl Client {
    /// Connects.
    pub fn connect(to: SocketAddr, key: &str, instance: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(to)?;
        stream.set_read_timeout(Some(super::program::BOUND))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), key: key.to_owned(), instance: instance.to_owned() })
    }

    /// Asks once. None: the connection ended before the answer was whole.
    pub fn send(&mut self, asked: &Asked) -> Option<Reply> {
        let body = json!({
            "instance_id": self.instance, "phone": asked.phone, "message": asked.text(),
            "message_purpose": "transactional",
        });
        let body = body.to_string();
        let request = format!(
            "POST /api/send-message HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n\
             Authorization: Bearer {}\r\nIdempotency-Key: {}\r\nContent-Length: {}\r\n\r\n{body}",
            self.key,
            asked.name,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes()).ok()?;
        self.read_reply()
    }

    fn read_reply(&mut self) -> Option<Reply> {
        let mut raw = Vec::new();
        while !raw.ends_with(b"\r\n\r\n") {
            if self.stream.read_until(b'\n', &mut raw).ok()? == 0 {
                return None;
            }
        }
        let length = http::parse(&raw).header("content-length")?.parse().ok()?;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).ok()?;
        raw.extend_from_slice(&body);
        Some(http::parse(&raw))
    }
}

/// How many answers there were: 200, and others.
#[derive(Default)]
struct Answered {
    ok: AtomicUsize,
    others: AtomicUsize,
}

/// Clients that send one message after the other until they are told to stop, or the gateway goes away.
pub struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<Answered>,
    clients: Vec<JoinHandle<Vec<Told>>>,
}

impl Load {
    /// Starts `clients` of them; `name` is what their messages' names begin with.
    pub fn start(to: SocketAddr, key: &str, instance: &str, name: &str, clients: usize) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(Answered::default()));
        let clients = (0..clients).map(|n| {
            let mut client = Client::connect(to, key, instance).expect("the gateway listens");
            let (stop, answered, name) = (stop.clone(), answered.clone(), format!("{name}-{n}"));
            std::thread::spawn(move || press(&mut client, &stop, &answered, &name, n))
        });
        Self { clients: clients.collect(), stop, answered }
    }

    /// Waits until so many more were answered with 200 than now, however long that takes on this machine.
    pub fn until_sent(&self, more: usize) {
        self.until("they are sent", &self.answered.ok, more);
    }

    /// Waits until so many more were answered with anything else.
    pub fn until_refused(&self, more: usize) {
        self.until("they are refused", &self.answered.others, more);
    }

    fn until(&self, what: &str, count: &AtomicUsize, more: usize) {
        let wanted = count.load(Ordering::Acquire) + more;
        wait_until(what, || count.load(Ordering::Acquire) >= wanted);
    }

    /// Waits for their ends; answers with everything that they asked, in no order.
    pub fn end(self) -> Vec<Told> {
        self.stop.store(true, Ordering::Release);
        self.clients.into_iter().flat_map(|c| c.join().expect("a client")).collect()
    }
}

fn press(client: &mut Client, stop: &AtomicBool, answered: &Answered, name: &str, n: usize) -> Vec<Told> {
    let mut told = Vec::new();
    while !stop.load(Ordering::Acquire) {
        let number = told.len();
        let asked = Asked { name: format!("{name}-{number}"), phone: format!("+96650{n:03}{:04}", number % 10_000) };
        let reply = client.send(&asked);
        let gone = reply.is_none();
        match reply.as_ref().map(|r| r.status) {
            Some(200) => drop(answered.ok.fetch_add(1, Ordering::AcqRel)),
            Some(_) => drop(answered.others.fetch_add(1, Ordering::AcqRel)),
            None => {}
        }
        told.push(Told { asked, reply });
        if gone {
            break;
        }
    }
    told
}

/// Lets the load press for a while.
pub fn press_for(pause: Duration) {
    std::thread::sleep(pause);
}
