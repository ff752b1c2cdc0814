//! Why a page is not shown, as a page that says what to do.

use super::page_context::PageContext;
use crate::{
    accounts::{AccountError, LoginError},
    dialects::threecx::ThreecxError,
    events::webhooks::WebhookError,
    gateway::retention::RetentionError,
    instances::InstanceError,
    model::{
        percent,
        why::{Why, why},
    },
    ops::egress_allowlist::ReachError,
    sending::{
        receipts::SettleError,
        runtime_settings::TuningError,
        schedule::{MOST_WAITING, ScheduleError},
    },
    store::StoreError,
};
use ::http::{HeaderValue, StatusCode, header};
use askama::Template;
use warp::{Reply, reply::Response};

/// What keeps a page from being shown.
#[derive(Debug)]
pub enum PageError {
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
    /// Input that cannot be taken, in the visitor's words.
    Invalid(String),
    /// The same as a slice says it.
    Wrong(Why),
    Failed(String),
}

#[derive(Template)]
#[template(path = "note.html", config = "assets/askama.toml")]
struct NotePage<'a> {
    v: &'a PageContext,
    title: &'a str,
    text: &'a str,
    link: Option<(&'a str, &'a str)>,
    /// What was written in the form that this answers, so that it is not lost with it.
    typed: Vec<&'a str>,
}

/// The fields of forms into which people type what costs them thought or time, none of them a password or a key.
const WRITTEN: &[&str] = &[
    "message",
    "text",
    "body",
    "reason",
    "note",
    "answer",
    "csv",
    "phone",
    "at",
    "variable",
    "url",
    "headers",
    "header",
    "footer",
    "examples",
    "replies",
    "button",
    "list_button",
    "rows",
    "title",
    "description",
    "latitude",
    "longitude",
    "address",
    "organization",
    "phrase",
    "name",
    "email",
    "business_name",
    "destination_url",
    "allowlist",
    "addresses",
    "reject_text",
];

