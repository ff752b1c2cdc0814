//! Customers of the gateway: accounts, plans, modules, the people who log in, API keys, and who changed what.
//!
//! Rules: an email belongs to one person; a key is shown once and kept as a hash; every change writes its audit row in
//! the same transaction. Answers to "may this key send?" are given by `sending` from facts; this slice only says whose
//! key it is ([`KeyCache`]).
//!
//! It knows nothing of messages, numbers, providers or HTTP.

mod account;
pub mod audit;
mod chattu_keys;
mod key;
mod key_addresses;
mod key_cache;
mod key_scope;
mod limits;
mod login;
mod login_throttle;
pub mod notices;
mod own_security;
mod password;
mod people;
mod registration;
pub mod scope;
mod second_factor;
mod session;
mod setup;
pub mod totp;
pub mod usage;
mod user;

pub use account::{Account, Grant, NewAccount, Update, list as list_accounts};
pub use key::{ApiKey, KeyKind, NewKey, has_key, instances_of as key_instances, list as list_keys, note_key_use};
pub use key_addresses::KeyAddresses;
pub use key_cache::{Caller, DialectCaller, KeyCache, KeyProblem};
pub use key_scope::{KeyScope, KeyScopes};
pub use limits::{Granted, LimitDecision, LimitRequest, WantedLimits, list_grants, list_requests};
pub use login::{LoggedIn, LoginError, LoginStep, session_number};
pub use login_throttle::{DEVICE_KNOWN_FOR, Guesser};
pub use own_security::{OwnSecurity, OwnSession};
pub use password::{PasswordError, Passwords, Queue};
pub use people::{Person, list as list_people};
pub use scope::Scope;
pub use session::Session;
pub use setup::FirstUser;
pub use user::{AccountOwner, LinkPurpose, NewUser, OneTimeLink, Role, User, list_owners};

use crate::{
    model::{
        clock::Clock,
        ids::{AccountId, KeyId, UserId},
        moment::Moment,
        random::Random,
        why::{Why, why},
    },
    store::{Store, StoreError, Vault},
};
use std::{net::IpAddr, sync::Arc};

/// What can go wrong here; each text says what would be right.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// No such thing.
    #[error("{0}")]
    NotFound(String),
    /// Input that cannot be taken.
    #[error("{0}")]
    Invalid(Why),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<crate::model::plan::UnknownZone> for AccountError {
    fn from(e: crate::model::plan::UnknownZone) -> Self {
        Self::Invalid(why!(
            "zone_unknown",
            "{name:?} is no time zone: use a name of the IANA database, such as Asia/Riyadh or Europe/Berlin",
            name = e.0
        ))
    }
}

impl From<PasswordError> for AccountError {
    fn from(e: PasswordError) -> Self {
        Self::Invalid(e.why())
    }
}

/// The slice's door: each method is one transaction, after which the key ring is up to date.
pub struct Accounts {
    store: Store,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    ring: Arc<KeyCache>,
    vault: Vault,
    throttle: login_throttle::LoginThrottle,
    tickets: login::PendingLogins,
    /// Hashing and checking passwords, bounded.
    pub passwords: Passwords,
}

impl Accounts {
    /// The slice over `store`, with its key ring filled.
    pub async fn open(
        store: Store,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        vault: Vault,
    ) -> Result<Self, StoreError> {
        let accounts = Self {
            store,
            clock,
            random,
            ring: Arc::default(),
            throttle: login_throttle::LoginThrottle::new(&vault),
            vault,
            tickets: login::PendingLogins::default(),
            passwords: Passwords::new(),
        };
        accounts.refresh_ring().await?;
        Ok(accounts)
    }

    /// Who holds which key.
    pub fn ring(&self) -> &Arc<KeyCache> {
        &self.ring
    }

    /// Makes an account.
    ///
    /// # Errors
    /// An empty name, a zone or region that does not exist.
    pub async fn create_account(&self, new: NewAccount, actor: &str) -> Result<AccountId, AccountError> {
        let (now, actor) = (self.clock.now(), actor.to_owned());
        self.store.write(move |tx| account::create(tx, &new, now, &actor)).await
    }

    /// Changes an account.
    ///
    /// # Errors
    /// An unknown account, or a value that cannot be taken; then nothing is changed.
    pub async fn update_account(&self, id: AccountId, update: Update, actor: &str) -> Result<Account, AccountError> {
        let (now, actor) = (self.clock.now(), actor.to_owned());
        let account = self.store.write(move |tx| account::update(tx, id, &update, now, &actor)).await?;
        self.refresh_ring().await?;
        Ok(account)
    }

