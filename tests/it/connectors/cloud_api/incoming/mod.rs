//! What Meta's Cloud API brings: through the real App, over HTTP, under a right signature and under others.

mod batch;
mod certified;
mod coexistence;
mod door;
mod examples;
mod late;
mod numbers;
mod odd;
mod people;
mod portal;
mod rig;
mod templates;
mod whole;
