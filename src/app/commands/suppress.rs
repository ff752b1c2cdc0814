//! `wa-gateway suppress …`

use super::{
    CLI, CommandResult, Execute,
    account::{reading, region_of},
    group, text,
    values::read_text,
};
use crate::{
    dialects::AppState,
    gateway::Gateway,
    model::{
        clock::Time,
        csv,
        ids::{AccountId, ContactId},
        phone::{Listed, PhoneReading, Recipient},
        short_text,
    },
    people::{
        conversations::{self, Identity},
        suppression::{self, SuppressionSource as By},
    },
    store::{StoreError, Tx, WriteTx},
};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::PathBuf;

group! { SuppressCommand is Suppress:
    Add(SuppressAdd),
    Remove(SuppressRemove),
    List(SuppressList),
    Export(SuppressExport),
    Import(SuppressImport),
}

/// Send nothing to this person any more
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct SuppressAdd {
    /// Whose list
    #[arg(long)]
    pub account: i64,
    /// Who: a number, or contact: and the contact's id
    #[arg(long)]
    pub phone: String,
    /// Why
    #[arg(long)]
    pub reason: Option<String>,
}

impl Execute for SuppressAdd {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let (account, who) = asked(gateway, self.account, &self.phone).await?;
        let (now, shown) = (gateway.clock.now(), who.to_string());
        let reason = short_text::reason(self.reason.as_deref().unwrap_or("blocked by hand")).map_err(text)?;
        let done = gateway.store.write(move |tx| {
            let contact = match (&who, known(tx, account, &who)?) {
                (_, Some(contact)) => contact,
                (Recipient::Phone(phone), None) => {
                    conversations::add(tx, account, &Identity::phone(phone.as_str()), now)?
                }
                (Recipient::Contact(_) | Recipient::Group(_), None) => return Ok(None),
            };
            let new =
                suppression::NewSuppression { account, contact, source: By::Manual, reason: &reason, instance: None };
            suppression::add(tx, &new, now).map(|added| Some((contact, added)))
        });
        let done = done.await.map_err(|e: StoreError| e.to_string())?;
        let (contact, added) = done.ok_or_else(|| format!("account {account} has no {shown}"))?;
        Ok(json!({"ok": true, "phone": shown, "contact_id": contact, "added": added}))
    }
}

/// Take a person off the list
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct SuppressRemove {
    /// Whose list
    #[arg(long)]
    pub account: i64,
    /// Who: a number, or contact: and the contact's id
    #[arg(long)]
    pub phone: String,
}

impl Execute for SuppressRemove {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let (account, who) = asked(gateway, self.account, &self.phone).await?;
        let (now, shown, erased) = (gateway.clock.now(), who.to_string(), gateway.erased.clone());
        let done = gateway.store.write(move |tx| {
            let lifted = match known(tx, account, &who)? {
                Some(contact) => suppression::lift(tx, contact, By::ALL, CLI, now)?,
                None => 0,
            };
            match &who {
                Recipient::Phone(phone) => Ok(lifted + erased.lift(tx, account, ("phone", phone.as_str()), By::ALL)?),
                Recipient::Contact(_) | Recipient::Group(_) => Ok(lifted),
            }
        });
        match done.await.map_err(|e: StoreError| e.to_string())? {
            0 => Err(format!("{shown} is not suppressed in account {account}")),
            lifted => Ok(json!({"ok": true, "phone": shown, "lifted": lifted})),
        }
    }
}

/// Show the list
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct SuppressList {
    /// Whose list
    #[arg(long)]
    pub account: i64,
}

impl Execute for SuppressList {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let account = AccountId(self.account);
        region_of(gateway, account).await?;
        let listed = gateway.store.read(move |tx| suppression::list(tx, account)).await;
        Ok(json!(listed.map_err(|e: StoreError| e.to_string())?))
    }
}

/// Write the list as CSV: phone, reason, source, since, lifted_at, lifted_by
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct SuppressExport {
    /// Whose list
    #[arg(long)]
    pub account: i64,
    /// Those that were lifted, too: the proof
    #[arg(long)]
    pub all: bool,
    /// The file, which must not exist yet [default: stdout]
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

impl Execute for SuppressExport {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let account = AccountId(self.account);
        region_of(gateway, account).await?;
        let read = gateway.store.read(move |tx| suppression::export(tx, account, self.all)).await;
        let rows = read.map_err(|e: StoreError| e.to_string())?;
        let csv =
            csv::written(&suppression::PastSuppression::COLUMNS, rows.iter().map(suppression::PastSuppression::cells));
        Ok(json!({"ok": true, "rows": rows.len(), "csv": csv}))
    }
}

/// Bring in a CSV file: phone, reason
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct SuppressImport {
    /// Whose list
    #[arg(long)]
    pub account: i64,
    /// The file; - for stdin
    #[serde(skip)]
    pub file: PathBuf,
    /// What stands in the file.
    #[arg(skip)]
    pub csv: String,
}

impl Execute for SuppressImport {
    fn prepare(&mut self) -> Result<(), String> {
        self.csv = read_text(&self.file)?;
        Ok(())
    }

    async fn execute(self, gateway: &AppState) -> CommandResult {
        let account = AccountId(self.account);
        let how = reading(gateway, account).await?;
        let rows = csv::phones(&self.csv).map_err(text)?;
        let now = gateway.clock.now();
        let report = gateway.store.write(move |tx| import(tx, account, how, &rows, now));
        Ok(json!(report.await.map_err(|e: StoreError| e.to_string())?))
    }
}

fn import(
    tx: &WriteTx<'_>,
    account: AccountId,
    how: PhoneReading,
    rows: &[csv::CsvRow],
    now: Time,
) -> Result<conversations::ImportReport, StoreError> {
    let mut report = conversations::ImportReport::default();
    for (line, written, reason) in rows {
        let fits = short_text::reason(reason.as_deref().unwrap_or_default()).map_err(text);
        let listed = match fits.and_then(|_| Listed::read(written, how).map_err(text)) {
            Ok(listed) => listed,
            Err(why) => {
                report.skip(*line, &why);
                continue;
            }
        };
        for phone in listed.all() {
            let contact = conversations::find_or_add(tx, account, &Identity::phone(phone.as_str()), now)?;
            let reason = reason.as_deref().unwrap_or("imported");
            let new = suppression::NewSuppression { account, contact, source: By::Manual, reason, instance: None };
            suppression::add(tx, &new, now)?;
        }
        report.imported += 1;
        if let Some(doubt) = listed.doubt() {
            report.warn(*line, &doubt);
        }
    }
    Ok(report)
}

async fn asked(gateway: &Gateway, account: i64, who: &str) -> Result<(AccountId, Recipient), String> {
    let account = AccountId(account);
    let how = reading(gateway, account).await?;
    Ok((account, Recipient::parse(who, how).map_err(text)?))
}

fn known(tx: &Tx<'_>, account: AccountId, who: &Recipient) -> Result<Option<ContactId>, StoreError> {
    match who {
        Recipient::Contact(id) => Ok(conversations::find_by_id(tx, account, *id)?.map(|(contact, _)| contact.id)),
        by_number => {
            let found = conversations::find(tx, account, &Identity::phone(by_number.to_string()))?;
            Ok(found.map(|contact| contact.id))
        }
    }
}
