//! The set-up at Meta, point by point: what its API tells of the token, the number, and who is told what
//! (Graph API: `debug_token`, the fields of a phone number, `subscribed_apps`). [`judge`] is pure.

use super::{
    CloudInner,
    client::{GraphClient, GraphFailure},
};
use crate::{
    connectors::{
        ActionError,
        meta_error::GraphError,
        provider_text::repeated,
        setup_check::{SetupFinding, SetupPoint},
    },
    model::clock::Time,
};
use serde_json::Value;
use std::time::Duration;

/// A token that ends sooner than this is said.
const ENDS_SOON: Duration = Duration::from_secs(14 * 24 * 3600);
/// What the token must be allowed.
const SCOPES: [&str; 2] = ["whatsapp_business_messaging", "whatsapp_business_management"];

/// What Meta told, question by question.
struct MetaAnswers {
    token: Result<Value, GraphFailure>,
    number: Result<Value, GraphFailure>,
    /// None: it is not known which business account it is.
    apps: Option<Result<Value, GraphFailure>>,
}

/// What this gateway itself has.
struct GatewaySide<'a> {
    /// Where providers reach it: `https://…/hooks/cloud-api/`, without the instance.
    hooks: &'a str,
    has_app_secret: bool,
    has_verify_token: bool,
    now: Time,
}

impl CloudInner {
    /// Every point of the set-up, asked of Meta now.
    pub(super) async fn check_setup(&self) -> Vec<SetupFinding> {
        let client: &GraphClient = &self.client;
        let (token, number, apps) =
            tokio::join!(client.token(&self.settings.access_token), client.number_in_full(), client.subscribed_apps());
        let ours = GatewaySide {
            hooks: &self.hooks,
            has_app_secret: self.settings.app_secret.is_some(),
            has_verify_token: self.settings.verify_token.is_some(),
            now: self.clock.now(),
        };
        judge(&MetaAnswers { token, number, apps }, &ours)
    }

    /// Has Meta bring what happens in the business account to the token's app.
    pub(super) async fn subscribe(&self) -> Result<(), ActionError> {
        match self.client.subscribe().await {
            None => Err(ActionError("set waba_id first, the id of the WhatsApp business account".into())),
            Some(Ok(answer)) if answer["success"] == true => Ok(()),
            Some(Ok(_)) => Err(ActionError("Meta's answer does not say that it is done".into())),
            Some(Err(trouble)) => Err(ActionError(trouble.text())),
        }
    }
}

fn judge(told: &MetaAnswers, ours: &GatewaySide<'_>) -> Vec<SetupFinding> {
    let mut all = token(told, ours.now);
    all.extend(number(&told.number));
    all.push(subscribed(told));
    all.push(callback(told, ours.hooks));
    all.push(secrets(ours));
    all
}

fn token(told: &MetaAnswers, now: Time) -> Vec<SetupFinding> {
    let data = match &told.token {
        Ok(answer) => &answer["data"],
        Err(trouble) => {
            // Whether it is good is said by the other answers, too.
            let is_good = told.number.is_ok();
            let point = SetupPoint::Token;
            let finding = match (is_good, error_of(trouble)) {
                (true, _) => SetupFinding::unseen(point, "Meta takes it, and does not say until when"),
                (false, Some(error)) => SetupFinding::bad(point, error.text()),
                (false, None) => SetupFinding::unseen(point, trouble.text()),
            };
            return vec![finding, SetupFinding::unseen(SetupPoint::Scopes, "")];
        }
    };
    vec![life(data, now), scopes(data)]
}

fn life(data: &Value, now: Time) -> SetupFinding {
    let point = SetupPoint::Token;
    if data["is_valid"] != true {
        let why = data["error"]["message"].as_str().map(repeated).unwrap_or_default();
        return SetupFinding::bad(point, why);
    }
    // 0: it never ends. Access to data ends apart from the token.
    let ends = [&data["expires_at"], &data["data_access_expires_at"]];
    let ends = ends.into_iter().filter_map(Value::as_i64).filter(|at| *at > 0).min();
    match ends.map(|seconds| Time::from_millis(seconds.saturating_mul(1000))) {
        None => SetupFinding::good(point, "it does not end"),
        Some(at) if at <= now.plus(ENDS_SOON) => SetupFinding::bad(point, format!("it ends at {at}")),
        Some(at) => SetupFinding::good(point, format!("it ends at {at}")),
    }
}

