//! `/admin/egress`: the private places that may be called, of the configuration and added here.

use crate::{
    gateway::Gateway,
    ops::egress_allowlist::Added,
    portal::{PageContext, PageError, page_error::see_other},
};
use ::http::StatusCode;
use askama::Template;
use warp::reply::Response;

#[derive(Template)]
#[template(path = "admin/egress.html", config = "assets/askama.toml")]
struct EgressPage<'a> {
    v: &'a PageContext,
    configured: Vec<String>,
    added: Vec<Added>,
    problem: String,
}

/// `GET /admin/egress`.
pub async fn list(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&page(gateway, v, String::new()).await?))
}

/// `POST /admin/egress`: adds `entry`, or takes it away with `do=remove`.
///
/// # Errors
/// No such entry.
pub async fn change(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let entry = v.form.text("entry");
    let done = match v.form.text("do") {
        "remove" => gateway.reach.remove(entry, v.actor()).await,
        _ => gateway.reach.add(entry, v.form.text("reason"), v.actor()).await,
    };
    match done {
        Ok(()) => Ok(see_other("/admin/egress?done=saved")),
        Err(e) => {
            let problem = PageError::from(e).user_message(v)?;
            Ok(v.page_with(&page(gateway, v, problem).await?, StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}

async fn page<'a>(gateway: &Gateway, v: &'a PageContext, problem: String) -> Result<EgressPage<'a>, PageError> {
    let configured = gateway.reach.configured().iter().map(ToString::to_string).collect();
    Ok(EgressPage { v, configured, added: gateway.reach.added().await?, problem })
}
