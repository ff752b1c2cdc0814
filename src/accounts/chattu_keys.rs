//! Keys of the Chattu dialect: client keys, which are shown again, and account keys, which their holder renews himself.
//!
//! A client key is good for one instance. The dialect's documents show it more than once, and send it with every event,
//! so it is kept sealed beside its hash. An account key is kept as a hash alone.

use super::{AccountError, Accounts, KeyAddresses, KeyKind, KeyScopes, NewKey, Role, User, key, user};
use crate::{
    model::{
        clock::Time,
        ids::{AccountId, InstanceId, KeyId},
        moment::Moment,
        purpose::Purpose,
        random::Random,
    },
    store::{StoreError, Tx, Vault, WriteTx},
};
use rusqlite::params;

/// What a client key is sealed for.
const SEALED_FOR: &str = "client_key";

impl Accounts {
    /// The client key of an instance of the account, made where there is none in force.
    ///
    /// # Errors
    /// The instance is not the account's.
    pub async fn client_key(&self, account: AccountId, instance: &InstanceId) -> Result<String, AccountError> {
        let (vault, wanted) = (self.vault.clone(), instance.clone());
        let now = self.clock.now();
        if let Some(text) = self.store.read(move |tx| open(tx, &vault, account, &wanted, now)).await? {
            return Ok(text);
        }
        let (vault, wanted, random) = (self.vault.clone(), instance.clone(), self.random.clone());
        let text = self.store.write(move |tx| make(tx, &vault, account, &wanted, Moment::new(now, &*random))).await?;
        self.refresh_ring().await?;
        Ok(text)
    }

    /// Ends an account key and makes its successor, with the same name, purpose and addresses; its text is returned here alone.
    ///
    /// # Errors
    /// The key is revoked already.
    pub async fn renew_key(&self, id: KeyId, actor: &str) -> Result<String, AccountError> {
        let (now, actor, random) = (self.clock.now(), actor.to_owned(), self.random.clone());
        let text = self.store.write(move |tx| renew(tx, id, now, &*random, &actor)).await?;
        self.refresh_ring().await?;
        Ok(text)
    }

    /// Says why messages of a key are sent whose request does not say. In force when this returns.
    ///
    /// # Errors
    /// No such key of the dialect.
    pub async fn set_key_purpose(&self, id: KeyId, purpose: Purpose, actor: &str) -> Result<(), AccountError> {
        let (now, actor) = (self.clock.now(), actor.to_owned());
        let done = self.store.write(move |tx| {
            let sql = "UPDATE api_keys SET purpose = ?2 WHERE id = ?1 AND kind = 'chattu' AND revoked_at IS NULL
                       RETURNING account_id";
            match tx.find(sql, params![id, purpose.as_str()], |r| r.get::<_, AccountId>(0))? {
                None => Err(AccountError::NotFound(format!("there is no key {id} of the Chattu dialect"))),
                Some(account) => key::record(tx, (now, &actor), account, "key.purpose", (id, purpose.as_str())),
            }
        });
        done.await?;
        Ok(self.refresh_ring().await?)
    }

    /// Ends the client keys of an instance that was deleted. In force when this returns.
    pub async fn end_client_keys(&self, instance: &InstanceId) -> Result<(), StoreError> {
        let (now, instance) = (self.clock.now(), instance.clone());
        self.store.write(move |tx| end(tx, &instance, now)).await?;
        self.refresh_ring().await
    }

    /// The people of an account, its owners first.
    pub async fn people(&self, account: AccountId) -> Result<Vec<User>, AccountError> {
        let mut all = self.store.read(user::list).await?;
        all.retain(|user| user.account_id == Some(account));
        all.sort_by_key(|user| user.role != Role::Owner.as_str());
        Ok(all)
    }
}

fn open(
    tx: &Tx<'_>,
    vault: &Vault,
    account: AccountId,
    instance: &InstanceId,
    now: Time,
) -> Result<Option<String>, AccountError> {
    let sealed = tx.find(
        "SELECT k.sealed FROM api_keys k JOIN api_key_instances x ON x.key_id = k.id
         WHERE k.account_id = ?1 AND x.instance_id = ?2 AND k.kind = 'chattu' AND k.sealed IS NOT NULL
           AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ?3) ORDER BY k.id DESC LIMIT 1",
        params![account, instance, now],
        |r| r.get::<_, Vec<u8>>(0),
    )?;
    // One that cannot be opened any more (another master key) is replaced.
    Ok(sealed.and_then(|sealed| vault.unseal(SEALED_FOR, &sealed).ok()))
}

fn make(
    tx: &WriteTx<'_>,
    vault: &Vault,
    account: AccountId,
    instance: &InstanceId,
    moment: Moment<'_>,
) -> Result<String, AccountError> {
    let Moment { now, random, .. } = moment;
    // Two who ask at once get the same one.
    if let Some(text) = open(tx, vault, account, instance, now)? {
        return Ok(text);
    }
    let new = NewKey {
        account,
        name: format!("client {instance}"),
        instances: vec![instance.clone()],
        kind: KeyKind::Chattu,
        purpose: Purpose::Transactional,
        scopes: KeyScopes::SEND,
        addresses: KeyAddresses::default(),
        expires_at: None,
    };
    let (id, text) = key::create(tx, &new, now, random, "client key")?;
    tx.execute("UPDATE api_keys SET sealed = ?2 WHERE id = ?1", params![id, vault.seal(SEALED_FOR, &text)])?;
    Ok(text)
}

fn renew(tx: &WriteTx<'_>, id: KeyId, now: Time, random: &dyn Random, actor: &str) -> Result<String, AccountError> {
    let found = tx.find(
        "SELECT account_id, name, purpose, addresses FROM api_keys WHERE id = ?1 AND kind = 'chattu' AND revoked_at IS NULL",
        params![id],
        |r| Ok((r.get(0)?, r.get(1)?, r.get::<_, String>(2)?, r.get::<_, String>(3)?)),
    )?;
    let Some((account, name, purpose, addresses)) = found else {
        return Err(AccountError::NotFound(format!("there is no key {id}")));
    };
    let purpose = Purpose::parse(&purpose).unwrap_or(Purpose::Transactional);
    // One whose list cannot be read is good from nowhere, and neither is its successor.
    let addresses =
        KeyAddresses::from_text(&addresses).ok_or_else(|| AccountError::NotFound(format!("there is no key {id}")))?;
    let new = NewKey {
        account,
        name,
        instances: Vec::new(),
        kind: KeyKind::Chattu,
        purpose,
        scopes: KeyScopes::SEND,
        addresses,
        expires_at: None,
    };
    let (_, text) = key::create(tx, &new, now, random, actor)?;
    key::revoke(tx, id, now, actor)?;
    Ok(text)
}

fn end(tx: &WriteTx<'_>, instance: &InstanceId, now: Time) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE api_keys SET revoked_at = ?2 WHERE kind = 'chattu' AND sealed IS NOT NULL AND revoked_at IS NULL
           AND id IN (SELECT key_id FROM api_key_instances WHERE instance_id = ?1)",
        params![instance, now],
    )
    .map(drop)
}
