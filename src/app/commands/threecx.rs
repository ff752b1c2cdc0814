//! `wa-gateway threecx …`

use crate::app::control::{Request, ThreecxSettings};
use clap::{Args, Subcommand, ValueEnum};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Tie a telephone system to an instance; its secrets are shown once
    Create {
        /// Whose
        #[arg(long)]
        account: i64,
        /// The instance that it writes from and hears of
        #[arg(long)]
        instance: String,
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// Change settings; those not named stay
    Update {
        /// Its id
        id: String,
        /// Another instance
        #[arg(long)]
        instance: Option<String>,
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// Make new secrets; the old ones are good for a day more
    Rotate {
        /// Its id
        id: String,
    },
    /// Show all, with the outcomes of their requests
    List,
    /// Show or change what a call event sends
    Template {
        /// Its id
        id: String,
        /// missed_call, voicemail, call_ended, queue_callback or after_hours
        event: String,
        /// Send it
        #[arg(long, conflicts_with = "disable")]
        enable: bool,
        /// Do not send it
        #[arg(long)]
        disable: bool,
        /// What to send; {{customer_phone}}, {{agent_extension}}, {{queue}}, {{call_time}}, {{business_name}} are filled in
        #[arg(long)]
        text: Option<String>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Switch {
    On,
    Off,
}

#[derive(Args)]
pub(super) struct Settings {
    /// What people call it
    #[arg(long)]
    name: Option<String>,
    /// Whether it takes requests at all
    #[arg(long)]
    enabled: Option<Switch>,
    /// Whether inbound messages are forwarded
    #[arg(long)]
    inbound: Option<Switch>,
    /// Whether agents' replies are sent
    #[arg(long)]
    outbound: Option<Switch>,
    /// Whether call events are answered
    #[arg(long)]
    call_events: Option<Switch>,
    /// Whether requests must be signed
    #[arg(long)]
    signing: Option<Switch>,
    /// Whether the text messages' address, which cannot sign, works while signing is on
    #[arg(long)]
    sms_while_signing: Option<Switch>,
    /// Whether call events write only to people who wrote lately
    #[arg(long)]
    strict: Option<Switch>,
    /// How long after somebody wrote they may be answered
    #[arg(long, value_name = "HOURS")]
    window_hours: Option<u32>,
    /// A network that requests may come from, several times for several; "any" for all
    #[arg(long, value_name = "CIDR")]
    allow: Vec<String>,
    /// Where inbound messages go; "" for nowhere
    #[arg(long, value_name = "URL")]
    destination: Option<String>,
    /// How they are told: event, or sms (to a trunk)
    #[arg(long)]
    mode: Option<String>,
    /// The business's name, for templates
    #[arg(long)]
    business_name: Option<String>,
    /// Mode sms: the trunk's own number
    #[arg(long, value_name = "PHONE")]
    trunk_number: Option<String>,
}

impl Command {
    pub(super) fn request(self) -> Request {
        match self {
            Self::Create { account, instance, settings } => {
                Request::ThreecxCreate { account, instance, settings: settings.told() }
            }
            Self::Update { id, instance, settings } => {
                Request::ThreecxUpdate { id, instance, settings: settings.told() }
            }
            Self::Rotate { id } => Request::ThreecxRotate { id },
            Self::List => Request::ThreecxList,
            Self::Template { id, event, enable, disable, text } => {
                let enabled = (enable || disable).then_some(enable);
                Request::ThreecxTemplate { id, event, enabled, text }
            }
        }
    }
}

impl Settings {
    fn told(self) -> ThreecxSettings {
        let on = |switch: Option<Switch>| switch.map(|s| matches!(s, Switch::On));
        let anywhere = self.allow.iter().any(|text| text == "any");
        let allow = if anywhere { Some(Vec::new()) } else { Some(self.allow).filter(|list| !list.is_empty()) };
        ThreecxSettings {
            name: self.name,
            enabled: on(self.enabled),
            inbound: on(self.inbound),
            outbound: on(self.outbound),
            call_events: on(self.call_events),
            signing: on(self.signing),
            sms_while_signing: on(self.sms_while_signing),
            strict: on(self.strict),
            window_hours: self.window_hours,
            allow,
            destination: self.destination,
            mode: self.mode,
            business_name: self.business_name,
            trunk_number: self.trunk_number,
        }
    }
}
