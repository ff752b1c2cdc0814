//! Integrations' secrets: made, sealed, opened for proving requests, and given to the endpoint that forwards what comes
//! in.

use super::{
    ThreecxError,
    integration::{Integration, IntegrationId, all, by_id},
    settings::{Mode, Settings},
};
use crate::{
    events::webhooks::{
        EventName, address,
        managed::{self, Format, Managed},
        signature::Secret,
    },
    model::{
        clock::Time,
        ids::AccountId,
        plan::Module,
        random::{Random, base62},
        why::why,
    },
    store::{StoreError, Tx, Vault, WriteTx},
};
use rusqlite::params;

/// The header that carries an integration's secret, both ways; in lower case.
pub const SECRET_HEADER: &str = "x-whatsapp-gateway-3cx-secret";
/// What secrets are sealed for.
pub(super) const SECRET: &str = "3cx_secret";
pub(super) const SIGNING: &str = "3cx_signing_secret";

/// The secrets of an integration: shown once, when they are made.
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets {
    /// For the secret's header, Bearer and Basic.
    pub secret: String,
    /// For signatures.
    pub signing: String,
}

impl Secrets {
    pub fn new(random: &dyn Random) -> Self {
        Self { secret: format!("wg3cx_{}", base62(random, 40)), signing: Secret::new(random).as_str().to_owned() }
    }
}

/// Sealed secrets, opened: the ones in force, and those before them with their end.
pub(super) struct OpenSecrets {
    pub(super) id: IntegrationId,
    pub(super) account: AccountId,
    pub(super) settings: Settings,
    pub(super) secrets: Secrets,
    pub(super) previous: Option<(Secrets, Time)>,
}

/// Everything that requests are authenticated by.
pub(super) fn opened(tx: &Tx<'_>, vault: &Vault) -> Result<Vec<OpenSecrets>, StoreError> {
    let mut found = Vec::new();
    for integration in all(tx)? {
        match open(tx, &integration, vault) {
            Ok(opened) => found.push(opened),
            // Its requests fail like those of an unknown one; the others work.
            Err(e) => tracing::error!(integration = %integration.id, "{e}"),
        }
    }
    Ok(found)
}

fn open(tx: &Tx<'_>, integration: &Integration, vault: &Vault) -> Result<OpenSecrets, ThreecxError> {
    let id = &integration.id;
    let (secret, signing, previous) = tx.one(
        "SELECT secret, signing_secret, previous_secret, previous_signing, previous_until
         FROM threecx_integrations WHERE id = ?1",
        params![id],
        |r| {
            let previous = r.get::<_, Option<Vec<u8>>>(2)?.zip(r.get::<_, Option<Vec<u8>>>(3)?);
            Ok((r.get::<_, Vec<u8>>(0)?, r.get::<_, Vec<u8>>(1)?, previous.zip(r.get::<_, Option<Time>>(4)?)))
        },
    )?;
    let unsealed = |purpose: &str, sealed: &[u8]| {
        vault.unseal(purpose, sealed).map_err(|e| ThreecxError::Invalid(why!("sealed", "{e}", e = e)))
    };
    let secrets = |secret: &[u8], signing: &[u8]| {
        Ok::<_, ThreecxError>(Secrets { secret: unsealed(SECRET, secret)?, signing: unsealed(SIGNING, signing)? })
    };
    let previous =
        previous.map(|((secret, signing), until)| Ok::<_, ThreecxError>((secrets(&secret, &signing)?, until)));
    Ok(OpenSecrets {
        id: id.clone(),
        account: integration.account_id,
        settings: integration.settings.clone(),
        secrets: secrets(&secret, &signing)?,
        previous: previous.transpose()?,
    })
}

/// Brings the integration's endpoint to what its settings say: made, changed or taken away.
pub(super) fn forward(tx: &WriteTx<'_>, id: &IntegrationId, vault: &Vault, now: Time) -> Result<(), ThreecxError> {
    let integration = by_id(tx, id)?;
    let settings = &integration.settings;
    let wanted = settings.destination_url.as_ref().filter(|_| settings.enabled && settings.inbound);
    let endpoint = match (wanted, integration.endpoint_id) {
        (None, None) => None,
        (None, Some(endpoint)) => {
            managed::delete(tx, endpoint, now)?;
            None
        }
        (Some(_), endpoint) => {
            let opened = open(tx, &integration, vault)?;
            let url = destination(tx, id, vault)?;
            let managed = endpoint_of(&integration, &opened, url);
            match endpoint {
                Some(endpoint) => managed::update(tx, endpoint, &managed, vault, now).map(|()| Some(endpoint))?,
                None => Some(managed::create(tx, &managed, vault, now)?),
            }
        }
    };
    tx.execute("UPDATE threecx_integrations SET endpoint_id = ?2 WHERE id = ?1", params![id, endpoint])?;
    Ok(())
}

/// Seals the addresses that an earlier version kept in the clear.
pub(super) fn seal_old(tx: &WriteTx<'_>, vault: &Vault) -> Result<(), StoreError> {
    for (id, url) in in_the_clear(tx)? {
        let (shown, whole) = address::sealed(&url, vault);
        let sql = "UPDATE threecx_integrations SET destination_url = ?2, sealed_destination = ?3 WHERE id = ?1";
        tx.execute(sql, params![id, shown, whole])?;
        address::hide(tx, &url, &shown)?;
    }
    Ok(())
}

/// The addresses that are not sealed and should be.
pub(super) fn in_the_clear(tx: &Tx<'_>) -> Result<Vec<(String, String)>, StoreError> {
    let sql = "SELECT id, destination_url FROM threecx_integrations
               WHERE sealed_destination IS NULL AND destination_url IS NOT NULL";
    let mut all = tx.list(sql, [], |r| Ok((r.get(0)?, r.get::<_, String>(1)?)))?;
    all.retain(|(_, url)| address::shown(url) != *url);
    Ok(all)
}

/// Where the integration's messages go, whole.
fn destination(tx: &Tx<'_>, id: &IntegrationId, vault: &Vault) -> Result<String, ThreecxError> {
    let sql = "SELECT coalesce(destination_url, ''), sealed_destination FROM threecx_integrations WHERE id = ?1";
    let (shown, sealed) =
        tx.one(sql, params![id], |r| Ok((r.get::<_, String>(0)?, r.get::<_, Option<Vec<u8>>>(1)?)))?;
    address::whole(shown, sealed.as_deref(), vault).map_err(|e| ThreecxError::Invalid(why!("sealed", "{e}", e = e)))
}

fn endpoint_of(integration: &Integration, opened: &OpenSecrets, url: String) -> Managed {
    Managed {
        account: integration.account_id,
        instance: integration.settings.instance.clone(),
        url,
        events: vec![EventName::MessageReceived],
        format: match integration.settings.mode {
            Mode::Event => Format::Event,
            Mode::Sms => Format::Sms,
        },
        sms_number: integration.settings.trunk_number.as_ref().map(ToString::to_string),
        secret: Secret::from_text(opened.secrets.signing.clone()),
        headers: [(SECRET_HEADER.to_owned(), opened.secrets.secret.clone())].into(),
        managed_by: format!("3cx:{}", integration.id),
        module: Module::ThreeCx.as_str(),
    }
}
