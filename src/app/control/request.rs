//! What can be asked for. Values are texts as they were typed where judging them is the slices' business.

use super::arguments::{AccountDeed, SendArgs, ThreecxSettings};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One command.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Request {
    /// `account create`
    AccountCreate {
        /// Its name.
        name: String,
        /// starter, growth, scale or none.
        plan: String,
        /// IANA name.
        timezone: String,
        /// Two letters.
        region: Option<String>,
        /// Words of the contract.
        modules: Vec<String>,
    },
    /// `account list`
    AccountList,
    /// `account update`
    AccountUpdate {
        /// Which.
        id: i64,
        /// starter, growth, scale or none.
        plan: Option<String>,
        /// A date or a time; `none` for an open end.
        plan_until: Option<String>,
        /// The new list.
        modules: Option<Vec<String>>,
        /// One to switch off.
        disable_module: Option<String>,
        /// IANA name.
        timezone: Option<String>,
        /// Two letters, or `none`.
        region: Option<String>,
        /// Messages a day.
        grant_daily: Option<u64>,
        /// Messages a month.
        grant_monthly: Option<u64>,
        /// Why.
        reason: Option<String>,
        /// A date or a time.
        until: Option<String>,
    },
    /// `account disable`, `enable`, `requests`, `grant`, `deny`
    Account(AccountDeed),
    /// `user create`
    UserCreate {
        /// Whose; only an admin may have none.
        account: Option<i64>,
        /// Their email.
        email: String,
        /// admin, owner or viewer.
        role: String,
        /// Their password; none: a link.
        password: Option<String>,
    },
    /// `user reset-password`
    UserResetPassword {
        /// Whose.
        email: String,
    },
    /// A one-time login link, for the demo.
    UserLoginLink {
        /// Whose.
        email: String,
    },
    /// `user list`
    UserList,
    /// `setup-token`
    SetupToken,
    /// `key create`
    KeyCreate {
        /// Whose.
        account: i64,
        /// What people call it.
        name: String,
        /// The instances it may use; empty: all.
        instances: Vec<String>,
        /// bearer or chattu.
        kind: String,
        /// Of a chattu key: the purpose of messages whose request names none.
        #[serde(default)]
        purpose: Option<String>,
    },
    /// `key set`
    KeySet {
        /// Which.
        id: i64,
        /// The purpose of messages whose request names none.
        purpose: String,
    },
    /// `key list`
    KeyList {
        /// Whose.
        account: i64,
    },
    /// `key revoke`
    KeyRevoke {
        /// Which.
        id: i64,
    },
    /// `instance create`
    InstanceCreate {
        /// Whose.
        account: i64,
        /// Its slug.
        id: String,
        /// Its name.
        name: String,
        /// How it reaches WhatsApp.
        connector: String,
        /// Its settings.
        settings: BTreeMap<String, String>,
    },
    /// `instance list`
    InstanceList,
    /// `instance status`
    InstanceStatus {
        /// Which.
        id: String,
    },
    /// Asks every instance's provider whether it would take messages: for `doctor`
    InstanceExamine,
    /// `instance set` and `sandbox set`
    InstanceSet {
        /// Which.
        id: String,
        /// What changes; an empty value takes a setting back.
        settings: BTreeMap<String, String>,
    },
    /// `instance pause`
    InstancePause {
        /// Which.
        id: String,
        /// Why.
        reason: String,
    },
    /// `instance resume`
    InstanceResume {
        /// Which.
        id: String,
        /// What was found.
        note: String,
    },
    /// `instance pair`
    InstancePair {
        /// Which.
        id: String,
    },
    /// `import evolution`
    ImportEvolution(super::ImportArgs),
    /// `instance delete`
    InstanceDelete {
        /// Which.
        id: String,
    },
    /// `message list`
    MessageList {
        /// Of one instance.
        instance: Option<String>,
        /// In one state.
        status: Option<String>,
        /// Not before.
        since: Option<String>,
        /// At most so many.
        limit: u32,
    },
    /// `message show`
    MessageShow {
        /// Which.
        log_id: i64,
    },
    /// `message settle`
    MessageSettle {
        /// Which.
        log_id: i64,
        /// sent or failed.
        status: String,
        /// How it is known.
        note: String,
    },
    /// `suppress add`
    SuppressAdd {
        /// Whose list.
        account: i64,
        /// Who.
        phone: String,
        /// Why.
        reason: Option<String>,
    },
    /// `suppress remove`
    SuppressRemove {
        /// Whose list.
        account: i64,
        /// Who.
        phone: String,
    },
    /// `suppress list`
    SuppressList {
        /// Whose list.
        account: i64,
    },
    /// `suppress import`
    SuppressImport {
        /// Whose list.
        account: i64,
        /// The file's text.
        csv: String,
    },
    /// `suppress export`
    SuppressExport {
        /// Whose list.
        account: i64,
        /// Those that were lifted, too.
        all: bool,
    },
    /// `export`
    PersonExport {
        /// Who.
        phone: String,
    },
    /// `erase`
    PersonErase {
        /// Who.
        phone: String,
    },
    /// `contacts import`
    ContactsImport {
        /// Whose.
        account: i64,
        /// The file's text.
        csv: String,
    },
    /// `send`
    Send(SendArgs),
    /// `policy check`
    PolicyCheck {
        /// What.
        text: String,
        /// Why.
        purpose: String,
    },
    /// `sandbox receive`
    SandboxReceive {
        /// To which instance.
        instance: String,
        /// Who writes.
        from: String,
        /// What.
        text: String,
    },
    /// `sandbox receive --media`
    SandboxReceiveFile {
        /// To which instance.
        instance: String,
        /// Who sends it.
        from: String,
        /// The caption.
        text: String,
        /// image, video, audio, document or sticker.
        kind: String,
        /// Its name.
        file_name: String,
        /// Its bytes, in base64.
        base64: String,
        /// The provider keeps it until it is fetched.
        later: bool,
    },
    /// `sandbox call`
    SandboxCall {
        /// Which instance is called.
        instance: String,
        /// Who calls.
        from: String,
        /// Whether nobody answers.
        missed: bool,
    },
    /// `sandbox group`
    SandboxGroup {
        /// To which instance.
        instance: String,
        /// The group's id.
        group: String,
        /// Its name.
        name: String,
        /// Who writes.
        from: String,
        /// What.
        text: String,
    },
    /// `sandbox inbox`
    SandboxInbox {
        /// Of which instance.
        instance: String,
        /// Of one phone.
        phone: Option<String>,
    },
    /// `webhook create`
    WebhookCreate {
        /// Whose.
        account: i64,
        /// Of one instance; none: of all.
        instance: Option<String>,
        /// Where events go.
        url: String,
        /// Which events.
        events: Vec<String>,
    },
    /// `webhook list`
    WebhookList,
    /// `webhook test`
    WebhookTest {
        /// Which.
        id: i64,
    },
    /// `webhook rotate`
    WebhookRotate {
        /// Which.
        id: i64,
    },
    /// `webhook enable`
    WebhookEnable {
        /// Which.
        id: i64,
    },
    /// `webhook disable`
    WebhookDisable {
        /// Which.
        id: i64,
    },
    /// `webhook delete`
    WebhookDelete {
        /// Which.
        id: i64,
    },
    /// `webhook deliveries`
    WebhookDeliveries {
        /// Only those that failed.
        failed: bool,
        /// Of one endpoint.
        endpoint: Option<i64>,
    },
    /// `webhook resend`
    WebhookResend {
        /// One delivery.
        delivery: Option<i64>,
        /// Or all that failed since this time.
        failed_since: Option<String>,
        /// Of one endpoint.
        endpoint: Option<i64>,
    },
    /// `threecx create`
    ThreecxCreate {
        /// Whose.
        account: i64,
        /// From which instance it writes.
        instance: String,
        /// What differs from the defaults.
        settings: ThreecxSettings,
    },
    /// `threecx update`
    ThreecxUpdate {
        /// Which.
        id: String,
        /// Another instance.
        instance: Option<String>,
        /// What changes.
        settings: ThreecxSettings,
    },
    /// `threecx rotate`
    ThreecxRotate {
        /// Which.
        id: String,
    },
    /// `threecx list`
    ThreecxList,
    /// `threecx template`
    ThreecxTemplate {
        /// Of which integration.
        id: String,
        /// Of which event.
        event: String,
        /// Whether it is sent.
        enabled: Option<bool>,
        /// Its text.
        text: Option<String>,
    },
    /// Whether a gateway runs.
    Ping,
}
