//! What a provider's answer or receipt tells about the person behind an address: the names by which it knows them.
//!
//! WhatsApp spells the numbers of some countries in its own way and has hidden ids beside them. Each name that is told
//! becomes one of the person who was written to, in the transaction of its cause and in any order: whoever opted out
//! under one of them has opted out under all. A number of another country than the one that was asked for is nobody's
//! other name: the message went astray, and the owner is told.

use crate::{
    accounts::notices::{self, NoticeKind},
    connectors::{Address, inbound_event::RemoteParty},
    model::{
        clock::Time,
        ids::{AccountId, InstanceId},
        phone::Phone,
    },
    people::{
        conversations::{self, Identified, Identity},
        suppression::Erased,
    },
    store::{StoreError, WriteTx},
};
use rusqlite::params;
use serde_json::json;

/// Who heard it, and when.
#[derive(Clone, Copy)]
pub struct Learning<'a> {
    /// Suppressions of people who were erased: they follow the person's names.
    pub erased: &'a Erased,
    pub account: AccountId,
    /// Which instance heard it.
    pub instance: &'a InstanceId,
    pub now: Time,
}

impl Learning<'_> {
    /// The provider knows by `names` whomever we write to under `asked`. Nobody becomes a contact by this. Says whether
    /// two contacts became one: then what counts by contact is to be counted anew.
    pub fn recipient(&self, tx: &WriteTx<'_>, asked: &Address, names: &RemoteParty) -> Result<bool, StoreError> {
        if matches!(asked, Address::Group(_)) {
            return Ok(false);
        }
        let asked_name = Identity::of(&asked.to_string());
        let told = Identity::all_of(names);
        if told.iter().all(|name| *name == asked_name) {
            return Ok(false);
        }
        if let (Address::Phone(asked), Some(told)) = (asked, names.phone.as_deref().and_then(Phone::known))
            && asked.calling_code() != told.calling_code()
        {
            self.tell_of_stranger(tx, asked, &told)?;
            return Ok(false);
        }
        if conversations::find(tx, self.account, &asked_name)?.is_none() {
            return Ok(false);
        }
        let others = told.into_iter().filter(|name| *name != asked_name);
        let all: Vec<Identity> = std::iter::once(asked_name.clone()).chain(others).collect();
        Ok(self.person(tx, &all)?.is_some_and(|person| person.has_merged))
    }

    /// All of `names` are one person's: the contact behind them, added where none of them is known. What was kept of
    /// an erased person under one of them holds under each.
    pub fn person(&self, tx: &WriteTx<'_>, names: &[Identity]) -> Result<Option<Identified>, StoreError> {
        let person = conversations::identify(tx, self.account, names, self.now)?;
        if person.is_some_and(|person| person.has_learnt) {
            self.spread(tx, names)?;
        }
        Ok(person)
    }

    /// What was kept of an erased person under one of `names` holds under each, whether or not they are known again.
    pub fn spread(&self, tx: &WriteTx<'_>, names: &[Identity]) -> Result<(), StoreError> {
        let twins: Vec<Identity> = names.iter().filter_map(Identity::twin).collect();
        let all: Vec<(&str, &str)> =
            names.iter().chain(&twins).map(|name| (name.kind.as_str(), name.value.as_str())).collect();
        if all.len() < 2 {
            return Ok(());
        }
        self.erased.spread(tx, self.account, &all)
    }

    fn tell_of_stranger(&self, tx: &WriteTx<'_>, asked: &Phone, told: &Phone) -> Result<(), StoreError> {
        let sql = "SELECT name FROM instances WHERE id = ?1";
        let name = tx.find(sql, params![self.instance], |r| r.get::<_, String>(0))?.unwrap_or_default();
        let parameters =
            json!({"name": name, "instance": self.instance, "asked": asked.masked(), "told": told.masked()});
        let notice = (NoticeKind::SentAbroad, self.instance.as_str());
        notices::clear(tx, Some(self.account), notice.0, notice.1, self.now)?;
        notices::raise(tx, Some(self.account), notice, &parameters, self.now)
    }
}
