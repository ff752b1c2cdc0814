//! The machine that serves looks into the place, at its start and every few seconds, and says there how it stands.
//!
//! - A higher epoch than its own: another machine took over. The fence is closed for good.
//! - The place is another gateway's, is empty though this gateway was in it (it is not mounted), or cannot be read and
//!   written: at the start nothing is sent until it can. Later the gateway sends on for `alone_for`, because a place that
//!   is out of order must not be what stops a shop, and then no more: it cannot know whether it still may. Whoever takes
//!   over knows this time from the sign and reckons with it.
//!
//! A look that could not write its sign is none: from the last sign the other machine reckons until when this one may have
//! sent.

use super::{
    membership::Membership,
    place::{FoundPlace, Place, Sign},
};
use crate::{
    model::{
        clock::{Clock, Time},
        fence::Fence,
        random::{Random, base62},
    },
    store::{Store, StoreError},
};
use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::task::JoinHandle;

/// From one look to the next.
pub const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long one look may take; a place that answers later does not answer.
const LOOK_WITHIN: Duration = Duration::from_secs(5);
const ANOTHERS: &str = "it is another gateway's";
const NOT_READ_YET: &str = "the place of the second machine was not read since the start";

/// Looks after the fence.
pub struct Vigil {
    place: Place,
    store: Store,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    fence: Fence,
    alone_for: Duration,
    state: Mutex<VigilState>,
}

#[derive(Default)]
struct VigilState {
    /// When the place was read and written last.
    seen_at: Option<Time>,
    /// It is over for this machine.
    is_over: bool,
    /// As it was said last.
    problem: Option<String>,
    /// A look that has not come back.
    under_way: Option<JoinHandle<io::Result<FoundPlace>>>,
}

/// What a look means.
enum Meaning {
    /// This machine may send.
    Ours,
    /// Another one may.
    Superseded(u64),
    /// Nobody can tell.
    Unclear(String),
}

impl Vigil {
    /// Over one place; the fence is closed until the first look.
    pub fn new(
        dir: std::path::PathBuf,
        alone_for: Duration,
        store: Store,
        (clock, random): (Arc<dyn Clock>, Arc<dyn Random>),
        fence: Fence,
    ) -> Self {
        fence.close(NOT_READ_YET);
        Self { place: Place::new(dir), store, clock, random, fence, alone_for, state: Mutex::default() }
    }

    /// Looks once, and opens or closes the fence accordingly.
    pub async fn look(&self) {
        if self.state().is_over {
            return self.say_silence().await;
        }
        let meaning = match self.found().await {
            Ok(found) => self.meaning(found).await.unwrap_or_else(|e| Meaning::Unclear(e.to_string())),
            Err(problem) => Meaning::Unclear(problem),
        };
        let now = self.clock.now();
        match meaning {
            Meaning::Ours => self.may_send(now),
            Meaning::Superseded(epoch) => {
                let why = format!("another machine took over (epoch {epoch}): this one sends nothing any more");
                tracing::error!("{why}");
                self.fence.close(&why);
                self.state().is_over = true;
                self.say_silence().await;
            }
            Meaning::Unclear(problem) => self.alone(&problem, now),
        }
    }

    fn may_send(&self, now: Time) {
        let mut state = self.state();
        state.seen_at = Some(now);
        if state.problem.take().is_some() || !self.fence.is_open() {
            tracing::info!(place = %self.place.dir().display(), "the place of the second machine says that this one sends");
        }
        self.fence.open();
    }

    fn alone(&self, problem: &str, now: Time) {
        let mut state = self.state();
        let shown = self.place.dir().display();
        let is_late = state.seen_at.is_none_or(|at| now.since(at) >= self.alone_for);
        if state.problem.as_deref() != Some(problem) {
            let then = if is_late { "nothing is sent until then" } else { "messages are sent on for a while" };
            tracing::warn!("{shown}: {problem}; {then}");
            state.problem = Some(problem.to_owned());
        }
        if is_late {
            self.fence.close(&format!("{shown}: {problem}; whether another machine took over is not known"));
        }
    }

