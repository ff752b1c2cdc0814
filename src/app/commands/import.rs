//! `wa-gateway import evolution`: brings the instances of an Evolution API server and their webhooks over.
//!
//! The phones stay where they are: each of our instances reaches its own through the server, which then calls us
//! instead of the customer's endpoint; that becomes an endpoint of ours. A dry run says the same and changes nothing.
//! What is here already is left alone, so that an import can be repeated.

use super::{CLI, CommandResult, Execute, group, key_value::text_or_file, text};
use crate::{
    app::root::everybody,
    connectors::evolution::import::{FoundWebhook, ImportCandidate, PAIRED_PHONE, our_events},
    dialects::AppState,
    events::webhooks::{
        NewEndpoint,
        own_headers::{self, HEADERS_MAX},
    },
    gateway::Gateway,
    instances::{Instance, NewInstance},
    model::{
        ids::{AccountId, InstanceId},
        instance::ConnectorKind,
    },
};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

group! { ImportCommand is Import: Evolution(ImportEvolution) }

/// The instances of an Evolution API server, and their webhooks
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct ImportEvolution {
    /// Where the server is
    #[arg(long)]
    pub url: String,
    /// Its global key, or @file
    #[arg(long)]
    pub key: String,
    /// Whose the instances become; needed where there are several accounts
    #[arg(long)]
    pub account: Option<i64>,
    /// Only say what would be done
    #[arg(long)]
    pub dry_run: bool,
}

impl Execute for ImportEvolution {
    fn prepare(&mut self) -> Result<(), String> {
        self.key = text_or_file("key", &self.key)?;
        Ok(())
    }

    async fn execute(self, gateway: &AppState) -> CommandResult {
        let account = account(gateway, self.account).await?;
        let found = gateway.registry.survey_evolution(&self.url, &self.key).await.map_err(text)?;
        let here = gateway.instances.list(everybody()).await.map_err(text)?;
        let mut taken: Vec<String> = here.iter().map(|i| i.id.to_string()).collect();
        let mut rows = Vec::new();
        for one in &found {
            let plan = plan(one, &self.url, &here, &mut taken);
            let mut row = described(one, &plan);
            if let (ImportPlan::Create(id), false) = (&plan, self.dry_run) {
                let new = instance(account, &self.url, one, id);
                bring(gateway, new, one.webhook.as_ref(), &mut row).await;
            }
            rows.push(Value::Object(row));
        }
        let done = rows.iter().filter(|row| row["action"] == "create").count();
        let verb = if self.dry_run { "would_create" } else { "created" };
        Ok(json!({"ok": true, "dry_run": self.dry_run, "account": account, verb: done, "instances": rows}))
    }
}

/// What is done about one instance.
enum ImportPlan {
    Skip(String),
    Create(InstanceId),
}

async fn account(gateway: &Gateway, named: Option<i64>) -> Result<AccountId, String> {
    let all = gateway.accounts.list_accounts().await.map_err(text)?;
    match (named, &all[..]) {
        (Some(id), all) if all.iter().any(|a| a.id == AccountId(id)) => Ok(AccountId(id)),
        (Some(id), _) => Err(format!("there is no account {id}")),
        (None, [only]) => Ok(only.id),
        (None, []) => Err("there is no account yet: `wa-gateway account create` makes one".into()),
        (None, _) => Err("say whose the instances become: --account ID".into()),
    }
}

fn plan(found: &ImportCandidate, url: &str, here: &[Instance], taken: &mut Vec<String>) -> ImportPlan {
    let is_it = |i: &&Instance| {
        let setting = |key: &str| i.settings.get(key).map(String::as_str).unwrap_or_default();
        i.connector == ConnectorKind::Evolution
            && setting("instance") == found.name
            && setting("base_url").trim_end_matches('/') == url.trim_end_matches('/')
    };
    if let Some(known) = here.iter().find(is_it) {
        return ImportPlan::Skip(format!("it is here already, as {}", known.id));
    }
    if let Some(problem) = &found.problem {
        return ImportPlan::Skip(problem.clone());
    }
    if found.integration != PAIRED_PHONE {
        return ImportPlan::Skip(format!(
            "it is no paired phone but {}: the connector cloud-api reaches Meta without this server between, and \
             `instance create --connector evolution` keeps the server",
            found.integration
        ));
    }
    let id = free_slug(&found.name, taken);
    taken.push(id.clone());
    ImportPlan::Create(InstanceId::from_text(id))
}

