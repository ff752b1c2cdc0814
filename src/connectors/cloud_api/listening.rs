//! The webhook's own ear: what is heard is recorded, and what it means for the whole number is heeded.

use super::CloudInner;
use crate::{
    connectors::{
        Boxed, Ear, EventKind, NotRecorded, ProviderEvent,
        templates::{Category, TemplateName},
    },
    model::{instance::InstanceState, message::Receipt},
};
use std::sync::Arc;

/// The ear of the webhook: what it hears is recorded as ever, and a failure that concerns the whole number is heeded.
pub(super) struct Listening {
    pub(super) inner: Arc<CloudInner>,
    pub(super) ear: Arc<dyn Ear>,
}

impl Ear for Listening {
    fn hear(&self, heard: ProviderEvent) -> Boxed<'_, Result<(), NotRecorded>> {
        self.record_all(vec![heard])
    }

    fn record_all(&self, all: Vec<ProviderEvent>) -> Boxed<'_, Result<(), NotRecorded>> {
        Box::pin(async move {
            // Meta brings old news again for days: what was before the line was opened closes nothing.
            let opened = self.inner.plan().opened_at.seconds();
            let news = all.iter().filter(|heard| heard.at.seconds() >= opened);
            let follows: Vec<Follows> = news.filter_map(|heard| follows(&heard.what)).collect();
            self.ear.record_all(all).await?;
            self.inner.line.heard_now();
            for one in follows {
                match one {
                    Follows::Failure(code) => self.inner.heard_failure(code).await,
                    Follows::Close(why) => self.inner.line.not_open(InstanceState::Close, &why).await,
                    Follows::Category(name, category) => self.inner.templates().recategorise(&name, category),
                }
            }
            Ok(())
        })
    }
}

/// What something heard means for the whole number.
enum Follows {
    /// A message failed with this code.
    Failure(i64),
    /// Meta closed the line, and why.
    Close(String),
    /// A template has another category.
    Category(TemplateName, Category),
}

fn follows(what: &EventKind) -> Option<Follows> {
    match what {
        EventKind::Receipt(heard) if heard.receipt == Receipt::Failed => {
            heard.code.as_ref()?.parse().ok().map(Follows::Failure)
        }
        EventKind::State(now) if now.state == InstanceState::Close => now.reason.clone().map(Follows::Close),
        EventKind::TemplateChanged(now) => now.category.map(|word| Follows::Category(now.template.clone(), word)),
        EventKind::News(news) => news.then.iter().find_map(follows),
        _ => None,
    }
}
