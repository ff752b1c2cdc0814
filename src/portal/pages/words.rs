//! `/account/words`: an account's own part of the content policy. Words that count for its messages besides the common
//! ones, texts that a person found honest and that pass, and the verdicts that were judged, to take home.
//!
//! Owners make the guard stricter here and take back what passes; words that shall not count, and texts that shall pass,
//! are for who runs the appliance.

use crate::{
    accounts::{Role, Scope},
    gateway::Gateway,
    portal::{PageContext, PageError, page_error::see_other, verdict_words},
    sending::{
        judgements::{self, AllowedText},
        own_phrases::{AddedPhrase, NewPhrase},
        rehearsal::{ContentVerdict, Rehearsal},
    },
};
use ::http::StatusCode;
use askama::Template;
use warp::{Reply, reply::Response};

#[derive(Template)]
#[template(path = "words.html", config = "assets/askama.toml")]
struct WordsPage<'a> {
    v: &'a PageContext,
    phrases: Vec<AddedPhrase>,
    /// Who may be named as the one who added a phrase that this visitor takes away.
    own_people: Vec<String>,
    groups: Vec<(String, String)>,
    allowed: Vec<AllowedText>,
    rehearsed: Option<Rehearsal>,
    problem: String,
}

/// `GET /account/words`.
///
/// # Errors
/// No account is chosen.
pub async fn list(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&page(gateway, v, None, String::new()).await?))
}

/// `POST /account/words`: adds a phrase that counts; with `do=rehearse` it is tried on the account's last week and not added.
///
/// # Errors
/// No account is chosen.
pub async fn add(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let account = v.account()?;
    let new = NewPhrase {
        account: Some(account),
        phrase: v.form.text("phrase").to_owned(),
        counts: Some((v.form.text("group").to_owned(), v.form.parsed("weight").unwrap_or(0))),
        actor: v.actor().to_owned(),
    };
    let done = if v.form.text("do") == "rehearse" {
        gateway.sending.rehearse_phrase(new, Scope::Account(account)).await.map(Some)
    } else {
        gateway.sending.add_phrase(new).await.map(|()| None)
    };
    match done {
        Ok(None) => Ok(see_other("/account/words?done=phrase_added")),
        Ok(rehearsed) => Ok(v.page(&page(gateway, v, rehearsed, String::new()).await?)),
        Err(e) => {
            let problem = PageError::from(e).user_message(v)?;
            Ok(v.page_with(&page(gateway, v, None, problem).await?, StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}

/// `POST /account/words/{id}/remove`.
///
/// # Errors
/// No such phrase of this account, or one that an administrator added.
pub async fn remove(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let id: i64 = v.segment().parse().map_err(|_| PageError::NotFound)?;
    let page = page(gateway, v, None, String::new()).await?;
    if !page.phrases.iter().any(|p| p.id == id && page.is_removable(p)) {
        return Err(PageError::NotFound);
    }
    gateway.sending.remove_phrase(id, v.actor()).await?;
    Ok(see_other("/account/words?done=phrase_gone"))
}

/// `POST /account/words/allowed/{id}/withdraw`: the text is judged again from now on.
///
/// # Errors
/// No such text of this account.
pub async fn withdraw(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let id: i64 = v.segment().parse().map_err(|_| PageError::NotFound)?;
    if !gateway.sending.withdraw_allowed(Scope::Account(v.account()?), id, v.actor()).await? {
        return Err(PageError::NotFound);
    }
    Ok(see_other("/account/words?done=withdrawn_text"))
}

/// `GET /account/words/examples.tsv`: the judged messages, as `policy_fit` reads them.
///
/// # Errors
/// No account is chosen.
pub async fn examples(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let scope = Scope::Account(v.account()?);
    let examples = gateway.store.read(move |tx| judgements::examples(tx, scope)).await?;
    Ok(super::messages::download(judgements::tab_separated(&examples).into_response(), "examples.tsv"))
}

async fn page<'a>(
    gateway: &Gateway,
    v: &'a PageContext,
    rehearsed: Option<Rehearsal>,
    problem: String,
) -> Result<WordsPage<'a>, PageError> {
    let account = v.account()?;
    let mut phrases = gateway.sending.phrases().await?;
    phrases.retain(|phrase| phrase.account == Some(account));
    let mut people = gateway.accounts.list_people(Scope::Account(account)).await?;
    people.retain(|person| person.role != Role::Admin.as_str());
    let allowed = gateway.store.read(move |tx| judgements::allowed(tx, Scope::Account(account))).await?;
    Ok(WordsPage {
        v,
        phrases,
        own_people: people.into_iter().map(|person| person.email).collect(),
        groups: gateway.sending.phrase_groups(),
        allowed,
        rehearsed,
        problem,
    })
}

impl WordsPage<'_> {
    /// Whether who looks may take a phrase away: what makes the guard stricter and one of this account added.
    fn is_removable(&self, phrase: &AddedPhrase) -> bool {
        self.v.is_admin() || (phrase.counts.is_some() && self.own_people.contains(&phrase.added_by))
    }

    /// The word for a verdict.
    fn word(&self, verdict: &ContentVerdict) -> &'static str {
        verdict_words::word_of(*verdict)
    }
}
