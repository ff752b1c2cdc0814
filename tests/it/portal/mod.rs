//! What people look at.

mod access;
mod accessibility;
mod admin;
mod browser;
mod chat;
mod csv;
mod docs;
mod form_errors;
mod layout;
mod moves;
mod pages;
mod people;
mod reads;
mod scheduled;
mod template_later;
mod template_send;
mod told;
mod twice;
mod vocabulary;
mod webhooks;
mod whose;
mod words;
mod xss;
