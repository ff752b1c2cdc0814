//! Doing what the command line asks for, through the same slices as everything else.

use super::{
    Request, SendArgs, examination, import, limits, pairing,
    people::{self, region_of},
    request, sandbox, threecx, webhooks,
};
use crate::{
    accounts::{Grant, KeyKind, LinkPurpose, NewAccount, NewKey, NewUser, Role, Update},
    connectors::evolution,
    gateway::Gateway,
    instances::{Instance, NewInstance},
    model::{
        clock::Time,
        ids::{AccountId, InstanceId, KeyId, LogId},
        instance::ConnectorKind,
        message::Status,
        phone::Region,
        plan::{Module, Plan},
        purpose::Purpose,
    },
    sending::{Sender, Source, log},
    web::reply,
};
use serde_json::{Value, json};

pub(super) type Done = Result<Value, String>;

/// Does it.
///
/// # Errors
/// One line that says why it was not done and what would be right.
pub async fn perform(gateway: &Gateway, request: Request) -> Done {
    use request::Request as R;
    match request {
        R::Ping => Ok(json!({"ok": true, "version": env!("CARGO_PKG_VERSION")})),
        R::AccountCreate { .. } | R::AccountList | R::AccountUpdate { .. } => account(gateway, request).await,
        R::Account(deed) => limits::perform(gateway, deed).await,
        R::UserCreate { .. } | R::UserResetPassword { .. } | R::UserLoginLink { .. } | R::UserList | R::SetupToken => {
            user(gateway, request).await
        }
        R::KeyCreate { .. } | R::KeySet { .. } | R::KeyList { .. } | R::KeyRevoke { .. } => key(gateway, request).await,
        R::MessageList { .. } | R::MessageShow { .. } | R::MessageSettle { .. } => message(gateway, request).await,
        R::SuppressAdd { .. }
        | R::SuppressRemove { .. }
        | R::SuppressList { .. }
        | R::SuppressImport { .. }
        | R::SuppressExport { .. }
        | R::PersonExport { .. }
        | R::PersonErase { .. }
        | R::ContactsImport { .. } => people::perform(gateway, request).await,
        R::WebhookCreate { .. }
        | R::WebhookList
        | R::WebhookTest { .. }
        | R::WebhookRotate { .. }
        | R::WebhookEnable { .. }
        | R::WebhookDisable { .. }
        | R::WebhookDelete { .. }
        | R::WebhookDeliveries { .. }
        | R::WebhookResend { .. } => webhooks::perform(gateway, request).await,
        R::ThreecxCreate { .. }
        | R::ThreecxUpdate { .. }
        | R::ThreecxRotate { .. }
        | R::ThreecxList
        | R::ThreecxTemplate { .. } => threecx::perform(gateway, request).await,
        R::InstancePair { id } => pairing::pair(gateway, &id).await,
        R::InstanceExamine => examination::examine(gateway).await,
        R::ImportEvolution(args) => import::evolution(gateway, args).await,
        R::Send(args) => send(gateway, args).await,
        R::PolicyCheck { text, purpose } => policy_check(gateway, &text, &purpose),
        R::SandboxReceive { .. }
        | R::SandboxReceiveFile { .. }
        | R::SandboxCall { .. }
        | R::SandboxGroup { .. }
        | R::SandboxInbox { .. } => sandbox::perform(gateway, request).await,
        _ => instance(gateway, request).await,
    }
}

pub(super) const CLI: &str = "cli";

pub(super) fn text(e: impl std::fmt::Display) -> String {
    e.to_string()
}

pub(super) fn unexpected() -> Done {
    Err("the command is not known here".into())
}

async fn account(gateway: &Gateway, request: Request) -> Done {
    let accounts = &gateway.accounts;
    match request {
        Request::AccountCreate { name, plan, timezone, region, modules } => {
            let new = NewAccount {
                name,
                plan: parse_plan(&plan)?,
                timezone,
                region: region.as_deref().map(Region::parse).transpose().map_err(text)?,
                modules: parse_modules(&modules)?,
            };
            let id = accounts.create_account(new, CLI).await.map_err(text)?;
            Ok(json!({"ok": true, "id": id}))
        }
        Request::AccountList => Ok(json!(accounts.list_accounts().await.map_err(text)?)),
        Request::AccountUpdate {
            id,
            plan,
            plan_until,
            modules,
            disable_module,
            timezone,
            region,
            grant_daily,
            grant_monthly,
            reason,
            until,
        } => {
            let grant = (grant_daily.is_some() || grant_monthly.is_some()).then(|| {
                let until = until.as_deref().map(parse_time).transpose();
                until.map(|until| Grant {
                    daily: grant_daily,
                    monthly: grant_monthly,
                    reason: reason.unwrap_or_default(),
                    until,
                })
            });
            let update = Update {
                plan: plan.as_deref().map(parse_plan).transpose()?,
                plan_until: plan_until.as_deref().map(|t| none_or(t, parse_time)).transpose()?,
                modules: modules.map(|m| parse_modules(&m)).transpose()?,
                disable_modules: disable_module.as_deref().map(parse_module).transpose()?.into_iter().collect(),
                timezone,
                region: region.as_deref().map(|t| none_or(t, |t| Region::parse(t).map_err(text))).transpose()?,
                grant: grant.transpose()?,
            };
            Ok(json!(accounts.update_account(AccountId(id), update, CLI).await.map_err(text)?))
        }
        _ => unexpected(),
    }
}

