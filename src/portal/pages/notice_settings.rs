//! `/admin/notices`: who is told of what needs a hand, how the last letters went, a mail server where the configuration
//! names none, and a test that really sends.

use crate::{
    accounts::{self, AccountOwner},
    events::notice_delivery::{self, AttemptOutcome, Digest},
    gateway::Gateway,
    ops::page_settings::{self, MailServer, SettingsPart, SmtpTls},
    portal::{PageContext, PageError, admin::note, page_error::see_other},
    store::StoreError,
};
use ::http::StatusCode;
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
    /// Whether the page may name a mail server: the configuration names none.
    may_set: bool,
    /// What the form shows: what was set up here, or the usual.
    form: MailServer,
    /// Whether something was set up here, and whether it has a password.
    is_set: bool,
    has_password: bool,
    problem: String,
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
    Ok(v.page(&page(gateway, v).await?))
}

/// `POST /admin/notices/test`: sends to everybody who is named, and shows what came of it.
pub async fn test(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let outcomes = Some(gateway.digests.test().await);
    Ok(v.page(&NoticeSettingsPage { outcomes, ..page(gateway, v).await? }))
}

/// `POST /admin/notices`: the mail server, in force at once; `do=remove` takes it away. An empty password leaves the one
/// that is there as long as there is a user.
pub async fn save(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let configured = gateway.digests.configured().clone();
    if configured.smtp_host.is_some() {
        return again(gateway, v, v.t("notices.in_file").to_owned()).await;
    }
    let (now, actor) = (v.now, v.actor().to_owned());
    if v.form.text("do") == "remove" {
        let removed = gateway.store.write(move |tx| {
            page_settings::remove(tx, SettingsPart::Mail)?;
            note(tx, &actor, ("notices.mail", "mail"), (None, "none"), now)
        });
        removed.await?;
        gateway.digests.choose(configured, None);
        return Ok(see_other("/admin/notices?done=saved"));
    }
    let server = match typed(v) {
        Ok(server) => server,
        Err(problem) => return again(gateway, v, problem).await,
    };
    let stored = gateway.store.read(|tx| page_settings::find::<MailServer>(tx, SettingsPart::Mail)).await?;
    let stored = stored.and_then(|(_, sealed)| sealed).filter(|_| !server.user.is_empty());
    let secrets = &gateway.page_secrets;
    let (password, sealed) = match v.form.raw("password") {
        "" => (secrets.unseal(SettingsPart::Mail, stored.as_deref()), stored),
        typed => (Some(typed.to_owned()), Some(secrets.seal(SettingsPart::Mail, typed))),
    };
    if let Err(why) = server.judge(password.is_some()) {
        return again(gateway, v, v.why(&why)).await;
    }
    let told = format!("{}:{} {}", server.host, server.port, server.tls);
    let kept = server.clone();
    let written = gateway.store.write(move |tx| {
        page_settings::keep(tx, SettingsPart::Mail, &kept, sealed.as_deref(), now)?;
        note(tx, &actor, ("notices.mail", "mail"), (None, &told), now)
    });
    written.await?;
    gateway.digests.choose(server.over(&configured), password);
    Ok(see_other("/admin/notices?done=saved"))
}

/// What the form says; else what cannot be read of it.
fn typed(v: &PageContext) -> Result<MailServer, String> {
    let list = v.form.raw("to").split([',', ';', '\n']).map(str::trim).filter(|address| !address.is_empty());
    Ok(MailServer {
        host: v.form.text("host").to_ascii_lowercase(),
        port: v.form.parsed("port").filter(|port| *port > 0).ok_or_else(|| v.t("notices.port_bad").to_owned())?,
        tls: SmtpTls::parse(v.form.text("tls")).unwrap_or(SmtpTls::StartTls),
        user: v.form.text("user").to_owned(),
        from: v.form.text("from").to_owned(),
        to: list.map(str::to_owned).collect(),
        to_owners: v.form.is_on("to_owners"),
    })
}

async fn again(gateway: &Gateway, v: &PageContext, problem: String) -> Result<Response, PageError> {
    let page = NoticeSettingsPage { problem, ..page(gateway, v).await? };
    Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY))
}

async fn page<'a>(gateway: &Gateway, v: &'a PageContext) -> Result<NoticeSettingsPage<'a>, PageError> {
    let in_force = gateway.digests.in_force();
    let settings = &in_force.settings;
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
        let stored = page_settings::find::<MailServer>(tx, SettingsPart::Mail)?;
        Ok::<_, StoreError>((owners, notice_delivery::list(tx)?, stored))
    });
    let (owners, letters, stored) = read.await?;
    let has_password = stored.as_ref().is_some_and(|(_, sealed)| sealed.is_some());
    Ok(NoticeSettingsPage {
        v,
        mail,
        // What stands behind the host of such an address is often as good as a password.
        hook: settings.webhook_url.as_deref().map(masked),
        owners,
        every_minutes: settings.digest_every.as_secs().div_ceil(60),
        after_minutes: settings.disconnected_after.as_secs().div_ceil(60),
        letters,
        outcomes: None,
        may_set: gateway.digests.configured().smtp_host.is_none(),
        is_set: stored.is_some(),
        has_password,
        form: stored.map_or_else(usual, |(server, _)| server),
        problem: String::new(),
    })
}

/// An empty form.
const fn usual() -> MailServer {
    MailServer {
        host: String::new(),
        port: 587,
        tls: SmtpTls::StartTls,
        user: String::new(),
        from: String::new(),
        to: Vec::new(),
        to_owners: true,
    }
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
