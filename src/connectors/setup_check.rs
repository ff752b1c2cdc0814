//! What a set-up at a provider needs before messages go and come, point by point, and what to do where one is missing.

use crate::model::string_enum::string_enum;

string_enum! {
    /// One thing that must be right at the provider.
    SetupPoint {
        /// The access token is good, and for how long.
        Token = "token",
        /// It may do what the gateway does with it.
        Scopes = "scopes",
        /// The number can be asked about.
        Number = "number",
        /// It is registered and connected.
        Registered = "registered",
        /// Its display name is approved.
        Name = "name",
        /// The app hears of the business account at all.
        Subscribed = "subscribed",
        /// What it hears is brought to this gateway.
        Callback = "callback",
        /// This gateway believes what is brought.
        Secrets = "secrets",
        /// Nothing keeps messages from going: payment, bans.
        Sending = "sending",
    }
}

string_enum! {
    /// How a point was found.
    SetupState {
        Good = "good",
        /// Something is to be done about it.
        Bad = "bad",
        /// It could not be seen.
        Unseen = "unseen",
    }
}

/// One point of a set-up.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct SetupFinding {
    pub point: SetupPoint,
    pub state: SetupState,
    /// What was found, in figures, names and the provider's words; empty where the state says all.
    pub detail: String,
}

impl SetupFinding {
    pub(super) fn good(point: SetupPoint, detail: impl Into<String>) -> Self {
        Self { point, state: SetupState::Good, detail: detail.into() }
    }

    pub(super) fn bad(point: SetupPoint, detail: impl Into<String>) -> Self {
        Self { point, state: SetupState::Bad, detail: detail.into() }
    }

    pub(super) fn unseen(point: SetupPoint, detail: impl Into<String>) -> Self {
        Self { point, state: SetupState::Unseen, detail: detail.into() }
    }

    /// For the doctor: what was looked at, what was found, and what to do.
    pub fn text(&self) -> String {
        let (what, advice) = self.point.words();
        let detail = if self.detail.is_empty() { String::new() } else { format!(": {}", self.detail) };
        match self.state {
            SetupState::Good => format!("{what}{detail}"),
            SetupState::Bad => format!("{what}: not as it should be{detail}. {advice}"),
            SetupState::Unseen => format!("{what}: it could not be seen{detail}. {advice}"),
        }
    }
}

impl SetupPoint {
    /// What is looked at, and what to do where it is not right; the pages say it in their own languages.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Token => (
                "the access token",
                "In the business settings, make a token of a system user that does not end, and set access_token anew.",
            ),
            Self::Scopes => (
                "what the access token may do",
                "Make the token with whatsapp_business_messaging and whatsapp_business_management.",
            ),
            Self::Number => ("the number", "Compare phone_number_id with the app's WhatsApp settings at Meta."),
            Self::Registered => (
                "the number's registration",
                "Register the number with the Cloud API in the WhatsApp manager, with its six-digit PIN.",
            ),
            Self::Name => ("the display name", "In the WhatsApp manager, set a name that Meta approves."),
            Self::Subscribed => (
                "the app's subscription to the business account",
                "Press Subscribe on the instance's page: without it Meta brings nothing of this account.",
            ),
            Self::Callback => (
                "the address that Meta calls",
                "In the app's WhatsApp configuration, set the callback URL to the one on the instance's page; it must be \
                 https with a trusted certificate.",
            ),
            Self::Secrets => (
                "the secrets of the webhook",
                "Set app_secret and verify_token: without them nothing that Meta brings is believed.",
            ),
            Self::Sending => ("whether messages may go", "Do what Meta says there, in the WhatsApp manager."),
        }
    }
}
