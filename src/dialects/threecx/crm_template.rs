//! A 3CX CRM template with an integration's address and id filled in: 3CX's server then reports each call that ended.
//!
//! 3CX reads such a file as a description of a CRM. Its `ReportCall` scenario is run when a call is over; the words in
//! brackets are 3CX's own variables. The secret is no part of the file: it is a parameter that the administrator types
//! into 3CX, which keeps it like a password and sends it as one of Basic authentication.

use super::Integration;

/// The version that 3CX shows; one more whenever the file changes.
const VERSION: u32 = 1;

/// The template's text. `base_url`: where 3CX reaches the gateway, without a slash at its end.
pub fn render(integration: &Integration, base_url: &str) -> String {
    let name = escaped(&format!("WhatsApp Gateway: {}", integration.settings.name));
    let url = escaped(&format!("{base_url}/integrations/3cx/webhook/{}", integration.id));
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?>
<Crm Country="US" Name="{name}" Version="{VERSION}" SupportsEmojis="true">
  <Number Prefix="Plus" MaxLength="" />
  <Connection MaxConcurrentRequests="2" />
  <Parameters>
    <Parameter Name="Address" Type="String" Parent="General Configuration" Editor="String" Title="Webhook address:" Default="{url}" />
    <Parameter Name="Secret" Type="Password" Parent="General Configuration" Editor="String" Title="Secret of the integration:" Default="" />
    <Parameter Name="ReportCallEnabled" Type="Boolean" Parent="General Configuration" Editor="String" Title="Tell the gateway of calls:" Default="True" />
  </Parameters>
  <Authentication Type="Basic">
    <Value>3cx:[Secret]</Value>
  </Authentication>
  <Scenarios>
    <Scenario Id="ReportCall" Type="REST">
      <Request SkipIf="[ReportCallEnabled]!=True" Url="[Address]" MessagePasses="0" RequestContentType="application/json" RequestEncoding="Json" RequestType="Post" ResponseType="Json">
        <PostValues Key="">
          <Value Key="CallType" Passes="1" Type="String">[CallType]</Value>
          <Value Key="number" Passes="1" Type="String">[Number]</Value>
          <Value Key="agent_extension" Passes="1" Type="String">[Agent]</Value>
          <Value Key="queue" Passes="1" Type="String">[QueueExtension]</Value>
          <Value Key="call_time" Passes="1" Type="String">[CallStartTimeLocal]</Value>
        </PostValues>
      </Request>
      <Rules />
      <Variables />
      <Outputs AllowEmpty="true" />
    </Scenario>
  </Scenarios>
</Crm>
"#
    )
}

/// A text as it may stand in an attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // What XML has no place for, escaped or not.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            other => out.push(other),
        }
    }
    out
}
