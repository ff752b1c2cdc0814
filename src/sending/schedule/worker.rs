//! The worker: claims what is due, hands it to the guarded sender, writes what became of it.
//!
//! Claims are in the rows, and which of them are under way here in memory: a claimed row that is under way nowhere is
//! left over from a run that died, and the log says whether its message was made.

use super::{
    ScheduleId, Schedules, held, lock,
    row::{self, ClaimedSchedule, Fired},
};
use crate::{
    model::{clock::Time, instance::InstanceState, moment::Moment},
    sending::{Answer, waiting},
    store::{StoreError, WriteTx},
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinSet};

/// Messages under way at once.
const SIDE_BY_SIDE: usize = 32;
/// The worker looks at least this often: a machine's clock that jumps puts nothing off for longer.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// While something waits for its number to be open again.
const LOOK_AT_HELD: Duration = Duration::from_secs(2);
/// After an error of the store.
const AFTER_ERROR: Duration = Duration::from_secs(1);

impl Schedules {
    /// Sends everything that is due now; says how many were tried. Tests step with this.
    pub async fn step(self: &Arc<Self>) -> Result<usize, StoreError> {
        let mut tried = 0;
        loop {
            let claimed = self.claim().await?;
            if claimed.is_empty() {
                return Ok(tried);
            }
            tried += claimed.len();
            let mut running = JoinSet::new();
            for one in claimed {
                running.spawn(self.clone().fire(one));
            }
            while running.join_next().await.is_some() {}
        }
    }

    /// Works until `stop`. What is under way then is settled by the next start.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut running = JoinSet::new();
        loop {
            let looked = self.clock.now();
            let wait = match self.claim().await {
                Ok(claimed) => {
                    for one in claimed {
                        running.spawn(self.clone().fire(one));
                    }
                    self.until_next(looked).await
                }
                Err(StoreError::Stopping) => return,
                Err(e) => {
                    tracing::warn!("scheduled messages wait: {e}");
                    AFTER_ERROR
                }
            };
            let look_at = self.clock.now().plus(wait.min(LOOK_AGAIN));
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = self.wake.notified() => {}
                // Those that were through in one turn of the writer make room for as many: one claim for all of them.
                Some(_) = running.join_next() => while running.try_join_next().is_some() {},
                () = self.clock.sleep_until(look_at) => {}
            }
        }
    }

    async fn until_next(&self, looked: Time) -> Duration {
        let next =
            self.store.read(move |tx| Ok::<_, StoreError>((held::next_due(tx, looked)?, held::is_held(tx, looked)?)));
        match next.await {
            Ok((next, is_held)) => {
                let wait = next.map_or(LOOK_AGAIN, |at| at.since(self.clock.now()));
                if is_held { wait.min(LOOK_AT_HELD) } else { wait }
            }
            Err(_) => AFTER_ERROR,
        }
    }

    /// Claims what is due, after settling what an earlier claim left.
    async fn claim(&self) -> Result<Vec<ClaimedSchedule>, StoreError> {
        let _turn = self.turn.lock().await;
        let (now, grace) = (self.clock.now(), self.grace);
        if self.looked.was_set_back(now) {
            self.store.write(move |tx| row::believe_no_future(tx, now)).await?;
        }
        // Most looks find nothing: they cost a read, and no turn of the writer.
        if !self.store.read(move |tx| held::has_work(tx, now)).await? {
            return Ok(Vec::new());
        }
        let under_way = lock(&self.under_way).clone();
        let (random, registry) = (self.random.clone(), self.sending.shared.registry.clone());
        let claimed = self
            .store
            .write(move |tx| {
                for (id, message) in row::left_over(tx, |id| under_way.contains(&id))? {
                    match message {
                        Some((log_id, status)) => {
                            let fired = Fired { log_id: Some(log_id), outcome: status.as_str(), reason: None };
                            row::end(tx, id, &fired, now)?;
                        }
                        None => row::put_back(tx, id)?,
                    }
                }
                let moment = Moment::new(now, &*random);
                waiting::expire(tx, moment)?;
                waiting::miss(tx, now.minus(grace), moment)?;
                row::miss(tx, now.minus(grace), now)?;
                row::claim(tx, now, SIDE_BY_SIDE.saturating_sub(under_way.len()), &under_way, |instance| {
                    registry.standing(instance).is_some_and(|standing| standing.state == InstanceState::Connecting)
                })
            })
            .await?;
        lock(&self.under_way).extend(claimed.iter().map(|one| one.id));
        Ok(claimed)
    }

    async fn fire(self: Arc<Self>, one: ClaimedSchedule) {
        let ClaimedSchedule { id, sender, request, message_id, .. } = one;
        let answer = match request {
            Ok(request) => match self.sending.submit(sender, *request).await {
                Ok(answer) => self.settle(id, Some(answer), None).await,
                // Whether its row was made is looked at again.
                Err(e) => {
                    tracing::warn!(schedule = %id, "a scheduled message waits: {e}");
                    None
                }
            },
            Err(problem) => self.settle(id, None, Some(problem)).await,
        };
        lock(&self.under_way).remove(&id);
        if let Some(waiting) = lock(&self.waiting).remove(&message_id) {
            let _ = waiting.send(answer);
        }
    }

    async fn settle(&self, id: ScheduleId, answer: Option<Answer>, problem: Option<String>) -> Option<Answer> {
        let now = self.clock.now();
        let log_id = answer.as_ref().map(|a| a.log_id);
        let outcome = answer.as_ref().map_or("failed", |a| a.outcome.as_str());
        let outcome = if outcome == "accepted" { "sending" } else { outcome };
        let code = answer.as_ref().and_then(|a| a.refusal.as_ref()).map(|r| r.code.to_string());
        let reason = problem.or(code);
        let end = move |tx: &WriteTx<'_>| row::end(tx, id, &Fired { log_id, outcome, reason: reason.as_deref() }, now);
        let written = self.store.write(end).await;
        if let Err(e) = written {
            // It stays claimed, and the log says what became of it.
            tracing::warn!(schedule = %id, "what became of a scheduled message could not be written: {e}");
        }
        answer
    }
}
