//! The groups and channels that the instance is in: listed when it connects, and again when somebody asks.

use super::{WebInner, ids, sending::ASK_WITHIN, wire::in_time};
use crate::{
    connectors::{ActionError, Address, EventKind, GroupInfo, provider_text::repeated},
    model::clock::Time,
};
use std::sync::Arc;
use whatsapp_rust::{
    GroupMetadata, NewsletterMetadata, NewsletterRole, prelude::Client, types::events::GroupUpdate,
    wacore::stanza::groups::GroupNotificationAction, wacore_binary::JidExt as _,
};

/// WhatsApp's host of files that are no secret.
const FILES: &str = "https://mmg.whatsapp.net";

impl WebInner {
    /// A group's name, as it was listed last.
    pub(super) fn group_name(&self, id: &str) -> Option<String> {
        self.group_names().get(id).cloned()
    }

    /// Learns the groups' names after the connection was made.
    pub(super) async fn list_groups(&self, client: &Arc<Client>) {
        if let Err(e) = self.ask_for_groups(client).await {
            tracing::debug!(instance = %self.instance, "the groups were not listed: {e}");
        }
    }

    /// All of them, asked for now.
    pub(super) async fn groups_now(self: &Arc<Self>) -> Result<Vec<GroupInfo>, ActionError> {
        let client = self.client().filter(|client| client.is_logged_in());
        let client =
            client.ok_or_else(|| ActionError("the instance is not connected to WhatsApp at this moment".to_owned()))?;
        let mut all = self.ask_for_groups(&client).await?;
        for group in &mut all {
            group.picture_url = self.picture(&Address::Group(group.id.clone()));
        }
        // Channels are a second question; without its answer the groups are told all the same.
        let channels = client.newsletter();
        if let Some(Ok(channels)) = in_time(&*self.clock, ASK_WITHIN, channels.list_subscribed()).await {
            all.extend(channels.into_iter().map(channel));
        }
        all.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(all)
    }

    async fn ask_for_groups(&self, client: &Arc<Client>) -> Result<Vec<GroupInfo>, ActionError> {
        let groups = client.groups();
        let listed = in_time(&*self.clock, ASK_WITHIN, groups.get_participating()).await;
        let listed = listed.ok_or_else(|| ActionError("WhatsApp did not answer in time".to_owned()))?;
        let listed = listed.map_err(|e| ActionError(repeated(&e.to_string())))?;
        let all: Vec<GroupInfo> = listed.into_values().map(|meta| group(client, meta)).collect();
        *self.group_names() = all.iter().map(|g| (g.id.clone(), g.name.clone())).collect();
        Ok(all)
    }

    /// Something about a group changed.
    pub(super) async fn group_changed(&self, update: &GroupUpdate) {
        use GroupNotificationAction as Action;
        let id = update.group_jid.to_string();
        let change = match &update.action {
            Action::Subject { subject, .. } => {
                self.group_names().insert(id.clone(), subject.to_string());
                "subject"
            }
            Action::Description { .. } => "description",
            Action::Add { .. } | Action::Remove { .. } | Action::Promote { .. } | Action::Demote { .. } => {
                "participants"
            }
            Action::Announce | Action::NotAnnounce => "read_only",
            _ => return,
        };
        let group_name = self.group_name(&id).unwrap_or_else(|| id.clone());
        let what = EventKind::GroupUpdated { group_id: id, group_name, change: change.to_owned() };
        self.tell_surely(ids::time(update.timestamp), what).await;
    }
}

fn seconds(at: Option<u64>) -> Option<Time> {
    at.and_then(|s| i64::try_from(s).ok()).map(|s| Time::from_millis(s.saturating_mul(1000)))
}

fn group(client: &Client, meta: GroupMetadata) -> GroupInfo {
    let own = [client.pn(), client.lid()];
    let is_own = |jid: &whatsapp_rust::Jid| own.iter().flatten().any(|own| own.is_same_user_as(jid));
    let is_admin = meta.participants.iter().any(|p| p.is_admin() && is_own(&p.jid));
    GroupInfo {
        id: meta.id.to_string(),
        name: meta.subject,
        description: meta.description,
        picture_url: None,
        participants: meta.size.or_else(|| u32::try_from(meta.participants.len()).ok()),
        owner: meta.creator.as_ref().or(meta.creator_pn.as_ref()).map(|jid| jid.to_non_ad_string()),
        created_at: seconds(meta.creation_time),
        is_channel: false,
        is_read_only: meta.is_announcement && !is_admin,
        is_muted: false,
        is_pinned: false,
    }
}

fn channel(meta: NewsletterMetadata) -> GroupInfo {
    let may_write = matches!(meta.role, Some(NewsletterRole::Owner | NewsletterRole::Admin));
    GroupInfo {
        id: meta.jid.to_string(),
        name: meta.name,
        description: meta.description,
        // WhatsApp names the file alone.
        picture_url: meta.picture_url.map(|path| if path.starts_with('/') { format!("{FILES}{path}") } else { path }),
        participants: u32::try_from(meta.subscriber_count).ok(),
        owner: None,
        created_at: seconds(meta.creation_time),
        is_channel: true,
        is_read_only: !may_write,
        is_muted: false,
        is_pinned: false,
    }
}
