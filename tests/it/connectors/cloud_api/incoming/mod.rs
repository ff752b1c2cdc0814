//! What Meta's Cloud API brings: through the real App, over HTTP, under a right signature and under others.

mod batch;
mod door;
mod examples;
mod odd;
mod people;
mod portal;
mod rig;
mod templates;
mod whole;
