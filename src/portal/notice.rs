//! Notices on pages: where to mend what they tell of, and how grave it is.

use crate::accounts::notices::{Notice, NoticeKind};

/// Where whoever reads it mends it.
pub fn link(notice: &Notice, is_admin: bool) -> &'static str {
    match NoticeKind::parse(&notice.kind) {
        Some(NoticeKind::InstancePaused) if is_admin => "/admin/reviews",
        Some(NoticeKind::EndpointDisabled) => "/webhooks",
        Some(
            NoticeKind::InstanceDisconnected
            | NoticeKind::InstancePaused
            | NoticeKind::ProviderNews
            | NoticeKind::FreeRepliesEnding
            | NoticeKind::SentAbroad
            | NoticeKind::TemplateMarketing,
        ) => "/instances",
        Some(NoticeKind::LimitNear | NoticeKind::LimitReached) => "/overview",
        Some(NoticeKind::LimitRequested) => "/admin/requests",
        Some(NoticeKind::LimitDecided) => "/account",
        Some(NoticeKind::BackupFailed) => "/docs/backup",
        Some(NoticeKind::CertificateEnding | NoticeKind::DiskNearlyFull) | None => "/docs/install",
    }
}

/// How grave it is: the tone of its mark.
pub fn tone(notice: &Notice) -> &'static str {
    let is_warning = matches!(
        NoticeKind::parse(&notice.kind),
        Some(
            NoticeKind::LimitNear
                | NoticeKind::FreeRepliesEnding
                | NoticeKind::EndpointDisabled
                | NoticeKind::ProviderNews
                | NoticeKind::TemplateMarketing
                | NoticeKind::LimitRequested
                | NoticeKind::LimitDecided
        )
    );
    if notice.cleared_at.is_some() {
        "ok"
    } else if is_warning {
        "warn"
    } else {
        "bad"
    }
}
