//! `POST /instances/{id}/send`: a real send through the guard, of a text or of a template.

use super::manage::{own, page};
use crate::{
    gateway::Gateway,
    instances::Instance,
    model::{code::Code, phone::Region},
    portal::{PageContext, PageError, page_error::see_other, template_form},
    sending::{
        Request, Source,
        request::{self, Draft, MAX_CHARS, Sender},
    },
};
use ::http::StatusCode;
use serde_json::json;
use sha2::{Digest, Sha256};
use warp::reply::Response;

/// The message's timeline is the answer; `do=preview` shows a template as it was filled in, and sends nothing.
///
/// # Errors
/// No such instance, or another account's.
pub async fn send(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let instance = own(gateway, v).await?;
    let mut request = match read(gateway, v, &instance).await? {
        Ok(request) => request,
        Err(problem) => {
            let page = page(gateway, v, "send", problem).await?;
            return Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY));
        }
    };
    if v.form.text("do") == "preview" {
        return Ok(v.page(&page(gateway, v, "send", String::new()).await?));
    }
    let sender = Sender {
        account: instance.account_id,
        key: None,
        source: Source::Portal,
        module: None,
        request_id: Some(v.request_id.clone()),
    };
    request.idempotency_key = v.form.some("form").map(|form| form_key(form, &request));
    let answer = gateway.sending.submit(sender, request).await?;
    if answer.refusal.is_some_and(|refusal| refusal.code == Code::IdempotencyInProgress) {
        return Ok(see_other(&format!("/message-logs?instance={}", instance.id)));
    }
    Ok(see_other(&format!("/message-logs/{}", answer.log_id)))
}

/// What the form asks for, read like a request of the guarded API; else what is wrong with it, in plain words.
async fn read(gateway: &Gateway, v: &PageContext, instance: &Instance) -> Result<Result<Request, String>, PageError> {
    let account = gateway.accounts.find_account(instance.account_id).await?;
    let region = account.region.and_then(|r| Region::parse(&r).ok());
    let mut body = json!({
        "instance_id": instance.id, "phone": v.form.text("phone"), "message_purpose": v.form.text("purpose"),
    });
    let (mut said, is_template) = (Vec::new(), v.form.some("template").is_some());
    match template_form::draft(gateway, v, instance).await? {
        None => body["message"] = json!(v.form.raw("message")),
        Some(Ok(Draft::Template { name, language, variables, file_name })) => {
            body["template"] = json!({"name": name, "language": language, "variables": variables});
            body["file_name"] = json!(file_name);
        }
        Some(Ok(_)) => {}
        Some(Err(problem)) => said.push(problem),
    }
    let how = gateway.sending.rules().reading(region);
    let read = request::parse(&body.as_object().cloned().unwrap_or_default(), how, None);
    let wrong = match read {
        Ok(request) => return Ok(if said.is_empty() { Ok(request) } else { Err(said.join("\n")) }),
        Err(wrong) => wrong,
    };
    said.extend(wrong.fields.iter().filter_map(|field| match (*field, &wrong.phone) {
        ("message", _) if is_template => None,
        ("message", _) => Some(v.fill("chat.too_long", "n", v.number(MAX_CHARS))),
        ("phone", Some(phone)) => Some(v.why(&phone.why())),
        (field, _) => Some(v.fill("manage.wrong_field", "field", field)),
    }));
    Ok(Err(said.join("\n")))
}

/// What keeps a form that was sent twice, by a double click or by loading its answer again, from sending twice: the form's
/// own name and what it asks for. Sent again with other words, it is another message.
fn form_key(form: &str, request: &Request) -> String {
    let digest = Sha256::new().chain_update(form).chain_update([0]).chain_update(request.hash()).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
