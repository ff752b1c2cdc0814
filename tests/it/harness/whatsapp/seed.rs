//! Devices that are linked without a scan: their store knows the service's key, so that they call it with the check of
//! certificates on.

use super::{Device, Scan, WhatsApp, lid, noise::public, pairing, pn};
use std::{path::Path, sync::Arc};
use whatsapp_rust::{
    buffa::Message as _,
    prelude::SqliteStore,
    store::persistence_manager::PersistenceManager,
    wacore::{
        pair::{DeviceState, PairUtils},
        store::{
            DeviceCommand,
            device::{CachedNoiseCert, CachedServerCertChain},
        },
    },
    waproto::whatsapp as wa,
};

impl WhatsApp {
    /// Makes the store of a device that the phone of `number` lists.
    pub async fn seed(&self, number: u64, store: &Path) {
        let store = SqliteStore::new(store.to_str().expect("a path in UTF-8")).await.expect("a store");
        let store = PersistenceManager::new(Arc::new(store)).await.expect("a store");
        let device = store.get_device_snapshot();
        let state = DeviceState {
            identity_key: device.identity_key.clone(),
            noise_key: device.noise_key.clone(),
            adv_secret_key: device.adv_secret_key,
        };
        let identity = public(&state.identity_key);
        let keys = &self.shared.keys;
        let signed = pairing::signed(keys, Scan::Well, &identity, &state.adv_secret_key);
        let (account, _) = PairUtils::do_pair_crypto(&state, &signed).expect("the phone's signature");
        let certificate = |key: Vec<u8>| CachedNoiseCert {
            key: key.try_into().expect("32 bytes"),
            not_before: 1_700_000_000,
            not_after: 4_000_000_000,
        };
        let chain =
            CachedServerCertChain { intermediate: certificate(vec![0xCC; 32]), leaf: certificate(public(&keys.noise)) };
        let signed = wa::ADVSignedDeviceIdentity::decode_from_slice(&account).expect("what was just signed");
        for command in [
            DeviceCommand::SetId(Some(pn(number).with_device(1))),
            DeviceCommand::SetLid(Some(lid(number).with_device(1))),
            DeviceCommand::SetAccount(Some(signed)),
            DeviceCommand::SetServerCertChain(chain),
        ] {
            store.process_command(command).await;
        }
        store.flush().await.expect("written");
        let device = Device { identity, account, ..Device::default() };
        self.shared.state().devices.insert(number, device);
    }
}
