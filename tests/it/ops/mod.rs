//! The appliance: certificates, backups, metrics, the doctor, systemd.

mod acme;
mod backup;
mod kills;
mod operation;
mod removal;
mod restored;
mod standby;
mod systemd_units;
