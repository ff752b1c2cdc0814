//! A wire between a browser and the gateway that can be cut, and mended.

use std::net::SocketAddr;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// The wire. It ends with this.
pub struct Cut {
    /// Where the browser's end is.
    pub address: SocketAddr,
    whole: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Cut {
    /// A whole wire to `to`.
    pub async fn between(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let whole = watch::Sender::new(true);
        let watched = whole.clone();
        let accepting = tokio::spawn(async move {
            loop {
                let Ok((mut near, _)) = listener.accept().await else { return };
                let mut state = watched.subscribe();
                tokio::spawn(async move {
                    if !*state.borrow_and_update() {
                        return;
                    }
                    let Ok(mut far) = TcpStream::connect(to).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = state.wait_for(|whole| !whole) => {}
                    }
                });
            }
        });
        Self { address, whole, accepting }
    }

    /// Ends every connection, and each new one at once.
    pub fn cut(&self) {
        self.whole.send_replace(false);
    }

    /// Lets new connections through.
    pub fn mend(&self) {
        self.whole.send_replace(true);
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
