//! The running connectors, by instance, and the one wire through which messages leave.

#[cfg(feature = "whatsapp-web")]
use super::whatsapp_web::{LinkedPhones, WhatsappWeb};
use super::{
    Ack, ActionError, Address, Capabilities, ConnectionStatus, Connector, Ear, GroupInfo, HookAnswer, HookRequest,
    MediaError, Outgoing, Pairing, SendError,
    cloud_api::{CloudApi, CloudLines},
    connector_settings,
    evolution::{
        Evolution, EvolutionLines,
        import::{self, ImportCandidate},
    },
    new_chats::NewChatAllowance,
    sandbox::Sandbox,
    setup_check::SetupFinding,
    templates::TemplateName,
    warm_up::WarmUp,
};
use crate::{
    egress::Egress,
    model::{clock::Clock, fence::Fence, ids::InstanceId, instance::ConnectorKind, phone::Phone, random::Random},
};
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, RwLock},
};
use tokio::runtime::Handle;

pub use connector_settings::{
    BadSetting, KnownReason, check_settings, claimed_place, fill_settings, known_reason, secret_settings,
};

pub use super::instance_setup::InstanceSetup;

/// Everything but sending.
#[derive(Clone)]
pub struct Registry {
    shared: Arc<RegistryInner>,
}

/// Sending. There is one; it cannot be cloned.
pub struct Wire {
    shared: Arc<RegistryInner>,
}

struct RegistryInner {
    deps: Deps,
    /// Where the gateway was opened.
    runtime: Option<Handle>,
    cloud_lines: Arc<CloudLines>,
    evolution_lines: Arc<EvolutionLines>,
    #[cfg(feature = "whatsapp-web")]
    linked_phones: Arc<LinkedPhones>,
    running: RwLock<HashMap<InstanceId, RunningConnector>>,
}

/// What all connectors are given.
#[derive(Clone)]
pub struct Deps {
    /// The gateway's data directory.
    pub data_dir: PathBuf,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    /// Where what is heard goes.
    pub ear: Arc<dyn Ear>,
    /// The way out.
    pub egress: Egress,
    /// Where providers reach this gateway, without a slash at the end: `https://…`, or the local listener.
    pub public_url: String,
    /// While it is closed, no connector is started and nothing is sent.
    pub fence: Fence,
}

#[derive(Clone)]
struct RunningConnector {
    kind: ConnectorKind,
    connector: Arc<dyn Connector>,
    sandbox: Option<Arc<Sandbox>>,
}

impl Registry {
    /// An empty registry, and the one wire.
    pub fn new(deps: Deps) -> (Self, Wire) {
        let shared = Arc::new(RegistryInner {
            deps,
            runtime: Handle::try_current().ok(),
            cloud_lines: Arc::default(),
            evolution_lines: Arc::default(),
            #[cfg(feature = "whatsapp-web")]
            linked_phones: Arc::default(),
            running: RwLock::default(),
        });
        (Self { shared: shared.clone() }, Wire { shared })
    }

    /// Starts an instance's connector, or starts it anew with other settings. While the fence is closed none is started:
    /// another machine has the number.
    ///
    /// # Errors
    /// Settings that the connector cannot take, or a connector that this version does not have.
    pub fn start(&self, setup: &InstanceSetup) -> Result<(), BadSetting> {
        if !self.shared.deps.fence.is_open() {
            return Ok(());
        }
        // Its tasks live as long as it does, with the other numbers', whoever asks for it.
        let _on = self.shared.runtime.as_ref().map(Handle::enter);
        let egress = self.shared.deps.egress.of_account(setup.account);
        let deps = Deps { egress, ..self.shared.deps.clone() };
        let running = match setup.connector {
            ConnectorKind::Sandbox => {
                let existing = self.sandbox(&setup.id);
                let sandbox = match existing {
                    Some(s) => {
                        s.apply(&setup.settings)?;
                        s
                    }
                    None => Arc::new(Sandbox::open(&deps, setup)?),
                };
                RunningConnector { kind: setup.connector, connector: sandbox.clone(), sandbox: Some(sandbox) }
            }
            ConnectorKind::Evolution => {
                let connector = Arc::new(Evolution::open(&deps, setup, &self.shared.evolution_lines)?);
                RunningConnector { kind: setup.connector, connector, sandbox: None }
            }
            ConnectorKind::CloudApi => {
                let connector = Arc::new(CloudApi::open(&deps, setup, &self.shared.cloud_lines)?);
                RunningConnector { kind: setup.connector, connector, sandbox: None }
            }
            #[cfg(feature = "whatsapp-web")]
            ConnectorKind::WhatsappWeb => {
                let connector = Arc::new(WhatsappWeb::open(&deps, setup, &self.shared.linked_phones)?);
                RunningConnector { kind: setup.connector, connector, sandbox: None }
            }
            #[cfg(not(feature = "whatsapp-web"))]
            ConnectorKind::WhatsappWeb => return Err(connector_settings::missing(setup.connector)),
        };
        self.shared.running.write().expect("no holder panics").insert(setup.id.clone(), running);
        Ok(())
    }

