//! One letter to one person over SMTP.
//!
//! The mail server's name is resolved as everything else here is (a static program has no other way), and TLS holds it
//! to that name. Nothing is pooled: letters are rare.

use super::{DeliveryFailure, Letter, MailInForce, Parts, Settings, first_line, row::Due, wording};
use crate::config::SmtpTls;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
        extension::ClientId,
    },
};
use std::{
    error::Error,
    net::IpAddr,
    time::{Duration, UNIX_EPOCH},
};

/// How long the server may keep silent.
const SILENT_FOR: Duration = Duration::from_secs(20);

pub(super) async fn send(parts: &Parts, told: &MailInForce, due: &Due) -> Result<(), DeliveryFailure> {
    let link = format!("{}/notices", parts.public_url);
    let letter = wording::letter(&due.language, &due.told, &link, parts.clock.now());
    let message = written(parts, &told.settings.from, (due, letter))?;
    let transport = transport(parts, told).await?;
    match transport.send(message).await {
        Ok(_) => Ok(()),
        // The server answered: it is this letter, or this recipient.
        Err(e) if e.is_permanent() || e.is_transient() => Err(DeliveryFailure::of_letter(whole(&e))),
        Err(e) => Err(DeliveryFailure::of_channel(whole(&e))),
    }
}

/// An error with its causes.
fn whole(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}

/// The same bytes at each attempt but for the words: the id tells a mail program that it has this letter already.
fn written(parts: &Parts, from: &str, (due, letter): (&Due, Letter)) -> Result<Message, DeliveryFailure> {
    let mailbox = |address: &str| -> Result<Mailbox, DeliveryFailure> {
        address.parse().map_err(|e| DeliveryFailure::of_letter(format!("{address:?} is no e-mail address: {e}")))
    };
    let from = mailbox(from)?;
    let id = format!("<notices-{}-{}@{}>", due.id, due.created_at.millis(), from.email.domain());
    let millis = u64::try_from(parts.clock.now().millis()).unwrap_or(0);
    let mut message = Message::builder()
        .from(from)
        .to(mailbox(&due.recipient)?)
        .subject(letter.subject)
        .date(UNIX_EPOCH + Duration::from_millis(millis))
        .message_id(Some(id))
        .header(ContentType::TEXT_PLAIN)
        .body(letter.body)
        .map_err(|e| DeliveryFailure::of_letter(e.to_string()))?;
    // So that no holiday notice comes back.
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    message.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
    Ok(message)
}

async fn transport(parts: &Parts, told: &MailInForce) -> Result<AsyncSmtpTransport<Tokio1Executor>, DeliveryFailure> {
    let settings = &told.settings;
    let host = settings.smtp_host.as_deref().ok_or_else(|| DeliveryFailure::of_channel("there is no mail server"))?;
    let tls = match settings.smtp_tls {
        SmtpTls::Off => Tls::None,
        SmtpTls::StartTls => Tls::Required(trust(settings, host)?),
        SmtpTls::Tls => Tls::Wrapper(trust(settings, host)?),
    };
    let name = parts.public_url.split("://").nth(1).unwrap_or_default();
    let name = name.split(['/', ':']).next().filter(|n| n.contains('.')).unwrap_or("localhost");
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address(parts, host).await?.to_string())
        .port(settings.smtp_port)
        .tls(tls)
        .hello_name(ClientId::Domain(name.to_owned()))
        .timeout(Some(SILENT_FOR));
    let password = match &settings.smtp_password_file {
        Some(file) => Some(first_line(file)?),
        None => told.password.clone(),
    };
    if let Some(password) = password {
        builder = builder.credentials(Credentials::new(settings.smtp_user.clone(), password));
    }
    Ok(builder.build())
}

async fn address(parts: &Parts, host: &str) -> Result<IpAddr, DeliveryFailure> {
    if let Ok(ip) = host.parse() {
        return Ok(ip);
    }
    // What has no TLS stays on this machine, whatever the hosts file says.
    if host == "localhost" {
        return Ok(IpAddr::from([127, 0, 0, 1]));
    }
    let mut found =
        parts.resolver.resolve(host).await.map_err(|e| DeliveryFailure::of_channel(format!("{host}: {e}")))?;
    found.sort_by_key(IpAddr::is_ipv6);
    found.first().copied().ok_or_else(|| DeliveryFailure::of_channel(format!("{host} has no address")))
}

fn trust(settings: &Settings, host: &str) -> Result<TlsParameters, DeliveryFailure> {
    let mut builder = TlsParameters::builder(host.to_owned()).certificate_store(CertificateStore::WebpkiRoots);
    if let Some(file) = &settings.smtp_root {
        let bad = |e: String| DeliveryFailure::of_channel(format!("notices.smtp_root: {}: {e}", file.display()));
        let pem = std::fs::read(file).map_err(|e| bad(e.to_string()))?;
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|e| bad(e.to_string()))?);
    }
    builder.build_rustls().map_err(|e| DeliveryFailure::of_channel(e.to_string()))
}
