//! WhatsApp numbers: made, set, started, paused for review and resumed, deleted; their state as it was last seen.
//!
//! Rules: an id is a slug that is unique in the whole gateway; a taken one and a reserved one get the same answer, so
//! that nobody learns of another account's numbers. Pause stands beside state and health: provider trouble is `close`
//! with its reason, never a pause. A change is in force when the call returns.
//!
//! It knows connectors only to start and stop them; it cannot send.

mod common_settings;
pub mod pause;
mod row;
mod secret;
pub mod templates;

pub use row::{Instance, NewInstance, end_setting, find, list, record_standing, shown_state};
pub use secret::names as secret_names;

use crate::{
    accounts::Scope,
    connectors::{ConnectionStatus, InstanceSetup, Registry, registry::BadSetting},
    model::{
        clock::Clock,
        ids::InstanceId,
        instance::{Health, InstanceState},
        moment::Moment,
        random::Random,
        short_text,
        why::{Why, why},
    },
    store::{Store, StoreError, Tx, Vault, WriteTx},
};
use std::{collections::BTreeMap, sync::Arc};

/// What can go wrong here; each text says what would be right.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// No such instance.
    #[error("there is no instance {0}; `wa-gateway instance list` shows them")]
    NotFound(InstanceId),
    /// The id is taken or reserved.
    #[error("the instance id {0} is not available: choose another")]
    NotAvailable(InstanceId),
    /// Input that cannot be taken.
    #[error("{0}")]
    Invalid(Why),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<BadSetting> for InstanceError {
    fn from(e: BadSetting) -> Self {
        Self::Invalid(e.0)
    }
}

/// How the reason of one that could not be started begins: the next start tries it anew.
const NOT_STARTED: &str = "it could not be started: ";

/// An instance that is about to be started.
pub struct PlannedStart {
    id: InstanceId,
    setup: Result<InstanceSetup, InstanceError>,
}

/// The slice's door.
pub struct Instances {
    store: Store,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    vault: Vault,
    registry: Registry,
}

impl Instances {
    /// The slice over `store` and the running connectors.
    pub fn new(store: Store, clock: Arc<dyn Clock>, random: Arc<dyn Random>, vault: Vault, registry: Registry) -> Self {
        Self { store, clock, random, vault, registry }
    }

    /// What the connectors of all instances start with; nothing is written.
    ///
    /// # Errors
    /// The store's. An instance that has no good settings is in the list all the same.
    pub async fn all_setups(&self) -> Result<Vec<PlannedStart>, StoreError> {
        let mut all = Vec::new();
        for instance in self.store.read(row::all).await? {
            let setup = match self.setup(&instance, closed_by_provider(&instance)).await {
                Err(InstanceError::Store(e)) => return Err(e),
                setup => setup,
            };
            all.push(PlannedStart { id: instance.id, setup });
        }
        Ok(all)
    }

    /// Starts the connectors of all instances. One that cannot start stays closed with its reason; the others run.
    pub async fn start_all(&self, all: Vec<PlannedStart>) {
        for PlannedStart { id, setup } in all {
            let noted = if let Err(e) = setup.and_then(|setup| Ok(self.registry.start(&setup)?)) {
                tracing::warn!(instance = %id, "the instance could not be started: {e}");
                self.record_standing(id.clone(), closed(format!("{NOT_STARTED}{e}"))).await
            } else if self.registry.standing(&id).is_some_and(|standing| !is_finding_out(&standing)) {
                self.note_standing(&id).await
            } else {
                Ok(())
            };
            if let Err(e) = noted {
                tracing::warn!(instance = %id, "how it stands could not be written down: {e}");
            }
        }
    }

