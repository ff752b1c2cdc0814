//! wa-gateway: expected WhatsApp messages out, answers in, and a guard in between.
//!
//! # The picture
//!
//! ```text
//!  shop, ERP, help desk, PBX                 owner's browser               admin's shell
//!            │ HTTP (loopback or TLS)               │                            │ Unix socket
//!      ┌─────▼──────────────────────────────────────▼──────┐             ┌──────▼──────┐
//!      │ http/   routes, auth, bodies, problems   portal/  │             │  control    │   scheduler
//!      └─────┬──────────────────────────────────────┬──────┘             └──────┬──────┘      │
//!            └───────────────┬──────────────────────┴───────────────────────────┴─────────────┘
//!                       ┌────▼─────┐
//!                       │ gateway  │  the slices, put together
//!                       └────┬─────┘
//!   accounts/  instances/  conversations/  suppression/  sending/  inbound/  schedule/    what the business knows
//!   templates/  media/  webhooks/  notices/  digests/  chats/  live/  threecx/  chattu/  retention/
//!            └───────────────┬────────────────────────┬───────────┘
//!                       ┌────▼─────┐            ┌─────▼───────┐
//!                       │  store/  │ SQLite     │ connectors/ │ WhatsApp: cloud_api, evolution, sandbox
//!                       └────┬─────┘            └─────┬───────┘
//!                            │                        ├──► egress/   every call out
//!                            └──────► model/ ◄────────┘   words, pure
//! ```
//!
//! # The import rule
//!
//! `main → cli → app → {http, portal, control, scheduler, ops} → gateway → slices → {connectors, store} → model`, with
//! `config` beside `app` and `egress` below `connectors`. Nothing points up and nothing in a circle. A slice sees another
//! only along its line in the table of `tests/it/tidy.rs`, which checks this, with the other rules of the house.
//!
//! # The walk of one message
//!
//! 1. [`http::ROUTES`]: one line, `POST /api/send-message`.
//! 2. [`http::guarded_api::send_message::handle`]: content type, key ([`accounts::KeyRing::find`]), body
//!    ([`http::body::json_object`]).
//! 3. [`sending::request::parse`]: strings become types, or a refusal that names every wrong field.
//! 4. [`sending::Sending::submit`]: the story of the slice, on one screen:
//!    - one write transaction ([`store::Store::write`]): replay an idempotent answer, else load every fact
//!      ([`sending::facts`]), judge ([`sending::policy::judge`] over [`sending::policy::GATES`]), record: row, quota
//!      reserved, Idempotency-Key. A refusal is recorded too.
//!    - `sending` is committed before the first byte leaves; then [`connectors::Wire::send`], outside any transaction.
//!    - one write transaction: the outcome, quota counted or given back.
//! 5. [`http::reply::answer`], or [`http::problem::refusal`].
//!
//! Later a connector hears what became of it: [`inbound::Inbound`] → [`sending::receipts::apply`].
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
pub mod app;
pub mod attention;
pub mod chats;
pub mod chattu;
pub mod cli;
pub mod config;
pub mod connectors;
pub mod control;
pub mod conversations;
pub mod digests;
pub mod egress;
pub mod gateway;
pub mod http;
pub mod inbound;
pub mod instances;
pub mod live;
pub mod media;
pub mod model;
pub mod notices;
pub mod ops;
pub mod portal;
pub mod reach;
pub mod retention;
pub mod schedule;
pub mod scheduler;
pub mod sending;
pub mod store;
pub mod suppression;
pub mod templates;
pub mod threecx;
pub mod webhooks;
