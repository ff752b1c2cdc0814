//! Sockets that systemd holds: a gateway takes them over, and while it is stopped and started again under load nobody
//! is refused and nobody's connection is lost.

use crate::harness::program::{BOUND, Place, Serving, now, wait_until};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::AsRawFd,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// As systemd starts it: the sockets are 3 and up, and the process's own number is in its environment.
fn activated(place: &Place, sockets: &[&TcpListener], names: &str) -> Serving {
    let program = place.program(&["serve"]);
    let mut command = Command::new("sh");
    let mut script = "LISTEN_PID=$$ exec \"$@\"".to_owned();
    for (n, socket) in sockets.iter().enumerate() {
        // Inherited over the shell only: the program marks them for itself.
        rustix::io::fcntl_setfd(socket, rustix::io::FdFlags::empty()).expect("a flag");
        script += &format!(" {}<&{}", n + 3, socket.as_raw_fd());
    }
    command.args(["-c", &script, "sh"]).arg(program.get_program()).args(program.get_args());
    command.current_dir(place.dir.path());
    command.env("LISTEN_FDS", sockets.len().to_string()).env("LISTEN_FDNAMES", names);
    Serving::start(command, &place.dir.path().join("serve.log"))
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
    let mut serving = activated(&place, &[&socket], "wa-gateway.socket");
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
        serving = activated(&place, &[&socket], "wa-gateway.socket");
        slowest = slowest.max(begun.elapsed());
    }
    stop.store(true, Ordering::SeqCst);
    let problems: Vec<_> = clients.into_iter().flat_map(|c| c.join().expect("a client")).collect();
    assert_eq!(problems, Vec::<String>::new(), "{} were served", served.load(Ordering::SeqCst));
    println!("{} requests over five restarts; the slowest restart took {slowest:?}", served.load(Ordering::SeqCst));
    assert_eq!(serving.stop().0, 0);
    drop(socket);
    assert!(ask(address).is_err_and(|e| e.starts_with("refused")), "the control: without the socket it is");
}

#[test]
fn a_socket_that_nobody_wants_is_closed_and_said() {
    let (mine, other) =
        (TcpListener::bind("127.0.0.1:0").expect("a socket"), TcpListener::bind("127.0.0.1:0").expect("a socket"));
    let place = Place::new();
    let serving = activated(&place, &[&mine, &other], "local:other");
    assert_eq!(serving.address, mine.local_addr().expect("an address"), "found by its name");
    assert!(place.log().contains("is closed"), "{}", place.log());
    assert_eq!(serving.stop().0, 0);
}
