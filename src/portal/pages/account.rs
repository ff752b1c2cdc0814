//! `/account`: what this account may and uses, its zone and language; asking for more; one person's data, shown or erased.

use crate::{
    accounts::{
        self, Account, LimitRequest, Scope, Update, WantedLimits,
        usage::{self, UsedMessages},
    },
    gateway::{Gateway, retention::ErasureReport},
    model::phone::{Impossible, PhoneReading, Recipient, Region},
    portal::{PageContext, PageError, page_error::see_other},
    store::{FORMER_KEPT_DAYS, StoreError},
    texts::locale::Lang,
    web::cookie,
};
use ::http::{HeaderValue, StatusCode, header};
use askama::Template;
use warp::{Reply, reply::Response};

#[derive(Template)]
#[template(path = "account.html", config = "assets/askama.toml")]
struct AccountPage<'a> {
    v: &'a PageContext,
    a: Account,
    used: UsedMessages,
    requests: Vec<LimitRequest>,
    erased: Option<ErasureReport>,
    said: FormProblem,
}

/// What is wrong with one of the page's forms, and which.
#[derive(Default)]
struct FormProblem {
    settings: String,
    limits: String,
    person: String,
}

/// `GET /account`.
///
/// # Errors
/// No account is chosen.
pub async fn show(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&page(gateway, v, FormProblem::default()).await?))
}

/// `POST /account`: zone, default country, language.
///
/// # Errors
/// No account is chosen.
pub async fn save(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let account = account(v)?;
    let Ok(region) = v.form.some("region").map(Region::parse).transpose() else {
        let settings = v.t("accounts.region_bad").to_owned();
        return again(gateway, v, FormProblem { settings, ..FormProblem::default() }).await;
    };
    let stands = account.next_timezone.as_ref().unwrap_or(&account.timezone);
    let timezone = v.form.some("timezone").filter(|zone| zone != stands).map(str::to_owned);
    let update = Update { region: Some(region), timezone, ..Update::default() };
    match gateway.accounts.update_account(account.id, update, v.actor()).await {
        Ok(_) => {}
        Err(e) => {
            let settings = PageError::from(e).user_message(v)?;
            return again(gateway, v, FormProblem { settings, ..FormProblem::default() }).await;
        }
    }
    let mut response = see_other("/account?done=saved");
    if let Some(lang) = Lang::parse(v.form.text("language")) {
        gateway.accounts.set_language(v.session()?.user, lang.as_str()).await?;
        cookie::set(&mut response, cookie::LANGUAGE, lang.as_str());
    }
    Ok(response)
}

/// `POST /account/limits`: asks for a reviewed higher limit.
///
/// # Errors
/// No account is chosen.
pub async fn ask(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let number = |name: &str| -> Result<Option<u64>, String> {
        let typed = v.form.some(name).map(|text| text.replace([',', ' '], ""));
        typed.map(|text| text.parse().map_err(|_| v.t("admin.number_bad").to_owned())).transpose()
    };
    let (daily, monthly) = match (number("daily"), number("monthly")) {
        (Ok(daily), Ok(monthly)) => (daily, monthly),
        (Err(limits), _) | (_, Err(limits)) => {
            return again(gateway, v, FormProblem { limits, ..FormProblem::default() }).await;
        }
    };
    let wanted = WantedLimits { daily, monthly, reason: v.form.text("reason").to_owned() };
    match gateway.accounts.ask_for_limit(v.account()?, wanted, v.actor()).await {
        Ok(_) => Ok(see_other("/account?done=limit_asked#limits")),
        Err(e) => {
            let limits = PageError::from(e).user_message(v)?;
            again(gateway, v, FormProblem { limits, ..FormProblem::default() }).await
        }
    }
}

