//! Everything the guard looks at, loaded in one place and in one transaction.

use super::{
    answer::Quota,
    asked::Asked,
    pace::{NewChats, PaceFacts, Question},
    policy::content::{Score, fingerprint},
    request::{Draft, PurposeField, Request, Sender},
};
use crate::sending::{
    audience, insistence, judgements,
    message_ref::{self, EarlierMessage},
};
use crate::{
    connectors::{Address, Capabilities, Registry, new_chats::NewChatBar, templates::TemplateName},
    instances::templates::{self, KnownTemplate},
    model::{
        clock::Time,
        ids::{AccountId, ContactId},
        instance::ConnectorKind,
        phone::{Kinship, Recipient},
        plan::{Module, Period, PlanLimits, Zone},
        purpose::Purpose,
    },
    people::{
        conversations::{self, Contact, Identity, IdentityKind},
        suppression::{self, Erased},
    },
    store::{StoreError, Tx},
};
use rusqlite::{Row, params};
use std::time::Duration;

/// What the gates see. Pure values.
#[derive(Clone, PartialEq, Debug)]
pub struct Facts {
    /// The moment of judging.
    pub now: Time,
    /// The account's local day and month.
    pub period: Period,
    /// Whether the account has the module that this needs.
    pub module: ModuleStanding,
    /// What the plan in force (and grants) allow; none: no plan in force.
    pub limits: Option<PlanLimits>,
    /// What is used of it.
    pub usage: UsedQuota,
    /// The instance, if this sender may use it.
    pub instance: Option<InstanceFacts>,
    /// Where the message would go; none for a contact that cannot be reached.
    pub address: Option<Address>,
    /// The recipient, if known.
    pub contact: Option<Contact>,
    /// When they opened their conversation window with this instance last; none where the provider has no window.
    pub window_opened_at: Option<Time>,
    /// Why nothing may be sent to them.
    pub suppressed: Option<String>,
    /// The provider's id of the message that is answered, if it was found.
    pub reply_to: Option<String>,
    /// The message of the recipient's chat that this one is about, if it was found.
    pub about: Option<EarlierMessage>,
    /// What the counters say.
    pub pace: PaceFacts,
    /// Of the normalised text, with the recipient's name folded; 0: it has none that could be repeated.
    pub fingerprint: u64,
    /// What the content policy says.
    pub content: Score,
    /// How many people are a crowd for a soft text.
    pub crowd: u32,
    /// Whether the provider holds the template for a marketing template.
    pub is_marketing: bool,
    /// What is known of the message's template; none: it has none, or nothing is known of it.
    pub template: Option<KnownTemplate>,
}

/// Messages that were not given back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct UsedQuota {
    /// Of the local day.
    pub day: u64,
    /// Of the local month.
    pub month: u64,
}

/// How the account stands to a module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ModuleStanding {
    /// This way of sending needs none.
    NotNeeded,
    /// On its list and on.
    Enabled,
    /// Not on its list.
    NotInPlan(Module),
    /// On its list and off.
    Disabled(Module),
}

/// An instance, as the guard sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InstanceFacts {
    /// What its connector can do.
    pub capabilities: Capabilities,
    /// Why it is paused, when it is.
    pub paused: Option<String>,
    /// The template that its account offers where the recipient's window is closed.
    pub window_template: Option<TemplateName>,
    /// Whether its provider makes templates of texts that go outside the window.
    pub sends_directly: bool,
}

