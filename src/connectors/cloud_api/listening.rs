//! What something heard means for the whole number, once it is recorded.

use super::{CloudInner, direct_send};
use crate::{
    connectors::{
        EventKind, ProviderEvent,
        templates::{Category, TemplateName},
    },
    model::{instance::InstanceState, message::Receipt},
};

/// What something heard means for the whole number.
pub(super) enum Follows {
    /// A message failed with this code.
    Failure(i64),
    /// Meta closed the line, and why.
    Close(String),
    /// A template has another category.
    Category(TemplateName, Category),
    /// Texts outside the window are not wanted any more, and why.
    EndDirectSend(&'static str),
}

impl CloudInner {
    /// What follows from something heard. Meta brings old news again for days: what was before the line was opened
    /// closes nothing.
    pub(super) fn follows(&self, heard: &ProviderEvent) -> Option<Follows> {
        let is_new = heard.at.seconds() >= self.plan().opened_at.seconds();
        if is_new { follows(&heard.what) } else { None }
    }

    pub(super) async fn heed(&self, one: Follows) {
        match one {
            Follows::Failure(code) => self.heard_failure(code).await,
            Follows::Close(why) => self.line.not_open(InstanceState::Close, &why).await,
            Follows::EndDirectSend(why) => self.end_direct_send(why).await,
            Follows::Category(name, category) => self.templates().recategorise(&name, category),
        }
    }
}

fn follows(what: &EventKind) -> Option<Follows> {
    match what {
        EventKind::Receipt(heard) if heard.receipt == Receipt::Failed => {
            heard.code.as_ref()?.parse().ok().map(Follows::Failure)
        }
        EventKind::State(now) if now.state == InstanceState::Close => now.reason.clone().map(Follows::Close),
        EventKind::TemplateChanged(now) => now.category.map(|word| Follows::Category(now.template.clone(), word)),
        EventKind::News(news) => {
            direct_send::ends(news).map(Follows::EndDirectSend).or_else(|| news.then.iter().find_map(follows))
        }
        _ => None,
    }
}
