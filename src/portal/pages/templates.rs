//! `/instances/{id}/templates`: the templates of a number at its provider; submitted, changed, deleted.

use crate::{
    connectors::{
        template_draft::TemplateDraft,
        templates::{Category, TemplateName},
    },
    gateway::Gateway,
    instances::{
        Instance,
        templates::{self, KnownTemplate},
    },
    model::ids::InstanceId,
    portal::{PageContext, PageError, page_error::see_other},
    store::StoreError,
};
use ::http::StatusCode;
use askama::Template;
use warp::reply::Response;

#[derive(Template)]
#[template(path = "templates.html", config = "assets/askama.toml")]
struct TemplatesPage<'a> {
    v: &'a PageContext,
    i: Instance,
    templates: Vec<KnownTemplate>,
    problem: String,
}

/// `GET /instances/{id}/templates`.
///
/// # Errors
/// No such instance, another account's, or one whose provider has no templates.
pub async fn show(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&page(gateway, v, String::new()).await?))
}

/// `POST /instances/{id}/templates`: `do=submit` with `name`, `language`, `category`, `header`, `body`, `footer`,
/// `examples` and `replies` (one on each line), or `do=delete` with `name` and `language`.
///
/// # Errors
/// As [`show`].
pub async fn change(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let instance = own(gateway, v).await?;
    let name = TemplateName::parse(v.form.text("name"), v.form.text("language"));
    let Some(name) = name else { return refuse(gateway, v, v.t("templates.bad_name").to_owned()).await };
    let done = match v.form.text("do") {
        "submit" => {
            let draft = draft(v, name);
            let judged = draft
                .judge()
                .and_then(|()| gateway.sending.judge_text(Some(instance.account_id), draft.purpose(), &draft.words()));
            if let Err(why) = judged {
                return refuse(gateway, v, v.why(&why)).await;
            }
            gateway.registry.submit_template(&instance.id, &draft).await.map(|_| "template_submitted")
        }
        "delete" => gateway.registry.delete_template(&instance.id, &name).await.map(|()| "template_gone"),
        _ => return Err(PageError::NotFound),
    };
    match done {
        Ok(done) => Ok(see_other(&format!("/instances/{}/templates?done={done}", instance.id))),
        Err(e) => refuse(gateway, v, v.fill("manage.not_done", "answer", e)).await,
    }
}

fn draft(v: &PageContext, name: TemplateName) -> TemplateDraft {
    let lines = |field: &str| -> Vec<String> {
        let lines = v.form.raw(field).lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    };
    let text = |field: &str| v.form.some(field).map(str::to_owned);
    TemplateDraft {
        name,
        category: Category::parse(v.form.text("category")).unwrap_or(Category::Other),
        header: text("header"),
        body: v.form.text("body").replace("\r\n", "\n"),
        footer: text("footer"),
        examples: lines("examples"),
        replies: lines("replies"),
    }
}

async fn refuse(gateway: &Gateway, v: &PageContext, problem: String) -> Result<Response, PageError> {
    let page = page(gateway, v, problem).await?;
    Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY))
}

async fn page<'a>(gateway: &Gateway, v: &'a PageContext, problem: String) -> Result<TemplatesPage<'a>, PageError> {
    let i = own(gateway, v).await?;
    let id = i.id.clone();
    let read = gateway.store.read(move |tx| templates::list(tx, &id));
    let templates = read.await.map_err(|e: StoreError| PageError::from(e))?;
    Ok(TemplatesPage { v, i, templates, problem })
}

async fn own(gateway: &Gateway, v: &PageContext) -> Result<Instance, PageError> {
    let instance = gateway.instances.find(&InstanceId::from_text(v.segment())).await?;
    let has_templates = gateway.registry.capabilities(&instance.id).is_some_and(|can| can.templates && can.window_24h);
    if v.scope()?.sees(instance.account_id) && has_templates { Ok(instance) } else { Err(PageError::NotFound) }
}