/// Everything that the gates ask for about this request.
pub(super) fn load(tx: &Tx<'_>, asked: &Asked<'_>, content: Score) -> Result<Facts, StoreError> {
    let Asked { shared, rules, sender, request, now } = *asked;
    let account = load_account(tx, sender, now)?;
    let period = account.zone.period(now);
    let usage = load_usage(tx, sender.account, &period)?;
    let instance = load_instance(tx, &shared.registry, sender, request)?;
    let (contact, address) = load_recipient(tx, sender.account, &request.recipient)?;
    let id = contact.as_ref().map(|c| c.id);
    let suppressed = suppressed(tx, &shared.erased, sender.account, id, address.as_ref())?;
    let has_window = instance.as_ref().is_some_and(|i| i.capabilities.window_24h);
    let window_opened_at = match id.filter(|_| has_window) {
        Some(contact) => conversations::window_opened_at(tx, &request.instance, contact)?,
        None => None,
    };
    let reply_to = message_ref::answered(tx, request, address.as_ref(), contact.as_ref())?;
    let about = message_ref::about(tx, sender.account, request, address.as_ref(), contact.as_ref())?;
    let name = contact.as_ref().and_then(|c| c.name.as_deref());
    let fingerprint = match &request.draft {
        // One thumb to many people is no text that was sent to many people, and neither is one that was taken back.
        Draft::Reaction { .. } | Draft::Change { text: None, .. } => 0,
        draft => name.map_or(content.fingerprint, |name| fingerprint(&draft.text(), &[name])),
    };
    let pace = match (&instance, &address) {
        (Some(_), Some(address)) => {
            let person = person_key(id, address);
            let ask = question(request, &person, fingerprint, contact.as_ref());
            let pace = shared.pace.facts(tx, &ask, rules, now)?;
            PaceFacts { new_chats: new_chats(tx, asked, &ask)?, bar: bar(asked, &ask), ..pace }
        }
        _ => PaceFacts::default(),
    };
    let audience = audience::of(tx, asked, contact.as_ref(), &pace, &content)?;
    let content = content.in_context(purpose_of(request), audience);
    let content = insistence::judge(tx, asked, (fingerprint, &pace), content)?;
    let content = judgements::as_allowed(tx, sender.account, (fingerprint, &request.draft.text()), content)?;
    let (is_marketing, template) = load_template(tx, request)?;
    Ok(Facts {
        now,
        period,
        module: account.module,
        limits: account.limits,
        usage,
        instance,
        address,
        contact,
        window_opened_at,
        suppressed,
        reply_to,
        about,
        pace,
        fingerprint,
        content,
        crowd: audience.crowd,
        is_marketing,
        template,
    })
}

/// How a number that was linked lately stands with its new chats, where this message begins one.
fn new_chats(tx: &Tx<'_>, asked: &Asked<'_>, ask: &Question<'_>) -> Result<Option<NewChats>, StoreError> {
    if !ask.stranger {
        return Ok(None);
    }
    let until_now = NewChats::so_far(tx, &asked.shared.registry, ask.instance, asked.now)?;
    Ok(until_now.map(|chats| NewChats { begun: chats.begun + 1, ..chats }))
}

/// That the provider bars new chats, where this message begins one, and for how long yet; it may be asked again within an
/// hour where no end is known.
fn bar(asked: &Asked<'_>, ask: &Question<'_>) -> Option<(NewChatBar, Duration)> {
    const UNKNOWN: Duration = Duration::from_secs(3600);
    let allowance = ask.stranger.then(|| asked.shared.registry.new_chats(ask.instance))??;
    let bar = allowance.bar()?;
    Some((bar, bar.until.map_or(UNKNOWN, |until| until.since(asked.now))))
}

/// Why it is sent; what is no purpose is refused by the gate "purpose".
const fn purpose_of(request: &Request) -> Purpose {
    match &request.purpose {
        PurposeField::Allowed(purpose) => *purpose,
        _ => Purpose::Transactional,
    }
}

impl Facts {
    /// `limits` with `more` messages used on top of what was counted.
    pub(super) fn quota(&self, limits: PlanLimits, more: u64) -> Quota {
        Quota {
            limits,
            day_used: self.usage.day + more,
            month_used: self.usage.month + more,
            period: self.period.clone(),
            at: self.now,
        }
    }
}

fn load_template(tx: &Tx<'_>, request: &Request) -> Result<(bool, Option<KnownTemplate>), StoreError> {
    let Draft::Template { name, language, .. } = &request.draft else { return Ok((false, None)) };
    let template = TemplateName { name: name.clone(), language: language.clone() };
    let is_marketing = templates::is_marketing(tx, &request.instance, &template)?;
    Ok((is_marketing, templates::find(tx, &request.instance, &template)?))
}

