//! What a gateway can be told to do. A command is one type in one file: its fields are the arguments (clap) and the form
//! on the control socket (serde), and [`Execute`] is what it does.
//!
//! Whoever asks makes a [`Command`] of it, has it [prepared](Command::prepare), and sends it to the running gateway
//! through the [control socket](super::control), or [executes](Command::execute) it on one that was opened for it.
//! Fields are texts as they were typed where judging them is the slices' business.
//!
//! Adding a command: a struct with its [`Execute`] in a file here, its name in the file's `group!`, a row in
//! `tests/it/app/commands/mod.rs`. A new argument is a field; make it optional, or give the struct's `Default` a value.

mod account;
mod contacts;
mod examine;
mod import;
mod instance;
mod key;
pub(super) mod key_value;
mod message;
mod person;
mod policy;
mod sandbox;
mod send;
mod setup_token;
mod suppress;
mod template;
mod threecx;
mod user;
mod values;
mod webhook;

pub use account::{
    AccountCommand, AccountCreate, AccountDeny, AccountDisable, AccountEnable, AccountGrant, AccountList,
    AccountRequests, AccountUpdate,
};
pub use contacts::{ContactsCommand, ContactsImport};
pub use examine::{InstanceExamine, Ping};
pub use import::{ImportCommand, ImportEvolution};
pub use instance::{
    InstanceBilling, InstanceCommand, InstanceCreate, InstanceDelete, InstanceList, InstanceNews, InstancePair,
    InstancePause, InstanceResume, InstanceSet, InstanceStatus,
};
pub use key::{KeyCommand, KeyCreate, KeyList, KeyRevoke, KeySet};
pub use message::{MessageCommand, MessageList, MessageSettle, MessageShow};
pub use person::{PersonErase, PersonExport};
pub use policy::{PolicyCheck, PolicyCommand, PolicyExamples, PolicyJudge};
pub use sandbox::{SandboxCall, SandboxCommand, SandboxFile, SandboxGroup, SandboxInbox, SandboxReceive, SandboxSet};
pub use send::SendText;
pub use setup_token::SetupToken;
pub use suppress::{SuppressAdd, SuppressCommand, SuppressExport, SuppressImport, SuppressList, SuppressRemove};
pub use template::{TemplateCommand, TemplateDelete, TemplateList, TemplateSubmit};
pub use threecx::{
    ThreecxCommand, ThreecxCreate, ThreecxList, ThreecxRotate, ThreecxSettings, ThreecxTemplate, ThreecxUpdate,
};
pub use user::{UserCommand, UserCreate, UserList, UserLoginLink, UserResetPassword};
pub use webhook::{
    WebhookCommand, WebhookCreate, WebhookDelete, WebhookDeliveries, WebhookDisable, WebhookEnable, WebhookList,
    WebhookResend, WebhookRotate, WebhookSet, WebhookTest,
};

use crate::dialects::AppState;
use futures_util::future::{BoxFuture, FutureExt};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt::Display;

/// What a command answers: the value to be printed, or one line that says why it was not done and what would be right.
pub type CommandResult = Result<Value, String>;

