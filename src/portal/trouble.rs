//! Why a page is not shown, as a page that says what to do.

use super::visit::Visit;
use crate::{
    accounts::{AccountError, LoginError},
    instances::InstanceError,
    store::StoreError,
    webhooks::WebhookError,
};
use ::http::{HeaderValue, StatusCode, header};
use askama::Template;
use warp::{Reply, reply::Response};

/// What keeps a page from being shown.
#[derive(Debug)]
pub enum Trouble {
    /// Nobody is logged in.
    LogIn,
    /// Their role does not reach.
    Forbidden,
    /// A form that came from another site.
    Elsewhere,
    /// No such thing, or another account's: the same answer.
    NotFound,
    /// An admin has to choose an account first.
    ChooseAccount,
    /// Input that cannot be taken, in plain words.
    Invalid(String),
    /// The database.
    Failed(String),
}

#[derive(Template)]
#[template(path = "note.html", config = "assets/askama.toml")]
struct Note<'a> {
    v: &'a Visit,
    title: &'a str,
    text: &'a str,
    link: Option<(&'a str, &'a str)>,
}

impl Trouble {
    /// The page.
    pub fn page(self, v: &Visit) -> Response {
        if matches!(self, Self::LogIn) && v.form.text("csrf").is_empty() {
            let next = crate::model::percent::encode(&v.path);
            return see_other(&if v.path == "/" { "/login".to_owned() } else { format!("/login?next={next}") });
        }
        let (status, title, text) = match &self {
            Self::LogIn => (StatusCode::UNAUTHORIZED, v.t("trouble.log_in"), v.t("trouble.log_in_text")),
            Self::Forbidden => (StatusCode::FORBIDDEN, v.t("trouble.forbidden"), v.t("trouble.forbidden_text")),
            Self::Elsewhere => (StatusCode::FORBIDDEN, v.t("trouble.elsewhere"), v.t("trouble.elsewhere_text")),
            Self::NotFound => (StatusCode::NOT_FOUND, v.t("trouble.not_found"), v.t("trouble.not_found_text")),
            Self::ChooseAccount => (StatusCode::OK, v.t("trouble.choose"), v.t("trouble.choose_text")),
            Self::Invalid(text) => (StatusCode::UNPROCESSABLE_ENTITY, v.t("trouble.invalid"), text.as_str()),
            Self::Failed(cause) => {
                tracing::error!(request_id = v.request_id, "a page could not be made: {cause}");
                (StatusCode::SERVICE_UNAVAILABLE, v.t("trouble.failed"), v.t("trouble.failed_text"))
            }
        };
        let link = matches!(self, Self::LogIn).then(|| ("/login", v.t("access.log_in")));
        let mut response = v.page_with(&Note { v, title, text, link }, status);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

/// A page that says one thing.
pub fn note(v: &Visit, status: StatusCode, title: &str, text: &str) -> Response {
    v.page_with(&Note { v, title, text, link: None }, status)
}

/// The way on after a form was taken: the browser asks for `path`, and asking again does nothing twice.
pub fn see_other(path: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(value) = HeaderValue::from_str(path) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl From<StoreError> for Trouble {
    fn from(e: StoreError) -> Self {
        Self::Failed(e.to_string())
    }
}

impl From<AccountError> for Trouble {
    fn from(e: AccountError) -> Self {
        match e {
            AccountError::NotFound(_) => Self::NotFound,
            AccountError::Invalid(text) => Self::Invalid(text),
            AccountError::Store(e) => e.into(),
        }
    }
}

impl From<LoginError> for Trouble {
    fn from(e: LoginError) -> Self {
        match e {
            LoginError::Store(e) => e.into(),
            e => Self::Invalid(e.to_string()),
        }
    }
}

impl From<InstanceError> for Trouble {
    fn from(e: InstanceError) -> Self {
        match e {
            InstanceError::NotFound(_) => Self::NotFound,
            InstanceError::Store(e) => e.into(),
            e => Self::Invalid(e.to_string()),
        }
    }
}

impl From<WebhookError> for Trouble {
    fn from(e: WebhookError) -> Self {
        match e {
            WebhookError::NotFound(_) => Self::NotFound,
            WebhookError::Store(e) => e.into(),
            e => Self::Invalid(e.to_string()),
        }
    }
}