async fn user(gateway: &Gateway, request: Request) -> Done {
    let accounts = &gateway.accounts;
    match request {
        Request::UserCreate { account, email, role, password } => {
            let role = Role::parse(&role).ok_or_else(|| format!("{role:?} is no role: use admin, owner or viewer"))?;
            let password_hash = match &password {
                Some(password) => Some(accounts.passwords.hash(password).await.map_err(text)?),
                None => None,
            };
            let has_password = password_hash.is_some();
            let new = NewUser { account: account.map(AccountId), email: email.clone(), role, password_hash };
            let id = accounts.create_user(new, CLI).await.map_err(text)?;
            if has_password {
                return Ok(json!({"ok": true, "id": id}));
            }
            let link = link(gateway, &email, LinkPurpose::Password).await?;
            Ok(json!({"ok": true, "id": id, "link": link}))
        }
        Request::UserResetPassword { email } => {
            Ok(json!({"ok": true, "link": link(gateway, &email, LinkPurpose::Password).await?}))
        }
        Request::UserLoginLink { email } => {
            Ok(json!({"ok": true, "link": link(gateway, &email, LinkPurpose::Login).await?}))
        }
        Request::UserList => Ok(json!(accounts.list_users().await.map_err(text)?)),
        Request::SetupToken => {
            let link = accounts.create_setup_link().await.map_err(text)?;
            let address = format!("{}/setup/{}", gateway.portal_url, link.token);
            Ok(json!({"ok": true, "link": address, "expires_at": link.expires_at}))
        }
        _ => unexpected(),
    }
}

async fn link(gateway: &Gateway, email: &str, purpose: LinkPurpose) -> Result<String, String> {
    let link = gateway.accounts.create_link(email, purpose, CLI).await.map_err(text)?;
    Ok(format!("{}/{purpose}/{}", gateway.portal_url, link.token))
}

async fn key(gateway: &Gateway, request: Request) -> Done {
    let accounts = &gateway.accounts;
    match request {
        Request::KeyCreate { account, name, instances, kind, purpose } => {
            let kind = KeyKind::parse(&kind).ok_or_else(|| format!("{kind:?} is no kind: use bearer or chattu"))?;
            if purpose.is_some() && kind == KeyKind::Bearer {
                return Err(
                    "a bearer key has no purpose of its own: its requests name theirs; use --kind chattu".into()
                );
            }
            let new = NewKey {
                account: AccountId(account),
                name,
                instances: instances.into_iter().map(InstanceId::from_text).collect(),
                kind,
                purpose: purpose.as_deref().map_or(Ok(Purpose::Transactional), default_purpose)?,
                expires_at: None,
            };
            let (id, key) = accounts.create_key(new, CLI).await.map_err(text)?;
            Ok(json!({"ok": true, "id": id, "key": key}))
        }
        Request::KeySet { id, purpose } => {
            let purpose = default_purpose(&purpose)?;
            accounts.set_key_purpose(KeyId(id), purpose, CLI).await.map_err(text)?;
            Ok(json!({"ok": true, "id": id, "purpose": purpose.as_str()}))
        }
        Request::KeyList { account } => Ok(json!(accounts.list_keys(AccountId(account)).await.map_err(text)?)),
        Request::KeyRevoke { id } => {
            accounts.revoke_key(KeyId(id), CLI).await.map_err(text)?;
            Ok(json!({"ok": true, "id": id}))
        }
        _ => unexpected(),
    }
}

fn default_purpose(word: &str) -> Result<Purpose, String> {
    let known = Purpose::ALL.map(Purpose::as_str).join(", ");
    Purpose::parse(word).ok_or_else(|| format!("{word:?} is no purpose that is served: use one of {known}"))
}

async fn instance(gateway: &Gateway, request: Request) -> Done {
    let instances = &gateway.instances;
    let named = |id: &str| InstanceId::from_text(id);
    match request {
        Request::InstanceCreate { account, id, name, connector, settings } => {
            let kinds = ConnectorKind::ALL.iter().map(|k| k.as_str()).collect::<Vec<_>>().join(", ");
            let connector = ConnectorKind::parse(&connector)
                .ok_or_else(|| format!("{connector:?} is no connector: use one of {kinds}"))?;
            let new = NewInstance { id: named(&id), account: AccountId(account), name, connector, settings };
            let mut made = shown(instances.create(new, CLI).await)?;
            if connector == ConnectorKind::Evolution {
                made["notice"] = json!(evolution::NOTICE);
            }
            Ok(made)
        }
        Request::InstanceList => {
            let all = instances.list(None).await.map_err(text)?;
            Ok(all.iter().map(shown_one).collect())
        }
        Request::InstanceStatus { id } => shown(instances.find(&named(&id)).await),
        Request::InstanceSet { id, settings } => shown(instances.set(&named(&id), settings, CLI).await),
        Request::InstancePause { id, reason } => shown(instances.pause(&named(&id), &reason, CLI).await),
        Request::InstanceResume { id, note } => {
            let resumed = instances.resume(&named(&id), &note, CLI).await;
            gateway.sending.forgive(&named(&id));
            shown(resumed)
        }
        Request::InstanceDelete { id } => {
            instances.delete(&named(&id), CLI).await.map_err(text)?;
            Ok(json!({"ok": true, "id": id}))
        }
        _ => unexpected(),
    }
}

