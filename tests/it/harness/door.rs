//! A fake's door: it can be shut, so that nobody answers at its address, and opened again in the same place.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use wa_gateway::connectors::Boxed;

type Serve = Arc<dyn Fn(TcpStream) -> Boxed<'static, ()> + Send + Sync>;

/// Its socket, and the task that takes connections from it.
type Listening = (Arc<TcpListener>, JoinHandle<()>);

/// The door; the fake ends with it.
pub struct Door {
    pub addr: SocketAddr,
    serve: Serve,
    listening: Mutex<Option<Listening>>,
}

impl Door {
    /// Opens on a free port and gives each connection to `serve`.
    pub async fn open<Fut>(serve: impl Fn(TcpStream) -> Fut + Send + Sync + 'static) -> Self
    where
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let serve: Serve = Arc::new(move |stream| Box::pin(serve(stream)));
        let listening = Mutex::new(Some(listening(listener, &serve)));
        Self { addr, serve, listening }
    }

    /// Nobody answers there any more, and connections break.
    pub async fn go_dark(&self) {
        let listening = self.listening.lock().expect("unpoisoned").take();
        if let Some((listener, task)) = listening {
            // A process that another test is just starting still has a copy of the socket: closing ours is not enough.
            rustix::net::shutdown(&*listener, rustix::net::Shutdown::Both).expect("shut");
            task.abort();
            let _ = task.await;
        }
    }

    /// Opens again, if it is shut.
    pub async fn come_back(&self) {
        if self.listening.lock().expect("unpoisoned").is_some() {
            return;
        }
        let listener = TcpListener::bind(self.addr).await.expect("its port");
        *self.listening.lock().expect("unpoisoned") = Some(listening(listener, &self.serve));
    }
}

fn listening(listener: TcpListener, serve: &Serve) -> Listening {
    let listener = Arc::new(listener);
    let task = tokio::spawn(listen(listener.clone(), serve.clone()));
    (listener, task)
}

async fn listen(listener: Arc<TcpListener>, serve: Serve) {
    // Ends with this task, and with it the connections.
    let mut open = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        // As servers do: a small answer must not wait for the other side to acknowledge the one before.
        let _ = stream.set_nodelay(true);
        while open.try_join_next().is_some() {}
        open.spawn(serve(stream));
    }
}
