//! Waiting for a sign. Nothing here waits for a time: what is waited for is looked at, however slow the machine is.

use super::{http::STUCK, world::World};

/// Whether it came to be so; in real time it has [`STUCK`].
pub async fn came(is_so: impl AsyncFn() -> bool) -> bool {
    let waited = tokio::time::timeout(STUCK, async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    });
    waited.await.is_ok()
}

/// What another process or thread gives a sign of, as soon as it does; between two looks it has the processor.
///
/// In real time it has [`STUCK`]: a program that is read from the disk for the first time takes seconds.
pub async fn found<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looked = tokio::time::timeout(STUCK, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            super::program::moment().await;
        }
    });
    looked.await.unwrap_or_else(|_| panic!("it never came to this: {what}"))
}

/// Waits until something is so.
pub async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    assert!(came(is_so).await, "it never came to this: {what}");
}

/// The same for what can be seen at a glance: such a wait may move between threads.
#[cfg(feature = "whatsapp-web-double")]
pub async fn is_seen(is_so: impl Fn() -> bool + Send) -> bool {
    let waited = tokio::time::timeout(STUCK, async {
        while !is_so() {
            // What is waited for here lives in real time, and has threads that want the processor.
            super::program::moment().await;
        }
    });
    waited.await.is_ok()
}

/// Waits until something can be seen.
#[cfg(feature = "whatsapp-web-double")]
pub async fn seen(what: &str, is_so: impl Fn() -> bool + Send) {
    assert!(is_seen(is_so).await, "it never came to this: {what}");
}

impl World {
    /// Lets everything happen that can happen while the clock stands: whoever can go on does, and what they write is
    /// written. The runtime is one thread, which looks at its sockets every few dozen turns; the database has threads
    /// of its own, and takes writes in their order.
    pub async fn settle(&self) {
        for _ in 0..3 {
            for _ in 0..150 {
                tokio::task::yield_now().await;
            }
            let written = self.gateway().store.write(|_| Ok::<_, wa_gateway::store::StoreError>(()));
            written.await.expect("the database is there");
        }
    }
}