fn scopes(data: &Value) -> SetupFinding {
    let has = |scope: &str| data["scopes"].as_array().is_some_and(|all| all.iter().any(|one| one == scope));
    let missing: Vec<&str> = SCOPES.into_iter().filter(|scope| !has(scope)).collect();
    if !data["scopes"].is_array() {
        return SetupFinding::unseen(SetupPoint::Scopes, "");
    }
    if missing.is_empty() {
        return SetupFinding::good(SetupPoint::Scopes, "");
    }
    SetupFinding::bad(SetupPoint::Scopes, format!("{} is missing", missing.join(", ")))
}

/// The number itself: there, registered, named, and free to send.
fn number(answer: &Result<Value, GraphFailure>) -> Vec<SetupFinding> {
    let rest = [SetupPoint::Registered, SetupPoint::Name, SetupPoint::Sending];
    let fields = match answer {
        Ok(fields) => fields,
        Err(trouble) => {
            let first = match error_of(trouble) {
                Some(error) => SetupFinding::bad(SetupPoint::Number, error.text()),
                None => SetupFinding::unseen(SetupPoint::Number, trouble.text()),
            };
            return std::iter::once(first).chain(rest.map(|point| SetupFinding::unseen(point, ""))).collect();
        }
    };
    let text = |name: &str| fields[name].as_str().unwrap_or_default();
    let limit = text("whatsapp_business_manager_messaging_limit");
    let told = [text("display_phone_number"), text("verified_name"), text("quality_rating"), limit];
    let told: Vec<String> = told.into_iter().filter(|word| !word.is_empty()).map(repeated_name).collect();
    vec![SetupFinding::good(SetupPoint::Number, told.join(", ")), registered(fields), name(fields), sending(fields)]
}

