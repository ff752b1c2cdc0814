//! What people do with integrations: make and change them, rotate their secrets, write their templates, look at what
//! came in. Each call is one transaction, after which the ring is up to date. `scope` is the account whose integrations
//! somebody may see; another's answer like none at all. None: those who run the appliance.

use super::{
    Actor, EventType, Integration, IntegrationId, Monitored, NewIntegration, Rejected, RequestLogEntry, Saved, Secrets,
    Settings, SettingsChange, Threecx, ThreecxError,
    integration::{self, Doing, IntegrationParts},
    log,
    template::{TemplateValues, TextTemplate},
    templates,
};
use crate::{
    accounts::{Scope, audit},
    events::webhooks::WebhookError,
    model::{ids::AccountId, purpose::Purpose, why::why},
    store::{StoreError, WriteTx},
};
use rusqlite::params;

impl Threecx {
    /// Makes an integration; its secrets are returned here and never again.
    ///
    /// # Errors
    /// An unknown account, an instance that is not its own, a setting that cannot be taken.
    pub async fn create(&self, new: NewIntegration, by: Actor<'_>) -> Result<(IntegrationId, Secrets), ThreecxError> {
        self.check_destination(new.account, &new.change)?;
        let (now, random, vault) = (self.clock.now(), self.random.clone(), self.vault.clone());
        let (secrets, actor) = (Secrets::new(&*self.random), by.actor.to_owned());
        let (sealed, is_admin) = (secrets.clone(), by.is_admin);
        let work = move |tx: &WriteTx<'_>| {
            let name = tx.find("SELECT name FROM accounts WHERE id = ?1", params![new.account], |r| r.get(0))?;
            let name: String = name.ok_or_else(|| {
                ThreecxError::Invalid(why!("no_account", "there is no account {id}", id = new.account))
            })?;
            let by = Actor { actor: &actor, is_admin };
            let region = integration::region_of(tx, new.account)?;
            let name = name.chars().filter(|c| !c.is_control()).take(80).collect();
            let settings = Settings::new(new.instance, name).changed(new.change, &by, region)?;
            let made = IntegrationParts { vault: &vault, secrets: &sealed, random: &*random, by: &by, now };
            integration::create(tx, new.account, settings, &made)
        };
        let id = self.store.write(work).await?;
        self.refresh().await?;
        Ok((id, secrets))
    }

    /// Changes an integration, of one account or of any. In force when this returns.
    ///
    /// # Errors
    /// No such one, a setting that cannot be taken; then nothing is changed.
    pub async fn update(
        &self,
        id: &IntegrationId,
        scope: Scope,
        change: SettingsChange,
        by: Actor<'_>,
    ) -> Result<Integration, ThreecxError> {
        if change.destination_url.is_some() {
            let of = id.clone();
            let account =
                self.store.read(move |tx| Ok::<_, ThreecxError>(integration::find(tx, &of, scope)?.account_id));
            self.check_destination(account.await?, &change)?;
        }
        let (now, vault, id) = (self.clock.now(), self.vault.clone(), id.clone());
        let (actor, is_admin) = (by.actor.to_owned(), by.is_admin);
        let work = move |tx: &WriteTx<'_>| {
            let by = Actor { actor: &actor, is_admin };
            integration::update(tx, &id, scope, change, &Doing { vault: &vault, by: &by, now })
        };
        let changed = self.store.write(work).await?;
        self.refresh().await?;
        Ok(changed)
    }

    /// New secrets, returned here and never again; the old ones are good for a day more.
    ///
    /// # Errors
    /// No such integration.
    pub async fn rotate(&self, id: &IntegrationId, scope: Scope, by: Actor<'_>) -> Result<Secrets, ThreecxError> {
        let (now, vault, id) = (self.clock.now(), self.vault.clone(), id.clone());
        let (secrets, actor, is_admin) = (Secrets::new(&*self.random), by.actor.to_owned(), by.is_admin);
        let sealed = secrets.clone();
        let work = move |tx: &WriteTx<'_>| {
            let by = Actor { actor: &actor, is_admin };
            integration::rotate(tx, &id, scope, &sealed, &Doing { vault: &vault, by: &by, now })
        };
        self.store.write(work).await?;
        self.refresh().await?;
        Ok(secrets)
    }

    /// One integration, of one account or of any.
    ///
    /// # Errors
    /// No such one; another account's answers like none at all.
    pub async fn find(&self, id: &IntegrationId, scope: Scope) -> Result<Integration, ThreecxError> {
        let id = id.clone();
        self.store.read(move |tx| integration::find(tx, &id, scope)).await
    }

    /// The integrations of an account, or all.
    pub async fn list(&self, scope: Scope) -> Result<Vec<Integration>, ThreecxError> {
        Ok(self.store.read(move |tx| integration::list(tx, scope)).await?)
    }

    /// The five templates of an integration.
    ///
    /// # Errors
    /// No such one.
    pub async fn templates(&self, id: &IntegrationId, scope: Scope) -> Result<Vec<Saved>, ThreecxError> {
        let id = id.clone();
        self.store
            .read(move |tx| {
                integration::find(tx, &id, scope)?;
                Ok(templates::list(tx, &id)?)
            })
            .await
    }

    /// Changes a template: whether its event sends it, and its text. What is `None` stays.
    ///
    /// # Errors
    /// No such integration, an event without a template, a text that cannot be read or that the content policy refuses.
    pub async fn save_template(
        &self,
        id: &IntegrationId,
        scope: Scope,
        (event_type, enabled, text): (EventType, Option<bool>, Option<String>),
        by: Actor<'_>,
    ) -> Result<Saved, ThreecxError> {
        if !EventType::WITH_TEMPLATE.contains(&event_type) {
            let known = EventType::WITH_TEMPLATE.map(EventType::as_str).join(", ");
            return Err(ThreecxError::Invalid(why!(
                "no_template",
                "{event} has no template: use {known}",
                event = event_type,
                known = known
            )));
        }
        if let Some(text) = &text {
            self.judge_template(text)?;
        }
        let (id, now, actor) = (id.clone(), self.clock.now(), by.actor.to_owned());
        self.store
            .write(move |tx| {
                let account = integration::find(tx, &id, scope)?.account_id;
                let before = templates::find(tx, &id, event_type)?;
                let saved =
                    Saved { event_type, enabled: enabled.unwrap_or(before.enabled), text: text.unwrap_or(before.text) };
                templates::save(tx, &id, &saved)?;
                let after = format!("{event_type} {}: {}", if saved.enabled { "on" } else { "off" }, saved.text);
                let entry = audit::AuditEntry {
                    actor: &actor,
                    account: Some(account),
                    action: "threecx.template",
                    target: id.as_str(),
                    before: None,
                    after: Some(&after),
                };
                audit::record(tx, now, &entry)?;
                Ok(saved)
            })
            .await
    }

    /// What a template would say to somebody, for the pages: judged like one that is saved.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn preview(&self, text: &str, values: &TemplateValues) -> Result<String, ThreecxError> {
        Ok(self.judge_template(text)?.render(values))
    }

    /// The last requests of an integration, newest first.
    ///
    /// # Errors
    /// No such one.
    pub async fn requests(&self, id: &IntegrationId, scope: Scope) -> Result<Vec<RequestLogEntry>, ThreecxError> {
        let id = id.clone();
        self.store
            .read(move |tx| {
                integration::find(tx, &id, scope)?;
                Ok(log::list(tx, &id)?)
            })
            .await
    }

    /// All integrations (or an account's) with their outcomes, for those who watch over them.
    pub async fn monitor(&self, scope: Scope) -> Result<Vec<Monitored>, ThreecxError> {
        let all: Result<_, StoreError> = self.store.read(move |tx| log::monitored(tx, scope)).await;
        Ok(self.with_rejections(all?))
    }

    /// The same with what only memory knows: requests that were not proven.
    pub fn with_rejections(&self, mut all: Vec<Monitored>) -> Vec<Monitored> {
        for watched in &mut all {
            watched.rejected = self.ring.rejected(&watched.integration.id);
        }
        all
    }

    /// Requests of an integration that were not proven, since the gateway started.
    pub fn rejected(&self, id: &IntegrationId) -> Rejected {
        self.ring.rejected(id)
    }

    /// Sends a test the way that inbound messages go; returns the delivery's number in the webhooks' log.
    ///
    /// # Errors
    /// No such integration, or one that forwards nothing.
    pub async fn test_forward(&self, id: &IntegrationId, scope: Scope) -> Result<i64, ThreecxError> {
        let found = self.find(id, scope).await?;
        let nowhere =
            || why!("no_forward", "nothing is forwarded: inbound forwarding is off or there is no destination address");
        let endpoint = found.endpoint_id.ok_or_else(|| ThreecxError::Invalid(nowhere()))?;
        self.webhooks.test(endpoint).await.map_err(of_webhook)
    }

    fn judge_template(&self, text: &str) -> Result<TextTemplate, ThreecxError> {
        let template = TextTemplate::parse(text).map_err(ThreecxError::Invalid)?;
        // As somebody might read it: the names of the variables are nobody's words.
        let filled_in = template.render(&TemplateValues::sample());
        self.sending.judge_text(None, Purpose::Support, &filled_in).map_err(ThreecxError::Invalid)?;
        Ok(template)
    }

    fn check_destination(&self, account: AccountId, change: &SettingsChange) -> Result<(), ThreecxError> {
        match change.destination_url.as_deref().map(str::trim).filter(|url| !url.is_empty()) {
            Some(url) => self.webhooks.check_url(account, url).map_err(of_webhook),
            None => Ok(()),
        }
    }
}

fn of_webhook(e: WebhookError) -> ThreecxError {
    match e {
        WebhookError::Store(e) => ThreecxError::Store(e),
        WebhookError::Invalid(why) => ThreecxError::Invalid(why),
        WebhookError::NotFound(text) => ThreecxError::Invalid(why!("endpoint_gone", "{text}", text = text)),
    }
}
