//! `GET /api/messages`, `GET /api/inbound-messages`, `GET /api/instances`: for keys that are good for reading, and of the
//! instances that the key may use.

use super::paging::{self, BadParameter, PAGE, Paging};
use crate::{
    accounts::{self, Caller, Scope},
    gateway::Gateway,
    instances::{self, Instance},
    model::{
        ids::{InstanceId, LogId},
        message::Status,
        phone::{Impossible, PhoneReading, Recipient},
    },
    people::conversations::{self, PeopleSearch, Whose, list_heard},
    sending::search::{LogRow, LogSearch, search},
    store::{StoreError, Tx},
    web::{Incoming, form::Fields, problem},
};
use serde_json::{Value, json};
use warp::reply::Response;

/// `GET /api/messages?instance_id=&status=&to=&reference=&q=&since=&limit=&cursor=`
pub async fn messages(gateway: &Gateway, caller: Caller, incoming: Incoming) -> Response {
    if let Some(refused) = paging::unless_reader(caller) {
        return refused;
    }
    let (paging, wanted, to) = match wanted_messages(&incoming.query, caller) {
        Ok(wanted) => wanted,
        Err(bad) => return bad.into_response(),
    };
    let read = gateway.store.read(move |tx| {
        let whose = whose(tx, caller, to.as_ref())?;
        let (recipient, contact) = match whose {
            Some(Whose::Phone(phone)) => (Some(phone), None),
            Some(Whose::Contact(contact)) => (None, Some(contact)),
            None => (None, None),
        };
        let wanted = LogSearch { among: allowed(tx, caller)?, recipient, contact, ..wanted };
        search(tx, &wanted)
    });
    match read.await {
        Ok(rows) => {
            let rows = rows.into_iter().map(|row| ((row.created_at, row.log_id.0), shown_message(row))).collect();
            paging::page(&incoming, rows, paging.limit, 'm')
        }
        Err(e) => problem::internal(&e, &incoming.request_id),
    }
}

/// `GET /api/inbound-messages?instance_id=&from=&since=&limit=&cursor=`
pub async fn inbound_messages(gateway: &Gateway, caller: Caller, incoming: Incoming) -> Response {
    if let Some(refused) = paging::unless_reader(caller) {
        return refused;
    }
    let (paging, wanted, from) = match wanted_heard(&incoming.query, caller) {
        Ok(wanted) => wanted,
        Err(bad) => return bad.into_response(),
    };
    let read = gateway.store.read(move |tx| {
        let (among, person) = (allowed(tx, caller)?, whose(tx, caller, from.as_ref())?);
        let wanted = PeopleSearch { among, person, ..wanted };
        list_heard(tx, &wanted)
    });
    match read.await {
        Ok(rows) => {
            let rows = rows.into_iter().map(|row| ((row.created_at, row.row), json!(row))).collect();
            paging::page(&incoming, rows, paging.limit, 'i')
        }
        Err(e) => problem::internal(&e, &incoming.request_id),
    }
}

/// `GET /api/instances?instance_id=`: all of them at once, an account has few.
pub async fn instances(gateway: &Gateway, caller: Caller, incoming: Incoming) -> Response {
    if let Some(refused) = paging::unless_reader(caller) {
        return refused;
    }
    let wanted = match paging::read_query(&incoming.query, &["instance_id"], &[]) {
        Ok(query) => query.some("instance_id").map(str::to_owned),
        Err(bad) => return bad.into_response(),
    };
    let read = gateway.store.read(move |tx| {
        let mut all = instances::list(tx, Scope::Account(caller.account))?;
        if let Some(allowed) = allowed(tx, caller)? {
            all.retain(|instance| allowed.iter().any(|id| id == instance.id.as_str()));
        }
        all.retain(|instance| wanted.as_ref().is_none_or(|id| id == instance.id.as_str()));
        Ok::<_, StoreError>(all)
    });
    match read.await {
        Ok(all) => {
            let all: Vec<Value> = all.iter().map(shown_instance).collect();
            paging::answer(&incoming, &json!({"data": all}))
        }
        Err(e) => problem::internal(&e, &incoming.request_id),
    }
}

