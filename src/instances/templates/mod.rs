//! The templates that providers hold for instances: name, language, category, status and quality, as last told.
//!
//! They come in two ways: the whole list, which a connector asks for ([`record`]), and single changes, which the
//! provider tells by itself ([`change`]). The guard asks one question ([`is_marketing`]): this gateway sends templates
//! of the categories utility and authentication, and no others.
//!
//! A template that its provider makes a marketing template is refused from that transaction on, and its owner is told
//! by a notice, which ends when the category is another one again or the template is gone.

mod rendered;

pub use rendered::{SentTemplate, TemplatePiece, of_content, pieces, sent};

use crate::{
    accounts::notices::{self, NoticeKind},
    connectors::templates::{Category, Slot, Template, TemplateChange, TemplateFrame, TemplateName},
    model::{
        clock::Time,
        ids::{AccountId, InstanceId},
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::{Row, params};
use serde_json::json;

/// A template, as its row tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownTemplate {
    /// Its name and language.
    pub template: TemplateName,
    /// What it is for; none: not told yet.
    pub category: Option<Category>,
    /// approved, paused, …; none: not told yet.
    pub status: Option<String>,
    /// green, yellow, red.
    pub quality: Option<String>,
    /// Why it has its status.
    pub reason: Option<String>,
    /// Its text, with its placeholders; none: never listed.
    pub body: Option<String>,
    /// The placeholders that variables fill, in order; none: never listed.
    pub slots: Option<Vec<Slot>>,
    /// What stands around its text; none: not listed since that is kept.
    pub frame: Option<TemplateFrame>,
    /// When it was last told of.
    pub updated_at: Time,
}

impl KnownTemplate {
    /// Whether the guard refuses it.
    pub fn is_marketing(&self) -> bool {
        self.category == Some(Category::Marketing)
    }

    /// Whether it can be sent as things stand: its provider approved it, and the guard lets it pass.
    pub fn is_ready(&self) -> bool {
        let is_whole = self.obstacle().is_none() && self.slots.is_some();
        self.status.as_deref() == Some("approved") && !self.is_marketing() && is_whole
    }

    /// Why it is not sent, whatever its variables say.
    pub fn obstacle(&self) -> Option<String> {
        self.frame.as_ref().and_then(TemplateFrame::obstacle)
    }
}

/// The provider's whole list for an instance: what is not on it is gone.
pub fn record(tx: &WriteTx<'_>, instance: &InstanceId, all: &[Template], now: Time) -> Result<(), StoreError> {
    let Some(owner) = owner(tx, instance)? else { return Ok(()) };
    let before = list(tx, instance)?;
    let find = |name: &TemplateName| before.iter().find(|known| known.template == *name);
    for one in all {
        let Template { name: template, category, status, body, slots, frame } = one;
        tx.execute(
            "INSERT INTO templates (account_id, instance_id, name, language, category, status, body, slots, frame, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT DO UPDATE SET category = excluded.category,
                 reason = CASE WHEN status IS excluded.status THEN reason END, status = excluded.status,
                 body = excluded.body, slots = excluded.slots, frame = excluded.frame, updated_at = excluded.updated_at",
            params![
                owner.account,
                instance,
                template.name,
                template.language,
                category.as_str(),
                status,
                body,
                json!(slots).to_string(),
                json!(frame).to_string(),
                now,
            ],
        )?;
        // One that is seen for the first time has always been what it is: nobody changed it.
        match find(template) {
            Some(known) if known.category == Some(*category) => {}
            Some(_) => tell(tx, &owner, template, *category, now)?,
            None => {}
        }
    }
    for gone in before.iter().filter(|known| !all.iter().any(|one| one.name == known.template)) {
        tx.execute(
            "DELETE FROM templates WHERE instance_id = ?1 AND name = ?2 AND language = ?3",
            params![instance, gone.template.name, gone.template.language],
        )?;
        clear(tx, &owner, &gone.template, now)?;
    }
    Ok(())
}

/// One template changed; one that was not known is known from now on, as far as it was told.
pub fn change(tx: &WriteTx<'_>, instance: &InstanceId, change: &TemplateChange, now: Time) -> Result<(), StoreError> {
    let template = &change.template;
    let Some(owner) = owner(tx, instance)? else { return Ok(()) };
    let before = find(tx, instance, template)?;
    tx.execute(
        "INSERT INTO templates (account_id, instance_id, name, language, category, status, quality, reason, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT DO UPDATE SET category = coalesce(excluded.category, category),
             reason = CASE WHEN excluded.status IS NULL THEN reason ELSE excluded.reason END,
             status = coalesce(excluded.status, status), quality = coalesce(excluded.quality, quality),
             updated_at = excluded.updated_at",
        params![
            owner.account,
            instance,
            template.name,
            template.language,
            change.category.map(Category::as_str),
            change.status,
            change.quality,
            change.reason,
            now,
        ],
    )?;
    match change.category {
        Some(category) if before.and_then(|known| known.category) != Some(category) => {
            tell(tx, &owner, template, category, now)
        }
        _ => Ok(()),
    }
}

/// The templates of an instance, by name and language.
pub fn list(tx: &Tx<'_>, instance: &InstanceId) -> Result<Vec<KnownTemplate>, StoreError> {
    tx.list(&format!("{SELECT} WHERE instance_id = ?1 ORDER BY name, language"), params![instance], read)
}

/// One template of an instance.
pub fn find(tx: &Tx<'_>, instance: &InstanceId, template: &TemplateName) -> Result<Option<KnownTemplate>, StoreError> {
    let sql = format!("{SELECT} WHERE instance_id = ?1 AND name = ?2 AND language = ?3");
    tx.find(&sql, params![instance, template.name, template.language], read)
}

/// Whether the guard refuses this template: it is a marketing template or, where this language of it is not known,
/// another language of it is. One of which nothing is known is the provider's to judge.
pub fn is_marketing(tx: &Tx<'_>, instance: &InstanceId, template: &TemplateName) -> Result<bool, StoreError> {
    tx.one(
        "SELECT coalesce(
             (SELECT category = ?4 FROM templates
              WHERE instance_id = ?1 AND name = ?2 AND language = ?3 AND category IS NOT NULL),
             (SELECT max(category = ?4) FROM templates WHERE instance_id = ?1 AND name = ?2), 0)",
        params![instance, template.name, template.language, Category::Marketing.as_str()],
        |r| r.get(0),
    )
}

