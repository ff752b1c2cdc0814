//! Refusals as a client sees them. The figures are examples.

use crate::model::{
    code::{Action, Code, Details, Extra},
    plan::Module,
};
use serde_json::{Value, json};

/// The body that comes with a code.
pub fn refusal(code: Code, message: &str) -> Value {
    let mut body = json!({"success": false, "error": code, "message": message});
    // Who has not proved who they are is told nothing else.
    if code != Code::Invalid3cxWebhook {
        body["details"] = json!(details(code));
    }
    body
}

fn details(code: Code) -> Details {
    let guard = |action, risk_score, extra| Details::Guard { action, risk_score, extra };
    match code {
        Code::ValidationError => Details::Fields(vec!["instance_id", "phone", "message"]),
        Code::InsufficientScope => Details::Scope("read"),
        Code::ModuleNotEnabled => Details::Module { module: Module::ApiAccess, status: "not_in_plan" },
        Code::MessagePurposeRequired => guard(Action::Block, 0, Extra::None),
        Code::MessagePurposeNotAllowed | Code::RecipientSuppressed => guard(Action::Block, 100, Extra::None),
        Code::DailyMessageLimitExceeded => guard(Action::Block, 90, Extra::Limit { limit: 100, used: 100 }),
        Code::MonthlyMessageLimitExceeded => guard(Action::Block, 90, Extra::Limit { limit: 2000, used: 2000 }),
        Code::SendingThrottled => guard(Action::Throttle, 65, Extra::Rate("recipient")),
        Code::InstancePausedForReview => guard(Action::PauseInstance, 100, Extra::None),
        Code::PolicyViolation => {
            guard(Action::Block, 90, Extra::Signals(vec!["prize".into(), "link.shortener".into()]))
        }
        Code::ConversationWindowClosed => Details::Action(Action::Block),
        _ => Details::None,
    }
}
