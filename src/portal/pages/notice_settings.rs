//! `/admin/notices`: who is told of what needs a hand, how the last letters went, and a test that really sends.

use crate::{
    accounts::{self, AccountOwner},
    events::notice_delivery::{self, AttemptOutcome, Digest},
    gateway::Gateway,
    portal::{PageContext, PageError},
    store::StoreError,
};
use askama::Template;
use warp::reply::Response;

#[derive(Template)]
#[template(path = "notice_settings.html", config = "assets/askama.toml")]
struct NoticeSettingsPage<'a> {
    v: &'a PageContext,
    mail: Option<Mail>,
    hook: Option<String>,
    owners: Vec<AccountOwner>,
    every_minutes: u64,
    after_minutes: u64,
    letters: Vec<Digest>,
    outcomes: Option<Vec<AttemptOutcome>>,
}

/// The mail settings, with nothing in them that is secret.
struct Mail {
    place: String,
    tls: &'static str,
    user: String,
    from: String,
    to: Vec<String>,
}

/// `GET /admin/notices`.
pub async fn show(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&page(gateway, v, None).await?))
}

/// `POST /admin/notices/test`: sends to everybody who is named in the configuration, and shows what came of it.
pub async fn test(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let outcomes = gateway.digests.test().await;
    Ok(v.page(&page(gateway, v, Some(outcomes)).await?))
}

async fn page<'a>(
    gateway: &Gateway,
    v: &'a PageContext,
    outcomes: Option<Vec<AttemptOutcome>>,
) -> Result<NoticeSettingsPage<'a>, PageError> {
    let settings = gateway.digests.settings();
    let mail = settings.smtp_host.as_ref().map(|host| Mail {
        place: format!("{host}:{}", settings.smtp_port),
        tls: settings.smtp_tls.as_str(),
        user: settings.smtp_user.clone(),
        from: settings.from.clone(),
        to: settings.to.clone(),
    });
    let with_owners = mail.is_some() && settings.to_owners;
    let read = gateway.store.read(move |tx| {
        let owners = if with_owners { accounts::list_owners(tx)? } else { Vec::new() };
        Ok::<_, StoreError>((owners, notice_delivery::list(tx)?))
    });
    let (owners, letters) = read.await?;
    Ok(NoticeSettingsPage {
        v,
        mail,
        // What stands behind the host of such an address is often as good as a password.
        hook: settings.webhook_url.as_deref().map(masked),
        owners,
        every_minutes: settings.digest_every.as_secs().div_ceil(60),
        after_minutes: settings.disconnected_after.as_secs().div_ceil(60),
        letters,
        outcomes,
    })
}

/// An address without what may be secret in it.
fn masked(recipient: &str) -> String {
    match recipient.parse::<::http::Uri>() {
        Ok(uri) if uri.scheme().is_some() => {
            let host = uri.authority().map(|a| a.as_str().rsplit('@').next().unwrap_or_default().to_owned());
            let more = if uri.path().len() > 1 || uri.query().is_some() { "/…" } else { "" };
            format!("{}://{}{more}", uri.scheme_str().unwrap_or_default(), host.unwrap_or_default())
        }
        _ => recipient.to_owned(),
    }
}
