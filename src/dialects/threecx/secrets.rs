//! Integrations' secrets: made, sealed, opened for proving requests, and given to the endpoint that forwards what comes
//! in.

use super::{
    ThreecxError,
    integration::{Integration, IntegrationId, all, by_id},
    settings::{Mode, Settings},
};
use crate::{
    events::webhooks::{
        EventName,
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
        (Some(url), endpoint) => {
            let opened = open(tx, &integration, vault)?;
            let managed = endpoint_of(&integration, &opened, url.clone());
            match endpoint {
                Some(endpoint) => managed::update(tx, endpoint, &managed, vault, now).map(|()| Some(endpoint))?,
                None => Some(managed::create(tx, &managed, vault, now)?),
            }
        }
    };
    tx.execute("UPDATE threecx_integrations SET endpoint_id = ?2 WHERE id = ?1", params![id, endpoint])?;
    Ok(())
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
