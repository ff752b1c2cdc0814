//! Templates at Meta: the one of a message, and what Meta is asked of them: submitted, changed, deleted (its reference of
//! message templates). [`components`] is pure.

use super::{CloudInner, client::GraphFailure};
use crate::connectors::{
    ActionError, Content, Outgoing, SendError,
    template_draft::TemplateDraft,
    templates::{Category, Template, TemplateName},
};
use serde_json::{Value, json};

/// For how many minutes a one-time code is said to be good.
const CODE_MINUTES: u32 = 10;

impl CloudInner {
    /// What is known of the message's template. Advertising stays here, whatever was known when it was accepted.
    pub(super) async fn template_of(&self, out: &Outgoing) -> Result<Option<Template>, SendError> {
        let Content::Template { name, language, .. } = &out.content else { return Ok(None) };
        self.list_templates(Some((name, language))).await;
        let found = self.templates().find(name, language).cloned();
        match found {
            Some(template) if template.category == Category::Marketing => Err(SendError::permanent(
                "marketing_template",
                "Meta holds this template for marketing: it is not sent",
            )),
            Some(template) => match template.frame.obstacle() {
                Some(why) => Err(SendError::permanent("template", &format!("the template: {why}"))),
                None => Ok(Some(template)),
            },
            None => Ok(None),
        }
    }

    /// Submits a template, or new content for the one that Meta holds under its name and language.
    pub(super) async fn submit_template(&self, draft: &TemplateDraft) -> Result<String, ActionError> {
        let known = self.template_id(&draft.name).await?;
        let mut body = json!({"components": components(draft)});
        if known.is_none() {
            body["name"] = json!(draft.name.name);
            body["language"] = json!(draft.name.language);
            body["category"] = json!(draft.category.as_str().to_ascii_uppercase());
        }
        let answer = told(self.client.submit(known.as_deref(), &body).await)?;
        self.relist().await;
        let status = answer["status"].as_str().unwrap_or("PENDING");
        Ok(status.to_ascii_lowercase())
    }

    /// Deletes a template in one language.
    pub(super) async fn delete_template(&self, name: &TemplateName) -> Result<(), ActionError> {
        let Some(id) = self.template_id(name).await? else {
            return Err(ActionError(format!("Meta holds no template {} in {}", name.name, name.language)));
        };
        told(self.client.delete_template(&name.name, &id).await)?;
        self.relist().await;
        Ok(())
    }

    /// Meta's id of a template; none: it holds no such one.
    async fn template_id(&self, name: &TemplateName) -> Result<Option<String>, ActionError> {
        let answer = told(self.client.templates_named(&name.name).await)?;
        let all = answer["data"].as_array().map_or(&[][..], Vec::as_slice);
        let is_it = |one: &&Value| {
            let (Some(own), Some(language)) = (one["name"].as_str(), one["language"].as_str()) else { return false };
            TemplateName::parse(own, language).as_ref() == Some(name)
        };
        Ok(all.iter().find(is_it).and_then(|one| one["id"].as_str()).map(str::to_owned))
    }

    /// The list is read anew: it is not as it was.
    async fn relist(&self) {
        self.templates().make_old();
        self.list_templates(None).await;
    }
}

fn told(answer: Option<Result<Value, GraphFailure>>) -> Result<Value, ActionError> {
    match answer {
        None => Err(ActionError("set waba_id first, the id of the WhatsApp business account".into())),
        Some(Ok(answer)) => Ok(answer),
        Some(Err(trouble)) => Err(ActionError(trouble.text())),
    }
}

/// What a template is made of.
fn components(draft: &TemplateDraft) -> Vec<Value> {
    if draft.category == Category::Authentication {
        return vec![
            json!({"type": "BODY", "add_security_recommendation": true}),
            json!({"type": "FOOTER", "code_expiration_minutes": CODE_MINUTES}),
            json!({"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]}),
        ];
    }
    let mut all = Vec::new();
    all.extend(draft.header.as_ref().map(|text| json!({"type": "HEADER", "format": "TEXT", "text": text})));
    let mut body = json!({"type": "BODY", "text": draft.body});
    if !draft.examples.is_empty() {
        body["example"] = json!({"body_text": [draft.examples]});
    }
    all.push(body);
    all.extend(draft.footer.as_ref().map(|text| json!({"type": "FOOTER", "text": text})));
    if !draft.replies.is_empty() {
        let buttons: Vec<Value> =
            draft.replies.iter().map(|text| json!({"type": "QUICK_REPLY", "text": text})).collect();
        all.push(json!({"type": "BUTTONS", "buttons": buttons}));
    }
    all
}
