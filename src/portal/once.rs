//! The hidden fields of forms. Those that make something are taken once: sent again by a second click, by *Back*, or by loading an answer again that
//! shows a secret, they lead to what there is and make nothing more. With other words in it, it is another form.

use super::{Page, PageContext, PageError, page_error::see_other};
use crate::{dialects::AppState, model::once::OnceKey};
use sha2::{Digest, Sha256};
use warp::reply::Response;

/// The field by which a form says that it is taken once.
const FIELD: &str = "once";

/// What a form's button may ask for, of what makes something; whatever else it asks for may be asked for again.
const MAKES: &[&str] = &["", "send", "rotate", "link", "keep"];

/// Where people see what a form made that is sent to another address than its page's: how the address begins or ends.
const SEEN_AT: &[(&str, &str)] = &[
    ("/account/limits", "/account"),
    ("/account/people/", "/account/people"),
    ("/admin/invitations", "/admin/users"),
    ("/admin/reviews/", "/admin/reviews"),
    ("/admin/users/", "/admin/users"),
];

/// Runs a page's code, of a form that is taken once at most once.
pub(super) async fn run(state: &AppState, v: &PageContext, page: Page) -> Result<Response, PageError> {
    let Some(key) = key(v) else { return page(state, v).await };
    let Some(begun) = state.forms.begin(key, v.now) else {
        return Ok(see_other(&format!("{}?done=sent_already", seen_at(&v.path))));
    };
    let answer = page(state, v).await;
    // What is to be corrected made nothing.
    if answer.as_ref().is_ok_and(|response| response.status().is_success() || response.status().is_redirection()) {
        begun.done();
    }
    answer
}

/// The name of a form that makes something, with all that it says; none: it may be sent as often as one likes.
fn key(v: &PageContext) -> Option<OnceKey> {
    if v.form.text(FIELD).is_empty() || !MAKES.contains(&v.form.text("do")) {
        return None;
    }
    // A stranger's forms are taken as they come: nobody without a session fills what is remembered for others.
    let token = v.token.as_deref()?;
    let mut digest = Sha256::new();
    let fields = v.form.all_fields().flat_map(|(name, value)| [name, value]);
    for part in [token, v.path.as_str()].into_iter().chain(fields) {
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    Some(digest.finalize().into())
}

fn seen_at(path: &str) -> &str {
    let listed = SEEN_AT.iter().find(|(begin, _)| path.starts_with(begin)).map(|(_, page)| *page);
    listed.or_else(|| path.strip_suffix("/grants")).unwrap_or(path)
}

impl PageContext {
    /// The token that forms carry for browsers that do not say where a form comes from.
    pub fn csrf(&self) -> String {
        let token = self.token.as_deref().unwrap_or_default();
        Sha256::digest(format!("csrf:{token}")).iter().take(16).map(|b| format!("{b:02x}")).collect()
    }

    /// The hidden field of every form.
    pub fn csrf_field(&self) -> String {
        format!("<input type=\"hidden\" name=\"csrf\" value=\"{}\">", self.csrf())
    }

    /// The hidden field of a form that is taken once.
    pub fn once_field(&self) -> String {
        format!("<input type=\"hidden\" name=\"{FIELD}\" value=\"{}\">", self.request_id)
    }
}
