//! The one integration binary: a folder for each room of `src/`, and the harness that they share.

mod accounts;
mod api;
mod app;
mod connectors;
mod dialects;
mod egress;
mod events;
mod gateway;
mod harness;
mod model;
mod ops;
mod owners;
mod people;
mod portal;
mod sending;
mod store;
mod texts;
mod tidy;
mod web;