/// Why nothing may be sent to a person: they opted out or are blocked, a number that may be the same person's is, or they
/// were when they were erased. `address` is where the message would go.
pub(super) fn suppressed(
    tx: &Tx<'_>,
    erased: &Erased,
    account: AccountId,
    contact: Option<ContactId>,
    address: Option<&Address>,
) -> Result<Option<String>, StoreError> {
    if let Some(contact) = contact
        && let Some(why) = suppression::active(tx, contact)?
    {
        return Ok(Some(why));
    }
    let Some(address) = address else { return Ok(None) };
    let other = match address {
        Address::Phone(phone) => phone.other_form(),
        _ => None,
    };
    if let Some((relative, Kinship::Perhaps)) = &other
        && let Some(contact) = conversations::find(tx, account, &Identity::phone(relative.as_str()))?
        && let Some(why) = suppression::active(tx, contact.id)?
    {
        return Ok(Some(format!("{why}, said by another number that may be the same person's")));
    }
    let (own, other) = (address.to_string(), other.map(|(other, _)| other.to_string()));
    let names: Vec<&str> = [Some(own.as_str()), other.as_deref()].into_iter().flatten().collect();
    erased.active(tx, account, kind_of(address).as_str(), &names)
}

/// One word for a person, whatever they are written to under, to count by: their contact, or the address of somebody who
/// is not known yet.
pub(super) fn person_key(contact: Option<ContactId>, address: &Address) -> String {
    contact.map_or_else(|| address.to_string(), |id| format!("contact:{id}"))
}

/// What the counters are asked about a request.
pub(super) fn question<'a>(
    request: &'a Request,
    person: &'a str,
    fingerprint: u64,
    contact: Option<&Contact>,
) -> Question<'a> {
    let purpose = match &request.purpose {
        PurposeField::Allowed(purpose) => Some(*purpose),
        _ => None,
    };
    // A group is nobody who could be strange to the account: somebody put it there.
    let is_group = matches!(request.recipient, Recipient::Group(_));
    let stranger = !is_group && contact.is_none_or(Contact::is_stranger);
    Question { instance: &request.instance, person, purpose, fingerprint, stranger }
}

/// By what kind of name an address knows a person.
pub(super) const fn kind_of(address: &Address) -> IdentityKind {
    match address {
        Address::Phone(_) => IdentityKind::Phone,
        Address::Lid(_) => IdentityKind::Lid,
        Address::Bsuid(_) => IdentityKind::Bsuid,
        Address::Group(_) => IdentityKind::Other,
    }
}

struct AccountFacts {
    zone: Zone,
    limits: Option<PlanLimits>,
    module: ModuleStanding,
}

fn load_account(tx: &Tx<'_>, sender: &Sender, now: Time) -> Result<AccountFacts, StoreError> {
    let module = sender.module.map(Module::as_str);
    tx.one(
        "SELECT a.timezone, a.next_timezone, a.next_timezone_from, a.plan_until, coalesce(g.daily, p.daily),
                coalesce(g.monthly, p.monthly), m.enabled
         FROM accounts a
         LEFT JOIN plans p ON p.id = a.plan AND a.disabled_at IS NULL
         LEFT JOIN account_modules m ON m.account_id = a.id AND m.module = ?2
         LEFT JOIN granted_limits g ON p.id IS NOT NULL AND g.id = (SELECT max(id) FROM granted_limits
             WHERE account_id = a.id AND withdrawn_at IS NULL AND (until IS NULL OR until > ?3))
         WHERE a.id = ?1",
        params![sender.account, module, now],
        |r| read_account(r, sender.module, now),
    )
}

fn read_account(r: &Row<'_>, module: Option<Module>, now: Time) -> rusqlite::Result<AccountFacts> {
    let zone = Zone::stored(r.get(0)?, r.get::<_, Option<String>>(1)?.zip(r.get(2)?));
    let in_force = r.get::<_, Option<Time>>(3)?.is_none_or(|until| until > now);
    let figures = r.get::<_, Option<u64>>(4)?.zip(r.get::<_, Option<u64>>(5)?);
    let limits = figures.filter(|_| in_force).map(|(daily, monthly)| PlanLimits { daily, monthly });
    let module = match (module, r.get::<_, Option<bool>>(6)?) {
        (None, _) => ModuleStanding::NotNeeded,
        (Some(_), Some(true)) => ModuleStanding::Enabled,
        (Some(module), Some(false)) => ModuleStanding::Disabled(module),
        (Some(module), None) => ModuleStanding::NotInPlan(module),
    };
    Ok(AccountFacts { zone, limits, module })
}

