//! The appliance: certificates, backups, metrics, the doctor, systemd.

mod acme;
mod backup;
mod kills;
mod operation;
mod systemd_units;