    /// Switches an account off, or on again; in force when this returns.
    ///
    /// # Errors
    /// No such account.
    pub async fn set_account_disabled(
        &self,
        id: AccountId,
        disabled: bool,
        actor: &str,
    ) -> Result<Account, AccountError> {
        let (now, actor) = (self.clock.now(), actor.to_owned());
        self.store.write(move |tx| account::set_disabled(tx, id, disabled, now, &actor)).await
    }

    pub async fn list_accounts(&self) -> Result<Vec<Account>, AccountError> {
        let now = self.clock.now();
        self.store.read(move |tx| account::list(tx, now)).await
    }

    /// One account.
    ///
    /// # Errors
    /// No such one.
    pub async fn find_account(&self, id: AccountId) -> Result<Account, AccountError> {
        let now = self.clock.now();
        self.store.read(move |tx| account::find(tx, id, now)).await
    }

    /// Makes an API key; its text is returned here and never again.
    ///
    /// # Errors
    /// An unknown account, an instance that is not its own.
    pub async fn create_key(&self, new: NewKey, actor: &str) -> Result<(KeyId, String), AccountError> {
        let (now, actor, random) = (self.clock.now(), actor.to_owned(), self.random.clone());
        let made = self.store.write(move |tx| key::create(tx, &new, now, &*random, &actor)).await?;
        self.refresh_ring().await?;
        Ok(made)
    }

    /// The keys of an account, without their texts.
    pub async fn list_keys(&self, account: AccountId) -> Result<Vec<ApiKey>, AccountError> {
        self.store.read(move |tx| key::list(tx, account)).await
    }

    /// Ends a key for good. In force when this returns.
    ///
    /// # Errors
    /// An unknown key.
    pub async fn revoke_key(&self, id: KeyId, actor: &str) -> Result<(), AccountError> {
        let (now, actor) = (self.clock.now(), actor.to_owned());
        self.store.write(move |tx| key::revoke(tx, id, now, &actor)).await?;
        Ok(self.refresh_ring().await?)
    }

    /// Makes a user; `password_hash` is a PHC string of [`Passwords::hash`].
    ///
    /// # Errors
    /// An email that is none or is taken, an unknown account.
    pub async fn create_user(&self, new: NewUser, actor: &str) -> Result<UserId, AccountError> {
        let (now, actor) = (self.clock.now(), actor.to_owned());
        self.store.write(move |tx| user::create(tx, &new, now, &actor)).await
    }

    pub async fn list_users(&self) -> Result<Vec<User>, AccountError> {
        self.store.read(user::list).await
    }

    /// A new one-time link for the user with this email; earlier ones of the same purpose end.
    ///
    /// # Errors
    /// No such user.
    pub async fn create_link(
        &self,
        email: &str,
        purpose: LinkPurpose,
        actor: &str,
    ) -> Result<OneTimeLink, AccountError> {
        let (now, actor, random) = (self.clock.now(), actor.to_owned(), self.random.clone());
        let email = email.to_owned();
        self.store.write(move |tx| user::create_link(tx, &email, purpose, Moment::new(now, &*random), &actor)).await
    }

    /// Uses up a login link: a session for its user. `from` is kept in the audit.
    ///
    /// # Errors
    /// A link that is unknown, used or out of time: all told alike.
    pub async fn redeem_login(&self, token: &str, user_agent: &str, from: IpAddr) -> Result<OneTimeLink, AccountError> {
        let (now, random) = (self.clock.now(), self.random.clone());
        let (token, agent) = (token.to_owned(), user_agent.to_owned());
        self.store.write(move |tx| user::redeem_login(tx, &token, &agent, from, Moment::new(now, &*random))).await
    }

    /// The session behind a cookie's token, if it is in force.
    pub async fn session(&self, token: &str) -> Result<Option<Session>, StoreError> {
        let (now, token) = (self.clock.now(), token.to_owned());
        self.store.read(move |tx| Session::find(tx, &token, now)).await
    }

    /// Deletes sessions and links that have run out; returns how many.
    pub async fn expire_sessions(&self) -> Result<usize, AccountError> {
        let now = self.clock.now();
        self.store.write(move |tx| user::expire(tx, now)).await
    }

    async fn refresh_ring(&self) -> Result<(), StoreError> {
        let entries = self.store.read(key_cache::load).await?;
        self.ring.replace(entries);
        Ok(())
    }
}
