//! The promises about what is heard: it reaches the ear with the right ids, and again until it is recorded.
//!
//! Each function is one check and ends with the first problem; it knows nothing of any one provider.

use super::{ContractFinding, InboundText, Run, STEPS_OF_QUIET, ensure};
use crate::{
    connectors::{ConnectionStatus, EventKind, ProviderEvent, SendErrorKind, inbound_event::InboundMessage},
    model::{ids::MessageId, instance::InstanceState, message::Receipt},
};

/// After a logout the instance is closed with a reason, the ear knows, and nothing leaves.
pub(super) async fn logged_out(run: &Run<'_>) -> ContractFinding {
    let closed = |h: &ProviderEvent| match &h.what {
        EventKind::State(ConnectionStatus { state: InstanceState::Close, reason, .. }) => {
            reason.as_ref().is_some_and(|r| !r.is_empty())
        }
        _ => false,
    };
    let first = run.failure(&run.message(1, "This one finds the instance out")).await?;
    ensure(first.kind == SendErrorKind::Permanent, &format!("a logout is permanent, and this was {:?}", first.kind))?;
    run.heard_until("that the instance closed, with a reason", |heard| heard.iter().any(closed)).await?;
    let standing = run.connector.standing();
    ensure(standing.state == InstanceState::Close, &format!("after a logout it stands as {}", standing.state))?;
    ensure(standing.reason.is_some(), "after a logout no reason stands beside the state")?;
    let next = run.failure(&run.message(2, "This one knows it")).await?;
    ensure(next.kind == SendErrorKind::Permanent, &format!("logged out is permanent, and this was {:?}", next.kind))
}

/// Delivered and read reach the ear, in this order, under the ids of their message.
pub(super) async fn receipts(run: &Run<'_>) -> ContractFinding {
    receipts_heard(run, 0).await
}

/// Receipts that could not be recorded are offered again.
pub(super) async fn receipts_again(run: &Run<'_>) -> ContractFinding {
    // What is told at the start is over, and does not use up the failures.
    run.steps(STEPS_OF_QUIET).await;
    receipts_heard(run, 2).await
}

async fn receipts_heard(run: &Run<'_>, failures: usize) -> ContractFinding {
    let mut sent = Vec::new();
    for number in 1..=2 {
        let out = run.message(number, "Your order is ready.");
        sent.push((run.ack(&out).await?, out.message_id));
    }
    run.world.fail_ear(failures);
    for (ack, message) in &sent {
        run.world.tell_receipts(ack, message).await?;
    }
    for (ack, message) in &sent {
        let id = ack.provider_message_id.as_str();
        let complete = |heard: &[ProviderEvent]| {
            let told: Vec<_> = heard.iter().filter_map(receipt).filter(|r| r.0 == id).map(|r| r.2).collect();
            ack.acknowledged && told == [Receipt::Delivered, Receipt::Read]
                || told == [Receipt::Server, Receipt::Delivered, Receipt::Read]
        };
        let heard = run.heard_until("a message delivered and then read, once each", complete).await?;
        let foreign = heard.iter().filter_map(receipt).any(|r| r.0 == id && r.1.is_some_and(|m| m != message));
        ensure(!foreign, "a receipt carries another message's own id")?;
    }
    let known = |id: &str| sent.iter().any(|(ack, _)| ack.provider_message_id == id);
    let strange = run.world.heard().iter().filter_map(receipt).any(|r| !known(r.0));
    ensure(!strange, "a receipt is about a message that was never sent")
}

fn receipt(heard: &ProviderEvent) -> Option<(&str, Option<&MessageId>, Receipt)> {
    match &heard.what {
        EventKind::Receipt(heard) => Some((&heard.provider_message_id, heard.message_id.as_ref(), heard.receipt)),
        _ => None,
    }
}

/// A text reaches the ear once each time it is brought, unchanged.
pub(super) async fn inbound(run: &Run<'_>) -> ContractFinding {
    let texts = [brought(1, "مرحبا 👨‍👩‍👧‍👦"), brought(2, "שלום\n\"STOP\" \u{200f}")];
    for text in &texts {
        ensure(run.world.bring(text).await?, "a text was not confirmed to the provider")?;
    }
    let all = |heard: &[ProviderEvent]| texts.iter().all(|t| messages(heard, t).count() > 0);
    run.heard_until("the texts that were brought", all).await?;
    run.steps(STEPS_OF_QUIET).await;
    let heard = run.world.heard();
    for text in &texts {
        unchanged(run, &heard, text)?;
    }
    Ok(())
}

/// A text that could not be recorded is not confirmed, or offered again by the connector itself.
pub(super) async fn inbound_again(run: &Run<'_>) -> ContractFinding {
    run.steps(STEPS_OF_QUIET).await;
    let text = brought(3, "STOP");
    run.world.fail_ear(1);
    if !run.world.bring(&text).await? {
        ensure(run.world.bring(&text).await?, "a text that was brought again was not confirmed")?;
    }
    run.heard_until("a text that it failed to record at first", |heard| messages(heard, &text).count() > 0).await?;
    run.steps(STEPS_OF_QUIET).await;
    unchanged(run, &run.world.heard(), &text)
}

fn brought(number: usize, text: &str) -> InboundText {
    InboundText {
        provider_message_id: format!("contract-inbound-{number}"),
        from: format!("+96650000010{number}"),
        text: text.to_owned(),
    }
}

fn messages<'a>(
    heard: &'a [ProviderEvent],
    text: &'a InboundText,
) -> impl Iterator<Item = (&'a ProviderEvent, &'a InboundMessage)> {
    heard.iter().filter_map(|h| match &h.what {
        EventKind::Message(m) if m.provider_message_id == text.provider_message_id => Some((h, m)),
        _ => None,
    })
}

fn unchanged(run: &Run<'_>, heard: &[ProviderEvent], text: &InboundText) -> ContractFinding {
    let found: Vec<_> = messages(heard, text).collect();
    let [(heard, message)] = &found[..] else {
        return Err(format!("a text that was recorded once was told {} times", found.len()));
    };
    ensure(heard.instance == run.world.instance(), "what was heard is told of another instance")?;
    ensure(message.text.as_ref() == Some(&text.text), &format!("{:?} was heard as {:?}", text.text, message.text))?;
    ensure(message.from.phone.as_ref() == Some(&text.from), "a text was heard from another number")?;
    ensure(message.kind == "text", &format!("a text was heard as {}", message.kind))?;
    ensure(message.may_opt_out, "an opt-out word in a plain text would not count")?;
    ensure(message.group.is_none(), "a text between two was heard in a group")
}
