//! What open pages are told, and when they look.
//!
//! The schema itself notes each change that a page could show, in the transaction of its cause (`changes`, filled by
//! triggers); the number of such a row is a position in one sequence for the whole gateway. Who looks at a page reads
//! from his own position on ([`feed::after`]), so that a lost connection loses nothing and doubles nothing. Here a
//! commit wakes those whose account it concerns; nobody asks the database at intervals.
//!
//! - `feed.rs`: the rows.
//! - `connection_limit.rs`: how many connections a session may have.
//!
//! It knows nothing of sockets, nor of what a change looks like on a page.

mod connection_limit;
pub mod feed;

pub use connection_limit::{LiveConnection, LiveConnections, TooManyConnections};
pub use feed::{ChangeKind, ChangeScope, LiveChange};

use crate::{
    model::ids::AccountId,
    store::{Store, StoreError},
};
use tokio::sync::{broadcast, watch};

/// News that somebody may leave lying before he has to look without being told what for.
const NEWS: usize = 256;

/// Whom a commit concerns; none: everybody.
pub type Concerned = Option<AccountId>;

/// The slice's door.
pub struct Live {
    store: Store,
    news: broadcast::Sender<Concerned>,
    /// Who is connected.
    pub seats: LiveConnections,
}

impl Live {
    /// The slice over `store`; its worker is started with [`Live::run`].
    pub fn new(store: Store) -> Self {
        Self { store, news: broadcast::Sender::new(NEWS), seats: LiveConnections::default() }
    }

    /// Hears whom each commit concerns. Subscribe first, then read: what is committed in between is in what one reads.
    /// Who lags behind must look for himself.
    pub fn subscribe(&self) -> broadcast::Receiver<Concerned> {
        self.news.subscribe()
    }

    /// Wakes everybody whom a commit concerns, until `stop`.
    pub async fn run(self: std::sync::Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut commits = self.store.commits();
        let mut at = 0;
        loop {
            tokio::select! {
                changed = commits.changed() => if changed.is_err() { return },
                _ = stop.wait_for(|stop| *stop) => return,
            }
            at = self.tell(at).await;
        }
    }

    /// Tells of what came after `at`; says up to where.
    async fn tell(&self, at: i64) -> i64 {
        if self.news.receiver_count() == 0 {
            return at;
        }
        match self.store.read(move |tx| feed::concerned(tx, at)).await {
            Ok((newest, concerned)) => {
                for account in concerned {
                    let _ = self.news.send(account);
                }
                newest
            }
            Err(e) => {
                tracing::warn!("open pages are told to look for themselves: {e}");
                let _ = self.news.send(None);
                at
            }
        }
    }

    /// Deletes all but the newest changes; says how many.
    pub async fn expire(&self) -> Result<usize, StoreError> {
        self.store.write(feed::expire).await
    }
}
