//! The promises about messages on their way out: taken once and unchanged, or not at all, or nobody knows.
//!
//! Each function is one check and ends with the first problem; it knows nothing of any one provider.

use super::{ContractFinding, Run, STEPS, STEPS_OF_QUIET, TakenMessage, ensure};
use crate::{
    connectors::{Ack, Content, Outgoing, SendErrorKind},
    model::instance::InstanceState,
};
use std::collections::HashSet;

/// Texts that get lost where somebody counts bytes, cuts, trims, normalises or escapes.
fn difficult_texts() -> Vec<String> {
    vec![
        "مرحبًا، طلبكم جاهز ـــ ١٢٣".to_owned(),
        "שָׁלוֹם, ההזמנה \"מוכנה\" ב־10:00".to_owned(),
        "\u{200f}ABC\u{200e} \u{202b}אבג\u{202c} \u{2067}د\u{2069}".to_owned(),
        "👨‍👩‍👧‍👦 👍🏽 🏳️‍🌈 🇸🇦 1️⃣".to_owned(),
        "e\u{301} é ﬁ Ａ \u{200b}\u{200d}\u{feff}|".to_owned(),
        "  two spaces before, a line\nand\r\nanother\ttab, and two after  ".to_owned(),
        r#"{"text":"\"} \n \u0041 %00 %s <b>&amp;</b> ' -- $1"#.to_owned(),
        "a\u{2028}b\u{2029}c\u{85}d\u{7f}e".to_owned(),
        "א".repeat(4096),
        "👍".repeat(4096),
    ]
}

/// Acknowledged with an id; the provider took one, as it was given.
pub(super) async fn accepted(run: &Run<'_>) -> ContractFinding {
    let out = run.message(1, "Your order 17 is ready.");
    let ack = run.ack(&out).await?;
    run.steps(STEPS_OF_QUIET).await;
    let taken = run.world.taken().await?;
    let [one] = &taken[..] else {
        return Err(format!("one message was acknowledged, and the provider took {}", taken.len()));
    };
    same(&out, &ack, one)?;
    let standing = run.connector.standing();
    ensure(standing.state == InstanceState::Open, "an instance that sends does not stand as open")?;
    ensure(standing.reason.is_none(), "an open instance gives a reason for not being open")
}

/// Every text arrives unchanged.
pub(super) async fn texts(run: &Run<'_>) -> ContractFinding {
    for (number, text) in difficult_texts().into_iter().enumerate() {
        let out = run.message(number, &text);
        let ack = run.ack(&out).await?;
        let taken = run.world.taken().await?;
        let last = taken.last().ok_or("a message was acknowledged, and the provider took none")?;
        same(&out, &ack, last)?;
    }
    Ok(())
}

/// Messages that are sent at once keep their own text, recipient and id.
pub(super) async fn parallel(run: &Run<'_>) -> ContractFinding {
    const AT_ONCE: usize = 32;
    let out: Vec<Outgoing> = (0..AT_ONCE).map(|n| run.message(n, &format!("Order {n} is ready."))).collect();
    let acks = futures_util::future::join_all(out.iter().map(|out| run.connector.send(out)));
    let acks = tokio::select! {
        biased;
        acks = acks => acks,
        () = run.steps(STEPS) => return Err(format!("{AT_ONCE} sends at once had no answers within 10 s")),
    };
    let taken = run.world.taken().await?;
    ensure(taken.len() == AT_ONCE, &format!("{AT_ONCE} were sent at once, and the provider took {}", taken.len()))?;
    let mut ids = HashSet::new();
    for (out, ack) in out.iter().zip(acks) {
        let ack = ack.map_err(|e| format!("one of {AT_ONCE} sent at once failed: {e:?}"))?;
        let one = taken.iter().find(|t| Content::Text(t.text.clone()) == out.content);
        same(out, &ack, one.ok_or("of those sent at once, one text never arrived")?)?;
        ensure(ids.insert(ack.provider_message_id), "two messages have the same provider id")?;
    }
    Ok(())
}

/// A refusal is for good, and nothing was taken.
pub(super) async fn refused(run: &Run<'_>) -> ContractFinding {
    let error = run.failure(&run.message(1, "Refuse this text")).await?;
    ensure(error.kind == SendErrorKind::Permanent, &format!("a refusal is permanent, and this was {:?}", error.kind))
}

/// What cannot have left may be tried again.
pub(super) async fn unreachable(run: &Run<'_>) -> ContractFinding {
    let error = run.failure(&run.message(1, "Nobody takes this text")).await?;
    let temporary = matches!(error.kind, SendErrorKind::Temporary { .. });
    ensure(temporary, &format!("an unreachable provider is temporary, and this was {:?}", error.kind))
}

/// Taken without an answer: no answer is made up, and nothing more leaves after the caller gave up.
pub(super) async fn silent(run: &Run<'_>) -> ContractFinding {
    let out = run.message(1, "Take this text and say nothing.");
    let mut send = run.connector.send(&out);
    let mut quiet = 0;
    for _ in 0..STEPS {
        let answer = tokio::select! {
            biased;
            answer = &mut send => Some(answer),
            () = run.world.pass() => None,
        };
        match answer {
            Some(Ok(_)) => return Err("the provider never answered, and the message was acknowledged".to_owned()),
            Some(Err(e)) if e.kind == SendErrorKind::Ambiguous => break,
            Some(Err(e)) => return Err(format!("nobody can tell whether it left, and it ended as {:?}", e.kind)),
            None if run.world.taken().await?.is_empty() => {}
            None if quiet == STEPS_OF_QUIET => break,
            None => quiet += 1,
        }
    }
    let before = run.world.taken().await?.len();
    drop(send);
    run.steps(STEPS_OF_QUIET).await;
    let after = run.world.taken().await?.len();
    ensure(before == 1, &format!("the provider took {before} of one message while the caller waited"))?;
    ensure(after == before, "something of a message left after its caller had given up")
}

/// An instance that is not open sends nothing, and says why.
pub(super) async fn not_open(run: &Run<'_>) -> ContractFinding {
    let error = run.failure(&run.message(1, "This text stays here")).await?;
    let kind = error.kind;
    ensure(kind == SendErrorKind::Permanent, &format!("not being open is permanent, and this was {kind:?}"))?;
    let standing = run.connector.standing();
    ensure(standing.state != InstanceState::Open, "an instance that is not open stands as open")?;
    ensure(standing.reason.is_some(), "an instance that is not open gives no reason")
}

/// A stopped connector sends nothing.
pub(super) async fn stopped(run: &Run<'_>) -> ContractFinding {
    run.connector.stop().await;
    let error = run.failure(&run.message(1, "This text comes too late")).await?;
    ensure(error.kind != SendErrorKind::Ambiguous, "a stopped connector cannot tell whether a message left")
}

/// Whether what was taken is what was given, and its ids are those that the caller knows.
fn same(out: &Outgoing, ack: &Ack, taken: &TakenMessage) -> ContractFinding {
    let Content::Text(text) = &out.content else { return Err("the checks send only texts".to_owned()) };
    ensure(*text == taken.text, &format!("the text {text:?} arrived as {:?}", taken.text))?;
    ensure(out.to.to_string() == taken.to, &format!("a message to {} went to {}", out.to, taken.to))?;
    let ours = taken.message_id.as_deref().is_none_or(|id| id == out.message_id.as_str());
    ensure(ours, "the provider was given another message's own id")?;
    let theirs = taken.provider_message_id.as_deref().is_none_or(|id| id == ack.provider_message_id);
    ensure(theirs, "an acknowledgement has another id than the provider gave")
}