/// A number of the owner's own and a name are shown as they are, but short.
fn repeated_name(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

fn registered(fields: &Value) -> SetupFinding {
    let point = SetupPoint::Registered;
    let (platform, status) = (fields["platform_type"].as_str(), fields["status"].as_str());
    let detail = [platform, status].into_iter().flatten().map(repeated_name).collect::<Vec<_>>().join(", ");
    match (platform, status) {
        (None, None) => SetupFinding::unseen(point, ""),
        (None | Some("CLOUD_API"), None | Some("CONNECTED")) => SetupFinding::good(point, detail),
        _ => SetupFinding::bad(point, detail),
    }
}

fn name(fields: &Value) -> SetupFinding {
    let point = SetupPoint::Name;
    match fields["name_status"].as_str() {
        None => SetupFinding::unseen(point, ""),
        Some(status @ ("APPROVED" | "AVAILABLE_WITHOUT_REVIEW")) => SetupFinding::good(point, status),
        Some(status) => SetupFinding::bad(point, repeated_name(status)),
    }
}

/// Meta's own judgement of what a message from here would pass: number, account, business, app.
fn sending(fields: &Value) -> SetupFinding {
    let point = SetupPoint::Sending;
    let health = &fields["health_status"];
    let Some(overall) = health["can_send_message"].as_str() else { return SetupFinding::unseen(point, "") };
    let entities = health["entities"].as_array().map_or(&[][..], Vec::as_slice);
    let errors = entities.iter().filter_map(|entity| entity["errors"].as_array()).flatten();
    let mut told: Vec<String> = errors.filter_map(trouble_of).collect();
    told.dedup();
    if overall == "AVAILABLE" && told.is_empty() {
        return SetupFinding::good(point, "");
    }
    if told.is_empty() {
        told.push(repeated_name(overall));
    }
    SetupFinding::bad(point, told.join("; "))
}

fn trouble_of(error: &Value) -> Option<String> {
    let said = error["error_description"].as_str().or_else(|| error["error_code"].as_i64().map(|_| ""))?;
    let code = error["error_code"].as_i64().map_or_else(String::new, |code| format!(" ({code})"));
    let solution = error["possible_solution"].as_str().map_or_else(String::new, |text| format!(": {}", repeated(text)));
    Some(format!("{}{code}{solution}", repeated(said)))
}

fn subscribed(told: &MetaAnswers) -> SetupFinding {
    let point = SetupPoint::Subscribed;
    let answer = match &told.apps {
        None => return SetupFinding::unseen(point, "waba_id is not set"),
        Some(Err(trouble)) => return SetupFinding::unseen(point, trouble.text()),
        Some(Ok(answer)) => answer,
    };
    let apps = apps(answer);
    let own = told.token.as_ref().ok().and_then(|answer| id(&answer["data"]["app_id"]));
    let names: Vec<String> =
        apps.iter().filter_map(|app| app["whatsapp_business_api_data"]["name"].as_str()).map(repeated_name).collect();
    let is_in =
        |own: &String| apps.iter().any(|app| id(&app["whatsapp_business_api_data"]["id"]).as_ref() == Some(own));
    match &own {
        _ if apps.is_empty() => SetupFinding::bad(point, "no app hears of this account"),
        Some(own) if !is_in(own) => SetupFinding::bad(point, format!("other apps hear of it: {}", names.join(", "))),
        _ => SetupFinding::good(point, names.join(", ")),
    }
}

/// Where Meta brings what happens: an address of the number, of the account (also for this app alone), or the app's.
fn callback(told: &MetaAnswers, hooks: &str) -> SetupFinding {
    let point = SetupPoint::Callback;
    if !hooks.starts_with("https://") {
        return SetupFinding::bad(point, format!("this gateway's public_url is no https address: {hooks}"));
    }
    let configured = told.number.as_ref().ok().map(|fields| &fields["webhook_configuration"]);
    let overridden = told.apps.as_ref().and_then(|apps| apps.as_ref().ok()).map(apps).unwrap_or_default();
    let overridden = overridden.iter().find_map(|app| app["override_callback_uri"].as_str());
    let of = |name: &str| configured.and_then(|all| all[name].as_str());
    let found = of("phone_number").or(overridden).or(of("whatsapp_business_account")).or(of("application"));
    match found {
        Some(url) if url.starts_with(hooks) => SetupFinding::good(point, url),
        Some(url) => SetupFinding::bad(point, format!("it calls {}", place_of(url))),
        None if configured.is_some_and(Value::is_object) => SetupFinding::bad(point, "none is set"),
        None => SetupFinding::unseen(point, ""),
    }
}

/// An address without what may be secret in it.
fn place_of(url: &str) -> String {
    let shown = url.split(['?', '#']).next().unwrap_or_default();
    shown.chars().filter(|c| c.is_ascii_graphic()).take(200).collect()
}

fn secrets(ours: &GatewaySide<'_>) -> SetupFinding {
    let missing = [(ours.has_app_secret, "app_secret"), (ours.has_verify_token, "verify_token")];
    let missing: Vec<&str> = missing.into_iter().filter(|(is_set, _)| !is_set).map(|(_, name)| name).collect();
    if missing.is_empty() {
        return SetupFinding::good(SetupPoint::Secrets, "");
    }
    SetupFinding::bad(SetupPoint::Secrets, format!("{} is not set", missing.join(", ")))
}

fn apps(answer: &Value) -> &[Value] {
    answer["data"].as_array().map_or(&[][..], Vec::as_slice)
}

/// Ids come as texts and as numbers.
fn id(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned).or_else(|| value.as_u64().map(|number| number.to_string()))
}

fn error_of(trouble: &GraphFailure) -> Option<&GraphError> {
    match trouble {
        GraphFailure::Refused { error, .. } => error.as_ref(),
        GraphFailure::NoAnswer(_) => None,
    }
}

#[cfg(test)]
#[path = "setup_tests.rs"]
mod tests;
