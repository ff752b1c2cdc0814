//! What an administrator copies: the addresses of an integration, curl commands that try it, the properties of a call
//! flow's component. Pure. The secret is no part of it: it is a shell variable, or a word to be replaced, which the page that
//! shows the secret does ([`Snippets::with`]).

use super::{Integration, SECRET_HEADER, Secrets};
use serde::Serialize;

/// The lines to copy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Snippets {
    /// Where call flows and the CRM template post.
    pub webhook_url: String,
    /// Where 3CX posts what agents write, as the provider of text messages.
    pub sms_url: String,
    /// Where the CRM template is downloaded.
    pub template_url: String,
    /// Tries the set-up; `$SECRET` is the secret.
    pub curl: String,
    /// Plays a call that nobody answered.
    pub missed_call: String,
    /// The properties of a component for HTTP requests in the call flow designer, by name; `$SECRET` is to be replaced.
    pub call_flow: Vec<(&'static str, String)>,
}

/// The lines for an integration. `base_url`: where the gateway is reached, without a slash at the end.
pub fn snippets(integration: &Integration, base_url: &str) -> Snippets {
    let id = &integration.id;
    let webhook_url = format!("{base_url}/integrations/3cx/webhook/{id}");
    let content = "CONCATENATE(\"event_type=missed_call&caller=\", session.ani, \"&queue=\", session.dnis)";
    Snippets {
        sms_url: format!("{base_url}/integrations/3cx/sms/{id}/messages"),
        template_url: format!("{base_url}/integrations/3cx/{id}/template.xml"),
        curl: curl(integration, &webhook_url, r#"{"event_type":"test"}"#),
        missed_call: curl(integration, &webhook_url, r#"{"event_type":"missed_call","caller":"+966501234567"}"#),
        call_flow: vec![
            ("URI", format!("\"{webhook_url}\"")),
            ("RequestType", "POST".into()),
            ("ContentType", "\"application/x-www-form-urlencoded\"".into()),
            ("Content", content.into()),
            ("Headers", format!("{SECRET_HEADER}: \"$SECRET\"")),
            ("Timeout", "15".into()),
        ],
        webhook_url,
    }
}

impl Snippets {
    /// The same with the secrets in their places, for the one page that shows them.
    #[must_use]
    pub fn with(mut self, secrets: &Secrets) -> Self {
        let fill = |text: &mut String| {
            *text = text.replace("$SIGNING_SECRET", &secrets.signing).replace("$SECRET", &secrets.secret);
        };
        fill(&mut self.curl);
        fill(&mut self.missed_call);
        self.call_flow.iter_mut().for_each(|(_, value)| fill(value));
        self
    }
}

fn curl(integration: &Integration, url: &str, body: &str) -> String {
    let head = format!(
        "curl -sS \"{url}\" \\\n  -H \"X-WhatsApp-Gateway-3CX-Secret: $SECRET\" -H \"Content-Type: application/json\" \\\n"
    );
    if !integration.settings.signing {
        return format!("{head}  -d '{body}'");
    }
    format!(
        "BODY='{body}'\nNOW=$(date +%s)\n\
         SIGNATURE=$(printf '%s.%s' \"$NOW\" \"$BODY\" | openssl dgst -sha256 -hmac \"$SIGNING_SECRET\" -r | cut -d ' ' -f 1)\n\
         {head}  -H \"X-WhatsApp-Gateway-Timestamp: $NOW\" -H \"X-WhatsApp-Gateway-Signature: sha256=$SIGNATURE\" \\\n  \
         -d \"$BODY\""
    )
}
