//! Groups and channels: what the connector tells of them, and what was said in them last.

use super::{Chattu, chats::Last};
use crate::{
    connectors::GroupInfo,
    model::{clock::Time, ids::InstanceId},
    store::{StoreError, Tx},
};
use rusqlite::params;

/// A group or channel with its newest message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedGroup {
    /// As the connector tells.
    pub info: GroupInfo,
    /// The newest message.
    pub last: Option<Last>,
    /// When anything last happened.
    pub at: Option<Time>,
    /// Not read yet.
    pub unread: i64,
}

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

    /// One of them.
    pub async fn group(&self, instance: &InstanceId, id: &str) -> Result<Option<GroupInfo>, StoreError> {
        let all = self.groups(instance).await?;
        Ok(all.into_iter().map(|g| g.info).find(|g| g.id == id))
    }
}

fn list(tx: &Tx<'_>, instance: &InstanceId, mut told: Vec<GroupInfo>) -> Result<Vec<ListedGroup>, StoreError> {
    let heard = tx.list("SELECT group_id, name FROM groups WHERE instance_id = ?1", params![instance], |r| {
        Ok(GroupInfo { id: r.get(0)?, name: r.get(1)?, ..GroupInfo::default() })
    })?;
    for mut one in heard {
        if !told.iter().any(|t| t.id == one.id) {
            one.is_channel = one.id.ends_with("@newsletter");
            told.push(one);
        }
    }
    let mut all = Vec::with_capacity(told.len());
    for info in told {
        let last = last(tx, instance, &info.id)?;
        let at = last.as_ref().map(|l| l.at).or(info.created_at);
        let unread = unread(tx, instance, &info.id)?;
        all.push(ListedGroup { info, last, at, unread });
    }
    all.sort_by(|a, b| (b.at, &a.info.id).cmp(&(a.at, &b.info.id)));
    Ok(all)
}

fn last(tx: &Tx<'_>, instance: &InstanceId, group: &str) -> Result<Option<Last>, StoreError> {
    let received = tx.find(
        "SELECT body, heard_at, origin IS NOT NULL FROM inbound_messages
         WHERE instance_id = ?1 AND chat = ?2 AND kind <> 'reaction'
         ORDER BY heard_at DESC, id DESC LIMIT 1",
        params![instance, group],
        |r| Ok(Last { text: r.get(0)?, at: r.get(1)?, from_me: r.get(2)? }),
    )?;
    let sent = tx.find(
        "SELECT body, created_at FROM messages
         WHERE account_id = (SELECT account_id FROM instances WHERE id = ?1) AND recipient = ?2 AND instance_id = ?1
           AND status <> 'blocked' AND kind <> 'reaction' ORDER BY created_at DESC LIMIT 1",
        params![instance, group],
        |r| Ok(Last { text: r.get(0)?, at: r.get(1)?, from_me: true }),
    )?;
    Ok([received, sent].into_iter().flatten().max_by_key(|last| last.at))
}

fn unread(tx: &Tx<'_>, instance: &InstanceId, group: &str) -> Result<i64, StoreError> {
    tx.one(
        "SELECT count(*) FROM inbound_messages WHERE instance_id = ?1 AND chat = ?2 AND kind <> 'reaction'
           AND origin IS NULL AND heard_at > coalesce((SELECT read_at FROM groups WHERE instance_id = ?1 AND group_id = ?2), 0)",
        params![instance, group],
        |r| r.get(0),
    )
}
