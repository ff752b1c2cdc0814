//! An instance as its connector begins with it.

use crate::model::{
    ids::{AccountId, InstanceId},
    instance::ConnectorKind,
};
use std::{collections::BTreeMap, fmt};

/// What a connector needs to begin.
#[derive(Clone, PartialEq)]
pub struct InstanceSetup {
    pub id: InstanceId,
    /// Whose it is: private places may be open to some accounts only.
    pub account: AccountId,
    /// By which way.
    pub connector: ConnectorKind,
    /// The connector's own settings, judged by [`check_settings`](super::registry::check_settings); the secret ones among them are in clear here.
    pub settings: BTreeMap<String, String>,
    /// Why its provider closed it in an earlier life, if nothing was set since: it stays so until a person has seen to it.
    /// For connectors whose provider does not tell it anew by itself.
    pub closed: Option<String>,
}

/// Shows no setting: some are secrets.
impl fmt::Debug for InstanceSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&String> = self.settings.keys().collect();
        f.debug_struct("InstanceSetup")
            .field("id", &self.id)
            .field("connector", &self.connector)
            .field("settings", &keys)
            .finish()
    }
}
