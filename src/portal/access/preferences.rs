//! `POST /preferences`: language, theme, and the account that an admin looks at.

use crate::{
    gateway::Gateway,
    portal::{PageContext, PageError, page_error::see_other},
    texts::locale::Lang,
    web::cookie,
};
use warp::reply::Response;

/// Keeps what was chosen, and goes back to where it was chosen.
pub async fn save(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let mut response = see_other(&super::next(v));
    if let Some(lang) = Lang::parse(v.form.text("lang")) {
        cookie::set(&mut response, cookie::LANGUAGE, lang.as_str());
        if let Some(who) = &v.who {
            gateway.accounts.set_language(who.user, lang.as_str()).await?;
        }
    }
    if let Some(theme) = ["light", "dark", "auto"].into_iter().find(|t| *t == v.form.text("theme")) {
        cookie::set(&mut response, cookie::THEME, theme);
    }
    if let Some(account) = v.form.some("account") {
        let known = account == "all" || v.accounts.iter().any(|(id, _)| id.to_string() == account);
        if known && v.is_admin() {
            cookie::set(&mut response, cookie::ACCOUNT, account);
        }
    }
    Ok(response)
}
