//! The groups that the instance is in: asked for from time to time, because the server tells nobody when one changes.
//!
//! What was listed last is also what is told when somebody wants the groups: the server asks WhatsApp for the picture of
//! each group before it answers, far too slowly for a question with every message to a group.

use super::{EvolutionInner, client::EvolutionError, reading::text};
use crate::{
    connectors::{ActionError, EventKind, GroupInfo, NotRecorded},
    model::clock::Time,
};
use http::Method;
use serde_json::Value;
use std::collections::HashMap;

/// As they were seen last.
#[derive(Default)]
pub(super) struct Groups {
    by_id: HashMap<String, EvolutionGroup>,
    /// All of them were told once.
    is_listed: bool,
}

/// One of them.
#[derive(Clone, Default)]
struct EvolutionGroup {
    info: GroupInfo,
    /// Only its administrators write in it.
    announce: Option<bool>,
}

impl EvolutionGroup {
    /// `own` is the instance's number. The list does not say who administers a group; that its owner does is certain.
    fn read(id: &str, value: &Value, own: Option<&str>) -> Self {
        let members = value["participants"].as_array().map(|p| p.len() as u64);
        let participants = value["size"].as_u64().or(members).and_then(|n| u32::try_from(n).ok());
        let owner = text(&value["owner"]);
        let user = owner.as_deref().and_then(|jid| jid.strip_suffix("@s.whatsapp.net")).map(str::to_owned);
        let is_ours = user.is_some_and(|user| own == Some(&format!("+{}", user.split(':').next().unwrap_or(&user))));
        let announce = value["announce"].as_bool();
        let info = GroupInfo {
            id: id.to_owned(),
            name: text(&value["subject"]).unwrap_or_default(),
            description: text(&value["desc"]),
            picture_url: text(&value["pictureUrl"]),
            participants,
            owner,
            created_at: value["creation"].as_i64().map(|seconds| Time::from_millis(seconds.saturating_mul(1000))),
            is_channel: id.ends_with("@newsletter"),
            is_read_only: announce == Some(true) && !is_ours,
            is_muted: false,
            is_pinned: false,
        };
        Self { info, announce }
    }

    /// What changed from `before` to this, in the words of the contract.
    fn changes(&self, before: &Self) -> Vec<&'static str> {
        let pairs = [
            ("subject", self.info.name != before.info.name),
            ("description", self.info.description != before.info.description),
            ("participants", self.info.participants != before.info.participants),
            ("read_only", self.announce != before.announce),
        ];
        pairs.into_iter().filter(|(_, changed)| *changed).map(|(word, _)| word).collect()
    }
}

impl EvolutionInner {
    /// The groups as they were listed last; asked for now, if they never were.
    pub(super) async fn groups_now(&self) -> Result<Vec<GroupInfo>, ActionError> {
        if !self.groups().is_listed {
            self.list_groups().await.map_err(|trouble| ActionError(trouble.text()))?;
        }
        let mut all: Vec<GroupInfo> = self.groups().by_id.values().map(|group| group.info.clone()).collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(all)
    }

    /// Asks for all groups, and tells what changed. One that is missing is left, or gone.
    pub(super) async fn list_groups(&self) -> Result<(), EvolutionError> {
        let listed = self.client.ask(Method::GET, "/group/fetchAllGroups", "?getParticipants=false", None).await?;
        let listed = listed.as_array().map_or(&[][..], Vec::as_slice);
        for group in listed {
            if let Err(e) = self.note_group(group, false).await {
                // Still as it was seen before, so that it is told the next time.
                tracing::debug!(instance = %self.instance, "a group's change is told later: {e}");
            }
        }
        let mut known = self.groups();
        known.by_id.retain(|id, _| listed.iter().any(|group| group["id"] == id.as_str()));
        known.is_listed = true;
        Ok(())
    }

    /// Compares one group with what is known. One that is seen for the first time is told only when it `is_new`.
    pub(super) async fn note_group(&self, value: &Value, is_new: bool) -> Result<(), NotRecorded> {
        let Some(id) = text(&value["id"]) else { return Ok(()) };
        let group = EvolutionGroup::read(&id, value, self.line.standing().phone.as_deref());
        let before = self.groups().by_id.get(&id).cloned();
        let changes = match &before {
            Some(before) => group.changes(before),
            None if is_new => vec!["participants"],
            None => Vec::new(),
        };
        for change in changes {
            let what = EventKind::GroupUpdated {
                group_id: id.clone(),
                group_name: group.info.name.clone(),
                change: change.to_owned(),
            };
            self.line.tell(self.clock.now(), what).await?;
        }
        self.groups().by_id.insert(id, group);
        Ok(())
    }

    pub(super) fn group_name(&self, id: &str) -> Option<String> {
        self.groups().by_id.get(id).map(|g| g.info.name.clone()).filter(|name| !name.is_empty())
    }

    fn groups(&self) -> std::sync::MutexGuard<'_, Groups> {
        self.groups.lock().expect("no holder panics")
    }
}