/// The instances that the key may use; none: all of the account.
pub(super) fn allowed(tx: &Tx<'_>, caller: Caller) -> Result<Option<Vec<String>>, StoreError> {
    Ok(Some(accounts::key_instances(tx, caller.key)?).filter(|ids| !ids.is_empty()))
}

fn wanted_messages(query: &str, caller: Caller) -> Result<(Paging, LogSearch, Option<Recipient>), BadParameter> {
    let query = &paging::read_query(query, &["instance_id", "status", "to", "reference", "q"], &PAGE)?;
    let paging = Paging::read(query, 'm')?;
    let status = query.some("status").map(|word| {
        let known = Status::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(", ");
        Status::parse(word).ok_or_else(|| BadParameter::new("status", format!("use one of {known}")))
    });
    let text = query.some("q").map(str::to_owned);
    if text.is_some() && paging.since.is_none() {
        return Err(BadParameter::new("since", "a search in texts (q) needs it, for it looks at each one"));
    }
    let wanted = LogSearch {
        instance: query.some("instance_id").map(InstanceId::from_text),
        status: status.transpose()?,
        reference: query.some("reference").map(str::to_owned),
        text,
        since: paging.since,
        after: paging.after.map(|(time, row)| (time, LogId(row))),
        limit: paging.limit + 1,
        ..LogSearch::of(Scope::Account(caller.account))
    };
    Ok((paging, wanted, person(query, "to", caller)?))
}

fn wanted_heard(query: &str, caller: Caller) -> Result<(Paging, PeopleSearch, Option<Recipient>), BadParameter> {
    let query = &paging::read_query(query, &["instance_id", "from"], &PAGE)?;
    let paging = Paging::read(query, 'i')?;
    let wanted = PeopleSearch {
        account: caller.account,
        instance: query.some("instance_id").map(InstanceId::from_text),
        among: None,
        person: None,
        since: paging.since,
        after: paging.after,
        limit: paging.limit + 1,
    };
    Ok((paging, wanted, person(query, "from", caller)?))
}

/// A number or `contact:` and an id to look for. What was taken when such a number still was may be looked for, too.
pub(super) fn person(query: &Fields, name: &'static str, caller: Caller) -> Result<Option<Recipient>, BadParameter> {
    let how = PhoneReading { region: caller.region, impossible: Impossible::Warn };
    let read = |text| Recipient::parse(text, how).map_err(|e| BadParameter::new(name, e.to_string()));
    query.some(name).map(read).transpose()
}

/// The person who is looked for. Who has become a part of another contact is found as that one.
pub(super) fn whose(tx: &Tx<'_>, caller: Caller, asked: Option<&Recipient>) -> Result<Option<Whose>, StoreError> {
    Ok(match asked {
        None => None,
        Some(Recipient::Contact(id)) => {
            let known = conversations::find_by_id(tx, caller.account, *id)?;
            Some(Whose::Contact(known.map_or(*id, |(contact, _)| contact.id)))
        }
        Some(by_number) => Some(Whose::Phone(by_number.to_string())),
    })
}

fn shown_message(row: LogRow) -> Value {
    json!({
        "log_id": row.log_id,
        "message_id": row.message_id,
        "provider_message_id": row.provider_message_id,
        "status": row.status,
        "reason": row.reason,
        "instance_id": row.instance_id,
        "reference": row.reference,
        "to": Some(row.recipient).filter(|to| to.starts_with('+')),
        "message_purpose": row.purpose,
        "message_text": row.body,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    })
}

fn shown_instance(instance: &Instance) -> Value {
    json!({
        "instance_id": instance.id,
        "instance_name": instance.name,
        "connector": instance.connector,
        "state": instance.state,
        "reason": instance.state_reason,
        "health": instance.health,
        "phone": instance.phone,
        "paused_at": instance.paused_at,
        "created_at": instance.created_at,
    })
}