    /// Stops an instance's connector and forgets it.
    pub async fn stop(&self, id: &InstanceId) {
        if let Some(running) = self.shared.take(id) {
            running.connector.stop().await;
        }
    }

    /// Stops an instance's connector for good, and deletes what it kept of its own.
    pub async fn forget(&self, id: &InstanceId) {
        if let Some(running) = self.shared.take(id) {
            running.connector.forget().await;
        }
    }

    /// Stops all of them: the gateway ends.
    pub async fn stop_all(&self) {
        let all = std::mem::take(&mut *self.shared.running.write().expect("no holder panics"));
        for running in all.into_values() {
            running.connector.stop().await;
        }
    }

    /// How an instance stands; none when it is not running.
    pub fn standing(&self, id: &InstanceId) -> Option<ConnectionStatus> {
        self.shared.find(id).map(|r| r.connector.standing())
    }

    /// What an instance's connector can do; none when it is not running.
    pub fn capabilities(&self, id: &InstanceId) -> Option<Capabilities> {
        self.shared.find(id).map(|r| r.connector.capabilities())
    }

    /// A provider's call, its head alone: how much of its body is worth reading.
    ///
    /// # Errors
    /// The refusal; `404` too when no such instance runs by that connector.
    pub fn hook_limit(&self, kind: ConnectorKind, id: &InstanceId, head: &HookRequest) -> Result<usize, HookAnswer> {
        match self.find(kind, id) {
            Some(connector) => connector.hook_limit(head),
            // Meta keeps one address for all numbers of an app: that of an instance that is gone may still be it.
            None if self.is_left(kind, id) => self.shared.cloud_lines.limit(head).ok_or_else(HookAnswer::not_found),
            None => Err(HookAnswer::not_found()),
        }
    }

    /// A provider's call.
    pub async fn hook(&self, kind: ConnectorKind, id: &InstanceId, request: &HookRequest) -> HookAnswer {
        match self.find(kind, id) {
            Some(connector) => connector.hook(request).await,
            None if self.is_left(kind, id) => {
                self.shared.cloud_lines.answer(request).await.unwrap_or_else(HookAnswer::not_found)
            }
            None => HookAnswer::not_found(),
        }
    }

    /// Gets a file that an instance's provider keeps.
    ///
    /// # Errors
    /// See [`MediaError`].
    pub async fn fetch_media(&self, id: &InstanceId, handle: &str, max_bytes: u64) -> Result<Vec<u8>, MediaError> {
        match self.shared.find(id) {
            Some(running) => running.connector.fetch_media(handle, max_bytes).await,
            None => Err(MediaError::NotNow("the instance is not running".into())),
        }
    }

    /// The groups and channels of an instance.
    ///
    /// # Errors
    /// Why they cannot be told, in plain words.
    pub async fn groups(&self, id: &InstanceId) -> Result<Vec<GroupInfo>, ActionError> {
        self.running(id)?.groups().await
    }

    /// Ends a call that rings.
    ///
    /// # Errors
    /// Why it cannot be, in plain words.
    pub async fn reject_call(&self, id: &InstanceId, call_id: &str) -> Result<(), ActionError> {
        self.running(id)?.reject_call(call_id).await
    }

    /// What links a phone to an instance, while it waits for one.
    pub fn pairing(&self, id: &InstanceId) -> Option<Pairing> {
        self.shared.find(id).and_then(|r| r.connector.pairing())
    }

    /// How far an instance's number is that was linked lately; none: it is not, or not running.
    pub fn warm_up(&self, id: &InstanceId) -> Option<WarmUp> {
        self.shared.find(id)?.connector.warm_up()
    }

    /// What the provider of an instance says of the new chats that its number may begin; none: it sets no bounds.
    pub fn new_chats(&self, id: &InstanceId) -> Option<NewChatAllowance> {
        self.shared.find(id)?.connector.new_chats()
    }

    /// Where the picture of a chat of an instance lies, as far as that is known; one that is not is asked for meanwhile.
    pub fn picture(&self, id: &InstanceId, chat: &Address) -> Option<String> {
        self.shared.find(id)?.connector.picture(chat)
    }

    /// Makes an instance's connection anew.
    ///
    /// # Errors
    /// Why it cannot be.
    pub async fn reconnect(&self, id: &InstanceId) -> Result<(), ActionError> {
        self.running(id)?.reconnect().await
    }

