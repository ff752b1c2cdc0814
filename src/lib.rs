//! wa-gateway: expected WhatsApp messages out, answers in, and a guard in between.
//!
//! # The rooms, from the bottom up
//!
//! | room | what it is |
//! |---|---|
//! | [`model`] | the words everybody uses, pure: ids, phones, purposes, states, time, chance |
//! | [`config`] | the configuration file and its defaults |
//! | [`store`] | the one door to SQLite: reading, writing, migrations, sealed secrets |
//! | [`egress`] | every call out over HTTP, and whom it may reach |
//! | [`connectors`] | how a number reaches WhatsApp: Cloud API, Evolution API, the sandbox |
//! | [`accounts`] | customers, users, sessions, keys; what was done (audit) and what should be known (notices) |
//! | [`texts`] | the words that people read, in their languages |
//! | [`events`] | what happened is told: webhooks, open pages, letters |
//! | [`instances`] | the numbers, their settings, states and templates |
//! | [`people`] | who is at the other end: contacts, chats, opt-outs, files |
//! | [`sending`] | why it exists: a request judged by the guard, recorded, sent; now or later |
//! | [`ops`] | the appliance: certificates, backups, doctor, metrics, logs |
//! | [`gateway`] | the slices put together, and what they do together: what is heard, what is forgotten |
//! | [`web`] | HTTP itself: connections, requests, bodies, answers, who may ask |
//! | [`api`] | what programs ask for: the guarded API, providers' calls, health, OpenAPI |
//! | [`dialects`] | other products' APIs, each with its rules and its HTTP side: Chattu, 3CX |
//! | [`portal`] | what people look at |
//! | [`app`] | the composition root: routes, scheduler, command line, control socket |
//!
//! # Words
//!
//! | word | meaning |
//! |---|---|
//! | account | a customer: plan, modules, time zone; owns everything below |
//! | user | a person who logs in: `admin` of the appliance, `owner` or `viewer` of an account |
//! | instance | one WhatsApp number ("client" in Chattu's words) |
//! | connector | how an instance reaches WhatsApp |
//! | contact | one person, under all ids and spellings of a number |
//! | message, inbound message | one row of the log, out and in |
//! | purpose | why a message is sent; the caller says it, the guard checks it |
//! | gate | one check of the guard; [`sending::policy::GATES`] is their order |
//! | strike | a violation that counts towards the pause of an instance |
//! | pace | how fast a number may send, and what it waits for |
//! | window | the 24 hours after a person wrote, in which free text may be sent |
//! | suppression | nothing is sent to this contact, whoever asks |
//! | endpoint, event, delivery, attempt | a customer's webhook, what happened, one event to one endpoint, one try of it |
//! | notice | what owner or admin should know without asking |
//! | dialect | another product's API, served beside ours |
//! | integration | one telephone system (3CX) of an account |
//! | wire | the one way to send; [`sending`] alone holds it |
//!
//! # The import rule
//!
//! Nothing points up and nothing stands in a circle: each room, and each slice of a room, sees the others only along its
//! line in the table of `tests/it/tidy.rs`, which checks this with the other rules of the house.
//!
//! # The walk of one message
//!
//! 1. [`app::routes::ROUTES`]: one line, `POST /api/send-message`.
//!    [`app::Access`] judges the key ([`accounts::KeyCache::find`]).
//! 2. [`api::guarded::send_message::handle`]: content type, body ([`web::body::json_object`]).
//! 3. [`sending::request::parse`]: strings become types, or a refusal that names every wrong field.
//! 4. [`sending::Sending::submit`]: the story of the slice, on one screen:
//!    - one write transaction ([`store::Store::write_of`]): replay an idempotent answer, else load every fact
//!      ([`sending::facts`]), judge ([`sending::policy::judge`] over [`sending::policy::GATES`]), record: row, quota
//!      reserved, Idempotency-Key. A refusal is recorded too.
//!    - `sending` is committed before the first byte leaves; then [`connectors::Wire::send`], outside any transaction.
//!    - one write transaction: the outcome, quota counted or given back.
//! 5. [`web::reply::answer`], or [`web::problem::refusal`].
//!
//! Later a connector hears what became of it: [`gateway::inbound::Inbound`] → [`sending::receipts::apply`].
//!
//! # Invariants
//!
//! - Nobody but `sending` can send: there is one [`connectors::Wire`], it cannot be cloned, and [`app::App::open`] moves
//!   it there.
//! - `sent` is said only when the provider took the message. What may have left is `unknown`, and never sent again.
//! - A caller hears "done" only after the commit that makes it so, and the commit is on the disk (`synchronous=FULL`).
//! - Time and chance are arguments ([`model::clock`], [`model::random`]).
//! - Nobody but `egress` calls out over HTTP, and it judges the address itself just before it connects.
//! - No secret, no message text and no full number is logged.

pub mod accounts;
pub mod api;
pub mod app;
pub mod config;
pub mod connectors;
pub mod dialects;
pub mod egress;
pub mod events;
pub mod gateway;
pub mod instances;
pub mod model;
pub mod ops;
pub mod people;
pub mod portal;
pub mod sending;
pub mod store;
pub mod texts;
pub mod web;
