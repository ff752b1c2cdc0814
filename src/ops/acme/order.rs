//! One certificate from an authority (RFC 8555): account, order, proofs, certificate. Time-outs are the protocol
//! crate's and egress's own; when it is tried again is `mod.rs`'s business.

use super::{AcmeError, Challenges, Settings, client::AcmeClient};
use crate::{config::AcmeChallenge, egress::Egress};
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Identifier, NewAccount, NewOrder, Order,
    OrderStatus, RetryPolicy,
};
use serde::{Deserialize, Serialize};
use std::{fs, path::Path};

/// A certificate and its key, in PEM.
pub(super) struct Issued {
    pub(super) chain: String,
    pub(super) key: String,
}

/// The account as it is kept. One of another directory is no use: authorities do not share them.
#[derive(Serialize, Deserialize)]
struct Kept {
    directory: String,
    credentials: AccountCredentials,
}

/// RFC 8555, 6.7.
const FORGOTTEN: &str = ":accountDoesNotExist";

/// Gets a certificate for all of the names.
pub(super) async fn issue(
    settings: &Settings,
    egress: &Egress,
    account_file: &Path,
    challenges: &Challenges,
) -> Result<Issued, AcmeError> {
    let account = account(settings, egress, account_file).await?;
    let names: Vec<Identifier> = settings.domains.iter().cloned().map(Identifier::Dns).collect();
    let mut order = match account.new_order(&NewOrder::new(&names)).await {
        // Test authorities forget. The next try makes a new account.
        Err(instant_acme::Error::Api(problem)) if problem.r#type.as_deref().is_some_and(|t| t.ends_with(FORGOTTEN)) => {
            let _ = fs::remove_file(account_file);
            return Err(AcmeError::Authority("it does not know our account any more; the next try makes one".into()));
        }
        order => order?,
    };
    let _cleared = Cleared(challenges);
    // An authority may have looked, and found nothing, before it answers that it is going to look.
    if let Err(e) = prove(&mut order, settings.challenge, challenges).await {
        return Err(reasons_or(&mut order, settings, e).await);
    }
    match order.poll_ready(&RetryPolicy::default()).await {
        Ok(OrderStatus::Ready) => {}
        Ok(_) => return Err(reasons_or(&mut order, settings, AcmeError::Refused("it does not say why".into())).await),
        Err(instant_acme::Error::Api(problem)) => {
            return Err(reasons_or(&mut order, settings, AcmeError::Refused(problem.to_string())).await);
        }
        // Some authorities leave the order pending when a proof failed (RFC 8555, 7.1.6, says otherwise): the reason
        // stands with the proof.
        Err(e @ instant_acme::Error::Timeout(_)) => return Err(reasons_or(&mut order, settings, e.into()).await),
        Err(e) => return Err(e.into()),
    }
    let key = order.finalize().await?;
    let chain = order.poll_certificate(&RetryPolicy::default()).await?;
    Ok(Issued { chain, key })
}

/// Proofs are shown no longer than the order takes, however it ends.
struct Cleared<'a>(&'a Challenges);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        self.0.clear();
    }
}

async fn account(settings: &Settings, egress: &Egress, file: &Path) -> Result<Account, AcmeError> {
    let client = || Box::new(AcmeClient(egress.clone()));
    let kept = fs::read(file).ok().and_then(|text| serde_json::from_slice::<Kept>(&text).ok());
    if let Some(kept) = kept.filter(|kept| kept.directory == settings.directory) {
        return Ok(Account::builder_with_http(client()).from_credentials(kept.credentials).await?);
    }
    let contact = format!("mailto:{}", settings.email);
    let contacts = [contact.as_str()];
    let new = NewAccount {
        contact: if settings.email.is_empty() { &[] } else { &contacts },
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let (account, credentials) =
        Account::builder_with_http(client()).create(&new, settings.directory.clone(), None).await?;
    let kept = Kept { directory: settings.directory.clone(), credentials };
    let text = serde_json::to_string(&kept).map_err(|e| AcmeError::Authority(e.to_string()))?;
    super::write(file, &text)?;
    Ok(account)
}

async fn prove(order: &mut Order, how: AcmeChallenge, challenges: &Challenges) -> Result<(), AcmeError> {
    let kind = || match how {
        AcmeChallenge::TlsAlpn01 => ChallengeType::TlsAlpn01,
        AcmeChallenge::Http01 => ChallengeType::Http01,
    };
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        match authorization.status {
            AuthorizationStatus::Valid => continue,
            AuthorizationStatus::Pending => {}
            status => return Err(AcmeError::Authority(format!("an authorization is {status:?} from the start"))),
        }
        let name = authorization.identifier().to_string();
        let mut challenge = authorization
            .challenge(kind())
            .ok_or_else(|| AcmeError::Authority(format!("no {} is offered for {name}", how.as_str())))?;
        let proof = challenge.key_authorization();
        match how {
            AcmeChallenge::Http01 => challenges.set_http(&challenge.token, proof.as_str()),
            AcmeChallenge::TlsAlpn01 => challenges
                .set_alpn(&name, proof.digest().as_ref())
                .map_err(|e| AcmeError::Authority(format!("{name} fits in no certificate: {e}")))?,
        }
        challenge.set_ready().await?;
    }
    Ok(())
}

/// What the authority found, for the admin: usually that a name leads elsewhere, or that a port is closed.
async fn reasons_or(order: &mut Order, settings: &Settings, otherwise: AcmeError) -> AcmeError {
    let why = reasons(order).await;
    match otherwise {
        _ if !why.is_empty() => AcmeError::Refused(why.join("; ")),
        // The reason alone names nobody.
        AcmeError::Refused(why) => AcmeError::Refused(format!("{}: {why}", settings.domains.join(", "))),
        otherwise => otherwise,
    }
}

async fn reasons(order: &mut Order) -> Vec<String> {
    let mut why = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let name = authorization.identifier().to_string();
        let Ok(state) = authorization.refresh().await else { continue };
        let problems = state.challenges.iter().filter_map(|c| c.error.as_ref());
        why.extend(problems.map(|p| format!("{name}: {p}")));
    }
    why
}