/// What one command does.
pub trait Execute: Sized + Send {
    /// Takes in what only the caller can read: files, stdin. It runs on the caller's side, before the command goes to
    /// the gateway.
    ///
    /// # Errors
    /// What cannot be read, or is not as it should be.
    fn prepare(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// Does it, through the same slices as everything else.
    fn execute(self, gateway: &AppState) -> impl Future<Output = CommandResult> + Send;
}

/// Every command: the command line's and the control socket's.
#[derive(Clone, Debug, clap::Subcommand, Serialize, Deserialize)]
pub enum Command {
    /// Customers of the gateway
    #[command(subcommand)]
    Account(AccountCommand),
    /// People who log in
    #[command(subcommand)]
    User(UserCommand),
    /// API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// WhatsApp numbers
    #[command(subcommand)]
    Instance(InstanceCommand),
    /// Bring instances over from another gateway
    #[command(subcommand)]
    Import(ImportCommand),
    /// Templates that a number's provider holds
    #[command(subcommand)]
    Template(TemplateCommand),
    /// The message log
    #[command(subcommand)]
    Message(MessageCommand),
    /// People who are not to be written to
    #[command(subcommand)]
    Suppress(SuppressCommand),
    /// People who are known already
    #[command(subcommand)]
    Contacts(ContactsCommand),
    /// Customers' endpoints and their deliveries
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// Telephone systems (3CX)
    #[command(subcommand)]
    Threecx(ThreecxCommand),
    Send(SendText),
    /// Play the customers' phones of a sandbox instance
    #[command(subcommand)]
    Sandbox(SandboxCommand),
    /// The content policy
    #[command(subcommand)]
    Policy(PolicyCommand),
    Export(PersonExport),
    Erase(PersonErase),
    // The command line has it in another place of its list.
    #[command(skip)]
    SetupToken(SetupToken),
    #[command(skip)]
    Ping(Ping),
    #[command(skip)]
    InstanceExamine(InstanceExamine),
}

/// The same for whichever command it is.
macro_rules! whichever {
    ($command:expr, $it:ident => $todo:expr) => {
        match $command {
            Self::Account($it) => $todo,
            Self::User($it) => $todo,
            Self::Key($it) => $todo,
            Self::Instance($it) => $todo,
            Self::Import($it) => $todo,
            Self::Template($it) => $todo,
            Self::Message($it) => $todo,
            Self::Suppress($it) => $todo,
            Self::Contacts($it) => $todo,
            Self::Webhook($it) => $todo,
            Self::Threecx($it) => $todo,
            Self::Send($it) => $todo,
            Self::Sandbox($it) => $todo,
            Self::Policy($it) => $todo,
            Self::Export($it) => $todo,
            Self::Erase($it) => $todo,
            Self::SetupToken($it) => $todo,
            Self::Ping($it) => $todo,
            Self::InstanceExamine($it) => $todo,
        }
    };
}

impl Command {
    /// See [`Execute::prepare`].
    ///
    /// # Errors
    /// As there.
    pub fn prepare(&mut self) -> Result<(), String> {
        whichever!(self, it => it.prepare())
    }

    /// Whether it changes nothing and reaches nobody: it is answered by a machine that another one has superseded, too.
    pub const fn only_looks(&self) -> bool {
        matches!(
            self,
            Self::Ping(_) | Self::InstanceExamine(_) | Self::Message(MessageCommand::List(_) | MessageCommand::Show(_))
        )
    }

    /// See [`Execute::execute`]. The future is boxed, so that it is compiled here, and once.
    ///
    /// # Errors
    /// As there.
    pub fn execute(self, gateway: &AppState) -> BoxFuture<'_, CommandResult> {
        whichever!(self, it => it.execute(gateway).boxed())
    }
}

/// The commands of one word: an enum for clap and for the socket, which passes on to the command that is meant.
macro_rules! group {
    ($name:ident is $word:ident: $($(#[$attribute:meta])* $variant:ident($command:ident)),+ $(,)?) => {
        /// The commands of this word.
        #[derive(Clone, Debug, clap::Subcommand, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$attribute])* $variant($command)),+ }

        impl super::Execute for $name {
            fn prepare(&mut self) -> Result<(), String> {
                match self { $(Self::$variant(it) => it.prepare()),+ }
            }

            async fn execute(self, gateway: &crate::dialects::AppState) -> super::CommandResult {
                match self { $(Self::$variant(it) => it.execute(gateway).await),+ }
            }
        }

        $(impl From<$command> for super::Command {
            fn from(it: $command) -> Self {
                Self::$word($name::$variant(it))
            }
        })+
    };
}
use group;

/// Commands that are a word of their own.
macro_rules! single {
    ($command:ident is $word:ident) => {
        impl From<$command> for super::Command {
            fn from(it: $command) -> Self {
                Self::$word(it)
            }
        }
    };
}
use single;

/// Who did it, in the audit.
const CLI: &str = "cli";

fn text(e: impl Display) -> String {
    e.to_string()
}
