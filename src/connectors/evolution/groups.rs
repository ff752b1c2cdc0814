//! The groups that the instance is in: asked for from time to time, because the server tells nobody when one changes.

use super::{Inner, reading::text};
use crate::connectors::{NotRecorded, What};
use http::Method;
use serde_json::Value;
use std::collections::HashMap;

/// By id, as they were seen last.
#[derive(Default)]
pub(super) struct Groups(HashMap<String, Group>);

/// What is compared.
#[derive(Clone, PartialEq, Eq, Default)]
struct Group {
    name: String,
    description: Option<String>,
    participants: Option<u64>,
    read_only: Option<bool>,
}

impl Group {
    fn read(value: &Value) -> Self {
        let members = value["participants"].as_array().map(|p| p.len() as u64);
        Self {
            name: text(&value["subject"]).unwrap_or_default(),
            description: text(&value["desc"]),
            participants: value["size"].as_u64().or(members),
            read_only: value["announce"].as_bool(),
        }
    }

    /// What changed from `before` to this, in the words of the contract.
    fn changes(&self, before: &Self) -> Vec<&'static str> {
        let pairs = [
            ("subject", self.name != before.name),
            ("description", self.description != before.description),
            ("participants", self.participants != before.participants),
            ("read_only", self.read_only != before.read_only),
        ];
        pairs.into_iter().filter(|(_, changed)| *changed).map(|(word, _)| word).collect()
    }
}

impl Inner {
    /// Asks for all groups, and tells what changed.
    pub(super) async fn list_groups(&self) {
        let listed = self.client.ask(Method::GET, "/group/fetchAllGroups", "?getParticipants=false", None).await;
        let listed = match listed {
            Ok(listed) => listed,
            Err(trouble) => {
                tracing::debug!(instance = %self.instance, "its groups are not known: {}", trouble.text());
                return;
            }
        };
        for group in listed.as_array().into_iter().flatten() {
            if let Err(e) = self.note_group(group, false).await {
                // Still as it was seen before, so that it is told the next time.
                tracing::debug!(instance = %self.instance, "a group's change is told later: {e}");
            }
        }
    }

    /// Compares one group with what is known. One that is seen for the first time is told only when it `is_new`.
    pub(super) async fn note_group(&self, value: &Value, is_new: bool) -> Result<(), NotRecorded> {
        let Some(id) = text(&value["id"]) else { return Ok(()) };
        let group = Group::read(value);
        let before = self.groups().0.get(&id).cloned();
        let changes = match &before {
            Some(before) => group.changes(before),
            None if is_new => vec!["participants"],
            None => Vec::new(),
        };
        for change in changes {
            let what =
                What::GroupUpdated { group_id: id.clone(), group_name: group.name.clone(), change: change.to_owned() };
            self.line.tell(self.clock.now(), what).await?;
        }
        self.groups().0.insert(id, group);
        Ok(())
    }

    pub(super) fn group_name(&self, id: &str) -> Option<String> {
        self.groups().0.get(id).map(|g| g.name.clone()).filter(|name| !name.is_empty())
    }

    fn groups(&self) -> std::sync::MutexGuard<'_, Groups> {
        self.groups.lock().expect("no holder panics")
    }
}
