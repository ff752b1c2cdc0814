//! Meta's WhatsApp Cloud API. Here: what Meta brings to `/hooks/cloud-api/{instance}` ([`hook`]), read by [`reading`],
//! and the files that come with it ([`media`]).
//!
//! Like every connector it knows nothing of accounts, limits, the database and HTTP towards customers.

mod failure;
pub mod hook;
mod media;
mod reading;
mod signature;

use super::{
    Ack, Boxed, Capabilities, Connector, HookAnswer, HookRequest, Outgoing, SendError, SendErrorKind, Standing,
    registry::{BadSetting, Deps, InstanceSetup},
};
use crate::model::instance::{Health, InstanceState};
use hook::{CloudHook, Parts};
use std::collections::BTreeMap;

/// One number at Meta.
pub struct CloudApi {
    hook: CloudHook,
}

impl CloudApi {
    /// Begins.
    ///
    /// # Errors
    /// Bad settings.
    pub fn open(deps: &Deps, setup: &InstanceSetup) -> Result<Self, BadSetting> {
        Self::check(&setup.settings)?;
        let text = |key: &str| setup.settings.get(key).cloned().unwrap_or_default();
        Ok(Self {
            hook: CloudHook::new(Parts {
                instance: setup.id.clone(),
                clock: deps.clock.clone(),
                ear: deps.ear.clone(),
                app_secret: text("app_secret"),
                verify_token: text("verify_token"),
                phone_number_id: text("phone_number_id"),
                waba_id: text("waba_id"),
            }),
        })
    }

    /// Judges settings without starting anything.
    ///
    /// # Errors
    /// One that is missing.
    pub fn check(settings: &BTreeMap<String, String>) -> Result<(), BadSetting> {
        let missing = ["phone_number_id", "access_token"].into_iter().find(|key| !settings.contains_key(*key));
        missing.map_or(Ok(()), |key| Err(BadSetting(format!("{key} is missing"))))
    }
}

impl Connector for CloudApi {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            media: true,
            templates: true,
            replies: true,
            groups: false,
            window_24h: true,
            hidden_numbers: true,
        }
    }

    fn standing(&self) -> Standing {
        Standing {
            state: InstanceState::Open,
            reason: None,
            health: Health::Ok,
            phone: None,
            last_heard_at: self.hook.heard_at(),
        }
    }

    fn send<'a>(&'a self, _out: &'a Outgoing) -> Boxed<'a, Result<Ack, SendError>> {
        Box::pin(std::future::ready(Err(SendError {
            kind: SendErrorKind::Permanent,
            code: String::new(),
            reason: "this version only hears over the Cloud API".into(),
            recipient_fault: false,
        })))
    }

    fn stop(&self) -> Boxed<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn hook_limit(&self, head: &HookRequest) -> Result<usize, HookAnswer> {
        self.hook.limit(head)
    }

    fn hook<'a>(&'a self, request: &'a HookRequest) -> Boxed<'a, HookAnswer> {
        Box::pin(self.hook.answer(request))
    }
}
