//! Whether notices can be mailed.

use super::Finding;
use crate::{config::Config, notices::mail::Mailer};

const SETTING: &str = "SMTP_URL";

/// Connects, introduces itself and leaves.
pub fn examine(config: &Config) -> Finding {
    let mailer = match Mailer::of(config) {
        Ok(None) => {
            return Finding::fine(
                SETTING,
                "not set: notices are on the pages and go to webhooks only",
            );
        }
        Ok(Some(mailer)) => mailer,
        Err(error) => return Finding::error("SMTP_FROM", format!("{error:#}")),
    };
    match mailer.knock() {
        Err(failure) => Finding::error(
            SETTING,
            format!("notices cannot be mailed, and wait: {}", failure.words()),
        ),
        Ok(()) if config.smtp.as_ref().is_some_and(|server| server.is_readable) => {
            Finding::warning(
                SETTING,
                "the mail server answers, but what is sent could be read on the way; use smtps:// or add ?tls=required",
            )
        }
        Ok(()) => Finding::fine(
            SETTING,
            format!("the mail server answers; mails come from {}", mailer.from()),
        ),
    }
}

/// What those who may enter addresses of webhooks can reach by way of this machine.
pub fn examine_webhooks(config: &Config) -> Finding {
    const SETTING: &str = "LATCHKEY_WEBHOOKS_MAY_CALL_PRIVATE";
    if config.webhooks_may_call_private {
        Finding::warning(
            SETTING,
            "yes: administrators can have this machine call anything it can reach, also over plain http; leave it off unless webhooks are in your own network",
        )
    } else {
        Finding::fine(SETTING, "no: webhooks lead to public addresses only, over https")
    }
}
