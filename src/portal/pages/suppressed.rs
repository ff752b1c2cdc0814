//! `/suppressed-recipients`: who is not written to, why, since when; added, lifted, imported, exported.

use crate::{
    gateway::Gateway,
    model::{
        csv,
        ids::ContactId,
        percent::encode,
        phone::{Phone, Region},
        short_text,
    },
    people::{
        conversations::{self, Identity},
        suppression::{self, PastSuppression, Suppression, SuppressionSource as By},
    },
    portal::{PageContext, PageError, page_error::see_other},
    sending::log,
    store::StoreError,
};
use ::http::StatusCode;
use askama::Template;
use std::collections::HashMap;
use warp::{Reply, reply::Response};

#[derive(Template)]
#[template(path = "suppressed.html", config = "assets/askama.toml")]
struct Suppressed<'a> {
    v: &'a PageContext,
    /// Those of one person together, whoever is newest first: nobody stands there twice.
    people: Vec<Vec<Suppression>>,
    found: usize,
    problem: String,
}

const ROWS: u32 = 500;

/// `GET /suppressed-recipients?q=`.
///
/// # Errors
/// No account is chosen.
pub async fn list(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&page(gateway, v, String::new()).await?))
}

/// `POST /suppressed-recipients`.
pub async fn add(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let account = v.account()?;
    let phone = match phone(gateway, v)? {
        Ok(phone) => phone,
        Err(problem) => {
            let page = page(gateway, v, problem).await?;
            return Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY));
        }
    };
    let reason = match short_text::reason(v.form.some("reason").unwrap_or("by hand")) {
        Ok(reason) => reason,
        Err(why) => {
            let page = page(gateway, v, v.why(&why)).await?;
            return Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY));
        }
    };
    let now = v.now;
    let done = gateway.store.write(move |tx| {
        let contact = conversations::find_or_add(tx, account, &Identity::phone(phone.as_str()), now)?;
        let new = suppression::NewSuppression { account, contact, source: By::Manual, reason: &reason, instance: None };
        suppression::add(tx, &new, now)
    });
    done.await?;
    Ok(see_other("/suppressed-recipients?done=suppressed"))
}

/// `POST /suppressed-recipients/{contact_id}/lift`: lifts what was entered by hand and what the person asked for. With
/// `instance` it leads to the person's chat with that instance.
///
/// # Errors
/// No such person, or another account's.
pub async fn lift(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let account = v.account()?;
    let id: i64 = v.segment().parse().map_err(|_| PageError::NotFound)?;
    let (now, actor, erased) = (v.now, v.actor().to_owned(), gateway.erased.clone());
    let lifted = gateway
        .store
        .write(move |tx| {
            let rows = suppression::list(tx, account)?;
            let Some(row) = rows.into_iter().find(|row| row.contact_id.0 == id) else { return Ok(0) };
            // The same person may have been suppressed, erased, and suppressed again.
            if let Some(phone) = &row.phone {
                erased.lift(tx, account, ("phone", phone), By::ALL)?;
            }
            suppression::lift(tx, row.contact_id, By::ALL, &actor, now)
        })
        .await?;
    if lifted == 0 {
        return Err(PageError::NotFound);
    }
    Ok(match v.form.some("instance") {
        Some(instance) => see_other(&format!("/chat?instance={}&chat=c{id}", encode(instance))),
        None => see_other("/suppressed-recipients?done=lifted"),
    })
}

/// `GET /suppressed-recipients/export.csv?all=`: who is suppressed; with `all` who was, too, for proof.
///
/// # Errors
/// No account is chosen.
pub async fn export(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let (account, all) = (v.account()?, v.query.is_on("all"));
    let rows = gateway.store.read(move |tx| suppression::export(tx, account, all)).await?;
    let text = csv::written(&PastSuppression::COLUMNS, rows.iter().map(PastSuppression::cells));
    Ok(super::messages::download(text.into_response(), "suppressed.csv"))
}

#[derive(Template)]
#[template(path = "suppressed_history.html", config = "assets/askama.toml")]
struct History<'a> {
    v: &'a PageContext,
    phone: String,
    rows: Vec<PastSuppression>,
    refused: u64,
}

/// `GET /suppressed-recipients/{contact_id}`: when one person was suppressed, by whom, when it was lifted: for proof.
///
/// # Errors
/// Nobody of that number in this account was ever suppressed.
pub async fn history(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let account = v.account()?;
    let contact = ContactId(v.segment().parse().map_err(|_| PageError::NotFound)?);
    let read = gateway.store.read(move |tx| {
        let rows = suppression::history(tx, account, contact)?;
        let refused = log::count_suppressed(tx, account, contact)?;
        Ok::<_, StoreError>((rows, refused))
    });
    let (rows, refused) = read.await?;
    let first = rows.first().ok_or(PageError::NotFound)?;
    let phone = first.phone.clone().unwrap_or_else(|| format!("contact:{contact}"));
    Ok(v.page(&History { v, phone, rows, refused }))
}

fn phone(gateway: &Gateway, v: &PageContext) -> Result<Result<Phone, String>, PageError> {
    v.account()?;
    let region = v.account_facts().and_then(|account| account.region.as_deref());
    let region = region.and_then(|region| Region::parse(region).ok());
    Ok(Phone::parse(v.form.text("phone"), gateway.sending.rules().reading(region)).map_err(|e| v.why(&e.why())))
}

async fn page<'a>(gateway: &Gateway, v: &'a PageContext, problem: String) -> Result<Suppressed<'a>, PageError> {
    let account = v.account()?;
    let wanted: String = crate::portal::typed::digits(v.query.text("q"));
    if wanted.is_empty() {
        let read = gateway.store.read(move |tx| suppression::newest_people(tx, account, ROWS));
        let (rows, found) = read.await?;
        return Ok(Suppressed { v, people: by_person(rows), found, problem });
    }
    let mut rows = gateway.store.read(move |tx| suppression::list(tx, account)).await?;
    rows.retain(|row| row.phone.as_ref().is_some_and(|phone| phone.contains(&wanted)));
    rows.reverse();
    let mut people = by_person(rows);
    let found = people.len();
    people.truncate(ROWS as usize);
    Ok(Suppressed { v, people, found, problem })
}

/// The suppressions of each person together; newest first.
fn by_person(rows: Vec<Suppression>) -> Vec<Vec<Suppression>> {
    let (mut people, mut places) = (Vec::<Vec<Suppression>>::new(), HashMap::new());
    for row in rows {
        let place = *places.entry(row.contact_id.0).or_insert(people.len());
        match people.get_mut(place) {
            Some(theirs) => theirs.push(row),
            None => people.push(vec![row]),
        }
    }
    people
}
