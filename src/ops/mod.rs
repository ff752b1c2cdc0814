//! Operation: certificates, logging, metrics, the doctor, lists that people bring in.

pub mod acme;
pub mod appliance_notices;
pub mod backlog;
pub mod backup;
pub mod disk;
pub mod doctor;
pub mod egress_allowlist;
pub mod keeper;
pub mod listen_addresses;
pub mod logging;
pub mod memory;
pub mod meta_calls;
pub mod metrics;
pub mod page_settings;
pub mod standby;
pub mod status;
pub mod tls;
pub mod x509;