impl PageError {
    pub fn page(self, v: &PageContext) -> Response {
        if matches!(self, Self::LogIn) && v.form.text("csrf").is_empty() {
            let next = percent::encode(&v.here());
            return see_other(&if v.path == "/" { "/login".to_owned() } else { format!("/login?next={next}") });
        }
        let mut said = None;
        let (status, title, text) = match &self {
            Self::LogIn => (StatusCode::UNAUTHORIZED, v.t("trouble.log_in"), v.t("trouble.log_in_text")),
            Self::Forbidden => (StatusCode::FORBIDDEN, v.t("trouble.forbidden"), v.t("trouble.forbidden_text")),
            Self::Elsewhere => (StatusCode::FORBIDDEN, v.t("trouble.elsewhere"), v.t("trouble.elsewhere_text")),
            Self::NotFound => (StatusCode::NOT_FOUND, v.t("trouble.not_found"), v.t("trouble.not_found_text")),
            Self::ChooseAccount => (StatusCode::OK, v.t("trouble.choose"), v.t("trouble.choose_text")),
            Self::Invalid(text) => (StatusCode::UNPROCESSABLE_ENTITY, v.t("trouble.invalid"), text.as_str()),
            Self::Wrong(why) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                v.t("trouble.invalid"),
                said.get_or_insert_with(|| v.why(why)).as_str(),
            ),
            Self::Failed(cause) => {
                tracing::error!(request_id = v.request_id, "a page could not be made: {cause}");
                (StatusCode::SERVICE_UNAVAILABLE, v.t("trouble.failed"), v.t("trouble.failed_text"))
            }
        };
        let back = format!("/login?next={}", percent::encode(&v.came_from));
        let link = match &self {
            Self::LogIn => Some((back.as_str(), v.t("access.log_in"))),
            Self::Forbidden | Self::NotFound if v.is_in() => Some(("/overview", v.t("nav.overview"))),
            _ => None,
        };
        let typed = match &self {
            Self::LogIn | Self::Forbidden | Self::NotFound | Self::Failed(_) => written(v),
            _ => Vec::new(),
        };
        let mut response = v.page_with(&NotePage { v, title, text, link, typed }, status);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

impl PageError {
    /// What a slice cannot take, in the visitor's words, for its place beside the form.
    ///
    /// # Errors
    /// Everything else is a page of its own.
    pub fn user_message(self, v: &PageContext) -> Result<String, Self> {
        match self {
            Self::Wrong(why) => Ok(v.why(&why)),
            other => Err(other),
        }
    }
}

/// A page that says one thing.
pub fn note(v: &PageContext, status: StatusCode, title: &str, text: &str) -> Response {
    v.page_with(&NotePage { v, title, text, link: None, typed: Vec::new() }, status)
}

/// What somebody wrote in a form.
fn written(v: &PageContext) -> Vec<&str> {
    WRITTEN.iter().flat_map(|name| v.form.all(name)).filter(|text| !text.trim().is_empty()).collect()
}

/// The way on after a form was taken: the browser asks for `path`, and asking again does nothing twice.
pub fn see_other(path: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(value) = HeaderValue::from_str(path) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

impl From<StoreError> for PageError {
    fn from(e: StoreError) -> Self {
        Self::Failed(e.to_string())
    }
}

impl From<AccountError> for PageError {
    fn from(e: AccountError) -> Self {
        match e {
            AccountError::NotFound(_) => Self::NotFound,
            AccountError::Invalid(why) => Self::Wrong(why),
            AccountError::Store(e) => e.into(),
        }
    }
}

impl From<LoginError> for PageError {
    fn from(e: LoginError) -> Self {
        match e {
            LoginError::Store(e) => e.into(),
            LoginError::Password(e) => Self::Wrong(e.why()),
            LoginError::Wrong => Self::Wrong(why!("login_wrong", "the email or the password is wrong")),
            LoginError::Wait(wait) => Self::Wrong(why!(
                "login_often",
                "too many wrong guesses: try again in {seconds} s",
                seconds = wait.as_secs()
            )),
        }
    }
}

impl From<InstanceError> for PageError {
    fn from(e: InstanceError) -> Self {
        match e {
            InstanceError::NotFound(_) => Self::NotFound,
            InstanceError::Store(e) => e.into(),
            InstanceError::Invalid(why) => Self::Wrong(why),
            InstanceError::NotAvailable(id) => {
                Self::Wrong(why!("instance_taken", "the instance id {id} is not available: choose another", id = id))
            }
        }
    }
}

impl From<WebhookError> for PageError {
    fn from(e: WebhookError) -> Self {
        match e {
            WebhookError::NotFound(_) => Self::NotFound,
            WebhookError::Store(e) => e.into(),
            WebhookError::Invalid(why) => Self::Wrong(why),
        }
    }
}

impl From<ThreecxError> for PageError {
    fn from(e: ThreecxError) -> Self {
        match e {
            ThreecxError::NotFound(_) => Self::NotFound,
            ThreecxError::Store(e) => e.into(),
            ThreecxError::Invalid(why) | ThreecxError::NotAllowed(why) => Self::Wrong(why),
        }
    }
}

impl From<TuningError> for PageError {
    fn from(e: TuningError) -> Self {
        match e {
            TuningError::NotFound => Self::NotFound,
            TuningError::Store(e) => e.into(),
            TuningError::Invalid(why) => Self::Wrong(why),
        }
    }
}

impl From<ReachError> for PageError {
    fn from(e: ReachError) -> Self {
        match e {
            ReachError::NotFound => Self::NotFound,
            ReachError::Store(e) => e.into(),
            ReachError::Invalid(why) => Self::Wrong(why),
        }
    }
}

impl From<RetentionError> for PageError {
    fn from(e: RetentionError) -> Self {
        let text = e.to_string();
        match e {
            RetentionError::Store(e) => e.into(),
            RetentionError::Unknown => Self::Wrong(why!("person_unknown", "{text}", text = text)),
            RetentionError::OnTheirWay(n) => Self::Wrong(Why::new("person_busy", vec![("n", n.to_string())], text)),
            RetentionError::Sandbox(_) => Self::Wrong(why!("person_sandbox", "{text}", text = text)),
        }
    }
}

impl From<ScheduleError> for PageError {
    fn from(e: ScheduleError) -> Self {
        let text = e.to_string();
        match e {
            ScheduleError::NotFound(_) => Self::NotFound,
            ScheduleError::Store(e) => e.into(),
            ScheduleError::NotPending(..) => Self::Wrong(why!("not_pending", "{text}", text = text)),
            ScheduleError::Past => Self::Wrong(why!("time_past", "{text}", text = text)),
            ScheduleError::TooMany => {
                Self::Wrong(Why::new("schedule_full", vec![("most", MOST_WAITING.to_string())], text))
            }
            ScheduleError::Malformed(wrong) => {
                Self::Wrong(Why::new("malformed", vec![("fields", wrong.fields.join(", "))], text))
            }
            ScheduleError::NotKnown => Self::Wrong(why!("not_known", "{text}", text = text)),
        }
    }
}

impl From<SettleError> for PageError {
    fn from(e: SettleError) -> Self {
        match e {
            SettleError::NotFound(_) => Self::NotFound,
            SettleError::Store(e) => e.into(),
            SettleError::Invalid(why) => Self::Wrong(why),
            e @ SettleError::NotUnknown(..) => Self::Wrong(why!("settled_already", "{e}", e = e)),
        }
    }
}