/// `POST /account/person`: `do=export`, a file with everything about one person; `do=erase`, with the number typed again.
/// Both see this account alone.
///
/// # Errors
/// No account is chosen.
pub async fn person(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let account = account(v)?;
    let region = account.region.as_deref().and_then(|region| Region::parse(region).ok());
    // Who is looked for may have been taken when such a number still was.
    let how = PhoneReading { region, impossible: Impossible::Warn };
    let wrong = |person: String| FormProblem { person, ..FormProblem::default() };
    let who = match Recipient::parse(v.form.text("phone"), how) {
        Ok(who) => who,
        Err(e) => return again(gateway, v, wrong(v.why(&e.why()))).await,
    };
    let done = match v.form.text("do") {
        "export" => gateway.retention.export(&who, Scope::Account(account.id)).await.map(|all| file(&all)),
        "erase" if Recipient::parse(v.form.text("again"), how).ok().as_ref() == Some(&who) => {
            match gateway.erase_person(&who, Scope::Account(account.id), v.actor()).await {
                Ok(report) => {
                    let page = AccountPage { erased: Some(report), ..page(gateway, v, FormProblem::default()).await? };
                    Ok(v.page(&page))
                }
                Err(e) => Err(e),
            }
        }
        "erase" => return again(gateway, v, wrong(v.t("account.erase_type").to_owned())).await,
        _ => return Err(PageError::NotFound),
    };
    match done {
        Ok(response) => Ok(response),
        Err(e) => again(gateway, v, wrong(PageError::from(e).user_message(v)?)).await,
    }
}

fn file(all: &serde_json::Value) -> Response {
    let mut response = warp::reply::json(all).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"person.json\""));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn again(gateway: &Gateway, v: &PageContext, said: FormProblem) -> Result<Response, PageError> {
    Ok(v.page_with(&page(gateway, v, said).await?, StatusCode::UNPROCESSABLE_ENTITY))
}

/// The account that the page is about.
fn account(v: &PageContext) -> Result<&Account, PageError> {
    v.account()?;
    v.account_facts().ok_or(PageError::NotFound)
}

async fn page<'a>(gateway: &Gateway, v: &'a PageContext, said: FormProblem) -> Result<AccountPage<'a>, PageError> {
    let a = account(v)?.clone();
    let (id, asked) = (a.id, [(a.id, a.zone().period(v.now))]);
    let read = gateway.store.read(move |tx| {
        Ok::<_, StoreError>((usage::of(tx, &asked)?, accounts::list_requests(tx, Scope::Account(id))?))
    });
    let (used, requests) = read.await?;
    Ok(AccountPage { v, used: used.into_iter().next().unwrap_or_default(), requests, erased: None, a, said })
}

impl AccountPage<'_> {
    /// A field of the settings: as typed, else as it is.
    fn setting(&self, name: &str) -> String {
        let a = &self.a;
        match name {
            name if !self.said.settings.is_empty() => self.v.form.text(name).to_owned(),
            "timezone" => a.next_timezone.clone().unwrap_or_else(|| a.timezone.clone()),
            _ => a.region.clone().unwrap_or_default(),
        }
    }

    fn about_zone(&self) -> String {
        match &self.a.next_timezone {
            Some(next) => self.v.fill_all("accounts.zone_waits", &[("now", &self.a.timezone), ("next", next)]),
            None => self.v.t("accounts.zone_text").to_owned(),
        }
    }

    fn told(&self, done: &ErasureReport) -> String {
        let figures: [(&str, &dyn std::fmt::Display); 3] =
            [("messages", &done.messages), ("files", &done.files), ("events", &done.events)];
        let mut told = self.v.fill_all("account.erased", &figures);
        if done.copies > 0 {
            let figures: [(&str, &dyn std::fmt::Display); 2] = [("copies", &done.copies), ("days", &FORMER_KEPT_DAYS)];
            told = format!("{told} {}", self.v.fill_all("account.erased_copies", &figures));
        }
        told
    }

    /// Whether a request waits, so that another would be turned away.
    fn waits(&self) -> bool {
        self.requests.iter().any(|r| r.decision.is_none())
    }
}
