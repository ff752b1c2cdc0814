//! Sockets that systemd holds: a gateway takes them over, and while it is stopped and started again under load nobody
//! is refused and nobody's connection is lost.

use crate::harness::program::{BOUND, Place, Serving, now, wait_until};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::OwnedFd,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// As systemd starts it: the socket is number 3, and the process's own number is in its environment. The socket comes
/// over stdin, so that no child of another test gets it as well.
fn activated(place: &Place, socket: &TcpListener, name: &str) -> Serving {
    let program = place.program(&["serve"]);
    let mut command = Command::new("sh");
    command.args(["-c", "LISTEN_PID=$$ exec \"$@\" 3<&0 </dev/null", "sh"]);
    command.arg(program.get_program()).args(program.get_args()).current_dir(place.dir.path());
    command.env("LISTEN_FDS", "1").env("LISTEN_FDNAMES", name);
    let socket = OwnedFd::from(socket.try_clone().expect("a socket"));
    Serving::start_with(command, &place.dir.path().join("serve.log"), Stdio::from(socket))
}

/// A place whose only listener is the one that will be inherited.
fn place_for(address: SocketAddr) -> Place {
    let place = Place::new();
    let file = place.dir.path().join("wa-gateway.toml");
    let text = std::fs::read_to_string(&file).expect("a file");
    std::fs::write(&file, text.replace("127.0.0.1:0", &address.to_string())).expect("written");
    place
}

/// One request on a connection of its own.
fn ask(address: SocketAddr) -> Result<(), String> {
    let mut stream = TcpStream::connect(address).map_err(|e| format!("refused: {e}"))?;
    stream.set_read_timeout(Some(BOUND)).map_err(|e| e.to_string())?;
    let request = b"GET /readyz HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n";
    stream.write_all(request).map_err(|e| format!("lost while asking: {e}"))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(|e| format!("lost while listening: {e}"))?;
    if answer.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(format!("no answer but {answer:?}")) }
}

#[test]
fn restarts_under_load_refuse_nobody() {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = socket.local_addr().expect("an address");
    let place = place_for(address);
    let mut serving = activated(&place, &socket, "wa-gateway.socket");
    assert_eq!(serving.address, address, "it took the socket over");
    let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (stop, served) = (stop.clone(), served.clone());
            std::thread::spawn(move || {
                let mut problems = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    match ask(address) {
                        Ok(()) => drop(served.fetch_add(1, Ordering::SeqCst)),
                        Err(problem) => problems.push(problem),
                    }
                }
                problems
            })
        })
        .collect();
    let mut slowest = std::time::Duration::ZERO;
    for _ in 0..5 {
        let before = served.load(Ordering::SeqCst);
        wait_until("answers", || served.load(Ordering::SeqCst) > before + 50);
        let begun = now();
        assert_eq!(serving.stop().0, 0);
        serving = activated(&place, &socket, "wa-gateway.socket");
        slowest = slowest.max(begun.elapsed());
    }
    stop.store(true, Ordering::SeqCst);
    let problems: Vec<_> = clients.into_iter().flat_map(|c| c.join().expect("a client")).collect();
    assert_eq!(problems, Vec::<String>::new(), "{} were served", served.load(Ordering::SeqCst));
    println!("{} requests over five restarts; the slowest restart took {slowest:?}", served.load(Ordering::SeqCst));
    assert_eq!(serving.stop().0, 0);
    drop(socket);
    wait_until("the control: without the socket they are", || ask(address).is_err_and(|e| e.starts_with("refused")));
}

#[test]
fn a_socket_that_nobody_wants_is_closed_and_said() {
    let other = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = other.local_addr().expect("an address");
    let place = Place::new();
    let serving = activated(&place, &other, "other");
    assert_ne!(serving.address, address);
    assert!(place.log().contains("is closed"), "{}", place.log());
    drop(other);
    wait_until("it is closed", || ask(address).is_err_and(|e| e.starts_with("refused")));
    assert_eq!(serving.stop().0, 0);
    // Found by its name alone.
    let mine = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let serving = activated(&place, &mine, "local");
    assert_eq!(serving.address, mine.local_addr().expect("an address"));
    assert_eq!(serving.stop().0, 0);
}
