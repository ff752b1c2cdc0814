//! `/admin/policy`: the guard's figures, phrases of one's own, and a box to try a text in. In force when it answers.

use super::id;
use crate::{
    gateway::Gateway,
    model::{ids::AccountId, purpose::Purpose},
    portal::{PageContext, PageError, page_error::see_other, verdict_words},
    sending::{
        judgements::{self, NearestExample},
        own_phrases::{AddedPhrase, NewPhrase},
        policy::content::{
            Score,
            explain::{Stretch, stretches},
        },
        rehearsal::{self, ContentVerdict, Rehearsal},
        runtime_settings::{Set, TuningError},
    },
};
use ::http::StatusCode;
use askama::Template;
use std::collections::BTreeMap;
use warp::reply::Response;

#[derive(Template)]
#[template(path = "admin/policy.html", config = "assets/askama.toml")]
struct PolicyPage<'a> {
    v: &'a PageContext,
    figures: Vec<FigureField>,
    observes: bool,
    /// Whether it does by now, whatever the form says.
    in_force_observes: bool,
    phrases: Vec<AddedPhrase>,
    groups: Vec<(String, String)>,
    purposes: &'static [Purpose],
    tried: Option<PolicyVerdict>,
    rehearsed: Option<Rehearsal>,
    problem: String,
    phrase_problem: String,
}

/// A figure in its field: as typed, else as it holds.
struct FigureField {
    set: Set,
    shown: String,
}

/// What the guard says to a text.
struct PolicyVerdict {
    score: Score,
    verdict: &'static str,
    /// The text that an admin found honest and that is most like it.
    nearest: Option<NearestExample>,
    /// The text, its words behind the signals apart from the others.
    stretches: Vec<Stretch>,
    has_marks: bool,
}

/// Which of the page's forms was sent and has something to correct.
#[derive(Default)]
struct PolicyForm {
    figures: String,
    phrase: String,
    tried: Option<PolicyVerdict>,
    rehearsed: Option<Rehearsal>,
}

/// `GET /admin/policy`.
pub async fn show(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&page(gateway, v, PolicyForm::default()).await?))
}

/// `POST /admin/policy/try`: the check that every message goes through, on a text that is sent to nobody.
pub async fn attempt(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let purpose = Purpose::parse(v.form.text("purpose")).ok_or(PageError::NotFound)?;
    let text = v.form.raw("text");
    let account = v.form.parsed("account").map(AccountId);
    let score = gateway.sending.check_text(account, purpose, text);
    let marks = gateway.sending.mark_text(account, text);
    let verdict = verdict_words::word_of(rehearsal::verdict(&score, &gateway.sending.rules()));
    let (scope, asked) = (v.everybody()?, text.to_owned());
    let nearest = gateway.store.read(move |tx| judgements::nearest(tx, scope, &asked)).await?;
    let (stretches, has_marks) = (stretches(text, &marks), !marks.is_empty());
    let tried = PolicyVerdict { score, verdict, nearest, stretches, has_marks };
    Ok(v.page(&page(gateway, v, PolicyForm { tried: Some(tried), ..PolicyForm::default() }).await?))
}

impl PolicyPage<'_> {
    /// Whose messages a phrase is for: an account's name, or everybody's.
    fn whose(&self, phrase: &AddedPhrase) -> &str {
        let name = |account| self.v.accounts.iter().find(|(id, _)| *id == account).map(|(_, name)| name.as_str());
        phrase.account.map_or_else(|| self.v.t("policy.everybody"), |account| name(account).unwrap_or(""))
    }

    /// The word for a verdict.
    fn word(&self, verdict: &ContentVerdict) -> &'static str {
        verdict_words::word_of(*verdict)
    }
}

/// `POST /admin/policy`: the figures; with `do=rehearse` they are tried on the last week's messages and not saved.
pub async fn save(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let wanted = match wanted(gateway, v) {
        Ok(wanted) => wanted,
        Err(figures) => return again(gateway, v, PolicyForm { figures, ..PolicyForm::default() }).await,
    };
    let is_mode_kept = v.form.some("was_mode") == v.form.some("mode");
    let observe = if is_mode_kept { gateway.sending.rules().observe } else { v.form.text("mode") == "observe" };
    if is_rehearsal(v) {
        let rehearsed = gateway.sending.rehearse_figures(wanted, observe, v.everybody()?).await;
        return tell(gateway, v, rehearsed, |figures| PolicyForm { figures, ..PolicyForm::default() }).await;
    }
    match gateway.sending.set_figures(wanted, observe, v.actor()).await {
        Ok(()) => Ok(see_other("/admin/policy?done=saved")),
        Err(e) => {
            let figures = PageError::from(e).user_message(v)?;
            again(gateway, v, PolicyForm { figures, ..PolicyForm::default() }).await
        }
    }
}

