//! A telephone system that is tied to a world's instance: its integration, and its requests.

use super::{
    http::{self, Reply},
    world::{INSTANCE, World, update},
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use wa_gateway::app::commands::{ThreecxCreate, ThreecxSettings, ThreecxTemplate, ThreecxUpdate};
use wa_gateway::app::root::everybody;

/// The integration, as its administrator knows it.
#[derive(Clone)]
pub struct Pbx {
    pub id: String,
    pub secret: String,
    pub signing: String,
}

impl World {
    /// Puts the 3CX module on the account's list.
    pub async fn enable_threecx(&self) {
        let mut request = update(self.account);
        request.modules = Some(vec!["api_access".into(), "3cx".into()]);
        self.update_account(request).await;
    }

    /// The module and an integration with these settings.
    pub async fn pbx(&self, settings: ThreecxSettings) -> Pbx {
        self.enable_threecx().await;
        self.another_pbx(INSTANCE, settings).await
    }

    /// An integration of an instance.
    pub async fn another_pbx(&self, instance: &str, settings: ThreecxSettings) -> Pbx {
        let request = ThreecxCreate { account: self.account, instance: instance.into(), settings };
        let made = self.command(request).await.expect("an integration");
        let text = |name: &str| made[name].as_str().expect(name).to_owned();
        Pbx { id: text("id"), secret: text("secret"), signing: text("signing_secret") }
    }

    /// Changes its settings.
    pub async fn set_pbx(&self, pbx: &Pbx, settings: ThreecxSettings) -> Value {
        let request = ThreecxUpdate { id: pbx.id.clone(), settings, ..Default::default() };
        self.command(request).await.expect("an update")
    }

    /// Switches a template on.
    pub async fn template(&self, pbx: &Pbx, event: &str, text: Option<&str>) {
        let (id, event, text) = (pbx.id.clone(), event.into(), text.map(str::to_owned));
        let request = ThreecxTemplate { id, event, enable: true, text, ..Default::default() };
        self.command(request).await.expect("a template");
    }

    /// An event, as the documents have it.
    pub async fn event(&self, pbx: &Pbx, body: &Value) -> Reply {
        self.event_raw(pbx, &pbx.headers(), body.to_string().as_bytes()).await
    }

    /// The same with everything of the test's own.
    pub async fn event_raw(&self, pbx: &Pbx, headers: &[String], body: &[u8]) -> Reply {
        http::call(self.address(), "POST", &pbx.path(), headers, body).await
    }

    /// An agent writes in the 3CX client.
    pub async fn agent_writes(&self, pbx: &Pbx, to: &str, text: &str) -> Reply {
        let headers = [format!("Authorization: Bearer {}", pbx.secret), "Content-Type: application/json".to_owned()];
        let body = json!({"from": "+966112345678", "to": to, "text": text});
        http::call(self.address(), "POST", &pbx.sms_path(), &headers, body.to_string().as_bytes()).await
    }

    /// The newest line of the integration's request log.
    pub async fn last_request(&self, pbx: &Pbx) -> Value {
        let id = wa_gateway::dialects::threecx::IntegrationId::from_text(pbx.id.clone());
        let all = self.gateway().threecx.requests(&id, everybody()).await.expect("a log");
        json!(all.first().expect("a line"))
    }
}

impl Pbx {
    pub fn path(&self) -> String {
        format!("/integrations/3cx/webhook/{}", self.id)
    }

    pub fn sms_path(&self) -> String {
        format!("/integrations/3cx/sms/{}/messages", self.id)
    }

    /// Secret and content type.
    pub fn headers(&self) -> Vec<String> {
        vec![self.secret_header(), "Content-Type: application/json".to_owned()]
    }

    pub fn secret_header(&self) -> String {
        format!("X-WhatsApp-Gateway-3CX-Secret: {}", self.secret)
    }

    /// Secret, content type, timestamp and signature.
    pub fn signed(&self, timestamp: &str, body: &[u8]) -> Vec<String> {
        let mut headers = self.headers();
        headers.push(format!("X-WhatsApp-Gateway-Timestamp: {timestamp}"));
        headers.push(format!("X-WhatsApp-Gateway-Signature: sha256={}", self.signature(timestamp, body)));
        headers
    }

    /// The signature's digits.
    pub fn signature(&self, timestamp: &str, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.signing.as_bytes()).expect("a key");
        for part in [timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect()
    }
}

/// The documents' example of an agent's reply, to somebody.
pub fn reply_to(phone: &str) -> Value {
    json!({
        "event_type": "outbound_message",
        "to": phone,
        "message_text": "Your support request has been updated.",
        "message_purpose": "support",
        "conversation_id": "3cx-chat-123",
        "agent_extension": "101",
    })
}

/// A call event.
pub fn call(event: &str, phone: &str) -> Value {
    json!({"event_type": event, "caller": phone, "queue": "Sales", "call_time": "10:15", "agent_extension": "101"})
}
