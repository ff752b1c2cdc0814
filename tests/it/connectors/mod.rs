//! How a number reaches WhatsApp: the contract of connectors, and each of them.

pub mod cloud_api;
mod contract;
pub mod evolution;
mod sandbox;
#[cfg(feature = "whatsapp-web-double")]
mod whatsapp_web;
