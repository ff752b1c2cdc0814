//! The content policy of every account: the common one, and those of accounts that have phrases of their own.

use super::policy::content::ContentPolicy;
use crate::model::ids::AccountId;
use std::{collections::HashMap, sync::Arc};

/// Whose texts are judged by what.
#[derive(Debug)]
pub struct Policies {
    common: Arc<ContentPolicy>,
    own: HashMap<AccountId, Arc<ContentPolicy>>,
}

impl Policies {
    /// `common` for everybody but the accounts of `own`.
    pub fn new(common: Arc<ContentPolicy>, own: HashMap<AccountId, Arc<ContentPolicy>>) -> Self {
        Self { common, own }
    }

    /// The policy of an account; none: the common one.
    pub fn of(&self, account: Option<AccountId>) -> &ContentPolicy {
        account.and_then(|account| self.own.get(&account)).unwrap_or(&self.common)
    }
}
