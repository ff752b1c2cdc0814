//! Who is told of what needs a hand; and whether the mail server can be reached, without a word to it.

use super::{Finding, fail, ok};
use crate::config;
use std::{fs, time::Duration};
use tokio::{net::TcpStream, time::timeout};

/// How long the mail server may take to answer the call.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

pub(super) async fn finding(told: &config::NoticesConfig) -> Finding {
    let files = [&told.smtp_password_file, &told.smtp_root, &told.webhook_secret_file];
    for file in files.into_iter().flatten() {
        if let Err(e) = fs::read(file) {
            return fail("notices", format!("{}: {e}; nothing can be sent without it", file.display()));
        }
    }
    let mut ways = Vec::new();
    if let Some(host) = &told.smtp_host {
        let place = format!("{host}:{}", told.smtp_port);
        let reached = match timeout(CONNECT_WITHIN, TcpStream::connect(&place)).await {
            Ok(reached) => reached.map(drop).map_err(|e| e.to_string()),
            Err(_) => Err("it does not answer".to_owned()),
        };
        if let Err(e) = reached {
            return fail(
                "notices",
                format!("the mail server {place} cannot be reached: {e}; see [notices], or /admin/notices"),
            );
        }
        ways.push(format!("by mail over {place}"));
    }
    if told.webhook_url.is_some() {
        ways.push("by webhook".into());
    }
    match ways.as_slice() {
        [] => {
            ok("notices", "shown in the portal alone; /admin/notices sends them by mail, [notices] by mail or webhook")
        }
        ways => ok("notices", format!("sent {}; /admin/notices sends a test", ways.join(" and "))),
    }
}
