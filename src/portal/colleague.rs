//! What the pages of people have in common, an administrator's and an owner's: changing one, and the link by which one
//! chooses a password.

use super::{PageContext, PageError};
use crate::{
    accounts::{AccountError, LinkPurpose, Role},
    gateway::Gateway,
    model::ids::UserId,
};

/// `do=role`, with one of `roles`, `do=disable`, `do=enable`.
///
/// # Errors
/// Anything else; the inner one says what stands against it.
pub async fn change(
    gateway: &Gateway,
    v: &PageContext,
    user: UserId,
    roles: &[Role],
) -> Result<Result<(), AccountError>, PageError> {
    let accounts = &gateway.accounts;
    Ok(match v.form.text("do") {
        "role" => {
            let role = Role::parse(v.form.text("role")).filter(|role| roles.contains(role));
            accounts.set_role(user, role.ok_or(PageError::NotFound)?, v.actor()).await
        }
        "disable" => accounts.set_user_disabled(user, true, v.actor()).await,
        "enable" => accounts.set_user_disabled(user, false, v.actor()).await,
        _ => return Err(PageError::NotFound),
    })
}

/// A one-time link for whoever logs in as `email`: for whom, and its address.
///
/// # Errors
/// No such login.
pub async fn password_link(gateway: &Gateway, v: &PageContext, email: &str) -> Result<(String, String), PageError> {
    let purpose = LinkPurpose::Password;
    let link = gateway.accounts.create_link(email, purpose, v.actor()).await?;
    Ok((email.to_owned(), format!("{}/{purpose}/{}", gateway.public_url, link.token)))
}
