//! WhatsApp Web in the process, against a WhatsApp of the tests' own. Everything between the two is real: the WebSocket,
//! Noise, the keys, the encryption. Only the certificate's signature is not checked, which takes the test build's
//! feature `whatsapp-web-double`.

mod actions;
mod changes;
mod clock;
mod closed;
mod contract;
mod friend;
mod groups;
mod history;
mod journey;
mod killed;
mod media;
mod messages;
mod page;
mod pairing;
mod receipts;
mod rig;
mod second_machine;
mod told;
mod trial;
mod trouble;
mod warm_up;
