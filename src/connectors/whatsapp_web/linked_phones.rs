//! One phone is one instance's: linked to two, each would hear every message, and everything that answers would answer
//! twice.

use super::{WebInner, ids};
use crate::connectors::neighbours::Neighbours;
use std::sync::atomic::Ordering;

/// The instances of this gateway that are linked devices.
#[derive(Default)]
pub struct LinkedPhones(pub(super) Neighbours<WebInner>);

impl WebInner {
    /// Whether another instance has the phone that this one was linked to just now. What was linked earlier stays as it is.
    pub(super) fn is_linked_twice(&self, phone: &str) -> bool {
        let is_another =
            |other: &Self| other.instance != self.instance && other.linked_phone().as_deref() == Some(phone);
        self.is_new_link.swap(false, Ordering::Relaxed) && self.others.0.all().iter().any(|other| is_another(other))
    }

    /// The number of the phone whose keys this instance has.
    fn linked_phone(&self) -> Option<String> {
        self.since()?;
        let of_keys = self.client().and_then(|client| client.pn()).and_then(|jid| ids::phone(&jid));
        of_keys.or_else(|| self.line.standing().phone)
    }
}
