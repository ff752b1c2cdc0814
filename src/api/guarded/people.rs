//! `GET /api/contacts`, `GET /api/conversations`: for keys that are good for reading. `POST /api/suppressions`,
//! `POST /api/suppressions/lift`: who is not written to, for keys that are good for managing.

use super::{
    lists::{allowed, person, whose},
    paging::{self, BadParameter, PAGE, Paging},
};
use crate::{
    accounts::{Caller, KeyScope, audit},
    gateway::Gateway,
    model::{
        clock::Time,
        code::Code,
        ids::{ContactId, InstanceId},
        phone::{Impossible, PhoneReading, Recipient},
    },
    people::{
        conversations::{self, Identity, PeopleSearch, list_contacts, list_conversations},
        suppression::{self, NewSuppression, SuppressionSource},
    },
    store::{StoreError, Tx, WriteTx},
    web::{
        Incoming,
        body::{self, BodyReadError},
        problem,
    },
};
use serde_json::{Map, Value, json};
use warp::{Reply, reply::Response};

/// Longest reason, in characters.
pub const REASON_MAX: usize = 500;

/// `GET /api/contacts?phone=&instance_id=&since=&limit=&cursor=`
pub async fn contacts(gateway: &Gateway, caller: Caller, incoming: Incoming) -> Response {
    if let Some(refused) = paging::unless_reader(caller) {
        return refused;
    }
    let (limit, wanted, who) = match wanted(&incoming.query, caller, 'c') {
        Ok(wanted) => wanted,
        Err(bad) => return bad.into_response(),
    };
    let read = gateway.store.read(move |tx| {
        let (among, person) = (allowed(tx, caller)?, whose(tx, caller, who.as_ref())?);
        let wanted = PeopleSearch { among, person, ..wanted };
        list_contacts(tx, &wanted)
    });
    match read.await {
        Ok(rows) => {
            let rows = rows.into_iter().map(|row| ((row.created_at, row.contact_id.0), json!(row))).collect();
            paging::page(&incoming, rows, limit, 'c')
        }
        Err(e) => problem::internal(&e, &incoming.request_id),
    }
}

/// `GET /api/conversations?phone=&instance_id=&since=&limit=&cursor=`
pub async fn conversations(gateway: &Gateway, caller: Caller, incoming: Incoming) -> Response {
    if let Some(refused) = paging::unless_reader(caller) {
        return refused;
    }
    let (limit, wanted, who) = match wanted(&incoming.query, caller, 'v') {
        Ok(wanted) => wanted,
        Err(bad) => return bad.into_response(),
    };
    let read = gateway.store.read(move |tx| {
        let (among, person) = (allowed(tx, caller)?, whose(tx, caller, who.as_ref())?);
        let wanted = PeopleSearch { among, person, ..wanted };
        list_conversations(tx, &wanted)
    });
    match read.await {
        Ok(rows) => {
            let rows = rows.into_iter().map(|row| ((row.last_heard_at, row.conversation_id), json!(row))).collect();
            paging::page(&incoming, rows, limit, 'v')
        }
        Err(e) => problem::internal(&e, &incoming.request_id),
    }
}

fn wanted(query: &str, caller: Caller, letter: char) -> Result<(u32, PeopleSearch, Option<Recipient>), BadParameter> {
    let query = &paging::read_query(query, &["phone", "instance_id"], &PAGE)?;
    let paging = Paging::read(query, letter)?;
    let wanted = PeopleSearch {
        account: caller.account,
        instance: query.some("instance_id").map(InstanceId::from_text),
        among: None,
        person: None,
        since: paging.since,
        after: paging.after,
        limit: paging.limit + 1,
    };
    Ok((paging.limit, wanted, person(query, "phone", caller)?))
}

