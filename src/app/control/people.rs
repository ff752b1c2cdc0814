//! `wa-gateway suppress …` and `wa-gateway contacts import`

use super::{
    Request,
    perform::{CLI, Done, text, unexpected},
};
use crate::{
    gateway::Gateway,
    model::{
        clock::Time,
        csv,
        ids::AccountId,
        phone::{Impossible, Listed, Phone, Reading, Region},
    },
    people::{
        conversations::{self, Identity},
        suppression::{self, SuppressionSource as By},
    },
    store::StoreError,
};
use serde_json::json;

/// Who is looked for may have been taken when such a number still was.
const ANY: Reading = Reading { region: None, impossible: Impossible::Warn };

pub(super) async fn perform(gateway: &Gateway, request: Request) -> Done {
    match request {
        Request::SuppressAdd { account, phone, reason } => {
            let (account, phone) = known(gateway, account, &phone).await?;
            let (now, shown) = (gateway.clock.now(), phone.to_string());
            let reason = reason.unwrap_or_else(|| "blocked by hand".into());
            let done = gateway.store.write(move |tx| {
                let contact = conversations::find_or_add(tx, account, &Identity::phone(phone.as_str()), now)?;
                let new = suppression::NewSuppression {
                    account,
                    contact,
                    source: By::Manual,
                    reason: &reason,
                    instance: None,
                };
                suppression::add(tx, &new, now).map(|added| (contact, added))
            });
            let (contact, added) = done.await.map_err(|e: StoreError| e.to_string())?;
            Ok(json!({"ok": true, "phone": shown, "contact_id": contact, "added": added}))
        }
        Request::SuppressRemove { account, phone } => {
            let (account, phone) = known(gateway, account, &phone).await?;
            let (now, shown, erased) = (gateway.clock.now(), phone.to_string(), gateway.erased.clone());
            let done = gateway.store.write(move |tx| {
                let lifted = match conversations::find(tx, account, &Identity::phone(phone.as_str()))? {
                    Some(contact) => suppression::lift(tx, contact.id, By::ALL, CLI, now)?,
                    None => 0,
                };
                Ok(lifted + erased.lift(tx, account, ("phone", phone.as_str()), By::ALL)?)
            });
            match done.await.map_err(|e: StoreError| e.to_string())? {
                0 => Err(format!("{shown} is not suppressed in account {account}")),
                lifted => Ok(json!({"ok": true, "phone": shown, "lifted": lifted})),
            }
        }
        Request::SuppressList { account } => {
            let listed = gateway.store.read(move |tx| suppression::list(tx, AccountId(account))).await;
            Ok(json!(listed.map_err(|e: StoreError| e.to_string())?))
        }
        Request::SuppressImport { account, csv: file } => {
            let how = reading(gateway, AccountId(account)).await?;
            let rows = csv::phones(&file).map_err(text)?;
            let now = gateway.clock.now();
            let report = gateway.store.write(move |tx| import_suppressed(tx, AccountId(account), how, &rows, now));
            Ok(json!(report.await.map_err(|e: StoreError| e.to_string())?))
        }
        Request::SuppressExport { account, all } => {
            region_of(gateway, AccountId(account)).await?;
            let read = gateway.store.read(move |tx| suppression::export(tx, AccountId(account), all)).await;
            let rows = read.map_err(|e: StoreError| e.to_string())?;
            let csv = csv::written(
                &suppression::PastSuppression::COLUMNS,
                rows.iter().map(suppression::PastSuppression::cells),
            );
            Ok(json!({"ok": true, "rows": rows.len(), "csv": csv}))
        }
        Request::PersonExport { phone } => {
            let phone = Phone::parse(&phone, ANY).map_err(text)?;
            gateway.retention.export(&phone, None).await.map_err(text)
        }
        Request::PersonErase { phone } => erase(gateway, &phone).await,
        Request::ContactsImport { account, csv: file } => {
            let how = reading(gateway, AccountId(account)).await?;
            let rows = csv::phones(&file).map_err(text)?;
            let now = gateway.clock.now();
            let report =
                gateway.store.write(move |tx| conversations::import(tx, AccountId(account), how, &rows, now)).await;
            Ok(json!(report.map_err(|e: StoreError| e.to_string())?))
        }
        _ => unexpected(),
    }
}

/// Erases a person here, and on the sandbox's phones, whose file lies in the data directory too.
async fn erase(gateway: &Gateway, phone: &str) -> Done {
    let phone = Phone::parse(phone, ANY).map_err(text)?;
    let report = gateway.erase_person(&phone, None, CLI).await.map_err(text)?;
    let mut answer = json!(report);
    answer["ok"] = json!(true);
    Ok(answer)
}

fn import_suppressed(
    tx: &crate::store::WriteTx<'_>,
    account: AccountId,
    how: Reading,
    rows: &[csv::CsvRow],
    now: Time,
) -> Result<conversations::ImportReport, StoreError> {
    let mut report = conversations::ImportReport::default();
    for (line, written, reason) in rows {
        let listed = match Listed::read(written, how) {
            Ok(listed) => listed,
            Err(e) => {
                report.skip(*line, &e.to_string());
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

/// How numbers are read for an account.
async fn reading(gateway: &Gateway, id: AccountId) -> Result<Reading, String> {
    Ok(gateway.sending.rules().reading(region_of(gateway, id).await?))
}

/// The default region of an account.
pub(super) async fn region_of(gateway: &Gateway, id: AccountId) -> Result<Option<Region>, String> {
    let all = gateway.accounts.list_accounts().await.map_err(text)?;
    let account = all.into_iter().find(|a| a.id == id).ok_or_else(|| format!("there is no account {id}"))?;
    Ok(account.region.and_then(|r| Region::parse(&r).ok()))
}

async fn known(gateway: &Gateway, account: i64, phone: &str) -> Result<(AccountId, Phone), String> {
    let account = AccountId(account);
    let how = reading(gateway, account).await?;
    Ok((account, Phone::parse(phone, how).map_err(text)?))
}