fn shown(instance: Result<Instance, impl std::fmt::Display>) -> Done {
    instance.map(|i| shown_one(&i)).map_err(text)
}

fn shown_one(instance: &Instance) -> Value {
    json!(instance)
}

async fn message(gateway: &Gateway, request: Request) -> Done {
    match request {
        Request::MessageList { instance, status, since, limit } => {
            let words = || Status::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(", ");
            let filter = log::Filter {
                account: None,
                instance: instance.map(InstanceId::from_text),
                status: status
                    .map(|s| Status::parse(&s).ok_or_else(|| format!("{s:?} is no status: use one of {}", words())))
                    .transpose()?,
                since: since.as_deref().map(parse_time).transpose()?,
                limit,
            };
            Ok(json!(gateway.store.read(move |tx| log::list(tx, &filter)).await.map_err(text)?))
        }
        Request::MessageShow { log_id } => {
            let found = gateway.store.read(move |tx| log::timeline(tx, LogId(log_id))).await.map_err(text)?;
            found.ok_or_else(|| format!("there is no message with log id {log_id}"))
        }
        Request::MessageSettle { log_id, status, note } => {
            let to = match status.as_str() {
                "sent" => Status::Sent,
                "failed" => Status::Failed,
                other => return Err(format!("a message is settled as sent or failed, not as {other:?}")),
            };
            if note.trim().is_empty() {
                return Err("settling needs a note (--note) that says how it is known".into());
            }
            gateway.sending.settle(LogId(log_id), to, note.trim(), CLI).await.map_err(text)?;
            Ok(json!({"ok": true, "log_id": log_id, "status": to}))
        }
        _ => unexpected(),
    }
}

async fn send(gateway: &Gateway, args: SendArgs) -> Done {
    let instance = gateway.instances.find(&InstanceId::from_text(&args.instance)).await.map_err(text)?;
    let region = region_of(gateway, instance.account_id).await?;
    let body = json!({"instance_id": args.instance, "phone": args.to, "message": args.text,
                      "message_purpose": args.purpose});
    let object = body.as_object().cloned().unwrap_or_default();
    let how = gateway.sending.rules().reading(region);
    let request = crate::sending::request::parse(&object, how, None).map_err(text)?;
    let sender = Sender {
        account: instance.account_id,
        key: None,
        source: Source::parse(&args.source).unwrap_or(Source::Cli),
        module: None,
        request_id: None,
    };
    let answer = gateway.sending.submit(sender, request).await.map_err(text)?;
    Ok(reply::body(&answer))
}

fn policy_check(gateway: &Gateway, body: &str, purpose: &str) -> Done {
    let purpose = Purpose::parse(purpose).ok_or_else(|| format!("{purpose:?} is not one of the five purposes"))?;
    let score = gateway.sending.check_text(purpose, body);
    let rules = gateway.sending.rules();
    let verdict = match score.total {
        _ if rules.observe => "sent (observe)",
        total if total >= rules.refuse_score => "refused",
        total if total >= rules.review_score => "sent, listed for review",
        _ => "sent",
    };
    Ok(json!({"ok": true, "score": score.total, "verdict": verdict, "signals": score.signals}))
}

fn none_or<T>(value: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if value == "none" { Ok(None) } else { parse(value).map(Some) }
}

fn parse_plan(value: &str) -> Result<Option<Plan>, String> {
    let unknown = || format!("{value:?} is no plan: use starter, growth, scale or none");
    none_or(value, |v| Plan::parse(v).ok_or_else(unknown))
}

fn parse_module(value: &str) -> Result<Module, String> {
    Module::parse(value).ok_or_else(|| format!("{value:?} is no module: use api_access, 3cx or chattu"))
}

fn parse_modules(values: &[String]) -> Result<Vec<Module>, String> {
    values.iter().map(|v| parse_module(v)).collect()
}

/// A time, or a date that stands for its first moment in UTC.
pub(super) fn parse_time(value: &str) -> Result<Time, String> {
    let full = if value.len() == 10 { format!("{value}T00:00:00Z") } else { value.to_owned() };
    Time::parse(&full).map_err(|_| format!("{value:?} is no time: use 2026-05-08 or 2026-05-08T10:00:00Z"))
}
