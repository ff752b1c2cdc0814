//! `/suppressed-recipients/import`: a list of numbers is looked at first, and brought in afterwards: all of it or none.

use crate::{
    gateway::Gateway,
    model::{
        clock::Time,
        csv,
        ids::AccountId,
        phone::{Listed, Phone, PhoneReading, Region},
        short_text,
    },
    people::{
        conversations::{self, Identity},
        suppression::{self, SuppressionSource as By},
    },
    portal::{PageContext, PageError, page_error::see_other},
    store::{StoreError, WriteTx},
};
use ::http::StatusCode;
use askama::Template;
use warp::reply::Response;

/// Wrong lines that are shown; the others are counted.
const SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "suppressed_import.html", config = "assets/askama.toml")]
struct ImportPage<'a> {
    v: &'a PageContext,
    /// What was sent, to be sent again.
    text: String,
    good: usize,
    /// A line is a number of a country that the account does not say.
    wants_region: bool,
    /// Good lines that are worth a look.
    doubtful: Vec<BadLine>,
    wrong: Vec<BadLine>,
    more: usize,
    /// Why nothing could be read at all.
    problem: String,
}

/// A line that cannot be taken.
struct BadLine {
    line: usize,
    phone: String,
    why: String,
    wants_region: bool,
}

/// A line that is one, or may be two.
struct Good {
    listed: Listed,
    reason: Option<String>,
}

/// `POST /suppressed-recipients/import`: `check` shows what is right and what is wrong; `import` brings all in, or, when
/// that was ticked, all but the wrong lines.
///
/// # Errors
/// No account is chosen.
pub async fn import(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let account = v.account()?;
    let known = gateway.accounts.find_account(account).await?;
    let region = known.region.and_then(|r| Region::parse(&r).ok());
    let sent = v.upload.as_ref().map(|u| String::from_utf8_lossy(&u.bytes).into_owned());
    let text = sent.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| v.form.raw("csv").to_owned());
    let rows = match csv::phones(&text) {
        Ok(rows) => rows,
        Err(problem) => {
            let page = ImportPage {
                v,
                text,
                good: 0,
                wants_region: false,
                doubtful: Vec::new(),
                wrong: Vec::new(),
                more: 0,
                problem: v.why(&problem),
            };
            return Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY));
        }
    };
    let (good, mut doubtful, mut wrong) = judge(v, rows, gateway.sending.rules().reading(region));
    let may = wrong.is_empty() || v.form.is_on("skip");
    if v.form.text("do") == "import" && may && !good.is_empty() {
        let (now, lines) = (v.now, good.len());
        gateway.store.write(move |tx| add(tx, account, &good, now)).await?;
        return Ok(see_other(&format!("/suppressed-recipients?done=imported&n={lines}")));
    }
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let wants_region = wrong.iter().any(|line| line.wants_region);
    let more = wrong.len().saturating_sub(SHOWN);
    wrong.truncate(SHOWN);
    doubtful.truncate(SHOWN);
    let (good, problem) = (good.len(), String::new());
    Ok(v.page_with(&ImportPage { v, text, good, wants_region, doubtful, wrong, more, problem }, status))
}

fn judge(v: &PageContext, rows: Vec<csv::CsvRow>, how: PhoneReading) -> (Vec<Good>, Vec<BadLine>, Vec<BadLine>) {
    let (mut good, mut doubtful, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for (line, written, reason) in rows {
        let fits = short_text::reason(reason.as_deref().unwrap_or_default()).map(drop);
        match fits.and_then(|()| Listed::read(&written, how).map_err(|e| e.why())) {
            Ok(listed) => {
                if let Some(why) = doubt(v, &listed) {
                    doubtful.push(BadLine { line, phone: written, why, wants_region: false });
                }
                good.push(Good { listed, reason });
            }
            Err(why) => {
                let (wants_region, why) = (why.name() == "phone_no_region", v.why(&why));
                wrong.push(BadLine { line, phone: written, why, wants_region });
            }
        }
    }
    (good, doubtful, wrong)
}

/// What is doubtful about a line that will be taken; both numbers that it may be will be blocked.
fn doubt(v: &PageContext, listed: &Listed) -> Option<String> {
    match (&listed.phone, &listed.at_home) {
        (_, Some(_)) => Some(v.fill(
            "suppressed.both_readings",
            "numbers",
            listed.all().map(Phone::as_str).collect::<Vec<_>>().join(", "),
        )),
        (Some(phone), None) => phone.unusual().map(|unusual| v.word("phone_unusual", unusual.name()).to_owned()),
        (None, None) => None,
    }
}

fn add(tx: &WriteTx<'_>, account: AccountId, rows: &[Good], now: Time) -> Result<(), StoreError> {
    for row in rows {
        for phone in row.listed.all() {
            let contact = conversations::find_or_add(tx, account, &Identity::phone(phone.as_str()), now)?;
            let reason = row.reason.as_deref().unwrap_or("imported");
            let new = suppression::NewSuppression { account, contact, source: By::Manual, reason, instance: None };
            suppression::add(tx, &new, now)?;
        }
    }
    Ok(())
}
