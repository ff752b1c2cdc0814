//! What people look at.

mod access;
mod accessibility;
mod admin;
mod browser;
mod chat;
mod csv;
mod docs;
mod form_errors;
mod pages;
mod reads;
mod scheduled;
mod webhooks;
mod xss;
