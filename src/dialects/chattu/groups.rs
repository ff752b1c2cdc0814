//! Groups and channels: what the connector tells of them, and what was said in them last.

use super::Chattu;
use crate::{
    connectors::GroupInfo,
    model::{clock::Time, ids::InstanceId},
    people::chats::{self, Snippet},
    store::{StoreError, Tx},
};

/// A group or channel with its newest message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedGroup {
    /// As the connector tells.
    pub info: GroupInfo,
    /// The newest message.
    pub last: Option<Snippet>,
    /// When anything last happened.
    pub at: Option<Time>,
    /// Not read yet.
    pub unread: i64,
}

/// What the ids of channels end in.
const CHANNEL_HOST: &str = "@newsletter";

impl Chattu {
    /// The groups and channels of an instance, newest first. Where the connector cannot tell, those that were heard of.
    pub async fn groups(&self, instance: &InstanceId) -> Result<Vec<ListedGroup>, StoreError> {
        let told = match self.gateway.registry.groups(instance).await {
            Ok(told) => told,
            Err(e) => {
                tracing::debug!(%instance, "its groups are those that were heard of: {e}");
                Vec::new()
            }
        };
        let instance = instance.clone();
        self.gateway.store.read(move |tx| list(tx, &instance, told)).await
    }

    /// One of them. A channel may be called by `@c.us`, as the dialect's documents print its id.
    pub async fn group(&self, instance: &InstanceId, id: &str) -> Result<Option<GroupInfo>, StoreError> {
        let mut all = self.groups(instance).await?.into_iter().map(|g| g.info);
        let channel = id.strip_suffix("@c.us").map(|digits| format!("{digits}{CHANNEL_HOST}"));
        Ok(all.find(|g| g.id == id || channel.as_ref().is_some_and(|channel| g.id == *channel)))
    }
}

fn list(tx: &Tx<'_>, instance: &InstanceId, mut told: Vec<GroupInfo>) -> Result<Vec<ListedGroup>, StoreError> {
    for (id, name) in chats::heard_groups(tx, instance)? {
        if !told.iter().any(|t| t.id == id) {
            let is_channel = id.ends_with(CHANNEL_HOST);
            told.push(GroupInfo { id, name, is_channel, ..GroupInfo::default() });
        }
    }
    let mut all = Vec::with_capacity(told.len());
    for info in told {
        let (last, unread) = chats::group_standing(tx, instance, &info.id)?;
        let at = last.as_ref().map(|l| l.at).or(info.created_at);
        all.push(ListedGroup { info, last, at, unread });
    }
    all.sort_by(|a, b| (b.at, &a.info.id).cmp(&(a.at, &b.info.id)));
    Ok(all)
}