    /// One look into the place, which may not come back: then nobody looks beside it.
    async fn found(&self) -> Result<FoundPlace, String> {
        let place = self.place.clone();
        let under_way = self.state().under_way.take();
        let mut looking = under_way.unwrap_or_else(|| tokio::task::spawn_blocking(move || place.look()));
        let late = self.clock.now().plus(LOOK_WITHIN);
        let found = tokio::select! {
            found = &mut looking => found,
            () = self.clock.sleep_until(late) => {
                self.state().under_way = Some(looking);
                return Err("it does not answer".into());
            }
        };
        found.map_err(|e| e.to_string())?.map_err(|e| e.to_string())
    }

    async fn meaning(&self, found: FoundPlace) -> Result<Meaning, StoreError> {
        let own = self.store.read(Membership::find).await?;
        let Some(own) = own.as_ref().filter(|own| own.epoch > 0) else { return self.enter(own, &found).await };
        Ok(match found.gateway {
            None => Meaning::Unclear("it is empty, though this gateway has been in it: is it mounted?".into()),
            Some(other) if other != own.gateway => Meaning::Unclear(ANOTHERS.into()),
            Some(_) if found.epoch > own.epoch => Meaning::Superseded(found.epoch),
            Some(_) if found.epoch < own.epoch => Meaning::Unclear(format!(
                "it is older than this gateway's data (epoch {} instead of {})",
                found.epoch, own.epoch
            )),
            Some(_) => self.sign(own.epoch, true).await,
        })
    }

    /// A gateway that has no place yet makes an empty one its own. What it wants is in its database before it is in the
    /// place, so that a kill half-way is gone on from.
    async fn enter(&self, own: Option<Membership>, found: &FoundPlace) -> Result<Meaning, StoreError> {
        let known = own.as_ref().map(|own| &own.gateway);
        if found.epoch > 1 || found.gateway.is_some() && found.gateway.as_ref() != known {
            return Ok(Meaning::Unclear(ANOTHERS.into()));
        }
        let mut own = own.unwrap_or_else(|| Membership { gateway: base62(&*self.random, 16), epoch: 0 });
        let wanted = own.clone();
        self.store.write(move |tx| wanted.record(tx)).await?;
        let (place, gateway) = (self.place.clone(), own.gateway.clone());
        let begun = in_time(&*self.clock, move || {
            place.belong_to(&gateway)?;
            match place.begin(1) {
                Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
                _ => Ok(()),
            }
        });
        if let Err(problem) = begun.await {
            return Ok(Meaning::Unclear(problem));
        }
        own.epoch = 1;
        self.store.write(move |tx| own.record(tx)).await?;
        Ok(self.sign(1, true).await)
    }

    async fn sign(&self, epoch: u64, sends: bool) -> Meaning {
        let place = self.place.clone();
        let sign = Sign {
            at_ms: self.clock.now().millis(),
            sends,
            quiet: self.fence.is_quiet(),
            alone_for_ms: u64::try_from(self.alone_for.as_millis()).unwrap_or(u64::MAX),
        };
        match in_time(&*self.clock, move || place.say(epoch, &sign)).await {
            Ok(()) => Meaning::Ours,
            Err(problem) => Meaning::Unclear(problem),
        }
    }

    /// Whoever took over waits for this word.
    async fn say_silence(&self) {
        if let Ok(Some(own)) = self.store.read::<_, StoreError, _>(Membership::find).await {
            let _ = self.sign(own.epoch, false).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, VigilState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does it where one may wait, but not for long.
async fn in_time(clock: &dyn Clock, work: impl FnOnce() -> io::Result<()> + Send + 'static) -> Result<(), String> {
    let late = clock.now().plus(LOOK_WITHIN);
    tokio::select! {
        done = tokio::task::spawn_blocking(work) => done.map_err(|e| e.to_string())?.map_err(|e| e.to_string()),
        () = clock.sleep_until(late) => Err("it does not answer".into()),
    }
}