/// `POST /admin/policy/phrases`; with `do=rehearse` it is tried on the last week's messages and not added.
pub async fn add(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let new = NewPhrase {
        account: v.form.parsed("account").map(AccountId),
        phrase: v.form.text("phrase").to_owned(),
        counts: v.form.some("group").map(|group| (group.to_owned(), v.form.parsed("weight").unwrap_or(0))),
        actor: v.actor().to_owned(),
    };
    if is_rehearsal(v) {
        let rehearsed = gateway.sending.rehearse_phrase(new, v.everybody()?).await;
        return tell(gateway, v, rehearsed, |phrase| PolicyForm { phrase, ..PolicyForm::default() }).await;
    }
    match gateway.sending.add_phrase(new).await {
        Ok(()) => Ok(see_other("/admin/policy?done=phrase_added")),
        Err(e) => {
            let phrase = PageError::from(e).user_message(v)?;
            again(gateway, v, PolicyForm { phrase, ..PolicyForm::default() }).await
        }
    }
}

/// `POST /admin/policy/phrases/{id}/remove`.
///
/// # Errors
/// No such phrase.
pub async fn remove(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    gateway.sending.remove_phrase(id(v, 0)?, v.actor()).await?;
    Ok(see_other("/admin/policy?done=phrase_gone"))
}

/// The figures that the form changes; else what is wrong with it. A form that says what held when it was made (`was_…`)
/// leaves the others as they are by now, and takes back nothing that was changed meanwhile.
fn wanted(gateway: &Gateway, v: &PageContext) -> Result<BTreeMap<String, u32>, String> {
    let mut wanted = BTreeMap::new();
    for set in gateway.sending.figures() {
        let name = set.figure.name;
        if !v.form.has(name) {
            continue;
        }
        let Ok(value) = v.form.text(name).parse::<u32>() else {
            return Err(v.fill("policy.number_bad", "name", name));
        };
        match v.form.parsed::<u32>(&format!("was_{name}")) {
            Some(was) if was == value => continue,
            Some(was) if was != set.value && set.value != value => {
                return Err(v.fill_all("policy.changed_meanwhile", &[("name", &name), ("value", &set.value)]));
            }
            _ => drop(wanted.insert(name.to_owned(), value)),
        }
    }
    Ok(wanted)
}

fn is_rehearsal(v: &PageContext) -> bool {
    v.form.text("do") == "rehearse"
}

/// The page with what would have happened, or with what is wrong with the form.
async fn tell(
    gateway: &Gateway,
    v: &PageContext,
    rehearsed: Result<Rehearsal, TuningError>,
    wrong: impl FnOnce(String) -> PolicyForm,
) -> Result<Response, PageError> {
    match rehearsed {
        Ok(rehearsed) => {
            let said = PolicyForm { rehearsed: Some(rehearsed), ..PolicyForm::default() };
            Ok(v.page(&page(gateway, v, said).await?))
        }
        Err(e) => {
            let text = PageError::from(e).user_message(v)?;
            again(gateway, v, wrong(text)).await
        }
    }
}

async fn again(gateway: &Gateway, v: &PageContext, said: PolicyForm) -> Result<Response, PageError> {
    Ok(v.page_with(&page(gateway, v, said).await?, StatusCode::UNPROCESSABLE_ENTITY))
}

async fn page<'a>(gateway: &Gateway, v: &'a PageContext, said: PolicyForm) -> Result<PolicyPage<'a>, PageError> {
    let sending = &gateway.sending;
    // A field that nobody touched shows what holds by now.
    let typed = |name: &str| v.form.some(name).filter(|typed| v.form.text(&format!("was_{name}")) != *typed);
    let shown = |set: &Set| typed(set.figure.name).map_or_else(|| set.value.to_string(), str::to_owned);
    let fields = sending.figures().into_iter().map(|set| FigureField { shown: shown(&set), set });
    Ok(PolicyPage {
        v,
        figures: fields.collect(),
        in_force_observes: sending.rules().observe,
        observes: v.form.some("mode").map_or_else(|| sending.rules().observe, |mode| mode == "observe"),
        phrases: sending.phrases().await?,
        groups: sending.phrase_groups(),
        purposes: &Purpose::ALL,
        tried: said.tried,
        rehearsed: said.rehearsed,
        problem: said.figures,
        phrase_problem: said.phrase,
    })
}
