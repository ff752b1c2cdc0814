//! Operation: certificates, logging, metrics, the doctor, lists that people bring in.

pub mod acme;
pub mod backup;
pub mod csv;
pub mod disk;
pub mod doctor;
pub mod keeper;
pub mod logging;
pub mod memory;
pub mod metrics;
pub mod tls;
pub mod x509;