/// How the account stands to its plan and the module that this sender needs.
pub(super) fn load_standing(
    tx: &Tx<'_>,
    sender: &Sender,
    now: Time,
) -> Result<(ModuleStanding, Option<PlanLimits>), StoreError> {
    load_account(tx, sender, now).map(|account| (account.module, account.limits))
}

/// The account's limits as they stand, for an answer that is given before anything else is asked.
pub(super) fn load_quota(tx: &Tx<'_>, sender: &Sender, now: Time) -> Result<Option<Quota>, StoreError> {
    let account = load_account(tx, sender, now)?;
    let period = account.zone.period(now);
    let used = load_usage(tx, sender.account, &period)?;
    Ok(account.limits.map(|limits| Quota { limits, day_used: used.day, month_used: used.month, period, at: now }))
}

/// The account's in this period.
fn load_usage(tx: &Tx<'_>, account: AccountId, period: &Period) -> Result<UsedQuota, StoreError> {
    tx.one(
        "SELECT coalesce((SELECT counted FROM usage_days WHERE account_id = ?1 AND day = ?2), 0),
                coalesce((SELECT counted FROM usage_months WHERE account_id = ?1 AND month = ?3), 0)",
        params![account, period.day, period.month],
        |r| Ok(UsedQuota { day: r.get(0)?, month: r.get(1)? }),
    )
}

/// The instance, if it is the account's, and the key's: not outside a key's list, not live for a test key. The key is
/// looked at again here: it may have been revoked since the request was let in. What it put in while it was good, and what
/// has waited since, is the account's: a key that is replaced takes no reminders along.
fn load_instance(
    tx: &Tx<'_>,
    registry: &Registry,
    sender: &Sender,
    request: &Request,
) -> Result<Option<InstanceFacts>, StoreError> {
    let (id, has_waited) = (&request.instance, request.message_id.is_some());
    let found = tx.find(
        "SELECT i.connector, i.paused_at IS NOT NULL, coalesce(i.pause_reason, '') FROM instances i
         WHERE i.id = ?1 AND i.account_id = ?2 AND i.deleted_at IS NULL
           AND (?3 IS NULL OR EXISTS (
             SELECT 1 FROM api_keys k WHERE k.id = ?3 AND (k.revoked_at IS NULL OR ?4)
               AND (k.is_test = 0 OR i.connector = 'sandbox')
               AND (NOT EXISTS (SELECT 1 FROM api_key_instances x WHERE x.key_id = k.id)
                    OR EXISTS (SELECT 1 FROM api_key_instances x WHERE x.key_id = k.id AND x.instance_id = i.id))))",
        params![id, sender.account, sender.key, has_waited],
        |r| Ok((r.get::<_, ConnectorKind>(0)?, r.get::<_, bool>(1)?, r.get::<_, String>(2)?)),
    )?;
    Ok(found.map(|(_, paused, reason)| InstanceFacts {
        capabilities: registry.capabilities(id).unwrap_or_default(),
        paused: paused.then_some(reason),
        window_template: registry.window_template(id),
        sends_directly: registry.sends_directly(id),
    }))
}

fn load_recipient(
    tx: &Tx<'_>,
    account: AccountId,
    recipient: &Recipient,
) -> Result<(Option<Contact>, Option<Address>), StoreError> {
    match recipient {
        Recipient::Phone(phone) => {
            let contact = conversations::find(tx, account, &Identity::phone(phone.as_str()))?;
            Ok((contact, Some(Address::Phone(phone.clone()))))
        }
        Recipient::Group(id) => Ok((None, Some(Address::Group(id.clone())))),
        Recipient::Contact(id) => match conversations::find_by_id(tx, account, *id)? {
            None => Ok((None, None)),
            Some((contact, identities)) => Ok((Some(contact), conversations::address_of(&identities))),
        },
    }
}