/// A slug like the name that nobody has.
fn free_slug(name: &str, taken: &[String]) -> String {
    const LENGTH: usize = 50;
    let mut slug = String::new();
    for c in name.to_lowercase().chars().take(LENGTH) {
        match c {
            'a'..='z' | '0'..='9' => slug.push(c),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    let slug = slug.trim_end_matches('-');
    let slug =
        if slug.len() < 3 { format!("evolution-{slug}").trim_end_matches('-').to_owned() } else { slug.to_owned() };
    let is_free = |s: &String| !taken.contains(s) && !InstanceId::from_text(s.as_str()).is_reserved();
    let mut numbered = std::iter::once(slug.clone()).chain((2..).map(|n| format!("{slug}-{n}")));
    numbered.find(is_free).unwrap_or(slug)
}

fn described(found: &ImportCandidate, plan: &ImportPlan) -> Map<String, Value> {
    let mut row = Map::new();
    row.insert("server_instance".into(), json!(found.name));
    row.insert("phone".into(), json!(found.phone));
    row.insert("open".into(), json!(found.is_open));
    match plan {
        ImportPlan::Skip(why) => {
            row.insert("action".into(), json!("skip"));
            row.insert("reason".into(), json!(why));
        }
        ImportPlan::Create(id) => {
            row.insert("action".into(), json!("create"));
            row.insert("id".into(), json!(id));
            if let Some(webhook) = &found.webhook {
                let EndpointPlan { events, headers, left_out, why_not } = endpoint(webhook);
                row.insert("webhook_url".into(), json!(webhook.url));
                row.insert("webhook_events".into(), json!(events));
                row.insert("webhook_headers".into(), json!(headers.keys().collect::<Vec<_>>()));
                row.insert("webhook_left_out".into(), json!(left_out));
                row.insert("webhook_action".into(), json!(if why_not.is_some() { "skip" } else { "create" }));
                row.insert("webhook_reason".into(), json!(why_not));
            }
        }
    }
    row
}

/// What becomes of an endpoint.
struct EndpointPlan {
    events: Vec<&'static str>,
    /// What goes with each delivery, names in lower case.
    headers: BTreeMap<String, String>,
    /// The server's words for what does not come over, and why.
    left_out: Vec<String>,
    /// Why there is none.
    why_not: Option<String>,
}

fn endpoint(webhook: &FoundWebhook) -> EndpointPlan {
    let (mut events, mut left_out) = (Vec::<&'static str>::new(), Vec::new());
    for theirs in &webhook.events {
        let ours = our_events(theirs);
        if ours.is_empty() {
            left_out.push(format!("{theirs}: there is no such event here"));
        }
        for event in ours {
            if !events.contains(event) {
                events.push(event);
            }
        }
    }
    let mut headers = BTreeMap::new();
    for (name, value) in &webhook.headers {
        if name.eq_ignore_ascii_case("jwt_key") {
            left_out.push(format!(
                "{name}: the server signs a token with it, and deliveries from here are signed by \
                                   their own secret"
            ));
            continue;
        }
        match own_headers::parse([format!("{name}: {value}").as_str()]) {
            Ok(one) if one.keys().any(|name| headers.contains_key(name)) => {
                left_out.push(format!("{name}: it is there twice"));
            }
            Ok(_) if headers.len() == HEADERS_MAX => {
                left_out.push(format!("{name}: an endpoint has at most {HEADERS_MAX} headers of its own"));
            }
            Ok(one) => headers.extend(one),
            Err(why) => left_out.push(format!("{name}: {why}")),
        }
    }
    let why_not = if webhook.url.contains("/hooks/evolution/") {
        Some("it leads to a gateway like this one".to_owned())
    } else if events.is_empty() {
        Some("it names no event that is told here".to_owned())
    } else {
        webhook.problem.clone()
    };
    EndpointPlan { events, headers, left_out, why_not }
}

/// Makes the instance and its endpoint; what fails stands in the row, and the others go on.
async fn bring(gateway: &Gateway, new: NewInstance, webhook: Option<&FoundWebhook>, row: &mut Map<String, Value>) {
    let (id, account) = (new.id.clone(), new.account);
    if let Err(e) = gateway.instances.create(new, CLI).await {
        row.insert("action".into(), json!("failed"));
        row.insert("reason".into(), json!(e.to_string()));
        return;
    }
    let Some(webhook) = webhook else { return };
    let EndpointPlan { events, headers, why_not: None, .. } = endpoint(webhook) else { return };
    let events = events.into_iter().map(str::to_owned).collect();
    let new = NewEndpoint { account, instance: Some(id), url: webhook.url.clone(), events, headers };
    match gateway.webhooks.create(new, CLI).await {
        Ok((endpoint, secret)) => {
            row.insert("webhook_id".into(), json!(endpoint));
            row.insert("webhook_secret".into(), json!(secret.as_str()));
        }
        Err(e) => {
            row.insert("webhook_action".into(), json!("failed"));
            row.insert("webhook_reason".into(), json!(e.to_string()));
        }
    }
}

/// The instance that reaches what was found through the server at `url`.
fn instance(account: AccountId, url: &str, found: &ImportCandidate, id: &InstanceId) -> NewInstance {
    let settings = [("base_url", url), ("api_key", &found.key), ("instance", &found.name)];
    let settings = settings.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    let name = found.name.clone();
    NewInstance { id: id.clone(), account, name, connector: ConnectorKind::Evolution, settings }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_like_the_name_and_free() {
        let taken = ["loja-1".to_owned(), "loja-1-2".to_owned()];
        for (name, slug) in [
            ("Loja 1", "loja-1-3"),
            ("Support_Line", "support-line"),
            ("  Água  Mineral! ", "gua-mineral"),
            ("مرحبا", "evolution"),
            ("a", "evolution-a"),
            ("admin", "admin-2"),
        ] {
            let made = free_slug(name, &taken);
            assert_eq!(made, slug, "{name}");
            assert!(InstanceId::parse(&made).is_ok(), "{made}");
        }
        assert!(InstanceId::parse(&free_slug(&"x".repeat(300), &[])).is_ok());
    }

    #[test]
    fn no_more_headers_come_over_than_an_endpoint_has() {
        let numbered = (0..22).map(|n| (format!("X-{n}"), "1".to_owned()));
        let headers = numbered.chain([("x-0".to_owned(), "2".to_owned())]).collect();
        let found = FoundWebhook { url: String::new(), events: vec![], headers, problem: None };
        let plan = endpoint(&found);
        assert_eq!((plan.headers.len(), plan.headers["x-0"].as_str()), (HEADERS_MAX, "1"));
        let most = "an endpoint has at most 20 headers of its own";
        assert_eq!(plan.left_out, [format!("X-20: {most}"), format!("X-21: {most}"), "x-0: it is there twice".into()]);
    }
}
