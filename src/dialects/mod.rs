//! What other products' clients speak: each dialect in one room, its rules beside its HTTP side and its part of the
//! OpenAPI document.

pub mod chattu;
pub mod threecx;

use crate::gateway::Gateway;
use chattu::Chattu;
use serde_json::Value;
use std::{
    ops::Deref,
    sync::{Arc, LazyLock},
};
use threecx::Threecx;

/// What requests, pages and commands work with: the gateway, and beside it the dialects that speak to it. Everything of
/// the gateway is its own, too.
pub struct AppState {
    /// The slices, put together.
    pub gateway: Arc<Gateway>,
    /// What the Chattu dialect shows and does.
    pub chattu: Arc<Chattu>,
    pub threecx: Arc<Threecx>,
    /// The interface of all that is served, as OpenAPI, without the address of this gateway.
    pub interface: &'static LazyLock<Value>,
}

impl Deref for AppState {
    type Target = Gateway;

    fn deref(&self) -> &Gateway {
        &self.gateway
    }
}