    /// Makes an instance and starts it.
    ///
    /// # Errors
    /// An id that is none or not available, an unknown account, settings that the connector cannot take.
    pub async fn create(&self, mut new: NewInstance, actor: &str) -> Result<Instance, InstanceError> {
        let (ours, theirs) = common_settings::apart(&new.settings);
        new.settings = theirs;
        crate::connectors::registry::fill_settings(new.connector, &mut new.settings, &new.id, &*self.random);
        crate::connectors::registry::check_settings(new.connector, &new.settings)?;
        let (now, actor, id, vault) = (self.clock.now(), actor.to_owned(), new.id.clone(), self.vault.clone());
        let make = move |tx: &WriteTx<'_>| {
            row::create(tx, &new, &vault, now, &actor)?;
            common_settings::set(tx, &new.id, &ours)?;
            row::find(tx, &new.id)
        };
        let made = self.store.write(make).await?;
        self.registry.start(&self.setup(&made, None).await?)?;
        self.note_standing(&id).await?;
        self.find(&id).await
    }

    /// Changes settings; those not named stay. An empty value takes a setting back to its default.
    ///
    /// # Errors
    /// As [`Instances::create`]; then nothing is changed.
    pub async fn set(
        &self,
        id: &InstanceId,
        changes: BTreeMap<String, String>,
        actor: &str,
    ) -> Result<Instance, InstanceError> {
        let (now, actor, name, vault) = (self.clock.now(), actor.to_owned(), id.clone(), self.vault.clone());
        let before = self.find(id).await?;
        // What its provider closed stays so, unless something was set that may be the cure.
        let closed =
            closed_by_provider(&before).filter(|_| !common_settings::changes_connector(&changes, &before.settings));
        let changed = self.store.write(move |tx| row::set(tx, &name, &changes, &vault, (now, &actor))).await?;
        self.registry.start(&self.setup(&changed, closed).await?)?;
        self.note_standing(id).await?;
        self.find(id).await
    }

    /// One instance.
    ///
    /// # Errors
    /// No such one.
    pub async fn find(&self, id: &InstanceId) -> Result<Instance, InstanceError> {
        let id = id.clone();
        self.store.read(move |tx| row::find(tx, &id)).await
    }

    /// The first of `stem`, `stem-2`, `stem-3` and so on that no instance has or had.
    pub async fn free_id(&self, stem: &str) -> Result<String, InstanceError> {
        let stem = stem.to_owned();
        Ok(self.store.read(move |tx| row::free_id(tx, &stem)).await?)
    }

    /// The instances that somebody sees.
    pub async fn list(&self, scope: Scope) -> Result<Vec<Instance>, InstanceError> {
        Ok(self.store.read(move |tx| row::list(tx, scope)).await?)
    }

    /// Stops an instance for good. Its log stays, its id is not given out again, its connector's own files are deleted.
    ///
    /// # Errors
    /// No such one.
    pub async fn delete(&self, id: &InstanceId, actor: &str) -> Result<(), InstanceError> {
        let (now, actor, name) = (self.clock.now(), actor.to_owned(), id.clone());
        self.store.write(move |tx| row::delete(tx, &name, now, &actor)).await?;
        self.registry.forget(id).await;
        Ok(())
    }

    /// Pauses an instance until a person has looked.
    ///
    /// # Errors
    /// No such one, or an empty reason.
    pub async fn pause(&self, id: &InstanceId, reason: &str, actor: &str) -> Result<Instance, InstanceError> {
        let (now, actor, name, reason) = (self.clock.now(), actor.to_owned(), id.clone(), pause_reason(reason)?);
        self.store
            .write(move |tx| {
                row::find(tx, &name)?;
                pause::pause(tx, &name, &reason, &[], (now, &actor)).map_err(InstanceError::from)
            })
            .await?;
        self.find(id).await
    }

    /// An owner pauses an own instance, until they resume it.
    ///
    /// # Errors
    /// No such one, an empty reason, or one that waits for a review.
    pub async fn pause_own(&self, id: &InstanceId, reason: &str, actor: &str) -> Result<Instance, InstanceError> {
        let (now, actor, name, reason) = (self.clock.now(), actor.to_owned(), id.clone(), pause_reason(reason)?);
        self.store
            .write(move |tx| {
                row::find(tx, &name)?;
                let is_done = pause::pause_own(tx, &name, &reason, now, &actor)?;
                if is_done { Ok(()) } else { Err(InstanceError::Invalid(under_review())) }
            })
            .await?;
        self.find(id).await
    }

    /// An owner resumes an instance that they paused.
    ///
    /// # Errors
    /// No such one, or one that is not paused, or that waits for a review.
    pub async fn resume_own(&self, id: &InstanceId, actor: &str) -> Result<Instance, InstanceError> {
        let (now, actor, name) = (self.clock.now(), actor.to_owned(), id.clone());
        self.store
            .write(move |tx| {
                let instance = row::find(tx, &name)?;
                match (instance.paused_at, instance.is_paused_by_owner) {
                    (None, _) => Err(not_paused(&name)),
                    (Some(_), false) => Err(InstanceError::Invalid(under_review())),
                    (Some(_), true) => pause::resume_own(tx, &name, now, &actor).map_err(InstanceError::from),
                }
            })
            .await?;
        self.find(id).await
    }

    /// Resumes a paused instance.
    ///
    /// # Errors
    /// No such one, one that is not paused, or an empty note.
    pub async fn resume(&self, id: &InstanceId, note: &str, actor: &str) -> Result<Instance, InstanceError> {
        let note = short_text::reason(note).map_err(InstanceError::Invalid)?;
        let (now, actor, name) = (self.clock.now(), actor.to_owned(), id.clone());
        if note.is_empty() {
            return Err(InstanceError::Invalid(why!("resume_note", "resuming needs a note (--note)")));
        }
        self.store
            .write(move |tx| {
                if row::find(tx, &name)?.paused_at.is_none() {
                    return Err(not_paused(&name));
                }
                pause::resume(tx, &name, &note, now, &actor).map_err(InstanceError::from)
            })
            .await?;
        self.find(id).await
    }

    /// Which secret settings an instance has; their values stay where they are.
    pub async fn secrets(&self, id: &InstanceId) -> Result<Vec<String>, StoreError> {
        let id = id.clone();
        self.store.read(move |tx: &Tx<'_>| secret::names(tx, &id)).await
    }

    /// What the connector needs to begin, secrets in clear.
    async fn setup(&self, instance: &Instance, closed: Option<String>) -> Result<InstanceSetup, InstanceError> {
        let (id, vault) = (instance.id.clone(), self.vault.clone());
        let mut settings = self.store.read(move |tx: &Tx<'_>| secret::open_all(tx, &vault, &id)).await?;
        settings.extend(instance.settings.clone());
        Ok(InstanceSetup {
            id: instance.id.clone(),
            account: instance.account_id,
            connector: instance.connector,
            settings,
            closed,
        })
    }

    /// Copies the connector's own view of its state into the row.
    async fn note_standing(&self, id: &InstanceId) -> Result<(), StoreError> {
        let Some(standing) = self.registry.standing(id) else { return Ok(()) };
        self.record_standing(id.clone(), standing).await
    }

    async fn record_standing(&self, id: InstanceId, standing: ConnectionStatus) -> Result<(), StoreError> {
        let (now, random) = (self.clock.now(), self.random.clone());
        let record = move |tx: &WriteTx<'_>| row::record_standing(tx, &id, &standing, Moment::new(now, &*random));
        self.store.write(record).await
    }
}

fn not_paused(id: &InstanceId) -> InstanceError {
    InstanceError::Invalid(why!("not_paused", "the instance {name} is not paused", name = id))
}

fn pause_reason(given: &str) -> Result<String, InstanceError> {
    match short_text::reason(given).map_err(InstanceError::Invalid)? {
        none if none.is_empty() => {
            Err(InstanceError::Invalid(why!("pause_reason", "a pause needs a reason (--reason)")))
        }
        reason => Ok(reason),
    }
}

fn under_review() -> Why {
    why!("under_review", "the instance is paused for review: only an administrator resumes it")
}

/// A connector that has just begun and heard nothing yet: what was known of it still holds, and a restart of the gateway
/// is told nobody as a disconnection.
fn is_finding_out(standing: &ConnectionStatus) -> bool {
    standing.state == InstanceState::Connecting && standing.last_heard_at.is_none()
}

/// Why a provider closed an instance in an earlier life; one that could not be started was not closed by it.
fn closed_by_provider(instance: &Instance) -> Option<String> {
    let reason = instance.state_reason.clone().filter(|_| instance.state == InstanceState::Close)?;
    (!reason.starts_with(NOT_STARTED)).then_some(reason)
}

fn closed(reason: String) -> ConnectionStatus {
    ConnectionStatus {
        state: InstanceState::Close,
        reason: Some(reason),
        health: Health::Ok,
        phone: None,
        last_heard_at: None,
    }
}