/// `POST /api/suppressions` with `phone` and, optionally, `reason`: nothing is sent to this person any more, by any
/// instance of the account. Who is suppressed by hand already keeps the first date and reason.
pub async fn suppress(gateway: &Gateway, caller: Caller, mut incoming: Incoming) -> Response {
    let (recipient, reason) = match asked(caller, &mut incoming).await {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    let (now, actor) = (gateway.clock.now(), actor(caller));
    let reason = reason.unwrap_or_else(|| "by a program".to_owned());
    let done = gateway.store.write(move |tx| {
        let Some(contact) = known_or_added(tx, caller, &recipient, now)? else { return Ok(None) };
        let source = SuppressionSource::Manual;
        let new = NewSuppression { account: caller.account, contact, source, reason: &reason, instance: None };
        let added = suppression::add(tx, &new, now)?;
        if added {
            note(tx, (&actor, "suppression.add"), (caller, contact), &reason, now)?;
        }
        Ok::<_, StoreError>(Some(json!({"success": true, "contact_id": contact, "added": added})))
    });
    answer(done.await, &incoming)
}

/// `POST /api/suppressions/lift` with `phone` and `reason`: what was entered by hand, and what the person asked for, is
/// lifted; the reason stays for proof.
pub async fn lift(gateway: &Gateway, caller: Caller, mut incoming: Incoming) -> Response {
    let (recipient, reason) = match asked(caller, &mut incoming).await {
        Ok((recipient, Some(reason))) => (recipient, reason),
        Ok((_, None)) => return unfit("reason", "say why, for proof: who asked for it, and when"),
        Err(refused) => return refused,
    };
    let (now, actor, erased) = (gateway.clock.now(), actor(caller), gateway.erased.clone());
    let done = gateway.store.write(move |tx| {
        let sources = SuppressionSource::ALL;
        let (mut lifted, mut contact) = (0, None);
        if let Some(id) = known(tx, caller, &recipient)? {
            lifted += suppression::lift(tx, id, sources, &actor, now)?;
            contact = Some(id);
        }
        // The same person may have been suppressed and erased: then only a hash is left of them.
        if let Recipient::Phone(phone) = &recipient {
            for form in [Some(phone.clone()), phone.twin()].into_iter().flatten() {
                lifted += erased.lift(tx, caller.account, ("phone", form.as_str()), sources)?;
            }
        }
        if lifted == 0 {
            return Ok(None);
        }
        if let Some(contact) = contact {
            note(tx, (&actor, "suppression.lift"), (caller, contact), &reason, now)?;
        }
        Ok::<_, StoreError>(Some(json!({"success": true, "contact_id": contact, "lifted": lifted})))
    });
    answer(done.await, &incoming)
}

/// Who is meant, and why.
async fn asked(caller: Caller, incoming: &mut Incoming) -> Result<(Recipient, Option<String>), Response> {
    if !body::is_json(incoming.header("content-type")) {
        return Err(problem::code(Code::UnsupportedMediaType));
    }
    if let Some(refused) = paging::unless(caller, KeyScope::Manage) {
        return Err(refused);
    }
    let object = read_object(incoming).await?;
    let how = PhoneReading { region: caller.region, impossible: Impossible::Warn };
    let read = object.get("phone").and_then(Value::as_str).map(|text| Recipient::parse(text, how));
    let recipient = match read {
        Some(Ok(recipient @ (Recipient::Phone(_) | Recipient::Contact(_)))) => recipient,
        Some(Err(e)) => return Err(unfit("phone", &e.to_string())),
        _ => {
            return Err(unfit("phone", "a text that names a number, such as \"+966501234567\", or contact: and an id"));
        }
    };
    let reason = match object.get("reason") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if !text.trim().is_empty() && text.chars().count() <= REASON_MAX => {
            Some(text.trim().to_owned())
        }
        Some(_) => return Err(unfit("reason", &format!("it is a text of 1 to {REASON_MAX} characters"))),
    };
    Ok((recipient, reason))
}

async fn read_object(incoming: &mut Incoming) -> Result<Map<String, Value>, Response> {
    let bytes = body::read(std::mem::take(&mut incoming.body), body::API_MAX).await.map_err(|e| match e {
        BodyReadError::TooLarge => problem::code(Code::PayloadTooLarge),
        BodyReadError::Broken => problem::code(Code::InvalidJson),
    })?;
    body::json_object(&bytes).map_err(|_| problem::code(Code::InvalidJson))
}

fn known(tx: &Tx<'_>, caller: Caller, recipient: &Recipient) -> Result<Option<ContactId>, StoreError> {
    match recipient {
        Recipient::Phone(phone) => {
            let found = conversations::find(tx, caller.account, &Identity::phone(phone.as_str()))?;
            Ok(found.map(|contact| contact.id))
        }
        Recipient::Contact(id) => {
            Ok(conversations::find_by_id(tx, caller.account, *id)?.map(|(contact, _)| contact.id))
        }
        Recipient::Group(_) => Ok(None),
    }
}

fn known_or_added(
    tx: &WriteTx<'_>,
    caller: Caller,
    recipient: &Recipient,
    now: Time,
) -> Result<Option<ContactId>, StoreError> {
    match recipient {
        Recipient::Phone(phone) => {
            conversations::find_or_add(tx, caller.account, &Identity::phone(phone.as_str()), now).map(Some)
        }
        other => known(tx, caller, other),
    }
}

fn note(
    tx: &WriteTx<'_>,
    (actor, action): (&str, &str),
    (caller, contact): (Caller, ContactId),
    reason: &str,
    now: Time,
) -> Result<(), StoreError> {
    let (account, target) = (Some(caller.account), format!("contact:{contact}"));
    audit::record(
        tx,
        now,
        &audit::AuditEntry { actor, account, action, target: &target, before: None, after: Some(reason) },
    )
}

fn actor(caller: Caller) -> String {
    format!("key {}", caller.key)
}

fn answer(done: Result<Option<Value>, StoreError>, incoming: &Incoming) -> Response {
    match done {
        Ok(Some(body)) => warp::reply::json(&body).into_response(),
        Ok(None) => problem::code(Code::NotFound),
        Err(e) => problem::internal(&e, &incoming.request_id),
    }
}

fn unfit(name: &'static str, why: &str) -> Response {
    BadParameter::new(name, why).into_response()
}