    /// Ends an instance's login at its provider.
    ///
    /// # Errors
    /// Why it cannot be.
    pub async fn log_out(&self, id: &InstanceId) -> Result<(), ActionError> {
        self.running(id)?.log_out().await
    }

    /// Tells those who wrote in a chat that their messages were read.
    ///
    /// # Errors
    /// Why it cannot be.
    pub async fn mark_read(&self, id: &InstanceId, chat: &Address, messages: &[String]) -> Result<(), ActionError> {
        self.running(id)?.mark_read(chat, messages).await
    }

    /// Shows the people of a chat that an answer is being written.
    ///
    /// # Errors
    /// Why it cannot be.
    pub async fn show_typing(&self, id: &InstanceId, chat: &Address, answered: &str) -> Result<(), ActionError> {
        self.running(id)?.show_typing(chat, answered).await
    }

    /// The template that an instance offers when the recipient's 24 hours are over.
    pub fn window_template(&self, id: &InstanceId) -> Option<TemplateName> {
        self.shared.find(id).and_then(|r| r.connector.window_template())
    }

    /// Whether an instance's texts may go outside the window without a template.
    pub fn sends_directly(&self, id: &InstanceId) -> bool {
        self.shared.find(id).is_some_and(|r| r.connector.sends_directly())
    }

    /// Asks an instance's provider whether it would take messages right now: what it says when it would.
    ///
    /// # Errors
    /// Why it would not.
    pub async fn examine(&self, id: &InstanceId) -> Result<String, ActionError> {
        self.running(id)?.examine().await
    }

    /// What an instance's set-up at its provider needs, asked now.
    ///
    /// # Errors
    /// The instance is not running.
    pub async fn check_setup(&self, id: &InstanceId) -> Result<Vec<SetupFinding>, ActionError> {
        Ok(self.running(id)?.check_setup().await)
    }

    /// Has an instance's provider bring what happens to this gateway.
    ///
    /// # Errors
    /// Why it cannot be.
    pub async fn subscribe(&self, id: &InstanceId) -> Result<(), ActionError> {
        self.running(id)?.subscribe().await
    }

    /// Which of some numbers have WhatsApp, in their order.
    ///
    /// # Errors
    /// Why it cannot be told.
    pub async fn check_numbers(&self, id: &InstanceId, phones: &[Phone]) -> Result<Vec<bool>, ActionError> {
        self.running(id)?.check_numbers(phones).await
    }

    pub(super) fn running(&self, id: &InstanceId) -> Result<Arc<dyn Connector>, ActionError> {
        let stopped = || ActionError("the instance is not running".into());
        self.shared.find(id).map(|r| r.connector).ok_or_else(stopped)
    }

    /// Whether this may be the address of a number that is gone, and no other instance's.
    fn is_left(&self, kind: ConnectorKind, id: &InstanceId) -> bool {
        kind == ConnectorKind::CloudApi && self.shared.find(id).is_none()
    }

    fn find(&self, kind: ConnectorKind, id: &InstanceId) -> Option<Arc<dyn Connector>> {
        self.shared.find(id).filter(|r| r.kind == kind).map(|r| r.connector)
    }

    /// Looks at an Evolution API server, for what could be brought over.
    ///
    /// # Errors
    /// Why it cannot be looked at.
    pub async fn survey_evolution(&self, base_url: &str, key: &str) -> Result<Vec<ImportCandidate>, ActionError> {
        import::survey(&self.shared.deps.egress, base_url, key).await
    }

    /// The sandbox behind an instance, to play the customers' phones.
    pub fn sandbox(&self, id: &InstanceId) -> Option<Arc<Sandbox>> {
        self.shared.find(id).and_then(|r| r.sandbox)
    }
}

impl Wire {
    /// Hands a message to its instance's provider.
    ///
    /// # Errors
    /// As the connector answers; `Permanent` when the instance is not running, or the fence is closed.
    pub async fn send(&self, out: &Outgoing) -> Result<Ack, SendError> {
        let _passage = self.shared.deps.fence.pass().map_err(|why| SendError::permanent("standby", &why))?;
        let Some(running) = self.shared.find(&out.instance) else {
            return Err(SendError::permanent("", "the instance is not running"));
        };
        running.connector.send(out).await
    }
}

impl RegistryInner {
    fn find(&self, id: &InstanceId) -> Option<RunningConnector> {
        self.running.read().expect("no holder panics").get(id).cloned()
    }

    fn take(&self, id: &InstanceId) -> Option<RunningConnector> {
        self.running.write().expect("no holder panics").remove(id)
    }
}