struct TemplateOwner<'a> {
    account: AccountId,
    instance: &'a InstanceId,
    instance_name: String,
}

fn owner<'a>(tx: &Tx<'_>, instance: &'a InstanceId) -> Result<Option<TemplateOwner<'a>>, StoreError> {
    tx.find("SELECT account_id, name FROM instances WHERE id = ?1", params![instance], |r| {
        Ok(TemplateOwner { account: r.get(0)?, instance, instance_name: r.get(1)? })
    })
}

/// Its owner hears of a category that is not sent, and that it is over.
fn tell(
    tx: &WriteTx<'_>,
    owner: &TemplateOwner<'_>,
    template: &TemplateName,
    category: Category,
    now: Time,
) -> Result<(), StoreError> {
    if category != Category::Marketing {
        return clear(tx, owner, template, now);
    }
    let parameters = json!({
        "name": owner.instance_name, "instance": owner.instance, "template": template.name, "language": template.language,
        "reason": format!("{} ({})", template.name, template.language),
    });
    let subject = subject(owner.instance, template);
    notices::raise(tx, Some(owner.account), (NoticeKind::TemplateMarketing, &subject), &parameters, now)
}

fn clear(tx: &WriteTx<'_>, owner: &TemplateOwner<'_>, template: &TemplateName, now: Time) -> Result<(), StoreError> {
    notices::clear(tx, Some(owner.account), NoticeKind::TemplateMarketing, &subject(owner.instance, template), now)
}

fn subject(instance: &InstanceId, template: &TemplateName) -> String {
    format!("{instance}/{}/{}", template.name, template.language)
}

const SELECT: &str = "SELECT name, language, category, status, quality, reason, body, updated_at, slots, frame
     FROM templates";

fn read(r: &Row<'_>) -> rusqlite::Result<KnownTemplate> {
    Ok(KnownTemplate {
        template: TemplateName { name: r.get(0)?, language: r.get(1)? },
        category: r.get::<_, Option<String>>(2)?.map(|word| Category::parse(&word).unwrap_or(Category::Other)),
        status: r.get(3)?,
        quality: r.get(4)?,
        reason: r.get(5)?,
        body: r.get(6)?,
        updated_at: r.get(7)?,
        slots: r.get::<_, Option<String>>(8)?.and_then(|text| serde_json::from_str(&text).ok()),
        frame: r.get::<_, Option<String>>(9)?.and_then(|text| serde_json::from_str(&text).ok()),
    })
}
